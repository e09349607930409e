"""kit.trust.anchors: the first place that has an instance wins, and no other place counts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.errors import AnchorError, KitError, UsageError
from kit.formats import trusted_root
from kit.trust import anchors, places
from kit.trust.places import Place
from tests.lab import Lab

ACME, OTHER, THIRD = (Lab(seed).trusted_root() for seed in ("acme", "other", "third"))


def place(folder: Path, label: str = "here", *, required: bool = False, **roots: bytes) -> Place:
    """Make a folder of anchors."""
    for instance, raw in roots.items():
        (folder / instance).mkdir(parents=True)
        (folder / instance / "trusted_root.json").write_bytes(raw)
    return Place(folder=folder, label=label, required=required)


def code(
    instances: Sequence[str], places: Sequence[Place], given: Sequence[str] = ()
) -> tuple[type[KitError], str]:
    """Return the class and code of the error that a search ends in."""
    with pytest.raises(KitError) as caught:
        anchors.find(instances, places, given)
    return type(caught.value), caught.value.code


MISSING = (AnchorError, "trust.missing")
MALFORMED = (AnchorError, "trust.malformed")
UNREADABLE = (AnchorError, "trust.unreadable")
AMBIGUOUS = (AnchorError, "trust.ambiguous")
USAGE = (UsageError, "usage")


# ---- places -------------------------------------------------------------------------


def test_the_first_place_that_has_the_instance_wins(tmp_path: Path) -> None:
    places = [
        place(tmp_path / "a", "first", github=OTHER),
        place(tmp_path / "b", "second", sigstore=ACME),
        place(tmp_path / "c", "third", sigstore=OTHER),
    ]
    found = anchors.find(["sigstore"], places)["sigstore"]
    assert (found.raw, found.origin) == (ACME, "second")


def test_each_instance_is_looked_up_by_itself(tmp_path: Path) -> None:
    places = [
        place(tmp_path / "a", "first", github=OTHER),
        place(tmp_path / "b", "second", github=ACME, sigstore=ACME),
    ]
    found = anchors.find(["sigstore", "github", "sigstore"], places)
    assert {name: anchor.origin for name, anchor in found.items()} == {
        "github": "first",
        "sigstore": "second",
    }


def test_without_instances_nothing_is_looked_up(tmp_path: Path) -> None:
    assert anchors.find([], [Place(folder=tmp_path / "none", label="here")]) == {}


def test_a_place_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    places = [Place(folder=tmp_path / "none", label="none"), place(tmp_path / "a", sigstore=ACME)]
    assert anchors.find(["sigstore"], places)["sigstore"].raw == ACME


def test_a_place_that_must_be_there_is_a_usage_error(tmp_path: Path) -> None:
    places = [Place(folder=tmp_path / "none", label="--trust-roots", required=True)]
    assert code(["sigstore"], places) == (UsageError, "trust.no-folder")


def test_a_place_that_must_be_a_folder_and_is_a_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(ACME)
    places = [Place(folder=tmp_path / "file", label="--trust-roots", required=True)]
    assert code(["sigstore"], places) == (UsageError, "trust.no-folder")


def test_a_place_that_must_be_there_need_not_have_the_instance(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    places = [
        Place(folder=tmp_path / "empty", label="--trust-roots", required=True),
        place(tmp_path / "a", sigstore=ACME),
    ]
    assert anchors.find(["sigstore"], places)["sigstore"].raw == ACME


def test_an_instance_that_no_place_has_is_missing(tmp_path: Path) -> None:
    assert code(["sigstore"], [place(tmp_path / "a", github=ACME)]) == MISSING


def test_without_places_every_instance_is_missing() -> None:
    assert code(["sigstore"], []) == MISSING


# Row R-002 of the catalogue: never a fallback to another place.
@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", ACME[:-1], ACME + b"x", ACME * 2])
def test_a_malformed_root_ends_the_search(tmp_path: Path, raw: bytes) -> None:
    places = [place(tmp_path / "a", sigstore=raw), place(tmp_path / "b", sigstore=ACME)]
    assert code(["sigstore"], places) == MALFORMED


def test_a_root_over_the_limit_is_malformed(tmp_path: Path) -> None:
    raw = ACME + b" " * trusted_root.MAX_BYTES
    assert code(["sigstore"], [place(tmp_path / "a", sigstore=raw)]) == MALFORMED


def test_several_roots_in_a_place_are_malformed(tmp_path: Path) -> None:
    # Only a file that the operator names may hold several.
    raw = ACME + b"\n" + OTHER
    assert code(["sigstore"], [place(tmp_path / "a", sigstore=raw)]) == MALFORMED


def test_a_folder_in_place_of_a_root_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a" / "sigstore" / "trusted_root.json").mkdir(parents=True)
    places = [Place(folder=tmp_path / "a", label="a"), place(tmp_path / "b", sigstore=ACME)]
    assert code(["sigstore"], places) == UNREADABLE


def test_a_file_in_place_of_an_instance_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "sigstore").write_bytes(ACME)
    assert code(["sigstore"], [Place(folder=tmp_path, label="a")]) == UNREADABLE


def test_a_link_that_leads_in_a_circle_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "sigstore").mkdir()
    link = tmp_path / "sigstore" / "trusted_root.json"
    link.symlink_to(link)
    assert code(["sigstore"], [Place(folder=tmp_path, label="a")]) == UNREADABLE


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_root_without_permission_is_unreadable(tmp_path: Path) -> None:
    places = [place(tmp_path, sigstore=ACME)]
    (tmp_path / "sigstore" / "trusted_root.json").chmod(0)
    assert code(["sigstore"], places) == UNREADABLE


def test_the_current_folder_is_never_looked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, sigstore=ACME)
    place(tmp_path / "trust-roots", sigstore=ACME)
    (tmp_path / "trusted_root.json").write_bytes(ACME)
    monkeypatch.chdir(tmp_path)
    assert code(["sigstore"], [Place(folder=tmp_path / "none", label="none")]) == MISSING


# ---- what is found ------------------------------------------------------------------


def test_a_found_anchor_is_recorded_by_digest_origin_and_age(tmp_path: Path) -> None:
    found = anchors.find(["sigstore"], [place(tmp_path, "the label", sigstore=ACME)])["sigstore"]
    record = found.record()
    assert (record.instance, record.sha256, record.origin, record.newest) == (
        "sigstore",
        hashlib.sha256(ACME).hexdigest(),
        "the label",
        trusted_root.parse(ACME).newest,
    )


def test_the_anchors_that_travel_with_the_kit_have_the_public_good_instance() -> None:
    found = anchors.find(["sigstore"], [places.packaged()])["sigstore"]
    assert (found.origin, found.root.unknown) == ("pinned with the kit", ())


def test_the_anchors_that_travel_with_the_kit_do_not_depend_on_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path / "trust-roots", sigstore=ACME)
    monkeypatch.chdir(tmp_path)
    assert anchors.find(["sigstore"], [places.packaged()])["sigstore"].raw != ACME


# ---- --trusted-root -----------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a file to be given, not yet there."""
    return tmp_path / "given.json"


