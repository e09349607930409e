"""kit.formats.oci_reference: which repository, tag and digest a text means."""

from __future__ import annotations

import pytest

from kit.errors import MalformedError
from kit.formats import oci_reference
from kit.formats.oci_reference import Reference, Repository
from kit.model import Digest

HEX = "1f" * 32


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        ("alpine", "docker.io", "library/alpine"),
        ("docker.io/alpine", "docker.io", "library/alpine"),
        ("index.docker.io/library/alpine", "docker.io", "library/alpine"),
        ("registry-1.docker.io/acme/tool", "docker.io", "acme/tool"),
        ("acme/tool", "docker.io", "acme/tool"),
        ("ghcr.io/acme/charts/tool", "ghcr.io", "acme/charts/tool"),
        ("localhost/tool", "localhost", "tool"),
        ("localhost:5000/tool", "localhost:5000", "tool"),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b"),
        ("r.example/a__b/c-d--e.f_g", "r.example", "a__b/c-d--e.f_g"),
    ],
)
def test_a_repository_has_one_meaning(text: str, registry: str, path: str) -> None:
    found = oci_reference.parse_repository(text)
    assert found == Repository(registry=registry, path=path)
    assert oci_reference.parse_repository(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "Alpine", "ghcr.io/Acme/tool", "ghcr.io/", "ghcr.io/a//b", "ghcr.io/a/",
        "GHCR.io/a", "ghcr.io/../etc", "ghcr.io/.a", "ghcr.io/a..b", "ghcr.io/a___b", "ghcr.io/-a",
        "r.example:0/a", "r.example:99999/a", "r.example:/a", "-r.example/a", "r..example/a",
        "https://r.example/a", "u@r.example/a", "r.example/a?b", "r.example/\uff41", "a b",
        "r.example/" + "a" * 255, "r.example/a\n",
    ],
)  # fmt: skip
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        oci_reference.parse_repository(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ghcr.io/acme/tool:1.0", "tool:1.0"),
        (f"ghcr.io/acme/tool@sha256:{HEX}", f"tool@sha256:{HEX}"),
        ("r.example:5000/tool:_v1", "tool:_v1"),
        ("r.example:5000/tool", None),
        ("ghcr.io/acme/tool", None),
    ],
)
def test_an_images_name_follows_from_the_text_alone(text: str, name: str | None) -> None:
    assert oci_reference.parse(text).name == name


def test_a_tag_and_a_digest_are_told_apart() -> None:
    repository = Repository(registry="ghcr.io", path="acme/tool")
    assert oci_reference.parse("ghcr.io/acme/tool:1.0") == Reference(
        repository=repository, tag="1.0"
    )
    digest = Digest("sha256", HEX)
    assert oci_reference.parse(f"ghcr.io/acme/tool@{digest}") == Reference(
        repository=repository, digest=digest
    )


@pytest.mark.parametrize(
    "text",
    [
        f"ghcr.io/a/b:1.0@sha256:{HEX}",
        "ghcr.io/a/b:",
        "ghcr.io/a/b:-1",
        "ghcr.io/a/b:.1",
        "ghcr.io/a/b:1/2",
        f"ghcr.io/a/b:{'1' * 129}",
        "ghcr.io/a/b@",
        "ghcr.io/a/b@sha256:",
        f"ghcr.io/a/b@sha256:{HEX.upper()}",
        f"ghcr.io/a/b@sha256:{HEX}0",
        f"ghcr.io/a/b@sha256:../../{HEX[6:]}",
        f"ghcr.io/a/b@@sha256:{HEX}",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        oci_reference.parse(text)


@pytest.mark.parametrize("algorithm", ["sha512", "sha384", "blake3", "md5", "SHA256"])
def test_other_digests_are_refused_by_name(algorithm: str) -> None:
    with pytest.raises(MalformedError, match=algorithm):
        oci_reference.parse_digest(f"{algorithm}:{HEX}")


def test_the_tags_where_evidence_is_kept() -> None:
    digest = Digest("sha256", HEX)
    assert oci_reference.referrers_tag(digest) == f"sha256-{HEX}"
    assert oci_reference.cosign_tag(digest, "sig") == f"sha256-{HEX}.sig"
    assert oci_reference.is_tag(oci_reference.cosign_tag(digest, "sbom"))
