"""Demands that void each other, and lines that demand nothing."""

from __future__ import annotations

import pytest

from kit.formats.release_file import ReleaseFile
from kit.model import Level
from tests.lab import IDENTITY, ISSUER
from tests.lints import LINE, codes, release, the

MORE = f"""
[signers.key]
key = "keys/cosign.pub"
[signers.again]
issuer = "{ISSUER}"
identity = "{IDENTITY}"
[signers.other-tag]
issuer = "{ISSUER}"
identity = "{IDENTITY.replace("v1.0", "v1.1")}"
[signers.people]
issuer = "https://accounts.example"
identity-regexp = '(jo|mo)@acme[.]test'
[signers.packager]
openpgp = "{"A" * 40}"
"""
USE_ALL = "[[artifact.require]]\nany-of = [{}]\n".format(
    ", ".join(
        f'{{signer = "{name}", digest = "sha256:{letter * 64}"}}'
        for name, letter in zip(
            ("key", "again", "other-tag", "people", "packager"), "bcdef", strict=True
        )
    )
)
DIGEST = "sha256:" + "a" * 64


def line(*demands: str) -> ReleaseFile:
    """Return a release file whose first line has these demands, and where all signers are used."""
    first, *rest = demands
    more = "".join(f"[[artifact.require]]\n{demand}\n" for demand in rest)
    return release(require=f"{first}\n{more}{USE_ALL}", more=MORE)


def ways(*of: str, more: str = "") -> set[str]:
    written = ", ".join(f"{{{way}}}" for way in of)
    return codes(line(f"any-of = [{written}]\n{more}")) - {"lint.unused-signer"}


def test_distinct_ways_are_clean() -> None:
    assert ways('signer = "release"', 'signer = "key"') == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('signer = "release", predicate-type = "spdx"', 'signer = "release"'),
        ('signer = "release"', 'signer = "release"'),
        (
            'signer = "release", source-tag = "v1.0", predicate-type = "spdx"',
            'signer = "release", predicate-type = ["vuln", "spdx"]',
        ),
        (f'signer = "key", digest = "{DIGEST}"', 'signer = "key"'),
        ('signer = "key"', 'signer = "key", log = false'),
        ('all-of = [{signer = "key"}, {signer = "people"}]', 'signer = "people"'),
        (
            'signer = "release", build-trigger = "push"',
            'signer = "release", build-trigger = ["push", "release"]',
        ),
    ],
)
def test_a_way_that_another_voids_is_told(one: str, other: str) -> None:
    for order in ((one, other), (other, one)):
        assert "lint.weaker-alternative" in ways(*order)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            'signer = "release", predicate-type = "spdx"',
            'signer = "release", predicate-type = "vuln"',
        ),
        ('signer = "key", listed-in = "SHA256SUMS"', 'signer = "key"'),
        ('signer = "release", source-tag = "v1.0"', 'signer = "release", predicate-type = "spdx"'),
        (
            'signer = "release", sbom = {format = "spdx"}',
            'signer = "release", sbom = {format = "cyclonedx"}',
        ),
        (
            'signer = "release", build-trigger = "push"',
            'signer = "release", build-trigger = "release"',
        ),
        ('all-of = [{signer = "key"}, {signer = "people"}]', 'signer = "packager"'),
        ('signer = "release", predicate-type = "spdx"', 'signer = "release", every = true'),
    ],
)
def test_ways_that_ask_for_different_things_are_let_be(one: str, other: str) -> None:
    assert "lint.weaker-alternative" not in ways(one, other)


def test_of_two_equal_ways_one_is_told() -> None:
    given = line('any-of = [{signer = "key"}, {signer = "key"}]')
    assert the("lint.weaker-alternative", given).subject == "artifact[0].require[0].any-of[1]"


def test_a_way_by_digest_alone_is_told() -> None:
    assert "lint.digest-alternative" in ways('signer = "release"', f'digest = "{DIGEST}"')
    assert "lint.digest-alternative" not in ways(
        'signer = "release"', f'signer = "key", digest = "{DIGEST}"'
    )


def test_too_few_distinct_signers_are_told() -> None:
    more = "at-least = 2"
    assert ways('signer = "release"', 'signer = "again"', more=more) == {"lint.same-signer"}
    assert ways('signer = "release"', 'signer = "other-tag"', more=more) == {"lint.same-signer"}
    assert ways('signer = "key"', 'signer = "key", log = true', more=more) == {"lint.same-signer"}
    assert ways('signer = "release"', 'signer = "key"', more=more) == set()
    assert ways('signer = "people"', 'signer = "people", listed-in = "S"', more=more) == set()
    assert ways('signer = "packager"', 'signer = "key"', more=more) == set()


def test_a_demand_said_twice_is_told() -> None:
    given = line('signer = "release"', 'signer = "key"', 'signer = "release"')
    assert the("lint.same-requirement", given).subject == "artifact[0].require[2]"
    assert codes(line('signer = "release"', 'signer = "key"')) == set()


def test_files_that_no_requirement_is_about_are_told() -> None:
    of_one = 'signer = "release"\nfiles = ["tool-1.0.tar.gz"]'
    given = release(line=LINE.replace("]", ', "b-1.0.zip", "*.whl"]'), require=of_one)
    told = the("lint.no-rule", given)
    assert "b-1.0.zip, *.whl will fail" in told.message
    either = of_one.replace("]", ', "b-1.0.zip", "*.whl"]')
    given = release(line=LINE.replace("]", ', "b-1.0.zip", "*.whl"]'), require=either)
    assert "lint.no-rule" not in codes(given)


def test_a_line_that_demands_nothing_is_told() -> None:
    given = release(require='signer = "release"\noptional = "later"')
    assert codes(given) == {"lint.no-rule", "lint.optional"}
    assert the("lint.optional", given).level is Level.NOTE
    assert "lint.no-rule" not in codes(line('signer = "release"\noptional = "later"'))
