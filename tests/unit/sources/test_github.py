"""`github:` against a GitHub on loopback: what is asked, and what hostile answers come to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.errors import KitError, MachineError
from kit.formats.release_line import Line
from kit.formats.source_text import parse_source
from kit.model import Answer, Found, Gathered
from kit.sources import github as source
from kit.sources.deadline import Patience
from kit.sources.downloads import Downloads
from kit.sources.github_api import Access
from kit.sources.http import Client
from tests.lab import Lab
from tests.lab.hostile_http import CUT, RESET, Script, answer, head, moved
from tests.lab.places import GitHub, Publication, attested, secrets_seen
from tests.lab.places.github import RESET as RATE_RESET
from tests.lab.places.github import SIGNATURE, commit_of

LAB = Lab("acme")
TOOL, WHEEL = "tool-1.0.tar.gz", "tool-1.0-py3-none-any.whl"
FILES = {TOOL: b"the sdist" * 40, WHEEL: b"the wheel" * 40}
RELEASE = attested(LAB, "tool", "1.0", FILES)
TOKEN = "ghp_s3cr3tT0ken"  # noqa: S105 - a marker to look for, not a secret
QUICK = Patience(read=0.3, retries=1, backoff=0.01, jitter=0.0, longest_wait=0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose no time with faults."""

    def client(**more: Any) -> Client:
        return Client(**{"patience": QUICK} | more)

    monkeypatch.setattr("kit.sources.github_api.Client", client)


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub(RELEASE, token=TOKEN) as running:
        yield running


def line_of(*files: str) -> Line:
    text = parse_source("github:acme/tool@v1.0", "source")
    return Line(source=text, files=files, evidence=(), require=())


def gather(github: GitHub, into: Path, *files: str, token: str | None = None) -> Gathered:
    where = source.Places(
        access=Access(api=github.url, token=token), plain=Downloads(into, Client(patience=QUICK))
    )
    line = line_of(*files)
    return source.gather(line.source, line, (), where)


def look(github: GitHub, into: Path, text: str, *known: Found) -> Gathered:
    where = source.Places(
        access=Access(api=github.url), plain=Downloads(into, Client(patience=QUICK))
    )
    return source.gather(parse_source(text, "evidence"), None, known, where)


def refused(github: GitHub, into: Path, *files: str, token: str | None = None) -> MachineError:
    with pytest.raises(MachineError) as caught:
        gather(github, into, *files, token=token)
    assert not list(into.glob("*.part"))
    return caught.value


def attestations(name: str = TOOL) -> str:
    return f"/attestations/sha256:{hashlib.sha256(FILES[name]).hexdigest()}"


# ---- what is found


@pytest.mark.parametrize("token", [None, TOKEN])
def test_assets_attestations_and_the_commit(
    github: GitHub, tmp_path: Path, token: str | None
) -> None:
    got = gather(github, tmp_path, TOOL, token=token)
    assert {found.name: found.path.read_bytes() for found in got.artifacts} == {TOOL: FILES[TOOL]}
    (bundle,) = got.evidence
    assert bundle.name == f"{TOOL}.sigstore.json"
    assert json.loads(bundle.path.read_bytes()) == json.loads(RELEASE.bundles[TOOL][0])
    told = {row.wanted: (row.answer, row.note) for row in got.asked}
    assert told == {
        "release v1.0": (Answer.FOUND, None),
        "commit of v1.0": (Answer.FOUND, f"commit {commit_of(RELEASE)}"),
        TOOL: (Answer.FOUND, None),
        WHEEL: (Answer.SKIPPED, "the line does not name it"),
        bundle.name: (Answer.FOUND, None),
    }
    assert all("?" not in row.place and SIGNATURE not in row.place for row in got.asked)


def test_without_a_token_downloads_cost_no_request_of_the_api(
    github: GitHub, tmp_path: Path
) -> None:
    gather(github, tmp_path, TOOL)
    assert [request.path.rpartition("/")[2] for request in github.web.requests] == [TOOL]
    assert len(github.api.requests) == 4


def test_k017_the_token_is_the_apis_alone(github: GitHub, tmp_path: Path) -> None:
    github.stored = True
    gather(github, tmp_path, token=TOKEN)
    assert all(r.values("authorization") == [f"Bearer {TOKEN}"] for r in github.api.requests)
    assert github.storage.requests
    others = [*github.web.requests, *github.storage.requests]
    assert secrets_seen(others, [TOKEN]) == []
    assert all(r.values("x-github-api-version") for r in github.api.requests)


