"""README's troubleshooting: each row is what the kit says of that cause, to the word."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.order import Options
from tests.lab.world import Release
from tests.lab.world.systems import openmed, securescan, stigmem
from tests.systems.suite import LAB, artifact, built, collected, ordered
from tests.systems.test_openmed import WHEEL as OPENMED
from tests.systems.test_openmed import by_commands, changed_after
from tests.systems.test_securescan import FORK, WHEEL, beside_another, of_no_file
from tests.systems.test_stigmem import log_is_down

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Troubleshooting")[2]
#: The rows of its table, without the head and the line below that.
TABLE = re.findall(r"^\|.*$", SECTION.partition("\n## ")[0], re.MULTILINE)[2:]
#: What the kit says, of every row.
ROWS = [row.split(" | ")[1] for row in TABLE]
_ROW = re.compile(r"`([a-z.…-]+)`(?:: (.+)| \(status ([0-9])\))")
CAUSES: dict[str, Callable[[Release], Release]] = {
    "differs in: repository": built("wheel", repository=FORK),
    "differs in: ref": built("wheel", ref="refs/heads/main"),
    "in no transparency log": ordered(Options(form="no-log"), "wheel"),
    "is named after this file": beside_another,
    "the signature is over": of_no_file,
}
LOG_IS_DOWN = "nothing is known to be wrong"
NOT_LISTED = "which nothing vouches for"
DAMAGED = "pack.digest"


def said(words: str) -> tuple[str, str]:
    """Return of the one row with these words its code, and what it says after that."""
    (row,) = [row for row in ROWS if words in row]
    found = _ROW.fullmatch(row)
    assert found is not None, row
    return found[1], found[2] or found[3]


def holds(words: str, text: str) -> bool:
    """Say whether a text has these words, in which … stands for whatever differs."""
    return re.search(".*".join(map(re.escape, words.split("…"))), text) is not None


@pytest.mark.parametrize("words", CAUSES)
def test_a_cause_is_told_as_the_readme_has_it(tmp_path: Path, words: str) -> None:
    code, message = said(words)
    found = artifact(collected(securescan(LAB), tmp_path, CAUSES[words]).ran, WHEEL)["findings"]
    told = [f for f in found if f["code"] == code and holds(message, f["message"])]
    assert told, found
    assert all(f["hint"] for f in told)


def test_a_log_that_does_not_answer_is_told_so(tmp_path: Path) -> None:
    code, message = said(LOG_IS_DOWN)
    ran = collected(stigmem(LAB), tmp_path, log_is_down).ran
    assert ran.status == 5
    error = ran.document["results"][0]["error"]
    assert holds(code, error["code"])
    assert message in error["hint"]


def test_a_file_that_its_digest_file_does_not_list_so_is_told(tmp_path: Path) -> None:
    code, message = said(NOT_LISTED)
    ran = collected(by_commands(openmed(LAB)), tmp_path, changed_after).ran
    assert ran.status == 1
    told = [f["message"] for f in artifact(ran, OPENMED)["findings"] if f["code"] == code]
    assert [holds(message, text) for text in told] == [True]


def test_a_damaged_pack_is_told_as_that(tmp_path: Path) -> None:
    made = collected(securescan(LAB), tmp_path)
    path = made.site.folder / made.pack
    raw = bytearray(path.read_bytes())
    raw[raw.index(made.release.assets[WHEEL]) + 40] ^= 1
    path.write_bytes(raw)
    ran = made.again("check")
    code, status = said(DAMAGED)
    assert (str(ran.status), ran.codes) == (status, {code})


def test_no_row_is_without_a_test() -> None:
    tested = [said(words) for words in (*CAUSES, LOG_IS_DOWN, NOT_LISTED, DAMAGED)]
    assert len(set(tested)) == len(tested) == len(ROWS)
