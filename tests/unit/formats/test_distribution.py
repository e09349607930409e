"""kit.formats.distribution: what a wheel or sdist says it is, read within bounds."""

from __future__ import annotations

import io
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib

import pytest

from kit.errors import MachineError, MalformedError
from kit.formats import distribution, source_archive
from kit.formats.distribution import Named
from tests import archives
from tests.archives import DIST_INFO, SDIST_NAME, WHEEL_NAME

MEGABYTE = 1 << 20
EVIL = archives.metadata("evil")


def read(raw: bytes, name: str = WHEEL_NAME) -> Named:
    return distribution.read(name, io.BytesIO(raw))


def unpacked(raw: bytes) -> Named:
    """Read a tar, not yet gzipped, as an sdist."""
    return read(archives.gzipped(raw), SDIST_NAME)


# ---- file names ---------------------------------------------------------------------

NAMES = {
    "tool-1.0-py3-none-any.whl": ("tool", "1.0", 1, ""),
    "Tool_Kit-1.0rc1-py2.py3-none-any.whl": ("tool-kit", "1.0rc1", 2, ""),
    "tool-1.0-7-py3-none-any.whl": ("tool", "1.0", 1, "7"),
    "tool-1.0-7b-py3-none-any.whl": ("tool", "1.0", 1, "7b"),
    "tool-1.0+cpu-cp311-cp311-linux_x86_64.whl": ("tool", "1.0+cpu", 1, ""),
    "tool-1.0.tar.gz": ("tool", "1.0", 0, ""),
    "Tool.Kit-v1.0.tar.gz": ("tool-kit", "1.0", 0, ""),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_distribution_is_parsed(name: str) -> None:
    found = distribution.parse_name(name)
    assert found is not None
    assert (found.project, found.version, len(found.tags), found.build) == NAMES[name]


@pytest.mark.parametrize(
    "name",
    [
        "", "tool", "tool.zip", "tool.whl", ".whl", "-.whl", "tool-1.0.whl", "tool-1.0-py3.whl",
        "tool-x-py3-none-any.whl", "to ol-1.0-py3-none-any.whl", "tool-1.0-x-py3-none-any.whl",
        "tool-1.0-py3-none-any.WHL", "tool.tar.gz", ".tar.gz", "tool-x.tar.gz",
        "tool-1.0-linux.tar.gz", "tool-1.0.tar.bz2", "tool-1.0.zip",
    ],
)  # fmt: skip
def test_any_other_name_is_not(name: str) -> None:
    assert distribution.parse_name(name) is None


def test_a_version_of_thousands_of_digits_is_none() -> None:
    assert distribution.parse_name(f"tool-{'1' * 5000}.tar.gz") is None


def test_a_name_that_stands_for_thousands_of_tags_is_none() -> None:
    many = ".".join(f"a{n}" for n in range(20))
    assert distribution.parse_name(f"tool-1.0-{many}-{many}-{many}.whl") is None


# ---- wheels -------------------------------------------------------------------------


def test_a_wheel_says_what_its_name_says() -> None:
    assert read(archives.wheel()) == distribution.parse_name(WHEEL_NAME)


def test_a_stored_wheel_is_read() -> None:
    members = [
        (f"{DIST_INFO}/METADATA", archives.metadata()),
        (f"{DIST_INFO}/WHEEL", archives.wheel_metadata()),
    ]
    assert read(archives.zipped(members, zipfile.ZIP_STORED)).project == "tool"


@pytest.mark.parametrize(
    ("raw", "attribute"),
    [
        (archives.wheel(METADATA=archives.metadata(name="evil")), "project"),
        (archives.wheel(METADATA=archives.metadata(version="1.1")), "version"),
        (archives.wheel(METADATA=archives.metadata(version="1.0+evil")), "version"),
        (archives.wheel(METADATA=archives.metadata(version="1.0rc1")), "version"),
        (archives.wheel(WHEEL=archives.wheel_metadata(["cp311-cp311-linux_x86_64"])), "tags"),
        (archives.wheel(WHEEL=archives.wheel_metadata(["py3-none-any", "py2-none-any"])), "tags"),
        (archives.wheel(WHEEL=archives.wheel_metadata([])), "tags"),
        (archives.wheel(WHEEL=archives.wheel_metadata(build="1")), "build"),
    ],
)
def test_a_wheel_that_says_otherwise_differs_in_that(raw: bytes, attribute: str) -> None:
    named = distribution.parse_name(WHEEL_NAME)
    assert getattr(read(raw), attribute) != getattr(named, attribute)


def test_a_build_number_is_read() -> None:
    name = "tool-1.0-7b-py3-none-any.whl"
    raw = archives.wheel(WHEEL=archives.wheel_metadata(build="7b"))
    assert read(raw, name) == distribution.parse_name(name)


@pytest.mark.parametrize("tags", [["py2.py3-none-any"], ["py2-none-any", "py3-none-any"]])
def test_tags_may_be_compressed_or_not(tags: list[str]) -> None:
    name = "tool-1.0-py2.py3-none-any.whl"
    raw = archives.wheel(WHEEL=archives.wheel_metadata(tags))
    assert read(raw, name) == distribution.parse_name(name)


@pytest.mark.parametrize("name", ["Tool", "TOOL"])
def test_a_project_is_compared_in_its_normal_form(name: str) -> None:
    assert read(archives.wheel(METADATA=archives.metadata(name=name))).project == "tool"


WHEEL_FAULTS = {
    "empty": (b"", "cannot be read"),
    "not a zip": (b"x" * 1000, "cannot be read"),
    "cut short": (archives.wheel()[:-10], "cannot be read"),
    "an sdist": (archives.sdist(), "cannot be read"),
    "no METADATA": (archives.wheel(without="METADATA"), "0 .dist-info/METADATA files"),
    "no WHEEL": (archives.wheel(without="WHEEL"), "0 .dist-info/WHEEL files"),
    "METADATA of two projects": (
        archives.wheel(("evil-1.0.dist-info/METADATA", EVIL)),
        "2 .dist-info/METADATA files",
    ),
    "METADATA deeper": (
        archives.wheel((f"x/{DIST_INFO}/METADATA", archives.metadata()), without="METADATA"),
        "0 .dist-info/METADATA files",
    ),
    "METADATA over the limit": (
        archives.wheel(METADATA=archives.metadata() + b"x" * source_archive.MAX_METADATA),
        "METADATA is over",
    ),
    "WHEEL over the limit": (
        archives.wheel(WHEEL=b"x" * (source_archive.MAX_METADATA + 1)),
        "WHEEL is over",
    ),
    "METADATA empty": (archives.wheel(METADATA=b""), "one Name and one Version"),
    "no Name": (archives.wheel(METADATA=b"Version: 1.0\n"), "one Name and one Version"),
    "no Version": (archives.wheel(METADATA=b"Name: tool\n"), "one Name and one Version"),
    "two Names": (
        archives.wheel(METADATA=b"Name: evil\n" + archives.metadata()),
        "one Name and one Version",
    ),
    "two Versions": (
        archives.wheel(METADATA=b"Version: 1.0\n" + archives.metadata()),
        "one Name and one Version",
    ),
    "Name below the headers": (
        archives.wheel(METADATA=b"Version: 1.0\n\nName: tool\n"),
        "one Name and one Version",
    ),
    "no version": (archives.wheel(METADATA=archives.metadata(version="x")), "has the version 'x'"),
    "version of 5000 digits": (
        archives.wheel(METADATA=archives.metadata(version="1" * 5000)),
        "cannot be read",
    ),
    "tag of two parts": (archives.wheel(WHEEL=b"Tag: py3-none\n"), "cannot be read"),
    "over 50 000 members": (
        archives.wheel(*((str(n), b"") for n in range(50_000))),
        "over 50000 members",
    ),
}


@pytest.mark.parametrize("fault", WHEEL_FAULTS)
def test_c162_a_wheel_with_a_fault_is_malformed(fault: str) -> None:
    raw, rule = WHEEL_FAULTS[fault]
    with pytest.raises(MalformedError, match=rule):
        read(raw)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_metadata_that_is_there_twice_under_one_name_is_malformed() -> None:
    again = (f"{DIST_INFO}/METADATA", EVIL)
    with pytest.raises(MalformedError, match=r"2 \.dist-info/METADATA"):
        read(archives.wheel(again))


def test_metadata_that_unpacks_to_more_than_it_says_is_malformed() -> None:
    raw = archives.zipped(
        [
            (f"{DIST_INFO}/METADATA", archives.metadata() + b" " * 10 * MEGABYTE),
            (f"{DIST_INFO}/WHEEL", archives.wheel_metadata()),
        ]
    )
    size = struct.pack("<L", len(archives.metadata()) + 10 * MEGABYTE)
    with pytest.raises(MalformedError, match="cannot be read"):
        read(raw.replace(size, struct.pack("<L", 60)))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_metadata_compressed_in_an_unusual_way_is_malformed(compression: int) -> None:
    members = [
        (f"{DIST_INFO}/METADATA", archives.metadata()),
        (f"{DIST_INFO}/WHEEL", archives.wheel_metadata()),
    ]
    with pytest.raises(MalformedError, match="METADATA is compressed in an unusual way"):
        read(archives.zipped(members, compression))


def test_a_directory_of_many_megabytes_is_refused_before_it_is_read() -> None:
    # 400 000 entries of an archive take zipfile a quarter of a gigabyte.
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"x"
    directory = entry * 400_000
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    raw = io.BytesIO(directory + end)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match="directory is over"):
            distribution.read(WHEEL_NAME, raw)
        assert tracemalloc.get_traced_memory()[1] < 64 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "tags",
    [
        ["-".join([".".join(f"a{n}" for n in range(500))] * 3)],
        [f"py{n}-none-any" for n in range(2000)],
        [".".join(f"a{n}-none-any" for n in range(3))],
    ],
)
def test_a_wheel_of_countless_tags_is_malformed_and_takes_no_time(tags: list[str]) -> None:
    # 500 interpreters, interfaces and platforms are 125 million tags.
    started = time.process_time()
    with pytest.raises(MalformedError, match=r"tags|cannot be read"):
        read(archives.wheel(WHEEL=archives.wheel_metadata(tags)))
    assert time.process_time() - started < 2


