"""A registry that tells the truth, and registries that do not (K-015 to K-040: security.md 4.2).

Spy servers stand where a secret must not go: what they were sent is looked at.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import KitError, MachineError, UsageError
from kit.formats import oci_reference
from kit.formats.docker_config import Login
from kit.model import Digest
from kit.sources import registry_access, urls
from kit.sources.hops import Reach
from kit.sources.http import Client, Patience
from kit.sources.registry import Document, Registry
from kit.sources.registry_access import Access
from kit.sources.registry_entrance import PULL, Entrance
from tests.lab import Lab
from tests.lab.hostile_http import CUT, HostileServer, Step, answer, head, moved
from tests.lab.images import DOCKER_MANIFEST
from tests.lab.places import Registry as Place
from tests.lab.places import Storage, TokenServer, secrets_seen
from tests.lab.places.registry import PASSWORD, TOKEN, USER
from tests.lab.shelf import (
    INDEX,
    MANIFEST,
    Blob,
    Shelf,
    bundle,
    image,
    index,
    referrer,
)

QUICK = Patience(
    connect=1.0, read=0.5, total=5.0, retries=1, backoff=0.01, jitter=0.01, longest_wait=1
)
SECRETS = (PASSWORD, TOKEN, "s1gn3d")
NONE = b'{"schemaVersion":2,"manifests":[]}'
LOGIN = Login(username=USER, secret=PASSWORD)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab("acme")


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    shelf.add(index([image("amd64"), image("arm64")]), tag="1.0")
    return shelf


def opened(place: Place, **access: object) -> Registry:
    """Return the kit's view of the place's repository."""
    repository = oci_reference.parse_repository(place.repository)
    given = {"login": lambda _: LOGIN} | access
    return Registry(repository, Access(**given), Client(patience=QUICK))  # type: ignore[arg-type]


def refused(ask: Callable[[], object]) -> KitError:
    with pytest.raises(KitError) as caught:
        ask()
    shown = f"{caught.value.message} {caught.value.hint} {caught.value.subject}"
    assert not any(secret in shown for secret in SECRETS)
    return caught.value


def resolved(place: Place, **access: object) -> Document:
    found = opened(place, **access).resolve("1.0")
    assert found is not None
    return found


# ---- the truth


@pytest.mark.parametrize("auth", ["", "basic", "token", "token-login"])
def test_a_tag_resolves_however_the_registry_lets_in(shelf: Shelf, auth: str) -> None:
    with Place(shelf, auth=auth) as place:
        assert str(resolved(place).digest) == shelf.tags["1.0"]
        assert opened(place).resolve("2.0") is None
    if auth.startswith("token"):
        asked = next(request for request in place.requests if request.path == "/token")
        assert "scope=repository:acme/tool:pull&" in f"{asked.target}&"  # ours, not the registry's


def test_a_login_is_sent_only_where_the_registry_asks_for_one(shelf: Shelf) -> None:
    with Place(shelf) as place:
        resolved(place)
    assert secrets_seen(place.requests, SECRETS) == []


def test_a_token_is_fetched_anew_when_the_old_one_is_refused(shelf: Shelf) -> None:
    with Place(shelf, auth="token") as place:
        registry = opened(place)
        assert registry.resolve("1.0") is not None
        digest = shelf.tags["1.0"]
        place.fault(place.path("manifests", digest), answer(401, b""))
        assert registry.by_digest(Digest("sha256", digest[7:])) is not None
    assert sum(request.path == "/token" for request in place.requests) == 2


def test_an_identity_token_is_posted_to_the_token_server(shelf: Shelf) -> None:
    login = Login(username="<token>", secret=PASSWORD, is_identity_token=True)
    with Place(shelf, auth="token") as place:
        resolved(place, login=lambda _: login)
    asked = next(request for request in place.requests if request.path == "/token")
    assert asked.method == "POST"
    assert PASSWORD not in asked.target


def test_who_has_no_login_is_told_how_to_get_one(shelf: Shelf) -> None:
    with Place(shelf, auth="basic") as place:
        error = refused(lambda: resolved(place, login=registry_access.nobody))
    assert error.code == "machine.unauthorized"
    assert f"docker login {place.host}" in (error.hint or "")


def test_a_mirror_is_asked_with_the_login_that_is_the_mirrors(shelf: Shelf) -> None:
    seen: list[str] = []

    def login(registry: str) -> Login:
        seen.append(registry)
        return LOGIN

    with Place(shelf, auth="basic") as place:
        access = Access(mirrors={"docker.io": f"{place.host}/acme"}, login=login)
        repository = oci_reference.parse_repository("docker.io/tool")
        named = replace(repository, path="tool")
        assert Registry(named, access, Client(patience=QUICK)).resolve("1.0") is not None
    assert set(seen) == {place.host}


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("alpine", "https://registry-1.docker.io/v2/library/alpine/manifests/1"),
        ("index.docker.io/acme/x", "https://registry-1.docker.io/v2/acme/x/manifests/1"),
        ("ghcr.io/acme/x", "https://ghcr.io/v2/acme/x/manifests/1"),
        ("registry.test:5000/x", "https://registry.test:5000/v2/x/manifests/1"),
        ("localhost:5000/x", "http://localhost:5000/v2/x/manifests/1"),
        ("inside.test/x", "http://inside.test/v2/x/manifests/1"),
    ],
)
def test_where_a_repository_is_asked_for(name: str, url: str) -> None:
    access = Access(plain_http={"inside.test"})
    reached = access.reached(oci_reference.parse_repository(name))
    assert reached.url("manifests", "1") == url


def test_docker_hub_may_be_mirrored_by_any_of_its_names() -> None:
    for name in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        mirrors = registry_access.read_pairs([f"{name}=mirror.test/hub"], "--mirror")
        reached = Access(mirrors=mirrors).reached(oci_reference.parse_repository("alpine"))
        assert reached.url("x") == "https://mirror.test/v2/hub/library/alpine/x"


@pytest.mark.parametrize("status", [404, 405])
def test_a_registry_that_knows_no_head_is_asked_by_get_what_it_wants(
    shelf: Shelf, status: int
) -> None:
    with Place(shelf, auth="basic") as place:
        challenge = answer(401, b"", 'WWW-Authenticate: Basic realm="x"')
        place.fault(place.path("manifests", "1.0"), challenge, answer(status), challenge)
        assert str(resolved(place).digest) == shelf.tags["1.0"]
    assert [r.method for r in place.requests[:3]] == ["GET", "HEAD", "GET"]


@pytest.mark.parametrize("value", ["a", "a=", "=b", "a=b c", "a=b@c", "a/../b=c#d"])
def test_an_option_that_is_no_pair_is_wrong_usage(value: str) -> None:
    with pytest.raises(UsageError):
        registry_access.read_pairs([value], "--mirror")


# ---- secrets


def test_a_realm_keeps_its_own_query(shelf: Shelf) -> None:
    with Place(shelf, auth="token") as place:
        place.realm = f"http://{place.host}/token?account=x"
        resolved(place)
        (asked,) = [r.target for r in place.requests if r.path == "/token"]
    assert asked.startswith("/token?account=x&service=")


def test_a_registry_outside_sends_nobody_to_a_realm_inside(shelf: Shelf) -> None:
    """The name of a registry outside may by now lead into this network (DNS rebinding)."""
    with Place(shelf, auth="token-login") as place:
        repository = oci_reference.parse_repository(place.repository)
        access = Access(login=lambda _: LOGIN)
        entrance = Entrance(access.reached(repository), PULL, access, Client(patience=QUICK))
        where = place.url(place.path("manifests", "1.0"))
        said = Client(patience=QUICK).ask("GET", where, limit=1 << 20)
        outside = replace(said, reach=Reach.PUBLIC)
        assert refused(lambda: entrance.open(where, None, outside)).code == "machine.redirect"
        assert not [request for request in place.requests if request.path == "/token"]
        assert entrance.open(where, None, said) == f"Bearer {TOKEN}"


def test_an_identity_token_is_no_password(shelf: Shelf) -> None:
    """It lets its holder in everywhere that its issuer is believed: no registry is shown it."""
    login = Login(username="<token>", secret=PASSWORD, is_identity_token=True)
    with Place(shelf, auth="basic") as place:
        error = refused(lambda: resolved(place, login=lambda _: login))
        assert error.code == "machine.unauthorized"
        assert not [r for r in place.requests if r.values("authorization")]


def test_a_realm_on_another_host_gets_nothing_unless_it_is_named(shelf: Shelf) -> None:
    with TokenServer(login=True) as spy, Place(shelf, auth="token-login") as place:
        place.realm = spy.url("/token")
        error = refused(lambda: resolved(place))
        assert error.code == "machine.realm"
        assert spy.requests == []
        assert f"--token-host {place.host}=127.0.0.1:{spy.port}" in (error.hint or "")
        named = {place.host: {f"127.0.0.1:{spy.port}"}}
        assert str(resolved(place, token_hosts=named).digest) == shelf.tags["1.0"]


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.test/token",
        "https://user:pass@auth.test/token",
        "ftp://auth.test/",
        "//auth.test/token",
        "",
    ],
)
def test_a_realm_without_tls_or_host_gets_nothing_even_if_it_is_named(
    shelf: Shelf, realm: str
) -> None:
    with Place(shelf, auth="token-login") as place:
        place.realm = realm
        if not realm:
            place.fault(
                place.path("manifests", "1.0"),
                *[answer(401, b"", "WWW-Authenticate: Bearer")] * 2,
            )
        error = refused(lambda: resolved(place, token_hosts={place.host: {"auth.test"}}))
    assert error.code in {"machine.realm", "machine.unexpected"}


def test_docker_hubs_and_gitlabs_token_servers_are_known() -> None:
    access = Access()
    for name, host in (("alpine", "auth.docker.io"), ("registry.gitlab.com/a/b", "gitlab.com")):
        base = access.reached(oci_reference.parse_repository(name)).base
        realm = urls.parse(f"https://{host}/token")
        assert access.may_give_tokens(base, realm)
        assert not access.may_give_tokens(base, replace(realm, scheme="http", port=80))
        assert not access.may_give_tokens(base, urls.parse("https://evil.test/"))


def test_a_login_is_not_sent_without_tls_to_another_host(shelf: Shelf) -> None:
    with Place(shelf, auth="basic") as place:
        client = Client(
            patience=QUICK,
            plain_http=frozenset({"inside.test"}),
            resolve=lambda _host, _port: ["127.0.0.1"],
        )
        access = Access(plain_http={"inside.test"}, login=lambda _: LOGIN)
        repository = oci_reference.parse_repository(f"inside.test:{place.port}/acme/tool")
        error = refused(lambda: Registry(repository, access, client).resolve("1.0"))
    assert error.code == "machine.unauthorized"
    assert secrets_seen(place.requests, SECRETS) == []


@pytest.mark.parametrize("auth", ["basic", "token-login"])
def test_blobs_on_another_host_are_fetched_without_credentials(
    shelf: Shelf, tmp_path: Path, auth: str
) -> None:
    with Storage(shelf) as storage, Place(shelf, auth=auth, storage=storage) as place:
        registry = opened(place)
        found = registry.resolve("1.0")
        assert found is not None
        child = registry.document(found.value.parts[0])
        assert child is not None
        assert registry.fetch(child.value.parts[0], tmp_path / "blob")
    assert secrets_seen(storage.requests, (PASSWORD, TOKEN)) == []
    assert [r for r in place.requests if "blobs" in r.path and r.values("authorization")]


def test_a_manifest_that_redirects_elsewhere_takes_no_credential_along(shelf: Shelf) -> None:
    with Place(shelf) as other, Place(shelf, auth="basic") as place:
        path = place.path("manifests", "1.0")
        place.fault(path, answer(401, b"", 'WWW-Authenticate: Basic realm="x"'))
        place.fault(path, answer(401, b"", 'WWW-Authenticate: Basic realm="x"'))
        place.fault(path, moved(other.url(path)))
        resolved(place)
    assert secrets_seen(other.requests, SECRETS) == []
    assert len(other.requests) == 1


def test_a_challenge_of_two_readings_gets_nothing(shelf: Shelf) -> None:
    with TokenServer() as spy, Place(shelf, auth="token") as place:
        twice = f'Bearer realm="http://{place.host}/token", realm="{spy.url("/token")}"'
        challenge = answer(401, b"", f"WWW-Authenticate: {twice}")
        place.fault(place.path("manifests", "1.0"), challenge, challenge)
        assert refused(lambda: resolved(place)).code == "machine.unexpected"
    assert spy.requests == []


@pytest.mark.parametrize(
    "said",
    [
        b"{}",
        b'{"token":"a","access_token":"b"}',
        b'{"token":"a\\r\\nX-Evil: 1"}',
        b'{"token":""}',
        b"not JSON",
        b'{"token":"' + b"x" * (1 << 18) + b'"}',
    ],
)
def test_a_token_server_that_gives_no_single_token_gives_none(shelf: Shelf, said: bytes) -> None:
    with Place(shelf, auth="token") as place:
        place.on("/token", answer(200, said))
        assert refused(lambda: resolved(place)).code in {"machine.unexpected", "machine.too-large"}


# ---- bytes


def test_what_came_by_tag_must_come_by_its_digest_too(shelf: Shelf) -> None:
    other = shelf.add(image("s390x"))
    with Place(shelf) as place:
        path = place.path("manifests", "1.0")
        place.fault(path, answer(200, other.raw + b" ", f"Content-Type: {MANIFEST}"))
        assert refused(lambda: resolved(place)).code == "machine.digest"


def test_a_registry_that_answers_differently_by_accept_is_refused(shelf: Shelf) -> None:
    digest = shelf.tags["1.0"]
    other = image("evil")
    with Place(shelf) as place:
        # Asked for the index by its digest alone, it hands out another document.
        path = place.path("manifests", digest)
        place.on(path, answer(200, other.raw, f"Content-Type: {MANIFEST}"))
        assert refused(lambda: resolved(place)).code == "machine.digest"


@pytest.mark.parametrize(
    ("value", "media_type", "code"),
    [
        ({"manifests": [], "layers": [], "config": {}}, INDEX, "oci.malformed"),
        ({"manifests": [], "config": {}}, INDEX, "oci.malformed"),
        ({"manifests": []}, MANIFEST, "oci.media-type"),
        ({"manifests": [], "mediaType": INDEX}, MANIFEST, "oci.media-type"),
        (
            {"manifests": []},
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "oci.unsupported",
        ),
        ({"schemaVersion": 1, "fsLayers": [], "history": []}, "application/json", "oci.malformed"),
        ({"manifests": [{"digest": "sha256:../../x"}]}, INDEX, "oci.malformed"),
    ],
)
def test_documents_that_nobody_should_take(
    value: dict[str, object], media_type: str, code: str
) -> None:
    raw = json.dumps({"schemaVersion": 2} | value).encode()
    with Place(Shelf()) as place:
        place.on(place.path("manifests", "1.0"), answer(200, raw, f"Content-Type: {media_type}"))
        error = refused(lambda: opened(place).resolve("1.0"))
    assert isinstance(error, MachineError)
    assert error.code == code


def test_a_child_of_another_type_than_its_index_says_is_refused(shelf: Shelf) -> None:
    with Place(shelf) as place:
        registry = opened(place)
        found = registry.resolve("1.0")
        assert found is not None
        child = replace(found.value.parts[0], media_type=DOCKER_MANIFEST)
        path = place.path("manifests", str(child.digest))
        raw = shelf.documents[str(child.digest)].raw
        place.on(path, answer(200, raw, "Content-Type: application/octet-stream"))
        assert refused(lambda: registry.document(child)).code == "oci.media-type"


def test_a_manifest_over_the_limit_is_not_read(shelf: Shelf) -> None:
    with Place(shelf) as place:
        place.on(
            place.path("manifests", "1.0"), [head("HTTP/1.1 200 -", f"Content-Length: {5 << 20}")]
        )
        assert refused(lambda: resolved(place)).code == "machine.too-large"


@pytest.mark.parametrize("wrong", [b"x", b"", b"longer than it should be, whatever it is"])
def test_a_blob_of_other_bytes_leaves_no_file(shelf: Shelf, tmp_path: Path, wrong: bytes) -> None:
    made = shelf.add(image("amd64"), tag="1.0")
    layer = made.parts[1]
    with Place(shelf) as place:
        place.on(place.path("blobs", layer.digest), answer(200, wrong))
        registry, found = opened(place), resolved(place)
        wanted = found.value.parts[1]
        error = refused(lambda: registry.fetch(wanted, tmp_path / "blob"))
    assert error.code in {"machine.digest", "machine.too-large"}
    assert list(tmp_path.iterdir()) == []


def test_a_blob_that_breaks_off_is_gone_on_with(tmp_path: Path) -> None:
    shelf = Shelf()
    content = random.Random(1).randbytes(4 << 20)
    made = shelf.add(image("amd64", content), tag="1.0")
    layer = made.parts[1]
    with Place(shelf) as place:
        path = place.path("blobs", layer.digest)
        length, etag = f"Content-Length: {len(layer.raw)}", f'ETag: "{layer.hex[:32]}"'
        place.fault(path, [head("HTTP/1.1 200 -", length, etag), layer.raw[: 3 << 20], CUT])
        registry, found = opened(place), resolved(place)
        assert registry.fetch(found.value.parts[1], tmp_path / "blob")
        ranges = [request.values("range") for request in place.requests if request.path == path]
    assert (tmp_path / "blob").read_bytes() == layer.raw
    assert ranges[0] == []
    assert ranges[1] != []


# ---- referrers


def test_referrers_come_page_by_page(shelf: Shelf, lab: Lab) -> None:
    about = shelf.documents[shelf.tags["1.0"]]
    made = [shelf.add(referrer(about, "text/x", Blob("text/x", b"%d" % n))) for n in range(5)]
    shelf.add(bundle(lab, about))
    with Place(shelf) as place:
        place.page_size = 2
        listed = opened(place).referrers(Digest("sha256", about.hex))
    assert listed is not None
    assert len(listed) == 6
    assert {part.digest.hex for part in listed} >= {document.hex for document in made}


@pytest.mark.parametrize("status", [404, 400, 405, 406, 501])
def test_no_referrers_api_is_told_from_no_referrers(shelf: Shelf, status: int) -> None:
    digest = Digest("sha256", shelf.tags["1.0"][7:])
    with Place(shelf) as place:
        assert opened(place).referrers(digest) == ()
        place.on(place.path("referrers", str(digest)), answer(status, b""))
        assert opened(place).referrers(digest) is None


def test_none_are_none_in_gos_spelling_too(shelf: Shelf) -> None:
    digest = Digest("sha256", shelf.tags["1.0"][7:])
    with Place(shelf) as place:
        none = b'{"schemaVersion":2,"manifests":null}'
        place.on(place.path("referrers", str(digest)), answer(200, none, f"Content-Type: {INDEX}"))
        assert opened(place).referrers(digest) == ()
        place.on(place.path("referrers", str(digest)), answer(200, b"{}", f"Content-Type: {INDEX}"))
        assert refused(lambda: opened(place).referrers(digest)).code == "oci.malformed"


@pytest.mark.parametrize("status", [403, 429, 500, 503, 204])
def test_a_referrers_api_that_does_not_answer_leaves_it_open(shelf: Shelf, status: int) -> None:
    digest = Digest("sha256", shelf.tags["1.0"][7:])
    with Place(shelf) as place:
        place.on(place.path("referrers", str(digest)), answer(status, b""))
        assert refused(lambda: opened(place).referrers(digest)).code.startswith("machine.")


def endless(place: Place, digest: Digest, link: str) -> None:
    page = answer(200, NONE, f"Content-Type: {INDEX}", f"Link: {link}")
    place.on(place.path("referrers", str(digest)), page)


def test_referrers_without_end_are_refused(shelf: Shelf) -> None:
    digest = Digest("sha256", shelf.tags["1.0"][7:])
    with Place(shelf) as place:
        here = place.path("referrers", str(digest))
        endless(place, digest, f'<{here}>; rel="next"')
        assert refused(lambda: opened(place).referrers(digest)).code == "machine.too-large"
        pages = itertools.count()

        def another() -> list[Step]:
            link = f'Link: <{here}?page={next(pages)}>; rel="next"'
            return answer(200, NONE, f"Content-Type: {INDEX}", link)

        place.on(here, another)
        assert refused(lambda: opened(place).referrers(digest)).code == "machine.too-large"


def test_more_referrers_than_the_bound_are_refused(shelf: Shelf) -> None:
    digest = Digest("sha256", shelf.tags["1.0"][7:])
    entry = {"mediaType": MANIFEST, "size": 1}
    listed = [entry | {"digest": f"sha256:{number:064x}"} for number in range(2001)]
    raw = json.dumps({"schemaVersion": 2, "manifests": listed}).encode()
    with Place(shelf) as place:
        here = place.path("referrers", str(digest))
        link = f'Link: <{here}?more>; rel="next"'
        place.on(here, answer(200, raw, f"Content-Type: {INDEX}", link))
        assert refused(lambda: opened(place).referrers(digest)).code == "machine.too-large"


def test_the_next_page_on_another_host_is_not_asked_for(shelf: Shelf) -> None:
    digest = Digest("sha256", shelf.tags["1.0"][7:])
    with HostileServer() as spy, Place(shelf) as place:
        endless(place, digest, f'<{spy.url("/next")}>; rel="next"')
        assert refused(lambda: opened(place).referrers(digest)).code == "machine.redirect"
    assert spy.requests == []


def test_a_blob_is_weighed_without_a_file(shelf: Shelf) -> None:
    made = shelf.add(image("amd64"), tag="1.0")
    path = made.parts[1].digest
    with Place(shelf) as place:
        registry, wanted = opened(place), resolved(place).value.parts[1]
        assert registry.weigh(wanted)
        place.on(place.path("blobs", path), answer(404, b""))
        assert not registry.weigh(wanted)
        whole = made.parts[1].raw
        for wrong in (whole[:-1] + b"x", whole + b"x", whole[:-1]):
            place.on(place.path("blobs", path), answer(200, wrong))
            code = refused(lambda: registry.weigh(wanted)).code
            assert code in {"machine.digest", "machine.too-large"}
        place.on(
            place.path("blobs", path),
            [head("HTTP/1.1 200 -", f"Content-Length: {len(whole)}"), whole[:-1], CUT],
        )
        assert refused(lambda: registry.weigh(wanted)).code == "machine.truncated"
