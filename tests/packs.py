"""Small packs, whole and with one thing wrong, for the tests of everything that reads one.

What is broken on purpose is assembled here byte by byte, without ``kit.pack.writer``,
which refuses to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kit.model import Artifact, EvidenceFile, EvidenceKind, Manifest, Member
from kit.pack import writer

BLOCK = 512
END = bytes(2 * BLOCK)

#: A release of two files with a bundle each, one file empty, one path in need of `prefix`.
LONG = f"artifacts/{'d' * 60}/{'n' * 60}.whl"
FILES: Mapping[str, bytes] = {
    "README.txt": b"Nothing here is verified\n",
    "release.toml": b"",
    "ledger.json": b"[]\n",
    LONG: b"wheel",
    "artifacts/tool-1.0.tar.gz": b"tarball" * 100,
    "evidence/tool-1.0.tar.gz.sigstore.json": b"{}",
    "trust/sigstore/root.json": b"",
}


def member(path: str, content: bytes) -> Member:
    """Describe a member by its content."""
    return Member(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def manifest(files: Mapping[str, bytes] = FILES, **changes: Any) -> Manifest:
    """Return a manifest that names all of ``files``, in the order a pack has."""
    head = ("README.txt", "release.toml", "ledger.json")
    paths = [*(p for p in head if p in files), *sorted(p for p in files if p not in head)]
    return from_members([member(path, files[path]) for path in paths], **changes)


def from_members(members: list[Member], **changes: Any) -> Manifest:
    """Return a manifest of exactly these members, in this order."""
    artifacts = sorted(m.path for m in members if m.path.startswith("artifacts/"))
    evidence = sorted(m.path for m in members if m.path.startswith("evidence/"))
    names = {path: path.rpartition("/")[2] or "unnamed" for path in artifacts + evidence}
    values: dict[str, Any] = {
        "release_name": "tool",
        "release_version": "1.0",
        "collected_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "kit": "0.1.0",
        "artifacts": tuple(
            Artifact(name=names[path], source=f"file:{path}", member=path)
            for path in dict.fromkeys(artifacts)
        ),
        "evidence": tuple(
            EvidenceFile(
                kind=EvidenceKind.SIGSTORE,
                name=names[path],
                member=path,
                about=tuple(a for a in artifacts if a.endswith(names[path].split(".sig")[0])),
            )
            for path in dict.fromkeys(evidence)
        ),
        "members": tuple(members),
    }
    return Manifest(**(values | changes))


def build(path: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """Write a whole pack with the kit's writer."""
    writer.write(path, manifest(files), files)
    return path


def value(described: Manifest) -> dict[str, Any]:
    """Return the JSON value of a manifest, however wrong the manifest is."""
    return {
        "schema": 1,
        "kit": described.kit,
        "collected-at": described.collected_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "release": {"name": described.release_name, "version": described.release_version},
        "artifacts": [
            {"name": a.name, "source": a.source, "member": a.member} for a in described.artifacts
        ],
        "evidence": [
            {"kind": e.kind.value, "name": e.name, "member": e.member, "about": list(e.about)}
            for e in described.evidence
        ],
        "members": [
            {"path": m.path, "size": m.size, "sha256": m.sha256} for m in described.members
        ],
    }


def encode(document: Any) -> bytes:
    """Return the canonical encoding of a JSON value."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def header(name: str, size: int, /, **fields: bytes) -> bytes:
    """Return a tar header with ``fields`` overwritten and, unless given, a right checksum."""
    layout = {
        "name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12),
        "mtime": (136, 12), "chksum": (148, 8), "typeflag": (156, 1), "linkname": (157, 100),
        "magic": (257, 8), "uname": (265, 32), "gname": (297, 32), "devmajor": (329, 8),
        "devminor": (337, 8), "prefix": (345, 155), "pad": (500, 12),
    }  # fmt: skip
    folder, _, name = name.rpartition("/") if len(name) > 100 else ("", "", name)
    values = {
        "name": name.encode(), "prefix": folder.encode(),
        "mode": b"0000644\0", "uid": b"0000000\0", "gid": b"0000000\0",
        "size": b"%011o\0" % size, "mtime": b"00000000000\0", "chksum": b" " * 8,
        "typeflag": b"0", "magic": b"ustar\x0000", "devmajor": b"0000000\0",
        "devminor": b"0000000\0",
    } | fields  # fmt: skip
    block = bytearray(BLOCK)
    for key, (offset, width) in layout.items():
        content = values.get(key, b"")
        assert len(content) <= width, key
        block[offset : offset + len(content)] = content
    if "chksum" not in fields:
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def entry(name: str, content: bytes, /, **fields: bytes) -> bytes:
    """Return a member of a tar: header, content, padding."""
    return header(name, len(content), **fields) + content + bytes(-len(content) % BLOCK)


def sums(raw_manifest: bytes, described: Manifest) -> bytes:
    """Return the SHA256SUMS that belongs to a manifest."""
    first = f"{hashlib.sha256(raw_manifest).hexdigest()}  manifest.json\n"
    return (first + "".join(f"{m.sha256}  {m.path}\n" for m in described.members)).encode()


def start(described: Manifest) -> bytes:
    """Return the first two members."""
    raw = encode(value(described))
    return entry("manifest.json", raw) + entry("SHA256SUMS", sums(raw, described))