def test_an_annotated_tag_is_followed_to_its_commit(tmp_path: Path) -> None:
    with GitHub(RELEASE, annotated=True) as github:
        got = gather(github, tmp_path, TOOL)
        tag, _ = github.pointed(RELEASE)
    (row,) = [row for row in got.asked if row.wanted == "commit of v1.0"]
    assert row.note == f"commit {commit_of(RELEASE)}, by the annotated tag {tag}"


def test_every_page_is_read(tmp_path: Path) -> None:
    files = {f"tool-1.0-{n}.bin": b"%d" % n for n in range(7)}
    with GitHub(Publication(name="tool", version="1.0", files=files), page=2) as github:
        digest = f"sha256:{hashlib.sha256(b'3').hexdigest()}"
        github.more[digest] = [
            LAB.attest({"x": b"3"}, predicate_type=f"https://acme.test/{n}") for n in range(5)
        ]
        got = gather(github, tmp_path, "*")
    assert len(got.artifacts) == 7
    assert len(got.evidence) == 5
    assert {found.name for found in got.evidence} == {"tool-1.0-3.bin.sigstore.json"}
    assert sum(row.answer is Answer.ABSENT for row in got.asked) == 6


def test_one_attestation_of_several_files_is_carried_once(tmp_path: Path) -> None:
    bundle = LAB.attest(FILES)
    release = replace(RELEASE, bundles=dict.fromkeys(FILES, (bundle,)))
    for stored in (False, True):
        with GitHub(release, stored=stored) as github:
            got = gather(github, tmp_path, "*")
        assert [found.name for found in got.evidence] == [f"{WHEEL}.sigstore.json"]
        assert sum(row.wanted.endswith(".sigstore.json") for row in got.asked) == 2


def test_what_is_stored_is_kept_byte_for_byte(tmp_path: Path) -> None:
    with GitHub(RELEASE, stored=True) as github:
        got = gather(github, tmp_path, TOOL)
    assert got.evidence[0].path.read_bytes() == RELEASE.bundles[TOOL][0]
    assert not [row for row in got.asked if str(github.storage.port) in row.place]


def test_an_immutable_releases_attestation_is_asked_for_by_its_tag(tmp_path: Path) -> None:
    bundle = Lab("acme", shape="github").release("acme/tool", "v1.0", FILES)
    for annotated in (False, True):
        with GitHub(RELEASE, immutable={"v1.0": bundle}, annotated=annotated) as github:
            got = gather(github, tmp_path, "*")
            sha, _ = github.pointed(RELEASE)
            (asked,) = github.api.asked(github.path(f"/attestations/sha1:{sha}"))
        assert "predicate_type=release" in asked.target
        assert [found.name for found in got.evidence].count("release.sigstore.json") == 1
        assert len(got.evidence) == 3


def test_a_release_that_says_immutable_and_is_not_attested_is_a_row(
    github: GitHub, tmp_path: Path
) -> None:
    github.edit = _edited("release", immutable=True)
    rows = gather(github, tmp_path, TOOL).asked
    assert [r.answer for r in rows if r.wanted == "attestations of the release"] == [Answer.ABSENT]


def test_a_name_that_is_not_among_the_assets_is_a_row(github: GitHub, tmp_path: Path) -> None:
    rows = gather(github, tmp_path, TOOL, "tool-1.0.deb").asked
    assert [r.answer for r in rows if r.wanted == "tool-1.0.deb"] == [Answer.ABSENT]


def test_evidence_is_looked_for_about_files_of_another_source(
    github: GitHub, tmp_path: Path
) -> None:
    path = tmp_path / TOOL
    path.write_bytes(FILES[TOOL])
    sha256 = hashlib.sha256(FILES[TOOL]).hexdigest()
    known = Found(name=TOOL, path=path, size=len(FILES[TOOL]), sha256=sha256)
    got = look(github, tmp_path, "github:acme/tool", known)
    assert (got.artifacts, [item.name for item in got.evidence]) == ((), [f"{TOOL}.sigstore.json"])
    other = replace(known, name="other", sha256="0" * 64)
    got = look(github, tmp_path, "github:acme/tool", other)
    assert [(row.wanted, row.answer) for row in got.asked] == [
        ("repository acme/tool", Answer.FOUND),
        ("attestations of other", Answer.ABSENT),
    ]


