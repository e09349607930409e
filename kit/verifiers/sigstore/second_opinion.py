"""The second verifier: sigstore-python, wherever it can read a bundle. Its one door.

What it can read is decided here, from the bundle and the root, before the call: the rows
of :func:`can_read` are those of the table in ``kit/DESIGN.md``, and a test holds each to
the locked version. Whatever else it refuses, or crashes on, refuses the bundle.

It is given the known fields of bundle and root, written anew, so that both verifiers judge
the same values. The windows of logs and CAs are open in its copy of the root: it compares
them with the clock of the host, which says nothing about a signature; the kit has by then
compared them with the time of signing.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kit.errors import AnchorError, RejectedError
from kit.formats import log_entry, sigstore_bundle, trusted_root_render
from kit.formats.dsse import Envelope
from kit.formats.sigstore_bundle import Bundle, LogEntry
from kit.formats.trusted_root import Authority, TrustedRoot
from kit.model import Digest

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import Bundle as TheirBundle
    from sigstore.models import TrustedRoot as TheirRoot
    from sigstore.verify import Verifier

NAME = "sigstore-python"

_MESSAGE_ENTRIES = {("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")}
_ENVELOPE_ENTRIES = {("dsse", "0.0.1"), ("hashedrekord", "0.0.2")}


def can_read(
    bundle: Bundle,
    leaf: x509.Certificate | None,
    root: TrustedRoot,
    moments: Sequence[datetime],
) -> str | None:
    """Say why sigstore-python cannot read the bundle under the root, or ``None`` if it can.

    ``leaf`` is the bundle's certificate, and ``moments`` are the times of its timestamps that
    the kit verified.
    """
    return (
        _cannot_root(root)
        or _cannot_bundle(bundle)
        or _cannot_leaf(leaf, bundle)
        or _cannot_times(bundle, root, moments)
    )


def _cannot_root(root: TrustedRoot) -> str | None:
    if not root.tlogs:
        return "the trusted root lists no log"
    if not root.ctlogs:
        return "the trusted root lists no CT log"
    if not root.certificate_authorities:
        return "the trusted root lists no certificate authority"
    return None


def _cannot_bundle(bundle: Bundle) -> str | None:
    if bundle.key_hint is not None:
        return "it is signed with a key, not a certificate"
    if len(bundle.entries) != 1:
        return f"it has {len(bundle.entries)} log entries, not one"
    entry, content = bundle.entries[0], bundle.content
    if entry.proof is None or entry.proof.checkpoint is None:
        return "its log entry has no inclusion proof with a checkpoint"
    readable = _ENVELOPE_ENTRIES if isinstance(content, Envelope) else _MESSAGE_ENTRIES
    if (entry.kind, entry.version) not in readable:
        return f"its log entry is {entry.kind} {entry.version}"
    if not isinstance(content, Envelope) and content.hint and content.hint.algorithm != "sha256":
        return f"the signature is over a {content.hint.algorithm} digest"
    return None


def _cannot_leaf(leaf: x509.Certificate | None, bundle: Bundle) -> str | None:
    if leaf is None:
        return "it has no certificate"
    return _cannot_key(leaf.public_key(), bundle.entries[0]) or _cannot_scts(leaf)


def _cannot_key(key: object, entry: LogEntry) -> str | None:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return "the certificate's key is not ECDSA"
    if isinstance(key.curve, ec.SECP256R1):
        return None
    # It takes SHA-256 with any curve; of what it reads, only this kind says that a signer did.
    if (entry.kind, entry.version) == ("hashedrekord", "0.0.1"):
        told = log_entry.parse(entry).signed
        if told is not None and told.algorithm == "sha256":
            return None
    return "the certificate's key is of another curve than P-256, which it takes with SHA-256 only"


def _cannot_scts(leaf: x509.Certificate) -> str | None:
    try:
        scts = leaf.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps
        ).value
    except x509.ExtensionNotFound:
        return "the certificate has no SCT"
    return None if len(list(scts)) == 1 else "the certificate has several SCTs"


def _cannot_times(bundle: Bundle, root: TrustedRoot, moments: Sequence[datetime]) -> str | None:
    if not bundle.timestamps:
        return None
    entry = bundle.entries[0]
    if entry.promise is not None and entry.integrated_time is not None:
        return None  # that time is enough for it; stamps it cannot verify it leaves out
    if any(_lacks_leaf_or_root(authority) for authority in root.timestamp_authorities):
        return "a timestamp authority's chain is not its own certificate and those above"
    ends = {authority.window.end for authority in root.timestamp_authorities}
    if any(moment in ends for moment in moments):
        return "a timestamp's time is the end of a timestamp authority's window"
    return None


@lru_cache(maxsize=64)  # the authorities of the roots at hand, asked of every bundle
def _lacks_leaf_or_root(authority: Authority) -> bool:
    first = x509.load_der_x509_certificate(authority.chain[0]).extensions
    try:
        is_ca = first.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    return is_ca or len(authority.chain) == 1


class SecondOpinion:
    """sigstore-python under one trusted root. Set up once, used for many bundles."""

    def __init__(self, instance: str, root: TrustedRoot) -> None:
        """Load the root; raise :class:`AnchorError` if the library cannot."""
        # 0.25 s of imports, and a network-capable library: only when a bundle needs it.
        from sigstore.verify import Verifier  # noqa: PLC0415

        # It warns through logging, on the terminal by default; what matters is raised.
        logging.getLogger("sigstore").setLevel(logging.CRITICAL)
        try:
            self._verifier: Verifier = Verifier(trusted_root=_their_root(root))
        except Exception as error:  # pydantic's and its own errors alike
            raise AnchorError(
                f"{NAME} cannot use the trusted root of {instance!r}: {_brief(error)}",
                code="trust.malformed",
                subject=instance,
            ) from error

    def check_envelope(self, bundle: Bundle, envelope: Envelope) -> None:
        """Raise ``verifier.disagree`` unless it verifies the same envelope and certificate."""
        witness = _Witness()
        try:
            theirs = _their_bundle(bundle)
            seen = self._verifier.verify_dsse(theirs, witness)
        except Exception as error:  # its own errors, and raw ones: a crash is a no, never a maybe
            raise _disagree(error) from error
        if seen != (envelope.payload_type, envelope.payload):
            raise _disagree("it verified another payload than the bundle's")
        witness.check(bundle)

    def check_digest(self, bundle: Bundle, digest: Digest) -> None:
        """Raise ``verifier.disagree`` unless it verifies the signature over this SHA-256."""
        from sigstore.hashes import Hashed  # noqa: PLC0415
        from sigstore_models.common.v1 import HashAlgorithm  # noqa: PLC0415

        witness = _Witness()
        hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest.hex))
        try:
            self._verifier.verify_artifact(hashed, _their_bundle(bundle), witness)
        except Exception as error:  # as above
            raise _disagree(error) from error
        witness.check(bundle)


class _Witness:
    """Stands in for sigstore-python's policy: refuses nobody, remembers the certificate."""

    def __init__(self) -> None:
        self.certificate: Certificate | None = None

    def verify(self, cert: Certificate) -> None:
        self.certificate = cert

    def check(self, bundle: Bundle) -> None:
        seen = self.certificate
        if seen is None or seen.public_bytes(Encoding.DER) != bundle.certificates[0]:
            raise _disagree("it verified another certificate than the bundle's")


