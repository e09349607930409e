"""Every code with which a pack is refused, each by the attack it is for.

The numbers are those of the project's catalogue of attacks.
"""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.errors import PackError
from kit.model import Manifest
from kit.pack import diagnose
from kit.pack.layout import Fixed, Part
from kit.pack.reader import Pack
from tests import packs

FILES = packs.FILES
MANIFEST = packs.manifest()
PATHS = [member.path for member in MANIFEST.members]
START = packs.start(MANIFEST)
ENTRIES = [packs.entry(path, FILES[path]) for path in PATHS]
WHOLE = START + b"".join(ENTRIES) + packs.END
LAST = PATHS[-1]

Refusal = Callable[[bytes], tuple[str, str]]


@pytest.fixture
def refusal(tmp_path: Path) -> Refusal:
    """Write bytes to a file; return the code and subject with which it is refused."""
    path = tmp_path / "attack.pack.tar"

    def refuse(raw: bytes) -> tuple[str, str]:
        path.write_bytes(raw)
        with pytest.raises(PackError) as raised, Pack.open(path) as pack:
            pack.hash_members({m.path: frozenset() for m in pack.manifest.members})
        return raised.value.code, raised.value.subject or ""

    return refuse


def with_entry(path: str, raw: bytes) -> bytes:
    """Put ``raw`` where the member ``path`` belongs."""
    number = PATHS.index(path)
    return START + b"".join([*ENTRIES[:number], raw, *ENTRIES[number + 1 :]]) + packs.END


def with_manifest(described: Manifest) -> bytes:
    return packs.start(described) + packs.END  # refused before a member is looked at


def listed(*paths: str) -> bytes:
    """Return a pack whose manifest lists these beside the usual members."""
    members = [*MANIFEST.members, *(packs.member(path, b"") for path in paths)]
    return with_manifest(packs.from_members(members))


def test_the_pack_that_the_attacks_start_from_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "whole.pack.tar"
    path.write_bytes(WHOLE)
    with Pack.open(path) as pack:
        assert pack.manifest == MANIFEST
    assert packs.build(tmp_path / "written.pack.tar").read_bytes() == WHOLE


# ---- A. framing -----------------------------------------------------------------


def test_c001_an_empty_file(refusal: Refusal) -> None:
    assert refusal(b"")[0] == "pack.empty"


def test_c002_a_file_cut_at_any_boundary(refusal: Refusal) -> None:
    for size in (1, 13, 14, 511, 512, 513, len(START), len(WHOLE) - 1024, len(WHOLE) - 512):
        assert refusal(WHOLE[:size])[0] == "pack.truncated", size


def test_c003_a_flipped_header_byte(refusal: Refusal) -> None:
    for number in range(512):
        raw = bytearray(WHOLE)
        raw[len(START) + number] ^= 1
        assert refusal(bytes(raw)) == ("pack.header", PATHS[0])


@pytest.mark.parametrize("more", [b"\0", b"x", bytes(512), packs.END, b"PK\5\6" + bytes(18)])
def test_c004_bytes_after_the_end(refusal: Refusal, more: bytes) -> None:
    assert refusal(WHOLE + more)[0] == "pack.trailing"


def test_c005_a_second_pack_after_the_first(refusal: Refusal) -> None:
    assert refusal(WHOLE + WHOLE)[0] == "pack.trailing"


def test_c005_zero_blocks_in_the_middle(refusal: Refusal) -> None:
    middle = START + ENTRIES[0] + packs.END + b"".join(ENTRIES[1:]) + packs.END
    assert refusal(middle) == ("pack.missing", PATHS[1])


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", b"{}")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (gzip.compress(WHOLE), "gzip"),
        (gzip.compress(bytes(1 << 20)), "gzip"),
        (bz2.compress(WHOLE), "bzip2"),
        (lzma.compress(WHOLE), "xz"),
        (b"\x28\xb5\x2f\xfd" + WHOLE, "Zstandard"),
        (zipped(), "zip"),
        (packs.entry("README", b"") + packs.END, "a tar that begins with 'README'"),
        (packs.entry("./manifest.json", b"") + packs.END, "'./manifest.json'"),
        (b"#!/bin/sh\n" + WHOLE, "something else"),
        (b"%PDF-1.7\n" + WHOLE, "something else"),
        (b"\x7fELF", "something else"),
        (bytes(10240), "something else"),
    ],
)
def test_c006_c007_another_kind_of_file(tmp_path: Path, raw: bytes, word: str) -> None:
    (tmp_path / "x").write_bytes(raw)
    with pytest.raises(PackError, match=word) as raised:
        Pack.open(tmp_path / "x")
    assert raised.value.code == "pack.not-a-pack"


