"""kit.pack.names and kit.pack.roster: which members there may be."""

from __future__ import annotations

import hashlib

import pytest

from kit.errors import PackError
from kit.model import Artifact, EvidenceFile, EvidenceKind
from kit.pack import names, roster
from tests import packs

GOOD = (
    "README.txt", "a", "A1._+~-", "artifacts/tool-1.0-py3-none-any.whl", "a/b/c/d", "~", "+",
    "_", "a..b", "a.-b", "console", "con-x", "comet", "com", "lpt", "com10", "xcon", "auxiliary.h",
    "x" * 100, "d" * 155 + "/" + "x" * 100,
)  # fmt: skip

BAD = {
    "pack.name-absolute": ("/", "/x", "//x", "///", "C:", "C:\\x", "c:x", "\\\\srv\\x", "\\x"),
    "pack.name-climbs": ("..", "../x", "a/../../x", "a/..", "..\\x", "a\\..\\b", "a/../b"),
    "pack.name-reserved": (
        ".", "./a", "a/./b", ".git", "a/.b/c", "-rf", "a/-b", "a.", "a./b", "a...", "CON", "con",
        "Prn", "AUX.txt", "a/nul.tar.gz", "COM0", "com9.x/y", "LPT1", "...", "-", "a/-",
    ),
    "pack.name": (
        "", "a//b", "a/", "a b", "a ", " a", "xy:z", "a\\b", "a\0", "\0", "a\nb", "a\n", "\x1b[2J",
        "\u202egpj.exe", "a\u200bb", "é", "e\u0301", "ﬁle", "ß", "\u017f", "İ", "\u0131",
        "\ud800", "a*", "a?",
        'a"', "a<b", "a>b", "a|b", "a%2fb", "a@b", "a,b", "a=b", "x" * 101, "d/" + "x" * 101,
        "d" * 156 + "/x", "/".join("d" * 300), "/".join(["d" * 247] * 16),
    ),
}  # fmt: skip


def code(path: str) -> str | None:
    fault = names.fault(path)
    return fault.code if fault else None


@pytest.mark.parametrize("path", GOOD)
def test_a_portable_name_is_accepted(path: str) -> None:
    assert code(path) is None


@pytest.mark.parametrize(("expected", "path"), [(c, p) for c, ps in BAD.items() for p in ps])
def test_a_name_that_some_system_reads_otherwise_is_refused(expected: str, path: str) -> None:
    assert code(path) == expected


def test_a_fault_shows_a_hostile_name_escaped_and_shortened() -> None:
    fault = names.fault("\x1b[2J" + "x" * 1_000_000)
    assert fault is not None
    assert fault.message.isprintable()
    assert len(fault.message) + len(fault.subject) < 1000


def clashes(*paths: str) -> list[tuple[str, str]]:
    return [(fault.code, fault.subject) for fault in names.clashes(paths)]


def test_names_alike_but_for_case_clash() -> None:
    assert clashes("a/B", "a/c", "A/b") == [("pack.name-case", "A/b")]


def test_a_file_that_is_also_a_folder_clashes_in_any_case() -> None:
    assert clashes("a/b", "a/b/c", "a/d") == [("pack.name", "a/b")]
    assert clashes("a/B/c/d", "A/b") == [("pack.name", "A/b")]


def test_neighbours_do_not_clash() -> None:
    assert clashes("a/b", "a/bc", "a/b.c", "ab/c", "a-b/c", "a/d/e") == []


# ---- the roster ---------------------------------------------------------------

A = "artifacts/x"
E = "evidence/x.sigstore.json"
HEAD = ("README.txt", "release.toml", "ledger.json")


def faults(*paths: str, **changes: object) -> list[tuple[str, str]]:
    try:
        roster.check(packs.from_members([packs.member(path, b"") for path in paths], **changes))
    except PackError as error:
        return [(fault.code, fault.subject) for fault in error.faults]
    return []


def test_a_release_without_anything_carried_is_in_order() -> None:
    assert faults(*HEAD) == []


def test_members_ascend_within_and_across_the_folders() -> None:
    assert faults(*HEAD, A, "artifacts/y", E, "oci/index.json", "trust/x") == []


