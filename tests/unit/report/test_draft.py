"""A draft from what a pack shows: a release file, or comments; hostile text stays where it is."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from kit.formats import release_file
from kit.formats.release_file import ReleaseFile
from kit.formats.rules import Requirement
from kit.model import AnchorRecord, Claim, Finding, Identity, Level, Manifest
from kit.policy.draft import draft
from kit.policy.facts import FileFacts
from kit.report.draft import render
from tests import claims
from tests.lab import IDENTITY, ISSUER

REPOSITORY = "https://github.com/acme/tool"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FACTS = {
    "source-repository-uri": REPOSITORY,
    "source-repository-ref": "refs/tags/v1.0",
    "source-repository-digest": COMMIT,
}
CI = Identity(subject=IDENTITY, subject_type="uri", issuer=ISSUER, facts=FACTS)
KEY = Identity(
    subject="sha256:00", subject_type="key", issuer="", facts={"key": "keys/a.pub, keys/b.pub"}
)
MANIFEST = Manifest(
    release_name="tool",
    release_version="1.0",
    collected_at=datetime(2026, 1, 1, tzinfo=UTC),
    kit="tests",
    artifacts=(),
    evidence=(),
    members=(),
)
ANCHORS = [AnchorRecord(instance="sigstore", sha256="0" * 64, origin="here", newest=None)]


def rendered(*files: FileFacts) -> str:
    return render(MANIFEST, "f" * 64, ANCHORS, draft(files))


def parsed(*files: FileFacts) -> ReleaseFile:
    """Return the draft of these files as the release file that it is."""
    return release_file.parse(rendered(*files).encode(), "draft.toml")


def only(*files: FileFacts) -> Requirement:
    (demand,) = parsed(*files).lines[0].require
    assert isinstance(demand, Requirement)
    return demand


def provenance(name: str = claims.WHEEL, **changes: Any) -> Claim:
    return claims.statement(name=name, **({"identity": CI} | changes))


def test_what_verified_evidence_shows_becomes_a_requirement() -> None:
    wanted = only(claims.file(provenance()))
    assert wanted.signer is not None
    assert (wanted.signer.issuer, wanted.signer.identity) == (ISSUER, IDENTITY)
    assert [kind.written for kind in wanted.predicate_types] == [claims.PROVENANCE]
    build = wanted.build
    assert (build.source_repository, build.source_tag, build.source_digest) == (
        REPOSITORY,
        "v1.0",
        COMMIT,
    )


def test_it_counts_for_no_day_at_all() -> None:
    text = rendered(claims.file(provenance()))
    assert text.startswith("# DRAFT. Nobody has approved this file.")
    assert parsed(claims.file(provenance())).terms.expires == datetime(1970, 1, 1, tzinfo=UTC)


def test_every_requirement_says_where_it_was_seen_and_how_strong_it_is() -> None:
    seen = rendered(claims.file(provenance(log={"index": "1"})))
    assert (
        "# seen in evidence/tool.sigstore.json, verified by tests, under the anchor sigstore, "
        "signed 2025-06-01T12:00:00Z, in a log" in seen
    )
    assert "# the certificate: its authority's word" in seen


def test_a_source_of_a_folder_names_its_files() -> None:
    (line,) = parsed(claims.file(provenance())).lines
    assert (line.source.text, line.files) == ("file:dist/", (claims.WHEEL,))


@pytest.mark.parametrize(
    "source", [f"file:dist/{claims.WHEEL}", f"https://acme.test/{claims.WHEEL}"]
)
def test_a_source_of_one_file_needs_no_names(source: str) -> None:
    (line,) = parsed(claims.file(provenance(), source=source)).lines
    assert (line.source.text, line.files) == (source, ())


def test_a_ref_that_is_no_tag_is_written_whole() -> None:
    who = replace(CI, facts=FACTS | {"source-repository-ref": "refs/heads/main"})
    assert only(claims.file(provenance(identity=who))).build.source_ref == "refs/heads/main"


def test_a_line_of_a_digest_manifest_has_no_build() -> None:
    wanted = only(claims.file(claims.line(identity=CI)))
    assert (wanted.listed_in, wanted.build.source_repository) == ("SHA256SUMS", None)


def test_a_key_is_named_by_its_first_path_and_its_lack_of_a_log_is_not_accepted() -> None:
    file = claims.file(claims.claim(identity=KEY), claims.claim(identity=KEY, instance="other"))
    wanted = only(file)
    assert wanted.signer is not None
    assert (wanted.signer.key, wanted.signer.trusted_root) == ("keys/a.pub", "sigstore")
    assert wanted.log is None
    assert "# log = false" in rendered(file)
    assert "# log = false" not in rendered(claims.file(claims.claim(identity=KEY, log={"i": "1"})))


def test_an_openpgp_key_is_named_by_its_fingerprint() -> None:
    who = Identity(subject="A" * 40, subject_type="openpgp", issuer="")
    wanted = only(claims.file(claims.claim(identity=who, instance="", signed_at=None)))
    assert wanted.signer is not None
    assert wanted.signer.openpgp == "A" * 40


def test_only_what_every_file_shows_is_demanded_of_all() -> None:
    other = "tool-1.0.tar.gz"
    sbom = provenance(other, predicate_type="https://spdx.dev/Document")
    files = [
        claims.file(provenance()),
        claims.file(provenance(other), sbom, name=other),
    ]
    wanted = only(*files)
    assert [kind.written for kind in wanted.predicate_types] == [claims.PROVENANCE]
    assert "# shown only of 1 of 2 files of the line" in rendered(*files)
    assert '# predicate-type = "https://spdx.dev/Document"' in rendered(*files)


def test_files_that_show_nothing_in_common_leave_a_line_without_a_rule() -> None:
    other = "tool-1.0.tar.gz"
    sbom = provenance(other, predicate_type="https://spdx.dev/Document")
    files = [claims.file(provenance()), claims.file(sbom, name=other)]
    assert parsed(*files).lines[0].require == ()
    assert "# Nothing verified shows the same of every file" in rendered(*files)
    assert parsed(*files).signers == {}


def test_without_evidence_there_are_names_and_digests_to_compare_in_comments() -> None:
    refused = Finding(
        level=Level.WARNING, code="evidence.unsupported", subject="x", message="x.asc: not read"
    )
    file = claims.file(findings=(refused,), source=f"file:{claims.WHEEL}")
    assert parsed(file).lines[0].require == ()
    text = rendered(file)
    assert f'# digest = "{claims.sha256(b"artifact")}"' in text
    assert "# not verified: evidence.unsupported: x.asc: not read" in text


@pytest.mark.parametrize("name", ["*", "a?b-1.0", "tool-*.whl"])
def test_a_file_whose_name_is_a_wildcard_is_not_named(name: str) -> None:
    files = [claims.file(provenance()), claims.file(provenance(name), name=name)]
    assert parsed(*files).lines[0].files == (claims.WHEEL,)
    assert "would be a wildcard here" in rendered(*files)


@pytest.mark.parametrize(
    "source",
    [
        "npm:tool@1.0",
        "file:/etc",
        "nothing",
        "https://acme.test/other.whl",
        "file:\u202e",
        "f" * 2001,
    ],
)
def test_a_source_that_no_release_file_can_have_is_commented_out(source: str) -> None:
    text = rendered(claims.file(provenance(), source=source))
    assert "artifact" not in tomllib.loads(text)
    assert "# no release file can have this source" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"predicate_type": "spdx"},
        {"predicate_type": "a:\n[x]"},
        {"listed_in": "a\x1b"},
        {"subject": "a\n"},
        {"issuer": ""},
        {"subject": "x" * 2001},
        {"identity": replace(KEY, facts={})},
        {"identity": replace(KEY, subject_type="openpgp", subject="short")},
    ],
)
def test_a_claim_that_no_requirement_can_name_makes_none(changes: dict[str, Any]) -> None:
    assert parsed(claims.file(claims.statement(**changes))).lines[0].require == ()


def test_more_files_ways_and_sources_than_a_release_file_holds_are_counted() -> None:
    many = [claims.statement(subject=f"jo{n}@acme.test") for n in range(40)]
    assert "8 more ways" in rendered(claims.file(*many))
    assert "41 more" not in rendered(claims.file(*many))
    files = [claims.file(name=f"tool-{n}-1.0.zip") for n in range(1003)]
    assert "3 more files are left out" in rendered(*files)
    assert len(parsed(*files).lines[0].files) == 1000
    long = [
        claims.file(
            provenance(
                f"{n}.zip", subject=f"{n}" * 500, identity=replace(CI, subject=f"{n:09}" * 200)
            ),
            source=f"file:{n}/",
            name=f"{n}.zip",
        )
        for n in range(900)
    ]
    text = rendered(*long)
    assert "more sources are left out" in text
    assert len(text) < release_file.MAX_BYTES
    assert release_file.parse(text.encode(), "draft.toml").lines


def test_the_same_evidence_in_many_places_is_counted() -> None:
    same = [provenance(evidence=f"evidence/{n}") for n in range(5)]
    assert "# seen in 2 more places" in rendered(claims.file(*same))


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.text("\"\\\n\r\x00#[]=\u2028\x1b'", max_size=20),
    st.sampled_from(['"\n[deny]\n', "'''", '"""', "\\", "\\u0022", "# x", 'a" # "']),
)


