"""`file:`: a file or a folder beside the release file, told by the text alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.errors import KitError, UsageError
from kit.formats.source_text import parse_source
from kit.model import Answer, Gathered
from kit.sources import file


def gather(base: Path, text: str, *names: str) -> Gathered:
    """Gather a source whose line takes these names."""
    return file.gather(parse_source(text, "source"), base, lambda name: name in names)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of downloads."""
    downloads = tmp_path / "dl"
    downloads.mkdir()
    for name in ("a.tgz", "a.tgz.sigstore.json", "SHA256SUMS", "notes.txt", ".hidden"):
        (downloads / name).write_bytes(name.encode())
    (downloads / "deeper").mkdir()
    return tmp_path


def test_a_folder_gives_artifacts_evidence_and_a_row_for_everything_in_it(folder: Path) -> None:
    brought = gather(folder, "file:dl", "a.tgz")
    assert [item.name for item in brought.artifacts] == ["a.tgz"]
    assert [item.name for item in brought.evidence] == ["SHA256SUMS", "a.tgz.sigstore.json"]
    assert {row.wanted: row.answer for row in brought.asked} == {
        "a.tgz": Answer.FOUND,
        "a.tgz.sigstore.json": Answer.FOUND,
        "SHA256SUMS": Answer.FOUND,
        "notes.txt": Answer.SKIPPED,
        "hidden files and folders": Answer.SKIPPED,
    }


def test_files_are_hashed_and_stay_where_they_are(folder: Path) -> None:
    (item,) = gather(folder, "file:dl", "a.tgz").artifacts
    assert item.path == folder / "dl/a.tgz"
    assert (item.size, item.sha256) == (5, hashlib.sha256(b"a.tgz").hexdigest())


def test_a_file_brings_the_evidence_beside_it_and_no_other_artifact(folder: Path) -> None:
    (folder / "dl/b.tgz").write_bytes(b"b")
    brought = gather(folder, "file:dl/a.tgz", "a.tgz", "b.tgz")
    assert [item.name for item in brought.artifacts] == ["a.tgz"]
    assert "a.tgz.sigstore.json" in [item.name for item in brought.evidence]


def test_no_row_has_an_absolute_path(folder: Path) -> None:
    assert {row.place for row in gather(folder, "file:dl", "a.tgz").asked} == {"file:dl"}


def test_a_place_for_evidence_gives_no_artifact(folder: Path) -> None:
    brought = file.gather(parse_source("file:dl", "evidence"), folder, None)
    assert brought.artifacts == ()
    assert len(brought.evidence) == 2


def test_one_file_of_evidence_is_taken_whatever_its_name(folder: Path) -> None:
    brought = file.gather(parse_source("file:dl/notes.txt", "evidence"), folder, None)
    assert "notes.txt" in [item.name for item in brought.evidence]


@pytest.mark.parametrize(
    ("beside", "bare"),
    [
        ((), {"a.tgz", "b.tgz"}),
        (("a.tgz.sigstore.json",), {"b.tgz"}),
        (("a.tgz.asc", "b.tgz.sig"), set()),
        (("a.tgz.sha256", "SHA256SUMS", "a.tgz.spdx.json"), {"a.tgz", "b.tgz"}),  # sign nothing
        (("a.tgz.sha256", "a.tgz.sha256.asc"), {"b.tgz"}),
        # What may be about any file.
        (("SHA256SUMS", "SHA256SUMS.asc"), set()),
        ((f"sha256:{'a' * 64}.jsonl",), set()),
        (("multiple.intoto.jsonl",), set()),
        (("c.tgz.sigstore.json",), set()),
    ],
)
def test_a_file_without_anything_that_could_sign_it_has_a_row(
    tmp_path: Path, beside: tuple[str, ...], bare: set[str]
) -> None:
    for name in ("a.tgz", "b.tgz", *beside):
        (tmp_path / name).write_bytes(name.encode())
    asked = gather(tmp_path, "file:./", "a.tgz", "b.tgz").asked
    absent = {row.wanted for row in asked if row.answer is Answer.ABSENT}
    assert absent == {f"signatures and attestations of {name}" for name in bare}


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _pipe(path: Path) -> None:
    import os  # noqa: PLC0415

    os.mkfifo(path)


