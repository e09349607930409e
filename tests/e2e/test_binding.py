"""What binds a file to its line: each way of presenting another file is refused by its own code."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.model import Manifest, Member
from kit.pack import roster, writer
from kit.pack.reader import Pack
from tests.e2e.conftest import SIGNERS, STRANGER, WORKFLOW, Site

WHEEL = "tool-1.0-py3-none-any.whl"
SDIST = "tool-1.0.tar.gz"

LINE = f"""
[[artifact]]
source = "file:downloads"
files = ["{WHEEL}"]

[[artifact.require]]
signer = "release"
"""


def wheel(version: str = "1.0", tag: str = "py3-none-any") -> bytes:
    """Return a small wheel of the tool."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = f"tool-{version}.dist-info"
        # ZipInfo's date is fixed; writestr's own would be the clock's.
        archive.writestr(
            zipfile.ZipInfo(f"{info}/METADATA"),
            f"Metadata-Version: 2.1\nName: tool\nVersion: {version}\n",
        )
        archive.writestr(zipfile.ZipInfo(f"{info}/WHEEL"), f"Wheel-Version: 1.0\nTag: {tag}\n")
    return out.getvalue()


def sdist(version: str = "1.0") -> bytes:
    """Return a small sdist of the tool."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        body = f"Metadata-Version: 2.1\nName: tool\nVersion: {version}\n".encode()
        entry = tarfile.TarInfo(f"tool-{version}/PKG-INFO")
        entry.size = len(body)
        archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Publish nothing yet; the policy asks for a wheel."""
    made = Site(tmp_path / "site")
    made.policy(LINE)
    return made


def sign(site: Site, name: str, content: bytes, identity: str = WORKFLOW) -> None:
    """Publish a file with a signature over its bare bytes, which names nothing."""
    site.put(name, content)
    site.put(f"{name}.sigstore.json", site.lab.sign(content, identity=identity))


def repack(site: Site, change: Callable[[Manifest, dict[str, bytes]], Manifest]) -> None:
    """Write tool-1.0.pack.tar anew as a hostile collector would: whole, with other contents."""
    path = site.folder / "tool-1.0.pack.tar"
    with Pack.open(path) as pack:
        contents = {m.path: pack.read(m.path, 1 << 20) for m in pack.manifest.members}
        changed = change(pack.manifest, contents)
    paths = [*roster.HEAD, *sorted(p for p in contents if p not in roster.HEAD)]
    import hashlib  # noqa: PLC0415

    members = tuple(
        Member(path=p, size=len(contents[p]), sha256=hashlib.sha256(contents[p]).hexdigest())
        for p in paths
    )
    path.unlink()
    writer.write(path, replace(changed, members=members), dict(contents))


def test_a_signed_wheel_is_bound_by_its_metadata(site: Site) -> None:
    sign(site, WHEEL, wheel())
    assert site.collect().status == 0


def test_an_sdist_under_the_wheels_name_is_refused(site: Site) -> None:
    sign(site, WHEEL, sdist())
    ran = site.collect()
    assert ran.status == 1
    assert ran.errors_of(WHEEL) == {"artifact.name-unproved"}


def test_an_attested_sdist_under_the_wheels_name_is_refused(site: Site) -> None:
    content = sdist()
    site.put(WHEEL, content)
    site.put(f"{WHEEL}.sigstore.json", site.lab.attest({SDIST: content}, identity=WORKFLOW))
    ran = site.collect()
    assert ran.status == 1
    assert ran.errors_of(WHEEL) == {"artifact.name-unproved"}


@pytest.mark.parametrize(
    "content", [wheel("0.9"), wheel(tag="cp311-cp311-linux_x86_64")], ids=["version", "tag"]
)
def test_a_renamed_wheel_is_refused(site: Site, content: bytes) -> None:
    sign(site, WHEEL, content)
    assert site.collect().errors_of(WHEEL) == {"artifact.name-unproved"}


def test_an_older_version_under_the_new_line_is_refused(site: Site) -> None:
    older = "tool-0.9-py3-none-any.whl"
    loose = SIGNERS.replace(
        f'identity = "{WORKFLOW}"',
        "identity-regexp = 'https://github\\.com/acme/tool/\\.github/workflows/release\\.yml@.+'",
    )
    site.policy(LINE.replace(f'"{WHEEL}"', '"tool-*.whl"'), loose)
    sign(site, older, wheel("0.9"), WORKFLOW.replace("v1.0", "v0.9"))
    ran = site.collect()
    assert ran.status == 1
    assert ran.errors_of(older) == {"artifact.version-unproved"}