def test_a_repository_that_cannot_be_seen_is_not_one_without_attestations(
    github: GitHub, tmp_path: Path
) -> None:
    with pytest.raises(MachineError, match="no such repository") as caught:
        look(github, tmp_path, "github:acme/secret")
    assert caught.value.code == "machine.absent"
    assert "GH_TOKEN" in (caught.value.hint or "")


def test_k010_a_release_that_is_not_there_is_an_error(github: GitHub, tmp_path: Path) -> None:
    github.api.on(github.path("/releases/tags/v1.0"), answer(404))
    assert refused(github, tmp_path).code == "machine.absent"
    assert len(github.api.requests) == 1


# ---- what could not be asked

COULD_NOT = [
    (answer(401), "machine.unauthorized"),
    (answer(403), "machine.unauthorized"),
    (answer(403, b"", "Retry-After: 3600"), "machine.rate-limited"),
    (answer(429), "machine.rate-limited"),
    (answer(500), "machine.server"),
    (answer(503), "machine.server"),
    (answer(204), "machine.unexpected"),
    (answer(200, b"<html>", "Content-Type: text/html"), "machine.portal"),
    ([RESET], "machine.unreachable"),
    ([2.0], "machine.timeout"),
    ([head("HTTP/1.1 200 OK", "Content-Length: 9"), CUT], "machine.truncated"),
    (answer(200, b"{}", "Content-Encoding: gzip"), "machine.encoded"),
    ([head("HTTP/1.1 200 OK", "Content-Length: 99999999999")], "machine.too-large"),
    (moved("http://169.254.169.254/latest"), "machine.redirect"),
    (answer(200, b""), "machine.unexpected"),
    (answer(200, b"[]"), "machine.unexpected"),
    (answer(200, b'{"attestations":[],"attestations":[]}'), "machine.unexpected"),
    (answer(200, b"{" * 100_000), "machine.unexpected"),
]


@pytest.mark.parametrize(("script", "code"), COULD_NOT)
@pytest.mark.parametrize("rest", [attestations(), "/releases/tags/v1.0", "/git/ref/tags/v1.0"])
def test_what_could_not_be_asked_is_not_absent(
    rest: str, script: Script, code: str, github: GitHub, tmp_path: Path
) -> None:
    github.api.on(github.path(rest), script)
    error = refused(github, tmp_path, TOOL, token=TOKEN)
    assert error.code == code
    assert TOKEN not in repr(error.args) + error.message + (error.hint or "")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer(403), "machine.unauthorized"),
        (answer(404), "machine.unexpected"),
        (answer(503), "machine.server"),
        ([RESET], "machine.unreachable"),
        ([head("HTTP/1.1 200 OK"), b"x" * 360, CUT], "machine.truncated"),
        ([head("HTTP/1.1 200 OK", "Content-Length: 360"), b"x", CUT], "machine.truncated"),
        ([head("HTTP/1.1 200 OK", "Content-Length: 360"), b"x", 2.0], "machine.timeout"),
        (answer(200, b"<html>", "Content-Type: text/html"), "machine.portal"),
        (answer(200, b"x" * 360, "Content-Encoding: gzip"), "machine.encoded"),
        (moved("http://169.254.169.254/x"), "machine.redirect"),
        (moved("file:///etc/passwd"), "machine.redirect"),
    ],
)
@pytest.mark.parametrize("what", ["asset", "bundle"])
def test_what_the_storage_does_not_give_is_not_absent(
    what: str, script: Script, code: str, github: GitHub, tmp_path: Path
) -> None:
    github.stored = True
    bundle = hashlib.sha256(RELEASE.bundles[TOOL][0]).hexdigest()
    path = f"/assets/{github.asset(TOOL).number}" if what == "asset" else ""
    github.storage.on(path or f"/attestations/{bundle}.json.sn", script)
    error = refused(github, tmp_path, TOOL, token=TOKEN)
    assert error.code == code
    assert SIGNATURE not in error.message + str(error.subject)
    assert secrets_seen(github.storage.requests, [TOKEN]) == []


def test_a_rate_limit_that_ends_soon_is_waited_for(github: GitHub, tmp_path: Path) -> None:
    soon = (
        "X-RateLimit-Remaining: 0",
        f"X-RateLimit-Reset: {RATE_RESET}",
        "Date: Sun, 01 Jun 2025 12:59:59 GMT",
    )
    github.api.fault(github.path("/releases/tags/v1.0"), answer(403, b"", *soon))
    assert gather(github, tmp_path, TOOL).artifacts


