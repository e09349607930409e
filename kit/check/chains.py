"""Walk the TUF chains that a pack carries, each from the root that this host pins.

What a chain authenticates is told and remembered; verification goes on with the trusted root
that this host already had (design section 9). A chain that does not verify ends the check: an
honest pack has none, and nobody else should be able to say what this host's anchors are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kit.errors import AnchorError, MalformedError
from kit.formats import trusted_root
from kit.formats.encodings import render_time
from kit.formats.memory_file import KnownChain
from kit.formats.trusted_root import TrustedRoot
from kit.model import AnchorRecord, Finding, Level
from kit.pack.carried import Carried
from kit.pack.reader import Pack
from kit.trust import memory, tuf_chain
from kit.trust.anchors import Anchor
from kit.trust.tuf_anchor import TufAnchor
from kit.trust.tuf_chain import Walked

_CHANGED = (
    "the pack was changed, or collected from another root than this host pins: get it again, and "
    "compare root.json with whoever runs the instance"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is known of this host's anchors after a look at the pack: a record for each."""

    records: tuple[AnchorRecord, ...]
    findings: tuple[Finding, ...]


def look(
    pack: Pack,
    anchors: Mapping[str, Anchor],
    known: Mapping[str, KnownChain],
    *,
    accept_rollback: bool,
) -> Looked:
    """Walk every chain that is carried for an anchor of this host.

    ``known`` is what the host remembers by instance. Raises :class:`AnchorError` for a chain
    that does not verify, or that is older than one that was seen and not accepted so.
    """
    records: list[AnchorRecord] = []
    findings: list[Finding] = []
    for instance, anchor in anchors.items():
        carried, tuf = Carried(pack, instance), anchor.tuf
        record, found = anchor.record(), []
        if carried.names() and tuf is None:
            found = [_no_root(instance)]
        elif carried.names() and tuf is not None:
            walk = _Walk(anchor, tuf, known.get(instance), accept_rollback)
            record, found = walk.through(carried)
        records.append(record)
        findings += found
    return Looked(records=tuple(records), findings=tuple(findings))


@dataclass(frozen=True, slots=True)
class _Walk:
    """What one chain is held against: the anchor, its TUF root, what the host has seen."""

    anchor: Anchor
    tuf: TufAnchor
    known: KnownChain | None
    accept: bool

    def through(self, carried: Carried) -> tuple[AnchorRecord, list[Finding]]:
        """Return the anchor's record with what the chain tells, and what there is to say."""
        anchor, target = self.anchor, self.anchor.tuf_record.target
        try:
            walked = tuf_chain.walk(anchor.instance, self.tuf.raw, carried, target)
        except AnchorError as error:
            if error.code != "trust.older-chain":
                error.hint = _CHANGED
                raise
            return anchor.record(), [_note(anchor.instance, error.code, error.message)]
        findings = [_note(anchor.instance, said.code, said.message) for said in walked.remarks]
        findings += self._older(walked)
        findings += self._newer(walked, walked.targets[target])
        return _record(anchor, walked, target), findings

    def _older(self, walked: Walked) -> Iterator[Finding]:
        """Refuse what is older than this host has seen, unless the operator accepts it."""
        if self.known is None:
            return
        chain = f"the TUF chain of {walked.instance!r}"
        if memory.forked(self.known, walked):
            raise AnchorError(
                f"{chain}: root {self.known.root} is not the one that this host has seen under "
                "that version",
                code="trust.root-fork",
                subject=walked.instance,
            )
        older = ", ".join(memory.rolled_back(self.known, memory.numbers(walked)))
        if not older:
            return
        message = f"{chain} is older than this host has seen: {older}"
        if not self.accept:
            raise AnchorError(
                message,
                code="trust.rollback",
                subject=walked.instance,
                hint="a pack that was collected earlier has an older chain; if it is one that "
                "you mean to check, say so with --accept-rollback",
            )
        yield Finding(
            level=Level.WARNING,
            code="trust.rollback",
            subject=walked.instance,
            message=f"{message}; accepted with --accept-rollback",
        )

    def _newer(self, walked: Walked, raw: bytes) -> Iterator[Finding]:
        """Tell of what the chain has that this host has not taken over."""
        anchor, until = self.anchor, walked.valid_until
        when, pinned_until = render_time(until), anchor.record().vouched_until
        if hashlib.sha256(raw).hexdigest() == anchor.sha256:
            if walked.root.version > self.tuf.version:
                yield _taken_over(
                    Level.NOTE,
                    anchor.instance,
                    f"the pack carries TUF root {walked.root.version}; this host pins "
                    f"{self.tuf.version}, and has the same trusted root",
                )
        elif pinned_until is not None and until < pinned_until:
            what = f"the pack's chain (until {when}) is older than this host's trusted root"
            yield _note(anchor.instance, "trust.older-chain", what)
        else:
            yield _taken_over(
                Level.WARNING,
                anchor.instance,
                f"the pack carries another trusted root, authenticated and vouched for until "
                f"{when}: {_difference(anchor.root, raw)}. This check rests on this host's own",
            )


def _taken_over(level: Level, instance: str, message: str) -> Finding:
    return Finding(
        level=level,
        code="trust.newer-known",
        subject=instance,
        message=message,
        hint="see `airgap-kit trust diff PACK`; `trust import PACK` takes it over",
    )


def _record(anchor: Anchor, walked: Walked, target: str) -> AnchorRecord:
    record, chain = anchor.record(), walked.chain(target)
    until = record.vouched_until
    if chain.trusted_root_sha256 == anchor.sha256:
        until = max(filter(None, (until, walked.valid_until)))
    return replace(
        record,
        root_version=walked.root.version,
        root_expires=walked.root.expires,
        vouched_until=until,
        chain=chain,
    )


def _difference(own: TrustedRoot, raw: bytes) -> str:
    try:
        other = trusted_root.parse(raw)
    except MalformedError as error:
        return f"this version of the kit cannot read it ({error.message:.200})"
    ours, theirs = _entries(own), _entries(other)
    return f"{len(theirs - ours)} entries are new or other, {len(ours - theirs)} of ours are gone"


def _entries(root: TrustedRoot) -> set[object]:
    return {
        *root.tlogs,
        *root.ctlogs,
        *root.certificate_authorities,
        *root.timestamp_authorities,
    }


def _no_root(instance: str) -> Finding:
    return _note(
        instance,
        "trust.no-tuf-root",
        "the pack carries a TUF chain, and there is no root.json beside this host's trusted root "
        "to walk it from: it was not looked at",
    )


def _note(instance: str, code: str, message: str) -> Finding:
    return Finding(level=Level.NOTE, code=code, subject=instance, message=message)
