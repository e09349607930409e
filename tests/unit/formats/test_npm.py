"""npm's formats: names and purls, integrity, packuments, keys, attestations, tarballs."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import (
    kinds,
    npm_attestations,
    npm_keys,
    npm_package,
    npm_packument,
    npm_tarball,
    subresource,
)
from kit.formats.npm_package import NpmPackage
from kit.formats.source_text import parse_source
from kit.model import EvidenceKind
from tests.lab import Lab, npm
from tests.lab.npm import RegistryKey, Window

KEY, OTHER = RegistryKey(Lab("acme")), RegistryKey(Lab("acme"), "other")


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


# ---- names, versions, purls, sources


@pytest.mark.parametrize(
    ("text", "tarball", "purl"),
    [
        ("tool@1.0.0", "tool-1.0.0.tgz", "pkg:npm/tool@1.0.0"),
        ("@acme/tool@1.0.0", "acme-tool-1.0.0.tgz", "pkg:npm/%40acme/tool@1.0.0"),
        ("JSONStream@1.3.5", "JSONStream-1.3.5.tgz", "pkg:npm/JSONStream@1.3.5"),
        ("t.o_o~l@0.0.0-rc.1", "t.o_o~l-0.0.0-rc.1.tgz", "pkg:npm/t.o_o~l@0.0.0-rc.1"),
        ("a@1.2.3-0.a-b.10", "a-1.2.3-0.a-b.10.tgz", "pkg:npm/a@1.2.3-0.a-b.10"),
    ],
)
def test_a_package_is_written_in_three_ways(text: str, tarball: str, purl: str) -> None:
    package = npm_package.parse(text)
    assert (str(package), package.tarball, package.purl) == (text, tarball, purl)
    assert npm_package.parse_purl(purl) == package
    source = parse_source(f"npm:{text}", "s")
    assert (source.package, source.file_name) == (package, tarball)


@pytest.mark.parametrize(
    "text",
    [
        "tool", "tool@", "@acme/tool", "tool@1", "tool@1.0", "tool@v1.0.0", "tool@^1.0.0",
        "tool@1.0.0+build", "tool@01.0.0", "tool@1.0.0-01", "tool@1.0.0-", "tool@latest",
        "tool@1.0.0 ", "@acme@1.0.0", "@/tool@1.0.0", "@acme/@1.0.0", "@acme/a/b@1.0.0",
        "acme/tool@1.0.0", "../x@1.0.0", ".tool@1.0.0", "_tool@1.0.0", "to ol@1.0.0",
        "to%6fl@1.0.0", "node_modules@1.0.0", "@a/favicon.ico@1.0.0", "tööl@1.0.0",
        f"{'a' * 215}@1.0.0", f"tool@1.0.0-{'a' * 130}", "tool@1.0.0\n", "tool@\uff11.0.0",
    ],
)  # fmt: skip
def test_what_is_no_whole_version_of_a_package_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        npm_package.parse(text)
    with pytest.raises(MalformedError, match=r"^artifact\[0\]\.source: "):
        parse_source(f"npm:{text}", "artifact[0].source")


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:npm/@acme/tool@1.0.0", "pkg:npm/%40acme%2Ftool@1.0.0", "pkg:NPM/tool@1.0.0",
        "pkg:npm/tool@1.0.0?a=b", "pkg:npm/tool@1.0.0#x", "pkg:npm/tool", "pkg:npm//tool@1.0.0",
        "pkg:npm/acme/tool@1.0.0", "pkg:pypi/tool@1.0.0", "tool@1.0.0", "pkg:npm/t%6fol@1.0.0",
        "pkg:npm/tool%401.0.0", "pkg:npm/%40acme/tool%401.0.0", "",
    ],
)  # fmt: skip
def test_a_purl_in_another_spelling_names_nothing(purl: str) -> None:
    assert npm_package.parse_purl(purl) is None


@given(st.text(max_size=60))
def test_any_text_is_a_package_that_writes_itself_or_malformed(text: str) -> None:
    try:
        package = npm_package.parse(text)
    except MalformedError:
        return
    assert str(package) == text
    assert npm_package.parse_purl(package.purl) == package


# ---- integrity


def test_the_strongest_digest_counts_and_options_are_nothing() -> None:
    text = f"{npm.integrity(b'a', 'sha256')} {npm.integrity(b'b')}?x {npm.integrity(b'c', 'sha1')}"
    found = subresource.strongest(text)
    assert found is not None
    assert (found.algorithm, found) == ("sha512", subresource.strongest(npm.integrity(b"b")))
    assert subresource.strongest(npm.integrity(b"a", "sha1")) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "sha512", "sha512-", "sha512-AAAA", "SHA512-AAAA", "sha3-AAAA", "sha512-!!",
     f"{npm.integrity(b'a')} {npm.integrity(b'b')}", "sha256-" + "A" * 5000],
)  # fmt: skip
def test_what_is_no_integrity_or_of_two_files_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        subresource.strongest(text)


@given(st.text(max_size=80))
def test_any_integrity_parses_or_is_malformed(text: str) -> None:
    try:
        subresource.strongest(text)
    except MalformedError:
        return


# ---- packuments

CONTENT = b"a tarball"
PACKAGE = NpmPackage(name="@acme/tool", version="1.0.0")


def packument(**dist: Any) -> dict[str, Any]:
    integrity = npm.integrity(CONTENT)
    told = {
        "integrity": integrity,
        "signatures": [KEY.signs(PACKAGE.name, PACKAGE.version, integrity)],
        "tarball": "https://npm.test/t.tgz?token=s3cr3t",
    }
    said = {"name": PACKAGE.name, "version": PACKAGE.version, "dist": told | dist}
    return {
        "name": PACKAGE.name,
        "versions": {"1.0.0": said, "old": said | {"version": "old"}},
        "time": {"1.0.0": "2025-06-01T12:00:00.123Z"},
    }


def test_an_excerpt_is_a_packument_of_one_version_without_urls() -> None:
    found = npm_packument.version(encoded(packument()), PACKAGE)
    assert found is not None
    raw = npm_packument.excerpt(found)
    (again,) = npm_packument.signed(raw)
    assert (again.signed, again.signatures, again.claimed) == (
        found.signed,
        found.signatures,
        datetime(2025, 6, 1, 12, 0, 0, 123000, UTC),
    )
    assert b"s3cr3t" not in raw
    assert b"https" not in raw
    assert kinds.by_content("saved.json", raw) is EvidenceKind.NPM_PACKUMENT


def test_the_integrity_is_signed_as_it_stands() -> None:
    odd = f"  {npm.integrity(CONTENT)}\t{npm.integrity(CONTENT, 'sha1')} "
    found = npm_packument.version(encoded(packument(integrity=odd)), PACKAGE)
    assert found is not None
    assert found.signed == f"@acme/tool@1.0.0:{odd}".encode()
    assert npm_packument.signed(npm_packument.excerpt(found))[0].signed == found.signed


def test_versions_without_signatures_and_without_semver_are_not_signed() -> None:
    assert npm_packument.signed(encoded(packument(signatures=[]))) == ()
    assert len(npm_packument.signed(encoded(packument()))) == 1


@pytest.mark.parametrize(
    ("told", "reason"),
    [("broken", "broken"), (True, ""), (False, None), ("", None), (7, None),
     ("a\x1b[2J" + "!" * 300, "a [2J" + "!" * 195 + "…")],
)  # fmt: skip
def test_a_deprecation_is_told_short_and_plain(told: Any, reason: str | None) -> None:
    value = packument()
    value["versions"]["1.0.0"]["deprecated"] = told
    found = npm_packument.version(encoded(value), PACKAGE)
    assert found is not None
    assert found.deprecated == reason


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packument_or_malformed(raw: bytes) -> None:
    for read in (npm_packument.signed, npm_attestations.bundles, npm_keys.parse):
        with pytest.raises(MalformedError):
            read(raw)


# ---- keys


def test_keys_of_the_target_have_one_use_and_a_window() -> None:
    raw = npm.targets(KEY, window=Window(end="2026-01-01T00:00:00.000Z"))
    one, two = npm_keys.parse(raw)
    assert {*one.uses, *two.uses} == {npm_keys.SIGNATURES, npm_keys.ATTESTATIONS}
    assert one.der == KEY.spki
    assert not one.is_over(datetime(2025, 12, 31, tzinfo=UTC))
    assert one.is_over(datetime(2026, 1, 1, tzinfo=UTC))
    assert not one.was_for(datetime(2019, 12, 31, tzinfo=UTC))


def test_keys_of_the_endpoint_have_every_use_and_an_end_at_most() -> None:
    (key,) = npm_keys.parse(npm.endpoint(KEY, expires="2026-01-01T00:00:00.000Z"))
    assert key.uses == {npm_keys.SIGNATURES, npm_keys.ATTESTATIONS}
    assert (key.start, key.is_over(datetime(2026, 1, 1, tzinfo=UTC))) == (None, True)


def changed(raw: bytes, **changes: Any) -> bytes:
    value = json.loads(raw)
    value["keys"][0].update(changes)
    return encoded(value)


P384 = Lab("acme").public_key(key_type="p384").decode().splitlines()


@pytest.mark.parametrize(
    "raw",
    [
        b"{}", b"[]", b'{"keys":[]}', b'{"keys":{}}', b'{"keys":[{}]}',
        npm.endpoint(KEY, KEY),
        changed(npm.endpoint(KEY), key="AAAA"),
        changed(npm.endpoint(KEY), key="not base64"),
        changed(npm.endpoint(KEY), keyid=""),
        changed(npm.endpoint(KEY), keyid="x" * 300),
        changed(npm.endpoint(KEY), keyid="a\nb"),
        changed(npm.endpoint(KEY), expires="soon"),
        changed(npm.endpoint(KEY), key="".join(P384[1:-1])),
        changed(npm.endpoint(KEY), keytype="ssh-ed25519"),
        changed(npm.targets(KEY, uses=npm.SIGNATURES), keyUsage="npm:other"),
        npm.targets(KEY, window=Window(end="2019-01-01T00:00:00Z")),
        npm.endpoint(KEY).replace(b'"keyid"', b'"keyid":"x","keyid"'),
    ],
)  # fmt: skip
def test_keys_that_cannot_be_used_or_read_two_ways_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        npm_keys.parse(raw)


def test_keys_of_kinds_to_come_are_left_out_and_the_rest_is_read() -> None:
    raw = changed(npm.endpoint(OTHER, KEY), keytype="ssh-ed25519", scheme="ssh-ed25519")
    assert [key.keyid for key in npm_keys.parse(raw)] == [KEY.keyid]


# ---- attestations

BUNDLE = npm.publish(KEY, "tool", "1.0.0", CONTENT)


def test_an_answer_is_the_bundles_in_it() -> None:
    raw = npm.answer(BUNDLE, npm.provenance(Lab("acme"), "tool", "1.0.0", CONTENT))
    found = npm_attestations.bundles(raw)
    assert json.loads(found[0]) == json.loads(BUNDLE)
    assert len(found) == 2
    assert kinds.by_content("attestations.json", raw) is EvidenceKind.NPM_ATTESTATIONS
    assert kinds.of_bundle(raw) is EvidenceKind.NPM_ATTESTATIONS
    assert kinds.of_bundle(BUNDLE) is EvidenceKind.SIGSTORE


@pytest.mark.parametrize(
    "value",
    [
        {}, {"attestations": []}, {"attestations": {}}, {"attestations": [{}]},
        {"attestations": [{"predicateType": "x", "bundle": None}]},
        {"attestations": [{"predicateType": "x", "bundle": {"a": 1}}]},
        {"attestations": [{"predicateType": "x", "bundle": json.loads(BUNDLE)}] * 65},
    ],
)  # fmt: skip
def test_any_other_answer_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedError):
        npm_attestations.bundles(encoded(value))


# ---- tarballs


@pytest.mark.parametrize("folder", ["package", "tool-1.0.0"])
def test_a_tarball_says_what_its_package_json_says(folder: str) -> None:
    raw = npm.tarball(
        {
            f"{folder}/node_modules/other/package.json": b'{"name":"other","version":"2.0.0"}',
            f"{folder}/package.json": b'{"name":"@acme/tool","version":"1.0.0"}',
        }
    )
    assert npm_tarball.read(io.BytesIO(raw)) == PACKAGE


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"package.json": b'{"name":"tool","version":"1.0.0"}'},
        {"package/package.json": b"{"},
        {"package/package.json": b"[]"},
        {"package/package.json": b'{"name":"tool"}'},
        {"package/package.json": b'{"name":"tool","version":"1"}'},
        {"package/package.json": b'{"name":"tool","version":1}'},
        {"package/package.json": b'{"name":"tool","name":"evil","version":"1.0.0"}'},
        {
            "package/package.json": b'{"name":"tool","version":"1.0.0"}',
            "evil/package.json": b'{"name":"evil","version":"1.0.0"}',
        },
        {"package/package.json": b" " * ((1 << 20) + 1)},
    ],
)
def test_a_tarball_that_says_nothing_or_two_things_is_malformed(members: dict[str, bytes]) -> None:
    with pytest.raises(MalformedError):
        npm_tarball.read(io.BytesIO(npm.tarball(members)))


@pytest.mark.parametrize("raw", [b"", b"no gzip", npm.tarball({"a": b"b"})[:-9]])
def test_what_is_no_tarball_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        npm_tarball.read(io.BytesIO(raw))
