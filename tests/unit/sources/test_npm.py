"""``npm:`` against the lab's registry over real HTTP: truth, faults, and who is told what."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import MachineError, UsageError
from kit.formats import npm_registry
from kit.formats.npm_package import NpmPackage
from kit.formats.source_text import parse_source
from kit.model import Answer, Asked, Gathered
from kit.sources import npm as npm_source
from kit.sources import npm_registry as registries
from kit.sources.deadline import Patience
from kit.sources.downloads import Downloads
from kit.sources.http import Client
from kit.sources.npm_registry import Registries, Registry
from tests.lab import Lab, npm
from tests.lab.hostile_http import CUT, RESET, Script, answer, head, moved
from tests.lab.npm import RegistryKey
from tests.lab.places import Npm, released, secrets_seen

KEY = RegistryKey(Lab("acme"))
NAME, TARBALL = "@acme/tool", "acme-tool-1.0.0.tgz"
RELEASE = released(KEY, NAME, "1.0.0")
LATER = released(KEY, NAME, "1.1.0")
SOURCE = parse_source(f"npm:{NAME}@1.0.0", "source")
TOKEN = "npm_s3cr3t-t0ken"  # noqa: S105 - a marker to look for
BEARER = f"Bearer {TOKEN}"
PATIENCE = Patience(read=0.3, retries=1, backoff=0.01, jitter=0.0, window=0.3, longest_wait=1)
(CONTENT,) = RELEASE.files.values()
PACKUMENT_PATH, KEYS_PATH = "/@acme%2Ftool", "/-/npm/v1/keys"


@pytest.fixture
def place() -> Iterator[Npm]:
    with Npm(RELEASE, LATER, keys=(KEY,)) as running:
        yield running


def gather(
    place: Npm,
    into: Path,
    takes: Callable[[str], bool] | None = lambda _: True,
    registry: Registry | None = None,
) -> Gathered:
    registry = registry or registries.read(place.url)
    client = Client(patience=PATIENCE, credentials=registry.credentials)
    return npm_source.gather(SOURCE, takes, Downloads(into, client), registry)


def rows(got: Gathered) -> dict[str, Asked]:
    return {row.wanted: row for row in got.asked}


def edited(**dist: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return an edit of the version's ``dist``."""

    def edit(packument: dict[str, Any]) -> dict[str, Any]:
        packument["versions"]["1.0.0"]["dist"].update(dist)
        return packument

    return edit


def test_the_tarball_comes_with_its_signatures_and_attestations(place: Npm, tmp_path: Path) -> None:
    got = gather(place, tmp_path)
    assert [(found.name, found.path.read_bytes()) for found in got.artifacts] == [
        (TARBALL, CONTENT)
    ]
    assert [found.name for found in got.evidence] == [
        f"{TARBALL}.npm-packument.json",
        f"{TARBALL}.npm-attestations.json",
    ]
    assert [(row.wanted, row.answer) for row in got.asked] == [
        (f"packument of {NAME}@1.0.0", Answer.FOUND),
        (TARBALL, Answer.FOUND),
        (f"{TARBALL}.npm-packument.json", Answer.FOUND),
        (f"{TARBALL}.npm-attestations.json", Answer.FOUND),
        ("public keys of the registry", Answer.FOUND),
    ]
    keys = got.asked[-1]
    assert keys.sha256 == hashlib.sha256(npm.endpoint(KEY)).hexdigest()
    assert not any(KEY.pem in path.read_bytes() for path in tmp_path.iterdir())


def test_evidence_alone_fetches_no_tarball(place: Npm, tmp_path: Path) -> None:
    got = gather(place, tmp_path, None)
    assert got.artifacts == ()
    assert len(got.evidence) == 2
    assert place.registry.asked(place.tarball_path(RELEASE)) == []


@pytest.mark.parametrize("text", ["npm:other@1.0.0", f"npm:{NAME}@2.0.0"])
def test_a_package_or_version_that_is_not_there_is_absent(
    text: str, place: Npm, tmp_path: Path
) -> None:
    source = parse_source(text, "s")
    registry = registries.read(place.url)
    downloads = Downloads(tmp_path, Client(patience=PATIENCE))
    with pytest.raises(MachineError) as caught:
        npm_source.gather(source, None, downloads, registry)
    assert caught.value.code == "machine.absent"