def test_a_file_for_an_instance_is_taken_before_every_place(tmp_path: Path, file: Path) -> None:
    file.write_bytes(OTHER)
    places = [place(tmp_path / "a", sigstore=ACME, github=ACME)]
    found = anchors.find(["sigstore", "github"], places, [f"github={file}"])
    assert (found["github"].raw, found["sigstore"].raw) == (OTHER, ACME)


def test_a_file_needs_no_place(file: Path) -> None:
    file.write_bytes(ACME)
    assert anchors.find(["sigstore"], [], [f"sigstore={file}"])["sigstore"].raw == ACME


def test_a_file_is_recorded_by_its_name_and_not_its_folder(file: Path) -> None:
    file.write_bytes(ACME)
    origin = anchors.find(["sigstore"], [], [f"sigstore={file}"])["sigstore"].origin
    assert origin == "--trusted-root given.json"


def test_a_bare_file_is_for_the_only_instance(file: Path) -> None:
    file.write_bytes(ACME)
    assert anchors.find(["github"], [], [str(file)])["github"].raw == ACME


@pytest.mark.parametrize("instances", [[], ["github", "sigstore"]])
def test_a_bare_file_without_a_single_instance_is_a_usage_error(
    instances: list[str], file: Path
) -> None:
    file.write_bytes(ACME)
    assert code(instances, [], [str(file)]) == USAGE


@pytest.mark.parametrize("name", ["github", "", "Sigstore", "sigstore "])
def test_a_file_for_an_instance_that_is_not_named_is_a_usage_error(name: str, file: Path) -> None:
    file.write_bytes(ACME)
    assert code(["sigstore"], [], [f"{name}={file}"]) == USAGE


@pytest.mark.parametrize("second", ["sigstore={}", "{}"])
def test_two_files_for_one_instance_are_a_usage_error(second: str, file: Path) -> None:
    file.write_bytes(ACME)
    assert code(["sigstore"], [], [f"sigstore={file}", second.format(file)]) == USAGE