@pytest.mark.parametrize(
    "size",
    [b"\xff" * 12, b"\x80" + b"\0" * 10 + b"\5", b"\x80" + b"\xff" * 11, b"00000000031 ", bytes(12),
     b"77777777777\0", b"           5", b"0000000000x\0", b"000000000005"],
)  # fmt: skip
def test_c009_a_size_written_otherwise(refusal: Refusal, size: bytes) -> None:
    assert refusal(with_entry("ledger.json", packs.entry("ledger.json", b"", size=size))) == (
        "pack.header",
        "ledger.json",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": b"0000755\0"}, {"mode": b"0004755\0"}, {"uid": b"0001750\0"},
        {"gid": b"0000001\0"},
        {"mtime": b"00000000001\0"}, {"uname": b"root"}, {"gname": b"wheel"}, {"linkname": b"x"},
        {"magic": b"ustar  \0"}, {"magic": bytes(8)}, {"devmajor": bytes(8)}, {"pad": b"x"},
        {"devminor": b"0000001\0"}, {"chksum": b"0000000\0"}, {"chksum": b"        "},
        {"name": b"ledger.json\0x"},
    ],
)  # fmt: skip
def test_c009_a_field_with_another_value(refusal: Refusal, fields: dict[str, bytes]) -> None:
    raw = packs.entry("ledger.json", FILES["ledger.json"], **fields)
    assert refusal(with_entry("ledger.json", raw)) == ("pack.header", "ledger.json")


def test_the_first_header_is_held_to_the_same(refusal: Refusal) -> None:
    body = START[512:]
    for header in (
        packs.header("manifest.json", 5, mode=b"0000600\0"),
        packs.header("manifest.json", 5, size=b"\xff" * 12),
    ):
        assert refusal(header + body) == ("pack.header", "manifest.json")
    link = packs.header("manifest.json", 5, typeflag=b"2")
    assert refusal(link + body) == ("pack.member-type", "manifest.json")


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K", b"S"])
def test_c011_c015_c016_c032_an_extension_header(refusal: Refusal, kind: bytes) -> None:
    more = packs.entry("././@LongLink", b"26 size=99999999999999999\n", typeflag=kind)
    raw = START + ENTRIES[0] + more + b"".join(ENTRIES[1:]) + packs.END
    assert refusal(raw)[0] == "pack.member-type"


def test_c014_more_members_than_a_pack_may_have(refusal: Refusal) -> None:
    members = [packs.member(f"trust/{n:06}", b"") for n in range(200_001)]
    assert refusal(packs.start(packs.from_members(members)))[0] == "pack.oversized"


def test_a_manifest_over_64_mib_is_not_read(refusal: Refusal) -> None:
    assert refusal(packs.header("manifest.json", (64 << 20) + 1)) == (
        "pack.oversized",
        "manifest.json",
    )


def test_the_padding_is_zero(refusal: Refusal) -> None:
    raw = packs.entry("README.txt", FILES["README.txt"])[:-1] + b"\1"
    assert refusal(with_entry("README.txt", raw)) == ("pack.padding", "README.txt")
    start = bytearray(START)
    start[-1] = 1
    assert refusal(bytes(start) + WHOLE[len(START) :]) == ("pack.padding", "SHA256SUMS")


def test_sha256sums_is_what_the_manifest_makes_it(refusal: Refusal) -> None:
    raw = packs.encode(packs.value(MANIFEST))
    right = packs.sums(raw, MANIFEST)
    for wrong in (right[:-1] + b" ", right.replace(b"  R", b" *R"), right.upper()):
        start = packs.entry("manifest.json", raw) + packs.entry("SHA256SUMS", wrong)
        assert refusal(start + WHOLE[len(START) :]) == ("pack.sums", "SHA256SUMS")


