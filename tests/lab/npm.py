"""What npm's registry and its clients sign: versions, publish attestations, provenance.

::

    key = RegistryKey(lab)
    key.signs("tool", "1.0.0", integrity(tarball))    # as `dist.signatures` has it
    publish(key, "tool", "1.0.0", tarball)            # a keyed bundle
    provenance(lab, "tool", "1.0.0", tarball)         # by the workflow's certificate
    targets(key), endpoint(key)                       # the keys, in both forms
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from tests.lab import builds, keys, signing
from tests.lab.builds import Build
from tests.lab.encoding import base64, document
from tests.lab.instance import PROVENANCE, Lab
from tests.lab.order import Options

PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
SIGNATURES, ATTESTATIONS = "npm:signatures", "npm:attestations"
#: The registry that the lab's publish attestations name unless they are told another.
REGISTRY = "https://registry.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a key may sign, as npm writes times."""

    start: str | None = "2020-01-01T00:00:00.000Z"
    end: str | None = None


@dataclass(frozen=True, slots=True)
class RegistryKey:
    """A key of a registry. Its id is a name that nothing can be computed of, as npm's are."""

    lab: Lab
    name: str = "npm"

    @property
    def keyid(self) -> str:
        """The id."""
        digest = hashlib.sha256(f"key id of {self.name}".encode()).digest()
        return f"SHA256:{base64(digest).rstrip('=')}"

    @property
    def spki(self) -> bytes:
        """The public key in DER."""
        return keys.spki(self._signer.key.public_key())

    @property
    def pem(self) -> bytes:
        """The public key in PEM."""
        return keys.pem(self._signer.key.public_key())

    def signs(self, name: str, version: str, integrity: str) -> dict[str, str]:
        """Return the signature over a version, as a packument has it."""
        signed = f"{name}@{version}:{integrity}".encode()
        return {"keyid": self.keyid, "sig": base64(keys.sign(self._signer.key, signed))}

    @property
    def _signer(self) -> signing.Signer:
        return signing.keyed(self.lab._authorities, self.name)


def targets(*rows: RegistryKey, window: Window | None = None, uses: str = "") -> bytes:
    """Return keys as the TUF target has them; ``uses`` is one of the two if not both."""
    within = {k: v for k, v in _members(window or Window()).items() if v is not None}
    return document(
        {
            "keys": [
                {
                    "keyId": key.keyid,
                    "keyUsage": use,
                    "publicKey": {
                        "rawBytes": base64(key.spki),
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        "validFor": within,
                    },
                }
                for key in rows
                for use in ([uses] if uses else [SIGNATURES, ATTESTATIONS])
            ]
        }
    )


def _members(window: Window) -> dict[str, str | None]:
    return {"start": window.start, "end": window.end}


def endpoint(*rows: RegistryKey, expires: str | None = None) -> bytes:
    """Return keys as ``/-/npm/v1/keys`` answers."""
    return document(
        {
            "keys": [
                {
                    "expires": expires,
                    "keyid": key.keyid,
                    "keytype": "ecdsa-sha2-nistp256",
                    "scheme": "ecdsa-sha2-nistp256",
                    "key": base64(key.spki),
                }
                for key in rows
            ]
        }
    )


def integrity(content: bytes, algorithm: str = "sha512") -> str:
    """Return Subresource Integrity."""
    return f"{algorithm}-{base64(hashlib.new(algorithm, content).digest())}"


def purl(name: str, version: str) -> str:
    """Return the package URL, as npm writes it."""
    return f"pkg:npm/{name.replace('@', '%40')}@{version}"


def statement(
    name: str,
    version: str,
    content: bytes,
    predicate_type: str,
    predicate: Mapping[str, Any],
    kind: str = "v1",
) -> bytes:
    """Return an in-toto statement about a tarball, by its SHA-512."""
    return document(
        {
            "_type": f"https://in-toto.io/Statement/{kind}",
            "subject": [
                {
                    "name": purl(name, version),
                    "digest": {"sha512": hashlib.sha512(content).hexdigest()},
                }
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def publish(
    key: RegistryKey,
    name: str,
    version: str,
    content: bytes,
    /,
    predicate: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> bytes:
    """Return a publish attestation; ``predicate`` changes what npm would write in it."""
    said = {"name": name, "version": version, "registry": REGISTRY} | dict(predicate or {})
    payload = statement(name, version, content, PUBLISH, said, "v0.1")
    forms = "+".join(filter(None, ("keyed", options.get("form"))))
    wish = options | Options(key=key.name, form=forms)
    bundle = json.loads(key.lab.envelope(payload, **wish))
    bundle["verificationMaterial"]["publicKey"]["hint"] = key.keyid
    for signature in bundle["dsseEnvelope"]["signatures"]:
        signature["keyid"] = key.keyid
    return document(bundle)


def provenance(
    lab: Lab,
    name: str,
    version: str,
    content: bytes,
    /,
    build: Build | None = None,
    **options: Unpack[Options],
) -> bytes:
    """Return the provenance that npm writes on GitHub, signed by the build's workflow."""
    built = build or Build()
    payload = statement(name, version, content, PROVENANCE, builds.npm(built))
    return lab.envelope(payload, **(built.signed() | options))


def answer(*bundles: bytes) -> bytes:
    """Return what the registry answers for attestations."""
    return document(
        {
            "attestations": [
                {"predicateType": _type_of(json.loads(bundle)), "bundle": json.loads(bundle)}
                for bundle in bundles
            ]
        }
    )


def _type_of(bundle: Mapping[str, Any]) -> str:
    payload = json.loads(a2b_base64(bundle["dsseEnvelope"]["payload"]))
    return str(payload["predicateType"])


def packed(name: str, version: str, **more: str) -> bytes:
    """Return what ``npm pack`` writes of a package with nothing but its ``package.json``."""
    raw = json.dumps({"name": name, "version": version} | more).encode()
    return tarball({"package/package.json": raw})


def tarball(members: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar of these files, the same bytes each time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, raw in members.items():
            info = tarfile.TarInfo(path)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return gzip.compress(out.getvalue(), mtime=0)


def written(moment: datetime) -> str:
    """Write a time as npm does."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
