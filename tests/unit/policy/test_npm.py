"""npm in a policy: whose keys, which registry, what binds a tarball, what contradicts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import MalformedError, UsageError
from kit.formats import npm_package, npm_registry
from kit.formats.distribution import Named
from kit.formats.npm_package import NpmPackage
from kit.model import Artifact, Claim, Contradiction, EvidenceKind, Verdict
from kit.policy.judge import judge
from tests import claims
from tests.claims import claim, file, reading, sha256, unreadable
from tests.lab import AT
from tests.lints import codes
from tests.lints import release as to_lint

TEXT = "@acme/tool@1.0.0"
PACKAGE = npm_package.parse(TEXT)
TARBALL = PACKAGE.tarball
KEYS = '[signers.npm]\nnpm-keys = "npm/keys.json"\n'
SAYS = f'[[artifact]]\nsource = "npm:{TEXT}"\n[[artifact.require]]\n'
BY_KEY = f'{SAYS}signer = "npm"\nlog = false\n'
BY_RELEASE = f'{SAYS}signer = "release"\n'

Inside = Callable[[Artifact], Named | NpmPackage]


def by_key(kind: EvidenceKind = EvidenceKind.NPM_PACKUMENT, **changes: Any) -> Claim:
    """Return a claim by a key of the registry, as a verifier makes it."""
    facts = {"key": "npm/keys.json", "key-id": "SHA256:x"} | changes.pop("facts", {})
    made = claim(
        **{
            "kind": kind,
            "instance": "npm" if kind is EvidenceKind.NPM_PACKUMENT else "sigstore",
            "names": (PACKAGE.purl,),
            "signed_at": None,
        }
        | changes
    )
    who = replace(made.identity, subject="sha256:00", subject_type="key", issuer="", facts=facts)
    return replace(made, identity=who)


def judged(
    lines: str, *made: Claim, signers: str = KEYS, inside: Inside = unreadable, **more: Any
) -> Verdict:
    source = more.pop("source", f"npm:{TEXT}")
    given = file(*made, name=more.pop("name", TARBALL), source=source, **more)
    release = claims.release(lines=lines, signers=signers)
    (verdict, *_), _ = judge(release, [given], reading(inside), AT)
    return verdict


def errors(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.findings if finding.level.value == "error"}


def told(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.findings}


# ---- whose


def test_a_registry_signature_meets_a_rule_that_asks_for_no_log() -> None:
    assert judged(BY_KEY, by_key()).passed
    unlogged = judged(BY_KEY.replace("log = false\n", ""), by_key())
    assert errors(unlogged) == {"policy.unmet"}
    assert "policy.log" in told(unlogged)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (by_key(facts={"key": "npm/other.json"}), "policy.identity"),
        (by_key(facts={"key": "keys/npm.pub"}), "policy.identity"),
        (by_key(facts={"key": "xnpm/keys.json"}), "policy.identity"),
        (by_key(facts={"key-expired": "true"}), "npm.key-expired"),
        (by_key(EvidenceKind.NPM_ATTESTATIONS, instance="acme"), "policy.instance"),
        (by_key(facts={"registry": "https://npm.invalid"}), "policy.registry"),
        (claim(names=(PACKAGE.purl,)), "policy.identity"),
    ],
)
def test_what_is_anothers_does_not_count(made: Claim, code: str) -> None:
    verdict = judged(BY_KEY, made)
    assert errors(verdict) == {"policy.unmet"}
    assert code in told(verdict)


def test_each_signer_says_for_itself_whether_an_ended_key_counts() -> None:
    lenient = f'{KEYS}\n[signers.lenient]\nnpm-keys = "npm/keys.json"\naccept-expired = true\n'
    ended = by_key(facts={"key-expired": "true"})
    assert errors(judged(BY_KEY, ended, signers=lenient)) == {"policy.unmet"}
    assert judged(BY_KEY.replace('"npm"', '"lenient"'), ended, signers=lenient).passed


def test_the_public_registry_is_meant_unless_the_signer_says_otherwise() -> None:
    public = by_key(EvidenceKind.NPM_ATTESTATIONS, facts={"registry": npm_registry.public()})
    without_slash = npm_registry.public().rstrip("/")
    bare = by_key(EvidenceKind.NPM_ATTESTATIONS, facts={"registry": without_slash})
    own = f'{KEYS}registry = "https://npm.acme.example/"\n'
    for made in (public, bare):
        assert judged(BY_KEY, made).passed
        assert errors(judged(BY_KEY, made, signers=own)) == {"policy.unmet"}
    theirs = by_key(EvidenceKind.NPM_ATTESTATIONS, facts={"registry": "https://npm.acme.example"})
    assert judged(BY_KEY, theirs, signers=own).passed


# ---- what binds a tarball


def says(text: str) -> Inside:
    return lambda _: npm_package.parse(text)


@pytest.mark.parametrize(
    ("made", "inside", "proved"),
    [
        (claim(names=(PACKAGE.purl,)), unreadable, True),
        (claim(), says(TEXT), True),
        (claim(names=(f"dist/{TARBALL}",)), says(TEXT), True),
        # A file's name proves no package's: two share it.
        (claim(names=(TARBALL,)), unreadable, False),
        (claim(names=(TARBALL,)), says("@acme-tool/x@1.0.0"), False),
        (claim(), says("@acme/tool@1.0.1"), False),
        (claim(), says("acme-tool@1.0.0"), False),
        (claim(names=("other.tgz",)), says(TEXT), False),
        (claim(names=("@acme/tool@1.0.0",)), says(TEXT), False),
    ],
)
def test_what_binds_a_tarball_to_its_line(made: Claim, inside: Inside, proved: bool) -> None:
    verdict = judged(BY_RELEASE, made, inside=inside)
    assert errors(verdict) == (set() if proved else {"artifact.name-unproved"})


def test_a_pinned_digest_binds_it_too() -> None:
    pinned = f'{BY_RELEASE}digest = "{sha256(b"artifact")}"\n'
    assert judged(pinned, claim()).passed


@pytest.mark.parametrize("purl", ["pkg:npm/%40acme/other@1.0.0", "pkg:npm/%40acme/tool@1.0.1"])
def test_signed_evidence_that_names_another_package_fails_the_file(purl: str) -> None:
    other = claim(names=(purl,), kind=EvidenceKind.NPM_ATTESTATIONS)
    verdict = judged(BY_KEY, by_key(), other)
    assert errors(verdict) == {"npm.other-package"}
    stranger = claim(names=(purl,), subject="https://github.com/mallory/x")
    assert judged(BY_KEY, by_key(), stranger).passed


def test_thousands_of_contradictions_are_told_as_a_few() -> None:
    other = claim(names=("pkg:npm/other@1.0.0",))
    against = (Contradiction(over=claim(), message="other bytes"),) * 5000
    verdict = judged(BY_KEY, by_key(), *[other] * 5000, contradictions=against)
    assert errors(verdict) == {"npm.other-package", "digest.mismatch"}
    assert len(verdict.findings) < 100


def test_a_file_of_another_name_is_none_of_the_line() -> None:
    verdict = judged(BY_KEY, by_key(), name="tool-1.0.0.tgz")
    assert {"artifact.unnamed", "artifact.other-package"} <= errors(verdict)


def test_a_tarball_in_a_folder_is_bound_by_purl_or_package_json() -> None:
    lines = (
        f'[[artifact]]\nsource = "file:dl/"\nfiles = ["{TARBALL}"]\n'
        '[[artifact.require]]\nsigner = "release"\n'
    )
    for made, inside, proved in (
        (claim(names=(PACKAGE.purl,)), unreadable, True),
        (claim(), says(TEXT), True),
        (claim(names=("pkg:npm/tool@1.0.0",)), unreadable, False),
        (claim(), says("tool@1.0.0"), False),
        (claim(), unreadable, False),
    ):
        verdict = judged(lines, made, inside=inside, source="file:dl/")
        assert ("artifact.name-unproved" in errors(verdict)) != proved


def test_metadata_that_cannot_be_read_is_why() -> None:
    def broken(_: Artifact) -> NpmPackage:
        raise MalformedError("the archive has 2 top-level package.json files, not one")

    verdict = judged(BY_RELEASE, claim(), inside=broken)
    (finding,) = [f for f in verdict.findings if f.code == "artifact.name-unproved"]
    assert "2 top-level package.json" in finding.message


# ---- as it is written


@pytest.mark.parametrize(
    ("signers", "why"),
    [
        ('npm-keys = "keys/npm.pub"', "npm-keys"),
        ('npm-keys = "npm/../keys.json"', "npm-keys"),
        ('npm-keys = "npm/keys.json"\nkey = "keys/npm.pub"', "exactly one of"),
        ('npm-keys = "npm/keys.json"\nissuer = "x"', "issuer"),
        ('key = "keys/npm.pub"\nregistry = "https://x"', "registry: says nothing"),
        ('key = "keys/npm.pub"\naccept-expired = true', "accept-expired: says nothing"),
        ('npm-keys = "npm/keys.json"\nregistry = ""', "registry"),
    ],
)
def test_a_signer_that_makes_no_sense_is_refused(signers: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        claims.release(signers=f"[signers.npm]\n{signers}\n")


def test_a_line_names_its_one_file() -> None:
    with pytest.raises(UsageError, match="is one file"):
        claims.release(lines=f'[[artifact]]\nsource = "npm:{TEXT}"\nfiles = ["x.tgz"]\n')


def test_the_release_file_says_which_keys_it_rests_on() -> None:
    release = claims.release(lines=BY_KEY, signers=f"{KEYS}accept-expired = true\n")
    assert release.npm_keys == ("npm/keys.json",)
    assert release.npm_accepted_expired == {"npm/keys.json"}
    assert release.keys == ()
    assert release.used_signers[0].describe() == "npm registry keys npm/keys.json"


def test_a_registry_signature_without_a_log_is_linted() -> None:
    keys = 'npm-keys = "npm/keys.json"'
    line = f'source = "npm:{TEXT}"'
    given = to_lint(signer=keys, line=line, require='signer = "release"\nlog = false')
    assert "lint.key-unlogged" in codes(given)
    assert "lint.no-log" in codes(to_lint(signer=keys, line=line), logless=("sigstore",))
