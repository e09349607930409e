"""Images in a pack: every form of evidence holds, and every way to swap one is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.model import Artifact, EvidenceFile, EvidenceKind, Report
from tests import documents
from tests.images import SIGNERS, SOURCE, Carried, codes, judged, line, only, path_of
from tests.lab import Lab
from tests.lab import cosign as lab_cosign
from tests.lab.encoding import base64
from tests.lab.images import Blob, attesting

LAB = Lab("acme", shape="full")
REPOSITORY = "ghcr.io/acme/tool"
PROVENANCE = "https://slsa.dev/provenance/v1"
SPDX = "https://spdx.dev/Document"
STRANGER = "https://github.com/mallory/tool/.github/workflows/release.yml@refs/tags/v1.0"
BILL = documents.spdx(sha256=None)


def signed(reference: str = REPOSITORY, **options: Any) -> tuple[Carried, Blob]:
    """Return a pack of one image with one signature."""
    carried = Carried()
    image = carried.store.image()
    layer = lab_cosign.signature(carried.store, LAB, image, reference, **options)
    carried.artifact(image)
    carried.sig(carried.store.attached(layer), image)
    return carried, image


def check(carried: Carried, tmp_path: Path, policy: str | None = None, **more: Any) -> Report:
    put = more.pop("put", None)
    path = carried.write(tmp_path / "tool.pack.tar", more.pop("without", ()), put)
    return judged(path, policy or line(), LAB, **more)


# ---- what holds -----------------------------------------------------------------------


def test_a_signed_image_passes_and_its_tag_is_only_told(tmp_path: Path) -> None:
    carried, image = signed(identity="jo@acme.test", issuer="https://accounts.acme.test")
    policy = line('signer = "jo"')
    signers = (
        'schema = 1\nname = "tool"\nversion = "1.0"\n[signers.jo]\nidentity = "jo@acme.test"\n'
        'issuer = "https://accounts.acme.test"\ntrusted-root = "acme"\n'
    )
    report = check(carried, tmp_path, policy, signers=signers)
    assert report.passed
    assert only(report).digest is not None
    assert str(only(report).digest) == image.digest
    assert only(report).claims[0].names == (REPOSITORY,)
    assert "oci.tag-unproved" in codes(report, "warning")


def test_an_identity_at_the_tag_says_which_version_it_is(tmp_path: Path) -> None:
    report = check(signed()[0], tmp_path)
    assert report.passed
    assert codes(report) == {"policy.differs"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"form": "promise-only"},
        {"form": "timestamp"},
        {"form": "timestamp-sha512"},
        {"key_type": "p384"},
        {"key_type": "rsa3072"},
    ],
)
def test_keyless_signatures_of_every_form_hold(options: dict[str, Any], tmp_path: Path) -> None:
    report = check(signed(**options)[0], tmp_path)
    assert report.passed, report.verdicts
    (claim,) = only(report).claims
    assert claim.kind.value == "cosign-signature"
    assert claim.accepted_by == ("airgap-kit",)
    assert claim.log


@pytest.mark.parametrize("form", ["keyed", "keyed+promise-only", "keyed+timestamp"])
def test_keyed_signatures_hold_under_a_key_of_this_host(form: str, tmp_path: Path) -> None:
    carried, _ = signed(form=form, key="release")
    report = check(carried, tmp_path, line('signer = "key"'), keys=(LAB.public_key(),))
    assert report.passed, report.verdicts
    other = check(carried, tmp_path, line('signer = "key"'), keys=(LAB.public_key("other"),))
    assert not other.passed
    assert "sigstore.entry" in codes(other)


def test_a_keyed_signature_without_a_log_needs_a_rule_that_says_so(tmp_path: Path) -> None:
    carried, _ = signed(form="keyed+no-log", key="release")
    keys = (LAB.public_key(),)
    assert "policy.log" in codes(check(carried, tmp_path, line('signer = "key"'), keys=keys))
    rule = line('signer = "key"\nlog = false')
    assert check(carried, tmp_path, rule, keys=keys).passed


@pytest.mark.parametrize(
    "form", ["", "promise-only", "intoto", "intoto-0.0.1", "intoto-0.0.1-bare", "timestamp"]
)
def test_attestations_of_every_form_hold(form: str, tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    options: dict[str, Any] = {"form": form} if form else {}
    layer = lab_cosign.attestation(carried.store, LAB, image, SPDX, BILL, **options)
    carried.att(carried.store.attached(layer), image)
    report = check(carried, tmp_path, line('signer = "release"\nsbom = true'))
    assert report.passed, report.verdicts
    (claim,) = only(report).claims
    assert (claim.kind.value, claim.predicate_type) == ("cosign-attestation", SPDX)


def test_a_bundle_that_refers_to_the_image_holds_by_both_verifiers(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    source = f"oci:{REPOSITORY}@{image.digest}"
    carried.artifact(image, source)
    carried.bundle(*lab_cosign.signed_bundle(carried.store, LAB, image), image)
    rule = f'signer = "release"\npredicate-type = "{lab_cosign.SIGN}"'
    report = check(carried, tmp_path, line(rule, source))
    assert report.passed, report.verdicts
    assert only(report).claims[0].accepted_by == ("airgap-kit", "sigstore-python")
    assert codes(report) == {"policy.differs"}


def test_docker_s_media_types_are_read_as_oci_s(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.index(carried.store.image(docker=True), docker=True)
    carried.artifact(image)
    layer = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(layer), image)
    assert check(carried, tmp_path).passed


def test_workers_find_the_same(tmp_path: Path) -> None:
    carried, image = signed(form="timestamp")
    carried.att(carried.store.attached(
        lab_cosign.attestation(carried.store, LAB, image, SPDX, BILL),
        lab_cosign.attestation(carried.store, LAB, image, SPDX, BILL, identity=STRANGER),
    ), image)  # fmt: skip
    assert check(carried, tmp_path, workers=2) == check(carried, tmp_path)


# ---- what a signature is of ---------------------------------------------------------


def test_a_signature_of_another_digest_is_refused(tmp_path: Path) -> None:
    carried = Carried()
    image, other = carried.store.image(), carried.store.image("linux/arm64")
    carried.artifact(image)
    layer = lab_cosign.signature(carried.store, LAB, other, REPOSITORY)
    carried.sig(carried.store.attached(layer), image)
    report = check(carried, tmp_path)
    assert not report.passed
    assert {"cosign.other-image", "policy.unmet"} <= codes(report)


def test_a_signature_for_another_repository_does_not_name_a_tag_s_image(tmp_path: Path) -> None:
    report = check(signed("ghcr.io/acme/other")[0], tmp_path)
    assert codes(report, "error") == {"artifact.name-unproved"}
    policy = line()
    lax = check(
        signed("ghcr.io/acme/other")[0],
        tmp_path,
        policy,
        signers="strict-names = false\n" + SIGNERS,
    )
    assert lax.passed
    assert "artifact.name-unproved" in codes(lax, "warning")


def test_a_mirror_says_where_the_image_was_published(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    source = "oci:mirror.test:5000/copies/tool:1.0"
    carried.artifact(image, source)
    layer = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(layer), image)
    assert "artifact.name-unproved" in codes(check(carried, tmp_path, line(source=source)), "error")
    told = line(source=source, more=f'published-as = "{REPOSITORY}"')
    assert check(carried, tmp_path, told).passed
    wrong = line(source=source, more='published-as = "ghcr.io/acme/other"')
    assert not check(carried, tmp_path, wrong).passed


def test_a_signed_name_with_a_tag_binds_that_tag_alone(tmp_path: Path) -> None:
    assert check(signed(f"{REPOSITORY}:1.0")[0], tmp_path).passed
    report = check(signed(f"{REPOSITORY}:0.9")[0], tmp_path)
    assert codes(report, "error") == {"artifact.name-unproved"}


def test_docker_hub_has_several_names(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image, "oci:alpine:1.0")
    layer = lab_cosign.signature(carried.store, LAB, image, "index.docker.io/library/alpine")
    carried.sig(carried.store.attached(layer), image)
    assert check(carried, tmp_path, line(source="oci:alpine:1.0")).passed


def test_a_digest_binds_whatever_the_signature_calls_it(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    source = f"oci:mirror.test/tool@{image.digest}"
    carried.artifact(image, source)
    layer = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(layer), image)
    report = check(carried, tmp_path, line(source=source))
    assert report.passed
    assert codes(report) == {"policy.differs"}


def test_a_stranger_s_signature_is_not_the_signer_s(tmp_path: Path) -> None:
    report = check(signed(identity=STRANGER)[0], tmp_path)
    assert "policy.identity" in codes(report)
    assert not report.passed


def test_another_instance_s_signature_is_refused(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    layer = lab_cosign.signature(carried.store, Lab("mallory"), image, REPOSITORY)
    carried.sig(carried.store.attached(layer), image)
    assert "sigstore.chain" in codes(check(carried, tmp_path))


def _twist(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Carried:
    """Return a pack whose signature was changed by hand; `change` gets it, and another's."""
    carried = Carried()
    image, other = carried.store.image(), carried.store.image("linux/arm64")
    carried.artifact(image)
    mine = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    theirs = lab_cosign.signature(carried.store, LAB, other, REPOSITORY, identity=STRANGER)
    change(mine, theirs)
    carried.sig(carried.store.attached(mine), image)
    carried.artifact(other, "oci:ghcr.io/acme/other:1.0")
    return carried


SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
BUNDLE = "dev.sigstore.cosign/bundle"


def _swap(*keys: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        for key in keys:
            mine["annotations"][key] = theirs["annotations"][key]

    return change


def _payload(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    mine["digest"], mine["size"] = theirs["digest"], theirs["size"]


def _no_log(mine: dict[str, Any], _: dict[str, Any]) -> None:
    del mine["annotations"][BUNDLE]


def _time(mine: dict[str, Any], _: dict[str, Any]) -> None:
    bundle = json.loads(mine["annotations"][BUNDLE])
    bundle["Payload"]["integratedTime"] += 60
    mine["annotations"][BUNDLE] = json.dumps(bundle)


def _set(key: str, value: str) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(mine: dict[str, Any], _: dict[str, Any]) -> None:
        mine["annotations"][key] = value

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_payload, "sigstore.entry"),
        (_swap(BUNDLE), "sigstore.entry"),  # CVE-2022-36056, CVE-2026-22703
        (_swap(SIGNATURE), "sigstore.entry"),
        (_swap(CERTIFICATE), "sigstore.entry"),
        (_swap(SIGNATURE, BUNDLE), "sigstore.entry"),
        (_swap(SIGNATURE, CERTIFICATE, BUNDLE), "sigstore.entry"),
        (_no_log, "sigstore.no-log"),
        (_time, "sigstore.promise"),
        (_set(SIGNATURE, ""), "evidence.malformed"),
        (_set(SIGNATURE, "AA"), "evidence.malformed"),
        (_set(CERTIFICATE, "nonsense"), "evidence.malformed"),
        (_set(BUNDLE, "{}"), "evidence.malformed"),
        (_set(BUNDLE, "["), "evidence.malformed"),
        (_set("dev.sigstore.cosign/chain", "nonsense"), "evidence.malformed"),
        (_set("dev.sigstore.cosign/rfc3161timestamp", "{}"), "evidence.malformed"),
    ],
)
def test_a_signature_put_together_from_parts_is_refused(
    change: Callable[[dict[str, Any], dict[str, Any]], None], code: str, tmp_path: Path
) -> None:
    carried = _twist(change)
    rest = line('digest = "sha256:' + "0" * 64 + '"', "oci:ghcr.io/acme/other:1.0")
    report = check(carried, tmp_path, line() + rest)
    verdict = next(verdict for verdict in report.verdicts if verdict.source == SOURCE)
    assert not verdict.passed
    assert code in {finding.code for finding in verdict.findings}, verdict.findings


