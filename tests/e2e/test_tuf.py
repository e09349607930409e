"""TUF by stick: collect carries the chain, check walks it from the anchor of its own host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.formats import schema
from kit.formats.tuf_record import Record, render
from kit.pack import writer
from kit.pack.reader import Pack
from tests import packs
from tests.e2e.conftest import LINE, SIGNERS, Ran, Site
from tests.lab import Lab
from tests.lab.hostile_http import answer
from tests.lab.places import Tuf
from tests.lab.tuf import REGISTRY, Repository

PACK = "tool-1.0.pack.tar"


class Served:
    """A site whose instance has a TUF repository, pinned at its first root."""

    def __init__(self, site: Site, place: Tuf) -> None:
        """Pin the repository's first root."""
        self.site = site
        self.place = place
        self.repository = place.repository
        self.anchor = site.folder / "trust-roots/acme"
        (self.anchor / "root.json").write_bytes(self.repository.files["1.root.json"])

    def collect(self, *more: str) -> Ran:
        """Collect with the chain; an earlier pack goes."""
        option = f"acme={self.place.address}"
        return self.site.collect("--replace", "--tuf-repository", option, *more)

    def forge(self, change: Callable[[dict[str, bytes]], None], name: str = PACK) -> None:
        """Write the pack anew with other files under trust/acme, as an attacker would."""
        path = self.site.folder / name
        with Pack.open(path) as pack:
            held = {m.path: pack.read(m.path, 1 << 20) for m in pack.manifest.members}
            described = pack.manifest
        chain = {
            member.removeprefix("trust/acme/"): raw
            for member, raw in held.items()
            if member.startswith("trust/acme/")
        }
        change(chain)
        rest = {m: raw for m, raw in held.items() if not m.startswith("trust/")}
        files = rest | {f"trust/acme/{member}": raw for member, raw in chain.items()}
        path.unlink()
        writer.write(
            path,
            packs.manifest(
                files,
                artifacts=described.artifacts,
                evidence=described.evidence,
                collected_at=described.collected_at,
            ),
            files,
        )

    @property
    def carried(self) -> list[str]:
        """Return the names of the chain's files in the pack."""
        with Pack.open(self.site.folder / PACK) as pack:
            paths = [member.path for member in pack.manifest.members]
        start = "trust/acme/"
        return [path.removeprefix(start) for path in paths if path.startswith(start)]


def newer(lab: Lab) -> bytes:
    """Return another trusted root of the same instance: what a new log would make of it."""
    document = json.loads(lab.trusted_root())
    document["certificateAuthorities"][0]["uri"] = "https://fulcio.next.example"
    return json.dumps(document).encode()


@pytest.fixture(params=["public-good", "github"])
def served(request: pytest.FixtureRequest, site: Site) -> Iterator[Served]:
    targets = {"trusted_root.json": site.lab.trusted_root()}
    if request.param == "public-good":
        targets[f"{REGISTRY}/keys.json"] = b"{}"
    with Tuf(Repository("acme", targets, shape=request.param), path="/repository") as place:
        yield Served(site, place)


def anchor(ran: Ran) -> dict[str, Any]:
    """Return the report's record of the instance."""
    (found,) = ran.document["results"][0]["report"]["anchors"]
    return dict(found)


# ---- collect ------------------------------------------------------------------------


def test_the_chain_is_carried_from_the_pinned_root_to_the_newest(served: Served) -> None:
    for _ in range(3):
        served.repository.rotate()
    served.repository.publish()
    assert served.collect().status == 0
    roots = [f"{n}.root.json" for n in (1, 2, 3, 4)]
    assert set(roots) < set(served.carried)
    assert served.carried == sorted(served.carried)
    assert {"timestamp.json", "2.snapshot.json", "2.targets.json"} < set(served.carried)
    has_keys = any(name.endswith(".keys.json") for name in served.carried)
    assert has_keys == served.repository.shape.delegates
    for name in served.carried:
        member = f"trust/acme/{name}"
        with Pack.open(served.site.folder / PACK) as pack:
            assert pack.read(member, 1 << 20) == served.repository.files[name]


def test_the_ledger_says_what_the_repository_was_asked(served: Served) -> None:
    served.collect()
    with Pack.open(served.site.folder / PACK) as pack:
        ledger = json.loads(pack.read("ledger.json", 1 << 20))
    schema.validate(ledger, "ledger")
    (entry,) = [line for line in ledger["lines"] if line["source"] == "tuf:acme"]
    answers = {row["wanted"]: row["answer"] for row in entry["asked"]}
    assert answers["timestamp.json"] == "found"
    assert answers["2.root.json"] == "absent"


