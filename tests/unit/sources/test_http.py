"""The one way out, against a hostile server over real sockets (K-… : security.md 4.2)."""

import contextlib
import hashlib
import itertools
import logging
import os
import socket
import ssl
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import KitError, MachineError, UsageError
from kit.sources.deadline import Deadline, Patience
from kit.sources.http import Client, Fetched
from kit.sources.traffic import Traffic
from tests.lab.hostile_http import (
    CUT,
    RESET,
    HostileServer,
    Script,
    Step,
    answer,
    certified,
    drip,
    head,
    moved,
)

QUICK = Patience(
    connect=1.0,
    read=0.25,
    total=5.0,
    window=0.15,
    slowest=2000,
    retries=1,
    backoff=0.01,
    jitter=0.01,
    longest_wait=1,
)
BODY = bytes(range(256)) * 40
WHOLE = answer(200, BODY)
SECRET = "s3cr3t-t0ken"  # noqa: S105 - a marker to look for, not a secret


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(patience=QUICK)


def fetch(client: Client, url: str, folder: Path, limit: int = 1 << 20) -> Fetched | None:
    return client.fetch(url, folder / "file", limit=limit)


def refused(client: Client, url: str, folder: Path, limit: int = 1 << 20) -> MachineError:
    """Fetch what must fail: nothing may be left under the final name, or beside it."""
    with pytest.raises(MachineError) as caught:
        fetch(client, url, folder, limit)
    assert list(folder.iterdir()) == []
    assert caught.value.hint
    return caught.value


# ---- what works