def test_a_file_name_may_have_an_equals_sign(tmp_path: Path) -> None:
    file = tmp_path / "a=b.json"
    file.write_bytes(ACME)
    assert anchors.find(["sigstore"], [], [f"sigstore={file}"])["sigstore"].raw == ACME


def test_a_file_that_is_not_there_is_missing_and_no_place_stands_in(
    tmp_path: Path, file: Path
) -> None:
    assert code(["sigstore"], [place(tmp_path / "a", sigstore=ACME)], [str(file)]) == MISSING


def test_a_file_that_is_a_folder_is_unreadable(tmp_path: Path) -> None:
    assert code(["sigstore"], [], [str(tmp_path)]) == UNREADABLE


@pytest.mark.parametrize("raw", [b"", b"[]", b"\n\n", ACME[1:]])
def test_a_file_that_is_no_root_is_malformed_and_no_place_stands_in(
    raw: bytes, tmp_path: Path, file: Path
) -> None:
    file.write_bytes(raw)
    assert code(["sigstore"], [place(tmp_path / "a", sigstore=ACME)], [str(file)]) == MALFORMED


# ---- files of several lines ---------------------------------------------------------


def lines(*roots: bytes) -> bytes:
    return b"\n".join(roots) + b"\n"


@pytest.mark.parametrize("given", ["sigstore={}", "{}"])
@pytest.mark.parametrize("roots", [[ACME, OTHER], [OTHER, ACME], [OTHER, ACME, THIRD]])
def test_of_several_lines_the_one_that_shares_a_ca_is_taken(
    roots: list[bytes], given: str, tmp_path: Path, file: Path
) -> None:
    file.write_bytes(lines(*roots))
    places = [place(tmp_path / "a", sigstore=ACME)]
    found = anchors.find(["sigstore"], places, [given.format(file)])["sigstore"]
    assert (found.raw, found.origin) == (ACME, "--trusted-root given.json")


def test_each_of_several_instances_takes_its_own_line(tmp_path: Path, file: Path) -> None:
    file.write_bytes(lines(OTHER, ACME))
    places = [place(tmp_path / "a", sigstore=ACME, github=OTHER)]
    given = [f"sigstore={file}", f"github={file}"]
    found = anchors.find(["sigstore", "github"], places, given)
    assert (found["sigstore"].raw, found["github"].raw) == (ACME, OTHER)


def test_a_newer_root_of_the_same_ca_is_taken(tmp_path: Path, file: Path) -> None:
    newer = ACME.replace(b'"tlogs":', b'"newField":1,"tlogs":')
    file.write_bytes(lines(OTHER, newer))
    found = anchors.find(["sigstore"], [place(tmp_path / "a", sigstore=ACME)], [str(file)])
    assert found["sigstore"].raw == newer


def test_no_line_that_shares_a_ca_is_ambiguous(tmp_path: Path, file: Path) -> None:
    file.write_bytes(lines(OTHER, THIRD))
    assert code(["sigstore"], [place(tmp_path / "a", sigstore=ACME)], [str(file)]) == AMBIGUOUS


def test_several_lines_that_share_a_ca_are_ambiguous_and_told(tmp_path: Path, file: Path) -> None:
    file.write_bytes(lines(ACME, OTHER, ACME))
    with pytest.raises(AnchorError, match="line 1, line 3 shares") as caught:
        anchors.find(["sigstore"], [place(tmp_path / "a", sigstore=ACME)], [str(file)])
    assert caught.value.code == "trust.ambiguous"


def test_a_malformed_line_is_malformed_even_where_another_fits(tmp_path: Path, file: Path) -> None:
    file.write_bytes(lines(ACME, b"{}"))
    assert code(["sigstore"], [place(tmp_path / "a", sigstore=ACME)], [str(file)]) == MALFORMED


def test_several_lines_without_a_pinned_root_to_compare_are_missing(file: Path) -> None:
    file.write_bytes(lines(ACME, OTHER))
    assert code(["sigstore"], [], [str(file)]) == MISSING


def test_lines_beyond_the_limit_are_refused_and_never_lost(tmp_path: Path, file: Path) -> None:
    # Cut at the limit, the file would have one fitting line: the second is behind it.
    file.write_bytes(lines(ACME, OTHER, b" " * trusted_root.MAX_BYTES, ACME))
    assert code(["sigstore"], [place(tmp_path / "a", sigstore=ACME)], [str(file)]) == MALFORMED
