"""kit.formats.release_file: what to collect and what must hold, told by the key's path."""

from __future__ import annotations

import hashlib
import re
import time

import pytest

from kit.errors import UsageError
from kit.formats import release_file, release_line
from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line
from kit.formats.rules import PredicateType, Requirement
from kit.model import Digest

HEX = "a" * 64
HEAD = 'schema = 1\nname = "tool"\nversion = "1.0"\n'

WHOLE = f"""
schema = 1
name = "tool"
version = "1.0"
strict-names = false

[signers.release]
issuer = "https://token.actions.githubusercontent.com"
identity = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0"
trusted-root = "github"

[signers.people]
issuer = "https://accounts.example"
identity-regexp = "(jo|mo)@acme[.]test"

[[artifact]]
source = "file:dist/"
files = ["*.whl", "tool-1.0.tar.gz"]
evidence = ["file:evidence/", "https://acme.test/tool.sigstore.json"]

[[artifact.require]]
signer = "release"
predicate-type = ["slsa-provenance", "https://acme.test/type"]
digest = "sha256:{HEX}"

[[artifact.require]]
signer = "people"
listed-in = "SHA256SUMS"

[[artifact]]
source = "https://acme.test/tool.exe"

[[artifact.require]]
digest = "sha512:{"b" * 128}"
"""


BOTH = 'source = "file:d/"\nfiles = ["a.zip", "b.json"]'
COPY = 'signer = "release"\npredicate-type = "spdx"\nfiles = {files}\npredicate-of = "{of}"'
COPY_ALONE = 'signer = "release"\npredicate-type = "spdx"\npredicate-of = "a.zip"'


def parse(text: str) -> ReleaseFile:
    return release_file.parse(text.encode(), "release.toml")


def refused(text: str | bytes) -> str:
    """Return why a release file is refused, without where it is."""
    with pytest.raises(UsageError) as caught:
        release_file.parse(text.encode() if isinstance(text, str) else text, "release.toml")
    assert caught.value.code == "release.malformed"
    return caught.value.message.removeprefix("release.toml: ")


def release(
    *, top: str = "", signer: str | None = None, line: str | None = None, require: str | None = None
) -> str:
    """Return a small release file; each part replaces, or with `top` adds to, what is there."""
    signer = 'issuer = "i"\nidentity = "me"' if signer is None else signer
    line = 'source = "file:tool.whl"' if line is None else line
    require = 'signer = "release"' if require is None else require
    return (
        f"{HEAD}{top}\n[signers.release]\n{signer}\n"
        f"[[artifact]]\n{line}\n[[artifact.require]]\n{require}\n"
    )


def the_line(text: str) -> Line:
    return parse(release(line=text)).lines[0]


def the_requirement(text: str) -> Requirement:
    return parse(release(require=text)).lines[0].requirements[0]


# ---- every key ----------------------------------------------------------------------


def test_a_requirement_may_be_about_some_files_of_its_line() -> None:
    more = (
        '[[artifact.require]]\nany-of = [{signer = "release"}, {signer = "release", log = true}]\n'
    )
    files = 'files = ["*.zip"]\n'
    line = 'source = "file:d/"\nfiles = ["*.zip", "b.json"]'
    (found,) = parse(
        release(line=line, require=COPY.format(files='["b.json"]', of="a.zip")) + more + files
    ).lines
    copy, either = found.require
    assert (copy.files, either.files) == (("b.json",), ("*.zip",))
    assert found.demands_of("b.json") == (copy,)
    assert found.demands_of("x.zip") == (either,)
    assert found.demands_of("x.tar") == ()
    assert found.requirements[0].predicate_of == "a.zip"
    assert "a copy of what is attested of a.zip" in copy.describe()


def test_whole_predicates_are_asked_for_where_a_copy_is() -> None:
    text = release(line=BOTH, require=COPY.format(files='["b.json"]', of="a.zip"))
    found = parse(text)
    assert found.of_whole_predicates == ((found.signers["release"], (PredicateType("spdx"),)),)
    assert not parse(release(line=BOTH)).of_whole_predicates