@pytest.mark.parametrize("absent", HEAD)
def test_each_leading_file_is_required(absent: str) -> None:
    assert faults(*(path for path in HEAD if path != absent), A) == [("pack.missing", absent)]


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", *HEAD, A])
def test_a_member_listed_twice_is_refused(name: str) -> None:
    assert ("pack.duplicate", name) in faults(*HEAD, A, name)


@pytest.mark.parametrize("name", ["other.txt", "artifacts", "readme/x", "x/y", "policy.toml"])
def test_a_member_without_a_place_is_refused(name: str) -> None:
    assert faults(*HEAD, name) == [("pack.extra", name)]


@pytest.mark.parametrize(
    "paths",
    [
        ("release.toml", "README.txt", "ledger.json"),
        ("README.txt", "ledger.json", "release.toml"),
        (*HEAD, "artifacts/y", A),
        (*HEAD, A, "artifacts/B"),
        (*HEAD, "artifacts/x/y", "artifacts/x-y"),  # `-` comes before `/`
        (*HEAD, "trust/x", "oci/x"),
        ("README.txt", "release.toml", A, "ledger.json"),
    ],
)
def test_another_order_is_refused(paths: tuple[str, ...]) -> None:
    assert [code for code, _ in faults(*paths)] == ["pack.order"]


def test_names_are_judged_before_anything_else() -> None:
    assert faults("../x", "x", "X") == [("pack.name-climbs", "../x")]


def test_every_fault_is_listed_up_to_a_hundred() -> None:
    assert len(faults(*HEAD, *(f"x{n}" for n in range(50)))) == 50
    assert len(faults(*HEAD, *(f"x{n}" for n in range(500)))) == 100


def test_what_an_entry_names_must_be_there() -> None:
    artifact = Artifact(name="x", source="file:x", member="artifacts/absent")
    assert faults(*HEAD, artifacts=(artifact,)) == [("pack.missing", "artifacts/absent")]
    assert faults(*HEAD, evidence=(about(E),)) == [("pack.missing", E)]
    assert faults(*HEAD, E, evidence=(about(E, A),)) == [("pack.missing", A)]


def about(member: str, *subjects: str) -> EvidenceFile:
    return EvidenceFile(kind=EvidenceKind.UNKNOWN, name="x", member=member, about=subjects)


def test_what_lies_under_artifacts_or_evidence_must_be_named() -> None:
    assert faults(*HEAD, A, artifacts=()) == [("pack.extra", A)]
    assert faults(*HEAD, E, evidence=()) == [("pack.extra", E)]


def test_evidence_may_be_an_artifact_too_but_does_not_make_it_one() -> None:
    assert faults(*HEAD, A, evidence=(about(A, A),)) == []
    assert faults(*HEAD, A, artifacts=(), evidence=(about(A),)) == [("pack.extra", A)]


def test_artifacts_and_evidence_may_lie_in_the_image_layout() -> None:
    blob = f"oci/blobs/sha256/{hashlib.sha256().hexdigest()}"
    artifact = Artifact(name="image", source="oci:x", member=blob)
    assert faults(*HEAD, blob, artifacts=(artifact,), evidence=(about(blob),)) == []


def test_one_member_is_no_thousand_artifacts() -> None:
    """What is asked of a member is asked for each of them: the product would be a host's end."""
    many = tuple(Artifact(name=f"{n:03}", source="file:x", member=A) for n in range(33))
    assert faults(*HEAD, A, artifacts=many[:32]) == []
    assert faults(*HEAD, A, artifacts=many) == [("pack.manifest", A)]


@pytest.mark.parametrize("member", ["README.txt", "trust/x", E])
def test_an_artifact_lies_nowhere_else(member: str) -> None:
    artifact = Artifact(name="x", source="file:x", member=member)
    assert faults(*HEAD, E, "trust/x", artifacts=(artifact,)) == [("pack.manifest", member)]


@pytest.mark.parametrize("member", ["release.toml", "trust/x"])
def test_evidence_lies_nowhere_else(member: str) -> None:
    assert faults(*HEAD, "trust/x", evidence=(about(member),)) == [("pack.manifest", member)]
