"""Which of the files that a line brought have signatures without the log's proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kit.errors import EvidenceError, MachineError
from kit.formats import bare_signature, completion, kinds, unbundled, unproved
from kit.formats.sigstore_bundle import MessageSignature
from kit.formats.unproved import Unproved
from kit.model import EvidenceKind, Found, Gathered


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanting:
    """A file of signatures that lack the log's proof; ``signed`` is the file it is named after."""

    found: Found
    parts: tuple[Unproved, ...]
    signed: Found | None

    @property
    def name(self) -> str:
        """What the completed bundle is called."""
        return completion.name_for(self.found.name)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it another question: the signature, and the bytes it would be over."""
        return self.found.name, self.found.sha256, "" if self.signed is None else self.signed.sha256

    def concerns(self, log_id: bytes) -> bool:
        """Say whether a log can have the entries: any can, unless they name theirs."""
        return any(
            not part.missing or any(entry.log_id == log_id for entry in part.missing)
            for part in self.parts
        )

    def digest_of(self, part: Unproved, algorithm: str) -> str:
        """Return the digest (hex) of the signed bytes; what the signature says where none are.

        Empty where it says nothing either.
        """
        if self.signed is None:
            content = part.bundle.content
            hint = content.hint if isinstance(content, MessageSignature) else None
            return hint.hex if hint is not None and hint.algorithm == algorithm else ""
        if algorithm == "sha256":
            return self.signed.sha256
        try:
            with self.signed.path.open("rb") as file:
                return hashlib.file_digest(file, algorithm).hexdigest()
        except OSError as error:
            raise _unreadable(self.signed, error) from error

    def questions(self, part: Unproved) -> Iterator[tuple[str, ...]]:
        """Yield by which digests to look for the entry of one of its signatures, in turn."""
        yield from (digests for digests in part.digests() if digests)
        if self.signed is not None and not part.digests():
            yield (self.signed.sha256,)


def find(gathered: Gathered, *, by_key: bool) -> Iterator[Wanting]:
    """Yield the files that lack it; of signatures by keys only those asked for, or numbered."""
    files = {found.name: found for found in (*gathered.evidence, *gathered.artifacts)}
    for found in gathered.evidence:
        kind, raw = _read(found)
        parts = () if kind is None else _parts(kind, raw, found, files)
        wanted = tuple(part for part in parts if by_key or part.missing or not part.by_key)
        if wanted:
            signed = files.get(kinds.named_after(found.name) or "")
            yield Wanting(found=found, parts=wanted, signed=signed)


def _read(found: Found) -> tuple[EvidenceKind | None, bytes]:
    if found.size > kinds.MAX_BYTES:
        return None, b""  # told when the pack is put together
    try:
        raw = found.path.read_bytes()
    except OSError as error:
        raise _unreadable(found, error) from error
    return kinds.by_content(found.name, raw), raw


def _unreadable(found: Found, error: OSError) -> MachineError:
    what = f"{found.path}: {error.strerror}"
    return MachineError(what, code="machine.unreadable", subject=found.name)


def _parts(
    kind: EvidenceKind, raw: bytes, found: Found, files: Mapping[str, Found]
) -> tuple[Unproved, ...]:
    parts = unproved.find(kind, raw) or ()
    if kind is not EvidenceKind.SIGNATURE:
        return parts
    stem = kinds.named_after(found.name)
    names = [f"{stem}{suffix}" for suffix in kinds.CERTIFICATES]
    beside = [files[name] for name in names if name in files]
    certified = [made for file in beside for made in _certified(parts, file)]
    return tuple(certified) or parts


def _certified(parts: Sequence[Unproved], beside: Found) -> Iterator[Unproved]:
    """Yield bare signatures as bundles by the certificate beside them, if it is one."""
    try:
        certificate = bare_signature.certificate(_read(beside)[1])
    except EvidenceError:
        return
    for part in parts:
        yield Unproved(bundle=unbundled.bundle(part.bundle.content, certificate))
