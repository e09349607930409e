"""What a signature is told that was published without a log entry, by a name of its own.

A Sigstore bundle without an entry is a bad bundle. These forms never had room for one
(slsa-github-generator's envelopes, cosign's ``.sig`` and ``.pem``): the certificate lived
ten minutes, and only the log, which is online, says that it was used in those.
"""

from __future__ import annotations

from kit.errors import EvidenceError, ForeignError, RejectedError
from kit.formats import bundled
from kit.model import EvidenceKind

CODE = "evidence.incomplete"
_FOR_WANT_OF_AN_ENTRY = frozenset({"sigstore.no-log", "sigstore.time"})


def incomplete() -> RejectedError:
    """Return the refusal of a signature that could only hold with its log entry."""
    return RejectedError(
        "its form has no log entry in it, and nothing else shows when it was signed",
        code=CODE,
        hint="collect again online with --log-lookup: the entry is looked up and carried beside it",
    )


def explained(error: EvidenceError, kind: EvidenceKind) -> EvidenceError:
    """Return a verifier's refusal, as what it means for evidence of this kind."""
    if isinstance(error, ForeignError) or kind not in bundled.UNLOGGED:
        return error
    return incomplete() if error.code in _FOR_WANT_OF_AN_ENTRY else error