def test_what_a_registry_does_not_have_is_told_as_absent(tmp_path: Path) -> None:
    with Npm(released(KEY, NAME, "1.0.0", bundles=())) as place:
        place.registry.on(KEYS_PATH, answer(404))
        got = gather(place, tmp_path)
    assert got.evidence == ()
    found = rows(got)
    for wanted in (
        f"{TARBALL}.npm-packument.json",
        f"{TARBALL}.npm-attestations.json",
        "public keys of the registry",
    ):
        assert found[wanted].answer is Answer.ABSENT
    assert found[f"{TARBALL}.npm-packument.json"].note == "it has no signatures"


FAULTS: list[tuple[Script, str]] = [
    (answer(401), "machine.unauthorized"),
    (answer(403), "machine.unauthorized"),
    (answer(429, b"", "Retry-After: 3600"), "machine.rate-limited"),
    (answer(500), "machine.server"),
    (answer(503, b"", "Retry-After: -1"), "machine.server"),
    (answer(204), "machine.unexpected"),
    (answer(200, b"<html>", "Content-Type: text/html"), "machine.portal"),
    ([RESET], "machine.unreachable"),
    ([1.0], "machine.timeout"),
    ([head("HTTP/1.1 200 OK", "Content-Length: 9"), b"x", CUT], "machine.truncated"),
    (answer(200, b"x" * 17, "Content-Encoding: gzip"), "machine.encoded"),
    ([head("HTTP/1.1 200 OK", f"Content-Length: {1 << 40}"), 1.0], "machine.too-large"),
    (moved("http://169.254.169.254/latest/"), "machine.redirect"),
]


@pytest.mark.parametrize(("script", "code"), FAULTS)
@pytest.mark.parametrize("asked", ["packument", "tarball", "attestations", "keys"])
def test_what_could_not_be_asked_is_not_absent(
    asked: str, script: Script, code: str, place: Npm, tmp_path: Path
) -> None:
    place.registry.on(path_of(asked, place), script)
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == code


def path_of(asked: str, place: Npm) -> str:
    return {
        "packument": PACKUMENT_PATH,
        "tarball": place.tarball_path(RELEASE),
        "attestations": place.attestations_path(NAME, "1.0.0"),
        "keys": KEYS_PATH,
    }[asked]


@pytest.mark.parametrize("asked", ["packument", "tarball", "attestations", "keys"])
def test_k013_a_place_that_flaps_is_asked_again(asked: str, place: Npm, tmp_path: Path) -> None:
    place.registry.fault(path_of(asked, place), answer(503))
    assert len(gather(place, tmp_path).artifacts) == 1


# ---- what the packument says, and what it may not

OTHER = b"another"
SHA1 = hashlib.sha1(OTHER, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("dist", "code"),
    [
        ({"integrity": npm.integrity(OTHER)}, "machine.digest"),
        ({"integrity": npm.integrity(OTHER, "sha256"), "shasum": None}, "machine.digest"),
        ({"shasum": SHA1}, "machine.digest"),
        ({"integrity": None, "shasum": SHA1}, "machine.digest"),
        # The strongest counts, whatever weaker one beside it agrees.
        ({"integrity": f"{npm.integrity(OTHER)} {npm.integrity(CONTENT, 'sha256')}"},
         "machine.digest"),
        ({"integrity": f"{npm.integrity(CONTENT)} {npm.integrity(OTHER)}"}, "machine.unexpected"),
        ({"integrity": "sha512-AAAA"}, "machine.unexpected"),
        ({"integrity": "sha3-AAAA"}, "machine.unexpected"),
        ({"integrity": ""}, "machine.unexpected"),
        ({"integrity": 7}, "machine.unexpected"),
        ({"shasum": SHA1.upper()}, "machine.unexpected"),
        ({"signatures": [{"keyid": "x"}]}, "machine.unexpected"),
        ({"signatures": [{"keyid": "x" * 201, "sig": "AAAA"}]}, "machine.unexpected"),
        ({"signatures": [{"keyid": "x", "sig": "AAA"}]}, "machine.unexpected"),
        ({"signatures": [{"keyid": "x", "sig": "AAAA"}] * 17}, "machine.unexpected"),
        ({"tarball": None}, "machine.unexpected"),
        ({"tarball": "file:///etc/passwd"}, "machine.unexpected"),
        ({"tarball": "http://user:word@127.0.0.1/x"}, "machine.unexpected"),
        ({"tarball": "/" + "x" * 9000}, "machine.unexpected"),
        ({"tarball": "http://169.254.169.254/latest/"}, "machine.redirect"),
        ({"tarball": "/nowhere"}, "machine.absent"),
    ],
)  # fmt: skip
def test_a_packument_that_leads_astray_ends_the_collect(
    dist: dict[str, Any], code: str, place: Npm, tmp_path: Path
) -> None:
    place.edit = edited(**dist)
    with pytest.raises((MachineError, UsageError)) as caught:
        gather(place, tmp_path)
    assert caught.value.code == code
    assert "word" not in caught.value.message


