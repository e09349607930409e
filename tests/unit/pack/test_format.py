"""bundles/FORMAT.md: its example is real, and another reader made from it agrees with ours."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from kit.errors import PackError
from kit.formats import manifest
from kit.model import Artifact, EvidenceFile, EvidenceKind
from kit.pack import roster, writer
from kit.pack.reader import Pack
from tests import manifests, packs, second_reader

FORMAT = Path(__file__).parents[3] / "bundles" / "FORMAT.md"
HELLO = b"hello\n"
RELEASE = b"""schema = 1
name = "hello"
version = "1.0"

[[artifact]]
source = "file:hello.txt"
"""
FILES = {
    "README.txt": b"Nothing here is verified; do not run a kit found beside a pack\n",
    "release.toml": RELEASE,
    "ledger.json": b"[]\n",
    "artifacts/hello.txt": HELLO,
    "evidence/SHA256SUMS": f"{hashlib.sha256(HELLO).hexdigest()}  hello.txt\n".encode(),
}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    described = packs.manifest(
        FILES,
        release_name="hello",
        kit="airgap-kit 0.1.0",
        artifacts=(
            Artifact(name="hello.txt", source="file:hello.txt", member="artifacts/hello.txt"),
        ),
        evidence=(
            EvidenceFile(
                kind=EvidenceKind.DIGESTS,
                name="SHA256SUMS",
                member="evidence/SHA256SUMS",
                about=("artifacts/hello.txt",),
            ),
        ),
    )
    writer.write(tmp_path / "hello-1.0.pack.tar", described, FILES)
    return tmp_path / "hello-1.0.pack.tar"


def hexdump(raw: bytes) -> str:
    """Return what ``hexdump -C`` prints."""
    lines: list[str] = []
    before = None
    for offset in range(0, len(raw), 16):
        row = raw[offset : offset + 16]
        if row != before:
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            lines.append(f"{offset:08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  |{text}|")
        elif lines[-1] != "*":
            lines.append("*")
        before = row
    return "\n".join([*lines, f"{len(raw):08x}"])


# ---- the example ----------------------------------------------------------------


def test_the_example_is_what_the_writer_writes(example: Path) -> None:
    text = FORMAT.read_text(encoding="utf-8")
    blocks = re.findall(
        r"```\n(.*?)```", text.partition("## 8.")[2].partition("## 9.")[0], re.DOTALL
    )
    raw = example.read_bytes()
    assert blocks == [
        hashlib.sha256(raw).hexdigest() + "\n",
        hexdump(raw[:512]) + "\n",
        raw[512 : 512 + 905].decode(),
        raw[2048 : 2048 + 486].decode(),
        RELEASE.decode(),
    ]
    assert f"has {len(raw)} bytes" in text


def test_the_table_of_the_example_has_the_offsets_of_the_contents(example: Path) -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| `(.+?)` \|", FORMAT.read_text("utf-8"), re.MULTILINE)
    with tarfile.open(example) as archive:
        members = [(str(m.offset_data), str(m.size), m.name) for m in archive]
    assert rows[-len(members) :] == members


def test_the_format_names_every_code_and_every_kind() -> None:
    text = FORMAT.read_text(encoding="utf-8")
    package = Path(writer.__file__).parent
    sources = [*package.glob("*.py"), package.parent / "formats" / "manifest.py"]
    used = {code for file in sources for code in re.findall(r'"(pack\.[a-z-]+)"', file.read_text())}
    assert {f"`{code}`" for code in used} <= set(re.findall(r"`pack\.[a-z-]+`", text))
    assert {f"`{kind}`" for kind in EvidenceKind} <= set(re.findall(r"`[a-z0-9-]+`", text))


# ---- other readers ----------------------------------------------------------------

BSDTAR = shutil.which("bsdtar")
GNU_TAR = shutil.which("tar")


def is_gnu(tool: str | None) -> bool:
    return tool is not None and b"GNU tar" in subprocess.check_output([tool, "--version"])


needs_gnu_tar = pytest.mark.skipif(not is_gnu(GNU_TAR), reason="tar is not GNU tar")
needs_bsdtar = pytest.mark.skipif(BSDTAR is None, reason="no bsdtar (Debian: libarchive-tools)")


def names(path: Path) -> list[str]:
    with Pack.open(path) as pack:
        return ["manifest.json", "SHA256SUMS", *(m.path for m in pack.manifest.members)]


def listing(tool: str, path: Path) -> list[str]:
    done = subprocess.run([tool, "-tf", str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@needs_gnu_tar
def test_gnu_tar_lists_the_same_members(tmp_path: Path) -> None:
    path = packs.build(tmp_path / "x.pack.tar")
    assert listing("tar", path) == names(path)


@needs_bsdtar
def test_bsdtar_lists_the_same_members(tmp_path: Path) -> None:
    assert BSDTAR is not None
    path = packs.build(tmp_path / "x.pack.tar")
    assert listing(BSDTAR, path) == names(path)


def test_python_lists_the_same_members_and_reads_the_same_bytes(tmp_path: Path) -> None:
    path = packs.build(tmp_path / "x.pack.tar")
    with tarfile.open(path) as archive:
        assert archive.getnames() == names(path)
        for name, content in packs.FILES.items():
            file = archive.extractfile(name)
            assert file is not None
            assert file.read() == content


@needs_gnu_tar
def test_stock_tools_unpack_and_check_a_pack(tmp_path: Path) -> None:
    path = packs.build(tmp_path / "x.pack.tar")
    folder = tmp_path / "out"
    folder.mkdir()
    subprocess.run(["tar", "xf", path], cwd=folder, check=True)
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=True
    )
    assert done.stdout.count(b": OK\n") == len(packs.FILES) + 1
    with Pack.open(path) as pack:
        first = (folder / "SHA256SUMS").read_text().splitlines()[0]
        assert first == f"{pack.manifest_sha256}  manifest.json"


@needs_gnu_tar
def test_gnu_tar_makes_the_same_bytes_by_the_commands_of_the_format(example: Path) -> None:
    text = FORMAT.read_text(encoding="utf-8").partition("## 7.")[2]
    commands = "".join(re.findall(r"```\n(.*?)```", text, re.DOTALL)[:2])
    commands = commands.replace("/tmp/members", "../members")  # noqa: S108
    out = example.parent / "out"
    out.mkdir()
    example.rename(out / example.name)
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=out, check=True)


# ---- the second reader ---------------------------------------------------------------


def test_the_second_reader_reads_what_the_writer_writes(tmp_path: Path, example: Path) -> None:
    path = packs.build(tmp_path / "x.pack.tar")
    for pack, files in ((path, packs.FILES), (example, FILES)):
        found = second_reader.read(pack)
        assert list(found) == names(pack)
        assert {name: found[name] for name in files} == files


def agree(path: Path) -> bool:
    """Return whether both readers accept a file; fail if only one does."""
    try:
        with Pack.open(path) as pack:
            pack.hash_members({m.path: frozenset() for m in pack.manifest.members}, threads=1)
        ours = True
    except PackError:
        ours = False
    try:
        second_reader.read(path)
        theirs = True
    except (ValueError, RecursionError):
        theirs = False
    assert ours == theirs
    return ours


def test_the_second_reader_refuses_what_ours_refuses(example: Path) -> None:
    raw = example.read_bytes()
    for offset in range(0, len(raw), 3):
        changed = bytearray(raw)
        changed[offset] ^= 1
        example.write_bytes(changed)
        assert not agree(example), offset
    for size in range(0, len(raw), 97):
        example.write_bytes(raw[:size])
        assert not agree(example), size
    example.write_bytes(raw + bytes(512))
    assert not agree(example)
    example.write_bytes(raw)
    assert agree(example)


def test_both_readers_accept_and_refuse_the_same_manifests() -> None:
    accepted = refused = 0
    for document in manifests.variants():
        raw = packs.encode(document)
        try:
            roster.check(manifest.parse(raw))
            ours = True
        except PackError:
            ours = False
        try:
            second_reader.manifest(raw)
            theirs = True
        except ValueError:
            theirs = False
        assert ours == theirs, document
        accepted += ours
        refused += not ours
    assert accepted > 50
    assert refused > 1000
