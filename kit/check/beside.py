"""What pieces of evidence in a pack are to each other, by their names.

A certificate (``NAME.pem``) is no evidence but belongs to a signature (``NAME.sig``), and a
bundle that collecting completed belongs to the signature as it was published. Names are
the collector's: they choose words, and no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.formats import completion, kinds
from kit.model import EvidenceFile, EvidenceKind
from kit.verifiers import unlogged


class Beside:
    """The evidence of one pack, by name."""

    def __init__(self, evidence: Sequence[EvidenceFile]) -> None:
        """Note which names there are."""
        self._members: dict[str, str] = {}
        self._named_after: dict[EvidenceKind, set[str | None]] = {}
        for piece in evidence:
            self._members.setdefault(piece.name, piece.member)
            names = self._named_after.setdefault(piece.kind, set())
            names.add(kinds.named_after(piece.name))

    def speaks_for_another(self, piece: EvidenceFile) -> bool:
        """Say whether a piece is only what another is read with: a signature's certificate."""
        signed = self._named_after.get(EvidenceKind.SIGNATURE, set())
        return piece.kind is EvidenceKind.CERTIFICATE and kinds.named_after(piece.name) in signed

    def demand_logged(self, piece: EvidenceFile) -> None:
        """Raise ``evidence.incomplete`` for a bare signature by a certificate.

        Only a key's may do without its log entry, for which such files have no room.
        """
        certified = self._named_after.get(EvidenceKind.CERTIFICATE, set())
        if piece.kind is EvidenceKind.SIGNATURE and kinds.named_after(piece.name) in certified:
            raise unlogged.incomplete()

    def completed_from(self, piece: EvidenceFile) -> str | None:
        """Return the member that a completed bundle was made of, where it is there."""
        original = completion.original_of(piece.name)
        return None if original is None else self._members.get(original)
