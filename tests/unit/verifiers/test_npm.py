"""kit.verifiers.npm: registry signatures and attestations, under keys of this host alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Unpack

import pytest

from kit.check.jobs import Basis, Job, Outcome, Subject, run
from kit.errors import EvidenceError, RejectedError
from kit.formats import npm_keys, npm_package, npm_packument, subresource, trusted_root
from kit.formats.encodings import b64decode
from kit.formats.npm_packument import Published, RegistrySignature
from kit.model import Digest, EvidenceKind
from kit.trust.anchors import Anchor
from kit.trust.keys import KeyAnchor
from kit.trust.npm_keys import NpmKeyring
from kit.verifiers.npm import RegistryKeys
from tests.lab import Lab, Options, npm
from tests.lab.npm import RegistryKey, Window

LAB = Lab("acme", shape="full")
KEY, OTHER = RegistryKey(LAB), RegistryKey(LAB, "other")
NAME, VERSION, CONTENT = "@acme/tool", "1.0.0", b"the tarball"
TARBALL = "acme-tool-1.0.0.tgz"
AT = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = Window(end="2025-12-01T00:00:00Z")
PATH = "npm/keys.json"


def digests(content: bytes = CONTENT) -> Mapping[str, Digest]:
    return {
        name: Digest(name, hashlib.new(name, content).hexdigest()) for name in ("sha256", "sha512")
    }


def keyring(raw: bytes, path: str = PATH) -> NpmKeyring:
    return NpmKeyring(path=path, keys=npm_keys.parse(raw), raw=raw, origin="test")


def published(*keys: RegistryKey, integrity: str = npm.integrity(CONTENT)) -> Published:
    signatures = [key.signs(NAME, VERSION, integrity) for key in keys]
    return Published(
        package=npm_package.of(NAME, VERSION),
        integrity=integrity,
        digest=subresource.strongest(integrity),
        shasum=None,
        signatures=tuple(
            RegistrySignature(keyid=each["keyid"], sig=b64decode(each["sig"]))
            for each in signatures
        ),
        claimed=datetime(2025, 6, 1, tzinfo=UTC),
    )


def registries(raw: bytes, at: datetime = AT, *accepted: str) -> RegistryKeys:
    return RegistryKeys([keyring(raw)], at, frozenset(accepted))


# ---- registry signatures


def test_a_registry_signature_is_a_claim_by_its_key_without_time_or_log() -> None:
    (claim,) = registries(npm.targets(KEY)).verify(published(KEY)).claims_for("e", digests())
    assert (claim.kind, claim.instance) == (EvidenceKind.NPM_PACKUMENT, "npm")
    assert claim.identity.subject == f"sha256:{hashlib.sha256(KEY.spki).hexdigest()}"
    assert claim.identity.facts == {
        "key": PATH,
        "key-id": KEY.keyid,
        "claimed-time": "2025-06-01T00:00:00Z",
    }
    assert (claim.signed_at, claim.log, claim.names) == (None, {}, (npm.purl(NAME, VERSION),))


def test_of_several_signatures_each_by_a_known_key_must_hold() -> None:
    both = npm.targets(KEY, OTHER)
    claims = list(registries(both).verify(published(KEY, OTHER)).claims_for("e", digests()))
    assert len(claims) == 2
    # One by a stranger spoils nothing, and one that is forged under a known id does.
    assert len(registries(npm.targets(KEY)).verify(published(OTHER, KEY)).rows) == 1
    forged = published(KEY, OTHER)
    swapped = replace(forged.signatures[1], keyid=KEY.keyid)
    with pytest.raises(RejectedError) as caught:
        registries(both).verify(replace(forged, signatures=(forged.signatures[0], swapped)))
    assert caught.value.code == "npm.signature"


def test_a_key_that_has_not_begun_is_this_hosts_clock() -> None:
    later = npm.targets(KEY, window=Window(start="2026-02-01T00:00:00Z"))
    with pytest.raises(RejectedError) as caught:
        registries(later).verify(published(KEY))
    assert caught.value.code == "clock.behind"


def test_a_key_that_began_after_the_publishing_signs_anew() -> None:
    later = npm.targets(KEY, window=Window(start="2025-12-01T00:00:00Z"))
    assert len(registries(later).verify(published(KEY)).rows) == 1


@pytest.mark.parametrize("claimed", [None, datetime(2025, 12, 1, tzinfo=UTC)])
def test_an_ended_key_counts_by_the_registrys_word_alone(claimed: datetime | None) -> None:
    ended = npm.targets(KEY, window=ENDED)
    (claim,) = registries(ended, AT, PATH).verify(published(KEY)).claims_for("e", digests())
    assert claim.identity.facts["key-expired"] == "true"
    for told, accepted in [(claimed, (PATH,)), (published(KEY).claimed, ("npm/other.json",))]:
        with pytest.raises(RejectedError) as caught:
            registries(ended, AT, *accepted).verify(replace(published(KEY), claimed=told))
        assert caught.value.code == "npm.key-expired"


def test_the_newer_of_two_keys_is_enough() -> None:
    rings = [keyring(npm.targets(KEY, window=ENDED)), keyring(npm.targets(OTHER), "npm/new.json")]
    signed = RegistryKeys(rings, AT).verify(published(KEY, OTHER))
    assert [c.identity.facts["key"] for c in signed.claims_for("e", digests())] == ["npm/new.json"]


def test_a_weak_integrity_that_is_signed_proves_nothing() -> None:
    weak = published(KEY, integrity=npm.integrity(CONTENT, "sha1"))
    for given in (weak, replace(weak, integrity=None)):
        with pytest.raises(RejectedError) as caught:
            registries(npm.targets(KEY)).verify(given)
        assert caught.value.code == "npm.weak-digest"


def test_two_registries_may_call_different_keys_the_same() -> None:
    same = npm.endpoint(OTHER).replace(OTHER.keyid.encode(), KEY.keyid.encode())
    rings = [keyring(same, "npm/a.json"), keyring(npm.endpoint(KEY), "npm/b.json")]
    (claim,) = RegistryKeys(rings, AT).verify(published(KEY)).claims_for("e", digests())
    assert claim.identity.facts["key"] == "npm/b.json"


def test_a_key_that_is_over_by_one_file_and_not_by_another_makes_two_claims() -> None:
    rings = [keyring(npm.targets(KEY, window=ENDED)), keyring(npm.endpoint(KEY), "npm/b.json")]
    signed = RegistryKeys(rings, AT, frozenset({PATH})).verify(published(KEY))
    found = [claim.identity.facts for claim in signed.claims_for("e", digests())]
    assert [(f["key"], "key-expired" in f) for f in found] == [(PATH, True), ("npm/b.json", False)]


def test_no_bit_of_an_excerpt_can_be_changed_into_another_claim() -> None:
    raw, keys = npm_packument.excerpt(published(KEY)), registries(npm.targets(KEY))
    (right,) = keys.verify(published(KEY)).claims_for("e", digests())
    held = 0
    for at in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[at // 8] ^= 1 << at % 8
        try:
            found = [
                claim
                for version in npm_packument.signed(bytes(changed))
                for claim in keys.verify(version).claims_for("e", digests())
            ]
        except EvidenceError:
            continue
        held += len(found)
        assert all((one.names, one.digest) == (right.names, right.digest) for one in found)
    assert held > 0  # in the claimed time, which nobody signed


# ---- attestations, through the jobs of a check


def anchor(*keys: KeyAnchor) -> Anchor:
    raw = LAB.trusted_root()
    return Anchor(instance="acme", raw=raw, root=trusted_root.parse(raw), origin="test", keys=keys)


def outcome(
    raw: bytes,
    keys: bytes = npm.targets(KEY),
    kind: EvidenceKind = EvidenceKind.NPM_ATTESTATIONS,
    name: str | None = TARBALL,
    workers: int = 1,
    own: tuple[KeyAnchor, ...] = (),
) -> Outcome:
    basis = Basis(anchors=(anchor(*own),), at=AT, npm_keys=(keyring(keys),))
    subject = Subject(member="m", name=name, digests=digests())
    (found,) = run([Job(label="e", raw=raw, subjects=(subject,), kind=kind)], basis, workers)
    return found


def publish(predicate: dict[str, Any] | None = None, **options: Unpack[Options]) -> bytes:
    return npm.publish(KEY, NAME, VERSION, CONTENT, predicate, **options)


def test_a_publish_attestation_says_whose_key_and_which_registry() -> None:
    (claim,) = outcome(publish()).claims
    assert claim.identity.facts == {
        "key": PATH,
        "key-id": KEY.keyid,
        "registry": npm.REGISTRY,
    }
    assert claim.signed_at is not None


def test_workers_find_the_same() -> None:
    for raw in (publish(), npm.publish(KEY, NAME, VERSION, b"other")):
        assert outcome(raw, workers=2) == outcome(raw)


def test_the_rules_of_registries_hold_in_a_bundle_by_itself_too() -> None:
    alone = EvidenceKind.SIGSTORE
    assert outcome(publish(), kind=alone).claims[0].identity.facts["key"] == PATH
    ended = npm.targets(KEY, window=Window(end="2025-06-01T12:00:00Z"))
    (refusal,) = outcome(publish(), ended, alone).refusals
    assert refusal.code == "npm.key-time"
    (refusal,) = outcome(publish({"version": "9.9.9"}), kind=alone).refusals
    assert refusal.code == "npm.publish"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (LAB.attest({TARBALL: CONTENT}, form="keyed", key="npm"), "statement.subject"),
        (LAB.sign(CONTENT, form="keyed", key="npm"), "statement.subject"),
        (
            LAB.envelope(
                npm.statement(NAME, VERSION, CONTENT, "https://slsa.dev/provenance/v1", {}),
                form="keyed",
                key="npm",
            ),
            "npm.publish",
        ),
        (
            LAB.envelope(
                npm.statement(NAME, VERSION, CONTENT, npm.PUBLISH, {}), form="keyed", key="npm"
            ),
            "npm.publish",
        ),
        (publish({"registry": 7}), "npm.publish"),
        (publish({"name": None}), "npm.publish"),
        (npm.publish(OTHER, NAME, VERSION, CONTENT), "sigstore.entry"),
        (publish(form="no-log", spoil="signature"), "sigstore.signature"),
    ],
)
def test_what_a_registrys_key_did_not_sign_as_such_is_refused(raw: bytes, code: str) -> None:
    found = outcome(raw)
    assert found.claims == ()
    assert [refusal.code for refusal in found.refusals] == [code]


def test_without_a_log_nothing_vouches_for_the_time_and_the_key_must_be_current() -> None:
    raw = publish(form="no-log")
    (claim,) = outcome(raw).claims
    assert (claim.signed_at, claim.log) == (None, {})
    (refusal,) = outcome(raw, npm.targets(KEY, window=ENDED)).refusals
    assert refusal.code == "npm.key-expired"


def subjects(*given: dict[str, Any]) -> bytes:
    statement = json.loads(npm.statement(NAME, VERSION, CONTENT, npm.PUBLISH, {}))
    statement["subject"] = list(given)
    return LAB.envelope(json.dumps(statement).encode())


SHA256 = {"sha256": hashlib.sha256(CONTENT).hexdigest()}
SHA512 = {"sha512": hashlib.sha512(CONTENT).hexdigest()}
PURL = npm.purl(NAME, VERSION)


@pytest.mark.parametrize(
    "raw",
    [
        subjects({"name": PURL, "digest": SHA256}),
        subjects({"name": TARBALL, "digest": SHA512}),
        subjects({"digest": SHA512}),
        subjects({"name": f"{PURL}?x=y", "digest": SHA512}),
        subjects({"name": PURL.replace("%40", "@"), "digest": SHA512}),
        subjects({"name": PURL, "digest": SHA512}, {"name": "b", "digest": SHA512}),
    ],
)
def test_an_attestation_of_npms_is_about_one_purl_with_a_sha512(raw: bytes) -> None:
    (refusal,) = outcome(raw).refusals
    assert refusal.code == "statement.subject"


def test_other_bytes_under_the_files_name_contradict_it_and_under_another_do_not() -> None:
    other = npm.publish(KEY, NAME, VERSION, b"other")
    found = outcome(other)
    assert [refusal.code for refusal in found.refusals] == ["digest.mismatch"]
    (contradiction,) = found.contradictions
    assert contradiction.over.identity.facts["key"] == PATH
    for raw, name in [(npm.publish(KEY, NAME, "1.0.1", b"other"), TARBALL), (other, None)]:
        found = outcome(raw, name=name)
        assert [refusal.code for refusal in found.refusals] == ["statement.subject"]
        assert found.contradictions == ()


def test_an_ended_keys_contradiction_is_nobodys() -> None:
    ended = npm.targets(KEY, window=Window(end="2025-06-01T12:00:00Z"))
    found = outcome(npm.publish(KEY, NAME, VERSION, b"other"), ended)
    assert found.contradictions == ()


def test_a_key_that_the_host_also_has_as_its_own_counts_as_that_by_its_own_rules() -> None:
    own = (KeyAnchor(path="keys/npm.pub", der=KEY.spki, origin="test"),)
    (claim,) = outcome(publish(), own=own).claims
    assert claim.identity.facts["key"] == f"keys/npm.pub, {PATH}"
    ended = npm.targets(KEY, window=Window(end="2025-06-01T12:00:00Z"))
    (claim,) = outcome(publish(), ended, own=own).claims
    assert claim.identity.facts == {"key": "keys/npm.pub"}