def test_the_end_blocks_are_zero(refusal: Refusal) -> None:
    for number in (-1, -512, -513, -1024):
        raw = bytearray(WHOLE)
        raw[number] = 1
        assert refusal(bytes(raw))[0] == "pack.end"


# ---- B. members -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [b"\0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"Z", b"\xff"])
def test_c021_to_c026_a_member_that_is_no_file(refusal: Refusal, kind: bytes) -> None:
    raw = packs.entry("release.toml", b"", typeflag=kind, linkname=b"/etc/passwd")
    assert refusal(with_entry("release.toml", raw)) == ("pack.member-type", "release.toml")


def test_c029_c030_a_member_twice(refusal: Refusal) -> None:
    for number in range(len(ENTRIES)):
        twice = [*ENTRIES[: number + 1], ENTRIES[number], *ENTRIES[number + 1 :]]
        assert refusal(START + b"".join(twice) + packs.END) == ("pack.duplicate", PATHS[number])


def test_c030_a_member_again_at_the_end(refusal: Refusal) -> None:
    raw = START + b"".join(ENTRIES) + packs.entry("release.toml", b"other") + packs.END
    assert refusal(raw) == ("pack.duplicate", "release.toml")


def test_c033_a_member_that_the_manifest_does_not_list(refusal: Refusal) -> None:
    more = packs.entry("trust/x", b"")
    for number in range(len(ENTRIES) + 1):
        raw = START + b"".join([*ENTRIES[:number], more, *ENTRIES[number:]]) + packs.END
        assert refusal(raw) == ("pack.extra", "trust/x")


def test_c033_a_member_that_no_entry_names(refusal: Refusal) -> None:
    described = packs.manifest(evidence=())
    assert refusal(with_manifest(described))[0] == "pack.extra"


def test_c034_a_listed_member_is_not_there(refusal: Refusal) -> None:
    for number in range(len(ENTRIES)):
        raw = START + b"".join([*ENTRIES[:number], *ENTRIES[number + 1 :]]) + packs.END
        assert refusal(raw) == ("pack.missing", PATHS[number])


def test_c034_a_required_member_is_not_listed(refusal: Refusal) -> None:
    described = packs.from_members([m for m in MANIFEST.members if m.path != "ledger.json"])
    assert refusal(with_manifest(described)) == ("pack.missing", "ledger.json")


def test_c035_members_in_another_order(refusal: Refusal) -> None:
    raw = START + b"".join([ENTRIES[1], ENTRIES[0], *ENTRIES[2:]]) + packs.END
    assert refusal(raw) == ("pack.order", PATHS[1])


def test_c035_a_manifest_in_another_order(refusal: Refusal) -> None:
    members = [*MANIFEST.members[:-2], MANIFEST.members[-1], MANIFEST.members[-2]]
    assert refusal(with_manifest(packs.from_members(members)))[0] == "pack.order"


def test_c035_sha256sums_before_the_manifest(refusal: Refusal) -> None:
    raw = packs.entry("SHA256SUMS", b"") + WHOLE
    assert refusal(raw)[0] == "pack.not-a-pack"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/etc/passwd", "pack.name-absolute"),
        ("C:\\x", "pack.name-absolute"),
        ("artifacts/../../x", "pack.name-climbs"),
        ("artifacts/TOOL-1.0.tar.gz", "pack.name-case"),
        ("artifacts/aux.h", "pack.name-reserved"),
        ("artifacts/.x", "pack.name-reserved"),
        ("artifacts/-x", "pack.name-reserved"),
        ("artifacts/x.", "pack.name-reserved"),
        ("artifacts/é", "pack.name"),
        ("artifacts/" + "x" * 101, "pack.name"),
    ],
)
def test_c017_to_c020_c027_c036_a_name_that_is_not_portable(
    refusal: Refusal, path: str, code: str
) -> None:
    assert refusal(listed(path)) == (code, path)


@pytest.mark.parametrize(
    ("name", "code"),
    [("../x", "pack.name-climbs"), ("/x", "pack.name-absolute"), ("a b", "pack.name")],
)
def test_c017_a_bad_name_that_only_the_tar_has(refusal: Refusal, name: str, code: str) -> None:
    assert refusal(START + packs.entry(name, b"") + b"".join(ENTRIES) + packs.END) == (code, name)