@pytest.mark.parametrize(
    "more",
    [
        ("Date: nonsense",),
        (),
        ("Date: Sun, 01 Jun 2025 12:00:00 GMT",),
        ("Date: Sun, 01 Jun 2025 12:00:00 -0000",),
    ],
)
def test_a_rate_limit_that_does_not_is_told_at_once(
    github: GitHub, tmp_path: Path, more: tuple[str, ...]
) -> None:
    spent = ("X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {RATE_RESET}", *more)
    github.api.on(github.path("/releases/tags/v1.0"), answer(403, b"", *spent))
    error = refused(github, tmp_path)
    assert error.code == "machine.rate-limited"
    assert "until 2025-06-01T13:00:00Z" in error.message
    assert "GH_TOKEN" in (error.hint or "")
    assert len(github.api.requests) == 1


@pytest.mark.parametrize("reset", ["-1", "9" * 12, "9" * 30, "٣", "1e9", ""])
def test_a_reset_that_is_no_time_is_only_a_rate_limit(
    github: GitHub, tmp_path: Path, reset: str
) -> None:
    value = reset.encode().decode("latin-1")
    headers = ("X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {value}")
    github.api.on(github.path("/releases/tags/v1.0"), answer(403, b"", *headers))
    assert refused(github, tmp_path).code == "machine.rate-limited"


# ---- hostile answers


def _edited(kind: str, **members: Any) -> Callable[[str, Any], Any]:
    """Return an edit of one kind of answer: of every item, where it is a list."""

    def change(rest: str, value: Any) -> Any:
        if rest != kind:
            return value
        if isinstance(value, list):
            return [{**item, **members} for item in value]
        if kind == "attestations":
            return {"attestations": [{**item, **members} for item in value["attestations"]]}
        return {**value, **members}

    return change


@pytest.mark.parametrize(
    ("kind", "members", "code"),
    [
        ("release", {"tag_name": "v2.0"}, "machine.unexpected"),
        ("release", {"id": "../../x"}, "machine.unexpected"),
        ("release", {"id": -1}, "machine.unexpected"),
        ("release", {"id": None}, "machine.unexpected"),
        ("assets", {"name": "../../etc/passwd"}, "machine.unexpected"),
        ("assets", {"name": "a/b"}, "machine.unexpected"),
        ("assets", {"name": "a" * 300}, "machine.unexpected"),
        ("assets", {"name": "a\u202eb"}, "machine.unexpected"),
        ("assets", {"name": ""}, "machine.unexpected"),
        ("assets", {"name": TOOL}, "machine.unexpected"),  # twice
        ("assets", {"digest": "sha256:../../x"}, "machine.unexpected"),
        ("assets", {"digest": "sha256:" + "0" * 64}, "machine.digest"),
        ("assets", {"digest": 7}, "machine.unexpected"),
        ("assets", {"size": 5}, "machine.too-large"),
        ("assets", {"size": 361}, "machine.digest"),
        ("assets", {"size": 1 << 60}, "machine.too-large"),
        ("assets", {"size": "many"}, "machine.unexpected"),
        ("assets", {"state": "starter"}, "machine.unexpected"),
        ("assets", {"browser_download_url": "file:///etc/passwd"}, "machine.unexpected"),
        ("assets", {"browser_download_url": "ftp://127.0.0.1/x"}, "machine.unexpected"),
        ("assets", {"browser_download_url": "http://a:b@127.0.0.1/x"}, "machine.unexpected"),
        ("assets", {"browser_download_url": "http://169.254.169.254/x"}, "machine.redirect"),
        ("assets", {"browser_download_url": "https://169.254.169.254/x"}, "machine.redirect"),
        ("ref", {"ref": "refs/tags/v2.0"}, "machine.unexpected"),
        ("ref", {"object": {"sha": "../x", "type": "commit"}}, "machine.unexpected"),
        ("ref", {"object": {"sha": "0" * 40, "type": "blob"}}, "machine.unexpected"),
        ("ref", {"object": {"sha": "0" * 40, "type": "tag"}}, "machine.unexpected"),
        ("attestations", {"bundle": []}, "machine.unexpected"),
        ("attestations", {"bundle": None, "bundle_url": None}, "machine.unexpected"),
        ("attestations", {"bundle": None, "bundle_url": "x" * 9000}, "machine.unexpected"),
        ("attestations", {"bundle": None, "bundle_url": "/gone?sig=1"}, "machine.unexpected"),
        (
            "attestations",
            {"bundle": None, "bundle_url": "https://169.254.169.254/x?sig=1"},
            "machine.redirect",
        ),
    ],
)
def test_a_hostile_answer_ends_the_collect(
    kind: str, members: dict[str, Any], code: str, github: GitHub, tmp_path: Path
) -> None:
    github.edit = _edited(kind, **members)
    with pytest.raises(KitError) as caught:
        gather(github, tmp_path, "*")
    assert caught.value.code == code
    assert "sig=" not in caught.value.message + str(caught.value.subject)


