"""The authorities of one instance, and the trusted root that vouches for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

from tests.lab import keys, rsa_keys, trust
from tests.lab.certificate import FROM, UNTIL
from tests.lab.ctlog import CtLog
from tests.lab.fulcio import Fulcio, Style
from tests.lab.keys import Seed
from tests.lab.rekor import Rekor
from tests.lab.tiles import Tiles
from tests.lab.trust import Listed, Windows
from tests.lab.tsa import Tsa

RETIRED = datetime(2023, 1, 1, tzinfo=UTC)
_TILES_FROM = datetime(2024, 1, 1, tzinfo=UTC)
_GITHUB_YEARS = (2023, 2024, 2025, 2026)
GITHUB = "GitHub, Inc."

_ENTRY = frozenset({"entry", "promise", "v1", "proof", "checkpoint"})
_Generation = TypeVar("_Generation", Fulcio, Tsa)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """Who served until 2023 and is still listed, with that end. Their certificates live on."""

    fulcio: Fulcio
    ctlog: CtLog
    rekor: Rekor
    tsa: Tsa


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorities:
    """One instance. Without a CT log its leaves carry no promise.

    ``usual`` is what its bundles have unless more or less is asked for, and ``services`` what
    can be asked of it.
    """

    seed: Seed
    cas: tuple[Fulcio, ...]
    ctlogs: tuple[CtLog, ...] = ()
    rekor: Rekor | None = None
    tiles: Tiles | None = None
    tsas: tuple[Tsa, ...] = ()
    retired: Retired | None = None
    usual: frozenset[str]
    services: frozenset[str] = frozenset()

    @classmethod
    def of(cls, seed: Seed, shape: str = "plain") -> Authorities:
        """Return the instance of this shape whose keys all come from ``seed``."""
        if shape not in SHAPES:
            raise ValueError(f"no such shape: {shape!r} (there are {', '.join(SHAPES)})")
        return SHAPES[shape](seed)

    def ca(self, at: datetime) -> Fulcio:
        """Return who issues leaves at this time."""
        return self.cas[0] if len(self.cas) == 1 else _living(self.cas, at, lambda ca: ca.style)[0]

    def stampers(self, at: datetime) -> tuple[Tsa, ...]:
        """Return who stamps at this time."""
        return _living(self.tsas, at, lambda tsa: tsa)

    def trusted_root(self, windows: Windows | None = None, twist: str | None = None) -> bytes:
        """Return a trusted_root.json with what the authorities sign with."""
        return trust.document_of(self._listed(), windows or {}, twist)

    def _listed(self) -> list[Listed]:
        listed: list[Listed] = []
        if (old := self.retired) is not None:
            window = (FROM, RETIRED)
            listed += [
                trust.log("tlogs", "rekor-retired", *_rekor(old.rekor), window),
                trust.authority("fulcio-retired", old.fulcio, window),
                trust.log("ctlogs", "ctlog-retired", *_ctlog(old.ctlog), window),
                trust.stamper("tsa-retired", old.tsa, window),
            ]
        if self.rekor is not None:
            listed.append(trust.log("tlogs", "rekor", *_rekor(self.rekor), (FROM, None)))
        if self.tiles is not None:
            listed.append(trust.log("tlogs", "rekor-v2", *_tiles(self.tiles), (_TILES_FROM, None)))
        for name, ca in _named("fulcio", self.cas):
            listed.append(trust.authority(name, ca, _window(ca.style.lives)))
        for name, log in _named("ctlog", self.ctlogs):
            listed.append(trust.log("ctlogs", name, *_ctlog(log), (FROM, None)))
        for name, tsa in _named("tsa", self.tsas):
            listed.append(trust.stamper(name, tsa, _window(tsa.lives)))
        return listed


def _plain(seed: Seed) -> Authorities:
    domain = _domain(seed)
    return Authorities(
        seed=seed,
        cas=(Fulcio.of(Style.of(domain), seed.child("fulcio")),),
        ctlogs=(CtLog.of(f"https://ct.{domain}/2021", seed.p256("ctlog")),),
        rekor=Rekor.of(f"rekor.{domain}", seed.child("rekor")),
        usual=_ENTRY | {"certificate", "sct"},
    )


def _full(seed: Seed) -> Authorities:
    domain, plain, old = _domain(seed), _plain(seed), seed.child("retired")
    return Authorities(
        seed=seed,
        cas=plain.cas,
        ctlogs=(
            *plain.ctlogs,
            CtLog.of(f"https://ct.{domain}/2020", rsa_keys.load("ctlog", 2048)),
        ),
        rekor=plain.rekor,
        tiles=Tiles.of(f"log2025-1.rekor.{domain}", seed.child("tiles")),
        tsas=(
            Tsa.of(domain, f"https://timestamp.{domain}", seed.child("tsa", "1")),
            Tsa.of(domain, f"https://tsa.{domain}", seed.child("tsa", "2"), intermediate=True),
        ),
        retired=Retired(
            fulcio=Fulcio.of(Style.of(f"old.{domain}"), old.child("fulcio")),
            ctlog=CtLog.of(f"https://ct.{domain}/2019", old.p256("ctlog")),
            rekor=Rekor.of(f"rekor.old.{domain}", old.child("rekor")),
            tsa=Tsa.of(f"old.{domain}", f"https://tsa.old.{domain}", old.child("tsa")),
        ),
        usual=plain.usual,
        services=frozenset({"tsa", "two-tsas", "tiles", "rsa-ctlog", "retired"}),
    )


def _github(seed: Seed) -> Authorities:
    domain = _domain(seed)
    ca_root, tsa_root = seed.child("fulcio"), seed.child("tsa")

    def ca(index: int, year: int) -> Fulcio:
        style = Style(
            organization=GITHUB,
            root="Internal Services Root",
            intermediate=f"Fulcio Intermediate l{1 + index % 2}",
            uri=f"fulcio.{domain}",
            lives=_year(year),
        )
        return Fulcio.of(style, ca_root.child(str(year)), root=ca_root)

    def tsa(index: int, year: int) -> Tsa:
        # GitHub's older ones are listed without an address.
        return Tsa.of(
            GITHUB,
            f"timestamp.{domain}" if index else "",
            tsa_root.child(str(year)),
            root=tsa_root,
            intermediate=True,
            lives=_year(year),
        )

    years = tuple(enumerate(_GITHUB_YEARS))
    return Authorities(
        seed=seed,
        cas=tuple(ca(*year) for year in years),
        tsas=tuple(tsa(*year) for year in years),
        usual=frozenset({"certificate", "timestamp"}),
        services=frozenset({"tsa", "github"}),
    )


SHAPES: Mapping[str, Callable[[Seed], Authorities]] = MappingProxyType(
    {"plain": _plain, "full": _full, "github": _github}
)


def _domain(seed: Seed) -> str:
    # Readable where the seed is a plain word, and different for any two seeds. RFC 6761: .test.
    word = re.sub(r"[^a-z0-9]+", "-", seed.path[0].lower())[:24].strip("-")
    return f"{word or 'lab'}-{seed.octets('domain').hex()[:6]}.test"


def _year(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def _window(lives: tuple[datetime, datetime]) -> tuple[datetime, datetime | None]:
    return lives[0], None if lives[1] == UNTIL else lives[1]


def _living(
    generations: tuple[_Generation, ...], at: datetime, life: Callable[[_Generation], Any]
) -> tuple[_Generation, ...]:
    living = tuple(each for each in generations if life(each).lives[0] <= at < life(each).lives[1])
    if not living:
        raise ValueError(f"nobody serves at {at}")
    return living


def _named(kind: str, several: tuple[Any, ...]) -> list[tuple[str, Any]]:
    # "tsa", "tsa-2", "tsa-3"
    return [(f"{kind}-{n}" if n > 1 else kind, each) for n, each in enumerate(several, start=1)]


def _rekor(log: Rekor) -> tuple[str, keys.PublicKey, bytes]:
    return f"https://{log.host}", log.promise_key.public_key(), log.log_id


def _tiles(log: Tiles) -> tuple[str, keys.PublicKey, bytes]:
    return f"https://{log.host}", log.key.public_key(), log.log_id


def _ctlog(log: CtLog) -> tuple[str, keys.PublicKey, bytes]:
    return log.url, log.key.public_key(), log.log_id