def test_what_the_release_is_called_is_read() -> None:
    found = parse(WHOLE)
    assert (found.name, found.version, found.strict_names) == ("tool", "1.0", False)


def test_names_are_strict_unless_the_file_says_otherwise() -> None:
    assert parse(release()).strict_names


def test_the_bytes_are_kept_with_their_digest() -> None:
    found = parse(WHOLE)
    assert (found.raw, found.sha256) == (WHOLE.encode(), hashlib.sha256(WHOLE.encode()).hexdigest())


def test_a_signer_with_an_identity_is_read() -> None:
    signer = parse(WHOLE).signers["release"]
    assert (signer.name, signer.issuer, signer.trusted_root, signer.identity_regexp) == (
        "release",
        "https://token.actions.githubusercontent.com",
        "github",
        None,
    )
    assert signer.identity == signer.describe()


def test_a_signer_with_a_regexp_is_read() -> None:
    signer = parse(WHOLE).signers["people"]
    assert signer.identity is None
    assert signer.describe() == "(jo|mo)@acme[.]test"


def test_the_public_good_instance_vouches_unless_the_file_says_otherwise() -> None:
    assert parse(WHOLE).signers["people"].trusted_root == "sigstore"


def test_the_instances_of_signers_that_are_required_are_told() -> None:
    assert parse(WHOLE).instances == ("github", "sigstore")


def test_the_instance_of_a_signer_that_nothing_requires_is_not_told() -> None:
    unused = '[signers.other]\nissuer = "i"\nidentity = "o"\ntrusted-root = "github"'
    assert parse(release() + unused).instances == ("sigstore",)


def test_lines_are_read_in_order() -> None:
    assert [line.source.text for line in parse(WHOLE).lines] == [
        "file:dist/",
        "https://acme.test/tool.exe",
    ]


def test_evidence_is_read_as_sources() -> None:
    assert [source.text for source in parse(WHOLE).lines[0].evidence] == [
        "file:evidence/",
        "https://acme.test/tool.sigstore.json",
    ]


def test_a_requirement_is_read_with_all_its_keys() -> None:
    requirement = parse(WHOLE).lines[0].requirements[0]
    assert requirement.signer == parse(WHOLE).signers["release"]
    assert requirement.digest == Digest("sha256", HEX)
    assert requirement.predicate_types == (
        PredicateType("slsa-provenance"),
        PredicateType("https://acme.test/type"),
    )


def test_a_digest_manifest_that_must_list_a_file_is_read() -> None:
    assert parse(WHOLE).lines[0].requirements[1].listed_in == "SHA256SUMS"


def test_a_digest_may_stand_alone() -> None:
    requirement = parse(WHOLE).lines[1].requirements[0]
    assert (requirement.signer, requirement.digest) == (None, Digest("sha512", "b" * 128))


def test_a_line_may_have_no_requirement() -> None:
    # Policy fails it as `policy.no-rule`.
    assert parse(HEAD + '[[artifact]]\nsource = "file:dist/"\n').lines[0].require == ()


def test_a_digest_alone_is_described() -> None:
    assert parse(WHOLE).lines[1].requirements[0].describe() == "digest sha512:" + "b" * 128


@pytest.mark.parametrize("number", [0, 1])
def test_a_requirement_is_described_in_one_line(number: int) -> None:
    described = parse(WHOLE).lines[0].require[number].describe()
    assert (
        described
        == (
            "signed by 'release' (https://github.com/acme/tool/.github/workflows/release.yml"
            "@refs/tags/v1.0), of type slsa-provenance or https://acme.test/type, digest sha256:"
            + HEX,
            "signed by 'people' ((jo|mo)@acme[.]test), listed in SHA256SUMS",
        )[number]
    )