def _their_bundle(bundle: Bundle) -> TheirBundle:
    from sigstore.models import Bundle as Theirs  # noqa: PLC0415

    return Theirs.from_json(sigstore_bundle.render(bundle))


def _their_root(root: TrustedRoot) -> TheirRoot:
    """Hand the root to the library, which wants a path: memory, or a private file."""
    from sigstore.models import TrustedRoot as Theirs  # noqa: PLC0415

    raw = trusted_root_render.render(root, open_from=datetime(1970, 1, 1, tzinfo=UTC))
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("trusted_root.json", os.MFD_CLOEXEC)
        with open(descriptor, "wb", closefd=True) as file:  # noqa: PTH123 - a descriptor
            file.write(raw)
            file.flush()
            return Theirs.from_file(f"/proc/self/fd/{descriptor}")
    with tempfile.NamedTemporaryFile("wb", suffix=".json") as file:  # mode 0600
        file.write(raw)
        file.flush()
        return Theirs.from_file(file.name)


def _disagree(reason: object) -> RejectedError:
    theirs = _brief(reason)
    return RejectedError(
        f"this kit accepts it and {NAME} does not: {theirs}", code="verifier.disagree"
    )


def _brief(error: object) -> str:
    """Return an error's text on one line, cut where a hostile bundle made it long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}…"