def test_with_strict_names_off_the_verdict_line_says_what_is_not_proved(site: Site) -> None:
    sign(site, WHEEL, sdist())
    site.policy(LINE, SIGNERS.replace('version = "1.0"', 'version = "1.0"\nstrict-names = false'))
    assert site.collect().status == 0
    ran = site.run("check", "tool-1.0.pack.tar", "--policy", "release.toml")
    assert ran.status == 0
    assert ran.out.startswith("PASS, name not proved: 1  ")


def test_a_withheld_wheel_is_missed(site: Site) -> None:
    other = "tool-1.0-cp311-cp311-linux_x86_64.whl"
    site.policy(LINE.replace(f'"{WHEEL}"', f'"{WHEEL}", "{other}"'))
    sign(site, WHEEL, wheel())
    ran = site.collect()
    assert ran.status == 1
    assert ran.errors_of(other) == {"artifact.missing"}
    assert ran.errors_of(WHEEL) == set()


def test_a_pattern_tells_that_it_cannot_show_what_was_withheld(site: Site) -> None:
    site.policy(LINE.replace(f'"{WHEEL}"', '"*.whl"'))
    sign(site, WHEEL, wheel())
    assert site.collect().status == 0
    assert "artifact.as-collected" in site.check().codes


def test_an_extra_member_that_nobody_named_fails(site: Site) -> None:
    sign(site, WHEEL, wheel())
    site.collect()

    def add(manifest: Manifest, contents: dict[str, bytes]) -> Manifest:
        contents["artifacts/extra.whl"] = b"extra"
        stray = replace(manifest.artifacts[0], name="extra.whl", member="artifacts/extra.whl")
        both = sorted((*manifest.artifacts, stray), key=lambda a: (a.source, a.name))
        return replace(manifest, artifacts=tuple(both))

    repack(site, add)
    ran = site.check()
    assert ran.status == 1
    assert "artifact.unnamed" in ran.errors_of("extra.whl")
    assert ran.errors_of(WHEEL) == set()


def test_a_file_of_a_line_that_the_policy_lacks_fails(site: Site) -> None:
    sign(site, WHEEL, wheel())
    site.collect()
    repack(
        site,
        lambda manifest, _: replace(
            manifest, artifacts=(replace(manifest.artifacts[0], source="file:elsewhere"),)
        ),
    )
    ran = site.check()
    assert ran.status == 1
    assert ran.codes >= {"artifact.unnamed", "artifact.missing"}


def test_one_digest_never_satisfies_two_names(site: Site) -> None:
    twin = "tool-1.0-py2-none-any.whl"
    both = wheel(tag="py2.py3-none-any")
    site.policy(LINE.replace(f'"{WHEEL}"', f'"{WHEEL}", "{twin}"'))
    for name in (WHEEL, twin):
        site.put(name, both)
    site.put("all.sigstore.json", site.lab.attest({WHEEL: both, twin: both}, identity=WORKFLOW))
    ran = site.collect()
    assert ran.status == 1
    assert ran.errors_of(WHEEL) == ran.errors_of(twin) == {"artifact.same-digest"}


def test_a_strangers_statement_names_nothing(site: Site) -> None:
    # The publisher signs bare bytes that are no wheel; a stranger attests the name.
    content = b"something else"
    sign(site, WHEEL, content)
    site.put("more.sigstore.json", site.lab.attest({WHEEL: content}, identity=STRANGER))
    assert site.collect().errors_of(WHEEL) == {"artifact.name-unproved"}


def test_a_digest_in_the_policy_binds_and_suffices(site: Site) -> None:
    import hashlib  # noqa: PLC0415

    digest = hashlib.sha512(b"unsigned").hexdigest()
    site.put("blob.bin", b"unsigned")
    site.policy(
        f'\n[[artifact]]\nsource = "file:downloads/blob.bin"\n'
        f'[[artifact.require]]\ndigest = "sha512:{digest}"\n'
    )
    assert site.collect().status == 0
    site.policy(
        f'\n[[artifact]]\nsource = "file:downloads/blob.bin"\n'
        f'[[artifact.require]]\ndigest = "sha512:{digest[::-1]}"\n'
    )
    assert site.check().errors_of("blob.bin") == {"policy.digest"}


def test_a_line_without_a_requirement_fails(site: Site) -> None:
    sign(site, WHEEL, wheel())
    site.policy(LINE.partition("[[artifact.require]]")[0])
    assert site.collect().errors_of(WHEEL) == {"policy.no-rule"}


# ---- digest manifests -------------------------------------------------------


def listed(site: Site, name: str, content: bytes, identity: str = WORKFLOW) -> None:
    """Publish a file listed in a signed SHA256SUMS."""
    import hashlib  # noqa: PLC0415

    sums = f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()
    site.put("SHA256SUMS", sums)
    site.put("SHA256SUMS.sigstore.json", site.lab.sign(sums, identity=identity))


def by_sums(site: Site) -> None:
    """Demand that the wheel is listed in a SHA256SUMS that the signer signed."""
    site.policy(LINE + 'listed-in = "SHA256SUMS"\n')