# ---- C. manifest, D. contents -----------------------------------------------------


def test_a_manifest_that_is_none(refusal: Refusal) -> None:
    for raw in (b"", b"{}\n", b"[" * 10_000, b'{"schema":1}\n', b"\xff"):
        assert refusal(packs.entry("manifest.json", raw)) == ("pack.manifest", "manifest.json")


def test_a_manifest_that_is_newer(refusal: Refusal) -> None:
    raw = packs.encode(packs.value(MANIFEST) | {"schema": 2})
    assert refusal(packs.entry("manifest.json", raw)) == ("pack.manifest-newer", "manifest.json")


def test_c054_a_manifest_of_another_pack(refusal: Refusal) -> None:
    other = packs.manifest(dict(FILES) | {"release.toml": b"other"})
    assert refusal(packs.start(other) + WHOLE[len(START) :])[0] == "pack.header"


def test_c057_changed_contents_are_all_listed(tmp_path: Path) -> None:
    described = packs.manifest(dict(FILES) | {LAST: b"x", "README.txt": b"y" * 25})
    files = dict(FILES) | {LAST: b"z"}
    raw = packs.start(described) + b"".join(packs.entry(p, files[p]) for p in PATHS) + packs.END
    (tmp_path / "x").write_bytes(raw)
    with Pack.open(tmp_path / "x") as pack, pytest.raises(PackError) as raised:
        pack.hash_members({path: frozenset({"sha512"}) for path in reversed(PATHS)})
    assert [(f.code, f.subject) for f in raised.value.faults] == [
        ("pack.digest", "README.txt"),
        ("pack.digest", LAST),
    ]


def test_c059_two_artifacts_swapped(refusal: Refusal) -> None:
    files = {path: FILES[path] for path in PATHS[:3]} | {"artifacts/a": b"1", "artifacts/b": b"2"}
    described = packs.manifest(files)
    swapped = dict(files) | {"artifacts/a": b"2", "artifacts/b": b"1"}
    entries = [packs.entry(m.path, swapped[m.path]) for m in described.members]
    raw = packs.start(described) + b"".join(entries) + packs.END
    assert refusal(raw) == ("pack.digest", "artifacts/a")


def test_a_manifest_that_changes_under_the_reader_is_told_so() -> None:
    due = Fixed(part=Part.MANIFEST, path="manifest.json", offset=512, raw=b"{}\n")
    assert diagnose.piece(b"[]\n", due, (), complete=True).code == "pack.rewritten"


# ---- the lattice ------------------------------------------------------------------


def lattice() -> Iterator[bytes]:
    kinds = [b"\0", b"0", b"1", b"2", b"5", b"6", b"7", b"x", b"L", b"S", b"V", b"Z"]
    names = [
        "ledger.json",
        "README.txt",
        "trust/x",
        "../x",
        "/x",
        "",
        "./ledger.json",
        "a\\b",
        "\x1b[",
    ]
    links = [b"", b"../x"]
    sizes = [None, b"\x80" + bytes(10) + b"\3", b"\xff" * 12, b"00000000003 ", b"3", bytes(12)]
    magics = [b"ustar\x0000", b"ustar  \0", bytes(8)]
    for kind, name, link, size, magic, good in itertools.product(
        kinds, names, links, sizes, magics, (True, False)
    ):
        fields = {"typeflag": kind, "linkname": link, "magic": magic}
        if size is not None:
            fields["size"] = size
        if not good:
            fields["chksum"] = b"0001234\0"
        yield packs.header(name, 3, **fields)


def test_of_every_kind_of_header_only_the_predicted_one_passes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    at = WHOLE.index(packs.header("ledger.json", 3))
    passed = 0
    with path.open("wb+", buffering=0) as file:
        file.write(WHOLE)
        for header in lattice():
            file.seek(at)
            file.write(header)
            try:
                Pack.open(path).close()
                passed += 1
            except PackError:
                pass
    assert passed == 1


def test_the_same_tar_by_another_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(path, "w", format=form) as archive:
            raw = packs.encode(packs.value(MANIFEST))
            for name, content in [("manifest.json", raw), *FILES.items()]:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        with pytest.raises(PackError):
            Pack.open(path)
