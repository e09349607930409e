"""Digest manifests: ``SHA256SUMS``, ``checksums.txt``, ``NAME.sha256`` and their kin.

Reads what ``sha256sum --check`` and OpenSSL write (coreutils src/cksum.c): GNU lines
(``HEX  NAME``, ``HEX *NAME``), BSD reversed lines (``HEX NAME``), tagged lines
(``SHA256 (NAME) = HEX``), with coreutils' escapes. Stricter than coreutils on purpose,
because a line that one reader skips and another takes is how two readers come to differ:

* a line of no known form is malformed, not skipped;
* one name listed twice for one algorithm is malformed even where the digests agree;
* absolute names, ``..``, folders and GNU mixed with BSD reversed are malformed;
* MD5, SHA-1, SHA-224 and digests of unknown algorithm are read and never used.

A manifest proves nothing by itself: ``kit.verifiers.digests`` turns a *claim over the
manifest* into claims over what it lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kit.errors import MalformedError, UnsupportedError
from kit.formats import encodings
from kit.model import Digest

MAX_BYTES = 16 << 20
MAX_LINES = 200_000
#: Characters of a line: a path of 4096 bytes, each escaped, and its digest.
MAX_LINE = 10_000

_BY_LENGTH = {64: "sha256", 96: "sha384", 128: "sha512"}
_WEAK_LENGTHS = frozenset({32, 40, 56})
_UNTAGGED = re.compile(
    r"(?P<hex>[0-9A-Fa-f]{32,128})(?P<gap>[ \t][ *]|[ \t])(?P<name>.+)", re.DOTALL
)
_TAGGED = re.compile(
    r"(?P<tag>[A-Za-z0-9-]{2,16})(?: \(|\()(?P<name>.+)\)(?: = |= )(?P<hex>[0-9A-Fa-f]{32,128})",
    re.DOTALL,
)
_BARE = re.compile(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128}")
_TAGS = {
    "SHA256": "sha256", "SHA2-256": "sha256",
    "SHA384": "sha384", "SHA2-384": "sha384",
    "SHA512": "sha512", "SHA2-512": "sha512",
}  # fmt: skip
# An untagged 64-digit line of one of these files is another hash of the same length, unless
# the file's name ends as `blake3-1.0.whl.sha256` does.
_OTHER_HASH = re.compile(
    r"(?<![a-z])(sha-?3(?!84)|sha-?512[-_][0-9]|blake|b[23]sum|sm3|md5|sha-?1(?![0-9]))",
    re.IGNORECASE,
)
_THIS_HASH = re.compile(r"(?<![a-z0-9])sha-?(256|384|512)(sums?)?(\.txt)?\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DigestManifest:
    """Listed names, as written but for ``./`` parts, and their accepted digests.

    ``names_files`` is false for a bare digest: the name it is listed under is only that of
    the manifest's own file, which nobody signed.
    """

    entries: Mapping[str, tuple[Digest, ...]]
    names_files: bool = True
    _by_last: Mapping[str, str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the names by their last component, where only one has it."""
        # A hostile pack may look 100 000 files up in a manifest of as many lines.
        by_last: dict[str, str | None] = {}
        for listed in self.entries:
            last = listed.rpartition("/")[2]
            by_last[last] = None if last in by_last else listed
        object.__setattr__(self, "_by_last", by_last)

    def lookup(self, name: str) -> tuple[Digest, ...]:
        """Return the digests listed for a file name; empty where it is not listed.

        The whole listed name is tried first. Failing that, a listed path whose last
        component is ``name`` counts if it is the only such line: releases list
        ``dist/NAME``, and a name listed under two folders says nothing about either.
        """
        if name in self.entries:
            return self.entries[name]
        listed = self._by_last.get(name)
        return () if listed is None else self.entries[listed]

    @property
    def algorithms(self) -> frozenset[str]:
        """The algorithms of the listed digests."""
        return frozenset(d.algorithm for digests in self.entries.values() for d in digests)