# ---- refused, with the path ---------------------------------------------------------

REFUSED = {
    "empty": ("", "schema: is missing"),
    "no name": ('schema = 1\nversion = "1"\nartifact = [{source = "file:a"}]', "name: is missing"),
    "no artifact": ('schema = 1\nname = "a"\nversion = "1"', "artifact: is missing"),
    "no artifacts": ('schema = 1\nname = "a"\nversion = "1"\nartifact = []', "artifact: "),
    "artifact a table": ('schema = 1\nname = "a"\nversion = "1"\n[artifact]', "artifact: "),
    "name of two words": (release().replace('"tool"', '"two words"'), "name: "),
    "name a path": (release().replace('"tool"', '"../tool"'), "name: "),
    "name with newline": (release().replace('"tool"', '"tool\\n"'), "name: "),
    "version a number": (release().replace('"1.0"', "1.0"), "version: "),
    "strict-names a text": (release(top='strict-names = "no"'), "strict-names: "),
    "unknown key": (release(top="evil = 1"), "evil: unknown key"),
    "unknown key of a signer": (
        release(signer='issuer = "i"\nidentity = "me"\nkeys = "k"'),
        "signers.release.keys: unknown key",
    ),
    "unknown key of a line": (
        release(line='source = "file:a.b"\nfile = "a"'),
        "artifact[0].file: unknown key",
    ),
    "unknown key of a requirement": (
        release(require='signer = "release"\nsource-rev = "refs/tags/v1.0"'),
        "artifact[0].require[0].source-rev: unknown key",
    ),
    "key in capitals": (release(line='Source = "file:a.b"'), "artifact[0].Source: unknown key"),
    "key with underscore": (
        release(signer='issuer = "i"\nidentity_regexp = "m."'),
        "signers.release.identity_regexp: unknown key",
    ),
    # Row C-134 of the catalogue.
    "no issuer": (release(signer='identity = "me"'), "signers.release.issuer: is missing"),
    "issuer empty": (release(signer='issuer = ""\nidentity = "me"'), "signers.release.issuer: "),
    "no identity": (release(signer='issuer = "i"'), "signers.release: needs exactly one"),
    "two identities": (
        release(signer='issuer = "i"\nidentity = "me"\nidentity-regexp = "m."'),
        "signers.release: needs exactly one",
    ),
    "identity empty": (release(signer='issuer = "i"\nidentity = ""'), "signers.release.identity: "),
    "identity of two lines": (
        release(signer='issuer = "i"\nidentity = "me\\n"'),
        "signers.release.identity: ",
    ),
    "regexp empty": (
        release(signer='issuer = "i"\nidentity-regexp = ""'),
        "signers.release.identity-regexp: is empty",
    ),
    "trusted root a path": (
        release(signer='issuer = "i"\nidentity = "me"\ntrusted-root = "../root"'),
        "signers.release.trusted-root: ",
    ),
    "signer's name a path": (
        release().replace("[signers.release]", '[signers."../x"]'),
        "signers: ",
    ),
    "no source": (release(line=""), "artifact[0].source: is missing"),
    "source a list": (release(line='source = ["file:a"]'), "artifact[0].source: "),
    "source of no kind": (release(line='source = "tool.whl"'), "artifact[0].source: "),
    "source absolute": (release(line='source = "file:/tool.whl"'), "artifact[0].source: "),
    "source of two lines": (release(line='source = "file:a\\nb"'), "artifact[0].source: "),
    "evidence absolute": (
        release(line='source = "file:a.b"\nevidence = ["file:b", "file:/c"]'),
        "artifact[0].evidence[1]: ",
    ),
    "files empty": (release(line='source = "file:d/"\nfiles = []'), "artifact[0].files: "),
    "files a text": (release(line='source = "file:d/"\nfiles = "*"'), "artifact[0].files: "),
    "a file in a folder": (
        release(line='source = "file:d/"\nfiles = ["a", "d/b"]'),
        "artifact[0].files[1]: ",
    ),
    "a file by backslash": (
        release(line="source = 'file:d/'\nfiles = ['d\\b']"),
        "artifact[0].files[0]: ",
    ),
    "a file of two lines": (
        release(line='source = "file:d/"\nfiles = ["a\\n"]'),
        "artifact[0].files[0]: ",
    ),
    "a file twice": (
        release(line='source = "file:d/"\nfiles = ["a", "b", "a"]'),
        "artifact[0].files[2]: 'a' is there twice",
    ),
    "files of a URL": (
        release(line='source = "https://acme.test/tool.whl"\nfiles = ["*"]'),
        "artifact[0].files: ",
    ),
    "a source twice": (
        release() + '[[artifact]]\nsource = "file:tool.whl"\n',
        "artifact[1].source: 'file:tool.whl' is there twice",
    ),
    "a requirement of no file": (
        release(line=BOTH, require='signer = "release"\nfiles = []'),
        "artifact[0].require[0].files: ",
    ),
    "a requirement of another file": (
        release(line=BOTH, require='signer = "release"\nfiles = ["c.json"]'),
        "artifact[0].require[0].files: 'c.json' is not among the line's files",
    ),
    "a requirement of a file that a pattern takes": (
        release(
            line='source = "file:d/"\nfiles = ["*.zip"]',
            require='signer = "release"\nfiles = ["a.zip"]',
        ),
        "artifact[0].require[0].files: 'a.zip' is not among the line's files",
    ),
    "a requirement of files of the only one": (
        release(require='signer = "release"\nfiles = ["tool.whl"]'),
        "artifact[0].require[0].files: 'tool.whl' is not among the line's files",
    ),
    "a requirement of files alone": (
        release(line=BOTH, require='files = ["a.zip"]'),
        "artifact[0].require[0]: demands nothing",
    ),
    "files of one of several ways": (
        release(
            line=BOTH, require='any-of = [{signer = "release", files = ["a.zip"]}, {signer = "x"}]'
        ),
        "artifact[0].require[0].any-of[0].files: belongs beside any-of",
    ),
    "a copy without a signer": (
        release(line=BOTH, require='files = ["b.json"]\npredicate-of = "a.zip"'),
        "artifact[0].require[0].predicate-of: says nothing without a signer",
    ),
    "a copy of any type": (
        release(
            line=BOTH, require='signer = "release"\nfiles = ["b.json"]\npredicate-of = "a.zip"'
        ),
        "artifact[0].require[0].predicate-of: needs predicate-type",
    ),
    "a copy of what is not asked for": (
        release(line=BOTH, require=COPY.format(files='["b.json"]', of="z.zip")),
        "artifact[0].require[0].predicate-of: 'z.zip' is no other artifact of this release file",
    ),
    "a copy of itself": (
        release(line=BOTH, require=COPY.format(files='["b.json"]', of="b.json")),
        "artifact[0].require[0].predicate-of: 'b.json' is no other artifact of this release file",
    ),
    "copies": (
        release(line=BOTH, require=COPY.format(files='["a.zip", "b.json"]', of="a.zip")),
        "artifact[0].require[0].predicate-of: one file is the copy",
    ),
    "any file as a copy": (
        release(
            line='source = "file:d/"\nfiles = ["a.zip", "*.json"]',
            require=COPY.format(files='["*.json"]', of="a.zip"),
        ),
        "artifact[0].require[0].predicate-of: one file is the copy",
    ),
    "an image as a copy": (
        release(line='source = "oci:ghcr.io/acme/tool:1"', require=COPY_ALONE)
        + '[[artifact]]\nsource = "file:a.zip"\n',
        "artifact[0].require[0].predicate-of: one file is the copy, which no package and no image",
    ),
    "a package as a copy": (
        release(line='source = "npm:tool@1.0.0"', require=COPY_ALONE)
        + '[[artifact]]\nsource = "file:a.zip"\n',
        "artifact[0].require[0].predicate-of: one file is the copy, which no package and no image",
    ),
    "a copy that is an SBOM": (
        release(line=BOTH, require=COPY.format(files='["b.json"]', of="a.zip") + "\nsbom = true"),
        "artifact[0].require[0].sbom: stands where the original is attested",
    ),
    "a copy of every statement": (
        release(line=BOTH, require=COPY.format(files='["b.json"]', of="a.zip") + "\nevery = true"),
        "artifact[0].require[0].every: of several statements, a file can be a copy of one alone",
    ),
    "a copy of either of two": (
        release(line=BOTH, require=COPY.format(files='["b.json"]', of="a.zip"))
        + '[[artifact]]\nsource = "file:a.zip"\n',
        "artifact[0].require[0].predicate-of: 'a.zip' may be of 'file:d/' and 'file:a.zip'",
    ),
    "a copy of what one of two patterns takes": (
        release(line=BOTH, require=COPY.format(files='["b.json"]', of="z.zip"))
        + '[[artifact]]\nsource = "file:e/"\n[[artifact]]\nsource = "file:f/"\n',
        "artifact[0].require[0].predicate-of: 'z.zip' may be of 'file:e/' and 'file:f/'",
    ),
    "a copy of a copy": (
        release(
            line='source = "file:d/"\nfiles = ["a.zip", "b.json", "c.json"]',
            require=COPY.format(files='["b.json"]', of="a.zip"),
        )
        + "[[artifact.require]]\n"
        + COPY.format(files='["c.json"]', of="b.json"),
        "artifact[0].require[1].predicate-of: 'b.json' is itself a copy",
    ),
    "a copy by an OpenPGP key": (
        release(
            line=BOTH,
            require=f'openpgp = "{"A" * 40}"\nfiles = ["b.json"]\npredicate-of = "a.zip"',
        ),
        "artifact[0].require[0].predicate-of: an OpenPGP signature says nothing of it",
    ),
    # Row C-130 of the catalogue.
    "requirement empty": (release(require=""), "artifact[0].require[0]: "),
    "signer not declared": (
        release(require='signer = "other"'),
        "artifact[0].require[0].signer: no signer 'other' under [signers] (release)",
    ),
    "no signer declared": (
        HEAD + '[[artifact]]\nsource = "file:a.b"\n[[artifact.require]]\nsigner = "me"',
        "artifact[0].require[0].signer: no signer 'me' under [signers] (none is declared)",
    ),
    "digest without algorithm": (
        release(require=f'digest = "{HEX}"'),
        "artifact[0].require[0].d",
    ),
    "digest in capitals": (
        release(require=f'digest = "sha256:{HEX.upper()}"'),
        "artifact[0].require[0].digest: ",
    ),
    "digest of SHA-1": (
        release(require='digest = "sha1:aa"'),
        "artifact[0].require[0].digest: ",
    ),
    "predicate type without signer": (
        release(require='predicate-type = "spdx"'),
        "artifact[0].require[0].predicate-type: says nothing without a signer",
    ),
    "listed-in without signer": (
        release(require='listed-in = "SHA256SUMS"'),
        "artifact[0].require[0].listed-in: says nothing without a signer",
    ),
    "listed-in beside a predicate type": (
        release(require='signer = "release"\npredicate-type = "spdx"\nlisted-in = "SUMS"'),
        "artifact[0].require[0].predicate-type: a line of a digest manifest has none",
    ),
    "predicate type unknown": (
        release(require='signer = "release"\npredicate-type = ["spdx", "sbom"]'),
        "artifact[0].require[0].predicate-type: 'sbom' is neither a URI nor one of",
    ),
    "no predicate type": (
        release(require='signer = "release"\npredicate-type = []'),
        "artifact[0].require[0].predicate-type: ",
    ),
    "the second of two lines": (
        release() + '[[artifact]]\nsource = "file:b.c"\nrequire = [{}, {evil = 1}]\n',
        "artifact[1].require[",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_told_with_its_path(name: str) -> None:
    text, message = REFUSED[name]
    assert refused(text).startswith(message)


NOT_TOML = {
    "no TOML": (b"{}", "not TOML"),
    "key twice": (b"schema = 1\nschema = 1\n", "not TOML"),
    "integer of 5000 digits": (b"schema = " + b"1" * 5000, "not TOML"),
    "nested 5000 deep": (b"a = " + b"[" * 5000, "not TOML"),
    "dotted keys 20000 deep": (b"a" + b".a" * 20_000 + b" = 1", "not TOML"),
    "no such day": (b"a = 2024-02-30", "not TOML"),
    "byte order mark": (b"\xef\xbb\xbfschema = 1", "not TOML"),
    "latin-1": (b'name = "\xe9"', "not UTF-8 at byte 8"),
    "over the limit": (b"#" * (1 << 20) + b"\n", "the release file has 1048577 bytes"),
}


@pytest.mark.parametrize("name", NOT_TOML)
def test_what_is_no_toml_is_refused(name: str) -> None:
    raw, message = NOT_TOML[name]
    assert refused(raw).startswith(message)


@pytest.mark.parametrize("number", ["2", "99"])
def test_a_newer_schema_is_told_before_any_key_it_may_have_added(number: str) -> None:
    text = release(top="new-key = 1").replace("schema = 1", f"schema = {number}")
    assert refused(text).startswith(f"schema: {number} is newer than this kit reads (1)")


@pytest.mark.parametrize("number", ["0", "-1", "1.5", '"1"', "true", "nan", "1979-05-27"])
def test_any_other_schema_is_refused(number: str) -> None:
    assert refused(release().replace("schema = 1", f"schema = {number}")).startswith("schema: ")


# ---- regexps ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("(", "does not compile"),
        ("*", "does not compile"),
        ("a{99999999999}", "does not compile"),
        ("(?P<a>.)(?P<a>.)", "does not compile"),
        ("a(?i)", "does not compile"),
        # Python warns that it will read these otherwise one day.
        ("[[a]b", "does not compile"),
        ("[a--b]c", "does not compile"),
        (".*", "matches the empty string"),
        ("^$", "matches the empty string"),
        ("a*|b", "matches the empty string"),
        ("(me)?", "matches the empty string"),
        ("|me", "matches the empty string"),
    ],
)
def test_a_regexp_that_names_nobody_is_refused(pattern: str, rule: str) -> None:
    signer = f"issuer = 'i'\nidentity-regexp = '{pattern}'"
    assert refused(release(signer=signer)).startswith(f"signers.release.identity-regexp: {rule}")


