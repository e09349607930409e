"""Verify a Sigstore bundle of the common form, through sigstore-python: its one door.

The common form is a keyless bundle with exactly one log entry that has an inclusion proof
and a signed checkpoint: ``hashedrekord`` for a signature over bytes, ``dsse`` (Rekor v1)
or ``hashedrekord`` (v2) for an envelope. Any other form is :class:`UnsupportedError`,
decided before the call. Who may sign is not decided here: the library is given a witness
in place of a policy, and :mod:`kit.policy` judges the identity it saw.

Around the call this module does what the library leaves to its caller: it reads the
bundle strictly and hands over only the known fields, matches statement subjects by
digest, demands one SAN and agreeing issuers, and refuses times from the host's future.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kit.errors import (
    AnchorError,
    KitError,
    MalformedError,
    RejectedError,
    UnsupportedError,
)
from kit.formats import certificate, sigstore_bundle, statement
from kit.formats.dsse import Envelope
from kit.formats.sigstore_bundle import Bundle, LogEntry, MessageSignature
from kit.model import Claim, Digest, EvidenceKind, Identity
from kit.trust.anchors import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate
    from sigstore.models import Bundle as TheirBundle
    from sigstore.models import TrustedRoot as TheirRoot

#: How far a signing time may lie ahead of the host's clock.
CLOCK_SKEW = timedelta(minutes=5)

ACCEPTED_BY = ("sigstore-python",)

_MESSAGE_ENTRIES = {("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")}
_ENVELOPE_ENTRIES = {("dsse", "0.0.1"), ("hashedrekord", "0.0.2")}


class _Witness:
    """Stands in for sigstore-python's policy: refuses nobody, remembers the certificate."""

    def __init__(self) -> None:
        self.certificate: Certificate | None = None

    def verify(self, cert: Certificate) -> None:
        self.certificate = cert


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What holds of a verified bundle whatever file it is about."""

    instance: str
    identity: Identity
    signed_at: datetime
    log: Mapping[str, str]

    def claim(
        self,
        evidence: str,
        digest: Digest,
        names: tuple[str, ...] = (),
        predicate_type: str | None = None,
    ) -> Claim:
        """Return the claim that these facts make about a file."""
        return Claim(
            kind=EvidenceKind.SIGSTORE,
            evidence=evidence,
            instance=self.instance,
            digest=digest,
            identity=self.identity,
            signed_at=self.signed_at,
            accepted_by=ACCEPTED_BY,
            names=names,
            predicate_type=predicate_type,
            log=self.log,
        )


class SigstoreVerifier:
    """Verifies bundles of one instance, as of one host time. Set up once, used for many."""

    def __init__(self, anchor: Anchor, at: datetime) -> None:
        """Load the instance's trusted root; raise :class:`AnchorError` if it is of no use."""
        # 0.25 s of imports, and a network-capable library: only when a bundle needs it.
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.verify import Verifier  # noqa: PLC0415

        # It warns through logging, on the terminal by default; what matters is raised.
        logging.getLogger("sigstore").setLevel(logging.CRITICAL)
        self._anchor = anchor
        self._at = at
        self._failure = Error
        if not anchor.root.tlogs or not anchor.root.ctlogs:
            raise AnchorError(
                f"the trusted root of {anchor.instance!r} lists no log; this version verifies "
                "only instances that do",
                code="trust.unsupported",
                subject=anchor.instance,
            )
        try:
            self._verifier = Verifier(trusted_root=_their_root(anchor.raw))
        except KitError:
            raise
        except Exception as error:  # pydantic's and its own errors alike
            raise AnchorError(
                f"sigstore-python cannot use the trusted root of {anchor.instance!r}: "
                f"{_brief(error)}",
                code="trust.malformed",
                subject=anchor.instance,
            ) from error

    def verify(self, raw: bytes) -> Verified:
        """Verify what can be verified without an artifact, and return the rest to ask for.

        Raises :class:`MalformedError`, :class:`UnsupportedError` or :class:`RejectedError`.
        """
        from sigstore.models import Bundle as Theirs  # noqa: PLC0415

        bundle = sigstore_bundle.parse(raw)
        _common_form(bundle)
        with self._rejecting():
            theirs = Theirs.from_json(sigstore_bundle.render(bundle))
        if isinstance(bundle.content, MessageSignature):
            return VerifiedLater(self, bundle, theirs, bundle.content)
        return self._verify_envelope(bundle, theirs, bundle.content)

    def _verify_envelope(
        self, bundle: Bundle, theirs: TheirBundle, envelope: Envelope
    ) -> VerifiedStatement:
        witness = _Witness()
        with self._rejecting():
            payload_type, payload = self._verifier.verify_dsse(theirs, witness)
        if (payload_type, payload) != (envelope.payload_type, envelope.payload):
            raise RejectedError(
                "sigstore-python verified another payload than the bundle's",
                code="verifier.disagree",
            )
        if payload_type != statement.PAYLOAD_TYPE:
            raise UnsupportedError(f"the signed payload is {payload_type!r}, no in-toto statement")
        return VerifiedStatement(statement.parse(payload), self._facts(bundle, witness))

    def verify_digest(self, bundle: Bundle, theirs: TheirBundle, digest: Digest) -> Facts:
        """Verify a message signature over the bytes with this SHA-256."""
        from sigstore.hashes import Hashed  # noqa: PLC0415
        from sigstore_models.common.v1 import HashAlgorithm  # noqa: PLC0415

        witness = _Witness()
        hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest.hex))
        with self._rejecting():
            self._verifier.verify_artifact(hashed, theirs, witness)
        return self._facts(bundle, witness)

    def _facts(self, bundle: Bundle, witness: _Witness) -> Facts:
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

        seen = witness.certificate
        if seen is None or seen.public_bytes(Encoding.DER) != bundle.certificates[0]:
            raise RejectedError(
                "sigstore-python verified another certificate than the bundle's",
                code="verifier.disagree",
            )
        entry = bundle.entries[0]
        signed_at = _signed_at(bundle, entry)
        if signed_at > self._at + CLOCK_SKEW:
            raise RejectedError(
                f"signed at {signed_at:%Y-%m-%dT%H:%M:%SZ}, after this host's time "
                f"{self._at:%Y-%m-%dT%H:%M:%SZ}",
                code="clock.behind",
                hint="check the clock of this host; an artifact cannot come from its future",
            )
        log = {
            "log-id": entry.log_id.hex(),
            "log-index": str(entry.index),
            "entry": f"{entry.kind} {entry.version}",
        }
        return Facts(
            instance=self._anchor.instance,
            identity=certificate.identity(bundle.certificates[0]),
            signed_at=signed_at,
            log=log,
        )

    @contextmanager
    def _rejecting(self) -> Iterator[None]:
        """Turn whatever the library raises into a rejection."""
        from sigstore.errors import CertValidationError  # noqa: PLC0415
        from sigstore.models import InvalidBundle  # noqa: PLC0415

        try:
            yield
        except KitError:
            raise
        except CertValidationError as error:
            raise RejectedError(
                f"its certificate was not issued by the instance {self._anchor.instance!r}, or "
                f"not for the time of signing: {_brief(error)}",
                code="sigstore.chain",
            ) from error
        except InvalidBundle as error:
            raise MalformedError(_brief(error)) from error
        except self._failure as error:
            raise RejectedError(_brief(error), code="sigstore.rejected") from error
        except Exception as error:  # it also raises raw errors on hostile bytes: a no, not a maybe
            raise RejectedError(
                f"sigstore-python could not read it: {_brief(error)}", code="sigstore.unreadable"
            ) from error


