"""From a pack, a policy and anchors to a report.

In order: the pack's frame (on opening), every member's digest, every piece of evidence,
then the policy. A damaged pack ends the walk before anything in it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kit.check import (
    chains,
    custody,
    freshness,
    hashing,
    images,
    inquiry,
    misplaced,
    replays,
    weighing,
)
from kit.check.custody import Sealed
from kit.check.hashing import Known
from kit.check.jobs import Basis
from kit.check.layout import Walked
from kit.check.weighed import Weighed
from kit.formats import distribution, enclosed, npm_tarball
from kit.formats.memory_file import Known as Remembered
from kit.formats.npm_package import NpmPackage
from kit.formats.release_file import ReleaseFile
from kit.model import AnchorRecord, Artifact, Finding, Level, Report, Verdict
from kit.pack.reader import Pack
from kit.policy.facts import FileFacts, ImageFacts, Inside
from kit.policy.judge import judge
from kit.trust.anchors import Anchor
from kit.trust.keyrings import Keyring
from kit.trust.memory import newest_signature
from kit.trust.npm_keys import NpmKeyring
from kit.verifiers.custody import Sealers
from kit.verifiers.openpgp import OpenPgpVerifier

#: Errors about one artifact that is not there; the others may pass.
_OF_ONE = frozenset({"artifact.missing"})
_NO_KEYS: Mapping[str, Keyring] = MappingProxyType({})
_UNSEALED = Sealed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to check: as of when, which artifacts only, how many processes, whom to tell.

    ``progress`` is called with the number of bytes hashed since its last call. ``gpg`` is
    the absolute path of the one program that is run, only for signatures by OpenPGP keys
    that the policy pins; ``None`` where this host has none. ``by_clock`` says that ``at`` is
    the host's clock. ``known`` is what the host remembers, if it is to be held against that;
    ``accept_rollback`` lets an older chain or pack pass, and the report says so. ``sealed`` is
    the custody file beside the pack, and the keys it may be by.
    """

    at: datetime
    only: tuple[str, ...] = ()
    workers: int | None = None
    progress: Callable[[int], None] | None = None
    gpg: Path | None = None
    by_clock: bool = False
    known: Remembered | None = None
    accept_rollback: bool = False
    sealed: Sealed = _UNSEALED


def check(
    pack: Pack,
    release: ReleaseFile,
    anchors: Mapping[str, Anchor],
    options: Options,
    openpgp_keys: Mapping[str, Keyring] = _NO_KEYS,
    npm_keys: tuple[NpmKeyring, ...] = (),
) -> Report:
    """Return the report on an opened pack under the policy in ``release``.

    ``openpgp_keys`` are the keys that the policy pins, by fingerprint, as this host has
    them, and ``npm_keys`` those of the registries that it names. Raises :class:`PackError`
    naming every damaged member, :class:`AnchorError` for a trusted root or key that cannot be
    used, or a TUF chain that does not verify, :class:`MachineError` for a medium that cannot be
    read, or where gpg is needed and does not work. Whatever is wrong with evidence is a finding.
    """
    known = hashing.hash_members(pack, release, options.progress)
    remembered = options.known or Remembered()
    looked = chains.look(pack, anchors, remembered.chains, accept_rollback=options.accept_rollback)
    basis = Basis(
        anchors=tuple(anchors.values()),
        at=options.at,
        npm_keys=npm_keys,
        npm_accept_expired=release.npm_accepted_expired,
        whole_predicates=release.of_whole_predicates,
    )
    with openpgp(openpgp_keys, options, release.openpgp_accepted_expired) as verifier:
        weighed = weighing.weigh(pack, known, basis, options.workers, verifier)
    seen = images.look(pack, release)
    files = facts_of(pack, known, weighed, seen)

    verdicts, findings = judge(release, files, _inside(pack), options.at)
    seals = custody_of(pack, release, options)
    inquiries, unread = inquiry.read(pack)
    report = Report(
        release_name=release.name,
        release_version=release.version,
        policy_sha256=release.sha256,
        predicate_schemas=release.predicate_schemas,
        manifest_sha256=pack.manifest_sha256,
        pack_size=pack.size,
        collected_at=pack.manifest.collected_at,
        at=options.at,
        anchors=(
            *looked.records,
            *(key.record() for anchor in anchors.values() for key in anchor.keys),
            *(keyring.record() for keyring in openpgp_keys.values()),
            *(keyring.record() for keyring in npm_keys),
        ),
        verdicts=_selected(
            misplaced.told(inquiry.explained(verdicts, inquiries), pack.manifest), options.only
        ),
        findings=(
            *_about_time(pack, release, looked.records, verdicts, options),
            *_about_the_pack(pack, release, options),
            *looked.findings,
            *_about_anchors(anchors),
            *_replayed(release, remembered, verdicts, options),
            *seals.findings,
            *seen.findings,
            *findings,
            *unread,
            *inquiry.lost(pack, inquiries),
        ),
        by_clock=options.by_clock,
        custody=seals.seals,
    )
    return _failed_as_a_whole(report)


