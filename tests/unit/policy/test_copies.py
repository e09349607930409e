"""kit.policy.copies: a file that is, as JSON, what was attested of another artifact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import UsageError
from kit.formats import enclosed, json_values
from kit.formats.helm_chart import Chart
from kit.model import Artifact, Claim, Level, Verdict
from kit.model.predicates import Vex, VexStatement
from kit.policy import requirements
from kit.policy.facts import FileFacts, ImageFacts, Inside
from kit.policy.judge import judge
from tests.claims import WHERE, claim, file, release, sha256, statement, unreadable
from tests.lab import AT, IDENTITY, ISSUER

TOOL, SBOM = "tool-1.0.tar.gz", "sbom.json"
BOM = "https://cyclonedx.org/bom"
SAID = {"bomFormat": "CycloneDX", "components": [{"name": "a", "version": "1.0"}]}
LINES = f"""
[[artifact]]
source = "file:dist/"
files = ["{TOOL}", "{SBOM}"]

[[artifact.require]]
files = ["{TOOL}"]
signer = "release"
predicate-type = "cyclonedx"

[[artifact.require]]
files = ["{SBOM}"]
signer = "release"
predicate-type = "cyclonedx"
predicate-of = "{TOOL}"
"""


def attested(says: object = SAID, **changes: Any) -> Claim:
    """Return an accepted statement about the tool whose predicate this is."""
    made = {"predicate_type": BOM, "predicate_json": json.dumps(says)} | changes
    return statement(b"tool", TOOL, **made)


def judged(
    content: bytes | str,
    *claims: Claim,
    lines: str = LINES,
    signers: str = "",
    own: tuple[Claim, ...] = (),
    also: tuple[FileFacts, ...] = (),
    top: str = "",
) -> Mapping[str, Verdict]:
    """Return the verdicts where the SBOM has this content, and these claims are about the tool."""
    raw = content.encode() if isinstance(content, str) else content
    tool = file(*claims, raw=b"tool", name=TOOL)
    sbom = file(*own, raw=raw, name=SBOM)

    def document(artifact: Artifact) -> Any:
        assert artifact.name == SBOM, "only the copy is read"
        return enclosed.of_file(raw)

    policy = release(lines=lines, signers=signers, top=top)
    inside = Inside(package=unreadable, document=document)
    verdicts, _ = judge(policy, [tool, sbom, *also], inside, AT)
    return {verdict.name: verdict for verdict in verdicts}


def codes(found: Verdict) -> set[str]:
    return {finding.code for finding in found.findings}


def failing(found: Verdict) -> set[str]:
    assert not found.passed
    return {finding.code for finding in found.findings if finding.level is Level.ERROR}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(SAID),
        json.dumps(SAID, indent=2, sort_keys=True),
        '{"components":[{"version":"1.0","name":"\\u0061"}],"bomFormat":"CycloneDX"}\n',
    ],
)
def test_a_copy_passes_however_it_is_written(content: str) -> None:
    found = judged(content, attested())
    assert found[TOOL].passed
    assert found[SBOM].passed
    (met,) = found[SBOM].claims
    assert (met.predicate_of, met.names, met.digest) == (TOOL, (), found[SBOM].digest)
    assert [verdict.name for verdict in found.values()] == [SBOM, TOOL]


@pytest.mark.parametrize(
    ("said", "content"),
    [
        (json.dumps(SAID), json.dumps(SAID)),  # cosign, of a file it takes for text
        ({"Data": json.dumps(SAID), "Timestamp": ""}, json.dumps(SAID)),  # early cosign
        ("SPDXVersion: SPDX-2.3\n", "SPDXVersion: SPDX-2.3\n"),
        ({"Data": [1]}, '{"Data": [1]}'),  # a predicate of somebody's own, as it is
    ],
)
def test_a_predicate_may_hold_the_document_s_text(said: object, content: str) -> None:
    assert judged(content, attested(said))[SBOM].passed


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('{"bomFormat": "CycloneDX", "components": []}', "$.components"),
        (json.dumps(SAID | {"metadata": {}}), "$.metadata"),
        (json.dumps(SAID).replace('"1.0"', "1.0"), "$.components[0].version"),
        (json.dumps(json.dumps(SAID)), "$"),
        # Nobody signed a file around the document: what reads it sees no component at all.
        (json.dumps({"Data": SAID}), "$.Data"),
        (json.dumps({"Data": json.dumps(SAID), "Timestamp": ["anything"]}), "$.Data"),
    ],
)
def test_another_document_fails_and_is_told_where(content: str, where: str) -> None:
    found = judged(content, attested())
    assert found[TOOL].passed
    assert failing(found[SBOM]) == {"policy.unmet"}
    (told,) = [f for f in found[SBOM].findings if f.code == "copy.differs"]
    assert told.message.endswith(f"they first differ at {where}")


@pytest.mark.parametrize(
    "content",
    ['{"a": 1, "a": 1}', "{", b'{"a": "\xff"}', '{"a": NaN}', b"\xff\xfe"],
)
def test_what_two_readers_could_read_differently_is_no_copy(content: bytes | str) -> None:
    found = judged(content, attested())
    assert failing(found[SBOM]) == {"policy.unmet"}
    assert "copy.malformed" in codes(found[SBOM])


def test_where_names_are_long_no_path_is_kept_or_told_whole() -> None:
    name = "n" * (1 << 16)
    found = judged(json.dumps({name: [0]}), attested({name: [1]}))
    (told,) = [f for f in found[SBOM].findings if f.code == "copy.differs"]
    assert len(told.message) < 1000


def test_one_document_attested_often_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []
    difference = json_values.first_difference

    def counted(one: Any, other: Any) -> str | None:
        compared.append(one)
        return difference(one, other)

    monkeypatch.setattr(json_values, "first_difference", counted)
    again = attested()
    claims = [replace(again, evidence=f"evidence/{n}.sigstore.json") for n in range(50)]
    assert len(judged(json.dumps(SAID), *claims)[SBOM].claims) == 50
    assert len(compared) == 1


def test_the_original_must_have_passed() -> None:
    # The true SBOM of another release, beside that release's file: both are signed.
    also_listed = LINES.replace('predicate-type = "cyclonedx"\n\n', (
        'predicate-type = "cyclonedx"\n\n[[artifact.require]]\n'
        f'files = ["{TOOL}"]\nsigner = "release"\nlisted-in = "SHA256SUMS"\n\n'
    ))  # fmt: skip
    assert also_listed != LINES
    found = judged(json.dumps(SAID), attested(), lines=also_listed)
    assert failing(found[TOOL]) == {"policy.unmet"}
    assert failing(found[SBOM]) == {"policy.unmet"}
    assert "copy.original" in codes(found[SBOM])


def test_the_original_must_be_of_the_line_that_names_it() -> None:
    # A collector may put any file that another line takes under the original's name.
    also = '[[artifact]]\nsource = "file:more/"\n[[artifact.require]]\nsigner = "release"\n'
    other = file(
        statement(b"older", TOOL, predicate_type=BOM, predicate_json='{"old": 1}'),
        raw=b"older",
        name=TOOL,
        source="file:more/",
    )
    assert judged(json.dumps(SAID), attested(), lines=LINES + also, also=(other,))[SBOM].passed
    found = judged('{"old": 1}', attested(), lines=LINES + also, also=(other,))
    assert found[TOOL].passed
    assert failing(found[SBOM]) == {"policy.unmet"}
    assert "copy.differs" in codes(found[SBOM])


def test_what_is_not_proved_of_an_original_is_told_of_its_copy() -> None:
    renamed = replace(attested(), names=("tool-0.9.tar.gz",))
    loose = release(lines=LINES, strict=False)
    tool, sbom = file(renamed, raw=b"tool", name=TOOL), file(raw=b"{}", name=SBOM)
    verdicts, _ = judge(loose, [tool, sbom], Inside(unreadable, lambda _: SAID), AT)
    for verdict in verdicts:
        assert verdict.passed
        assert "artifact.name-unproved" in codes(verdict)


def test_vex_about_an_original_excepts_nothing_of_its_copy() -> None:
    vex = Vex(author="somebody", statements=(VexStatement(ids=("CVE-1",), status="not_affected"),))
    copied = replace(claim(b"x"), predicate=vex, predicate_of=TOOL)
    (part,) = (
        release('signer = "release"\nscan = {fail-on = "low", vex = "release"}')
        .lines[0]
        .requirements
    )
    assert requirements.vex_for(part, file(replace(copied, predicate_of=None), raw=b"x"), WHERE)
    assert not requirements.vex_for(part, file(copied, raw=b"x"), WHERE)


def test_without_a_statement_there_is_nothing_to_be_a_copy_of() -> None:
    bare = LINES.replace(
        'signer = "release"\npredicate-type = "cyclonedx"\n\n', 'signer = "release"\n\n'
    )
    found = judged(json.dumps(SAID), statement(b"tool", TOOL), lines=bare)
    assert found[TOOL].passed
    assert failing(found[SBOM]) == {"policy.unmet"}
    assert "copy.original" in codes(found[SBOM])


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "https://github.com/mallory/tool/.github/workflows/x.yml@refs/tags/v1.0"},
        {"predicate_type": "https://spdx.dev/Document"},
        {"predicate_json": None},
        {"instance": "other"},
    ],
)
def test_only_the_signer_s_statement_of_that_type_counts(changes: dict[str, Any]) -> None:
    bare = LINES.replace(
        'signer = "release"\npredicate-type = "cyclonedx"\n\n', 'signer = "release"\n\n'
    )
    found = judged(json.dumps(SAID), statement(b"tool", TOOL), attested(**changes), lines=bare)
    assert found[TOOL].passed
    assert failing(found[SBOM]) == {"policy.unmet"}


def test_what_is_signed_over_the_file_is_no_statement_about_another() -> None:
    own = (claim(json.dumps(SAID).encode(), predicate_type=BOM, predicate_json=json.dumps(SAID)),)
    found = judged(json.dumps(SAID), statement(b"tool", TOOL), own=own, lines=LINES)
    assert "policy.predicate-of" in codes(found[SBOM])
    assert not found[SBOM].passed


def test_a_copy_s_claim_meets_nothing_else() -> None:
    signed = LINES + f'\n[[artifact.require]]\nfiles = ["{SBOM}"]\nsigner = "release"\n'
    found = judged(json.dumps(SAID), attested(), lines=signed)
    assert failing(found[SBOM]) == {"policy.unmet"}
    assert "policy.predicate-of" in codes(found[SBOM])


def test_a_denied_signer_s_statement_makes_no_copy() -> None:
    identity = attested().identity.subject
    found = judged(json.dumps(SAID), attested(), top=f'[deny]\nidentities = ["{identity}"]')
    assert "policy.denied" in failing(found[TOOL])
    assert "copy.original" in codes(found[SBOM])
    assert not found[SBOM].passed


def test_what_is_attested_of_an_image_in_an_index_is_attested_of_the_index() -> None:
    child = file(attested(), raw=b"child", name=f"{TOOL} (linux/amd64)")
    index = file(statement(b"index", TOOL), raw=b"index", name=TOOL)
    image = ImageFacts(is_index=True, platforms=(child,), blobs=frozenset(), chart=None)
    lines = LINES.replace(
        'signer = "release"\npredicate-type = "cyclonedx"\n\n', 'signer = "release"\n\n'
    )
    policy = release(lines=lines)
    copy = file(raw=json.dumps(SAID).encode(), name=SBOM)
    inside = Inside(package=unreadable, document=lambda _: SAID)
    for facts, passes in ((replace(index, image=image), True), (index, False)):
        verdicts, _ = judge(policy, [facts, copy], inside, AT)
        assert {v.name: v.passed for v in verdicts} == {TOOL: True, SBOM: passes}


def test_of_an_image_and_a_chart_of_one_name_the_source_says_which() -> None:
    one, other = "oci:ghcr.io/acme/tool:1.0", "helm:ghcr.io/acme/charts/tool:1.0"
    lines = "".join(
        f'[[artifact]]\nsource = "{source}"\n[[artifact.require]]\nsigner = "release"\n'
        f'digest = "{sha256(raw)}"\n'
        for source, raw in ((one, b"image"), (other, b"chart"))
    )
    lines += f'[[artifact]]\nsource = "file:dist/"\nfiles = ["{SBOM}"]\n'
    lines += '[[artifact.require]]\nsigner = "release"\npredicate-type = "cyclonedx"\n'
    image = ImageFacts(is_index=False, platforms=(), blobs=frozenset(), chart=None)
    chart = replace(image, chart=Chart(name="tool", version="1.0"))
    files = [
        replace(
            file(attested(says, digest=sha256(raw)), raw=raw, name="tool:1.0", source=source),
            image=facts,
        )
        for source, raw, says, facts in (
            (one, b"image", SAID, image),
            (other, b"chart", {"of": "the chart"}, chart),
        )
    ]
    copy = file(raw=json.dumps(SAID).encode(), name=SBOM)
    inside = Inside(package=unreadable, document=lambda _: SAID)
    for named, passes in ((one, True), (other, False)):
        policy = release(lines=f'{lines}predicate-of = "{named}"\n')
        verdicts, _ = judge(policy, [*files, copy], inside, AT)
        assert [verdict.passed for verdict in verdicts] == [True, True, passes]
    with pytest.raises(UsageError, match="may be of"):
        release(lines=f'{lines}predicate-of = "tool:1.0"\n')


def test_that_nothing_proves_which_image_it_is_is_told_of_its_copy_too() -> None:
    repository, at_a_branch = "ghcr.io/acme/tool", IDENTITY.replace("tags/v1.0", "heads/main")
    lines = f"""
