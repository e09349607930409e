"""Which OpenPGP signatures count, decided from every line that gpg says.

The rule for a file of signatures, over one file's bytes:

* every signature in it by a pinned key must hold: good, its key neither revoked nor
  expired, itself not expired, by SHA-256, SHA-384 or SHA-512, over the bytes as they are,
  and not made after the time of the check;
* at least one must be by a pinned key. What pins is the whole fingerprint of the primary
  key; the signature may be by a subkey that this primary key bound;
* signatures by other keys count for nothing and spoil nothing: a project that changes its
  key signs with both. Nobody here could tell whether they hold.

The time in a signature is its signer's word. It can make a signature worse (made after the
check, or after its key expired) and never better, but for keys whose expiry the policy
accepts: what they say they signed before counts. Whoever has such a key now can write any
time into a signature.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from kit.errors import AnchorError, EvidenceError, MalformedError, RejectedError, UnsupportedError
from kit.formats import openpgp
from kit.formats.encodings import render_time
from kit.formats.gpg_status import SignatureStatus, Unchecked, Valid, Verdict
from kit.formats.openpgp import Detached
from kit.model import Claim, Digest, EvidenceKind, Identity
from kit.trust.keyrings import Keyring

if TYPE_CHECKING:
    from kit.verifiers.openpgp.program import Data, Gpg

INSTANCE = "openpgp"

#: RFC 9580 section 9.5. MD5, SHA-1 and RIPEMD-160 are broken, or nearly.
_DIGESTS: Final = {8: "SHA-256", 9: "SHA-384", 10: "SHA-512"}
_OTHER_DIGESTS: Final = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160", 11: "SHA-224"}

#: How much later than the check a signer's clock may have been.
_SKEW = timedelta(minutes=5)

# gpg's reasons not to check: an algorithm of the key, or of the hash, that it does not know.
_UNKNOWN_ALGORITHMS = (4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A signature that counts: the pinned key, the key that made it, and how.

    ``expired`` says that the key has expired since: it counts only for those who accept that.
    """

    fingerprint: str
    signing_key: str
    claimed_time: datetime
    digest: str
    expired: bool = False

    @property
    def facts(self) -> dict[str, str]:
        """What a claim tells of how it was signed."""
        facts = {
            "signing-key": self.signing_key,
            "hash": self.digest,
            "claimed-time": render_time(self.claimed_time),
        }
        return facts | {"key-expired": "true"} if self.expired else facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What holds of one file: who signed it, and the keys of signatures nobody could check."""

    accepted: tuple[Accepted, ...]
    unknown: tuple[str, ...]
    accepted_by: str

    def claims_for(self, evidence: str, known: Mapping[str, Digest]) -> tuple[Claim, ...]:
        """Return the claims about the file that was verified, which has these digests."""
        return tuple(
            Claim(
                kind=EvidenceKind.OPENPGP,
                evidence=evidence,
                instance=INSTANCE,
                digest=known["sha256"],
                identity=Identity(
                    subject=signature.fingerprint,
                    subject_type=INSTANCE,
                    issuer="",
                    facts=signature.facts,
                ),
                signed_at=None,
                accepted_by=(self.accepted_by,),
            )
            for signature in self.accepted
        )


class OpenPgpVerifier:
    """Verifies detached signatures by pinned keys; a context manager that cleans up.

    gpg is started when the first signature needs it, once for each key and then once for
    each file.
    """

    def __init__(
        self,
        keyrings: Mapping[str, Keyring],
        at: datetime,
        program: Path | None,
        *,
        accept_expired: Collection[str] = (),
    ) -> None:
        """Trust the ``keyrings``, by fingerprint, and ask ``program``: gpg, if there is one.

        ``accept_expired`` are the keys whose signatures from before their expiry count.
        """
        self._keyrings = keyrings
        self._at = at
        self._program = program
        self._accept_expired = frozenset(accept_expired)
        self._gpg: Gpg | None = None

    def read(self, raw: bytes) -> Detached:
        """Return the signatures in a file that is said to hold some, none of them verified.

        Raises :class:`EvidenceError` for anything but a detached signature, and
        ``openpgp.unknown-key`` where none names a pinned key: gpg need not be asked then.
        """
        detached = openpgp.detached(raw)
        if not any(self._is_pinned(signature.issuers) for signature in detached.signatures):
            named = {max(s.issuers, key=len) for s in detached.signatures if s.issuers}
            raise _by_nobody(sorted(named))
        return detached

    def verify(self, detached: Detached, data: Callable[[], Data]) -> Verified:
        """Verify signatures over the bytes that ``data()`` gives, from their start.

        Raises :class:`EvidenceError` by the rule of this module, :class:`AnchorError` for
        a pinned key that gpg does not take, :class:`MachineError` where gpg fails.
        """
        gpg = self._ready()
        statuses = gpg.verify(detached.raw, data(), self._at)
        if any(status.verdict is Verdict.BAD for status in statuses):
            raise RejectedError(
                "the signature does not hold: the file is another one, or was changed",
                code="openpgp.signature",
            )
        accepted: list[Accepted] = []
        unknown: list[str] = []
        for number, status in enumerate(statuses):
            if status.unchecked is not None:
                unknown.append(self._stranger(status.unchecked))
                continue
            valid = self._valid(status)
            expired = status.verdict is Verdict.KEY_EXPIRED
            if expired:
                lenient = valid.primary in self._accept_expired
                before = gpg.verify(detached.raw, data(), valid.made) if lenient else ()
                self._demand_unexpired_then(valid, before[number : number + 1])
            accepted.append(_accepted(valid, expired=expired))
        # Of signatures of different types gpg checks the first, and says so to people only.
        if len(statuses) != len(detached.signatures):
            raise _malformed("gpg did not judge every signature in it")
        if not accepted:
            raise _by_nobody(unknown)
        return Verified(
            accepted=tuple(accepted),
            unknown=tuple(dict.fromkeys(unknown)),
            accepted_by=f"gpg {gpg.version}",
        )

    def close(self) -> None:
        """Remove gpg's home, if there is one."""
        gpg, self._gpg = self._gpg, None
        if gpg is not None:
            gpg.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clean up."""
        self.close()

    def _ready(self) -> Gpg:
        """Return gpg with the pinned keys, and no others, in its keyring."""
        if self._gpg is None:
            from kit.verifiers.openpgp.program import Gpg  # noqa: PLC0415 - loads the library

            gpg = Gpg(self._program)
            try:
                for fingerprint, keyring in self._keyrings.items():
                    _import(gpg, fingerprint, keyring)
            except BaseException:
                gpg.close()
                raise
            self._gpg = gpg
        return self._gpg

    def _is_pinned(self, issuers: frozenset[str]) -> bool:
        return any(keyring.key.is_named_by(issuers) for keyring in self._keyrings.values())

    def _stranger(self, unchecked: Unchecked) -> str:
        """Return the key of a signature that gpg could not check; refuse it if it is pinned."""
        if unchecked.key_is_unknown or not self._is_pinned(frozenset({unchecked.key})):
            return unchecked.key
        _demand_digest(unchecked.digest)
        self._demand_not_later(unchecked.made)
        if unchecked.reason in _UNKNOWN_ALGORITHMS:
            raise UnsupportedError(
                "gpg does not know an algorithm of the signature", code="openpgp.unsupported"
            )
        raise RejectedError(
            f"the key {unchecked.key} could not have made it: it is newer, or unusable",
            code="openpgp.key-time",
        )

    def _valid(self, status: SignatureStatus) -> Valid:
        """Return the details of a signature that holds by a pinned key, or refuse it."""
        valid = status.valid
        if valid is None or valid.primary not in self._keyrings:
            raise _malformed("gpg speaks of a key that it was not given")
        if status.verdict is Verdict.KEY_REVOKED:
            raise RejectedError(
                f"the key {valid.key} of {valid.primary} is revoked", code="openpgp.key-revoked"
            )
        if status.verdict is Verdict.EXPIRED:
            raise RejectedError("the signature has expired", code="openpgp.expired")
        if valid.kind != openpgp.BINARY:
            raise _malformed(f"a signature is of type 0x{valid.kind:02x}")
        _demand_digest(valid.digest)
        self._demand_not_later(valid.made)
        return valid

    def _demand_not_later(self, made: datetime) -> None:
        if made > self._at + _SKEW:
            raise RejectedError(
                f"the signature says it was made at {render_time(made)}, after the time of this "
                "check",
                code="clock.behind",
                hint="check the clock of this host",
            )

    def _demand_unexpired_then(self, valid: Valid, then: tuple[SignatureStatus, ...]) -> None:
        """Refuse a signature by a key that has expired, unless it was good when it was made.

        ``then`` is gpg's word on it as of the time in it; the key may have expired, or be
        a subkey that did, before that time too.
        """
        if then and then[0].verdict is Verdict.GOOD and then[0].valid == valid:
            return
        lenient = valid.primary in self._accept_expired
        had = ", and had when the signature says it was made" if lenient else ""
        raise RejectedError(
            f"the key {valid.key} of {valid.primary} has expired{had}",
            code="openpgp.key-expired",
            hint=f"the signature says it was made at {render_time(valid.made)}; get the key again "
            "from its owner, who may have prolonged it",
        )


def _import(gpg: Gpg, fingerprint: str, keyring: Keyring) -> None:
    try:
        imported = gpg.import_key(keyring.key.raw)
    except EvidenceError as error:
        raise _unusable(fingerprint, f"gpg cannot read the key: {error.message}") from error
    if imported.fingerprints != (fingerprint,) or imported.processed != 1:
        took = ", ".join(imported.fingerprints) or "no key"
        raise _unusable(fingerprint, f"gpg takes the key file for {took}")


def _unusable(fingerprint: str, message: str) -> AnchorError:
    return AnchorError(message, code="trust.openpgp-key", subject=fingerprint)


def _accepted(valid: Valid, *, expired: bool) -> Accepted:
    return Accepted(
        fingerprint=valid.primary,
        signing_key=valid.key,
        claimed_time=valid.made,
        digest=_DIGESTS[valid.digest],
        expired=expired,
    )


def _demand_digest(number: int) -> None:
    if number not in _DIGESTS:
        name = _OTHER_DIGESTS.get(number, f"hash algorithm {number}")
        raise RejectedError(
            f"the signature is by {name}; {', '.join(_DIGESTS.values())} count",
            code="openpgp.weak-digest",
        )


def _by_nobody(keys: list[str]) -> RejectedError:
    return RejectedError(
        f"it is signed by {', '.join(keys[:4]) or 'nobody it names'}, and no key of the policy",
        code="openpgp.unknown-key",
        hint="where a pinned key has a newer subkey, get the key again from its owner",
    )


def _malformed(message: str) -> MalformedError:
    return MalformedError(message, code="openpgp.malformed")