def test_a_regexp_is_refused_each_time_it_is_read() -> None:
    # `re` warns of an expression only when it compiles it first.
    text = release(signer="issuer = 'i'\nidentity-regexp = '[[x]y'")
    assert refused(text) == refused(text)


# ---- which files a line names -------------------------------------------------------


def test_a_source_of_one_file_names_it() -> None:
    line = the_line('source = "https://acme.test/SHA256SUMS"')
    assert (line.names, line.patterns) == (("SHA256SUMS",), ())


def test_a_folder_without_files_takes_whatever_is_there() -> None:
    line = the_line('source = "file:dist/"')
    assert (line.names, line.patterns) == ((), ("*",))


def test_files_are_names_and_patterns() -> None:
    line = the_line('source = "file:dist/"\nfiles = ["a.whl", "*.gz", "b?", "c[d]"]')
    assert (line.names, line.patterns) == (("a.whl", "c[d]"), ("*.gz", "b?"))


def test_files_make_a_path_a_folder_whatever_its_suffix() -> None:
    line = the_line('source = "file:dist.d"\nfiles = ["a.whl"]')
    assert line.source.is_folder
    assert line.names == ("a.whl",)


@pytest.mark.parametrize("name", ["tool.whl", ".hidden", "a b", "tool"])
def test_a_folder_takes_any_artifact(name: str) -> None:
    assert the_line('source = "file:dist/"').takes(name)