def test_a_signed_digest_manifest_vouches_for_what_it_lists(site: Site) -> None:
    by_sums(site)
    site.put(WHEEL, b"any bytes")
    listed(site, WHEEL, b"any bytes")
    ran = site.collect()
    assert ran.status == 0
    (claim,) = ran.document["results"][0]["report"]["artifacts"][0]["claims"]
    assert (claim["kind"], claim["listed-in"]) == ("digest-manifest", "SHA256SUMS")


def test_a_line_of_a_manifest_is_not_a_signature_over_the_file(site: Site) -> None:
    site.put(WHEEL, b"any bytes")
    listed(site, WHEEL, b"any bytes")
    ran = site.collect()
    assert ran.errors_of(WHEEL) == {"policy.unmet"}
    assert "policy.listed-in" in ran.codes


def test_an_unsigned_digest_manifest_vouches_for_nothing(site: Site) -> None:
    by_sums(site)
    site.put(WHEEL, b"any bytes")
    listed(site, WHEEL, b"any bytes")
    (site.folder / "downloads/SHA256SUMS.sigstore.json").unlink()
    ran = site.collect()
    assert ran.errors_of(WHEEL) == {"policy.unmet"}
    assert "evidence.unsigned" in ran.codes


def test_a_manifest_signed_by_a_stranger_vouches_for_nothing(site: Site) -> None:
    by_sums(site)
    site.put(WHEEL, b"any bytes")
    listed(site, WHEEL, b"any bytes", STRANGER)
    assert site.collect().errors_of(WHEEL) == {"policy.unmet"}


def test_a_signed_manifest_that_lists_another_digest_fails_the_file(site: Site) -> None:
    # Even though the file's own attestation is good: its publisher contradicts itself.
    site.publish(WHEEL, wheel())
    listed(site, WHEEL, b"other bytes")
    ran = site.collect()
    assert ran.status == 1
    assert ran.errors_of(WHEEL) == {"digest.mismatch"}


def test_a_strangers_manifest_that_lists_another_digest_changes_nothing(site: Site) -> None:
    site.publish(WHEEL, wheel())
    listed(site, WHEEL, b"other bytes", STRANGER)
    assert site.collect().status == 0


# ---- evidence that does not count -------------------------------------------


@pytest.mark.parametrize(
    ("form", "code"), [("keyed", "evidence.unsupported"), ("no-log", "sigstore.no-log")]
)
def test_a_form_that_proves_nothing_here_is_a_finding_and_never_counts(
    site: Site, form: str, code: str
) -> None:
    site.put(WHEEL, wheel())
    site.put(f"{WHEEL}.sigstore.json", site.lab.sign(wheel(), identity=WORKFLOW, form=form))
    ran = site.collect()
    assert ran.errors_of(WHEEL) == {"policy.unmet"}
    assert code in ran.codes


@pytest.mark.parametrize("form", ["promise-only", "no-checkpoint", "two-entries"])
def test_a_form_that_only_the_kit_reads_counts(site: Site, form: str) -> None:
    site.put(WHEEL, wheel())
    site.put(f"{WHEEL}.sigstore.json", site.lab.sign(wheel(), identity=WORKFLOW, form=form))
    assert site.collect().status == 0


@pytest.mark.parametrize(
    ("suffix", "code"),
    [
        (".asc", "evidence.unsupported"),
        (".sig", "evidence.unsupported"),
        (".provenance", "evidence.malformed"),
    ],
)
def test_other_evidence_is_told_and_never_counts(site: Site, suffix: str, code: str) -> None:
    site.put(WHEEL, wheel())
    site.put(f"{WHEEL}{suffix}", b"something")
    ran = site.collect()
    assert ran.errors_of(WHEEL) == {"policy.unmet"}
    assert code in ran.codes


def test_rejected_evidence_beside_good_evidence_is_a_warning(site: Site) -> None:
    site.publish(WHEEL, wheel())
    site.put(f"{WHEEL}.sigstore", site.lab.sign(wheel(), spoil="signature"))
    ran = site.collect()
    assert ran.status == 0
    assert "sigstore.signature" in ran.codes


def test_json_lines_of_bundles_are_each_verified(site: Site) -> None:
    good = site.lab.attest({WHEEL: wheel()}, identity=WORKFLOW)
    bad = site.lab.attest({WHEEL: wheel()}, identity=WORKFLOW, spoil="payload")
    site.put(WHEEL, wheel())
    import hashlib  # noqa: PLC0415

    name = f"sha256-{hashlib.sha256(wheel()).hexdigest()}.jsonl"
    lines = b"".join(b"".join(part.split(b"\n")) + b"\n" for part in (bad, good))
    site.put(name, lines)
    ran = site.collect()
    assert ran.status == 0
    assert "sigstore.signature" in ran.codes
