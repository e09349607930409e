"""Put SBOMs, scans and VEX documents that lie beside artifacts to whoever vouches for them.

A document says nothing by itself. A verified claim over its bytes becomes a claim over
each artifact it is about: one whose digest the document gives, or one for which the policy
names the document. The second is the policy's to decide; here it must only be proved that
the signer gave the document its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kit.errors import MalformedError, RejectedError
from kit.formats import document, enclosed, kinds
from kit.formats.document import CODES, Document
from kit.model import Claim, Digest, EvidenceFile
from kit.model.predicates import Vex
from kit.pack.reader import Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A document whose bytes accepted claims are over, and what it says.

    ``given`` are the digests of what it is about, ``told`` the first of them: kept, for a
    hostile pack may ask a document of a million of them about 100 000 files.
    """

    evidence: EvidenceFile
    over: tuple[Claim, ...]
    says: Document
    given: frozenset[Digest] = field(init=False)
    told: str = field(init=False)

    def __post_init__(self) -> None:
        """Find what it is about."""
        given = document.about(self.says)
        object.__setattr__(self, "given", frozenset(given))
        object.__setattr__(self, "told", ", ".join(str(digest) for digest in given[:3]))

    def claims_for(self, known: Mapping[str, Digest]) -> Iterator[Claim]:
        """Yield what each signer says, through the document, of the file with these digests.

        Raises :class:`RejectedError` where the document is about other files, or where
        neither it nor anything signed says which file it is about.
        """
        code = CODES[self.evidence.kind]
        shared = self.given.intersection(known.values())
        if self.given and not shared:
            raise RejectedError(
                f"it is about {self.told}, which is another file", code=f"{code}.other-artifact"
            )
        says = _about(self.says, known) if shared else self.says
        proved = False
        for claim in self.over:
            name = _signed_name(claim, self.evidence.name)
            # Of a VEX document no rule can say which file it is about.
            if not shared and (not name or isinstance(says, Vex)):
                continue
            proved = True
            yield replace(
                claim,
                kind=self.evidence.kind,
                digest=known["sha256"],
                names=(),
                predicate_type=None,
                listed_in=None,
                predicate=says,
                predicate_json=None,
                document=name,
            )
        if not proved:
            raise RejectedError(
                f"{self.evidence.name} does not say which file it is about, and what was signed "
                "does not give it this name",
                code=f"{code}.about-unproved",
            )


def read(pack: Pack, evidence: EvidenceFile) -> Document:
    """Return what a document says; raise :class:`EvidenceError` under codes of its kind."""
    code, size = CODES[evidence.kind], pack.member(evidence.member).size
    if size > enclosed.MAX_BYTES:
        raise MalformedError(
            f"it has {size} bytes, over the limit of {enclosed.MAX_BYTES}",
            code=f"{code}.oversized",
        )
    return document.read(evidence.kind, pack.read(evidence.member, enclosed.MAX_BYTES))


def of(pack: Pack) -> Sequence[EvidenceFile]:
    """Return the documents that a pack carries."""
    return [e for e in pack.manifest.evidence if e.kind in kinds.OF_DOCUMENTS]


def _about(says: Document, known: Mapping[str, Digest]) -> Document:
    """Return what a document about the file says, with the file's SHA-256 as what it is about."""
    return says if isinstance(says, Vex) else replace(says, about=(known["sha256"],))


def _signed_name(claim: Claim, name: str) -> str:
    """Return the document's name where the signed evidence over it has it, else empty."""
    return name if name in {given.rpartition("/")[2] for given in claim.names} else ""