@pytest.mark.parametrize(
    "name", ["SHA256SUMS", "tool.whl.sha256", "tool.sigstore.json", "tool.whl.asc", "checksums.txt"]
)
@pytest.mark.parametrize("files", ["", 'files = ["*"]', 'files = ["*.*", "?HA*"]'])
def test_a_pattern_never_takes_evidence(files: str, name: str) -> None:
    assert not the_line(f'source = "file:dist/"\n{files}').takes(name)


def test_a_name_that_is_written_out_takes_evidence() -> None:
    assert the_line('source = "file:dist/"\nfiles = ["SHA256SUMS"]').takes("SHA256SUMS")


def test_a_source_of_one_file_takes_no_other() -> None:
    line = the_line('source = "file:tool.whl"')
    assert [
        name for name in ("tool.whl", "Tool.whl", "tool.wh", "atool.whl") if line.takes(name)
    ] == ["tool.whl"]


MATCHES = [
    ("*", "", True), ("*", "a.b", True), ("*.whl", "a.whl", True), ("*.whl", ".whl", True),
    ("*.whl", "a.whl.asc", False), ("*.whl", "a.WHL", False), ("a*", "ba", False),
    ("a*c", "abc", True), ("a*c", "abcd", False), ("a?c", "abc", True), ("a?c", "ac", False),
    ("?", "é", True), ("*", "a\nb", True), ("*.whl", "a.whl\n", False), ("a.b", "axb", False),
    ("[ab]", "a", False), ("[ab]", "[ab]", True), ("[!a]*", "[!a]b", True), ("a+", "aa", False),
    ("(a|b)", "a", False), ("(a|b)", "(a|b)", True), ("**", "a", True), ("a**b", "ab", True),
    ("{a,b}", "a", False), ("*[", "a[", True), ("$", "", False), ("^a", "a", False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "name", "expected"), MATCHES)
