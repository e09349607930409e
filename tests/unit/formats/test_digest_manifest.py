"""kit.formats.digest_manifest: what a checksum file lists, and nothing another reader would not."""

from __future__ import annotations

import time

import pytest

from kit.errors import MalformedError, UnsupportedError
from kit.formats import digest_manifest
from kit.model import Digest

A, B = "a" * 64, "b" * 64
A384, A512 = "a" * 96, "a" * 128
LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


def listed(text: str, file_name: str = "SHA256SUMS") -> dict[str, list[str]]:
    """Return what is read, digests as text."""
    entries = digest_manifest.parse(text.encode(), file_name).entries
    return {name: [str(digest) for digest in digests] for name, digests in entries.items()}


def looked_up(text: str, name: str) -> list[str]:
    found = digest_manifest.parse(text.encode(), "SHA256SUMS").lookup(name)
    return [str(digest) for digest in found]


# ---- forms ----------------------------------------------------------------------

FORMS = {
    "GNU": f"{A}  tool\n",
    "GNU, binary": f"{A} *tool\n",
    "BSD reversed": f"{A} tool\n",
    "BSD reversed, tab": f"{A}\ttool\n",
    "GNU, tab": f"{A}\t tool\n",
    "GNU, tab, binary": f"{A}\t*tool\n",
    "tagged": f"SHA256 (tool) = {A}\n",
    "OpenSSL 1": f"SHA256(tool)= {A}\n",
    "OpenSSL 3": f"SHA2-256(tool)= {A}\n",
    "no final newline": f"{A}  tool",
    "CRLF": f"{A}  tool\r\n",
    "leading blanks": f" \t{A}  tool\n",
    "upper-case hex": f"{A.upper()}  tool\n",
    "comment": f"# by us\n\n  \n{A}  tool\n",
    "leading ./": f"{A}  ./tool\n",
    "idle parts": f"{A}  .//././tool\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_line_is_read(name: str) -> None:
    assert listed(FORMS[name]) == {"tool": [f"sha256:{A}"]}


@pytest.mark.parametrize("algorithm", LENGTHS)
@pytest.mark.parametrize("file_name", ["{}SUMS", "tool.{}", "tool_{}sums.txt", "checksums.txt"])
def test_the_length_of_a_digest_gives_its_algorithm(algorithm: str, file_name: str) -> None:
    digest = "a" * LENGTHS[algorithm]
    named = file_name.format(algorithm.upper() if file_name.startswith("{}") else algorithm)
    assert listed(f"{digest}  tool\n", named) == {"tool": [f"{algorithm}:{digest}"]}


@pytest.mark.parametrize(
    ("tag", "algorithm"),
    [
        ("SHA256", "sha256"), ("SHA2-256", "sha256"), ("SHA384", "sha384"),
        ("SHA2-384", "sha384"), ("SHA512", "sha512"), ("SHA2-512", "sha512"),
    ],
)  # fmt: skip
def test_a_tag_gives_the_algorithm(tag: str, algorithm: str) -> None:
    digest = "a" * LENGTHS[algorithm]
    assert listed(f"{tag} (tool) = {digest}\n") == {"tool": [f"{algorithm}:{digest}"]}


def test_one_name_may_have_a_digest_of_each_algorithm() -> None:
    assert listed(f"{A}  tool\nSHA512 (tool) = {A512}\n") == {
        "tool": [f"sha256:{A}", f"sha512:{A512}"]
    }


NAMES = {
    "blank within": (f"{A}  a b", "a b"),
    "trailing blank": (f"{A}  a ", "a "),
    "leading blank": (f"{A}   a", " a"),
    "leading star": (f"{A}  *a", "*a"),
    "only a star, reversed": (f"{A} *", "*"),
    "only a blank, reversed": (f"{A}  ", " "),
    "parenthesis": (f"SHA256 (a) = b) = {A}", "a) = b"),
    "looks tagged": (f"{A}  SHA256 (x) = {B}", f"SHA256 (x) = {B}"),
    "line separator": (f"{A}  a\u2028b", "a\u2028b"),
    "form feed": (f"{A}  a\x0cb", "a\x0cb"),
    "number sign": (f"{A}  #a", "#a"),
    "backslash, not escaped": (f"{A}  a\\b", "a\\b"),
    "escaped backslash": (f"\\{A}  a\\\\b", "a\\b"),
    "escaped newline": (f"\\{A}  a\\nb", "a\nb"),
    "escaped carriage return": (f"\\{A} *a\\rb", "a\rb"),
    "escaped, tagged": (f"\\SHA256 (a\\nb) = {A}", "a\nb"),
    "not ASCII": (f"{A}  wörk", "wörk"),
    "folder": (f"{A}  dist/tool", "dist/tool"),
    "only dots": (f"{A}  ...", "..."),
    "4096 characters, all escaped": (f"\\{A}  " + "\\\\" * 4096, "\\" * 4096),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_what_coreutils_takes_it_for(name: str) -> None:
    line, expected = NAMES[name]
    assert list(listed(line + "\n")) == [expected]


# ---- refused --------------------------------------------------------------------

# Rows C-148, C-149 and C-151 of the catalogue, as design section 13 settles them.
MALFORMED = {
    "empty": ("", "lists nothing"),
    "only blanks": ("\n \t\r\n", "lists nothing"),
    "only comments": ("# nothing\n", "lists nothing"),
    "junk": (f"{A}  tool\njunk\n", "line 2: is no digest line"),
    "prose": ("The checksums of this release\n", "is no digest line"),
    "BOM": (f"\ufeff{A}  tool\n", "is no digest line"),
    "PGP armour": (f"-----BEGIN PGP SIGNED MESSAGE-----\n{A}  tool\n", "is no digest line"),
    "no name": (f"{A}\n{A}  tool\n", "is no digest line"),
    "no-break space": (f"{A}\u00a0\u00a0tool\n", "is no digest line"),
    "base64": ("SHA256 (tool) = " + "qqqq" * 11 + "\n", "is no digest line"),
    "prefixed": (f"sha256:{A}  tool\n", "is no digest line"),
    "odd length": (f"{A[:-1]}  tool\n", "63 hex digits"),
    "tag of another length": (f"SHA256 (tool) = {A512}\n", "64 lower-case hex digits"),
    "listed twice, equal": (f"{A}  tool\n{A}  tool\n", "line 2: lists 'tool' again"),
    "listed twice, other": (f"{A}  tool\n{B}  tool\n", "line 2: lists 'tool' again"),
    "listed twice, by ./": (f"{A}  tool\n{B}  ./tool\n", "line 2: lists 'tool' again"),
    "listed twice, by //": (f"{A}  d/tool\n{B}  d/.//tool\n", "line 2: lists 'd/tool' again"),
    "listed twice, tagged": (f"{A}  tool\nSHA256 (tool) = {A}\n", "line 2: lists 'tool' again"),
    "absolute": (f"{A}  /tool\n", "lists the name"),
    "upwards": (f"{A}  ../tool\n", "lists the name"),
    "upwards within": (f"{A}  a/../tool\n", "lists the name"),
    "only ./": (f"{A}  ./\n", "lists the name"),
    "only .": (f"{A}  .\n", "lists the name"),
    "a folder": (f"{A}  tool/\n", "lists the name"),
    "NUL": (f"{A}  tool\0.txt\n", "lists the name"),
    "escape unknown": (f"\\{A}  a\\tb\n", "has an escape"),
    "escape cut short": (f"\\{A}  a\\\n", "has an escape"),
    "styles mixed": (f"{A}  tool\n{B} other\n", "line 2: mixes"),
    "styles mixed the other way": (f"{B} other\n{A}  tool\n", "line 2: mixes"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_anything_else_is_malformed(name: str) -> None:
    text, rule = MALFORMED[name]
    with pytest.raises(MalformedError, match=rule):
        listed(text)


def test_what_is_not_utf_8_is_malformed() -> None:
    with pytest.raises(MalformedError, match="not UTF-8 at byte 66"):
        digest_manifest.parse(A.encode() + b"  \xff\n", "SHA256SUMS")


def test_a_file_over_the_limit_is_malformed() -> None:
    with pytest.raises(MalformedError, match="over 16777216"):
        digest_manifest.parse(b"\n" * (digest_manifest.MAX_BYTES + 1), "SHA256SUMS")


def test_too_many_lines_are_malformed() -> None:
    with pytest.raises(MalformedError, match="over 200000 lines"):
        digest_manifest.parse(b"\n" * 200_001, "SHA256SUMS")


def test_a_line_longer_than_any_path_is_malformed() -> None:
    with pytest.raises(MalformedError, match="line 2: over 10000 characters"):
        listed(f"{A}  a\n\\{A}  " + "é" * 10_000 + "\n")


def test_a_message_about_a_name_is_short_however_long_the_name_is() -> None:
    name = "n" * 9000
    with pytest.raises(MalformedError) as caught:
        listed(f"{A}  {name}\n{A}  {name}\n")
    assert len(str(caught.value)) < 200


# ---- algorithms that are not accepted ---------------------------------------------


@pytest.mark.parametrize("length", [32, 40, 56])
def test_a_weak_digest_is_read_and_never_used(length: int) -> None:
    assert listed(f"{'a' * length}  weak\n{A}  tool\n")["weak"] == []


@pytest.mark.parametrize(
    "tag", ["MD5", "SHA1", "SHA224", "SHA3-256", "BLAKE2b-256", "SM3", "SHA512-256", "sha256"]
)
def test_an_unknown_tag_is_read_and_never_used(tag: str) -> None:
    assert listed(f"{tag} (other) = {A}\n{A}  tool\n")["other"] == []


@pytest.mark.parametrize(
    "file_name",
    [
        "SHA3-256SUMS", "sha3_256sums.txt", "B2SUMS", "b2sums.txt", "b3sums", "BLAKE2b-256.txt",
        "checksums.blake3", "tool.sm3", "SM3SUMS", "MD5SUMS", "checksums.md5", "SHA1SUMS",
        "sha-1sums.txt", "SHA512-256SUMS", "checksums_sha3.txt",
    ],
)  # fmt: skip
def test_digests_in_a_file_named_after_another_hash_are_not_accepted(file_name: str) -> None:
    # They may have the length of a SHA-256 and be none.
    with pytest.raises(UnsupportedError):
        listed(f"{A}  tool\n", file_name)


@pytest.mark.parametrize(
    "file_name",
    [
        "blake3-1.0.whl.sha256", "pysha3-1.0.tar.gz.sha256", "md5-tool_SHA256SUMS",
        "prism3d-checksums.txt", "libsha1.so.sha256sum", "sha1-tool.sha256.txt",
    ],
)  # fmt: skip
def test_an_artifact_named_after_another_hash_changes_nothing(file_name: str) -> None:
    assert listed(f"{A}  tool\n", file_name) == {"tool": [f"sha256:{A}"]}


def test_a_tag_counts_more_than_the_name_of_the_file() -> None:
    assert listed(f"SHA256 (tool) = {A}\n", "MD5SUMS") == {"tool": [f"sha256:{A}"]}


def test_a_file_of_weak_digests_alone_is_not_accepted() -> None:
    with pytest.raises(UnsupportedError):
        listed("a" * 40 + "  tool\n")


# ---- a digest alone ---------------------------------------------------------------


@pytest.mark.parametrize("algorithm", LENGTHS)
@pytest.mark.parametrize("suffix", ["", "sum"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", " \n"])
def test_a_bare_digest_is_about_the_file_its_file_is_named_after(
    algorithm: str, suffix: str, end: str
) -> None:
    digest = "a" * LENGTHS[algorithm]
    found = listed(digest.upper() + end, f"tool.whl.{algorithm}{suffix}")
    assert found == {"tool.whl": [f"{algorithm}:{digest}"]}


@pytest.mark.parametrize("file_name", ["SHA256SUMS", "digest.txt", "tool.sha512", ".sha256"])
def test_a_bare_digest_of_nothing_is_malformed(file_name: str) -> None:
    with pytest.raises(MalformedError):
        listed(A, file_name)


def test_two_bare_digests_are_malformed() -> None:
    with pytest.raises(MalformedError, match="is no digest line"):
        listed(f"{A}\n{A}\n", "tool.sha256")


# ---- looking up -------------------------------------------------------------------


def test_a_name_is_looked_up_as_written() -> None:
    assert looked_up(f"{A}  dist/tool\n", "dist/tool") == [f"sha256:{A}"]


def test_a_path_counts_by_its_last_component() -> None:
    assert looked_up(f"{A}  dist/tool\n", "tool") == [f"sha256:{A}"]


def test_a_whole_name_counts_before_a_path() -> None:
    assert looked_up(f"{A}  dist/tool\n{B}  tool\n", "tool") == [f"sha256:{B}"]


def test_two_paths_with_one_last_component_say_nothing() -> None:
    assert looked_up(f"{A}  a/tool\n{A}  b/tool\n", "tool") == []


@pytest.mark.parametrize("name", ["too", "tools", "Tool", "x/tool", "", "dist"])
def test_another_name_is_not_listed(name: str) -> None:
    assert looked_up(f"{A}  dist/tool\n", name) == []


def test_a_name_with_weak_digests_only_has_none_and_no_path_stands_in_for_it() -> None:
    assert looked_up(f"{'a' * 32}  tool\n{A}  dist/tool\n", "tool") == []


def test_the_algorithms_that_are_listed_are_told() -> None:
    parsed = digest_manifest.parse(f"{A}  a\n{A512}  b\n{'a' * 40}  c\n".encode(), "SUMS")
    assert parsed.algorithms == {"sha256", "sha512"}


def test_looking_up_many_names_takes_no_time_for_each_line() -> None:
    lines = "".join(f"{n:064x}  dist/{n}\n" for n in range(20_000))
    parsed = digest_manifest.parse(lines.encode(), "SHA256SUMS")
    started = time.process_time()
    found = [parsed.lookup(str(n)) for n in range(40_000)]
    assert sum(map(bool, found)) == 20_000
    # 800 million comparisons would take a minute.
    assert time.process_time() - started < 5


def test_equal_files_read_equal() -> None:
    manifest = digest_manifest.parse(f"{A}  tool\n".encode(), "SHA256SUMS")
    assert manifest == digest_manifest.DigestManifest({"tool": (Digest("sha256", A),)})
