"""What a lint says of lines that name images by tags."""

from __future__ import annotations

import pytest

from tests.lab import ISSUER
from tests.lints import codes, release, the, warnings

LINE = 'source = "oci:ghcr.io/acme/tool:1.0"'
ANY = f'issuer = "{ISSUER}"\nidentity = "jo@acme.test"'
EACH = 'signer = "release"\non = "each-platform"'


def test_a_tag_that_the_signer_s_identity_names_is_clean() -> None:
    assert codes(release(line=LINE)) == set()


def test_a_tag_that_nothing_names_is_told() -> None:
    other = LINE.replace(":1.0", ":2.0")
    assert the("lint.image-tag", release(line=other)).subject == "artifact[0].source"
    assert "lint.image-tag" not in warnings(release(line=other))
    told = 'signer = "release"\nsource-tag = "v2.0"'
    assert "lint.image-tag" not in codes(release(line=other, require=told))


@pytest.mark.parametrize(
    "line",
    [
        f'source = "oci:ghcr.io/acme/tool@sha256:{"a" * 64}"',
        'source = "helm:ghcr.io/acme/charts/tool:2.0"',
        'source = "file:tool-1.0.zip"',
    ],
)
def test_what_says_its_version_itself_is_clean(line: str) -> None:
    assert "lint.image-tag" not in codes(release(line=line))


def test_a_pinned_digest_is_clean() -> None:
    pinned = f'digest = "sha256:{"a" * 64}"'
    assert codes(release(line=LINE.replace("1.0", "2.0"), require=pinned)) <= {"lint.unused-signer"}


def test_platforms_alone_do_not_bind_an_index() -> None:
    assert "lint.platforms-alone" in warnings(release(line=LINE, require=EACH))
    both = EACH + '\n[[artifact.require]]\nsigner = "release"'
    assert "lint.platforms-alone" not in codes(release(line=LINE, require=both))
    digest = f'source = "oci:ghcr.io/acme/tool@sha256:{"a" * 64}"'
    assert "lint.platforms-alone" not in codes(release(line=digest, require=EACH))