class VerifiedStatement:
    """An in-toto statement whose signature holds; it makes claims about its subjects."""

    def __init__(
        self,
        verified: statement.Statement,
        facts: Facts,
    ) -> None:
        """Keep the statement and who signed it, when, in which log, under which instance."""
        self._statement = verified
        self._facts = facts

    def claim_for(self, evidence: str, known: Mapping[str, Digest]) -> Claim:
        """Return the claim about the file with these digests, or raise `RejectedError`."""
        names = self._statement.names_of(known)
        if names is None:
            subjects = [s.name or "(no name)" for s in self._statement.subjects]
            raise RejectedError(
                f"the statement is about other files: {', '.join(subjects[:5])}"
                f"{' …' if len(subjects) > 5 else ''}",
                code="statement.subject",
            )
        return self._facts.claim(evidence, known["sha256"], names, self._statement.predicate_type)


class VerifiedLater:
    """A message signature: nothing holds until it is asked about a file's digest."""

    def __init__(
        self,
        verifier: SigstoreVerifier,
        bundle: Bundle,
        theirs: TheirBundle,
        content: MessageSignature,
    ) -> None:
        """Keep what is needed to verify once the digest is known."""
        self._verifier = verifier
        self._bundle = bundle
        self._theirs = theirs
        self._hint = content.hint

    def claim_for(self, evidence: str, known: Mapping[str, Digest]) -> Claim:
        """Verify over the file with these digests; return the claim or raise `RejectedError`."""
        digest = known["sha256"]
        if self._hint is not None and known.get(self._hint.algorithm, self._hint) != self._hint:
            raise RejectedError(
                f"the signature is over {self._hint}, this file is {digest}",
                code="sigstore.digest",
                hint="the bundle belongs to another file, or the file was changed after signing",
            )
        facts = self._verifier.verify_digest(self._bundle, self._theirs, digest)
        return facts.claim(evidence, digest)


