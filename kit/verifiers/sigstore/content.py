"""Steps 7 to 9: the signature itself, by both verifiers, and the statement it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cryptography import x509

from kit.errors import RejectedError, UnsupportedError
from kit.formats import statement
from kit.formats.dsse import Envelope
from kit.formats.log_entry_body import Logged
from kit.formats.sigstore_bundle import Bundle
from kit.formats.trusted_root import TrustedRoot
from kit.model import Digest
from kit.verifiers.sigstore import second_opinion, signature
from kit.verifiers.sigstore.claims import Facts, VerifiedLater, VerifiedStatement
from kit.verifiers.sigstore.keys import Key
from kit.verifiers.sigstore.quiet import quiet
from kit.verifiers.sigstore.second_opinion import SecondOpinion
from kit.verifiers.sigstore.times import Time

OWN_NAME = "airgap-kit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A bundle of which all holds but the signature, and who may have made that.

    Several signers are several given keys; a certificate, ``leaf``, names one. ``stamps`` are
    those of its timestamps that give a time. ``second`` sets up sigstore-python when it is
    first needed.
    """

    bundle: Bundle
    leaf: x509.Certificate | None
    root: TrustedRoot
    logged: tuple[Logged, ...]
    signers: tuple[tuple[Key, Facts], ...]
    stamps: tuple[Time, ...]
    second: Callable[[], SecondOpinion]

    def signed_by(self, check: Callable[[Key], None]) -> Facts:
        """Return the facts of the first signer whose key passes; raise the first refusal."""
        refusal: RejectedError | None = None
        for key, facts in self.signers:
            try:
                check(key)
            except RejectedError as error:
                refusal = refusal or error
            else:
                return facts
        raise refusal or RejectedError("nobody may have signed it", code="sigstore.signature")

    @property
    def vouched(self) -> Bundle:
        """The bundle without the timestamps of strangers: one more must not keep anyone away."""
        stamps = tuple(time.stamp for time in self.stamps if time.stamp is not None)
        if stamps == self.bundle.timestamps:
            return self.bundle
        return replace(self.bundle, timestamps=stamps)

    def opinion(self) -> SecondOpinion | None:
        """Return sigstore-python where it can read the bundle."""
        moments = [time.moment for time in self.stamps]
        if second_opinion.can_read(self.vouched, self.leaf, self.root, moments) is not None:
            return None
        return self.second()


def verified_statement(pending: Pending, envelope: Envelope) -> VerifiedStatement:
    """Verify an envelope, and read the statement in the bytes that were verified."""
    facts = pending.signed_by(lambda key: signature.check_envelope(envelope, key, pending.logged))
    accepted_by: tuple[str, ...] = (OWN_NAME,)
    opinion = pending.opinion()
    if opinion is not None:
        opinion.check_envelope(pending.vouched, envelope)
        accepted_by += (second_opinion.NAME,)
    if envelope.payload_type != statement.PAYLOAD_TYPE:
        raise UnsupportedError(
            f"the signed payload is {envelope.payload_type!r}, no in-toto statement"
        )
    return VerifiedStatement(statement.parse(envelope.payload), facts, accepted_by)


def verified_later(pending: Pending) -> VerifiedLater:
    """Return what verifies a message signature once a file's digests are known."""

    def verify(known: Mapping[str, Digest]) -> tuple[Facts, tuple[str, ...]]:
        facts = pending.signed_by(
            lambda key: signature.check_message(pending.bundle, key, pending.logged, known)
        )
        with quiet():
            opinion = pending.opinion() if "sha256" in known else None
            if opinion is None:
                return facts, (OWN_NAME,)
            opinion.check_digest(pending.vouched, known["sha256"])
        return facts, (OWN_NAME, second_opinion.NAME)

    return VerifiedLater(pending.signers[0][1].notes, verify)