def test_a_pattern_has_two_wildcards_and_no_other(pattern: str, name: str, expected: bool) -> None:
    assert release_line.matches(pattern, name) is expected


def test_a_pattern_of_many_wildcards_takes_no_time() -> None:
    started = time.process_time()
    assert not release_line.matches("*a" * 120 + "*b", "a" * 255)
    assert time.process_time() - started < 1


# ---- predicate types ----------------------------------------------------------------

ALIASES = {
    "slsa-provenance": [
        "https://slsa.dev/provenance/v0.1",
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/provenance/v1",
    ],
    "spdx": ["https://spdx.dev/Document", "https://spdx.dev/Document/v2.3"],
    "cyclonedx": ["https://cyclonedx.org/bom", "https://cyclonedx.org/bom/v1.4"],
    "vuln": ["https://cosign.sigstore.dev/attestation/vuln/v1"],
    "openvex": ["https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0"],
}


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_covers_the_versions_of_its_type(alias: str) -> None:
    (kind,) = the_requirement(f'signer = "release"\npredicate-type = "{alias}"').predicate_types
    assert all(kind.matches(uri) for uri in ALIASES[alias])


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_covers_no_other_alias(alias: str) -> None:
    others = [uri for other in ALIASES if other != alias for uri in ALIASES[other]]
    assert not any(PredicateType(alias).matches(uri) for uri in [*others, alias, "", None])


