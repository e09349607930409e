"""kit.sources.tuf: a repository is asked for what the walk needs, each file once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import AnchorError, MachineError, UsageError
from kit.model import Answer
from kit.sources import tuf
from kit.sources.http import Client, Patience
from kit.sources.tuf import Fetched, Repository
from tests.lab import tuf as lab
from tests.lab.hostile_http import answer
from tests.lab.places import Tuf

HASTY = Patience(retries=0, backoff=0.0)


@pytest.fixture(params=["", "/mirror/of/it"])
def place(request: pytest.FixtureRequest) -> Iterator[Tuf]:
    targets = {"trusted_root.json": b"{}", f"{lab.REGISTRY}/keys.json": b"{}"}
    with Tuf(lab.Repository("acme", targets), path=request.param) as running:
        yield running


def gather(place: Tuf, into: Path, pinned: bytes | None = None) -> Fetched:
    """Fetch from the first root, or from another."""
    repository = Repository(
        instance="acme",
        url=place.address or place.url(""),
        pinned=pinned or place.repository.files["1.root.json"],
        target="trusted_root.json",
    )
    return tuf.gather(repository, into, Client(patience=HASTY))


def test_every_file_is_asked_for_once_and_kept_as_it_came(place: Tuf, tmp_path: Path) -> None:
    place.repository.rotate()
    place.repository.publish()
    found = gather(place, tmp_path)
    for file in found.files:
        assert file.path.read_bytes() == place.repository.files[file.name]
    assert max(Counter(place.names).values()) == 1
    assert found.walked.root.version == 2
    rows = {row.wanted: row.answer for row in found.asked}
    assert rows["3.root.json"] is Answer.ABSENT
    assert {name for name, said in rows.items() if said is Answer.FOUND} == {
        file.name for file in found.files
    }


def test_a_server_that_wants_a_login_or_a_pause_does_not_end_a_chain(
    place: Tuf, tmp_path: Path
) -> None:
    for refusal in (answer(401), answer(403, b"", "Retry-After: 9"), answer(429)):
        place.on(f"{place._path}/2.root.json", refusal)
        with pytest.raises(MachineError):
            gather(place, tmp_path)


def test_a_server_that_answers_403_for_what_is_not_there_ends_a_chain(
    place: Tuf, tmp_path: Path
) -> None:
    place.on(f"{place._path}/2.root.json", answer(403))
    assert gather(place, tmp_path).walked.root.version == 1


@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_any_other_file_that_is_refused_is_an_error_of_the_machine(
    place: Tuf, tmp_path: Path, name: str
) -> None:
    place.on(f"{place._path}/{name}", answer(403))
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.unauthorized"


def test_a_file_that_is_absent_makes_the_chain_incomplete(place: Tuf, tmp_path: Path) -> None:
    del place.repository.files["timestamp.json"]
    with pytest.raises(AnchorError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "trust.incomplete"


def test_r021_a_file_over_its_size_is_not_fetched_whole(place: Tuf, tmp_path: Path) -> None:
    place.repository.files["timestamp.json"] = bytes(1 << 20)
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.too-large"


def test_a_repository_of_another_chain_is_refused(place: Tuf, tmp_path: Path) -> None:
    stranger = lab.Repository("mallory", {"trusted_root.json": b"{}"})
    with pytest.raises(AnchorError) as caught:
        gather(place, tmp_path, stranger.files["1.root.json"])
    assert caught.value.code == "trust.root-fork"


@pytest.mark.parametrize(
    "url", ["ftp://x.example", "x.example", "https://u:p@x.example/", "https://x.example/?t=1"]
)
def test_an_address_that_is_none_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError):
        tuf.base(url)


def test_an_address_ends_in_a_slash() -> None:
    assert tuf.base("https://x.example") == "https://x.example/"
    assert tuf.base("https://x.example/a/") == "https://x.example/a/"