@pytest.mark.parametrize(
    "edit",
    [
        lambda packument: packument | {"name": "@acme/other"},
        lambda packument: packument | {"versions": []},
        lambda packument: packument | {"time": {"1.0.0": "yesterday"}},
        lambda packument: (
            packument | {"versions": {"1.0.0": packument["versions"]["1.0.0"] | {"name": "other"}}}
        ),
        lambda packument: (
            packument
            | {"versions": {"1.0.0": packument["versions"]["1.0.0"] | {"version": "1.0.1"}}}
        ),
        lambda packument: packument | {"versions": {"1.0.0": {}}},
        lambda _: ["no packument"],
    ],
)
def test_what_is_no_packument_of_the_version_is_refused(
    edit: Callable[[dict[str, Any]], Any], place: Npm, tmp_path: Path
) -> None:
    place.edit = edit
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.unexpected"


@pytest.mark.parametrize(
    ("dist", "note"),
    [
        ({"integrity": None}, "the registry gives no digest but SHA-1"),
        ({"integrity": None, "shasum": None}, "the registry gives no digest"),
        ({"integrity": npm.integrity(CONTENT, "sha1")}, "the registry gives no digest but SHA-1"),
        ({"shasum": None}, None),
        ({"integrity": npm.integrity(CONTENT, "sha384")}, None),
    ],
)
def test_c164_weak_digests_are_told(
    dist: dict[str, Any], note: str | None, place: Npm, tmp_path: Path
) -> None:
    place.edit = edited(**dist)
    assert rows(gather(place, tmp_path))[TARBALL].note == note


def test_a_tarball_that_does_not_agree_is_fetched_again(place: Npm, tmp_path: Path) -> None:
    place.registry.fault(place.tarball_path(RELEASE), answer(200, CONTENT[:-1] + b"?"))
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.digest"
    assert gather(place, tmp_path).artifacts[0].path.read_bytes() == CONTENT


@pytest.mark.parametrize("url", [
    "https://elsewhere.invalid/-/npm/v1/attestations/@acme%2ftool@1.0.0",
    "https://elsewhere.invalid/evil",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/",
])  # fmt: skip
def test_attestations_are_asked_for_at_the_registry_whatever_host_is_named(
    url: str, place: Npm, tmp_path: Path
) -> None:
    place.edit = edited(attestations={"url": url})
    got = gather(place, tmp_path)
    row = rows(got)[f"{TARBALL}.npm-attestations.json"]
    assert row.answer is Answer.FOUND
    assert row.place.startswith(place.url)


def test_a_packument_of_too_many_bytes_is_not_read(place: Npm, tmp_path: Path) -> None:
    too_large = [head("HTTP/1.1 200 OK", f"Content-Length: {65 << 20}")]
    place.registry.fault(PACKUMENT_PATH, too_large)
    got = rows(gather(place, tmp_path))
    note = got[f"packument of {NAME}@1.0.0"].note
    assert note == "it does not say when it published it"  # the abbreviated form has no times
    place.registry.on(PACKUMENT_PATH, too_large)
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.too-large"


