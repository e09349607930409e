"""Put detached OpenPGP signatures to their verifier, one run of gpg for each file they are about.

A pack may say that every signature is about every file, and each run reads the whole of a
file. A detached signature is about one file, however often that is carried; so one that is
about many is refused, and one file is put to a bounded number of signatures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kit.check import hashing
from kit.check.hashing import Known
from kit.check.jobs import Outcome, Refusal
from kit.errors import EvidenceError, RejectedError, UnsupportedError
from kit.formats import openpgp
from kit.formats.openpgp import Detached
from kit.model import EvidenceFile, EvidenceKind
from kit.pack.reader import Pack
from kit.verifiers.openpgp import OpenPgpVerifier, Verified

#: Different contents that one signature may be about, and signatures put to one content.
MAX_CONTENTS = 4
MAX_RUNS = 32


def concerns(pack: Pack, evidence: EvidenceFile) -> bool:
    """Say whether a piece of evidence is one for here: by its kind, or a ``.sig`` by its bytes."""
    if evidence.kind is EvidenceKind.SIGNATURE:
        try:
            return openpgp.looks_like(hashing.read(pack, evidence))
        except EvidenceError:
            return False
    return evidence.kind is EvidenceKind.OPENPGP


def run(
    pack: Pack, known: Known, evidence: Sequence[EvidenceFile], verifier: OpenPgpVerifier | None
) -> Iterator[Outcome]:
    """Yield the outcome of every detached signature for each member it is about, in order."""
    bench = _Bench(pack, known, verifier)
    for piece in evidence:
        yield from bench.outcomes(piece)


@dataclass(slots=True)
class _Bench:
    """The verifier, what it was asked already, and how often about each content."""

    pack: Pack
    known: Known
    verifier: OpenPgpVerifier | None
    runs: Counter[str] = field(default_factory=Counter)
    told: dict[tuple[bytes, str], Verified | EvidenceError] = field(default_factory=dict)

    def outcomes(self, evidence: EvidenceFile) -> Iterator[Outcome]:
        if self.verifier is None:
            error = UnsupportedError("the policy names no OpenPGP signer")
            yield from (_refused(member, evidence.member, error) for member in evidence.about)
            return
        try:
            detached = self.verifier.read(hashing.read(self.pack, evidence))
            contents = {self.known[member]["sha256"].hex for member in evidence.about}
            if len(contents) > MAX_CONTENTS:
                raise RejectedError(
                    f"it is said to be about {len(contents)} files, and a detached signature is "
                    "about one",
                    code="openpgp.too-many",
                )
        except EvidenceError as error:
            yield from (_refused(member, evidence.member, error) for member in evidence.about)
            return
        for member in evidence.about:
            yield self._outcome(self.verifier, evidence.member, detached, member)

    def _outcome(
        self, verifier: OpenPgpVerifier, label: str, detached: Detached, member: str
    ) -> Outcome:
        known = self.known[member]
        key = (detached.raw, known["sha256"].hex)
        if key not in self.told:
            self.told[key] = self._ask(verifier, detached, member, known["sha256"].hex)
        answer = self.told[key]
        if isinstance(answer, EvidenceError):
            return _refused(member, label, answer)
        return Outcome(
            member=member,
            claims=answer.claims_for(label, known),
            refusals=(),
            notes=tuple(_stranger(label, name) for name in answer.unknown),
        )

    def _ask(
        self, verifier: OpenPgpVerifier, detached: Detached, member: str, content: str
    ) -> Verified | EvidenceError:
        self.runs[content] += 1
        if self.runs[content] > MAX_RUNS:
            return RejectedError(
                f"over {MAX_RUNS} signatures are about this file", code="openpgp.too-many"
            )
        try:
            return verifier.verify(detached, lambda: self.pack.stream(member))
        except EvidenceError as error:
            return error


def _refused(member: str, label: str, error: EvidenceError) -> Outcome:
    refusal = Refusal(label=label, code=error.code, message=error.message, hint=error.hint)
    return Outcome(member=member, claims=(), refusals=(refusal,))


def _stranger(label: str, key: str) -> Refusal:
    return Refusal(
        label=label,
        code="openpgp.unknown-key",
        message=f"it is also signed by {key}, no key of the policy; that signature was not checked",
        hint=None,
    )
