"""What a page asks, how a test sees that it holds, and how it is broken at its source."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kit.pack.reader import Pack
from tests.e2e.conftest import Ran, Site
from tests.e2e.test_airgap import UNSHARE, WHY_NOT, can_unshare
from tests.lab import Lab
from tests.lab.order import Options
from tests.lab.shelf import image
from tests.lab.world import Release, World
from tests.lab.world.release import Predicate

#: No login of whoever runs the tests, no token, and no log that is asked by accident.
NOBODY = {"DOCKER_CONFIG": "nowhere"} | dict.fromkeys(
    ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"), ""
)
LAB = Lab("sigstore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A pack that was collected from its world, carried, and checked offline."""

    release: Release
    site: Site
    ran: Ran

    @property
    def pack(self) -> str:
        """The pack's name, in the site's folder."""
        (found,) = self.site.folder.glob("*.pack.tar")
        return found.name

    @property
    def text(self) -> str:
        """The report for people."""
        return self.site.run("check", self.pack, "--policy", "release.toml", env=NOBODY).out

    def claims(self, name: str) -> list[dict[str, Any]]:
        """Return the claims about an artifact that passed."""
        return list(artifact(self.ran, name)["claims"])

    def claim(self, name: str, said: str | None, by: str = "") -> dict[str, Any]:
        """Return the one claim of a predicate type, by a signer of these words."""
        found = [
            claim
            for claim in self.claims(name)
            if claim["predicate-type"] == said and by in claim["identity"]["subject"]
        ]
        assert len(found) == 1, (name, said, found)
        return found[0]

    def ledger(self) -> list[dict[str, Any]]:
        """Return every row of the pack's ledger."""
        with Pack.open(self.site.folder / self.pack) as opened:
            value = json.loads(opened.read("ledger.json", 1 << 22))
        return [row for line in value["lines"] for row in line["asked"]]

    def again(self, *arguments: str, **options: Any) -> Ran:
        """Run another command on the pack, under the policy."""
        command, *more = arguments
        given = (command, self.pack, "--policy", "release.toml", "--format", "json", *more)
        return self.site.run(*given, env=NOBODY, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One thing wrong at the source, and the finding that must name it.

    ``change`` is what becomes of the description; ``of`` is the artifact whose verdict is
    FAIL with this ``code``, in a finding that ``says`` these words. With another ``status``
    there is no verdict: the code is the error's. ``unmet`` are words of the rule that fails.
    """

    what: str
    change: Callable[[Release], Release]
    code: str
    says: str = ""
    of: str = ""
    status: int = 1
    also: Callable[[Checked], None] = lambda _: None
    unmet: str = ""

    def fails(self, release: Release, folder: Path) -> None:
        """Publish the broken release, collect it under the true policy, and see it refused.

        By the rehearsal with which collecting ends, and where its pack was carried to.
        """
        online = collected(release, folder, self.change)
        assert online.ran.status == self.status, online.ran.out + online.ran.err
        if self.status != 1:
            assert self.code in online.ran.codes
            assert not list(folder.glob("**/*.tar")), "a pack under a final name"
            self.also(online)
            return
        self.is_found(online)
        offline = carried(online, folder / "offline")
        assert offline.ran.status == 1, offline.ran.out + offline.ran.err
        self.is_found(offline)
        self.also(offline)

    def is_found(self, checked: Checked) -> None:
        """See the verdict, the finding, and that the error names the rule."""
        found = artifact(checked.ran, self.of)
        assert found["verdict"] == "fail", found
        told = [f["message"] for f in found["findings"] if f["code"] == self.code]
        assert [message for message in told if self.says in message], found
        # What no evidence shows comes first, the nearest miss after a semicolon.
        errors = [f["message"] for f in found["findings"] if f["level"] == "error"]
        assert [message for message in errors if self.unmet in message.partition("; ")[0]], found


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One requirement of a page: its words, the rule that answers it, and its tests."""

    number: str
    page: str
    rule: str
    unmet: str = ""
    """Words of the rule, as the error has it that says that nothing meets it."""
    holds: Callable[[Checked], None]
    breaks: tuple[Break, ...] = ()


def built(*names: str, **facts: str) -> Callable[[Release], Release]:
    """Return the change that has pieces signed by a run that differs in these facts."""
    return lambda release: release.built(*names, **facts)


def without(*names: str) -> Callable[[Release], Release]:
    """Return the change that takes pieces away."""
    return lambda release: release.without(*names)


def ordered(options: Options, *names: str) -> Callable[[Release], Release]:
    """Return the change that signs pieces in another way: spoiled, or in another form."""
    return lambda release: release.ordered(options, *names)


def saying(predicate: Predicate, *names: str) -> Callable[[Release], Release]:
    """Return the change that has pieces say something else, still rightly signed."""
    return lambda release: release.saying(predicate, *names)


def copied(name: str) -> Callable[[Release], Release]:
    """Return the change that puts a piece about another image in the place of this one's."""

    def change(release: Release) -> Release:
        piece = release.pieces[name]
        other = replace(piece, about="another image", under=piece.about)
        held = {**release.folder, "another image": image(content=b"another").raw}
        return replace(release.changed({name: other}), folder=held)

    return change


def repointed(reference: str) -> Callable[[Release], Release]:
    """Return the change that points a tag to another image, signed and attested alike."""
    other = image(content=b"another image of the same workflow")
    return lambda release: replace(release, images={**release.images, reference: other})


def artifact(ran: Ran, name: str) -> dict[str, Any]:
    """Return what a report says of an artifact."""
    reports = [result["report"] for result in ran.document["results"] if result["report"]]
    (found,) = [one for report in reports for one in report["artifacts"] if one["name"] == name]
    return dict(found)


def collected(
    release: Release,
    folder: Path,
    change: Callable[[Release], Release] = lambda release: release,
    registry: str = "",
) -> Checked:
    """Publish a release as it is changed, and collect it under the policy for the unchanged.

    ``registry`` is the host of a registry that has the images already, in place of the lab's.
    """
    site = Site(folder / "online", release.lab)
    broken = change(release)
    with World(broken, registry) as world:
        world.furnish(site.folder, release)
        given = ("collect", "release.toml", "--format", "json", *world.options)
        ran = site.run(*given, env=NOBODY)
    return Checked(release=broken, site=site, ran=ran)


def carried(online: Checked, to: Path, under: Sequence[str] = ()) -> Checked:
    """Carry the pack to another folder, with policy and anchors of its own, and check it there.

    The check seals itself; ``under`` is what it runs under besides.
    """
    site = Site(to, online.release.lab)
    shutil.copy(online.site.folder / online.pack, to)
    for own in ("release.toml", *(file.name for file in online.site.folder.glob("*.schema.json"))):
        shutil.copy(online.site.folder / own, to)
    shutil.rmtree(to / "trust-roots")
    shutil.copytree(online.site.folder / "trust-roots", to / "trust-roots")
    ran = site.check(online.pack, under=under, env=NOBODY)
    return Checked(release=online.release, site=site, ran=ran)


def passing(release: Release, folder: Path) -> Checked:
    """Return the pack of a release: collected, carried, checked where the kernel has no network."""
    if not can_unshare():
        pytest.skip(WHY_NOT)
    online = collected(release, folder)
    assert online.ran.status == 0, online.ran.out + online.ran.err
    offline = carried(online, folder / "offline", UNSHARE)
    assert offline.ran.status == 0, offline.ran.out + offline.ran.err
    return offline


def each(asked: Sequence[Asked]) -> list[Any]:
    """Return a parameter for every requirement, marked with its number."""
    return [
        pytest.param(one, id=one.number, marks=pytest.mark.requirement(one.number)) for one in asked
    ]


def broken(asked: Sequence[Asked]) -> list[Any]:
    """Return a parameter for every way in which a requirement is broken."""
    return [
        pytest.param(
            replace(way, unmet=way.unmet or one.unmet),
            id=f"{one.number}-{way.what}",
            marks=pytest.mark.requirement(one.number),
        )
        for one in asked
        for way in one.breaks
    ]