Verified = VerifiedStatement | VerifiedLater


def _common_form(bundle: Bundle) -> None:
    """Refuse, by name, the forms that sigstore-python does not read."""
    if bundle.key_hint is not None:
        raise UnsupportedError("signed with a key, not a certificate")
    if len(bundle.entries) != 1:
        raise UnsupportedError(f"it has {len(bundle.entries)} log entries, not one")
    entry = bundle.entries[0]
    if entry.proof is None or entry.proof.checkpoint is None:
        lacking = "inclusion proof" if entry.proof is None else "checkpoint"
        raise UnsupportedError(f"its log entry has no {lacking}")
    readable = _ENVELOPE_ENTRIES if isinstance(bundle.content, Envelope) else _MESSAGE_ENTRIES
    if (entry.kind, entry.version) not in readable:
        raise UnsupportedError(f"its log entry is {entry.kind} {entry.version}")
    if entry.integrated_time is None and len(bundle.timestamps) > 1:
        raise UnsupportedError(f"it has {len(bundle.timestamps)} timestamps and no log time")
    hint = None if isinstance(bundle.content, Envelope) else bundle.content.hint
    if hint is not None and hint.algorithm != "sha256":
        raise UnsupportedError(f"the signature is over a {hint.algorithm} digest")


def _signed_at(bundle: Bundle, entry: LogEntry) -> datetime:
    """Return the time that the library verified: the log's promise, else the one timestamp."""
    if entry.integrated_time is not None and entry.promise is not None:
        return datetime.fromtimestamp(entry.integrated_time, UTC)
    if len(bundle.timestamps) != 1:
        raise UnsupportedError("it has no single verified time")
    from rfc3161_client import decode_timestamp_response  # noqa: PLC0415

    try:
        return decode_timestamp_response(bundle.timestamps[0]).tst_info.gen_time
    except ValueError as error:
        raise MalformedError(f"its timestamp cannot be read: {_brief(error)}") from error


def _their_root(raw: bytes) -> TheirRoot:
    """Hand the root's bytes to the library, which wants a path: memory, or a private file."""
    from sigstore.models import TrustedRoot  # noqa: PLC0415

    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("trusted_root.json", os.MFD_CLOEXEC)
        with open(descriptor, "wb", closefd=True) as file:  # noqa: PTH123 - a descriptor
            file.write(raw)
            file.flush()
            return TrustedRoot.from_file(f"/proc/self/fd/{descriptor}")
    with tempfile.NamedTemporaryFile("wb", suffix=".json") as file:  # mode 0600
        file.write(raw)
        file.flush()
        return TrustedRoot.from_file(file.name)


def _brief(error: BaseException) -> str:
    """Return an error's text on one line, cut where a hostile bundle made it long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}…"