@pytest.mark.parametrize("make", [_link, _pipe])
def test_c022_an_artifact_that_is_no_regular_file_is_refused(
    folder: Path, make: Callable[[Path], None]
) -> None:
    make(folder / "dl/b.tgz")
    with pytest.raises(UsageError) as refused:
        gather(folder, "file:dl", "a.tgz", "b.tgz")
    assert refused.value.code == "file.not-plain"


def test_a_link_among_evidence_is_skipped(folder: Path) -> None:
    (folder / "dl/b.tgz.sigstore.json").symlink_to(folder / "dl/notes.txt")
    brought = gather(folder, "file:dl", "a.tgz")
    assert "b.tgz.sigstore.json" not in [item.name for item in brought.evidence]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("file:nowhere", "file.missing"),
        ("file:dl/b.tgz", "file.missing"),
        ("file:d.d", "file.is-folder"),
        ("file:dl/program", "file.is-file"),
    ],
)
def test_a_path_that_is_not_what_its_text_says_is_the_operators_mistake(
    folder: Path, text: str, code: str
) -> None:
    (folder / "d.d").mkdir()
    (folder / "dl/program").write_bytes(b"")
    with pytest.raises(KitError) as refused:
        gather(folder, text)
    assert refused.value.code == code


def test_the_correction_is_part_of_the_error(folder: Path) -> None:
    (folder / "dl/program").write_bytes(b"")
    with pytest.raises(UsageError) as refused:
        gather(folder, "file:dl/program")
    assert 'source = "file:dl/" and files = ["program"]' in (refused.value.hint or "")


@pytest.mark.parametrize("name", [b"a\nb.tgz", b"\xff.tgz", "\u202eb.tgz".encode()])
def test_a_name_that_cannot_be_shown_is_refused_where_the_line_takes_it(
    folder: Path, name: bytes
) -> None:
    import os  # noqa: PLC0415

    path = os.path.join(os.fsencode(folder / "dl"), name)  # noqa: PTH118 - bytes
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    with pytest.raises(UsageError) as refused:
        file.gather(parse_source("file:dl", "source"), folder, lambda _: True)
    assert refused.value.code == "file.not-plain"


def test_folders_and_hidden_files_are_no_downloads_whatever_the_pattern(folder: Path) -> None:
    brought = file.gather(parse_source("file:dl", "source"), folder, lambda _: True)
    assert {"deeper", ".hidden"}.isdisjoint(item.name for item in brought.artifacts)


def test_hidden_files_and_folders_are_counted_and_not_named(folder: Path) -> None:
    (row,) = (r for r in gather(folder, "file:dl", "a.tgz").asked if "hidden" in r.wanted)
    assert (row.note or "").startswith("2 of them")


def test_a_name_that_is_no_utf8_is_escaped_in_its_row(folder: Path) -> None:
    import os  # noqa: PLC0415

    path = os.path.join(os.fsencode(folder / "dl"), b"caf\xe9.txt")  # noqa: PTH118 - bytes
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    assert "caf\\xe9.txt" in [row.wanted for row in gather(folder, "file:dl", "a.tgz").asked]


def test_what_a_collect_writes_is_no_part_of_what_it_collects(folder: Path) -> None:
    before = gather(folder, "file:dl", "a.tgz")
    (folder / "dl/t.pack.tar").write_bytes(b"an earlier pack")
    (folder / "dl/t.pack.tar.collecting").mkdir()
    ours = [folder / "dl/t.pack.tar"]
    again = file.gather(
        parse_source("file:dl", "source"), folder, lambda name: name in ("a.tgz", *ours), ours
    )
    assert again == before


@pytest.mark.parametrize("text", ["file:" + "a" * 300, "file:loop/"])
def test_a_path_that_cannot_even_be_asked_for_is_the_operators_mistake(
    folder: Path, text: str
) -> None:
    (folder / "loop").symlink_to("loop")
    with pytest.raises(UsageError) as refused:
        gather(folder, text)
    assert refused.value.code == "file.missing"
