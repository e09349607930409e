"""What gpg says about signatures, from its status lines (GnuPG ``doc/DETAILS``).

Every line is read, and grouped by the signature it is about. A signature has exactly one
verdict; two, or none, or one that its other lines deny, is refused rather than explained.
User ids and notations come from whoever made the key or the signature: gpg escapes what
could end a line, and here nothing but a line feed ends one. Python's ``splitlines`` ends
lines at U+0085 too, a byte of many letters in UTF-8, which would let a user id speak for gpg.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from kit.errors import MalformedError

MAX_BYTES = 4 << 20

_PREFIX = b"[GNUPG:] "
_FINGERPRINT = r"[0-9A-F]{40}|[0-9A-F]{64}"
_VALIDSIG = re.compile(
    rf"(?P<key>{_FINGERPRINT}) \S+ (?P<made>[0-9]+) [0-9]+ (?P<version>[0-9]+) \S+ [0-9]+"
    rf" (?P<digest>[0-9]+) (?P<kind>[0-9A-F]{{2}})(?: (?P<primary>{_FINGERPRINT}))?",
    re.ASCII,
)
# The last field, the fingerprint of the issuer, may be absent or `-`.
_ERRSIG = re.compile(
    r"(?P<key>[0-9A-F]{16,64}) [0-9]+ (?P<digest>[0-9]+) [0-9A-F]{2} (?P<made>[0-9]+)"
    r" (?P<reason>[0-9]+)(?: \S+)?",
    re.ASCII,
)
_NO_PUBLIC_KEY = 9
_LATEST = 0xFFFFFFFF  # OpenPGP counts seconds in four bytes


class Verdict(StrEnum):
    """gpg's word on one signature; the keyword of the line."""

    GOOD = "GOODSIG"
    EXPIRED = "EXPSIG"
    KEY_EXPIRED = "EXPKEYSIG"
    KEY_REVOKED = "REVKEYSIG"
    BAD = "BADSIG"
    UNCHECKED = "ERRSIG"


_VALID = frozenset({Verdict.GOOD, Verdict.EXPIRED, Verdict.KEY_EXPIRED, Verdict.KEY_REVOKED})
_VERDICTS = frozenset(verdict.value for verdict in Verdict)
# gpg has met more than signatures, or another's text.
_NOT_DETACHED = frozenset({"PLAINTEXT", "PLAINTEXT_LENGTH", "BEGIN_DECRYPTION", "NODATA"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Valid:
    """A signature that holds as arithmetic: who made it, when by its own word, and how.

    ``kind`` is the type of signature, ``digest`` the number of the hash algorithm.
    """

    key: str
    primary: str
    made: datetime
    digest: int
    kind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchecked:
    """A signature that gpg could not check: the key it names, and gpg's reason."""

    key: str
    made: datetime
    digest: int
    reason: int

    @property
    def key_is_unknown(self) -> bool:
        """Whether the only reason is that gpg does not have the key."""
        return self.reason == _NO_PUBLIC_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureStatus:
    """gpg's lines about one signature: its verdict, and the details that go with it."""

    verdict: Verdict
    valid: Valid | None = None
    unchecked: Unchecked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of importing keys: their fingerprints, and how many gpg met."""

    fingerprints: tuple[str, ...]
    processed: int


def signatures(raw: bytes) -> tuple[SignatureStatus, ...]:
    """Return gpg's verdict on each signature, in order.

    Raises :class:`MalformedError` (``openpgp.malformed``) for lines that do not tell one
    verdict of each.
    """
    groups: list[list[tuple[str, str]]] = []
    for keyword, rest in _lines(raw):
        if keyword in _NOT_DETACHED:
            raise _malformed(f"gpg did not find signatures alone: {keyword}")
        if keyword == "NEWSIG":
            groups.append([])
        elif groups:
            groups[-1].append((keyword, rest))
        elif keyword in _VERDICTS or keyword == "VALIDSIG":
            raise _malformed("gpg gives a verdict on no signature")
    return tuple(_signature(group) for group in groups)


def imported(raw: bytes) -> Imported:
    """Return which primary keys an import brought; raise :class:`MalformedError`."""
    lines = _lines(raw)
    fingerprints = [rest.partition(" ")[2] for word, rest in lines if word == "IMPORT_OK"]
    counts = [rest.split(" ") for word, rest in lines if word == "IMPORT_RES"]
    if len(counts) != 1 or not counts[0][0].isdecimal():
        raise _malformed("gpg does not say what it imported")
    return Imported(fingerprints=tuple(fingerprints), processed=int(counts[0][0]))


def _lines(raw: bytes) -> list[tuple[str, str]]:
    if len(raw) > MAX_BYTES:
        raise _malformed(f"gpg says over {MAX_BYTES} bytes")
    if raw and not raw.endswith(b"\n"):
        raise _malformed("gpg stopped in the middle of a line")
    found = []
    for line in raw.split(b"\n")[:-1]:
        if not line.startswith(_PREFIX):
            raise _malformed("gpg says something that is no status line")
        keyword, _, rest = line.removeprefix(_PREFIX).decode("latin-1").partition(" ")
        found.append((keyword, rest))
    return found


def _signature(lines: list[tuple[str, str]]) -> SignatureStatus:
    verdicts = [(Verdict(word), rest) for word, rest in lines if word in _VERDICTS]
    details = [rest for word, rest in lines if word == "VALIDSIG"]
    if len(verdicts) != 1:
        raise _malformed(f"gpg gives {len(verdicts)} verdicts on one signature")
    verdict, rest = verdicts[0]
    if len(details) != (verdict in _VALID):
        raise _malformed(f"gpg says {verdict} with {len(details)} valid signatures")
    if verdict is Verdict.UNCHECKED:
        return SignatureStatus(verdict=verdict, unchecked=_unchecked(rest))
    if verdict is Verdict.BAD:
        return SignatureStatus(verdict=verdict)
    valid = _valid(details[0])
    named = rest.partition(" ")[0]
    # A verdict names the signing key by its long id: the end of a fingerprint, or its start.
    if len(named) < 16 or not (valid.key.endswith(named) or valid.key.startswith(named)):
        raise _malformed("gpg's verdict is on another key than its valid signature")
    return SignatureStatus(verdict=verdict, valid=valid)


def _valid(rest: str) -> Valid:
    match = _VALIDSIG.fullmatch(rest)
    if match is None:
        raise _malformed("gpg's details of a valid signature are unreadable")
    return Valid(
        key=match["key"],
        primary=match["primary"] or match["key"],
        made=_time(match["made"]),
        digest=int(match["digest"]),
        kind=int(match["kind"], 16),
    )


def _unchecked(rest: str) -> Unchecked:
    match = _ERRSIG.fullmatch(rest)
    if match is None:
        raise _malformed("gpg's reason not to check a signature is unreadable")
    return Unchecked(
        key=match["key"],
        made=_time(match["made"]),
        digest=int(match["digest"]),
        reason=int(match["reason"]),
    )


def _time(text: str) -> datetime:
    if len(text) > 10 or int(text) > _LATEST:
        raise _malformed("gpg tells a time beyond OpenPGP's")
    return datetime.fromtimestamp(int(text), UTC)


def _malformed(message: str) -> MalformedError:
    return MalformedError(message, code="openpgp.malformed")