def test_a_repository_without_an_address_is_skipped_and_the_ledger_says_why(
    served: Served,
) -> None:
    assert served.site.collect("--trust-update").status == 0
    assert served.carried == []
    with Pack.open(served.site.folder / PACK) as pack:
        entry = json.loads(pack.read("ledger.json", 1 << 20))["lines"][-1]
    assert entry["source"] == "tuf:acme"
    assert entry["asked"][0]["answer"] == "skipped"
    assert "no TUF repository is known" in entry["asked"][0]["note"]


def test_the_address_may_be_written_down_beside_the_anchor(served: Served) -> None:
    record = Record(repository=served.place.address)
    (served.anchor / "tuf.json").write_bytes(render(record))
    assert served.site.collect("--trust-update").status == 0
    assert "timestamp.json" in served.carried


def test_local_sources_ask_nobody_unless_told(served: Served) -> None:
    record = Record(repository=served.place.address)
    (served.anchor / "tuf.json").write_bytes(render(record))
    assert served.site.collect().status == 0
    assert served.place.names == []


def test_no_trust_update_asks_nobody(served: Served) -> None:
    assert served.collect("--no-trust-update").status == 0
    assert served.place.names == []


def test_the_plan_names_the_repository_and_asks_nobody(served: Served) -> None:
    option = f"acme={served.place.address}"
    ran = served.site.run("collect", "release.toml", "--plan", "--tuf-repository", option)
    assert ran.status == 0
    assert f"would ask: {served.place.address}/" in ran.out
    assert served.place.names == []


def test_a_repository_that_cannot_be_asked_is_status_5_with_the_way_around(
    served: Served,
) -> None:
    served.place.on("/repository/timestamp.json", answer(424))
    ran = served.collect()
    assert ran.status == 5
    assert "--no-trust-update" in ran.document["results"][0]["error"]["hint"]
    assert not (served.site.folder / PACK).exists()


def test_a_repository_of_another_chain_is_not_carried(served: Served) -> None:
    targets = {"trusted_root.json": served.site.lab.trusted_root()}
    stranger = Repository("mallory", targets)
    (served.anchor / "root.json").write_bytes(stranger.files["1.root.json"])
    ran = served.collect()
    assert (ran.status, ran.codes) == (4, {"trust.root-fork"})


@pytest.mark.parametrize("value", ["acme", "other=https://x.example", "acme=ftp://x.example"])
def test_an_address_that_is_none_is_wrong_usage(served: Served, value: str) -> None:
    assert served.site.collect("--tuf-repository", value).status == 2


def test_equal_repositories_give_equal_packs(served: Served) -> None:
    path = served.site.folder / PACK
    epoch = {"SOURCE_DATE_EPOCH": "1780000000"}
    option = f"acme={served.place.address}"
    found = set()
    for _ in range(2):
        served.site.collect("--replace", "--tuf-repository", option, env=epoch)
        found.add(path.read_bytes())
    assert len(found) == 1


# ---- check --------------------------------------------------------------------------


def test_a_chain_that_verifies_tells_how_fresh_the_anchor_is(served: Served) -> None:
    served.repository.rotate()
    served.repository.publish()
    served.collect()
    ran = served.site.check()
    assert ran.status == 0
    told = anchor(ran)
    assert told["chain"]["root"] == 2
    assert told["root-version"] == 2
    assert told["vouched-until"] == "2025-06-08T12:00:00Z"
    assert told["age-days"] > 500
    assert {"trust.root-expired", "trust.chain-expired", "trust.newer-known"} <= ran.codes


def test_a_newer_trusted_root_is_told_of_and_not_used(served: Served) -> None:
    served.repository.put("trusted_root.json", newer(served.site.lab))
    served.collect()
    ran = served.site.check()
    assert ran.status == 0
    assert "trust.newer-known" in ran.codes
    assert anchor(ran)["sha256"] != anchor(ran)["chain"]["trusted-root-sha256"]
    assert anchor(ran)["vouched-until"] is None


