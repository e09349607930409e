"""Bundles by keys inside a pack: the key comes from the checking host, and the log counts."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from tests.e2e.conftest import Site
from tests.lab import AT, Lab

KEYED = """\
schema = 1
name = "tool"
version = "1.0"

[signers.release]
key = "keys/release.pub"
trusted-root = "acme"

[[artifact]]
source = "file:downloads"
files = ["tool-1.0.tar.gz"]

[[artifact.require]]
signer = "release"
"""
CONTENT = b"a release signed with a key\n"


@pytest.fixture
def keyed(site: Site) -> Site:
    """Publish a release whose bundle is by a key, which the host has."""
    site.policy("", KEYED)
    site.publish("tool-1.0.tar.gz", CONTENT, form="keyed")
    have_key(site, site.lab.public_key())
    return site


def have_key(site: Site, pem: bytes) -> None:
    folder = site.folder / "trust-roots/keys"
    folder.mkdir(exist_ok=True)
    (folder / "release.pub").write_bytes(pem)


def test_a_bundle_by_the_key_of_the_host_passes(keyed: Site) -> None:
    assert keyed.collect().status == 0
    ran = keyed.check()
    assert ran.status == 0
    report = ran.document["results"][0]["report"]
    (claim,) = report["artifacts"][0]["claims"]
    assert claim["identity"]["type"] == "key"
    assert claim["identity"]["facts"] == {"key": "keys/release.pub"}
    assert [anchor["instance"] for anchor in report["anchors"]] == ["acme", "keys/release.pub"]
    assert report["anchors"][1]["sha256"] == claim["identity"]["subject"].removeprefix("sha256:")


def test_a_bundle_by_another_key_does_not(keyed: Site) -> None:
    assert keyed.collect().status == 0
    have_key(keyed, Lab("mallory").public_key())
    ran = keyed.check()
    assert (ran.status, "sigstore.entry" in ran.codes) == (1, True)


def test_a_key_that_lies_beside_the_release_file_is_not_looked_at(keyed: Site) -> None:
    assert keyed.collect().status == 0
    shutil.move(keyed.folder / "trust-roots/keys", keyed.folder / "keys")
    ran = keyed.check()
    assert (ran.status, ran.codes) == (4, {"trust.missing"})


def test_a_key_file_that_is_none_is_no_anchor(keyed: Site) -> None:
    assert keyed.collect().status == 0
    have_key(keyed, b"ssh-ed25519 AAAA")
    ran = keyed.check()
    assert (ran.status, ran.codes) == (4, {"trust.malformed"})


def test_an_unlogged_signature_by_a_key_needs_the_rules_word(keyed: Site) -> None:
    bundle = Lab("acme", shape="github").attest({"tool-1.0.tar.gz": CONTENT}, form="keyed", at=AT)
    keyed.put("tool-1.0.tar.gz.sigstore.json", bundle)
    ran = keyed.collect()
    assert ran.status == 1
    pack = "tool-1.0.unmet.pack.tar"
    assert "policy.log" in keyed.check(pack).codes
    keyed.policy("log = false\n", KEYED)
    assert keyed.check(pack).status == 0


def test_a_whole_predicate_is_put_to_the_policys_schema(site: Site) -> None:
    site.publish("tool-1.0.tar.gz", CONTENT, predicate={"reviewed": True})
    assert site.collect().status == 0
    schema = site.folder / "reviewed.json"
    with (site.folder / "release.toml").open("a", encoding="utf-8") as file:
        file.write('predicate-schema = "reviewed.json"\n')
    schema.write_text('{"properties": {"reviewed": {"const": true}}, "required": ["reviewed"]}')
    assert site.check().status == 0
    schema.write_text('{"properties": {"reviewed": {"const": false}}, "required": ["reviewed"]}')
    ran = site.check()
    assert (ran.status, "policy.predicate-schema" in ran.codes) == (1, True)
    schema.unlink()
    ran = site.check()
    assert (ran.status, ran.codes) == (2, {"release.malformed"})


def test_denied_bytes_are_compared_by_whatever_algorithm(site: Site) -> None:
    site.publish("tool-1.0.tar.gz", CONTENT)
    assert site.collect().status == 0
    release = site.folder / "release.toml"
    text = release.read_text()
    denied = f'deny = {{digests = ["sha512:{hashlib.sha512(CONTENT).hexdigest()}"]}}\n'
    release.write_text(denied + text)
    ran = site.check()
    assert (ran.status, ran.errors_of("tool-1.0.tar.gz")) == (1, {"policy.denied"})