def test_a_file_arrives_whole_and_hashed(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/tool.tar.gz", WHOLE)
    got = fetch(client, server.url("/tool.tar.gz"), tmp_path)
    assert got == Fetched(
        url=server.url("/tool.tar.gz"), size=len(BODY), sha256=hashlib.sha256(BODY).hexdigest()
    )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("body", [b"", b"x", BODY])
def test_chunks_are_put_together(
    body: bytes, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    chunks = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    server.on("/f", [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), framed, b"0\r\n\r\n"])
    got = fetch(client, server.url("/f"), tmp_path)
    assert got is not None
    assert (tmp_path / "file").read_bytes() == body


def test_an_empty_file_is_a_file(server: HostileServer, client: Client, tmp_path: Path) -> None:
    server.on("/f", answer(200, b""))
    got = fetch(client, server.url("/f"), tmp_path, limit=0)
    assert got is not None
    assert got.size == 0


def test_one_connection_serves_several_files_and_absences(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", WHOLE)
    for path in ("/f", "/absent", "/f", "/absent", "/f"):
        fetch(client, server.url(path), tmp_path)
    assert len(server.requests) == 5
    assert server.connections == 1


@pytest.mark.parametrize("status", [404, 410])
def test_absence_is_an_answer_and_touches_nothing(
    status: int, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", answer(status, b"<html>no</html>", "Content-Type: text/html"))
    (tmp_path / "file").write_bytes(b"before")
    assert fetch(client, server.url("/f"), tmp_path) is None
    assert (tmp_path / "file").read_bytes() == b"before"
    assert len(server.requests) == 1


def test_an_address_that_refuses_is_followed_by_the_next(
    server: HostileServer, tmp_path: Path
) -> None:
    server.on("/f", WHOLE)
    client = Client(patience=QUICK, resolve=lambda *_: ["127.0.0.9", "::1", "127.0.0.1"])
    assert fetch(client, server.url("/f", "localhost"), tmp_path) is not None


# ---- K-001: nobody there


def test_a_refused_connection_is_unreachable(client: Client, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = refused(client, f"http://127.0.0.1:{port}/f", tmp_path)
    assert error.code == "machine.unreachable"


def test_an_unknown_host_is_unreachable_after_bounded_tries(tmp_path: Path) -> None:
    tries: list[str] = []

    def nowhere(host: str, _port: int) -> list[str]:
        tries.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = refused(Client(patience=QUICK, resolve=nowhere), "https://nowhere.test/f", tmp_path)
    assert error.code == "machine.unreachable"
    assert tries == ["nowhere.test"] * (QUICK.retries + 1)


def test_a_host_without_addresses_is_unreachable(tmp_path: Path) -> None:
    client = Client(patience=QUICK, resolve=lambda *_: [])
    assert refused(client, "https://empty.test/f", tmp_path).code == "machine.unreachable"


@pytest.mark.parametrize("ending", [CUT, RESET])
def test_a_connection_that_ends_without_an_answer_is_unreachable(
    ending: Step, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", [ending])
    assert refused(client, server.url("/f"), tmp_path).code == "machine.unreachable"
    assert len(server.requests) == QUICK.retries + 1


# ---- K-002 … K-006: bodies that are not whole


@pytest.mark.parametrize("ending", [CUT, RESET])
@pytest.mark.parametrize("sent", [0, 1, 1023, 5000, len(BODY) - 1])
def test_a_body_that_breaks_is_fetched_again_from_the_start(
    sent: int, ending: Step, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    whole = WHOLE[0]
    assert isinstance(whole, bytes)
    broken: Script = [whole[: len(whole) - len(BODY) + sent], 0.02, ending]
    server.on("/f", broken, WHOLE)
    assert fetch(client, server.url("/f"), tmp_path) is not None
    assert (tmp_path / "file").read_bytes() == BODY
    assert [request.values("Range") for request in server.requests] == [[], []]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([head("HTTP/1.1 200 OK", "Content-Length: 99"), b"abc", CUT], id="K-003"),
        pytest.param([head("HTTP/1.1 200 OK", "Content-Length: 99"), b"abc", RESET], id="K-002"),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"5\r\nabcde\r\n", CUT],
            id="K-005-between",
        ),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"5\r\nabc", CUT],
            id="K-005-within",
        ),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"zz\r\nabc", CUT],
            id="K-005-no-size",
        ),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"3\r\nabc\r\n0000", CUT],
            id="K-005-within-a-size",
        ),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"3\r\nabc\r\n0\r\n", CUT],
            id="K-005-before-the-last-line",
        ),
    ],
)
def test_a_body_that_is_always_short_is_truncated(
    script: Script, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", script)
    assert refused(client, server.url("/f"), tmp_path).code == "machine.truncated"
    assert len(server.requests) == QUICK.retries + 1


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_k004_a_body_without_a_length_cannot_be_told_from_a_cut_one(
    version: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", [head(f"HTTP/{version} 200 OK"), BODY, CUT])
    assert refused(client, server.url("/f"), tmp_path).code == "machine.truncated"
    assert len(server.requests) == 1


def test_k006_bytes_beyond_the_length_belong_to_no_file(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    forged = head("HTTP/1.1 200 OK", "Content-Length: 6") + b"forged"
    server.on("/f", [head("HTTP/1.1 200 OK", "Content-Length: 3"), b"abc" + forged])
    server.on("/g", WHOLE)
    assert fetch(client, server.url("/f"), tmp_path) is not None
    assert (tmp_path / "file").read_bytes() == b"abc"
    assert fetch(client, server.url("/g"), tmp_path) is not None
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 404 Not Fou",
        b"HTTP/1.1 404 Not Found\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r",
        b"HTTP/1.1 302 Found\r\nLocation: /g",
    ],
)
def test_an_answer_that_ends_within_its_headers_is_none(
    raw: bytes, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", [raw, CUT])
    server.on("/g", WHOLE)
    assert refused(client, server.url("/f"), tmp_path).code == "machine.unreachable"
    assert len(server.requests) == QUICK.retries + 1


# ---- K-007, K-008: bodies without an end


def endless(piece: bytes, pause: float) -> Iterator[Step]:
    return itertools.chain.from_iterable(itertools.repeat((piece, pause)))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([5.0], id="silence"),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Content-Length: 9"), b"abc", 5.0], id="silence-in-body"
        ),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Content-Length: 999"), *drip(b"a" * 200, 0.02)],
            id="drip-in-body",
        ),
        pytest.param(
            lambda: itertools.chain(
                [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")],
                endless(b"1\r\na\r\n", 0.02),
            ),
            id="drip-of-chunks",
        ),
    ],
)
def test_k007_a_server_that_stalls_or_drips_is_given_up(
    script: Script, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", script)
    began = time.monotonic()
    assert refused(client, server.url("/f"), tmp_path).code == "machine.timeout"
    assert time.monotonic() - began < QUICK.total
    assert len(server.requests) == QUICK.retries + 1


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([head("HTTP/1.1 200 OK")[:-2], *drip(b"X-A: " + b"a" * 999, 0.02)], id="head"),
        pytest.param(lambda: endless(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001), id="continue"),
        pytest.param(
            [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), *drip(b"0" * 999, 0.02)],
            id="chunk-size",
        ),
        pytest.param(
            lambda: itertools.chain(
                [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"0\r\n"],
                endless(b"X-Trailer: a\r\n", 0.02),
            ),
            id="trailers",
        ),
        pytest.param(
            [
                head("HTTP/1.1 200 OK", "Connection: close", "Transfer-Encoding: chunked"),
                *drip(b"0" * 999, 0.02),
            ],
            id="chunk-size-of-a-closing-connection",
        ),
    ],
)
def test_k007_no_drip_outlives_the_deadline(
    script: Script, server: HostileServer, tmp_path: Path
) -> None:
    client = Client(patience=QUICK)
    server.on("/f", script)
    began = time.monotonic()
    with pytest.raises(MachineError) as caught:
        client.fetch(server.url("/f"), tmp_path / "file", limit=99, within=0.3)
    assert caught.value.code == "machine.timeout"
    assert time.monotonic() - began < 2