# ---- resuming


def test_what_is_whole_is_not_fetched_again_and_the_packument_is(
    place: Npm, tmp_path: Path
) -> None:
    place.registry.fault(KEYS_PATH, *[answer(503)] * 2)
    with pytest.raises(MachineError):
        gather(place, tmp_path)
    first = gather(place, tmp_path)
    place.registry.requests.clear()
    assert gather(place, tmp_path) == first
    assert [request.path for request in place.registry.requests] == [PACKUMENT_PATH]


# ---- who is told what


def test_k017_the_registrys_token_goes_to_the_registry_and_nobody_else(tmp_path: Path) -> None:
    with Npm(RELEASE, keys=(KEY,), authorization=BEARER, cdn=True) as place:
        registry = registries.read(place.url, BEARER)
        got = gather(place, tmp_path, registry=registry)
        assert len(got.artifacts) == 1
        assert all(r.values("authorization") == [BEARER] for r in place.registry.requests)
        assert place.files.requests
        assert secrets_seen(place.files.requests, [TOKEN]) == []
    for text in (repr(got), repr(registry), *(p.read_text("latin-1") for p in tmp_path.iterdir())):
        assert TOKEN not in text


def test_k015_the_token_does_not_follow_a_redirect_not_even_back(tmp_path: Path) -> None:
    with Npm(RELEASE, keys=(KEY,), authorization=BEARER, cdn=True) as place:
        registry = registries.read(place.url, BEARER)
        place.registry.fault(KEYS_PATH, moved(place.files.url("/elsewhere")))
        place.files.on("/elsewhere", moved(place.registry.url("/back")))
        with pytest.raises(MachineError) as caught:
            gather(place, tmp_path, registry=registry)
        assert caught.value.code == "machine.unauthorized"
        assert secrets_seen(place.files.requests, [TOKEN]) == []
        assert secrets_seen(place.registry.asked("/back"), [TOKEN]) == []


# ---- which registry


def test_a_registrys_url_ends_in_a_slash_and_has_no_query_or_credentials() -> None:
    assert registries.read("https://npm.test/a").url == "https://npm.test/a/"
    for text in ("https://npm.test/?x", "https://u:word@npm.test/", "npm.test", "file:///x"):
        with pytest.raises(UsageError) as caught:
            registries.read(text)
        assert "word" not in caught.value.message


def test_a_registry_below_a_path_is_asked_below_it() -> None:
    registry = registries.read("https://npm.test/api/npm/main")
    package = NpmPackage(name=NAME, version="1.0.0")
    base = "https://npm.test/api/npm/main"
    assert registry.packument(NAME) == f"{base}/@acme%2Ftool"
    assert registry.keys == f"{base}/-/npm/v1/keys"
    asked = f"{base}/-/npm/v1/attestations/@acme%2Ftool@1.0.0"
    assert registry.attestations(package, None) == asked
    named = "https://npm.invalid/-/npm/v1/attestations/x"
    assert registry.attestations(package, named) == f"{base}/-/npm/v1/attestations/x"


def test_a_scope_may_have_a_registry_of_its_own() -> None:
    usual, own = registries.read("https://npm.test/"), registries.read("https://acme.test/")
    known = Registries(usual=usual, by_scope={"@acme": own})
    assert known.of(NpmPackage(name="tool", version="1.0.0")) == usual
    assert known.of(NpmPackage(name="@acme/tool", version="1.0.0")) == own
    assert known.of(NpmPackage(name="@acme2/tool", version="1.0.0")) == usual


def test_the_public_registrys_address_is_packageurls() -> None:
    public = npm_registry.public()
    assert public.startswith("https://")
    assert public.endswith("/")
    assert registries.read(public).url == public


def test_basic_credentials_are_the_registrys_too() -> None:
    header = f"Basic {base64.b64encode(b'u:p').decode()}"
    assert registries.read("https://npm.test/", header).credentials == {
        "https://npm.test:443": header
    }
