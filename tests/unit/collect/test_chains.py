"""kit.collect.chains: which chains may be left out, and which must not be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.collect import chains
from kit.collect.asking import Settings
from kit.collect.chains import Chains, Wanted
from kit.errors import AnchorError, MachineError
from kit.model import Answer
from kit.sources.route import Route
from kit.sources.tuf import Repository
from tests.lab import tuf as lab
from tests.lab.hostile_http import answer, certified
from tests.lab.places import Tuf


@pytest.fixture
def place() -> Iterator[Tuf]:
    with Tuf(lab.Repository("acme", {"trusted_root.json": b"{}"}), path="/tuf") as running:
        yield running


def gather(place: Tuf, into: Path, *, optional: bool = True, route: Route | None = None) -> Chains:
    """Gather the chain of an instance that only this host's anchors name."""
    repository = Repository(
        instance="acme",
        url=place.address,
        pinned=place.repository.files["1.root.json"],
        target="trusted_root.json",
    )
    named = frozenset({"acme"} if optional else ())
    settings = Settings() if route is None else Settings(route=route)
    wanted = Wanted(repositories=(repository,), optional=named)
    return chains.gather(wanted, into, settings, lambda _: None)


@pytest.mark.parametrize("status", [401, 500, 511])
def test_one_that_nobody_asked_for_and_that_does_not_answer_is_left_out(
    place: Tuf, tmp_path: Path, status: int
) -> None:
    place.on("/tuf/timestamp.json", answer(status))
    found = gather(place, tmp_path)
    assert found.members == {}
    (row,) = found.asked["acme"]
    assert row.answer is Answer.SKIPPED
    assert "no answer" in (row.note or "")
    with pytest.raises(MachineError):
        gather(place, tmp_path, optional=False)


@pytest.mark.parametrize("optional", [True, False])
def test_one_that_answers_something_else_is_not_left_out(
    place: Tuf, tmp_path: Path, optional: bool
) -> None:
    place.on("/tuf/timestamp.json", answer(200, b"{}"))
    with pytest.raises(AnchorError) as caught:
        gather(place, tmp_path, optional=optional)
    assert caught.value.code == "trust.tuf-malformed"


def test_one_that_cannot_show_who_it_is_is_not_left_out(tmp_path: Path) -> None:
    """Somebody in between must not be able to keep the news of a revocation from a host."""
    ours = certified(tmp_path, "127.0.0.1")
    repository = lab.Repository("acme", {"trusted_root.json": b"{}"})
    with Tuf(repository, path="/tuf", tls=ours.context) as place:
        with pytest.raises(MachineError) as caught:
            gather(place, tmp_path / "strange")
        assert caught.value.code == "machine.tls"
        assert "--no-trust-update" in (caught.value.hint or "")
        known = gather(place, tmp_path / "known", route=Route(ca_file=ours.ca_file))
        assert "trust/acme/timestamp.json" in known.members