def parse(raw: bytes, file_name: str) -> DigestManifest:
    """Read a digest manifest called ``file_name``.

    The file's name settles what a line cannot say: ``NAME.sha256`` may hold a bare digest
    of NAME. Raises :class:`MalformedError`, or :class:`UnsupportedError` where every line
    is of an algorithm that is not accepted.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"digest manifest of {len(raw)} bytes, over {MAX_BYTES}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from error
    bare = _bare(text.strip(" \t\r\n"), file_name)
    if bare is not None:
        return bare
    found: dict[str, dict[str, Digest]] = {}
    styles: set[str] = set()
    for number, line in _lines(text):
        try:
            name, digest, style = _line(line, file_name)
            _one_style(styles, style)
            by_algorithm = found.setdefault(name, {})
            if digest is not None:
                _add(by_algorithm, name, digest)
        except MalformedError as error:
            raise MalformedError(f"line {number}: {error}") from error
    if not found:
        raise MalformedError("lists nothing")
    if not any(found.values()):
        raise UnsupportedError("lists only digests of algorithms that are not accepted")
    return DigestManifest({name: tuple(by.values()) for name, by in found.items()})


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, numbered from 1."""
    if text.count("\n") > MAX_LINES:
        raise MalformedError(f"over {MAX_LINES} lines")
    # Not splitlines(): that also breaks at U+2028, where sha256sum does not.
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            raise MalformedError(f"line {number}: over {MAX_LINE} characters")
        stripped = line.removesuffix("\r").lstrip(" \t")
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _one_style(styles: set[str], style: str) -> None:
    # `HEX  x` is the GNU line of "x" and the BSD reversed line of " x": never both in a file.
    styles.add(style)
    if {"gnu", "reversed"} <= styles:
        raise MalformedError("mixes `HEX  NAME` and `HEX NAME` lines")


def _bare(text: str, file_name: str) -> DigestManifest | None:
    stem, dot, suffix = file_name.rpartition(".")
    if not (dot and stem and _BARE.fullmatch(text)):
        return None
    algorithm = _BY_LENGTH[len(text)]
    if suffix.lower() not in (algorithm, f"{algorithm}sum"):
        raise MalformedError(f"a bare digest in {file_name!r} names neither file nor algorithm")
    digest = encodings.digest(algorithm, text.lower())
    return DigestManifest({stem: (digest,)}, names_files=False)


def _line(line: str, file_name: str) -> tuple[str, Digest | None, str]:
    """Return the name, its digest (``None`` if of no use) and the style of one line."""
    escaped = line.startswith("\\")
    body = line[1:] if escaped else line
    tagged = _TAGGED.fullmatch(body)
    match = tagged or _UNTAGGED.fullmatch(body)
    if match is None:
        raise MalformedError("is no digest line")
    name = _safe(_unescape(match["name"]) if escaped else match["name"])
    hexadecimal = match["hex"].lower()
    if tagged:
        algorithm = _TAGS.get(tagged["tag"])
        # encodings.digest refuses a length that is not the algorithm's.
        return name, encodings.digest(algorithm, hexadecimal) if algorithm else None, "tagged"
    style = "gnu" if len(match["gap"]) == 2 else "reversed"
    if len(hexadecimal) in _WEAK_LENGTHS or _is_of_another_hash(file_name):
        return name, None, style
    algorithm = _BY_LENGTH.get(len(hexadecimal))
    if algorithm is None:
        raise MalformedError(f"{len(hexadecimal)} hex digits are no digest's length")
    return name, encodings.digest(algorithm, hexadecimal), style


def _is_of_another_hash(file_name: str) -> bool:
    return not _THIS_HASH.search(file_name) and _OTHER_HASH.search(file_name) is not None


def _unescape(name: str) -> str:
    r"""Undo coreutils' escapes: ``\\``, ``\n`` and ``\r``; any other is an error."""
    out: list[str] = []
    characters = iter(name)
    for character in characters:
        if character != "\\":
            out.append(character)
            continue
        plain = {"\\": "\\", "n": "\n", "r": "\r"}.get(next(characters, ""))
        if plain is None:
            raise MalformedError("has an escape that coreutils does not write")
        out.append(plain)
    return "".join(out)


def _safe(name: str) -> str:
    parts = name.split("/")
    # NUL: what is written in C reads the name up to it.
    if name.startswith("/") or ".." in parts or parts[-1] in ("", ".") or "\0" in name:
        raise MalformedError(f"lists the name {name[:80]!r}")
    # `x` and `.//x` are one file, which may be listed once.
    return "/".join(part for part in parts if part not in ("", "."))


def _add(by_algorithm: dict[str, Digest], name: str, digest: Digest) -> None:
    if digest.algorithm in by_algorithm:
        raise MalformedError(f"lists {name[:80]!r} again")
    by_algorithm[digest.algorithm] = digest
