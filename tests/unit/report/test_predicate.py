"""What a report shows of a predicate: both sides to people, every fact to machines."""

from __future__ import annotations

from dataclasses import replace

from kit.formats import predicate
from kit.model import Claim, Identity
from kit.model.predicates import Unreadable
from kit.report import text
from kit.report.json import render_claim
from tests import claims
from tests.lab import ISSUER, Build, builds

BUILD = Build()


def claim() -> Claim:
    facts = {name: value for name, value in BUILD.extensions.items() if isinstance(value, str)}
    who = Identity(subject=BUILD.signer, subject_type="uri", issuer=ISSUER, facts=facts)
    said = predicate.read(builds.V1, builds.npm(BUILD))
    return replace(claims.statement(), identity=who, predicate=said)


def test_machines_get_every_fact() -> None:
    assert render_claim(claim())["predicate"] == {
        "kind": "provenance",
        "builder-id": "https://github.com/actions/runner/github-hosted",
        "build-type": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
        "source-repository": "https://github.com/acme/tool",
        "source-ref": "refs/tags/v1.0",
        "source-digest": builds.COMMIT,
        "workflow": ".github/workflows/release.yml",
        "build-trigger": "push",
        "runner-environment": "github-hosted",
        "external-parameters": {
            "workflow": {
                "ref": "refs/tags/v1.0",
                "repository": "https://github.com/acme/tool",
                "path": ".github/workflows/release.yml",
            }
        },
        "conflicts": [],
    }


def test_what_cannot_be_read_is_told_as_that() -> None:
    unread = replace(claim(), predicate=Unreadable(code="provenance.malformed", message="no"))
    assert render_claim(unread)["predicate"] == {
        "kind": "unreadable",
        "code": "provenance.malformed",
        "message": "no",
    }
    assert list(text.builds([unread])) == []
    assert render_claim(claims.claim())["predicate"] is None


def test_people_get_both_sides_escaped() -> None:
    hostile = builds.npm(replace(BUILD, ref="refs/tags/\x1b[2J"))
    said = replace(claim(), predicate=predicate.read(builds.V1, hostile))
    provenance, certificate = text.builds([said])
    assert "at refs/tags/\\x1b[2J  " in provenance
    assert certificate.split()[:5] == ["certificate", "source", BUILD.repository, "at", BUILD.ref]


def test_a_side_that_says_nothing_has_no_line() -> None:
    bare = replace(claim(), identity=replace(claim().identity, facts={}))
    assert [line.split()[0] for line in text.builds([bare])] == ["provenance"]
    nothing = {"buildDefinition": {}, "runDetails": {"builder": {"id": ""}}}
    empty = replace(bare, predicate=predicate.read(builds.V1, nothing))
    assert list(text.builds([empty])) == []