@settings(max_examples=200, deadline=None)
@given(
    subject=HOSTILE,
    issuer=HOSTILE,
    kind=HOSTILE,
    evidence=HOSTILE,
    name=HOSTILE,
    source=HOSTILE,
    message=HOSTILE,
    facts=st.dictionaries(st.sampled_from(sorted(FACTS)), HOSTILE),
)
def test_hostile_text_stays_where_it_is(  # noqa: PLR0917 - each is a place for text
    subject: str,
    issuer: str,
    kind: str,
    evidence: str,
    name: str,
    source: str,
    message: str,
    facts: dict[str, str],
) -> None:
    who = Identity(subject=subject, subject_type="uri", issuer=issuer, facts=facts)
    refused = Finding(level=Level.WARNING, code="x.y", subject="x", message=message)
    made = claims.statement(identity=who, predicate_type=f"a:{kind}", evidence=evidence)
    files = [
        claims.file(made, source=f"file:{source}", name=name or "x", findings=(refused,)),
        claims.file(provenance(), source="file:a/"),
    ]
    text = rendered(*files)
    assert text.replace("\n", "").isprintable()
    assert text.isascii()
    read = tomllib.loads(text)
    assert set(read) <= {"schema", "name", "version", "expires", "signers", "artifact"}
    for signer in read.get("signers", {}).values():
        assert signer["identity"] in (subject, IDENTITY)
    for line in read["artifact"]:
        assert line["source"] in (f"file:{source}", "file:a/")
        assert set(line.get("files", [])) <= {name or "x", claims.WHEEL}
