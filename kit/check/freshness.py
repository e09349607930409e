"""How old things are by the host's clock, and whether that clock can be right.

Nothing here touches a signature. Expiry is always told and fails only by policy; a date that
nobody signed can make a verdict worse and never better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from kit.formats.encodings import render_time
from kit.formats.rules import Terms
from kit.model import AnchorRecord, Finding, Level

#: Nobody can have run this kit before it was written: an earlier clock is wrong.
WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
#: How long before a TUF root expires the operator is told: time for a stick to travel.
EXPIRING = timedelta(days=30)


def of_clock(at: datetime, seen: Iterable[datetime | None]) -> Iterator[Finding]:
    """Say that the host's clock cannot be right: before the kit, or before what it has verified.

    ``seen`` are signing times of earlier passes that others than the signers vouched for.
    """
    latest = max(filter(None, seen), default=WRITTEN)
    if at >= max(latest, WRITTEN):
        return
    why = (
        "before this kit was written"
        if at < WRITTEN
        else f"before a signature that this host has verified, of {render_time(latest)}"
    )
    yield Finding(
        level=Level.ERROR,
        code="clock.impossible",
        subject="clock",
        message=f"this host's clock says {render_time(at)}, {why}: nothing that hangs on time "
        "can be judged",
        hint="set the clock of this host, and check again; --at TIME judges as of another time",
    )


def of_anchors(records: Iterable[AnchorRecord], terms: Terms, at: datetime) -> Iterator[Finding]:
    """Say what of the anchors is over or soon will be, and what the policy finds too old."""
    for record in records:
        yield from _expiry(record, at)
        limit, age = terms.max_root_age, record.age(at)
        if limit is not None and age is not None and age > limit:
            yield Finding(
                level=Level.ERROR,
                code="trust.too-old",
                subject=record.instance,
                message=f"nobody has vouched for this trusted root for {age.days} days; the policy "
                f"allows {_told(limit)}",
                hint="carry newer metadata: `airgap-kit collect`, then `trust import PACK`",
            )


def of_collection(
    collected_at: datetime, terms: Terms, at: datetime, newest_signature: datetime | None
) -> Iterator[Finding]:
    """Hold the pack's own date against the clock and against what is signed in it."""
    limit = terms.max_collection_age
    # A date that cannot be true shows no age, so it cannot meet a policy that demands one.
    level = Level.WARNING if limit is None else Level.ERROR
    if collected_at > at:
        yield Finding(
            level=level,
            code="clock.behind",
            subject="manifest.json",
            message="the pack says it was collected after this host's time",
            hint="check the clock of this host",
        )
    elif newest_signature is not None and collected_at < newest_signature:
        yield Finding(
            level=level,
            code="clock.collector",
            subject="manifest.json",
            message=f"the pack says it was collected at {render_time(collected_at)}, before a "
            f"signature in it, of {render_time(newest_signature)}",
            hint="the clock of the host that collected it was wrong, or the date was given to it",
        )
    elif limit is not None and at - collected_at > limit:
        yield Finding(
            level=Level.ERROR,
            code="pack.too-old",
            subject="manifest.json",
            message=f"the pack was collected {(at - collected_at).days} days ago, as it says "
            f"itself; the policy allows {_told(limit)}",
            hint="collect it again",
        )


def _expiry(record: AnchorRecord, at: datetime) -> Iterator[Finding]:
    expires, chain = record.root_expires, record.chain
    if expires is not None and expires - at <= EXPIRING:
        over = at >= expires
        yield Finding(
            level=Level.WARNING,
            code="trust.root-expired" if over else "trust.root-expiring",
            subject=record.instance,
            message=f"TUF root {record.root_version} {'expired' if over else 'expires'} at "
            f"{render_time(expires)}. It is an anchor all the same; newer ones are not known here",
            hint="collect a pack with newer metadata, then `airgap-kit trust import PACK`",
        )
    if chain is not None and at >= chain.valid_until:
        yield Finding(
            level=Level.NOTE,
            code="trust.chain-expired",
            subject=record.instance,
            message="the TUF metadata in the pack vouched until "
            f"{render_time(chain.valid_until)}; what was revoked since is not known here",
        )


def _told(limit: timedelta) -> str:
    hours = int(limit.total_seconds()) // 3600
    return f"{hours // 24} days" if hours % 24 == 0 else f"{hours} hours"
