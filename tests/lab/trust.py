"""Trusted roots: how authorities are listed, since when and until when, and oddly if asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import keys
from tests.lab.encoding import base64, document, timestamp
from tests.lab.fulcio import Fulcio
from tests.lab.keys import PublicKey
from tests.lab.tsa import Purpose, Tsa

TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
_SECTIONS = ("tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities")

# None for an end is "still valid"; for a start, or for the whole window, that it is left out.
Window = tuple[datetime | None, datetime | None]
Windows = Mapping[str, Window | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One item of a trusted root, the list it is in, and our name for it."""

    section: str
    name: str
    item: dict[str, Any]
    window: Window
    subject: PublicKey | Tsa | Fulcio


@dataclass(frozen=True, slots=True)
class Twist:
    """Something odd about a trusted root, and the item that the instance must list for it."""

    why: str
    change: Callable[[dict[str, Any], Mapping[str, Listed]], None]
    needs: str = "rekor"


def log(section: str, name: str, url: str, key: PublicKey, log_id: bytes, window: Window) -> Listed:
    """Return a TransparencyLogInstance."""
    item = {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": base64(keys.spki(key)), "keyDetails": _details(key)},
        "logId": {"keyId": base64(log_id)},
    }
    return Listed(section=section, name=name, item=item, window=window, subject=key)


def authority(name: str, ca: Fulcio, window: Window) -> Listed:
    """Return the CertificateAuthority of a CA."""
    item = {
        "subject": {"organization": ca.style.organization, "commonName": ca.style.root},
        "uri": ca.style.uri,
        "certChain": {"certificates": certificates((ca.intermediate, ca.root))},
    }
    section = "certificateAuthorities"
    return Listed(section=section, name=name, item=item, window=window, subject=ca)


def stamper(name: str, tsa: Tsa, window: Window) -> Listed:
    """Return the CertificateAuthority of a timestamp authority."""
    item = {
        "subject": {"organization": tsa.organization, "commonName": "tsa-root"},
        **({"uri": tsa.uri} if tsa.uri else {}),
        "certChain": {"certificates": certificates(tsa.chain)},
    }
    section = "timestampAuthorities"
    return Listed(section=section, name=name, item=item, window=window, subject=tsa)


def certificates(chain: Iterable[x509.Certificate]) -> list[dict[str, str]]:
    """Return X509Certificate messages, in the order given."""
    return [{"rawBytes": base64(each.public_bytes(Encoding.DER))} for each in chain]


def document_of(listed: Iterable[Listed], windows: Windows, twist: str | None) -> bytes:
    """Return a trusted_root.json of these items.

    Raises `ValueError` for names of items and twists that there are not.
    """
    by_name = {each.name: each for each in listed}
    for name in windows:
        if name not in by_name:
            raise ValueError(f"no such window: {name!r} (there are {', '.join(by_name)})")
    root: dict[str, Any] = {"mediaType": TRUSTED_ROOT} | {section: [] for section in _SECTIONS}
    for name, each in by_name.items():
        _set_window(each, windows.get(name, each.window))
        root[each.section].append(each.item)
    if twist is None:
        return document(root)
    if twist not in ROOTS:
        raise ValueError(f"no such root: {twist!r} (there are {', '.join(ROOTS)})")
    if ROOTS[twist].needs not in by_name:
        raise ValueError(f"root {twist!r} needs an instance with {ROOTS[twist].needs}")
    ROOTS[twist].change(root, by_name)
    # Python's JSON has a key once; the second spelling of a duplicate is made the same after.
    return document(root).replace(b'"tlogs#":', b'"tlogs":')


def json_lines(*roots: bytes) -> bytes:
    """Return several roots, one a line, as `gh attestation trusted-root` prints them."""
    return b"".join(root + b"\n" for root in roots)


def _set_window(listed: Listed, window: Window | None) -> None:
    if window is None:
        return
    start, end = window
    valid_for = {} if start is None else {"start": timestamp(start)}
    if end is not None:
        valid_for["end"] = timestamp(end)
    if "publicKey" in listed.item:
        listed.item["publicKey"]["validFor"] = valid_for
    else:
        listed.item["validFor"] = valid_for


def _details(key: PublicKey) -> str:
    match key:
        case ed25519.Ed25519PublicKey():
            return "PKIX_ED25519"
        case rsa.RSAPublicKey():
            return f"PKIX_RSA_PKCS1V15_{key.key_size}_SHA256"
        case ec.EllipticCurvePublicKey():
            return "PKIX_ECDSA_P256_SHA_256"


