"""Offer what a TUF chain authenticates in place of an instance's anchors.

A chain is walked from the TUF root that this host pins, so that only whoever may sign for the
instance can change what the host trusts, and only forward. Nothing is written here:
``kit.trust.placing`` does that, once the operator agreed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.errors import AnchorError, EvidenceError
from kit.formats import key_facts, trusted_root, tuf_metadata, tuf_record
from kit.formats.encodings import render_time
from kit.formats.memory_file import KnownChain
from kit.trust import difference, memory, tuf_anchor, tuf_chain
from kit.trust.difference import Difference
from kit.trust.places import Place, read
from kit.trust.tuf_anchor import ROOT, TRUSTED_ROOT, TufAnchor
from kit.trust.tuf_chain import Walked
from kit.trust.tuf_files import Files

_LOOK = (
    "look with `trust diff`, and take it over with --expect sha256:HEX, a digest that came by "
    "another way"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What a host has of an instance now: its trusted root, TUF root, and what it wrote down."""

    instance: str
    place: Place
    trusted_root: bytes
    tuf: TufAnchor
    record: tuf_record.Record

    @property
    def sha256(self) -> str:
        """The SHA-256 of the trusted root."""
        return hashlib.sha256(self.trusted_root).hexdigest()

    @property
    def vouching(self) -> KnownChain | None:
        """The versions of the metadata that vouched for the trusted root, where they are known."""
        return None if self.record.vouches(self.sha256) is None else self.record.chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a chain authenticates, beside what the host pins."""

    pinned: Pinned
    root: bytes
    root_version: int
    trusted_root: bytes
    vouched_until: datetime
    chain: KnownChain
    difference: Difference

    @property
    def sha256(self) -> str:
        """The SHA-256 of the new trusted root, which operators compare."""
        return hashlib.sha256(self.trusted_root).hexdigest()

    @property
    def changes_keys(self) -> bool:
        """Whether other bytes would be trusted than now."""
        return (self.trusted_root, self.root) != (self.pinned.trusted_root, self.pinned.tuf.raw)

    @property
    def may_be_older(self) -> bool:
        """Whether nothing shows that the trusted root is newer than the one that is pinned."""
        return not _is_shown_newer(self, self.pinned)

    @property
    def is_news(self) -> bool:
        """Whether anything would be written at all."""
        until = self.pinned.record.vouches(self.pinned.sha256)
        return self.changes_keys or until is None or self.vouched_until > until


def pinned(instance: str, places: Sequence[Place]) -> Pinned:
    """Return what this host has of an instance.

    Raises :class:`AnchorError`: ``trust.missing`` where it has no trusted root, or no TUF root
    beside it, from which a chain could be walked.
    """
    for place in places:
        folder = place.folder / instance
        raw = read(folder / TRUSTED_ROOT, trusted_root.MAX_BYTES, instance)
        if raw is None:
            continue
        tuf = tuf_anchor.pinned_root(folder, instance)
        if tuf is None:
            raise _missing(instance, f"{place.label} has no {ROOT} beside its trusted root")
        return Pinned(
            instance=instance,
            place=place,
            trusted_root=raw,
            tuf=tuf,
            record=tuf_anchor.record(folder, instance),
        )
    raise _missing(instance, "no place has a trusted root for it")


def offered(
    pinned: Pinned,
    files: Files,
    walked: Walked | None = None,
    seen: KnownChain | None = None,
) -> Offered:
    """Walk the chain in ``files`` from what is pinned; return what it authenticates.

    Raises :class:`AnchorError` for a chain that does not verify, ``trust.rollback`` for one that
    is older than what is pinned or ``seen`` (what the host's checks remember), ``trust.malformed``
    for a trusted root that this kit cannot use.
    """
    instance, target = pinned.instance, pinned.record.target
    try:
        walked = walked or tuf_chain.walk(instance, pinned.tuf.raw, files, target)
    except AnchorError as error:
        if error.code != "trust.older-chain":
            raise
        raise rollback(instance, error.message) from error
    for known in (pinned.vouching, seen):
        _demand_not_seen_newer(instance, walked, known)
    raw = walked.targets[target]
    return Offered(
        pinned=pinned,
        root=_newest_root(pinned, files, walked),
        root_version=walked.root.version,
        trusted_root=raw,
        vouched_until=_vouched_until(pinned, raw, walked.valid_until),
        chain=memory.numbers(walked),
        difference=difference.between(_facts(instance, pinned.trusted_root), _facts(instance, raw)),
    )


def _vouched_until(pinned: Pinned, raw: bytes, until: datetime) -> datetime:
    """Return until when a trusted root is vouched for; refuse one that came before ours."""
    before = pinned.record.vouches(pinned.sha256)
    if before is None or before <= until:
        return until
    if raw == pinned.trusted_root:  # an older timestamp takes nothing back
        return before
    raise rollback(
        pinned.instance,
        f"it was vouched for until {render_time(until)}, and what this host has until "
        f"{render_time(before)}",
    )


def _demand_not_seen_newer(instance: str, walked: Walked, seen: KnownChain | None) -> None:
    """Refuse what is older than, or another than, what this host has rested on."""
    if seen is None:
        return
    if memory.forked(seen, walked):
        raise AnchorError(
            f"root {seen.root} of {instance!r} is not the one that this host has seen",
            code="trust.root-fork",
            subject=instance,
        )
    older = ", ".join(memory.rolled_back(seen, memory.numbers(walked)))
    if older:
        raise rollback(instance, older)


def _newest_root(pinned: Pinned, files: Files, walked: Walked) -> bytes:
    if walked.root.version == pinned.tuf.version:
        return pinned.tuf.raw
    name = f"{walked.root.version}.root.json"
    raw = files.read(name, tuf_metadata.MAX_BYTES["root"]) or b""
    # The walk read it before: what is written must be what was verified.
    if hashlib.sha256(tuf_metadata.root(raw).payload).hexdigest() != walked.root.sha256:
        raise AnchorError(
            f"{name} changed while it was read", code="trust.changed", subject=pinned.instance
        )
    return raw


def _is_shown_newer(offer: Offered, than: Pinned) -> bool:
    """Say whether something that is signed shows that an offer is no older than an anchor.

    Versions do, which :func:`offered` compares where they were written down, as of what this
    kit put there; so does a date, where the offer is vouched for beyond it: whoever may say
    so says so later, as long as what is signed is not made to expire sooner than before. Of
    what was put there by hand there is neither. Keys tell nothing: one that a publisher took
    back would come with the older trusted root as a new one comes with a newer.
    """
    if offer.trusted_root == than.trusted_root or than.vouching is not None:
        return True
    until = than.record.vouches(than.sha256)
    return until is not None and offer.vouched_until > until


def demand_newer(offer: Offered, than: Pinned, hint: str = _LOOK) -> None:
    """Raise ``trust.may-be-older`` where nothing shows that an offer is newer than an anchor."""
    if not _is_shown_newer(offer, than):
        raise perhaps_older(than.instance, than.place.label, hint)


def perhaps_older(instance: str, label: str, hint: str) -> AnchorError:
    """Return the refusal of what nothing shows to be newer than the anchor in a place."""
    return AnchorError(
        f"what is offered for {instance!r} may be older than what {label} has: neither versions "
        "nor a date are written down that would tell",
        code="trust.may-be-older",
        subject=instance,
        hint=f"nothing was changed; {hint}",
    )


def _facts(instance: str, raw: bytes) -> tuple[key_facts.KeyFact, ...]:
    try:
        return key_facts.of_trusted_root(trusted_root.parse(raw))
    except EvidenceError as error:
        raise AnchorError(
            f"the trusted root of {instance!r}: {error.message}",
            code="trust.malformed",
            subject=instance,
        ) from error


def _missing(instance: str, why: str) -> AnchorError:
    return AnchorError(
        f"the anchors of {instance!r} cannot be renewed: {why}",
        code="trust.missing",
        subject=instance,
        hint=f"put {instance}/{TRUSTED_ROOT} and {instance}/{ROOT} into a folder of anchors by "
        "hand once, having compared them with their owner",
    )


def rollback(instance: str, why: str) -> AnchorError:
    """Return the refusal of anchors that are older than what this host has."""
    return AnchorError(
        f"what is offered for {instance!r} is older than what this host has: {why}",
        code="trust.rollback",
        subject=instance,
        hint="nothing was changed; anchors never go back",
    )