# ---- sdists -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "long"),
    [
        (tarfile.USTAR_FORMAT, "n" * 120 + "/" + "n" * 90),
        (tarfile.GNU_FORMAT, "n" * 120 + "/" + "n" * 120),
        (tarfile.PAX_FORMAT, "n" * 120 + "/" + "n" * 120),
        (tarfile.PAX_FORMAT, "ü" * 60),
    ],
)
def test_an_sdist_in_any_form_of_tar_says_what_its_name_says(form: int, long: str) -> None:
    members = [
        (f"tool-1.0/{long}", b"long " * 1000),
        ("tool-1.0/PKG-INFO", archives.metadata()),
        ("tool-1.0/tool.egg-info/PKG-INFO", EVIL),
    ]
    assert read(archives.tarred(members, form), SDIST_NAME) == distribution.parse_name(SDIST_NAME)


def test_an_sdist_may_have_a_long_name_itself() -> None:
    folder = "t" * 150 + "-1.0"
    raw = archives.tarred([(f"{folder}/PKG-INFO", archives.metadata("t" * 150))])
    assert read(raw, f"{folder}.tar.gz") == distribution.parse_name(f"{folder}.tar.gz")


def test_an_sdist_may_hold_folders_links_and_unknown_kinds_of_file() -> None:
    raw = (
        archives.header("tool-1.0/", kind=tarfile.DIRTYPE)
        # tarfile takes no content from these, whatever they say.
        + archives.header("tool-1.0/link", 700, tarfile.SYMTYPE)
        + archives.member(b"x" * 700, "tool-1.0/unknown", b"Z")
        + archives.member(archives.metadata())
        + bytes(1024)
    )
    assert unpacked(raw).project == "tool"


