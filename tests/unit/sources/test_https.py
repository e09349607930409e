"""One URL, its sidecars and its folder's digest manifests, over real HTTP on loopback."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import MachineError, UsageError
from kit.model import Answer, Asked
from kit.sources import https
from kit.sources.deadline import Patience
from kit.sources.downloads import Downloads
from kit.sources.http import Client
from tests.lab.hostile_http import CUT, RESET, HostileServer, Script, answer, head, moved

ARTIFACT = b"the artifact"
SECRET = "s3cr3t-t0ken"  # noqa: S105 - a marker to look for, not a secret
TOOL = "tool-1.0.tar.gz"
BESIDE = [
    TOOL,
    *(f"{TOOL}{suffix}" for suffix in https.SIDECARS),
    *https.IN_FOLDER,
]


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        running.on("/v1/tool-1.0.tar.gz", answer(200, ARTIFACT))
        yield running


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(patience=Patience(read=0.2, retries=1, backoff=0.01, jitter=0.0))


def url_of(server: HostileServer) -> str:
    return server.url("/v1/tool-1.0.tar.gz")


def row(server: HostileServer, path: str, body: bytes | None, name: str | None = None) -> Asked:
    return Asked(
        place=server.url(path),
        wanted=name or path.rpartition("/")[2],
        answer=Answer.ABSENT if body is None else Answer.FOUND,
        sha256=None if body is None else hashlib.sha256(body).hexdigest(),
    )


def test_every_place_is_a_row_of_the_ledger_in_a_fixed_order(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    got = https.gather(url_of(server), Downloads(tmp_path, client))
    assert got.asked == tuple(
        row(server, f"/v1/{name}", ARTIFACT if name == BESIDE[0] else None) for name in BESIDE
    )
    assert [found.name for found in got.artifacts] == ["tool-1.0.tar.gz"]
    assert got.artifacts[0].path.read_bytes() == ARTIFACT
    assert got.artifacts[0].size == len(ARTIFACT)
    assert got.artifacts[0].sha256 == hashlib.sha256(ARTIFACT).hexdigest()
    assert got.evidence == ()
    assert sorted(request.path for request in server.requests) == sorted(
        f"/v1/{name}" for name in BESIDE
    )


def test_evidence_is_what_was_found_under_its_published_name(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    bodies = {
        "tool-1.0.tar.gz.sigstore.json": b"{}",
        "tool-1.0.tar.gz.asc": b"-----BEGIN",
        "SHA256SUMS": b"00 *tool\n",
        "SHA256SUMS.asc": b"-----BEGIN too",
        "SHA512SUMS.asc": b"a signature of nothing: its manifest is not there",
    }
    for name, body in bodies.items():
        server.on(f"/v1/{name}", answer(200, body))
    got = https.gather(url_of(server), Downloads(tmp_path, client))
    assert {found.name: found.path.read_bytes() for found in got.evidence} == {
        name: body for name, body in bodies.items() if name != "SHA512SUMS.asc"
    }
    signatures = [f"SHA256SUMS{suffix}" for suffix in https.SIGNATURES]
    assert got.asked == tuple(
        row(server, f"/v1/{name}", ARTIFACT if name == BESIDE[0] else bodies.get(name))
        for name in (*BESIDE, *signatures)
    )
    assert server.asked("/v1/SHA512SUMS.asc") == []


def test_k010_an_absent_artifact_is_an_error_and_nothing_else_is_asked(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(MachineError) as caught:
        https.gather(server.url("/v1/none.tar.gz"), Downloads(tmp_path, client))
    assert caught.value.code == "machine.absent"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer(401), "machine.unauthorized"),
        (answer(403), "machine.unauthorized"),
        (answer(429), "machine.rate-limited"),
        (answer(503), "machine.server"),
        (answer(204), "machine.unexpected"),
        (answer(200, b"<html>", "Content-Type: text/html"), "machine.portal"),
        ([RESET], "machine.unreachable"),
        ([1.0], "machine.timeout"),
        ([head("HTTP/1.1 200 OK", "Content-Length: 9"), CUT], "machine.truncated"),
        (answer(200, b"x" * 17, "Content-Encoding: gzip"), "machine.encoded"),
        (
            [head("HTTP/1.1 200 OK", f"Content-Length: {https.MAX_EVIDENCE + 1}"), 1.0],
            "machine.too-large",
        ),
        (moved("http://169.254.169.254/"), "machine.redirect"),
    ],
)
def test_evidence_that_could_not_be_asked_for_is_not_absent(
    script: Script, code: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/v1/tool-1.0.tar.gz.asc", script)
    with pytest.raises(MachineError) as caught:
        https.gather(url_of(server), Downloads(tmp_path, client))
    assert caught.value.code == code
    assert caught.value.subject == server.url("/v1/tool-1.0.tar.gz.asc")


def test_a_server_that_answers_everything_with_a_page_gives_no_evidence(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.otherwise(answer(200, b"<html>Welcome</html>", "Content-Type: text/html"))
    with pytest.raises(MachineError) as caught:
        https.gather(url_of(server), Downloads(tmp_path, client))
    assert caught.value.code == "machine.portal"


def test_a_query_is_the_artifacts_alone_and_is_recorded_nowhere(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/v1/tool-1.0.tar.gz.asc", answer(200, b"-----BEGIN"))
    url = f"{url_of(server)}?X-Signature={SECRET}"
    got = https.gather(url, Downloads(tmp_path, client))
    targets = [request.target for request in server.requests]
    assert [target for target in targets if "?" in target] == [
        f"/v1/tool-1.0.tar.gz?X-Signature={SECRET}"
    ]
    assert [found.name for found in got.evidence] == ["tool-1.0.tar.gz.asc"]
    assert SECRET not in repr(got)
    assert SECRET not in (tmp_path / "fetched.jsonl").read_text()
    assert list(https.places(url)) == list(https.places(url_of(server)))


def expanded(line: str) -> Iterator[str]:
    """Yield the places of a line of the plan."""
    bare, _, rest = line.removesuffix(" if that is there").partition("{")
    if not rest:
        yield bare
    else:
        yield from (bare + suffix for suffix in rest.rstrip("}").split(","))


def test_the_plan_names_every_place_that_may_be_asked(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.otherwise(answer(200, b"here"))
    got = https.gather(url_of(server), Downloads(tmp_path, client))
    lines = list(https.places(url_of(server)))
    places = [place for line in lines for place in expanded(line)]
    assert sorted(asked.place for asked in got.asked) == sorted(places)
    assert len(places) == len(set(places))


def test_what_is_asked_is_bounded_whatever_is_there(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    nothing = https.gather(url_of(server), Downloads(tmp_path, client))
    server.otherwise(answer(200, b"here"))
    everything = https.gather(url_of(server), Downloads(tmp_path, client))
    assert (len(nothing.asked), len(everything.asked)) == (25, 145)


@pytest.mark.parametrize("suffix", https.CERTIFICATES)
def test_a_certificate_is_asked_for_beside_a_signature_that_is_there(
    server: HostileServer, client: Client, tmp_path: Path, suffix: str
) -> None:
    server.on(f"/v1/{TOOL}.sig", answer(200, b"sig"))
    server.on(f"/v1/{TOOL}{suffix}", answer(200, b"certificate"))
    server.on("/v1/SHA256SUMS", answer(200, b"00 *tool\n"))
    server.on("/v1/SHA256SUMS.sig", answer(200, b"sig"))
    server.on(f"/v1/SHA256SUMS{suffix}", answer(200, b"certificate"))
    got = https.gather(url_of(server), Downloads(tmp_path, client))
    assert {found.name for found in got.evidence} == {
        *(f"{TOOL}.sig", f"{TOOL}{suffix}"),
        *("SHA256SUMS", "SHA256SUMS.sig", f"SHA256SUMS{suffix}"),
    }


@pytest.mark.parametrize(
    "name",
    [f"{TOOL}.bundle", f"{TOOL}.provenance", f"{TOOL}.gpg", f"{TOOL}.sbom.json", "SHA256SUMS.txt"],
)
def test_what_signers_tools_write_is_found(
    server: HostileServer, client: Client, tmp_path: Path, name: str
) -> None:
    server.on(f"/v1/{name}", answer(200, b"evidence"))
    got = https.gather(url_of(server), Downloads(tmp_path, client))
    assert [found.name for found in got.evidence] == [name]


def test_a_digest_manifest_that_is_itself_the_artifact_is_asked_for_once(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/v1/SHA256SUMS", answer(200, b"00 *tool\n"))
    server.on("/v1/SHA256SUMS.asc", answer(200, b"-----BEGIN"))
    got = https.gather(server.url("/v1/SHA256SUMS"), Downloads(tmp_path, client))
    assert [found.name for found in got.artifacts] == ["SHA256SUMS"]
    assert [found.name for found in got.evidence] == ["SHA256SUMS.asc"]
    places = [asked.place for asked in got.asked]
    assert len(places) == len(set(places))


def test_a_named_piece_of_evidence_comes_with_the_signatures_of_a_manifest(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/v1/SHA256SUMS", answer(200, b"00 *tool\n"))
    server.on("/v1/SHA256SUMS.sig", answer(200, b"sig"))
    got = https.gather_evidence(server.url("/v1/SHA256SUMS"), Downloads(tmp_path, client))
    assert got.artifacts == ()
    assert [found.name for found in got.evidence] == ["SHA256SUMS", "SHA256SUMS.sig"]
    assert len(got.asked) == 1 + len(https.SIGNATURES) + len(https.CERTIFICATES)


def test_a_named_piece_of_evidence_that_is_absent_is_a_row_of_the_ledger(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    got = https.gather_evidence(server.url("/v1/x.sigstore.json"), Downloads(tmp_path, client))
    assert got.evidence == ()
    assert got.asked == (row(server, "/v1/x.sigstore.json", None),)


def test_an_artifact_over_its_limit_is_too_large(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(MachineError) as caught:
        https.gather(url_of(server), Downloads(tmp_path, client), limit=len(ARTIFACT) - 1)
    assert caught.value.code == "machine.too-large"


# ---- K-030: names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/tool%2B1.tar.gz", "tool+1.tar.gz"),
        ("/a%2Fb/t%C3%B6ol", "töol"),
        ("/a/" + "x" * 255, "x" * 255),
        ("/a/con.txt", "con.txt"),
        ("/a/with%20space", "with space"),
    ],
)
def test_k030_the_name_is_the_urls_last_segment(path: str, name: str) -> None:
    assert https.published_name(f"https://example.com{path}?x=/y") == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/a/",
        "/a/.",
        "/a/..",
        "/a/%2e%2e",
        "/a/..%2f..%2fevil",
        "/a/%2Fetc%2Fpasswd",
        "/a/..%5Cevil",
        "/a/evil%00.gz",
        "/a/evil%0Aname",
        "/a/evil%1B%5B2J",
        "/a/evil%E2%80%AEzg.exe",
        "/a/evil%C2%85",
        "/a/%FF",
    ],
)
def test_k030_a_last_segment_that_is_no_file_name_is_refused(
    path: str, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        https.gather(f"https://example.com{path}", Downloads(tmp_path, client))
    assert caught.value.code == "usage.url"


@pytest.mark.parametrize(
    "url", ["http://example.com/f", "ftp://example.com/f", "https://u:p@example.com/f", "f"]
)
def test_urls_that_are_not_fetched_are_wrong_usage(
    url: str, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        https.gather(url, Downloads(tmp_path, client))


def test_k030_names_in_the_folder_come_from_hashes_of_urls(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on(
        "/v1/tool-1.0.tar.gz",
        moved("/v2/..%2F..%2Fevil"),
    )
    server.on(
        "/v2/..%2F..%2Fevil",
        answer(200, ARTIFACT, 'Content-Disposition: attachment; filename="../evil"'),
    )
    got = https.gather(url_of(server), Downloads(tmp_path, client))
    assert got.artifacts[0].name == "tool-1.0.tar.gz"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["fetched.jsonl", hashlib.sha256(url_of(server).encode()).hexdigest()]
    )


def test_a_sidecar_whose_name_no_file_can_have_is_not_asked_for() -> None:
    name = "t" * 253
    asked = list(https.places(f"https://acme.test/r/{name}"))
    assert [url for url in asked if name in url] == [f"https://acme.test/r/{name}"]