[[artifact]]
source = "oci:{repository}:1.0"
[[artifact.require]]
signer = "branch"

[[artifact]]
source = "file:dist/"
files = ["{SBOM}"]
[[artifact.require]]
signer = "branch"
predicate-type = "cyclonedx"
predicate-of = "tool:1.0"
"""
    signers = f'[signers.branch]\nissuer = "{ISSUER}"\nidentity = "{at_a_branch}"'
    said = attested(digest=sha256(b"image"), names=(repository,), subject=at_a_branch)
    image = replace(
        file(said, raw=b"image", name="tool:1.0", source=f"oci:{repository}:1.0"),
        image=ImageFacts(is_index=False, platforms=(), blobs=frozenset(), chart=None),
    )
    copy = file(raw=json.dumps(SAID).encode(), name=SBOM)
    inside = Inside(package=unreadable, document=lambda _: SAID)
    verdicts, _ = judge(release(lines=lines, signers=signers), [image, copy], inside, AT)
    for verdict in verdicts:
        assert verdict.passed
        assert "oci.tag-unproved" in codes(verdict)


def test_a_folder_s_source_names_none_of_its_files() -> None:
    lines = """
[[artifact]]
source = "file:dist/"
[[artifact.require]]
signer = "release"

[[artifact]]
source = "file:copies/"
files = ["sbom.json"]
[[artifact.require]]
signer = "release"
predicate-type = "cyclonedx"
predicate-of = "file:dist/"
"""
    tool = file(attested(), raw=b"tool", name=TOOL)
    copy = file(raw=json.dumps(SAID).encode(), name=SBOM, source="file:copies/")
    inside = Inside(package=unreadable, document=lambda _: SAID)
    verdicts, _ = judge(release(lines=lines), [tool, copy], inside, AT)
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert "copy.original" in codes(verdicts[1])


# ---- requirements of some files of a line ---------------------------------------------


def test_a_file_that_no_requirement_is_about_fails() -> None:
    only_tool = LINES[: LINES.rindex("[[artifact.require]]")]
    found = judged("{}", attested(), lines=only_tool)
    assert found[TOOL].passed
    assert failing(found[SBOM]) == {"policy.no-rule"}


def test_requirements_without_files_are_about_each() -> None:
    every = LINES + '\n[[artifact.require]]\nsigner = "release"\nlisted-in = "SHA256SUMS"\n'
    found = judged(json.dumps(SAID), attested(), lines=every)
    assert failing(found[TOOL]) == failing(found[SBOM]) == {"policy.unmet"}


def test_files_may_be_a_pattern_of_the_line() -> None:
    wide = LINES.replace(TOOL + '"', '*.tar.gz"').replace(
        'predicate-of = "*.tar.gz"', f'predicate-of = "{TOOL}"'
    )
    found = judged(json.dumps(SAID), attested(), lines=wide)
    assert found[TOOL].passed
    assert found[SBOM].passed


def test_two_files_of_one_line_have_a_digest_each() -> None:
    names = ("a-1.0.zip", "b-1.0.zip")
    files = [file(raw=name.encode(), name=name) for name in names]
    lines = f'[[artifact]]\nsource = "file:dist/"\nfiles = ["{names[0]}", "{names[1]}"]\n'
    for one in files:
        lines += f'[[artifact.require]]\nfiles = ["{one.artifact.name}"]\n'
        lines += f'digest = "{one.digests["sha256"]}"\n'
    inside = Inside(package=unreadable, document=unreadable)
    verdicts, _ = judge(release(lines=lines), files, inside, AT)
    assert all(verdict.passed for verdict in verdicts)
    swapped = [
        replace(one, artifact=replace(one.artifact, name=name))
        for one, name in zip(files, names[::-1], strict=True)
    ]
    verdicts, _ = judge(release(lines=lines), swapped, inside, AT)
    assert [failing(verdict) for verdict in verdicts] == [{"policy.digest"}] * 2