def _unknown_field(root: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
    root["somethingNew"] = {"a": 1}
    by_name["rekor"].item["alsoNew"] = "b"


def _duplicate_key(root: dict[str, Any], _: Mapping[str, Listed]) -> None:
    root["tlogs#"] = root["tlogs"]


def _log_id(name: str) -> Callable[[dict[str, Any], Mapping[str, Listed]], None]:
    def change(_: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
        by_name[name].item["logId"] = {"keyId": base64(hashlib.sha256(name.encode()).digest())}

    return change


def _more(details: str) -> Callable[[dict[str, Any], Mapping[str, Listed]], None]:
    def change(root: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
        raw = hashlib.sha512(details.encode()).digest()
        public_key = by_name["rekor"].item["publicKey"]
        root["tlogs"].append(
            {
                **by_name["rekor"].item,
                "baseUrl": "https://log.tomorrow.test",
                "publicKey": {**public_key, "rawBytes": base64(raw), "keyDetails": details},
                "logId": {"keyId": base64(hashlib.sha256(raw).digest())},
            }
        )

    return change


def _shared_key(root: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
    root["ctlogs"].append({**by_name["rekor"].item, "baseUrl": "https://ct.shared.test"})


def _pkcs1(_: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
    key = by_name["ctlog-2"].subject
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError(f"not an RSA key: {key!r}")
    raw = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    by_name["ctlog-2"].item["publicKey"] |= {
        "rawBytes": base64(raw),
        "keyDetails": "PKCS1_RSA_PKCS1V5",
    }


def _v2_log_by_key(_: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
    key = by_name["rekor-v2"].subject
    if isinstance(key, Tsa | Fulcio):
        raise TypeError(f"not a log's key: {key!r}")
    by_name["rekor-v2"].item["logId"] = {"keyId": base64(keys.key_id(key))}


def _v2_log_twice(root: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
    listed = by_name["rekor-v2"]
    twice = replace(listed, item=dict(listed.item))
    _v2_log_by_key(root, {"rekor-v2": twice})
    root["tlogs"].append(twice.item)


def _no_logs(root: dict[str, Any], _: Mapping[str, Listed]) -> None:
    root["tlogs"] = []


def _media_type(root: dict[str, Any], _: Mapping[str, Listed]) -> None:
    root["mediaType"] = "application/vnd.dev.sigstore.trustedroot.v0.2+json"


def _chain(
    of: Callable[[Tsa], Iterable[x509.Certificate]],
) -> Callable[[dict[str, Any], Mapping[str, Listed]], None]:
    def change(_: dict[str, Any], by_name: Mapping[str, Listed]) -> None:
        tsa = by_name["tsa"].subject
        if not isinstance(tsa, Tsa):
            raise TypeError(f"not a TSA: {tsa!r}")
        by_name["tsa"].item["certChain"] = {"certificates": certificates(of(tsa))}

    return change


_CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
_TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING

# The leaves that a TSA should not have: the spoils of the same names sign with them.
PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    {
        "tsa-eku": Purpose(usages=(_CODE_SIGNING,)),
        "tsa-eku-more": Purpose(usages=(_TIME_STAMPING, _CODE_SIGNING)),
        "tsa-eku-loose": Purpose(critical=False),
    }
)

ROOTS: Mapping[str, Twist] = MappingProxyType(
    {
        "unknown-field": Twist("members that no version of the format has", _unknown_field),
        "duplicate-key": Twist("a member twice, with the same value", _duplicate_key),
        "media-type": Twist("the media type of version 0.2", _media_type),
        "log-id": Twist("the id of the log is not that of its key", _log_id("rekor")),
        "ctlog-id": Twist("the id of the CT log is not that of its key", _log_id("ctlog"), "ctlog"),
        "v2-log-by-key": Twist(
            "the v2 log has the id of its key alone, as v1 logs have", _v2_log_by_key, "rekor-v2"
        ),
        "v2-log-twice": Twist(
            "the v2 log is there by its name and by its key", _v2_log_twice, "rekor-v2"
        ),
        "key-known": Twist("one more log, with a key of a rare type", _more("PKIX_ED25519_PH")),
        "key-unknown": Twist("one more log, with a key of no known type", _more("PKIX_TOMORROW")),
        "pkcs1": Twist("an RSA key as PKCS#1, not SubjectPublicKeyInfo", _pkcs1, "ctlog-2"),
        "shared-key": Twist("one key for the log and a CT log", _shared_key),
        "no-logs": Twist("no log, although bundles have entries", _no_logs),
        "tsa-leaf-only": Twist("a TSA without its root", _chain(lambda tsa: tsa.chain[:1]), "tsa"),
        "tsa-root-only": Twist("a TSA without its leaf", _chain(lambda tsa: tsa.chain[1:]), "tsa"),
        "tsa-reversed": Twist(
            "the chain of a TSA from the root down", _chain(lambda tsa: tsa.chain[::-1]), "tsa"
        ),
        **{
            name: Twist(
                f"a TSA with the leaf of the spoil {name}",
                _chain(lambda tsa, purpose=purpose: tsa.for_purpose(purpose).chain),  # type: ignore[misc]
                "tsa",
            )
            for name, purpose in PURPOSES.items()
        },
    }
)