@pytest.mark.parametrize("body", [b"", b"\xff" * 9, b"\x02\x04[]", b"\x01\x00{", b"\x01\x00x"])
def test_what_is_stored_must_be_a_bundle_in_a_snappy_block(
    body: bytes, github: GitHub, tmp_path: Path
) -> None:
    github.edit = _edited("attestations", bundle=None)
    github.storage.otherwise(answer(200, body))
    digest = hashlib.sha256(RELEASE.bundles[TOOL][0]).hexdigest()
    github.storage.on(f"/attestations/{digest}.json.sn", answer(200, body))
    error = refused(github, tmp_path, TOOL)
    assert error.code == "machine.unexpected"
    assert SIGNATURE not in error.message


def test_k024_other_bytes_of_the_right_length_are_refused(github: GitHub, tmp_path: Path) -> None:
    asset = github.asset(TOOL)
    swapped = bytes(len(asset.content))
    github.storage.on(f"/assets/{asset.number}", answer(200, swapped))
    assert refused(github, tmp_path, TOOL).code == "machine.digest"
    assert not [path for path in tmp_path.iterdir() if path.read_bytes() == swapped]


def test_an_asset_without_a_digest_is_taken_by_its_size(tmp_path: Path) -> None:
    with GitHub(RELEASE, digests=False) as github:
        assert gather(github, tmp_path, TOOL).artifacts
        github.storage.on(f"/assets/{github.asset(WHEEL).number}", answer(200, b"short"))
        assert refused(github, tmp_path, WHEEL).code == "machine.digest"


def test_k034_pages_that_lead_in_a_circle_end(github: GitHub, tmp_path: Path) -> None:
    url = github.api.url(github.path(attestations()))
    page = b'{"attestations":[]}'
    github.api.on(github.path(attestations()), answer(200, page, f'Link: <{url}>; rel="next"'))
    assert refused(github, tmp_path, TOOL).code == "machine.too-large"
    assert len(github.api.asked(github.path(attestations()))) == 2


def test_k034_pages_without_an_end_end(github: GitHub, tmp_path: Path) -> None:
    path = github.path(attestations())
    numbers = iter(range(10_000))

    def endless() -> list[bytes]:
        link = f'Link: <{github.api.url(path)}?after={next(numbers)}>; rel="next"'
        body = b'{"attestations":[]}'
        return [head("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", link) + body]

    github.api.on(path, endless)
    assert refused(github, tmp_path, TOOL).code == "machine.too-large"
    assert len(github.api.asked(path)) == 100