def test_k007_no_tls_handshake_outlives_the_deadline(client: Client, tmp_path: Path) -> None:
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(999)
    with HostileServer(greeting=drip(record, 0.02)) as server:
        began = time.monotonic()
        with pytest.raises(MachineError) as caught:
            client.fetch(
                f"https://127.0.0.1:{server.port}/f", tmp_path / "file", limit=99, within=0.3
            )
    assert caught.value.code == "machine.timeout"
    assert time.monotonic() - began < 2


class _Line:
    def __init__(self) -> None:
        self.done: list[str] = []

    def shutdown(self, how: int, /) -> None:
        assert how == socket.SHUT_RDWR
        self.done.append("shut")

    def close(self) -> None:
        self.done.append("closed")


def test_k007_a_connection_made_after_the_deadline_is_shut_at_once() -> None:
    first, second, late = _Line(), _Line(), _Line()
    with Deadline(0.05) as deadline:
        deadline.hold(first)
        deadline.hold(second)
        time.sleep(0.1)
        deadline.hold(late)
        assert deadline.over
    assert first.done == ["closed"]
    assert second.done == late.done == ["shut", "closed"]


def test_a_slow_server_is_not_a_dripping_one(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    parts = [BODY[at : at + 1024] for at in range(0, len(BODY), 1024)]
    slow: list[Step] = [step for part in parts for step in (part, 0.04)]
    server.on("/f", [head("HTTP/1.1 200 OK", f"Content-Length: {len(BODY)}"), *slow])
    assert fetch(client, server.url("/f"), tmp_path) is not None
    assert len(server.requests) == 1


def test_k008_an_endless_body_is_too_large(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    chunk = b"1000\r\n" + bytes(0x1000) + b"\r\n"
    server.on(
        "/f",
        lambda: itertools.chain(
            [head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")], itertools.repeat(chunk)
        ),
    )
    assert refused(client, server.url("/f"), tmp_path, 100_000).code == "machine.too-large"
    assert len(server.requests) == 1


def test_k008_a_length_over_the_limit_is_refused_before_the_body(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", [head("HTTP/1.1 200 OK", f"Content-Length: {10**17}"), 5.0])
    assert refused(client, server.url("/f"), tmp_path).code == "machine.too-large"


def test_a_body_of_exactly_the_limit_is_taken(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", WHOLE)
    assert fetch(client, server.url("/f"), tmp_path, len(BODY)) is not None
    assert fetch(client, server.url("/absent"), tmp_path, 0) is None
    with pytest.raises(MachineError) as caught:
        fetch(client, server.url("/f"), tmp_path, len(BODY) - 1)
    assert caught.value.code == "machine.too-large"


# ---- K-009 … K-013: other answers


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_k009_a_web_page_is_not_the_file(
    kind: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f.sigstore.json", answer(200, b"<html>Sign in</html>", f"Content-Type: {kind}"))
    error = refused(client, server.url("/f.sigstore.json"), tmp_path)
    assert error.code == "machine.portal"


@pytest.mark.parametrize("name", ["report.html", "report.HTM"])
def test_a_web_page_is_the_file_where_one_was_asked_for(
    name: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on(f"/{name}", answer(200, b"<html></html>", "Content-Type: text/html"))
    assert fetch(client, server.url(f"/{name}"), tmp_path) is not None


@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [
        (201, "machine.unexpected", 1),
        (204, "machine.unexpected", 1),
        (206, "machine.unexpected", 1),
        (300, "machine.unexpected", 1),
        (304, "machine.unexpected", 1),
        (400, "machine.unexpected", 1),
        (401, "machine.unauthorized", 1),
        (403, "machine.unauthorized", 1),
        (407, "machine.proxy", 1),
        (511, "machine.portal", 1),
        (418, "machine.unexpected", 1),
        (429, "machine.rate-limited", 2),
        (451, "machine.unexpected", 1),
        (500, "machine.server", 2),
        (501, "machine.server", 1),
        (502, "machine.server", 2),
        (503, "machine.server", 2),
        (504, "machine.server", 2),
        (599, "machine.server", 1),
        (999, "machine.unexpected", 1),
    ],
)
def test_k011_every_other_status_is_an_error_of_its_own(
    status: int, code: str, tries: int, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", answer(status, b"" if status in (204, 304) else b"some words"))
    assert refused(client, server.url("/f"), tmp_path).code == code
    assert len(server.requests) == tries


@pytest.mark.parametrize(
    "wish",
    [
        "3600",
        "-5",
        "1000000000",
        "9" * 5000,
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "99 99 9999 99",
        "soon",
        "",
    ],
)
def test_k012_no_retry_after_makes_the_kit_wait_long(
    wish: str, server: HostileServer, tmp_path: Path
) -> None:
    client = Client(patience=Patience(retries=1, backoff=0.01, jitter=0.0, longest_wait=0))
    server.on("/f", answer(429, b"", f"Retry-After: {wish}"))
    began = time.monotonic()
    assert refused(client, server.url("/f"), tmp_path).code == "machine.rate-limited"
    assert time.monotonic() - began < 2
    assert len(server.requests) == 2


def test_k012_retry_after_is_honoured_within_the_cap(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", answer(503, b"", "Retry-After: 3600"), WHOLE)
    began = time.monotonic()
    assert fetch(client, server.url("/f"), tmp_path) is not None
    assert 1 <= time.monotonic() - began < 3


def test_a_wait_that_would_pass_the_deadline_is_not_begun(
    server: HostileServer, tmp_path: Path
) -> None:
    client = Client(patience=Patience(total=2.0))
    server.on("/f", answer(503, b"", "Retry-After: 30"))
    began = time.monotonic()
    assert refused(client, server.url("/f"), tmp_path).code == "machine.server"
    assert time.monotonic() - began < 2


def test_k013_a_flapping_server_is_asked_again_with_growing_waits(
    server: HostileServer, tmp_path: Path
) -> None:
    client = Client(patience=Patience(retries=3, backoff=0.05, jitter=0.0))
    server.on("/f", answer(500), answer(502), answer(503), WHOLE)
    began = time.monotonic()
    assert fetch(client, server.url("/f"), tmp_path) is not None
    assert 0.25 < time.monotonic() - began < 2  # 0 + 0.1 + 0.2


# ---- K-014 … K-016, K-021, K-032: redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(
    status: int, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/old/f", moved("../new/g?a=b#part", status))
    server.on("/new/g", WHOLE)
    got = fetch(client, server.url("/old/f"), tmp_path)
    assert got is not None
    assert got.url == server.url("/new/g")
    assert [request.target for request in server.requests] == ["/old/f", "/new/g?a=b"]


def test_k014_ten_redirects_are_followed_and_no_more(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    for hop in range(30):
        server.on(f"/{hop}", moved(f"/{hop + 1}"))
    server.on("/30", WHOLE)
    assert fetch(client, server.url("/20"), tmp_path) is not None
    (tmp_path / "file").unlink()
    asked = len(server.requests)
    assert refused(client, server.url("/0"), tmp_path).code == "machine.redirect"
    assert len(server.requests) - asked == 11


def test_k014_a_redirect_loop_is_told(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/a", moved("/b"))
    server.on("/b", moved("/a"))
    assert refused(client, server.url("/a"), tmp_path).code == "machine.redirect"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "script",
    [answer(302), moved(""), answer(302, b"", "Location: /a", "Location: /b")],
)
def test_a_redirect_needs_one_location(
    script: Script, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", script)
    error = refused(client, server.url("/f"), tmp_path)
    assert error.code in ("machine.unexpected", "machine.redirect")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://example.com/f",
        "gopher://example.com/f",
        "data:text/plain,abc",
        "javascript:alert(1)",
        "http://example.com/plain-http-to-a-public-host",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/f",
        "https://[::ffff:169.254.169.254]/f",
        "https://[::ffff:a9fe:a9fe]/f",
        "https://[64:ff9b::169.254.169.254]/f",
        "https://[2002:a9fe:a9fe::1]/f",
        "https://100.100.100.200/f",
        "https://168.63.129.16/f",
        "https://2852039166/f",
        "https://0xa9fea9fe/f",
        "https://169.16689662/f",
        "https://user:password@example.com/f",
        "https://exa mple.com/f",
        "https://ex\xe4mple.com/f",
        "https://example.com\\@127.0.0.1/f",
        "https://",
        "https:///f",
        "//",
        "https://example.com:99999/f",
        "https://example.com:0/f",
    ],
)
def test_k021_no_redirect_leads_inside_or_elsewhere(
    location: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", moved(location))
    assert refused(client, server.url("/f"), tmp_path).code == "machine.redirect"
    assert server.connections == 1


def test_k021_the_address_that_was_vetted_is_the_one_connected_to(
    server: HostileServer, tmp_path: Path
) -> None:
    """A name that changes its address between two looks (DNS rebinding) is looked up once."""
    looks: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        looks.append(host)
        return ["127.0.0.1"] if looks.count(host) == 1 else ["169.254.169.254"]

    client = Client(patience=QUICK, resolve=rebinding, plain_http=frozenset({"a.test", "B.test"}))
    server.on("/f", moved(f"http://b.test:{server.port}/g"))
    server.on("/g", moved(f"http://b.test:{server.port}/h"))
    error = refused(client, server.url("/f", "a.test"), tmp_path)
    assert error.code == "machine.redirect"
    assert looks == ["a.test", "b.test", "b.test"]
    assert [request.target for request in server.requests] == ["/f", "/g"]
    assert [request.values("Host") for request in server.requests] == [
        [f"a.test:{server.port}"],
        [f"b.test:{server.port}"],
    ]


def test_k021_one_inner_address_among_several_is_enough_to_refuse(
    server: HostileServer, tmp_path: Path
) -> None:
    client = Client(
        patience=QUICK,
        resolve=lambda host, _: ["127.0.0.1", "169.254.169.254"][: 1 + (host == "b.test")],
        plain_http=frozenset({"b.test"}),
    )
    server.on("/f", moved(f"http://b.test:{server.port}/g"))
    assert refused(client, server.url("/f"), tmp_path).code == "machine.redirect"


def test_k015_k016_nothing_of_one_server_reaches_another(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    with HostileServer() as other:
        server.on(
            "/f", moved(other.url("/g"), 302, "Set-Cookie: session=1; Path=/; Domain=127.0.0.1")
        )
        other.on("/g", WHOLE)
        for _ in range(2):
            assert fetch(client, server.url("/f"), tmp_path) is not None
        requests = server.requests + other.requests
    assert len(requests) == 4
    for request in requests:
        names = sorted(name for name, _ in request.headers)
        assert names == ["Accept", "Accept-Encoding", "Host", "User-Agent"]
        assert request.values("Accept-Encoding") == ["identity"]
        assert request.values("User-Agent")[0].startswith("airgap-kit/")
    assert other.requests[0].values("Host") == [f"127.0.0.1:{other.port}"]


def test_k032_the_body_of_a_redirect_is_not_read(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on(
        "/f",
        [
            head(
                "HTTP/1.1 302 Found",
                "Location: /g",
                "Content-Encoding: gzip",
                "Content-Length: 1000000000",
            ),
            b"\x1f\x8b junk",
            5.0,
        ],
    )
    server.on("/g", WHOLE)
    began = time.monotonic()
    assert fetch(client, server.url("/f"), tmp_path) is not None
    assert time.monotonic() - began < 3


# ---- K-020: TLS


def trusting(ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    return Client(patience=QUICK)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_of_a_ca_in_ssl_cert_file_verifies(
    host: str,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls = certified(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")
    with HostileServer(tls=tls.context) as server:
        server.on("/f", moved(server.url("/g", host)))
        server.on("/g", WHOLE)
        client = trusting(tls.ca_file, monkeypatch)
        got = fetch(client, server.url("/f", host), tmp_path)
    assert got is not None
    assert got.url == server.url("/g", host)


@pytest.mark.parametrize(
    ("name", "wrong", "host"),
    [
        pytest.param("localhost", {"expired": True}, "localhost", id="expired"),
        pytest.param("other.test", {}, "localhost", id="wrong-host"),
        pytest.param("localhost", {}, "127.0.0.1", id="name-for-an-address"),
        pytest.param("localhost", {"authority": False}, "localhost", id="self-signed"),
    ],
)
def test_k020_a_certificate_that_does_not_verify_is_refused(
    name: str,
    wrong: dict[str, bool],
    host: str,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls = certified(tmp_path_factory.mktemp("tls"), name, **wrong)
    with HostileServer(tls=tls.context) as server:
        server.on("/f", WHOLE)
        client = trusting(tls.ca_file, monkeypatch)
        assert refused(client, server.url("/f", host), tmp_path).code == "machine.tls"
        assert server.requests == []
        assert server.connections == 1


def test_k020_an_unknown_ca_is_refused(
    tmp_path_factory: pytest.TempPathFactory, client: Client, tmp_path: Path
) -> None:
    tls = certified(tmp_path_factory.mktemp("tls"), "localhost")
    with HostileServer(tls=tls.context) as server:
        assert refused(client, server.url("/f", "localhost"), tmp_path).code == "machine.tls"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_k020_tls_older_than_1_2_is_refused(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certified(tmp_path_factory.mktemp("tls"), "localhost")
    tls.context.set_ciphers("ALL:@SECLEVEL=0")
    tls.context.minimum_version = ssl.TLSVersion.TLSv1
    tls.context.maximum_version = ssl.TLSVersion.TLSv1_1
    with HostileServer(tls=tls.context) as server:
        client = trusting(tls.ca_file, monkeypatch)
        assert refused(client, server.url("/f", "localhost"), tmp_path).code == "machine.tls"


def test_k020_a_plain_server_behind_an_https_url_is_refused(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    url = f"https://127.0.0.1:{server.port}/f"
    with HostileServer(greeting=[b"HTTP/1.1 400 Bad Request\r\n\r\n", 0.2]) as plain:
        url = f"https://127.0.0.1:{plain.port}/f"
        assert refused(client, url, tmp_path).code == "machine.tls"


def test_a_connection_that_ends_in_its_handshake_is_unreachable(
    client: Client, tmp_path: Path
) -> None:
    with HostileServer(greeting=[0.02, CUT]) as server:
        url = f"https://127.0.0.1:{server.port}/f"
        assert refused(client, url, tmp_path).code == "machine.unreachable"
        assert server.connections == QUICK.retries + 1


def test_https_does_not_redirect_to_http(
    server: HostileServer,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls = certified(tmp_path_factory.mktemp("tls"), "localhost")
    with HostileServer(tls=tls.context) as secure:
        secure.on("/f", moved(server.url("/f")))
        server.on("/f", WHOLE)
        client = trusting(tls.ca_file, monkeypatch)
        error = refused(client, secure.url("/f", "localhost"), tmp_path)
    assert error.code == "machine.redirect"
    assert server.requests == []


def test_http_on_loopback_may_redirect_to_https(
    server: HostileServer,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls = certified(tmp_path_factory.mktemp("tls"), "localhost")
    with HostileServer(tls=tls.context) as secure:
        server.on("/f", moved(secure.url("/f", "localhost")))
        secure.on("/f", WHOLE)
        assert fetch(trusting(tls.ca_file, monkeypatch), server.url("/f"), tmp_path) is not None


# ---- K-022: the environment


def test_k022_netrc_and_proxy_variables_are_not_read(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HostileServer() as proxy:
        home = tmp_path / "home"
        home.mkdir()
        netrc = home / ".netrc"
        netrc.write_text(f"default login operator password {SECRET}\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url("/"))
            monkeypatch.setenv(name.upper(), proxy.url("/"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
        server.on("/f", moved("/g"))
        server.on("/g", WHOLE)
        assert fetch(Client(patience=QUICK), server.url("/f"), tmp_path) is not None
        assert proxy.connections == 0
    assert [request.values("Authorization") for request in server.requests] == [[], []]
    assert [request.values("Proxy-Authorization") for request in server.requests] == [[], []]


# ---- K-028, K-029: secrets in URLs


SCRIPTS: dict[str, Script] = {
    "refused": [RESET],
    "cut": [head("HTTP/1.1 200 OK", "Content-Length: 9"), CUT],
    "stall": [1.0],
    "unauthorized": answer(403),
    "server": answer(503),
    "portal": answer(200, b"<html>", "Content-Type: text/html"),
    "loop": moved(f"/f?token={SECRET}"),
    "redirect": moved(f"http://example.com/f?token={SECRET}#{SECRET}"),
    "userinfo": moved(f"https://user:{SECRET}@example.com/f"),
    "nonsense": moved(f"https://exa mple.com/?token={SECRET}"),
    "headers": [head("HTTP/1.1 200 OK", "no header at all")],
    "fine": WHOLE,
    "absent": answer(404),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_k028_a_query_is_sent_and_never_shown(
    script: Script, server: HostileServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(patience=Patience(read=0.2, retries=1, backoff=0.01, jitter=0.0))
    server.on("/f", script)
    shown = ""
    try:
        got = fetch(client, server.url(f"/f?token={SECRET}"), tmp_path)
        shown = repr(got)
    except KitError as error:
        shown = "".join(traceback.format_exception(error))
        shown += f"{error.code} {error.message} {error.subject} {error.hint}"
    assert server.requests[0].target == f"/f?token={SECRET}"
    assert SECRET not in shown
    assert SECRET not in caplog.text
    assert caplog.records


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"https://user:{SECRET}@example.com/f", "usage.credentials"),
        (f"https://{SECRET}@example.com/f", "usage.credentials"),
        (f"ftp://user:{SECRET}@example.com/f?{SECRET}", "usage.scheme"),
        (f"https:user:{SECRET}@example.com/f", "usage.url"),
        (f"https://user:{SECRET}\\@example.com/f", "usage.url"),
        (f"https://example.com/f#{SECRET}", "usage.url"),
        (f"https://example.com:x/f?{SECRET}", "usage.url"),
        (f"http://example.com/f?{SECRET}", "usage.plain-http"),
        ("http://192.168.0.1/f", "usage.plain-http"),
        ("http://127.1/f", "usage.url"),
        ("example.com/f", "usage.url"),
        ("", "usage.url"),
    ],
)
def test_k029_urls_that_are_not_fetched_are_told_without_their_secrets(
    url: str, code: str, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        fetch(client, url, tmp_path)
    assert caught.value.code == code
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in f"{caught.value.subject} {caught.value.hint}"


def test_plain_http_goes_to_a_host_that_was_named(server: HostileServer, tmp_path: Path) -> None:
    server.on("/f", WHOLE)
    client = Client(
        patience=QUICK, plain_http=frozenset({"Mirror.test"}), resolve=lambda *_: ["127.0.0.1"]
    )
    assert fetch(client, server.url("/f", "mirror.test"), tmp_path) is not None
    with pytest.raises(UsageError):
        fetch(client, server.url("/f", "other.test"), tmp_path)


def test_localhost_is_plain_http_only_where_it_is_loopback(tmp_path: Path) -> None:
    client = Client(patience=QUICK, resolve=lambda *_: ["192.0.2.1"])
    assert refused(client, "http://localhost/f", tmp_path).code == "machine.unreachable"


# ---- K-030, K-031, K-033: headers


def test_k030_no_name_comes_from_the_server(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    name = "../" * 9 + "evil" * 70
    server.on("/f", moved("/a/..%2F..%2Fevil"))
    server.on(
        "/a/..%2F..%2Fevil",
        answer(200, BODY, f'Content-Disposition: attachment; filename="{name}"'),
    )
    assert fetch(client, server.url("/f"), tmp_path) is not None
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "GZIP", "x-unknown"])
def test_k031_an_encoded_body_is_refused(
    coding: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", answer(200, BODY, f"Content-Encoding: {coding}"))
    assert refused(client, server.url("/f"), tmp_path).code == "machine.encoded"


def test_identity_is_no_encoding(server: HostileServer, client: Client, tmp_path: Path) -> None:
    server.on("/f", answer(200, BODY, "Content-Encoding: identity"))
    assert fetch(client, server.url("/f"), tmp_path) is not None


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Content-Length: 3", "Content-Length: 4"], id="two-lengths"),
        pytest.param(["Content-Length: 3", "Content-Length: 3"], id="one-length-twice"),
        pytest.param(["Content-Length: 3, 4"], id="a-list-of-lengths"),
        pytest.param(["Content-Length: +3"], id="a-sign"),
        pytest.param(["Content-Length: -3"], id="negative"),
        pytest.param(["Content-Length: 0x3"], id="hexadecimal"),
        pytest.param(["Content-Length: "], id="no-number"),
        pytest.param(["Content-Length: " + "9" * 4999], id="a-huge-number"),
        pytest.param(["Content-Length: 3", "Transfer-Encoding: chunked"], id="length-and-chunks"),
        pytest.param(["Transfer-Encoding: gzip, chunked"], id="two-codings"),
        pytest.param(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], id="twice"),
        pytest.param(["Transfer-Encoding: xchunked"], id="unknown-coding"),
        pytest.param(["Content-Length: 3", "X-A: b\r\n folded"], id="folded"),
        pytest.param(["Content-Length:\r\n 3"], id="folded-length"),
        pytest.param(["Content-Length: 3", "no header at all", "X-A: b"], id="no-colon"),
        pytest.param(["Content-Length: 3", "X-A: " + "b" * (1 << 20)], id="one-megabyte"),
        pytest.param(["Content-Length: 3", *["X-A: b"] * 2000], id="many"),
    ],
)
def test_k033_headers_that_two_readers_read_differently_are_refused(
    lines: list[str], server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", [head("HTTP/1.1 200 OK", *lines) + b"3\r\nabc\r\n0\r\n\r\n"])
    assert refused(client, server.url("/f"), tmp_path).code == "machine.unexpected"
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed; boundary=x", "text/plain"])
def test_a_media_type_with_parts_is_only_a_media_type(
    kind: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", answer(200, BODY, f"Content-Type: {kind}"))
    assert fetch(client, server.url("/f"), tmp_path) is not None


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n\r\n", b"HTTP/0.9 200\r\n\r\n", b"HTTP/1.1 0 A\r\n\r\n", b"SSH-2.0-x\r\n"]
)
def test_what_is_not_http_is_no_answer(
    raw: bytes, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", [raw, CUT])
    error = refused(client, server.url("/f"), tmp_path)
    assert error.code in ("machine.unexpected", "machine.unreachable", "machine.truncated")


_LINES = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 302 Found\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"Content-Length: 3\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Location: /f\r\n",
            b"Content-Type: message/rfc822\r\n",
            b"\r\n",
            b"3\r\nabc\r\n",
            b"0\r\n\r\n",
            b"-5\r\n",
            b" folded\r\n",
            b"\x00\xff\r",
        ]
    )
    | st.binary(max_size=12),
    max_size=12,
).map(b"".join)


def test_any_answer_is_a_file_an_absence_or_an_error_of_the_kit(tmp_path: Path) -> None:
    with HostileServer() as server:
        client = Client(patience=Patience(read=0.2, retries=0))

        @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(_LINES)
        def play(raw: bytes) -> None:
            server.on("/f", [b"HTTP/1.1 200 OK\r\n"[: len(raw) % 18], raw, CUT])
            with contextlib.suppress(MachineError):
                fetch(client, server.url("/f"), tmp_path)

        play()


# ---- this host


def test_a_folder_that_cannot_be_written_is_this_hosts_fault(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/f", WHOLE)
    with pytest.raises(MachineError) as caught:
        client.fetch(server.url("/f"), tmp_path / "missing" / "file", limit=1 << 20)
    assert caught.value.code == "machine.unwritable"


def test_no_descriptor_is_left_open(server: HostileServer, tmp_path: Path) -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("needs /proc")
    server.on("/f", WHOLE)
    server.on("/cut", [head("HTTP/1.1 200 OK", "Content-Length: 9"), CUT])

    def rounds() -> int:
        client = Client(patience=Patience(retries=0))
        for path in ("/f", "/absent", "/cut"):
            with contextlib.suppress(MachineError):
                fetch(client, server.url(path), tmp_path)
        return len(list(folder.iterdir()))

    rounds()
    before = rounds()
    assert rounds() <= before + 2


def test_importing_the_client_imports_nothing_heavy() -> None:
    heavy = {"sigstore", "cryptography", "rich", "typer", "jsonschema", "tuf", "requests"}
    code = "import sys, kit.sources.http; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert heavy.isdisjoint(ran.stdout.split())


def test_waiting_for_another_fetch_is_not_held_against_a_deadline(tmp_path: Path) -> None:
    client = Client(patience=Patience(read=5.0, retries=0), traffic=Traffic(per_host=1))
    with HostileServer() as server:
        server.on("/slow", [head("HTTP/1.1 200 OK", "Content-Length: 3"), b"a", 0.4, b"bc"])
        server.on("/quick", answer(200, b"ok"))
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(client.fetch, server.url("/slow"), tmp_path / "slow", limit=10)
            while not server.requests:
                time.sleep(0.01)
            quick = client.fetch(server.url("/quick"), tmp_path / "quick", limit=10, within=0.2)
            assert slow.result() is not None
        assert quick is not None