# Row C-120 of the catalogue.
@pytest.mark.parametrize(
    "tail",
    ["/", "/v", "/vx", "/v2.3/", "/v2.3/../../evil", "/v2.", "/v2..3", "/V2", "-evil", "v2", "/v٢"],
)
@pytest.mark.parametrize("alias", ["spdx", "cyclonedx", "openvex"])
def test_an_alias_covers_nothing_that_only_begins_so(alias: str, tail: str) -> None:
    assert not PredicateType(alias).matches(ALIASES[alias][0] + tail)


@pytest.mark.parametrize("uri", ["https://slsa.dev/provenance/v1", "https://spdx.dev/Document"])
@pytest.mark.parametrize("change", [str.upper, lambda uri: uri + "/", lambda uri: uri + ".1"])
def test_a_uri_is_matched_exactly(uri: str, change: object) -> None:
    assert callable(change)
    assert PredicateType(uri).matches(uri)
    assert not PredicateType(uri).matches(change(uri))


def test_no_alias_is_read_as_a_regexp() -> None:
    assert not PredicateType("https://acme.test/t.pe").matches("https://acme.test/type")
    assert re.fullmatch("https://acme.test/t.pe", "https://acme.test/type")


def test_a_line_names_a_release_and_evidence_may_name_a_repository() -> None:
    line = '[[artifact]]\nsource = "github:acme/tool"\n'
    with pytest.raises(UsageError, match="names no release; write github:acme/tool@TAG"):
        parse(HEAD + line)
    told = '[[artifact]]\nsource = "github:acme/tool@v1.0"\nevidence = ["github:acme/tool"]\n'
    (found,) = parse(HEAD + told).lines
    assert (found.names, found.patterns) == ((), ("*",))
    (named,) = parse(HEAD + told + 'files = ["tool.exe", "*.zip"]\n').lines
    assert (named.names, named.patterns) == (("tool.exe",), ("*.zip",))