def _inside(pack: Pack) -> Inside:
    """Return what reads the artifacts of a pack."""

    def package(artifact: Artifact) -> distribution.Named | NpmPackage:
        with pack.member_file(artifact.member) as file:
            if artifact.name.endswith(npm_tarball.SUFFIX):
                return npm_tarball.read(file)
            return distribution.read(artifact.name, file)

    def document(artifact: Artifact) -> Any:
        return enclosed.of_file(pack.read(artifact.member, enclosed.MAX_BYTES))

    return Inside(package=package, document=document)


def _failed_as_a_whole(report: Report) -> Report:
    """Fail every artifact for what fails all of the pack: none of them may read PASS then."""
    whole = (finding for finding in report.findings if finding.level is Level.ERROR)
    first = next((finding for finding in whole if finding.code not in _OF_ONE), None)
    if first is None:
        return report
    failed = (replace(verdict, findings=(first, *verdict.findings)) for verdict in report.verdicts)
    return replace(report, verdicts=tuple(failed))


def _replayed(
    release: ReleaseFile, remembered: Remembered, verdicts: Sequence[Verdict], options: Options
) -> Iterator[Finding]:
    if not options.only:  # else what is there is only a part of what was remembered
        known = remembered.releases.get(release.name)
        yield from replays.findings(known, release, verdicts, accept=options.accept_rollback)


def _about_time(
    pack: Pack,
    release: ReleaseFile,
    records: Sequence[AnchorRecord],
    verdicts: Sequence[Verdict],
    options: Options,
) -> Iterator[Finding]:
    at, known = options.at, options.known or Remembered()
    if options.by_clock:
        yield from freshness.of_clock(at, (seen.signed_at for seen in known.releases.values()))
    yield from freshness.of_anchors(records, release.terms, at)
    signed = newest_signature(verdicts)
    yield from freshness.of_collection(pack.manifest.collected_at, release.terms, at, signed)


def custody_of(pack: Pack, release: ReleaseFile, options: Options) -> custody.Judged:
    """Return what stands beside the pack of who sealed it, under the policy's rules."""
    sealed = options.sealed
    with openpgp(sealed.openpgp_keys, options) as verifier:
        sealers = Sealers(
            keys=sealed.keys, openpgp=verifier, fingerprints=tuple(sealed.openpgp_keys)
        )
        return custody.judge(sealed, pack.manifest_sha256, release.custody, sealers, options.at)


def openpgp(
    keys: Mapping[str, Keyring], options: Options, accept_expired: Collection[str] = ()
) -> AbstractContextManager[OpenPgpVerifier | None]:
    """Return what verifies OpenPGP signatures by these keys; nothing where there are none."""
    if not keys:
        return nullcontext()
    return OpenPgpVerifier(keys, options.at, options.gpg, accept_expired=accept_expired)


