"""Put registry signatures in npm packuments to the keys that this host holds.

What is carried is a packument of one version, and what others saved may have thousands. A
file is put to the versions whose integrity is its own, or whose tarball has its name: of
those with its name and another integrity, the signature says that it is another file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kit.check import hashing
from kit.check.hashing import Known
from kit.check.jobs import Basis, Outcome, Refusal
from kit.errors import EvidenceError, RejectedError, UnsupportedError
from kit.formats import npm_packument
from kit.formats.encodings import render_time
from kit.formats.npm_packument import Published
from kit.model import Contradiction, Digest, EvidenceFile, EvidenceKind
from kit.pack.reader import Pack
from kit.verifiers.npm import RegistryKeys, Signed

#: Versions of one packument that are put to one file: those of its name are one.
MAX_VERSIONS = 4


def concerns(evidence: EvidenceFile) -> bool:
    """Say whether a piece of evidence is one for here."""
    return evidence.kind is EvidenceKind.NPM_PACKUMENT


def run(
    pack: Pack, known: Known, evidence: Sequence[EvidenceFile], basis: Basis
) -> Iterator[Outcome]:
    """Yield the outcome of every packument for each member it is about, in order."""
    bench = _Bench(RegistryKeys(basis.npm_keys, basis.at, basis.npm_accept_expired))
    names = {artifact.member: artifact.name for artifact in pack.manifest.artifacts}
    for piece in evidence:
        try:
            if not basis.npm_keys:
                raise UnsupportedError("the policy names no keys of an npm registry")
            versions = _by_what(npm_packument.signed(hashing.read(pack, piece)))
        except EvidenceError as error:
            yield from (_refused(member, piece.member, error) for member in piece.about)
            continue
        for member in piece.about:
            fitting = _fitting(versions, names.get(member), known[member])
            yield bench.outcome(piece.member, member, fitting, known[member])


_Key = str | Digest


def _by_what(versions: Sequence[Published]) -> Mapping[_Key, list[Published]]:
    """Index versions by digest and by tarball: a pack may ask thousands about as many files."""
    found: dict[_Key, list[Published]] = {}
    for version in versions:
        found.setdefault(version.package.tarball, []).append(version)
        if version.digest is not None:
            found.setdefault(version.digest, []).append(version)
    return found


def _fitting(
    versions: Mapping[_Key, list[Published]], name: str | None, known: Mapping[str, Digest]
) -> list[Published]:
    keys: list[_Key] = [*known.values(), *([] if name is None else [name])]
    found = (version for key in keys for version in versions.get(key, ()))
    return list({id(version): version for version in found}.values())[:MAX_VERSIONS]


@dataclass(slots=True)
class _Bench:
    """The keys, and what they were asked already: a pack may ask one version about every file."""

    registries: RegistryKeys
    told: dict[Published, Signed | EvidenceError] = field(default_factory=dict)

    def outcome(
        self, label: str, member: str, versions: Sequence[Published], known: Mapping[str, Digest]
    ) -> Outcome:
        if not versions:
            error = RejectedError(
                "it is of other versions, none of which has this file's name or integrity",
                code="npm.other-version",
            )
            return _refused(member, label, error)
        outcomes = [self._of_version(label, member, version, known) for version in versions]
        return Outcome(
            member=member,
            claims=tuple(claim for outcome in outcomes for claim in outcome.claims),
            refusals=tuple(r for outcome in outcomes for r in outcome.refusals),
            notes=tuple(note for outcome in outcomes for note in outcome.notes),
            contradictions=tuple(c for outcome in outcomes for c in outcome.contradictions),
        )

    def _of_version(
        self, label: str, member: str, version: Published, known: Mapping[str, Digest]
    ) -> Outcome:
        signed = self._ask(version)
        if isinstance(signed, EvidenceError):
            return _refused(member, label, signed)
        try:
            claims = tuple(signed.claims_for(label, known))
        except EvidenceError as error:
            against = signed.over(label, known) if error.code == "digest.mismatch" else ()
            return Outcome(
                member=member,
                claims=(),
                refusals=(_refusal(label, error),),
                contradictions=tuple(
                    Contradiction(over=claim, message=error.message) for claim in against
                ),
            )
        notes = tuple(_told(label, version))
        return Outcome(member=member, claims=claims, refusals=(), notes=notes)

    def _ask(self, version: Published) -> Signed | EvidenceError:
        if version not in self.told:
            try:
                self.told[version] = self.registries.verify(version)
            except EvidenceError as error:
                self.told[version] = error
        return self.told[version]


def _told(label: str, version: Published) -> Iterator[Refusal]:
    if version.claimed is None:
        return
    when = render_time(version.claimed)
    yield Refusal(
        label=label,
        code="npm.claimed-time",
        message=f"the registry says that it published {version.package} at {when}; nothing signed "
        "says so",
        hint=None,
    )


def _refusal(label: str, error: EvidenceError) -> Refusal:
    return Refusal(label=label, code=error.code, message=error.message, hint=error.hint)


def _refused(member: str, label: str, error: EvidenceError) -> Outcome:
    return Outcome(member=member, claims=(), refusals=(_refusal(label, error),))
