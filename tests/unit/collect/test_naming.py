"""Member names: as published where a pack can have them, else marked with the digest."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kit.collect.naming import Names
from kit.model import Found
from kit.pack import names


def found(name: str, content: bytes = b"x") -> Found:
    """Return a gathered file."""
    digest = hashlib.sha256(content).hexdigest()
    return Found(name=name, path=Path("/nowhere"), size=len(content), sha256=digest)


def test_a_plain_name_is_kept() -> None:
    assert Names().member("artifacts", found("tool-1.0.tar.gz")) == "artifacts/tool-1.0.tar.gz"


def test_a_name_that_a_pack_cannot_have_is_marked_and_stays_readable() -> None:
    member = Names().member("artifacts", found("größe 1.0.tgz"))
    assert re.fullmatch(r"artifacts/[0-9a-f]{24}-gr__e_1\.0\.tgz", member)


def test_names_that_differ_only_in_case_get_two_members() -> None:
    made = Names()
    one = made.member("artifacts", found("Tool.tgz", b"1"))
    other = made.member("artifacts", found("tool.tgz", b"2"))
    assert one.lower() != other.lower()


def test_the_same_file_twice_shares_a_member() -> None:
    made = Names()
    members = {made.member("artifacts", found("tool.tgz")) for _ in range(2)}
    assert members == {"artifacts/tool.tgz"}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=300), st.binary(max_size=2)), max_size=8))
def test_any_names_become_distinct_members_that_a_pack_can_have(
    files: list[tuple[str, bytes]],
) -> None:
    made = Names()
    members = {made.member("evidence", found(name, content)) for name, content in files}
    assert all(names.fault(member) is None for member in members)
    assert len({member.lower() for member in members}) == len(set(files))
