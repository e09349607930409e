"""A wrong clock is named as one, and an old pack as old: neither looks like an attack."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta

import pytest

from kit.formats.tuf_record import Record, render
from tests.e2e.conftest import LINE, SIGNERS, Ran, Site
from tests.lab.places import Tuf
from tests.lab.tuf import FOUNDED, Repository

PACK = "tool-1.0.pack.tar"
MOMENTS = {
    "1970": "1970-01-01 00:00:10",
    "before the root": "2024-01-01 00:00:00",
    "at collection": "2026-11-26 12:00:00",
    "8 days on": "2026-12-04 12:00:00",
    "200 days on": "2027-06-14 12:00:00",
    "5 years on": "2031-11-26 12:00:00",
    "2099": "2099-01-01 00:00:00",
}

pytestmark = pytest.mark.skipif(
    shutil.which("faketime") is None, reason="no faketime (Debian: faketime)"
)


@pytest.fixture
def carried(site: Site) -> Site:
    """Collect a release with its TUF chain, which this host pins, at a time of its own."""
    trusted = site.lab.trusted_root()
    repository = Repository("acme", {"trusted_root.json": trusted})
    repository.now += timedelta(days=540)  # all of it signed last week, as repositories are
    repository.rotate()
    repository.publish()
    folder = site.folder / "trust-roots/acme"
    (folder / "root.json").write_bytes(repository.files["1.root.json"])
    with Tuf(repository) as place:
        (folder / "tuf.json").write_bytes(render(Record(repository=place.address)))
        epoch = datetime.fromisoformat(f"{MOMENTS['at collection']}Z").timestamp()
        ran = site.collect("--trust-update", env={"SOURCE_DATE_EPOCH": f"{epoch:.0f}"})
        assert ran.status == 0
    return site


def at(site: Site, moment: str, *more: str) -> Ran:
    """Check with the host's clock set to a time."""
    return site.check(PACK, *more, under=("faketime", moment), env={"TZ": "UTC"})


def codes_of_errors(ran: Ran) -> set[str]:
    """Return the codes of what fails the whole report."""
    findings = ran.document["results"][0]["report"]["findings"]
    return {finding["code"] for finding in findings if finding["level"] == "error"}


@pytest.mark.parametrize("name", MOMENTS)
def test_the_verdict_is_the_same_or_the_finding_is_about_the_clock(
    carried: Site, name: str
) -> None:
    ran = at(carried, MOMENTS[name])
    if name in ("1970", "before the root"):
        assert ran.status == 1
        assert codes_of_errors(ran) == {"clock.impossible"}
        first = ran.document["results"][0]["report"]["findings"][0]
        assert first["code"] == "clock.impossible"
        assert not carried.memory.exists()
    else:
        assert ran.status == 0
        assert codes_of_errors(ran) == set()
        assert ("trust.root-expired" in ran.codes) == (name not in ("at collection", "8 days on"))


@pytest.mark.parametrize("name", ["1970", "before the root"])
def test_people_read_of_the_clock_before_anything_else(carried: Site, name: str) -> None:
    ran = carried.run("check", PACK, "--policy", "release.toml", under=("faketime", MOMENTS[name]))
    assert ran.out.startswith("error: clock.impossible: ")


@pytest.mark.parametrize(
    ("terms", "name", "status", "code"),
    [
        ('max-root-age = "90d"', "8 days on", 0, None),
        ('max-root-age = "90d"', "200 days on", 4, "trust.too-old"),
        ('max-root-age = "90d"', "2099", 4, "trust.too-old"),
        ('max-collection-age = "90d"', "8 days on", 0, None),
        ('max-collection-age = "90d"', "5 years on", 1, "pack.too-old"),
    ],
)
def test_r006_a_policy_bounds_how_old_things_may_be(
    carried: Site, terms: str, name: str, status: int, code: str | None
) -> None:
    carried.policy(LINE, SIGNERS.replace("schema = 1", f"schema = 1\n{terms}"))
    ran = at(carried, MOMENTS[name])
    assert ran.status == status
    assert codes_of_errors(ran) == ({code} if code else set())


def test_a_clock_that_went_back_behind_what_was_verified_is_wrong(site: Site) -> None:
    name, content = "tool-1.0.tar.gz", b"the release\n" * 100
    site.publish(name, content, at=FOUNDED)
    site.collect()
    memory = site.memory / "memory.json"
    assert site.check().status == 0
    document = json.loads(memory.read_bytes())
    document["releases"]["other"] = document["releases"]["tool"] | {
        "signed-at": "2026-12-24T00:00:00Z"
    }
    memory.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")
    assert codes_of_errors(at(site, "2026-12-01 00:00:00")) == {"clock.impossible"}
    assert at(site, "2026-12-25 00:00:00").status == 0


def test_another_time_that_is_given_is_not_the_clock(carried: Site) -> None:
    ran = at(carried, MOMENTS["1970"], "--at", "2026-11-26T12:00:00Z")
    assert ran.status == 0
    assert "clock.impossible" not in ran.codes
