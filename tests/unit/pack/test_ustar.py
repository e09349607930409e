"""kit.pack.ustar and kit.pack.layout: the bytes that are predicted."""

from __future__ import annotations

import tarfile

import pytest

from kit.errors import PackError
from kit.formats import manifest as manifest_format
from kit.model import Member
from kit.pack import layout, ustar
from kit.pack.layout import Fixed
from tests import packs

SHORT = "artifacts/" + "x" * 90
LONG = "artifacts/" + "x" * 91


def read(block: bytes) -> tarfile.TarInfo:
    return tarfile.TarInfo.frombuf(block, "ascii", "strict")


@pytest.mark.parametrize("path", ["manifest.json", SHORT, LONG, "d" * 155 + "/" + "x" * 100])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 8**11 - 1, 8**11, 2**53 - 1])
def test_python_reads_the_name_and_size_that_were_written(path: str, size: int) -> None:
    found = read(ustar.header(path, size))
    assert (found.name, found.size) == (path, size)


def test_a_header_tells_nothing_but_name_and_size() -> None:
    found = read(ustar.header("a", 1))
    assert found.isreg()
    assert (found.mode, found.uid, found.gid, found.mtime) == (0o644, 0, 0, 0)
    assert (found.uname, found.gname, found.linkname) == ("", "", "")
    assert (found.devmajor, found.devminor) == (0, 0)


def test_a_path_of_a_hundred_bytes_needs_no_prefix() -> None:
    assert ustar.header(SHORT, 0)[:100] == SHORT.encode()
    assert not any(ustar.header(SHORT, 0)[345:])
    assert ustar.header(LONG, 0)[345:355] == b"artifacts\0"


def test_sizes_are_octal_below_8_gib_and_base_256_from_there() -> None:
    assert ustar.header("a", 8**11 - 1)[124:136] == b"77777777777\0"
    assert ustar.header("a", 8**11)[124:136].hex(" ", -4) == "80000000 00000002 00000000"


def test_a_header_agrees_with_one_made_field_by_field() -> None:
    assert ustar.header("a/b", 1234) == packs.header("a/b", 1234)


def test_a_header_is_recognised_by_its_checksum() -> None:
    block = ustar.header("a", 0)
    assert ustar.is_header(block)
    assert not ustar.is_header(block[:-1] + b"x")
    assert not ustar.is_header(block[:-1])
    assert not ustar.is_header(bytes(512))
    assert not ustar.is_header(packs.header("a", 0, chksum=b"99999999"))


@pytest.mark.parametrize(
    "field",
    [b"00000000012 ", b"0000000012\0\0", b" 0000000012\0", b"00000000018\0", b"-0000000012\0",
     b"000000000012", b"\x80" + bytes(11), b"\xff" * 12, bytes(12), b"+0000000012\0"],
)  # fmt: skip
def test_a_size_written_otherwise_is_not_read(field: bytes) -> None:
    assert ustar.octal_size(packs.header("a", 0, size=field)) is None
    assert ustar.octal_size(b"") is None


def test_the_pieces_fill_the_pack_without_gap_or_overlap() -> None:
    described = packs.manifest()
    due = layout.of(described, manifest_format.render(described))
    offset = 0
    for piece in due.pieces():
        assert piece.offset == offset
        offset += len(piece.raw) if isinstance(piece, Fixed) else piece.member.size
    assert offset == due.size


def test_the_members_come_in_physical_order() -> None:
    described = packs.manifest()
    due = layout.of(described, manifest_format.render(described))
    assert due.paths == ("manifest.json", "SHA256SUMS", *(m.path for m in described.members))


def test_sha256sums_lists_the_manifest_first_and_not_itself() -> None:
    described = packs.manifest()
    raw = manifest_format.render(described)
    assert layout.of(described, raw).sums == packs.sums(raw, described)


def test_members_that_together_are_too_large_for_any_reader_are_refused() -> None:
    members = [packs.member(path, b"") for path in ("README.txt", "release.toml", "ledger.json")]
    members += [Member(path=f"trust/{n}", size=2**52, sha256="0" * 64) for n in range(2)]
    described = packs.from_members(members)
    with pytest.raises(PackError) as raised:
        layout.of(described, manifest_format.render(described))
    assert raised.value.code == "pack.oversized"