def test_the_names_in_an_sdist_may_begin_with_a_dot() -> None:
    assert unpacked(archives.member(archives.metadata(), "./tool-1.0/PKG-INFO")).project == "tool"


def pax(key: str, value: str, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """Return an extended header of one record."""
    rest = f" {key}={value}\n".encode()
    # The length counts its own digits, which are two here.
    return archives.member(b"%d%s" % (len(rest) + 2, rest), "pax", kind)


INFO = archives.member(archives.metadata())

SDIST_FAULTS = {
    "no PKG-INFO": (archives.member(b"", "tool-1.0/tool.py"), "0 top-level PKG-INFO"),
    "nothing at all": (b"", "0 top-level PKG-INFO"),
    "PKG-INFO without a folder": (archives.member(archives.metadata(), "PKG-INFO"), "0 top-level"),
    "PKG-INFO twice": (INFO + INFO, "2 top-level PKG-INFO"),
    "PKG-INFO of two projects": (
        INFO + archives.member(EVIL, "evil/PKG-INFO"),
        "2 top-level PKG-INFO",
    ),
    "PKG-INFO twice, once spelt otherwise": (
        INFO + archives.member(EVIL, "tool-1.0/.//PKG-INFO"),
        "2 top-level PKG-INFO",
    ),
    "PKG-INFO twice, once by a long name": (
        INFO
        + archives.member(b"tool-1.0/PKG-INFO\0", "long", tarfile.GNUTYPE_LONGNAME)
        + archives.member(EVIL, "other"),
        "2 top-level PKG-INFO",
    ),
    "PKG-INFO twice, once by an extended header": (
        INFO + pax("path", "tool-1.0/PKG-INFO") + archives.member(EVIL, "other"),
        "2 top-level PKG-INFO",
    ),
    "PKG-INFO a link": (
        archives.header(kind=tarfile.SYMTYPE) + INFO,
        "PKG-INFO is no regular file",
    ),
    "PKG-INFO a folder": (
        archives.header("tool-1.0/PKG-INFO/", kind=tarfile.DIRTYPE) + INFO,
        "PKG-INFO is no regular file",
    ),
    "PKG-INFO over the limit": (
        archives.member(b"x" * (source_archive.MAX_METADATA + 1)),
        "metadata over",
    ),
    "PKG-INFO cut short": (archives.header(size=700) + b"x" * 600, "ends within a file"),
    "another file cut short": (archives.header("tool-1.0/tool.py", 700) + b"x", "ends within"),
    "a header cut short": (archives.header()[:300], "cannot be read"),
    "a header's checksum wrong": (b"x" + archives.header()[1:], "cannot be read"),
    "text": (b"x" * 512, "cannot be read"),
    "a negative size": (archives.header("tool-1.0/tool.py", -512) + INFO, "negative size"),
    "a negative extended size": (
        archives.header("pax", -512, tarfile.XHDTYPE) + INFO,
        "header or metadata over",
    ),
    "an extended size that is none": (pax("size", "-512") + INFO, "negative size"),
    "an extended size that is no number": (pax("size", "x") + INFO, "cannot be read"),
    "an extended header over the limit": (
        archives.member(b"x" * 65_537, "pax", tarfile.XHDTYPE) + INFO,
        "header or metadata over 65536",
    ),
    "a long name over the limit": (
        archives.member(b"x" * 65_537, "long", tarfile.GNUTYPE_LONGNAME) + INFO,
        "header or metadata over 65536",
    ),
    "a record without its newline": (
        archives.member(b"8 path=x", "pax", tarfile.XHDTYPE) + INFO,
        "malformed extended header",
    ),
    "a record of length zero": (
        archives.member(b"0 path=x\n", "pax", tarfile.XHDTYPE) + INFO,
        "malformed extended header",
    ),
    "a record longer than its header": (
        archives.member(b"99 path=x\n", "pax", tarfile.XHDTYPE) + INFO,
        "malformed extended header",
    ),
    "a record without a length": (
        archives.member(b"path=x\n", "pax", tarfile.XHDTYPE) + INFO,
        "malformed extended header",
    ),
    "one name for all files": (
        pax("path", "tool-1.0/PKG-INFO", tarfile.XGLTYPE) + INFO,
        "one name or size for all",
    ),
    "a sparse file": (archives.header(kind=tarfile.GNUTYPE_SPARSE) + INFO, "sparse file"),
    "a sparse file of the other kind": (pax("GNU.sparse.major", "1") + INFO, "sparse file"),
    "over 50 000 members": (archives.header("x") * 50_001, "over 50000 members"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SDIST_FAULTS)
def test_an_sdist_with_a_fault_is_malformed(fault: str) -> None:
    raw, rule = SDIST_FAULTS[fault]
    with pytest.raises(MalformedError, match=rule):
        unpacked(raw)


def test_an_extended_size_moves_the_reader() -> None:
    body = b"x" * 700
    moved = archives.header("tool-1.0/tool.py", 0) + body + bytes(-len(body) % 512)
    assert unpacked(pax("size", "700") + moved + INFO).project == "tool"


def test_what_an_extended_header_says_is_about_one_file_only() -> None:
    assert unpacked(pax("path", "other") + archives.member(b"", "x") + INFO).project == "tool"


def test_a_comment_for_all_files_is_ignored() -> None:
    # As `git archive` writes one.
    comment = archives.member(b"16 comment=abcd\n", "pax_global_header", tarfile.XGLTYPE)
    assert unpacked(comment + INFO).project == "tool"


GZIP_FAULTS = {
    "empty": (b"", "ends too early"),
    "not gzip": (b"x" * 1000, "cannot be read"),
    "a wheel": (archives.wheel(), "cannot be read"),
    "not compressed": (INFO, "cannot be read"),
    "cut short": (archives.sdist()[:-200], "ends too early"),
    "cut in its header": (archives.sdist()[:5], "ends too early"),
    "damaged": (archives.sdist()[:60] + b"\xff\xff" + archives.sdist()[62:], "cannot be read"),
    "two gzip files": (
        archives.gzipped(INFO) + archives.gzipped(archives.member(b"", "evil/PKG-INFO")),
        "not a single gzip file",
    ),
    "junk behind": (archives.gzipped(INFO) + b"x", "not a single gzip file"),
}


@pytest.mark.parametrize("fault", GZIP_FAULTS)
def test_an_sdist_that_does_not_unpack_is_malformed(fault: str) -> None:
    raw, rule = GZIP_FAULTS[fault]
    with pytest.raises(MalformedError, match=rule):
        read(raw, SDIST_NAME)


def test_zeros_behind_an_sdist_are_padding() -> None:
    assert read(archives.gzipped(INFO) + bytes(512), SDIST_NAME).project == "tool"


def bomb(head: bytes, megabytes: int) -> bytes:
    """Return a gzip file that unpacks to a head and so many megabytes of zeros."""
    filling = bytes(MEGABYTE)
    stream = zlib.compressobj(1, zlib.DEFLATED, 31)
    out = stream.compress(head) + stream.flush(zlib.Z_FULL_FLUSH)
    # After a full flush, the same megabyte is always packed into the same bytes.
    out += stream.compress(filling) + stream.flush(zlib.Z_FULL_FLUSH)
    again = stream.compress(filling) + stream.flush(zlib.Z_FULL_FLUSH)
    return out + again * (megabytes - 1)


def test_a_gzip_bomb_is_refused_in_little_memory() -> None:
    raw = bomb(archives.header("tool-1.0/zeros", (8 << 30) - 1), 1100)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match="unpacks to over 1073741824 bytes"):
            read(raw, SDIST_NAME)
        assert tracemalloc.get_traced_memory()[1] < 32 * MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
def test_a_bomb_in_an_extended_header_is_refused_in_little_memory(kind: bytes) -> None:
    # tarfile would hold all of it in memory.
    raw = bomb(archives.header("pax", 500 * MEGABYTE, kind), 500)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match="header or metadata over"):
            read(raw, SDIST_NAME)
        assert tracemalloc.get_traced_memory()[1] < 32 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_the_name_in_a_gzip_header_may_be_long_and_takes_no_time() -> None:
    # GzipFile reads it byte by byte.
    started = time.process_time()
    with pytest.raises(MalformedError, match="ends too early"):
        read(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 20 * MEGABYTE, SDIST_NAME)
    assert time.process_time() - started < 1


# ---- the file itself ------------------------------------------------------------------


class Unreadable(io.BytesIO):
    """A file on a medium that fails."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Fail."""
        raise MachineError("cannot be read", code="machine.unreadable")


@pytest.mark.parametrize("name", [WHEEL_NAME, SDIST_NAME])
def test_a_medium_that_fails_is_not_the_fault_of_the_archive(name: str) -> None:
    with pytest.raises(MachineError):
        distribution.read(name, Unreadable(archives.wheel()))