def test_a_timestamp_over_the_signature_is_not_one_over_the_envelope(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    layer = lab_cosign.attestation(carried.store, LAB, image, SPDX, BILL, form="timestamp")
    stamp = json.dumps({"SignedRFC3161Timestamp": base64(LAB.stamp(b"another signature"))})
    layer["annotations"]["dev.sigstore.cosign/rfc3161timestamp"] = stamp
    carried.att(carried.store.attached(layer), image)
    assert "sigstore.timestamp" in codes(check(carried, tmp_path))


@pytest.mark.parametrize("form", ["promise-only", "intoto-0.0.1"])
def test_an_entry_of_another_envelope_is_refused(form: str, tmp_path: Path) -> None:
    """Of intoto 0.0.1, which has no signature in it, the envelope's hash is what must fit."""
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    layer = lab_cosign.attestation(carried.store, LAB, image, SPDX, BILL, form=form)
    raw = carried.store.blobs[layer["digest"].removeprefix("sha256:")]
    spaced = json.dumps(json.loads(raw)).encode()  # the same envelope in other bytes
    again = carried.store.put(lab_cosign.DSSE, spaced)
    carried.att(carried.store.attached(again.descriptor(annotations=layer["annotations"])), image)
    del carried.store.blobs[layer["digest"].removeprefix("sha256:")]
    assert "sigstore.entry" in codes(check(carried, tmp_path))


@pytest.mark.parametrize(
    "changes", [{"type": "atomic container signature"}, {"image": {}}, {"identity": None}]
)
def test_other_payloads_are_malformed(changes: dict[str, Any], tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    raw = lab_cosign.payload(image, REPOSITORY, changes)
    carried.sig(carried.store.attached(lab_cosign.signed(carried.store, LAB, raw)), image)
    assert "evidence.malformed" in codes(check(carried, tmp_path))


def test_a_signature_over_a_file_s_digest_is_about_images_only(tmp_path: Path) -> None:
    carried, _ = signed()
    tool = b"a file"
    carried.files["artifacts/tool"] = tool
    carried.artifacts.append(
        Artifact(name="tool", source="https://a.test/tool", member="artifacts/tool")
    )
    blob = Blob(media_type="", raw=tool)
    layer = lab_cosign.signature(carried.store, LAB, blob, "https/tool")
    manifest = carried.store.attached(layer)
    carried.sig(manifest, blob)
    kept = carried.evidence[path_of(manifest)]
    carried.evidence[path_of(manifest)] = EvidenceFile(
        kind=kept.kind, name=kept.name, member=kept.member, about=("artifacts/tool",)
    )
    report = check(carried, tmp_path, line() + line(source="https://a.test/tool"))
    verdict = next(verdict for verdict in report.verdicts if verdict.name == "tool")
    assert not verdict.passed
    assert "evidence.unsupported" in {finding.code for finding in verdict.findings}


def test_over_a_hundred_signatures_are_refused(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    layer = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    hundred = [layer | {"annotations": layer["annotations"] | {"n": str(n)}} for n in range(101)]
    carried.sig(carried.store.attached(*hundred), image)
    report = check(carried, tmp_path)
    assert "cosign.too-many" in codes(report)
    assert not report.passed


def test_signatures_that_are_said_to_be_about_many_images_are_refused(tmp_path: Path) -> None:
    carried, _ = signed()
    (kept,) = carried.evidence.values()
    others = [carried.store.put("x", f"{number}".encode()) for number in range(16)]
    about = tuple(sorted({*kept.about, *map(path_of, others)}))
    carried.evidence[kept.member] = replace(kept, about=about)
    assert "cosign.too-many" in codes(check(carried, tmp_path))


# ---- what is unsigned ---------------------------------------------------------------


def test_an_attached_sbom_is_unsigned(tmp_path: Path) -> None:
    carried, image = signed()
    carried.sbom(*carried.store.sbom(json.dumps(BILL).encode()), image)
    report = check(carried, tmp_path)
    assert report.passed
    assert "evidence.unsigned" in codes(report, "note")
    asked = check(carried, tmp_path, line('signer = "release"\nsbom = true'))
    assert "policy.unmet" in codes(asked)


def test_buildkit_s_attestations_are_unsigned_and_no_platform(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    attested = carried.store.buildkit(image)
    index = carried.store.index(image, dict(attesting(attested, image)))
    carried.artifact(index)
    carried.buildkit(attested, image)
    layer = lab_cosign.signature(carried.store, LAB, index, REPOSITORY)
    carried.sig(carried.store.attached(layer), index)
    report = check(carried, tmp_path)
    assert report.passed, report.verdicts
    told = [f for f in only(report).findings if f.code == "evidence.unsigned"]
    assert "https://slsa.dev/provenance/v0.2" in told[0].message
    asked = check(carried, tmp_path, line('signer = "release"\npredicate-type = "slsa-provenance"'))
    assert not asked.passed


# ---- lists of image digests -----------------------------------------------------------

LISTED = 'signer = "release"\nlisted-in = "image-digest.txt"'


def listed(carried: Carried, image: Blob, text: str, **options: Any) -> None:
    """Carry a signed list of image digests that is said to be about an image."""
    raw = text.encode()
    carried.files["evidence/image-digest.txt"] = raw
    carried.evidence["evidence/image-digest.txt"] = EvidenceFile(
        kind=EvidenceKind.IMAGE_DIGESTS,
        name="image-digest.txt",
        member="evidence/image-digest.txt",
        about=(path_of(image),),
    )
    carried.files["evidence/image-digest.txt.sigstore.json"] = LAB.sign(raw, **options)
    carried.evidence["evidence/image-digest.txt.sigstore.json"] = EvidenceFile(
        kind=EvidenceKind.SIGSTORE,
        name="image-digest.txt.sigstore.json",
        member="evidence/image-digest.txt.sigstore.json",
        about=("evidence/image-digest.txt",),
    )


def unsigned() -> tuple[Carried, Blob]:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    return carried, image


def test_a_signed_list_names_image_and_tag(tmp_path: Path) -> None:
    carried, image = unsigned()
    listed(carried, image, f"{image.digest}  {REPOSITORY}:1.0@{image.digest}\n")
    report = check(carried, tmp_path, line(LISTED))
    assert report.passed, report.verdicts
    (claim,) = only(report).claims
    assert (claim.kind.value, claim.listed_in) == ("image-digests", "image-digest.txt")
    assert claim.names == (f"{REPOSITORY}:1.0",)
    # What is listed is not what is signed itself.
    assert "policy.listed-in" in codes(check(carried, tmp_path))


def test_a_signed_list_that_gives_the_tag_another_digest_fails_the_image(tmp_path: Path) -> None:
    carried, image = signed()
    listed(carried, image, f"sha256:{'0' * 64}  {REPOSITORY}:1.0\n")
    assert "digest.mismatch" in codes(check(carried, tmp_path), "error")
    listed(carried, image, f"sha256:{'0' * 64}  {REPOSITORY}:1.0\n", identity=STRANGER)
    assert check(carried, tmp_path).passed


@pytest.mark.parametrize("name", ["ghcr.io/acme/other:1.0", f"{REPOSITORY}:0.9"])
def test_a_signed_list_of_another_image_does_not_name_this_one(name: str, tmp_path: Path) -> None:
    carried, image = unsigned()
    listed(carried, image, f"{image.digest}  {name}\n")
    assert codes(check(carried, tmp_path, line(LISTED)), "error") == {"artifact.name-unproved"}


def test_a_list_without_the_image_is_told(tmp_path: Path) -> None:
    carried, image = unsigned()
    listed(carried, image, f"sha256:{'0' * 64}  ghcr.io/acme/other:1.0\n")
    report = check(carried, tmp_path, line(LISTED))
    assert {"digest.unlisted", "policy.unmet"} <= codes(report)


def test_an_unsigned_or_malformed_list_counts_for_nothing(tmp_path: Path) -> None:
    carried, image = unsigned()
    listed(carried, image, f"{image.digest}  {REPOSITORY}:1.0\n")
    del carried.evidence["evidence/image-digest.txt.sigstore.json"]
    del carried.files["evidence/image-digest.txt.sigstore.json"]
    assert "evidence.unsigned" in codes(check(carried, tmp_path, line(LISTED)))
    listed(carried, image, "nonsense\n")
    assert "evidence.malformed" in codes(check(carried, tmp_path, line(LISTED)))
