"""Step 6: that a log of the instance has the entry.

Rekor v1 promises (a "SET", signed over body, index, time and log) and proves; Rekor v2
only proves. A proof (RFC 6962 section 2.1.1) leads from the entry to the root of a tree,
and a checkpoint is the log's signature over that root and the tree's size. Both numbers
must agree: a size of the proof alone is nobody's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from kit.errors import MalformedError, RejectedError
from kit.formats import checkpoint, encodings
from kit.formats.checkpoint import Checkpoint
from kit.formats.encodings import render_time
from kit.formats.log_entry_body import Logged
from kit.formats.sigstore_bundle import InclusionProof, LogEntry
from kit.verifiers.sigstore.logs import ListedLog

_V1, _V2 = 1, 2


def find_log(entry: LogEntry, logged: Logged, logs: Sequence[ListedLog]) -> list[ListedLog]:
    """Return the logs that the entry names; more than one only for windows of one key.

    Raises :class:`RejectedError` (``sigstore.log-key``) where the root lists none, or only
    one of the other generation: a log is a Rekor v1 or a v2, never both.
    """
    named = [log for log in logs if log.log_id == entry.log_id]
    if not named:
        raise RejectedError(
            f"the trusted root lists no log {entry.log_id.hex()[:16]}…", code="sigstore.log-key"
        )
    if logged.generation not in named[0].generations:
        (listed,) = named[0].generations
        raise RejectedError(
            f"{logged.kind} {logged.version} is not what a Rekor v{listed} log has",
            code="sigstore.log-key",
        )
    return named


def promised_time(entry: LogEntry, logged: Logged, named: Sequence[ListedLog]) -> datetime | None:
    """Verify the log's promise; return the time it binds, or ``None`` if there is no promise.

    Without a promise an integrated time is nobody's word and gives no time.
    """
    if entry.promise is None:
        return None
    if logged.generation == _V2 or entry.integrated_time is None:
        raise RejectedError(
            "the log's promise binds no time, or is of a log that makes none",
            code="sigstore.promise",
        )
    log = named[0]
    if not log.signed(entry.promise, _promise_bytes(entry)):
        raise RejectedError(
            f"the promise is not signed by the log {log.host or log.log_id.hex()[:16]}",
            code="sigstore.promise",
        )
    try:
        return datetime.fromtimestamp(entry.integrated_time, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise MalformedError(f"no such time: {entry.integrated_time}") from error


def _promise_bytes(entry: LogEntry) -> bytes:
    """Return what Rekor v1 signs as a promise: four members in RFC 8785 form."""
    return (
        f'{{"body":"{encodings.b64encode(entry.body)}","integratedTime":{entry.integrated_time},'
        f'"logID":"{entry.log_id.hex()}","logIndex":{entry.index}}}'
    ).encode("ascii")


def check_window(named: Sequence[ListedLog], moments: Sequence[datetime]) -> None:
    """Raise ``sigstore.log-window`` unless the log's key may vouch at every moment.

    Without any moment (a key signed, and nothing was stamped) only a log without an end of
    its window will do.
    """
    for moment in moments:
        if not any(log.window.contains(moment) for log in named):
            raise RejectedError(
                f"logged at {render_time(moment)}, outside the time of the log's key "
                f"({named[0].window})",
                code="sigstore.log-window",
            )
    if not moments and all(log.window.end is not None for log in named):
        raise RejectedError(
            f"nothing shows that it was logged in the time of the log's key ({named[0].window})",
            code="sigstore.log-window",
        )


def check_proof(entry: LogEntry, logged: Logged, named: Sequence[ListedLog]) -> str | None:
    """Verify the inclusion proof and its checkpoint; return a remark on the log's name, if any.

    What must be there is decided by :func:`check_presence`.
    """
    proof = entry.proof
    if proof is None:
        return None
    if logged.generation == _V2 and entry.index != proof.index:
        raise RejectedError(
            f"the entry's index {entry.index} is not the proof's {proof.index}",
            code="sigstore.inclusion",
        )
    leaf = hashlib.sha256(b"\x00" + entry.body).digest()
    if root_of(leaf, proof) != proof.root_hash:
        raise RejectedError(
            "the inclusion proof does not lead to its root", code="sigstore.inclusion"
        )
    if proof.checkpoint is None:
        return None
    note = checkpoint.parse(proof.checkpoint)
    remark = _check_origin(note, logged, named[0])
    if (note.tree_size, note.root_hash) != (proof.tree_size, proof.root_hash):
        raise RejectedError(
            "the checkpoint is of another tree than the inclusion proof",
            code="sigstore.checkpoint",
        )
    return remark


def check_presence(entry: LogEntry, version: str) -> None:
    """Raise unless the entry has what bundles of this version must bring.

    v0.1: a promise. Since v0.2: an inclusion proof with a checkpoint.
    """
    if version == "0.1" and entry.promise is None:
        raise RejectedError("a v0.1 bundle needs the log's promise", code="sigstore.promise")
    proved = entry.proof is not None and entry.proof.checkpoint is not None
    if version != "0.1" and not proved:
        lacking = "checkpoint" if entry.proof is not None else "inclusion proof"
        raise RejectedError(
            f"a v{version} bundle needs the log's proof; it has no {lacking}",
            code="sigstore.inclusion",
        )


def root_of(leaf: bytes, proof: InclusionProof) -> bytes:
    """Return the root that an audit path leads to (RFC 9162 section 2.1.3.2)."""
    index, size = proof.index, proof.tree_size
    if not 0 <= index < size:
        raise RejectedError(
            f"the entry's index {index} is not in a tree of {size}", code="sigstore.inclusion"
        )
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    if len(proof.hashes) != inner + border or any(len(node) != 32 for node in proof.hashes):
        raise RejectedError(
            "the inclusion proof is not of this index and size", code="sigstore.inclusion"
        )
    root = leaf
    for level, node in enumerate(proof.hashes):
        left = level >= inner or index >> level & 1
        root = hashlib.sha256(b"\x01" + (node + root if left else root + node)).digest()
    return root


def _check_origin(note: Checkpoint, logged: Logged, log: ListedLog) -> str | None:
    """Check who made the checkpoint, by name and key (design section 13)."""
    name, separator, tree = note.origin.rpartition(" - ")
    if logged.generation == _V1:
        if not separator or not tree.isascii() or not tree.isdigit():
            raise _origin(f"its origin {note.origin[:80]!r} is no Rekor v1 log's")
    else:
        name = note.origin
        if name != log.host:
            raise _origin(f"its origin is {name[:80]!r}, not {log.host!r}")
    ours = [s for s in note.signatures if (s.name, s.key_id) == (name, log.log_id[:4])]
    if not ours:
        raise _origin("the log did not sign it")
    if not all(log.signed(signature.signature, note.signed) for signature in ours):
        raise _origin("the log's signature does not hold")
    if logged.generation == _V1 and name != log.host:
        return f"the log calls itself {name[:80]!r}, the trusted root {log.host!r}"
    return None


def _origin(reason: str) -> RejectedError:
    return RejectedError(f"the checkpoint does not hold: {reason}", code="sigstore.checkpoint")
