"""The pages' own commands, typed as they stand there, on what the kit carried and pushed.

Each pack is collected from its world, carried, checked without a network and pushed to a registry
that is really running. In a page's line only the registry is another; ``--trusted-root`` is added
to cosign's, and gh's names the lab's root. Each is refused where the identity is another.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import pytest

from tests.e2e.test_airgap import UNSHARE, in_a_namespace
from tests.lab import Lab, json_lines
from tests.lab.places import Tuf
from tests.lab.tuf import Repository
from tests.lab.world import SYSTEMS
from tests.lab.world.systems import WELLMAINTAINED, openmed
from tests.openpgp import GPG
from tests.peers.conftest import SECONDS, found, run, start
from tests.systems.suite import LAB, NOBODY, Checked, passing
from tests.systems.test_openmed import REFERENCE, WHEEL, by_commands
from tests.systems.test_stigmem import REFERENCE as NODE

pytestmark = pytest.mark.peers

PUBLISH = (
    "--certificate-identity-regexp "
    "'https://github.com/eidetic-labs/stigmem/.github/workflows/publish.yml@refs/tags/v.*' "
    "--certificate-oidc-issuer https://token.actions.githubusercontent.com"
)
RELEASE = (
    "--certificate-identity "
    "'https://github.com/Metbcy/securescan/.github/workflows/release.yml@refs/tags/v0.11.0' "
    "--certificate-oidc-issuer 'https://token.actions.githubusercontent.com'"
)
PACKAGES = (
    '--certificate-identity-regexp="https://github.com/wellmaintained/packages/" '
    '--certificate-oidc-issuer="https://token.actions.githubusercontent.com"'
)
AOTANAMI = (
    "--certificate-identity-regexp='https://github.com/aotanami/aotanami' "
    "--certificate-oidc-issuer='https://token.actions.githubusercontent.com'"
)
GENERATOR = AOTANAMI.replace("aotanami/aotanami", "slsa-framework/slsa-github-generator")
TAGGED = "ghcr.io/aotanami/aotanami:v0.1.0"

#: By requirement: the page's lines. `$REF` is the image by the digest that `crane digest` prints.
COSIGN = {
    "stigmem": (
        ("ST2", f'cosign verify {PUBLISH} "$REF"'),
        ("ST3", f'cosign verify-attestation --type spdxjson {PUBLISH} "$REF"'),
        ("ST4", f'cosign verify-attestation --type slsaprovenance {PUBLISH} "$REF"'),
    ),
    "securescan": (
        ("SC3", f"cosign verify ghcr.io/metbcy/securescan:v0.11.0 {RELEASE}"),
        ("SC4", f'cosign verify "ghcr.io/metbcy/securescan@${{DIGEST}}" {RELEASE}'),
    ),
    "wellmaintained": tuple(
        (number, f"{command} {PACKAGES} ghcr.io/wellmaintained/packages/{name}:{tag}")
        for tag in ("sbomify-v26.1.0-20260405.6",)
        for name in WELLMAINTAINED
        for number, command in (
            ("WM2", "cosign verify"),
            ("WM3", "cosign verify-attestation --type slsaprovenance"),
            ("WM4", "cosign verify-attestation --type cyclonedx"),
        )
    ),
    "aotanami": (
        ("AO1", f"cosign verify {TAGGED} {AOTANAMI}"),
        ("AO2", f"cosign verify ghcr.io/aotanami/charts/aotanami:0.1.0 {AOTANAMI}"),
        ("AO3", f"cosign verify-attestation {TAGGED} --type slsaprovenance {GENERATOR}"),
        ("AO4", f"cosign verify-attestation {TAGGED} --type spdxjson {AOTANAMI}"),
    ),
}
IMAGES = {"stigmem": NODE, "securescan": "ghcr.io/metbcy/securescan:v0.11.0"}
SLSA = f"slsa-verifier verify-image {TAGGED} --source-uri github.com/aotanami/aotanami"
GH = (
    "gh attestation verify {artifact} --repo maziyarpanahi/openmed --bundle {bundle} "
    "--custom-trusted-root trusted_root.jsonl "
    "--predicate-type https://slsa.dev/provenance/v1 "
    "--signer-workflow github.com/maziyarpanahi/openmed/.github/workflows/{workflow} "
    "--source-digest {commit} --source-ref refs/tags/v1.8.0"
)
#: What another asks of the same evidence, and what gh says then.
OTHERWISE = {
    "another repository": ("--repo maziyarpanahi/", "--repo mallory/", "SourceRepositoryOwnerURI"),
    "another workflow": (".github/workflows/", ".github/workflows/not-", "verifying with issuer"),
    "another commit": ("--source-digest ", "--source-digest 0", "SourceRepositoryDigest"),
    "another tag": ("refs/tags/v1.8.0", "refs/tags/v1.7.9", "SourceRepositoryRef"),
    "another predicate": ("provenance/v1 ", "provenance/v0.2 ", "no attestations found"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A pack that passed offline, and the registry that it was pushed to."""

    checked: Checked
    host: str

    def digest(self, reference: str) -> str:
        """Ask the registry, as the pages do."""
        return run("crane", "digest", reference.replace("ghcr.io", self.host)).strip()

    def typed(
        self, line: str, *more: str, image: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a line as the shell would read it, with this registry in place of ghcr.io."""
        if image:
            digest = self.digest(image)
            line = line.replace("$REF", f"{image.rpartition(':')[0]}@{digest}")
            line = line.replace("${DIGEST}", digest)
        tool, *words = shlex.split(line.replace("ghcr.io/", f"{self.host}/"))
        return stock(tool, *words, *more, at=self.checked.site.folder, env=env)


def stock(
    tool: str,
    *words: str,
    at: Path,
    env: dict[str, str] | None = None,
    under: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a tool for nobody: without a home, a login or a token, or a way off this machine."""
    nobody = dict.fromkeys(("GH_TOKEN", "GITHUB_TOKEN"), "")
    nobody |= {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    places = {"HOME": str(at / "home"), "DOCKER_CONFIG": "/nowhere", "GH_CONFIG_DIR": "/nowhere"}
    return subprocess.run(
        [*under, found(tool), *words],
        env=os.environ | nobody | places | (env or {}),
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def by_another(line: str) -> str:
    """Return the line with another owner in the identity that it wants."""
    return line.replace("github.com/", "github.com/not-")


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Pushed]]:
    """Take packs from their worlds to registries, each once."""
    with ExitStack() as running:
        yield cache(partial(push, running, tmp_path_factory))


def push(running: ExitStack, folders: pytest.TempPathFactory, system: str) -> Pushed:
    """Take the pack of a system from its world to a registry of its own."""
    if system == "stigmem" and not GPG.exists():
        pytest.skip("gpg is not installed")
    folder = folders.mktemp(system)
    checked = passing(SYSTEMS[system](LAB), folder)
    registry = running.enter_context(contextmanager(start)("docker-registry", folder / "registry"))
    given = ("push", checked.pack, "--policy", "release.toml", "--to", registry.host)
    ran = checked.site.run(*given, env=NOBODY)
    assert ran.status == 0, ran.out + ran.err
    return Pushed(checked=checked, host=registry.host)


# ---- cosign

ROOT = ("--trusted-root", "trust-roots/sigstore/trusted_root.json")


@pytest.mark.parametrize(
    "system",
    [
        pytest.param(system, marks=[pytest.mark.requirement(number) for number, _ in lines])
        for system, lines in COSIGN.items()
    ],
)
def test_cosign_passes_as_the_page_has_it_and_refuses_another(
    pushed: Callable[[str], Pushed], system: str
) -> None:
    there, image = pushed(system), IMAGES.get(system, "")
    for number, line in COSIGN[system]:
        done = there.typed(line, *ROOT, image=image)
        assert done.returncode == 0, (number, line, done.stderr)
        assert "verified offline" in done.stderr
        done = there.typed(by_another(line), *ROOT, image=image)
        assert done.returncode != 0, (number, line)
        assert "none of the expected identities matched" in done.stderr


@pytest.mark.requirement("SC3")
def test_cosign_refuses_under_the_root_of_another(pushed: Callable[[str], Pushed]) -> None:
    there = pushed("securescan")
    (there.checked.site.folder / "mallory.json").write_bytes(Lab("mallory").trusted_root())
    _, line = COSIGN["securescan"][0]
    done = there.typed(line, "--trusted-root", "mallory.json")
    assert done.returncode != 0
    assert "rekor log public key not found" in done.stderr


@pytest.mark.requirement("ST4")
def test_to_cosign_provenance_is_of_one_version(pushed: Callable[[str], Pushed]) -> None:
    there = pushed("stigmem")
    line = dict(COSIGN["stigmem"])["ST4"].replace("slsaprovenance", "slsaprovenance1")
    done = there.typed(line, *ROOT, image=NODE)
    assert done.returncode != 0
    assert "none of the attestations matched the predicate type" in done.stderr, done.stderr


@pytest.mark.requirement("ST5")
def test_cosign_downloads_the_attested_sbom_and_finds_none_that_is_unsigned(
    pushed: Callable[[str], Pushed],
) -> None:
    there = pushed("stigmem")
    done = there.typed('cosign download sbom "$REF"', image=NODE)
    assert done.returncode != 0
    assert "no SBOM found attached" in done.stderr
    attested = 'cosign download attestation --predicate-type https://spdx.dev/Document "$REF"'
    done = there.typed(attested, image=NODE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["payloadType"] == "application/vnd.in-toto+json"


# ---- slsa-verifier


@pytest.fixture(scope="module")
def initialized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Let `cosign initialize` take the lab's keys over, where slsa-verifier looks for them.

    It reads no trusted root, only the targets that there were before.
    """
    folder = tmp_path_factory.mktemp("initialized")
    root = json.loads(LAB.trusted_root())
    below, top = root["certificateAuthorities"][0]["certChain"]["certificates"]
    repository = Repository(
        "sigstore",
        {
            "fulcio_v1.crt.pem": pem("CERTIFICATE", top["rawBytes"]),
            "fulcio_intermediate_v1.crt.pem": pem("CERTIFICATE", below["rawBytes"]),
            "rekor.pub": pem("PUBLIC KEY", root["tlogs"][0]["publicKey"]["rawBytes"]),
            "ctfe.pub": pem("PUBLIC KEY", root["ctlogs"][0]["publicKey"]["rawBytes"]),
        },
    )
    repository.now = datetime.now(UTC)
    repository.rotate()
    repository.publish()
    (folder / "root.json").write_bytes(repository.files["2.root.json"])
    env = {"TUF_ROOT": str(folder / "tuf")}
    with Tuf(repository) as tuf:
        done = stock(
            "cosign", "initialize", "--mirror", tuf.address, "--root", "root.json",
            at=folder, env=env,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return env


def pem(label: str, raw: str) -> bytes:
    return f"-----BEGIN {label}-----\n{raw}\n-----END {label}-----\n".encode()


@pytest.mark.requirement("AO3")
def test_slsa_verifier_passes_by_digest_and_refuses_other_sources(
    pushed: Callable[[str], Pushed], initialized: dict[str, str]
) -> None:
    there = pushed("aotanami")
    line = SLSA.replace(TAGGED, "$REF")
    done = there.typed(line, image=TAGGED, env=initialized)
    assert done.returncode == 0, done.stderr
    assert "PASSED: SLSA verification passed" in done.stderr + done.stdout
    done = there.typed(by_another(line), image=TAGGED, env=initialized)
    assert done.returncode != 0
    assert "expected source 'not-aotanami/aotanami', got 'aotanami/aotanami'" in done.stderr


@pytest.mark.requirement("AO3")
def test_slsa_verifier_takes_no_tag_as_the_page_has_it(
    pushed: Callable[[str], Pushed], initialized: dict[str, str]
) -> None:
    there = pushed("aotanami")
    done = there.typed(SLSA, env=initialized)
    assert done.returncode != 0
    assert "the image is mutable" in done.stderr


@pytest.mark.netns
@in_a_namespace
@pytest.mark.requirement("AO3")
def test_slsa_verifier_knows_files_by_the_public_instance_alone(
    downloaded: Opened, initialized: dict[str, str]
) -> None:
    wheel, bundle = of_the_wheel(downloaded)["artifact"], "one.json"
    (line,) = (downloaded.folder / downloaded.one("evidence/*.jsonl")).read_text().splitlines()
    (downloaded.folder / bundle).write_text(line)
    done = stock(
        "slsa-verifier", "verify-artifact", wheel, "--provenance-path", bundle,
        "--source-uri", "github.com/maziyarpanahi/openmed",
        at=downloaded.folder, env=initialized, under=UNSHARE,
    )  # fmt: skip
    assert done.returncode != 0
    assert "tuf refresh failed" in done.stderr


# ---- gh


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """OpenMed's pack, unpacked by tar, with the lab's root as gh wants it."""

    folder: Path
    commit: str

    @classmethod
    def of(cls, checked: Checked, to: Path) -> Opened:
        """Unpack, as anybody would."""
        with tarfile.open(checked.site.folder / checked.pack) as tar:
            tar.extractall(to, filter="data")
        root = (checked.site.folder / "trust-roots/sigstore/trusted_root.json").read_bytes()
        (to / "trusted_root.jsonl").write_bytes(json_lines(root))
        return cls(folder=to, commit=checked.release.commit)

    def one(self, pattern: str) -> str:
        """Return the one file of the pack that there is by a pattern."""
        (path,) = self.folder.glob(pattern)
        return str(path.relative_to(self.folder))

    def gh(
        self, line: str, *, under: Sequence[str] = (), **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a line of the page."""
        tool, *words = shlex.split(line.format(commit=self.commit, **more))
        return stock(tool, *words, at=self.folder, under=under)


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Take the folder that the page's commands made through a pack."""
    folder = tmp_path_factory.mktemp("downloaded")
    return Opened.of(passing(by_commands(openmed(LAB)), folder), folder / "open")


def of_the_wheel(opened: Opened) -> dict[str, str]:
    """Return what the page's variables are for the wheel."""
    return {
        "artifact": opened.one(f"artifacts/{WHEEL}"),
        "bundle": opened.one("evidence/*.jsonl"),
        "workflow": "provenance.yml",
    }


@pytest.mark.netns
@in_a_namespace
@pytest.mark.requirement("OM7")
def test_gh_verifies_the_wheel_without_a_network(downloaded: Opened) -> None:
    done = downloaded.gh(GH, under=UNSHARE, **of_the_wheel(downloaded))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("what", OTHERWISE)
@pytest.mark.requirement("OM7")
def test_gh_refuses_what_was_built_otherwise(downloaded: Opened, what: str) -> None:
    before, after, says = OTHERWISE[what]
    assert before in GH
    done = downloaded.gh(GH.replace(before, after), **of_the_wheel(downloaded))
    assert done.returncode != 0
    assert says in done.stderr, done.stderr


@pytest.mark.requirement("OM7")
def test_gh_refuses_under_the_root_of_another(downloaded: Opened) -> None:
    other = json_lines(Lab("mallory").trusted_root())
    (downloaded.folder / "mallory.jsonl").write_bytes(other)
    line = GH.replace("trusted_root.jsonl", "mallory.jsonl")
    done = downloaded.gh(line, **of_the_wheel(downloaded))
    assert done.returncode != 0
    assert "no custom verifier found for issuer" in done.stderr + done.stdout, done.stderr


@pytest.mark.netns
@in_a_namespace
@pytest.mark.requirement("OM1")
def test_gh_verifies_nothing_online_without_a_login(downloaded: Opened) -> None:
    """See that the page's online form cannot be shown here: it asks GitHub, as somebody."""
    line = GH.replace("--bundle {bundle} --custom-trusted-root trusted_root.jsonl ", "")
    assert "--bundle" not in line
    done = downloaded.gh(line, under=UNSHARE, **of_the_wheel(downloaded))
    assert done.returncode == 4, done.stderr  # gh's status for who must log in first


@pytest.mark.requirement("OM5")
def test_gh_verifies_the_image_where_it_was_pushed_to(
    pushed: Callable[[str], Pushed], tmp_path: Path
) -> None:
    there = pushed("openmed")
    opened = Opened.of(there.checked, tmp_path / "open")
    repository = REFERENCE.rpartition(":")[0].replace("ghcr.io", there.host)
    more = {
        "artifact": f"oci://{repository}@{there.digest(REFERENCE)}",
        "bundle": opened.one("evidence/*-openmed_v1.8.0.sigstore.json"),
    }
    done = opened.gh(GH, workflow="container-multiarch.yml", **more)
    assert done.returncode == 0, done.stderr
    done = opened.gh(GH, workflow="provenance.yml", **more)
    assert done.returncode != 0
    assert "verifying with issuer" in done.stderr