# ---- images -------------------------------------------------------------------------

IMAGE = 'source = "oci:mirror.example/acme/tool:1.0"\n'


def test_an_image_has_a_name_a_first_home_and_platforms() -> None:
    line = the_line(
        IMAGE + 'published-as = "ghcr.io/acme/tool"\nplatforms = ["linux/amd64", "linux/arm64/v8"]'
    )
    assert line.names == ("tool:1.0",)
    assert str(line.published_as) == "ghcr.io/acme/tool"
    assert [str(platform) for platform in line.platforms] == ["linux/amd64", "linux/arm64/v8"]


def test_a_requirement_may_be_for_each_platform() -> None:
    text = release(line=IMAGE, require='signer = "release"\non = "each-platform"')
    (part,) = parse(text).lines[0].requirements
    assert part.each_platform
    assert part.describe().endswith("for each platform")
    text = release(line=IMAGE, require='signer = "release"\non = "artifact"')
    assert not parse(text).lines[0].requirements[0].each_platform


@pytest.mark.parametrize(
    ("line", "require", "why"),
    [
        (IMAGE.replace(":1.0", ""), None, "artifact[0].source: 'oci:mirror"),
        (IMAGE + 'files = ["a"]', None, "artifact[0].files: "),
        (IMAGE + 'published-as = "Acme/tool"', None, "artifact[0].published-as: "),
        (IMAGE + 'platforms = ["linux"]', None, "artifact[0].platforms[0]"),
        ('source = "file:a.b"\nplatforms = ["linux/amd64"]', None, "artifact[0].platforms: only"),
        ('source = "file:a.b"\npublished-as = "a"', None, "artifact[0].published-as: only"),
        (None, 'signer = "release"\non = "each-platform"', "artifact[0].require[0].on: only"),
        (IMAGE, f'digest = "sha256:{"a" * 64}"\non = "each-platform"', "artifact[0].require[0].on"),
        (
            IMAGE,
            f'signer = "release"\ndigest = "sha256:{"a" * 64}"\non = "each-platform"',
            "artifact[0].require[0].digest: no two platforms",
        ),
        (IMAGE, 'signer = "release"\non = "all"', "artifact[0].require[0].on: "),
    ],
)  # fmt: skip
def test_what_makes_no_sense_of_an_image_is_refused(
    line: str | None, require: str | None, why: str
) -> None:
    assert refused(release(line=line, require=require)).startswith(why)
