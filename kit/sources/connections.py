"""Connections to addresses that were vetted: where urllib3 and the socket enter.

A request is sent to the very address that it is handed, under TLS 1.2 or newer that
verifies the host's name; what comes back is framed in one way (:mod:`kit.sources.framing`)
and not decoded. No redirect is followed here, nothing is tried twice, and no cookie,
.netrc or usual proxy variable is read. Every line can be ended by the deadline of its thread.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from http.client import IncompleteRead
from typing import Any, BinaryIO

from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPSConnectionPool,
    PoolManager,
    ProxyManager,
    Timeout,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError
from urllib3.exceptions import TimeoutError as SlowError

from kit.errors import MachineError, UsageError
from kit.sources import framing, urls
from kit.sources.deadline import Deadline, Patience
from kit.sources.failures import UnconnectedError, failure, passing, unconnected
from kit.sources.route import DIRECT, Proxy, Route
from kit.sources.traffic import PER_HOST
from kit.sources.urls import Url

CHUNK = 1 << 18
_HOSTS = 32
_SMALL = 1 << 16  # a short answer up to this size is read, so that its connection can be kept

log = logging.getLogger(__name__)

Response = BaseHTTPResponse
Body = bytes | BinaryIO | Iterable[bytes] | None


class Connections:
    """Keeps connections and sends requests over them. Threads may share it."""

    def __init__(self, patience: Patience, route: Route = DIRECT) -> None:
        """Connect to nothing yet; raise :class:`UsageError` for a CA file that is none."""
        self._patience = patience
        self._proxy = route.proxy
        context = _tls(route)
        self._pools = PoolManager(_HOSTS, maxsize=PER_HOST, ssl_context=context)
        self._by_proxy = self._pools if self._proxy is None else _proxied(self._proxy, context)
        for pools in (self._pools, self._by_proxy):
            pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        _keep_queries_out_of_logs()

    def send(
        self,
        method: str,
        url: Url,
        address: str,
        headers: Mapping[str, str],
        body: Body,
        deadline: Deadline,
    ) -> Response:
        """Send a request and return its answer, the body unread.

        Raises :class:`UnconnectedError` where no connection came about to this address, and
        other errors as :class:`MachineError`.
        """
        patience = self._patience
        direct = self._proxy is None or url.is_loopback
        # A proxy that sees a request in plain text is told the whole URL, and its own secret.
        forwarded = not direct and url.scheme == "http"
        pool = (self._pools if direct else self._by_proxy).connection_from_host(
            f"[{address}]" if ":" in address else address,
            port=url.port,
            scheme=url.scheme,
            # What the certificate must name.
            pool_kwargs={} if forwarded else {"server_hostname": url.host},
        )
        shown = _shown(self._proxy) if forwarded else {}
        try:
            response = pool.urlopen(
                method,
                url.full if forwarded else url.target,
                body=body,
                headers={"Host": url.authority, **headers, **shown},
                timeout=Timeout(
                    connect=max(min(patience.connect, deadline.left), 0.001), read=patience.read
                ),
                retries=False,
                redirect=False,
                assert_same_host=not forwarded,
                preload_content=False,
                decode_content=False,
                enforce_content_length=False,  # whoever reads the body compares it
            )
        except ConnectTimeoutError as error:  # also refused, or no route
            raise _unconnected(url, error) from error
        except HTTPError as error:
            raise _translated(url, error) from error
        log.debug("%s answered %d", url.public, response.status)
        return response


def pieces(response: Response, here: Url) -> Iterator[bytes]:
    """Yield a body as it arrives; raise :class:`MachineError` where it breaks off."""
    while True:
        try:
            # read1: one read of the socket. read() would wait for the whole chunk, however
            # slowly it drips.
            piece = response.read1(CHUNK, decode_content=False)
        except SlowError as error:
            raise passing("timeout", here, "the server stopped sending") from error
        except HTTPError as error:
            raise passing("truncated", here, "the connection broke within the file") from error
        if not piece:
            return
        yield piece


def _tls(route: Route) -> ssl.SSLContext:
    """Return how TLS is verified: by the system's CAs, as OpenSSL finds them, or by a file's."""
    try:
        context = ssl.create_default_context(cafile=route.ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or "no certificates in PEM"
        raise UsageError(f"{route.ca_file}: {why}", subject=str(route.ca_file)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _proxied(proxy: Proxy, context: ssl.SSLContext) -> ProxyManager:
    return ProxyManager(
        proxy.url.full,
        _HOSTS,
        proxy_headers=_shown(proxy),
        proxy_ssl_context=context,
        ssl_context=context,
        maxsize=PER_HOST,
    )


def _shown(proxy: Proxy | None) -> dict[str, str]:
    secret = None if proxy is None else proxy.authorization
    return {} if secret is None else {"Proxy-Authorization": secret}


def dismiss(response: Response, *, worth_reading: bool) -> None:
    """End an answer: read the rest of a short one to keep its connection, else close it."""
    rest = framing.length(response.headers)
    if worth_reading and rest is not None and rest <= _SMALL:
        response.drain_conn()
    response.close()


def system_resolver(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system's resolver orders them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


# ---- failures in words -------------------------------------------------------


def _unconnected(url: Url, error: ConnectTimeoutError) -> UnconnectedError:
    if isinstance(error, NewConnectionError):
        return unconnected("unreachable", url, _why(error.__cause__, "no connection"))
    return unconnected("timeout", url, "no answer in time")


def _translated(url: Url, error: HTTPError) -> MachineError:
    """Return what a failure of urllib3 before the body means to the operator."""
    cause = error.args[-1] if error.args else None
    if isinstance(error, ProxyError):
        return failure("proxy", url, _why(cause, "the proxy does not let it through"))
    if isinstance(error, SlowError):
        return passing("timeout", url, "no answer in time")
    if isinstance(cause, IncompleteRead):
        return passing("unreachable", url, "the connection broke within the headers")
    if isinstance(cause, ssl.SSLEOFError) or not isinstance(cause, ssl.SSLError):
        if isinstance(cause, OSError):
            return passing("unreachable", url, _why(cause, "the connection broke"))
        return failure("unexpected", url, "the answer is not HTTP, or does not read one way")
    return failure("tls", url, _why(cause, "TLS failed"))


def _why(cause: object, otherwise: str) -> str:
    """Put an operating system's or OpenSSL's reason into words."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate does not verify: {cause.verify_message.rstrip('.')}"
    if isinstance(cause, ssl.SSLError):
        return f"{otherwise}: {cause.reason or cause.strerror}"
    strerror = getattr(cause, "strerror", None)
    return f"{otherwise}: {strerror}" if strerror else otherwise


# ---- connections that a deadline can end -----------------------------------


class _PlainConnection(HTTPConnection):
    response_class = framing.StrictResponse

    def _new_conn(self) -> socket.socket:
        """Hand each new connection to the deadline, before a TLS handshake begins.

        urllib3's own SOCKS connections extend it here; a test shows that this still works.
        """
        line = super()._new_conn()
        _hold(line)
        return line

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Hand a connection that is used again to the deadline too."""
        if self.sock is not None:
            _hold(self.sock)
        super().request(*args, **kwargs)


class _TlsConnection(_PlainConnection, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _hold(line: socket.socket) -> None:
    # A duplicate: TLS takes the descriptor away from the socket it wraps, and http.client
    # forgets its socket where the answer says `Connection: close`.
    deadline = Deadline.current()
    if deadline is not None:
        deadline.hold(socket.fromfd(line.fileno(), line.family, line.type))


def _keep_queries_out_of_logs() -> None:
    for name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
        logger = logging.getLogger(f"urllib3.{name}")
        if not any(isinstance(known, urls.QueryFilter) for known in logger.filters):
            logger.addFilter(urls.QueryFilter())