def test_r001_a_newer_trusted_root_lets_nobody_in(served: Served) -> None:
    # Not even one that this host's own chain vouches for, before it is taken over.
    mallory = Lab("mallory")
    served.repository.put("trusted_root.json", mallory.trusted_root())
    served.site.put(
        "tool-1.0.tar.gz.sigstore.json",
        mallory.attest({"tool-1.0.tar.gz": b"the release\n" * 100}),
    )
    assert served.collect().status == 1
    ran = served.site.check("tool-1.0.unmet.pack.tar")
    assert ran.status == 1
    assert {"policy.unmet", "sigstore.chain", "trust.newer-known"} <= ran.codes


def test_a_pack_without_a_chain_works_with_the_pinned_trusted_root(served: Served) -> None:
    served.site.collect()
    ran = served.site.check()
    assert ran.status == 0
    assert anchor(ran)["chain"] is None
    assert anchor(ran)["root-version"] == 1


def test_a_chain_without_a_pinned_root_is_not_looked_at(served: Served) -> None:
    served.collect()
    (served.anchor / "root.json").unlink()
    ran = served.site.check()
    assert ran.status == 0
    assert "trust.no-tuf-root" in ran.codes
    assert anchor(ran)["chain"] is None


def test_a_chain_of_before_the_pinned_root_says_nothing(served: Served) -> None:
    served.collect()
    (served.anchor / "root.json").write_bytes(served.repository.rotate())
    ran = served.site.check()
    assert ran.status == 0
    assert "trust.older-chain" in ran.codes


def test_a_trusted_root_may_have_another_name_in_its_repository(site: Site) -> None:
    target = "acme.trusted_root.json"
    with Tuf(Repository("acme", {target: site.lab.trusted_root()})) as place:
        here = Served(site, place)
        record = Record(repository=place.address, target=target)
        (here.anchor / "tuf.json").write_bytes(render(record))
        assert site.collect("--trust-update").status == 0
    told = anchor(site.check())
    assert told["chain"]["trusted-root-sha256"] == told["sha256"]


