r"""Checkpoints: a log's signed statement of its size and root (C2SP tlog-checkpoint.md).

A checkpoint is a signed note (signed-note.md)::

    <origin>\n<tree size>\n<base64 root hash>\n[extension lines\n]\n
    — <name> <base64(4-byte key id || signature)>\n

The grammar is read strictly: one spelling of each number, no junk between signatures.
Nothing here verifies one; the signatures of witnesses are carried along.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.errors import MalformedError
from kit.formats import encodings

MAX_SIGNATURES = 16
MAX_LINES = 32

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile(r"\u2014 (?P<name>[^\s+]+) (?P<blob>[A-Za-z0-9+/=]+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line: who it says signed, a hint which key, and the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A parsed checkpoint. ``signed`` are the bytes that its signatures are over."""

    origin: str
    tree_size: int
    root_hash: bytes
    signed: bytes
    signatures: tuple[NoteSignature, ...]


def parse(note: str) -> Checkpoint:
    """Read a checkpoint; raise :class:`MalformedError` for anything that is not one."""
    if _CONTROL.search(note):
        raise MalformedError("the checkpoint has a control character")
    body, blank, block = note.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise MalformedError("the checkpoint is no signed note: no signatures after a blank line")
    lines = body.split("\n")
    if len(lines) < 3 or len(lines) > MAX_LINES or "" in lines:
        raise MalformedError("the checkpoint needs an origin, a tree size and a root hash")
    origin, size, root = lines[:3]
    if not _NUMBER.fullmatch(size):
        raise MalformedError(f"the checkpoint's tree size is {size[:40]!r}")
    root_hash = encodings.b64decode(root)
    if len(root_hash) != 32:
        raise MalformedError("the checkpoint's root hash is no SHA-256")
    return Checkpoint(
        origin=origin,
        tree_size=int(size),
        root_hash=root_hash,
        signed=f"{body}\n".encode(),
        signatures=_signatures(block.removesuffix("\n").split("\n")),
    )


def _signatures(lines: list[str]) -> tuple[NoteSignature, ...]:
    if len(lines) > MAX_SIGNATURES:
        raise MalformedError(f"the checkpoint has over {MAX_SIGNATURES} signatures")
    found = []
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        blob = b"" if match is None else encodings.b64decode(match["blob"])
        if match is None or len(blob) < 5:
            raise MalformedError(f"not a checkpoint's signature line: {line[:80]!r}")
        found.append(NoteSignature(name=match["name"], key_id=blob[:4], signature=blob[4:]))
    return tuple(found)
