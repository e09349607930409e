"""The way out: a proxy, its credentials, a file of CAs, and names that may lead inside."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.cli import route_settings
from kit.cli.route_settings import Options
from kit.errors import MachineError, UsageError
from kit.sources.deadline import Patience
from kit.sources.hops import Reach
from kit.sources.http import Client, Fetched, Want
from kit.sources.route import Proxy, Route, read_proxy
from tests.lab.hostile_http import RESET, HostileServer, answer, certified, moved
from tests.lab.places.proxy import ProxyServer

QUICK = Patience(connect=1.0, read=1.0, total=5.0, retries=0)
BODY = b"the file"
SECRET = "s3cr3t-t0ken"  # noqa: S105 - a marker to look for, not a secret
BASIC = f"Basic {base64.b64encode(f'reader:{SECRET}'.encode()).decode()}"
HOST = "files.test"


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        running.on("/f", answer(200, BODY))
        yield running


def by(proxy: ProxyServer, *, secret: bool = False, ca_file: Path | None = None) -> Client:
    """Return a client that goes through a proxy, and has never heard of its hosts."""
    address = proxy.address.replace("://", f"://reader:{SECRET}@") if secret else proxy.address

    def resolve(host: str, _: int) -> list[str]:
        assert host in ("127.0.0.1", "::1"), f"{host} is the proxy's to resolve"
        return [host]

    return Client(
        patience=QUICK,
        plain_http=frozenset({HOST}),
        resolve=resolve,
        route=Route(proxy=read_proxy(address), ca_file=ca_file),
    )


def refused(client: Client, url: str, folder: Path, want: Want | None = None) -> MachineError:
    with pytest.raises(MachineError) as caught:
        client.fetch(url, folder / "f", limit=99, want=want or Want())
    assert list(folder.iterdir()) == []
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


def test_tls_goes_through_a_tunnel_to_a_host_that_only_the_proxy_knows(tmp_path: Path) -> None:
    made = certified(tmp_path, HOST)
    with (
        HostileServer(tls=made.context) as server,
        ProxyServer({HOST: server.port}, BASIC) as proxy,
    ):
        server.on("/f", answer(200, BODY))
        client = by(proxy, secret=True, ca_file=made.ca_file)
        (tmp_path / "got").mkdir()
        got = client.fetch(f"https://{HOST}/f", tmp_path / "got/f", limit=99)
        assert got is not None
        assert (tmp_path / "got/f").read_bytes() == BODY
        (tunnel,) = proxy.requests
        assert (tunnel.method, tunnel.target) == ("CONNECT", f"{HOST}:443")
        assert tunnel.values("proxy-authorization") == [BASIC]
        (asked,) = server.requests
        assert asked.values("proxy-authorization") == []
        assert asked.values("host") == [HOST]


def test_k020_the_certificate_must_be_the_hosts_also_behind_a_proxy(tmp_path: Path) -> None:
    made = certified(tmp_path, "other.test")
    (tmp_path / "got").mkdir()
    with (
        HostileServer(tls=made.context) as server,
        ProxyServer({HOST: server.port}) as proxy,
    ):
        client = by(proxy, ca_file=made.ca_file)
        assert refused(client, f"https://{HOST}/f", tmp_path / "got").code == "machine.tls"
        assert server.requests == []


def test_plain_http_is_forwarded_and_only_the_proxy_sees_its_secret(
    server: HostileServer, tmp_path: Path
) -> None:
    with ProxyServer({HOST: server.port}, BASIC) as proxy:
        got = by(proxy, secret=True).fetch(f"http://{HOST}/f", tmp_path / "f", limit=99)
        assert got is not None
        (forwarded,) = proxy.requests
        assert forwarded.target == f"http://{HOST}/f"
        assert forwarded.values("proxy-authorization") == [BASIC]
    assert server.requests[0].values("proxy-authorization") == []


def test_loopback_needs_no_proxy(server: HostileServer, tmp_path: Path) -> None:
    with ProxyServer({}) as proxy:
        client = Client(patience=QUICK, route=Route(proxy=read_proxy(proxy.address)))
        assert client.fetch(server.url("/f"), tmp_path / "f", limit=99) is not None
        assert proxy.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("secret", [True, False])
def test_k023_a_proxy_that_lets_nobody_through_is_told_as_that(
    scheme: str, secret: bool, tmp_path: Path
) -> None:
    with ProxyServer({HOST: 9}, "Basic other") as proxy:
        error = refused(by(proxy, secret=secret), f"{scheme}://{HOST}/f", tmp_path)
    assert error.code == "machine.proxy"
    assert "--proxy" in (error.hint or "")


def test_a_proxy_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    with ProxyServer({}) as proxy:
        client = by(proxy)
    assert refused(client, f"https://{HOST}/f", tmp_path).code == "machine.proxy"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer(200, b"<html>", "Content-Type: text/html"), "machine.portal"),
        (answer(511), "machine.portal"),
        (answer(200, b"other bytes"), "machine.digest"),
        (answer(200, BODY, "Content-Encoding: gzip"), "machine.encoded"),
    ],
)
def test_k023_what_a_proxy_makes_of_a_file_is_not_the_file(
    script: list[bytes], code: str, tmp_path: Path
) -> None:
    with ProxyServer({}) as proxy:
        proxy.on(f"http://{HOST}/f", script)
        want = Want(sha256=hashlib.sha256(BODY).hexdigest())
        assert refused(by(proxy), f"http://{HOST}/f", tmp_path, want).code == code


@pytest.mark.parametrize("inner", ["127.0.0.1:80", "169.254.169.254", "10.0.0.1", "[::1]"])
def test_k021_no_redirect_leads_inside_behind_a_proxy_either(
    inner: str, server: HostileServer, tmp_path: Path
) -> None:
    server.on("/f", moved(f"https://{inner}/g"))
    with ProxyServer({HOST: server.port}) as proxy:
        error = refused(by(proxy), f"http://{HOST}/f", tmp_path)
        assert len(proxy.requests) == 1
    assert error.code in ("machine.redirect", "machine.unreachable")


def test_a_proxy_in_the_middle_that_breaks_is_no_absence(tmp_path: Path) -> None:
    with ProxyServer({}) as proxy:
        proxy.on(f"http://{HOST}/f", [RESET])
        assert refused(by(proxy), f"http://{HOST}/f", tmp_path).code == "machine.proxy"


# ---- inward


def test_k021_a_redirect_inside_is_refused_unless_its_host_is_allowed(
    server: HostileServer, tmp_path: Path
) -> None:
    def client(*inward: str) -> Client:
        return Client(
            patience=QUICK,
            plain_http=frozenset({"store.test", "front.test"}),
            resolve=lambda *_: ["127.0.0.1"],
            route=Route(inward=frozenset(inward)),
        )

    outside = Fetched(url="http://front.test/", size=1, sha256="", reach=Reach.PUBLIC)
    url, want = server.url("/f", host="store.test"), Want(named_by=outside)
    assert refused(client(), url, tmp_path, want).code == "machine.redirect"
    assert refused(client("other.test"), url, tmp_path, want).code == "machine.redirect"
    assert client("store.test").fetch(url, tmp_path / "f", limit=99, want=want) is not None


# ---- settings


def test_the_variable_may_hold_credentials_and_the_option_may_not() -> None:
    url = f"http://reader:{SECRET}@proxy.test:3128"
    proxy = route_settings.route(Options(), {route_settings.PROXY: url}).proxy
    assert proxy == Proxy(url=read_proxy("http://proxy.test:3128").url, authorization=BASIC)
    assert SECRET not in repr(proxy)
    with pytest.raises(UsageError) as caught:
        route_settings.route(Options(proxy=url), {})
    assert caught.value.code == "usage.credentials"
    assert SECRET not in caught.value.message


def test_the_option_comes_before_the_variable_and_other_variables_are_not_read() -> None:
    environment = {
        route_settings.PROXY: "http://one.test:1",
        "https_proxy": "http://two.test:2",
        "ALL_PROXY": "http://three.test:3",
    }
    chosen = route_settings.route(Options(proxy="http://four.test:4"), environment).proxy
    assert chosen is not None
    assert chosen.url.host == "four.test"
    assert route_settings.route(Options(), {"https_proxy": "http://two.test:2"}).proxy is None


@pytest.mark.parametrize(
    "text", ["proxy.test:3128", "socks5://proxy.test", "http://proxy.test/x", "http://p/?q", "x"]
)
def test_what_is_no_proxys_url_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        route_settings.route(Options(proxy=text), {})


@pytest.mark.parametrize("content", [None, b"", b"no PEM"])
def test_a_ca_file_without_cas_is_wrong_usage(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Client(route=Route(ca_file=path))
    assert caught.value.subject == str(path)