def test_k034_more_attestations_than_anybody_makes_are_refused(
    github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.sources.attestations.MAX_LISTED", 3)
    digest = f"sha256:{hashlib.sha256(FILES[TOOL]).hexdigest()}"
    github.more[digest] = [b'{"n":%d}' % n for n in range(25)]
    assert refused(github, tmp_path, TOOL).code == "machine.too-large"


def test_the_order_of_a_list_makes_no_difference(github: GitHub, tmp_path: Path) -> None:
    digest = f"sha256:{hashlib.sha256(FILES[TOOL]).hexdigest()}"
    found = []
    for order in (range(25), reversed(range(25))):
        github.more[digest] = [b'{"n":%d}' % n for n in order]
        found.append(gather(github, tmp_path, TOOL))
    assert found[0] == found[1]
    assert len(found[0].evidence) == 26


def test_a_next_page_that_is_not_there_is_no_end_of_the_list(
    github: GitHub, tmp_path: Path
) -> None:
    link = f'Link: <{github.api.url("/gone")}>; rel="next"'
    github.api.on(github.path(attestations()), answer(200, b'{"attestations":[]}', link))
    github.api.on("/gone", answer(404))
    error = refused(github, tmp_path, TOOL)
    assert error.code == "machine.unexpected"
    assert "/gone" in error.message


def test_two_that_ask_with_one_token_share_their_downloads(github: GitHub, tmp_path: Path) -> None:
    where = source.Places(
        access=Access(api=github.url, token=TOKEN),
        plain=Downloads(tmp_path, Client(patience=QUICK)),
    )
    line = line_of(TOOL)
    for _ in range(2):
        source.gather(line.source, line, (), where)
    assert (
        len(github.api.asked(f"/repos/acme/tool/releases/assets/{github.asset(TOOL).number}")) == 1
    )


def test_the_next_page_is_of_the_same_origin(github: GitHub, tmp_path: Path) -> None:
    link = f'Link: <{github.storage.url("/x")}>; rel="next"'
    github.api.on(github.path(attestations()), answer(200, b'{"attestations":[]}', link))
    assert refused(github, tmp_path, TOOL, token=TOKEN).code == "machine.redirect"
    assert secrets_seen(github.storage.requests, [TOKEN]) == []


def test_a_page_of_more_than_the_api_gives_is_refused(github: GitHub, tmp_path: Path) -> None:
    github.edit = lambda rest, value: (
        {"attestations": value["attestations"] * 101} if rest == "attestations" else value
    )
    assert refused(github, tmp_path, TOOL).code == "machine.unexpected"


def test_k015_a_redirect_of_the_api_to_another_origin_loses_the_token(
    github: GitHub, tmp_path: Path
) -> None:
    github.api.on(github.path("/releases/tags/v1.0"), moved(github.web.url("/x")))
    refused(github, tmp_path, token=TOKEN)
    assert github.web.requests
    assert secrets_seen(github.web.requests, [TOKEN]) == []


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_renamed_repository_is_found_under_its_old_name(
    github: GitHub, tmp_path: Path, token: str | None
) -> None:
    github.renamed["acme/old"] = "acme/tool"
    line = replace(line_of(TOOL), source=parse_source("github:acme/old@v1.0", "source"))
    where = source.Places(
        access=Access(api=github.url, token=token),
        plain=Downloads(tmp_path, Client(patience=QUICK)),
    )
    got = source.gather(line.source, line, (), where)
    assert len(got.artifacts) == len(got.evidence) == 1


def test_assets_that_are_not_there_are_not_none(github: GitHub, tmp_path: Path) -> None:
    github.api.on(github.path("/releases/1/assets"), answer(404))
    assert refused(github, tmp_path).code == "machine.unexpected"


def test_a_resumed_collect_fetches_no_asset_again(github: GitHub, tmp_path: Path) -> None:
    github.api.fault(github.path(attestations()), answer(403))
    refused(github, tmp_path, TOOL)
    assert gather(github, tmp_path, TOOL).artifacts
    assert len(github.web.requests) == 1


# ---- where it is asked


@pytest.mark.parametrize(
    ("text", "plain", "base", "header"),
    [
        ("github:a/b@v1", (), "https://api.github.com", {"https://api.github.com:443": "Bearer T"}),
        (
            "github:acme.ghe.com/a/b@v1",
            (),
            "https://api.acme.ghe.com",
            {"https://api.acme.ghe.com:443": "Bearer T"},
        ),
        (
            "github:git.example.org/a/b@v1",
            (),
            "https://git.example.org/api/v3",
            {"https://git.example.org:443": "Bearer E"},
        ),
        (
            "github:localhost:8080/a/b@v1",
            (),
            "http://localhost:8080/api/v3",
            {"http://localhost:8080": "Bearer E"},
        ),
        # In the clear to another host it would be everybody's.
        (
            "github:git.example.org/a/b@v1",
            ("git.example.org",),
            "http://git.example.org/api/v3",
            {},
        ),
    ],
)
def test_the_host_decides_the_api_and_the_token(
    text: str, plain: tuple[str, ...], base: str, header: dict[str, str]
) -> None:
    access = Access(token="T", enterprise_token="E", plain_http=plain)  # noqa: S106 - not secrets
    repository = parse_source(text, "source").repository
    assert repository is not None
    assert access.base(repository) == base
    assert access.credentials(repository) == header
    assert "token" not in repr(access)
