"""Any pack that can be described can be written and read back; anything else is refused."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kit.errors import PackError
from kit.formats import manifest
from kit.model import Artifact, EvidenceFile, EvidenceKind, Manifest, Member
from kit.pack import names
from kit.pack.reader import Pack
from tests import packs, second_reader

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
WORD = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,79}", fullmatch=True)
HIDDEN = re.compile(f"[{manifest.HIDDEN}]")
VISIBLE = st.characters(codec="utf-8").filter(lambda c: not HIDDEN.match(c))
PUBLISHED = st.text(VISIBLE, min_size=1, max_size=60).filter(
    lambda name: not {"/", "\\"} & set(name) and name not in (".", "..")
)
PART = st.text(string.ascii_letters + string.digits + "._+~-", min_size=1, max_size=30)
PATH = st.lists(PART, min_size=1, max_size=5).map("/".join)
ANY_PATH = st.text(max_size=20)

ARTIFACT = st.builds(Artifact, name=PUBLISHED, source=PUBLISHED, member=ANY_PATH)
EVIDENCE = st.builds(
    EvidenceFile,
    kind=st.sampled_from(EvidenceKind),
    name=PUBLISHED,
    member=ANY_PATH,
    about=st.sets(ANY_PATH, max_size=3).map(lambda paths: tuple(sorted(paths))),
)
MEMBER = st.builds(Member, path=ANY_PATH, size=st.integers(0, 2**53 - 1), sha256=HEX)
MANIFEST = st.builds(
    Manifest,
    release_name=WORD,
    release_version=WORD,
    collected_at=st.datetimes(
        datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        datetime(9999, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    ).map(lambda moment: moment.replace(microsecond=0)),
    kit=st.text(string.printable[:95], min_size=1, max_size=100),
    artifacts=st.lists(ARTIFACT, max_size=4, unique_by=lambda a: (a.source, a.name)).map(
        lambda found: tuple(sorted(found, key=lambda a: (a.source, a.name)))
    ),
    evidence=st.lists(EVIDENCE, max_size=4, unique_by=lambda e: e.member).map(
        lambda found: tuple(sorted(found, key=lambda e: (e.member, e.name)))
    ),
    members=st.lists(MEMBER, max_size=4).map(tuple),
)


@settings(deadline=None)
@given(MANIFEST)
def test_parse_undoes_render(described: Manifest) -> None:
    raw = manifest.render(described)
    assert manifest.parse(raw) == described
    assert manifest.render(manifest.parse(raw)) == raw


@given(st.binary())
def test_any_bytes_parse_or_are_refused(raw: bytes) -> None:
    try:
        manifest.parse(raw)
    except PackError:
        return


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(MANIFEST, st.data())
def test_what_parses_after_any_change_is_what_its_bytes_say(
    described: Manifest, data: st.DataObject
) -> None:
    value = packs.value(described)
    key = data.draw(st.sampled_from(sorted(value)))
    if isinstance(value[key], list) and value[key] and data.draw(st.booleans()):
        item = data.draw(st.sampled_from(value[key]))
        item[data.draw(st.sampled_from(sorted(item)))] = data.draw(JSON)
    else:
        value[key] = data.draw(JSON)
    try:
        raw = packs.encode(value)
        found = manifest.parse(raw)
    except (PackError, UnicodeEncodeError):
        return
    assert manifest.render(found) == raw


@given(st.text(max_size=300) | PATH)
def test_a_name_is_accepted_or_has_one_fault(path: str) -> None:
    fault = names.fault(path)
    if fault is None:
        assert path.isascii()
        assert all(part.strip(".-") for part in path.split("/"))
    else:
        assert fault.code.startswith("pack.name")


FILES = st.dictionaries(
    st.tuples(st.sampled_from(["artifacts", "evidence", "oci", "trust"]), PATH).map("/".join),
    st.binary(max_size=1100),
    max_size=6,
)


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(FILES)
def test_what_is_written_is_read_back_by_both_readers(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    files = {"README.txt": b"", "release.toml": b"\0" * 512, "ledger.json": b"[]\n"} | files
    assume(all(names.fault(path) is None for path in files))
    described = packs.manifest(files)
    assume(not list(names.clashes(member.path for member in described.members)))
    path = tmp_path / "x.pack.tar"
    path.unlink(missing_ok=True)
    packs.build(path, files)
    with Pack.open(path) as pack:
        assert pack.manifest == described
        assert {m.path: pack.read(m.path, 2000) for m in pack.manifest.members} == files
        pack.hash_members(dict.fromkeys(files, frozenset()))
    found = second_reader.read(path)
    assert {name: found[name] for name in files} == files