def facts_of(
    pack: Pack, known: Known, weighed: Weighed, seen: images.Seen
) -> tuple[FileFacts, ...]:
    """Return what policy is told of every artifact."""
    # An index has thousands of images at worst, and many names: such fail, and share them.
    below: dict[int, tuple[FileFacts, ...]] = {}
    found = []
    for artifact in pack.manifest.artifacts:
        own = _own(pack, artifact, known, weighed)
        walked = seen.images.get((artifact.source, artifact.name))
        if walked is not None:
            if id(walked) not in below:
                below[id(walked)] = _platforms(pack, artifact, known, weighed, walked)
            own = _of_image(own, walked, below[id(walked)], known)
        found.append(own)
    return tuple(found)


def _platforms(
    pack: Pack, artifact: Artifact, known: Known, weighed: Weighed, walked: Walked
) -> tuple[FileFacts, ...]:
    return tuple(
        _own(
            pack,
            replace(artifact, name=f"{artifact.name} ({child.platform})", member=child.member),
            known,
            weighed,
        )
        for child in walked.children.values()
    )


def _of_image(
    own: FileFacts, walked: Walked, platforms: tuple[FileFacts, ...], known: Known
) -> FileFacts:
    """Return the facts of an artifact with those of what its document leads to."""
    name = own.artifact.name
    image = ImageFacts(
        is_index=walked.is_index,
        platforms=platforms,
        blobs=frozenset(d for blob in walked.blobs for d in known[blob].values()),
        chart=walked.chart,
    )
    below = (finding for platform in platforms for finding in platform.findings)
    wrong = (replace(finding, subject=name) for finding in walked.findings)
    findings = (*wrong, *own.findings, *below)
    return replace(own, findings=findings, image=image)


def _own(pack: Pack, artifact: Artifact, known: Known, weighed: Weighed) -> FileFacts:
    """Return the facts of one document by itself, whatever it leads to."""
    member = artifact.member
    return FileFacts(
        artifact=artifact,
        size=pack.member(member).size,
        digests=known[member],
        claims=tuple(weighed.claims.get(member, ())),
        contradictions=tuple(weighed.contradictions.get(member, ())),
        findings=tuple(
            replace(finding, subject=artifact.name) for finding in weighed.findings.get(member, ())
        ),
    )


def _selected(verdicts: Sequence[Verdict], only: Sequence[str]) -> tuple[Verdict, ...]:
    return tuple(verdict for verdict in verdicts if not only or verdict.name in only)


def _about_anchors(anchors: Mapping[str, Anchor]) -> Iterator[Finding]:
    for anchor in anchors.values():
        for remark in anchor.root.remarks:
            yield Finding(
                level=Level.WARNING if remark.code == "trust.unknown-key" else Level.NOTE,
                code=remark.code,
                subject=anchor.instance,
                message=remark.message,
            )


def _about_the_pack(pack: Pack, release: ReleaseFile, options: Options) -> Iterator[Finding]:
    manifest = pack.manifest
    if pack.member("release.toml").sha256 != release.sha256:
        yield Finding(
            level=Level.NOTE,
            code="policy.differs",
            subject="release.toml",
            message="the pack was collected with another release file than this policy; "
            "only this host's copy counts",
        )
    if (manifest.release_name, manifest.release_version) != (release.name, release.version):
        yield Finding(
            level=Level.WARNING,
            code="pack.other-release",
            subject="manifest.json",
            message=f"the pack says it holds {manifest.release_name} {manifest.release_version}, "
            f"the policy is for {release.name} {release.version}",
        )
    if options.only:
        yield Finding(
            level=Level.NOTE,
            code="check.selection",
            subject="--only",
            message="only the artifacts named on the command line were judged",
        )
    names = {artifact.name for artifact in manifest.artifacts}
    for name in options.only:
        if name not in names:
            yield Finding(
                level=Level.ERROR,
                code="artifact.missing",
                subject=name,
                message=f"--only {name}: the pack has no such artifact",
            )