def test_r026_no_cache_of_another_tool_is_looked_at(served: Served) -> None:
    home = served.site.folder.parent / "home"
    cache = home / ".local/share/sigstore-python/tuf"
    for name in ("https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "acme"):
        (cache / name).mkdir(parents=True)
        for file in ("trusted_root.json", "root.json"):
            (cache / name / file).write_bytes(Lab("mallory").trusted_root())
    served.collect()
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    assert served.site.check(env={"HOME": str(home)}).status == 0
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


def test_a_policy_that_finds_the_anchor_too_old_passes_nothing(served: Served) -> None:
    served.site.policy(LINE, SIGNERS.replace("schema = 1", 'schema = 1\nmax-root-age = "30d"'))
    assert served.collect().status == 4
    ran = served.site.check("tool-1.0.unmet.pack.tar")
    assert ran.status == 4
    assert ran.errors_of("tool-1.0.tar.gz") == {"trust.too-old"}


# ---- an attacker's pack -------------------------------------------------------------


def attack(served: Served, change: Callable[[dict[str, bytes]], None]) -> set[str]:
    """Return the codes that a pack with a forged chain ends in, with status 4."""
    served.repository.rotate()
    served.repository.rotate()
    served.repository.publish()
    assert served.collect().status == 0
    served.forge(change)
    ran = served.site.check()
    assert ran.status == 4
    assert ran.document["results"][0]["report"] is None
    assert not served.site.memory.exists()
    return ran.codes


def chain_of(seed: str, served: Served, rotations: int = 2) -> dict[str, bytes]:
    """Return the chain of another repository of the same shape."""
    shape = "public-good" if served.repository.shape.delegates else "github"
    other = Repository(seed, {"trusted_root.json": Lab(seed).trusted_root()}, shape=shape)
    for _ in range(rotations):
        other.rotate()
    other.publish()
    return other.files


def test_a_pack_with_a_chain_of_its_own_is_refused(served: Served) -> None:
    def change(chain: dict[str, bytes]) -> None:
        chain.clear()
        chain.update(chain_of("mallory", served))

    assert attack(served, change) == {"trust.root-fork"}


def test_a_chain_of_another_root_after_the_pinned_one_is_refused(served: Served) -> None:
    def change(chain: dict[str, bytes]) -> None:
        first = chain["1.root.json"]
        chain.clear()
        chain.update(chain_of("mallory", served) | {"1.root.json": first})

    assert attack(served, change) == {"trust.root-signatures"}


def test_a_forked_root_is_refused(served: Served) -> None:
    def change(chain: dict[str, bytes]) -> None:
        chain["2.root.json"] = chain_of("mallory", served)["2.root.json"]

    assert attack(served, change) == {"trust.root-signatures"}


def test_a_skipped_version_is_refused(served: Served) -> None:
    def change(chain: dict[str, bytes]) -> None:
        del chain["2.root.json"]

    assert attack(served, change) == {"trust.root-gap"}


def test_a_frozen_timestamp_beside_newer_files_is_refused(served: Served) -> None:
    frozen = served.repository.files["timestamp.json"]

    def change(chain: dict[str, bytes]) -> None:
        chain["timestamp.json"] = frozen

    assert attack(served, change) == {"trust.incomplete"}


def test_a_rolled_back_snapshot_is_refused(served: Served) -> None:
    old = served.repository.files["1.snapshot.json"]

    def change(chain: dict[str, bytes]) -> None:
        chain["2.snapshot.json"] = old

    describes = served.repository.shape.describes
    assert attack(served, change) == {"trust.tuf-digest" if describes else "trust.mixed"}


def test_a_fast_forward_is_refused(served: Served) -> None:
    def change(chain: dict[str, bytes]) -> None:
        served.repository.refresh(version=2**40)
        chain["timestamp.json"] = served.repository.files["timestamp.json"]

    assert attack(served, change) == {"trust.fast-forward"}


def test_a_damaged_pack_is_said_to_be_damaged_whatever_its_chain(served: Served) -> None:
    served.collect()
    path = served.site.folder / PACK
    raw = path.read_bytes()
    name = b'"_type":"timestamp"'
    path.write_bytes(raw.replace(name, name.upper(), 1))
    ran = served.site.check()
    assert (ran.status, ran.codes) == (3, {"pack.digest"})


# ---- memory of chains ---------------------------------------------------------------


def aged(served: Served, name: str) -> Path:
    """Collect now, keep the pack as ``name``, and let the repository go on."""
    served.collect()
    kept = served.site.folder / name
    (served.site.folder / PACK).replace(kept)
    return kept


def test_r004_a_chain_that_is_older_than_one_that_was_seen_is_a_rollback(served: Served) -> None:
    aged(served, "old.pack.tar")
    served.repository.publish()
    served.collect()
    assert served.site.check().status == 0
    ran = served.site.check("old.pack.tar")
    assert (ran.status, ran.codes) == (4, {"trust.rollback"})


def test_an_older_chain_may_be_accepted_and_the_report_says_so(served: Served) -> None:
    aged(served, "old.pack.tar")
    served.repository.publish()
    served.collect()
    served.site.check()
    before = (served.site.memory / "memory.json").read_bytes()
    ran = served.site.check("old.pack.tar", "--accept-rollback")
    assert ran.status == 0
    assert "trust.rollback" in ran.codes
    assert (served.site.memory / "memory.json").read_bytes() == before


def test_a_timestamp_that_was_only_signed_again_is_no_rollback(served: Served) -> None:
    aged(served, "old.pack.tar")
    served.repository.refresh(timedelta(days=2))
    served.collect()
    assert served.site.check().status == 0
    assert served.site.check("old.pack.tar").status == 0


def test_a_repository_that_was_driven_up_recovers_by_other_keys(served: Served) -> None:
    aged(served, "driven-up.pack.tar")
    memory = served.site.memory / "memory.json"
    assert served.site.check("driven-up.pack.tar").status == 0
    document = json.loads(memory.read_bytes())
    document["instances"]["acme"] |= {"timestamp": 2**30, "snapshot": 2**30, "targets": 2**30}
    text = json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
    memory.write_text(text, encoding="utf-8")
    served.collect()
    assert served.site.check().codes >= {"trust.rollback"}
    served.repository.rotate(online="online-2")
    served.repository.publish()
    served.collect()
    assert served.site.check().status == 0
    assert json.loads(memory.read_bytes())["instances"]["acme"]["snapshot"] == 2


def test_another_root_under_a_version_that_was_seen_is_a_fork(served: Served) -> None:
    served.repository.rotate()
    served.repository.publish()
    served.collect()
    assert served.site.check().status == 0
    shape = "public-good" if served.repository.shape.delegates else "github"
    targets = {"trusted_root.json": served.site.lab.trusted_root()}
    twin = Repository("acme", targets, shape=shape)
    twin.rotate(change=lambda root: root.unrecognized_fields.update(fork=1))
    twin.publish()

    def change(chain: dict[str, bytes]) -> None:
        chain.clear()
        chain.update(twin.files)

    served.forge(change)
    ran = served.site.check()
    assert (ran.status, ran.codes) == (4, {"trust.root-fork"})
