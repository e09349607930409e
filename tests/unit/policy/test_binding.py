"""kit.policy.binding: what proves that a file has its name, and its version."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kit.errors import MalformedError
from kit.formats import distribution
from kit.formats.distribution import Named
from kit.formats.rules import Requirement
from kit.model import Claim
from kit.policy import binding
from tests import claims
from tests.claims import WHEEL, claim, statement, unreadable
from tests.lab import IDENTITY

SIGNED = 'signer = "release"'
PINNED = f'{SIGNED}\ndigest = "{claims.sha256(b"artifact")}"'


def parts(require: str = SIGNED, signers: str = "") -> tuple[Requirement, ...]:
    return claims.release(require, signers=signers).lines[0].requirements


def name_proved(
    *made: Claim,
    name: str = WHEEL,
    require: str = SIGNED,
    inside: Callable[[], Named] = unreadable,
) -> bool:
    found = binding.unproved_name(name, made, parts(require), inside)
    assert found is None or found.code == "artifact.name-unproved"
    return found is None


def version_proved(name: str, version: str, *made: Claim, require: str = SIGNED) -> bool:
    found = binding.unproved_version(name, version, made, parts(require))
    assert found is None or found.code == "artifact.version-unproved"
    return found is None


def says(name: str) -> Callable[[], Named]:
    """Return metadata that says what a file name says."""
    found = distribution.parse_name(name)
    assert found is not None
    return lambda: found


# ---- names --------------------------------------------------------------------------


def test_a_statement_proves_the_name_of_its_subject() -> None:
    assert name_proved(statement())


def test_another_spelling_of_a_distribution_is_the_same_name() -> None:
    spelled = statement(name="Tool-1.0-py3-none-any.whl")
    assert name_proved(spelled, name="tool-1.0-py3-none-any.whl")
    assert not name_proved(spelled, name="tool-1.0-py2-none-any.whl")
    assert not name_proved(spelled, name="tools-1.0-py3-none-any.whl")


@pytest.mark.parametrize("given", [f"dist/{WHEEL}", f"./{WHEEL}", f"https://acme.test/a/{WHEEL}"])
def test_a_subject_proves_its_last_component(given: str) -> None:
    assert name_proved(statement(names=(given,)))


def test_a_line_of_a_digest_manifest_proves_its_name() -> None:
    assert name_proved(claims.line())


def test_one_of_several_names_is_enough() -> None:
    assert name_proved(statement(names=("other.whl", WHEEL)))


# Row C-111 of the catalogue.
@pytest.mark.parametrize(
    "given",
    [
        "evil-1.0-py3-none-any.whl", WHEEL + " ", WHEEL.upper(), WHEEL[1:], "x" + WHEEL,
        f"{WHEEL}/other", f"dist\\{WHEEL}", "", WHEEL.replace("1.0", "1.0.0"),
    ],
)  # fmt: skip
def test_another_name_proves_nothing(given: str) -> None:
    assert not name_proved(statement(names=(given,)))


def test_a_signature_over_bare_bytes_names_nothing() -> None:
    assert not name_proved(claim(), name="tool.exe", inside=says(WHEEL))


def test_without_a_claim_nothing_is_proved_and_nothing_is_opened() -> None:
    def opened() -> Named:
        raise AssertionError("opened")

    assert not name_proved(inside=opened)


def test_a_pinned_digest_proves_the_name_that_the_policy_gives() -> None:
    assert name_proved(claim(), name="tool.exe", require=PINNED)


# ---- the metadata inside ------------------------------------------------------------


@pytest.mark.parametrize("name", [WHEEL, "tool-1.0.tar.gz", "tool-1.0-7-py3-none-any.whl"])
def test_metadata_inside_signed_bytes_proves_the_name(name: str) -> None:
    assert name_proved(claim(), name=name, inside=says(name))


@pytest.mark.parametrize(
    "inside",
    [
        "evil-1.0-py3-none-any.whl", "tool-1.1-py3-none-any.whl", "tool-1.0-py2-none-any.whl",
        "tool-1.0-py2.py3-none-any.whl", "tool-1.0-1-py3-none-any.whl", "tool-1.0.tar.gz",
        "tool-1.0+cpu-py3-none-any.whl", "tool-1.0rc1-py3-none-any.whl",
    ],
)  # fmt: skip
def test_metadata_that_says_otherwise_proves_nothing(inside: str) -> None:
    assert not name_proved(claim(), inside=says(inside))


def test_metadata_that_cannot_be_read_proves_nothing() -> None:
    assert not name_proved(claim(), inside=unreadable)


def test_metadata_is_not_read_where_a_statement_names_the_file_otherwise() -> None:
    # Only a signature over the very bytes makes what is inside them somebody's word.
    assert not name_proved(statement(names=("other.whl",)), inside=says(WHEEL))


def test_metadata_is_read_for_a_bare_signature_beside_a_statement() -> None:
    assert name_proved(statement(names=("other.whl",)), claim(), inside=says(WHEEL))


@pytest.mark.parametrize("name", ["tool.exe", "tool-1.0.zip", "tool-1.0-linux.tar.gz"])
def test_metadata_is_read_of_wheels_and_sdists_only(name: str) -> None:
    assert not name_proved(claim(), name=name, inside=says(WHEEL))


def told(inside: Callable[[], Named], *made: Claim) -> str:
    found = binding.unproved_name(WHEEL, made, parts(), inside)
    assert found is not None
    return found.message


def test_the_name_that_was_signed_instead_is_told() -> None:
    assert "names it a.whl, b.whl" in told(unreadable, statement(names=("b.whl", "x/a.whl")))


def test_the_metadata_that_says_otherwise_is_told() -> None:
    assert "says evil 2.0 (py3-none-any)" in told(says("evil-2.0-py3-none-any.whl"), claim())


def test_why_the_metadata_cannot_be_read_is_told() -> None:
    def broken() -> Named:
        raise MalformedError("it is no zip")

    assert "it is no zip" in told(broken, claim())


# ---- versions -----------------------------------------------------------------------

NAMED = [
    # text, version
    ("tool-1.0.tar.gz", "1.0"), ("tool-1.0.zip", "1.0"), ("tool_1.0_amd64.deb", "1.0"),
    ("tool-1.0-linux-amd64.tar.xz", "1.0"), ("tool-v1.0.zip", "1.0"), ("tool-V1.0.zip", "1.0"),
    ("v1.0", "1.0"), ("1.0", "1.0"), ("1.0.zip", "1.0"), ("tool1.0.exe", "1.0"),
    ("go1.22.3.linux-amd64.tar.gz", "1.22.3"), ("tool-1.0-1.x86_64.rpm", "1.0"),
    ("tool-1.0.linux", "1.0"), ("tool-1.0.x86_64.AppImage", "1.0"),
    ("tool-1.0-arm64.zip", "1.0"), ("tool-1.0-alpine.tar", "1.0"),
    ("tool-1.0-RC1.zip", "1.0-rc1"),
    ("tool-1.0-rc.1.zip", "1.0-rc.1"), ("tool-2.zip", "2"), ("tool-v2.zip", "2"),
    ("tool_2_amd64.deb", "2"), ("tool-20240101.zip", "20240101"), ("tool-2.tar.bz2", "2"),
    ("tool-1.0+build.5.zip", "1.0+build.5"), ("tool-2024-01-01.tar.gz", "2024-01-01"),
    ("tool-2024-01-01.zip", "2024-01-01"), ("tool-v1.0.zip", "v1.0"),
    ("https://a.example/1.1/w.yml@refs/tags/v1.0", "1.0"), ("tool_1.0-1_amd64.deb", "1.0"),
    # A wheel and an sdist by the version they parse to.
    ("tool-1.0-py3-none-any.whl", "1.0"), ("tool-1.0.0-py3-none-any.whl", "1.0"),
    ("tool-1.0-py3-none-any.whl", "1.0.0"), ("tool-1.0-py3-none-any.whl", "v1.0"),
    ("tool-1.0rc1-py3-none-any.whl", "1.0-rc.1"), ("tool-1.0.tar.gz", "1.0.0"),
    ("tool-1.0+cpu-cp311-cp311-linux_x86_64.whl", "1.0+cpu"), ("tool-1.0.post1.tar.gz", "1.0-1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "version"), NAMED)
def test_a_text_names_its_version(text: str, version: str) -> None:
    assert binding.names_version(text, version)


# Row C-124 of the catalogue.
NOT_NAMED = [
    ("tool.zip", "1.0"), ("", "1.0"), ("tool-1.0.1.zip", "1.0"), ("tool-11.0.zip", "1.0"),
    ("tool-1.01.zip", "1.0"), ("tool-0.1.0.zip", "1.0"), ("tool-2.1.0.zip", "1.0"),
    ("tool-1.0a1.zip", "1.0"), ("tool-1.0rc1.zip", "1.0"), ("tool-1.0-rc1.zip", "1.0"),
    ("tool-1.0.rc1.zip", "1.0"), ("tool-1.0_rc_1.zip", "1.0"), ("tool-1.0-RC.1.zip", "1.0"),
    ("tool-1.0-rc1hotfix.zip", "1.0"), ("tool-1.0-beta.zip", "1.0"), ("tool-1.0-beta.2.zip", "1.0"),
    ("tool-1.0-alpha.zip", "1.0"), ("tool-1.0.dev5.zip", "1.0"), ("tool-1.0-SNAPSHOT.jar", "1.0"),
    ("tool-1.0-dev20240101T12.zip", "1.0"), ("tool-1.0.post1.zip", "1.0"),
    ("tool-1.0-preview3.zip", "1.0"), ("tool-1.0-nightly.zip", "1.0"), ("tool-1.0+dev.zip", "1.0"),
    ("tool-1.0--rc1.zip", "1.0"), ("tool-1.0-next.3.zip", "1.0"), ("tool-1.0-canary.zip", "1.0"),
    # In Debian, `~` says that a version comes before.
    ("tool_1.0~rc1_amd64.deb", "1.0"), ("tool_1.0~1_amd64.deb", "1.0"),
    ("refs/heads/1.0.x", "1.0"), ("tool-1.0.X.zip", "1.0"),
    ("tool-1x0.zip", "1.0"), ("tool-1-0.zip", "1.0"), ("tool-1.0x.zip", "1.0"),
    # Numbers that are no versions.
    ("tool-1.0.tar.bz2", "2"), ("tool-1.0-x86_64.zip", "64"), ("tool-1.0-win32.zip", "32"),
    ("tool-1.0-amd64.zip", "64"), ("tool-1.0.zip", "1"), ("tool-1.0.zip", "0"),
    ("tool3-1.0.zip", "3"), ("tool-1.0.mp4", "4"), ("tool-10.zip", "1"),
    # Another version stands first, or something follows that may make it another.
    ("tool-2.0-1.0.tar.gz", "1.0"), ("tool_2.0+1.0_amd64.deb", "1.0"), ("tool-2.0-1.zip", "1"),
    ("tool-0.9-macos-11.0.zip", "11.0"), ("tool-1.0-2-gabcdef.zip", "1.0"),
    ("tool-1.0-0.1.rc1.x86_64.rpm", "1.0"), ("tool-1.0-0.1.x86_64.rpm", "1.0"),
    ("tool-1.0-devel.zip", "1.0"), ("tool-1.0-unstable.zip", "1.0"), ("tool-1.0-ea.zip", "1.0"),
    ("tool-1.0-M1.zip", "1.0"), ("tool-1.0-patch2.zip", "1.0"), ("tool-1.0-hotfix1.zip", "1.0"),
    ("tool-1.0_p1.zip", "1.0"), ("tool-1.0+git20240101.zip", "1.0"), ("tool-1.0-2.zip", "1.0"),
    ("jo1.0@acme.example", "1.0"), ("https://a.example/w.yml@refs/tags/v1.0-rc1", "1.0"),
    ("https://a.example/w.yml@refs/heads/1.0", "1.0"),
    # A wheel and an sdist by the version they parse to, and by no other number in the name.
    ("tool-1.0.1-py3-none-any.whl", "1.0"), ("tool-1.0rc1-py3-none-any.whl", "1.0"),
    ("tool-1.0+cpu-py3-none-any.whl", "1.0"), ("tool-1.0.post1-py3-none-any.whl", "1.0"),
    ("tool-1.1-cp310-cp310-manylinux_1_0_x86_64.whl", "1.0"),
    ("tool_1.0-2.0-py3-none-any.whl", "1.0"),
    ("tool-1.1-1.0-py3-none-any.whl", "1.0"), ("tool-1.0-2.0.tar.gz", "1.0"),
    ("tool-1.0rc1.tar.gz", "1.0"), ("tool-1.0.dev1.tar.gz", "1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "version"), NOT_NAMED)
def test_a_text_does_not_name_another_version(text: str, version: str) -> None:
    assert not binding.names_version(text, version)


def test_a_version_is_not_read_as_a_regexp() -> None:
    assert not binding.names_version("tool-1x0.zip", "1.0")
    assert binding.names_version("tool-1.0+b.zip", "1.0+b")


def test_a_long_text_takes_no_time() -> None:
    started = time.process_time()
    binding.names_version("1.0-" * 20_000 + "-" * 20_000, "1.0")
    assert time.process_time() - started < 2


def test_a_name_that_has_the_version_proves_it() -> None:
    assert version_proved("tool-1.0.zip", "1.0")


def test_an_exact_identity_at_the_tag_of_the_version_proves_it() -> None:
    assert version_proved("tool.exe", "1.0", claim())


@pytest.mark.parametrize("version", ["1.1", "1.0.0", "0", "1"])
def test_an_exact_identity_at_another_tag_does_not(version: str) -> None:
    assert not version_proved("tool.exe", version, claim())


def test_an_exact_identity_of_which_no_claim_was_accepted_does_not() -> None:
    assert not version_proved("tool.exe", "1.0", claim(subject="jo@acme.test"))


def test_who_signed_a_document_about_the_file_does_not() -> None:
    """An SBOM signed at the tag may speak of a file of any version."""
    spoken = claim(document="tool.exe.spdx.json")
    assert not version_proved("tool.exe", "1.0", spoken)
    assert version_proved("tool.exe", "1.0", spoken, claim())


def test_a_regexp_at_the_tag_of_the_version_does_not() -> None:
    signers = f"[signers.ours]\nissuer = 'i'\nidentity-regexp = '{IDENTITY}'"
    found = binding.unproved_version(
        "tool.exe", "1.0", [claim(issuer="i")], parts('signer = "ours"', signers)
    )
    assert found is not None


def test_a_pinned_digest_proves_the_version_that_the_policy_gives() -> None:
    assert version_proved("tool.exe", "7.7", require=PINNED)
