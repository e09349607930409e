"""The one way out: fetch a URL to a file, whole or not at all.

A fetch has three ends: the file, whole and hashed; a clear "it is not there" (404, 410);
or an error. Whatever else a server answers is never taken for one of the first two.

* Every hop of a redirect is vetted like the first URL, and the addresses that were vetted
  are the ones connected to: a name that resolves differently a moment later gains nothing.
* Nothing about the operator is sent: no cookies or Referer; and neither .netrc nor proxy
  variables are read. A credential goes to the one origin it was given for, and not even
  there once a redirect has led elsewhere. TLS is verified, 1.2 or newer; nothing turns it off.
* Bytes are asked for unencoded and kept as they came. A body whose end cannot be told from
  a cut is refused, since a short file would otherwise look whole.
* Everything is bounded: bytes, redirects, tries, waits, and the time of the whole fetch.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.client import IncompleteRead
from pathlib import Path
from typing import Any, BinaryIO

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError
from urllib3.exceptions import TimeoutError as SlowError
from urllib3.util import Retry

from kit import __version__
from kit.errors import MachineError, UsageError
from kit.sources import framing, urls
from kit.sources.deadline import Deadline, Patience
from kit.sources.failures import PassingError, failure, passing, refusal
from kit.sources.hops import Gate, Reach, Resolve, reach
from kit.sources.urls import Url, public

__all__ = ["Client", "Fetched", "Patience", "Want", "public"]

MAX_HOPS = 10
_CHUNK = 1 << 18
_SMALL = 1 << 16  # an error page up to this size is read, so that its connection can be kept
_MOVED = frozenset({301, 302, 303, 307, 308})
_ABSENT = frozenset({404, 410})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that was fetched whole.

    ``url`` is where it came from in the end, without query, and ``reach`` what kind of
    address that has.
    """

    url: str
    size: int
    sha256: str
    reach: Reach = field(default=Reach.PUBLIC, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What is asked for beside the URL.

    ``accept`` are media types, ``sha256`` is what the file must have. ``named_by`` is the
    document in which the URL stood, where the operator did not write it: what a server
    writes there may lead no further than a redirect of that server could.
    """

    accept: str = "*/*"
    sha256: str | None = None
    named_by: Fetched | None = None


ANYTHING = Want()


def system_resolver(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system's resolver orders them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Client:
    """Fetches URLs to files. May be shared by threads."""

    def __init__(
        self,
        *,
        plain_http: frozenset[str] = frozenset(),
        patience: Patience | None = None,
        user_agent: str = f"airgap-kit/{__version__}",
        resolve: Resolve = system_resolver,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        """Allow plain HTTP to loopback and to the hosts named in ``plain_http``, to no other.

        ``credentials`` are ``Authorization`` headers by the origin that each is for.
        """
        self._credentials = dict(credentials or {})
        self._gate = Gate(plain_http, resolve)
        self._patience = patience or Patience()
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        context = ssl.create_default_context()  # its CA store follows SSL_CERT_FILE, as OpenSSL's
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._pools = PoolManager(num_pools=32, maxsize=8, ssl_context=context)
        self._pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        _keep_queries_out_of_logs()

    def fetch(
        self,
        url: str,
        to: Path,
        *,
        limit: int,
        within: float | None = None,
        want: Want = ANYTHING,
    ) -> Fetched | None:
        """Fetch at most ``limit`` bytes to the file ``to``; ``None`` if a 404 or 410 says no.

        The bytes go to a file beside ``to`` that is renamed when it is whole; ``to`` is not
        touched before. ``within`` are the seconds the whole fetch may take. Raises
        :class:`UsageError` for a URL that is not allowed, else :class:`MachineError`.
        """
        start = urls.parse(url)
        self._admit(start, want.named_by)
        retries = self._retries()
        with Deadline(self._patience.total if within is None else within) as deadline:
            while True:
                try:
                    return self._try(start, to, limit, deadline, want)
                except MachineError as error:
                    deadline.let_go()
                    if deadline.over:
                        what = "the time for this fetch is over"
                        raise failure("timeout", start, what) from error
                    if not isinstance(error, PassingError):
                        raise
                    retries = _next_try(retries, error, deadline)

    def _admit(self, start: Url, named_by: Fetched | None) -> None:
        """Refuse a URL: as the operator's mistake, or as a place's that named it."""
        if named_by is None:
            self._gate.allow(start)
            return
        try:
            self._gate.allow(start)
        except UsageError as error:
            raise failure("redirect", start, "a document of another place names this") from error
        if named_by.url.startswith("https:") and start.scheme == "http":
            raise failure("redirect", start, "a document that came by https names this")

    def _retries(self) -> Retry:
        patience = self._patience
        return Retry(
            total=patience.retries,
            backoff_factor=patience.backoff,
            backoff_jitter=patience.jitter,
            backoff_max=patience.longest_wait,
            retry_after_max=patience.longest_wait,
        )

    # ---- one try: every hop, then the body

    def _try(
        self, start: Url, to: Path, limit: int, deadline: Deadline, want: Want
    ) -> Fetched | None:
        here, origin = start, None if want.named_by is None else want.named_by.reach
        headers = {"Accept": want.accept} | self._authorized(start)
        seen = {start.full}
        while True:
            response, address = self._ask(here, origin, headers, deadline)
            try:
                if response.status not in _MOVED:
                    body = _Body(here=here, start=start, to=to, limit=limit, sha256=want.sha256)
                    fetched = self._answer(response, body)
                    return fetched and replace(fetched, reach=reach(address))
                here = self._gate.follow(here, response.headers.getlist("location"))
            finally:
                _dismiss(response)
                deadline.let_go()
            if here.full in seen:
                raise failure("redirect", start, "its redirects lead in a circle")
            if len(seen) > MAX_HOPS:
                raise failure("redirect", start, f"more than {MAX_HOPS} redirects")
            seen.add(here.full)
            origin = reach(address)
            if here.origin != start.origin:
                headers.pop("Authorization", None)  # for good, even if it leads back

    def _authorized(self, url: Url) -> dict[str, str]:
        secret = self._credentials.get(url.origin)
        return {} if secret is None else {"Authorization": secret}

    def _ask(
        self, url: Url, origin: Reach | None, headers: Mapping[str, str], deadline: Deadline
    ) -> tuple[BaseHTTPResponse, str]:
        """Send the request to the first address that can be connected to."""
        *others, last = self._gate.addresses(url, origin)
        try:
            for address in others:
                with contextlib.suppress(ConnectTimeoutError):  # also refused, or no route
                    return self._send(url, address, headers, deadline), address
            return self._send(url, last, headers, deadline), last
        except HTTPError as error:
            raise _translated(url, error) from error

    def _send(
        self, url: Url, address: str, headers: Mapping[str, str], deadline: Deadline
    ) -> BaseHTTPResponse:
        patience = self._patience
        pool = self._pools.connection_from_host(
            f"[{address}]" if ":" in address else address,
            port=url.port,
            scheme=url.scheme,
            pool_kwargs={"server_hostname": url.host},  # what the certificate must name
        )
        response = pool.urlopen(
            "GET",
            url.target,
            headers={"Host": url.authority, **self._headers, **headers},
            timeout=Timeout(
                connect=max(min(patience.connect, deadline.left), 0.001), read=patience.read
            ),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,  # _answer compares it
        )
        log.debug("%s answered %d", url.public, response.status)
        return response

    # ---- what came back

    def _answer(self, response: BaseHTTPResponse, body: _Body) -> Fetched | None:
        here, to = body.here, body.to
        if response.status in _ABSENT:
            return None
        if response.status != 200:
            raise refusal(response.status, here, response.headers.get("retry-after"))
        length = framing.promised(response.headers, here, body.start)
        if length is not None and length > body.limit:
            raise failure("too-large", here, f"{length} bytes, over the limit of {body.limit}")
        part = to.with_name(f"{to.name}.part")
        try:
            with part.open("wb") as out:
                fetched = self._receive(response, here, out, body.limit)
            if length is not None and fetched.size != length:
                raise passing("truncated", here, f"{fetched.size} bytes of {length}")
            if body.sha256 is not None and fetched.sha256 != body.sha256:
                what = f"its SHA-256 is {fetched.sha256}, and {body.sha256} was announced"
                raise failure("digest", here, what)
            part.replace(to)
        except OSError as error:  # never the network's: urllib3 makes those its own
            what = f"{to.name} cannot be written: {error.strerror}"
            raise failure("unwritable", here, what) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return fetched

    def _receive(self, response: BaseHTTPResponse, here: Url, out: BinaryIO, limit: int) -> Fetched:
        digest = hashlib.sha256()
        size = 0
        for piece in self._pieces(response, here):
            size += len(piece)
            if size > limit:
                raise failure("too-large", here, f"more than the limit of {limit} bytes")
            digest.update(piece)
            out.write(piece)
        return Fetched(url=here.public, size=size, sha256=digest.hexdigest())

    def _pieces(self, response: BaseHTTPResponse, here: Url) -> Iterator[bytes]:
        """Yield the body as it arrives, as long as it arrives fast enough."""
        patience = self._patience
        arrived, window_ends = 0, time.monotonic() + patience.window
        while True:
            try:
                # read1: one read of the socket. read() would wait for the whole chunk, however
                # slowly it drips.
                piece = response.read1(_CHUNK, decode_content=False)
            except HTTPError as error:
                raise _cut(here, error) from error
            if not piece:
                return
            arrived += len(piece)
            if time.monotonic() >= window_ends:
                if arrived < patience.slowest * patience.window:
                    what = f"{arrived} bytes in {patience.window:g} seconds"
                    raise passing("timeout", here, what)
                arrived, window_ends = 0, time.monotonic() + patience.window
            yield piece


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """What an answer's body must be, and where to."""

    here: Url
    start: Url
    to: Path
    limit: int
    sha256: str | None


def _next_try(retries: Retry, error: PassingError, deadline: Deadline) -> Retry:
    """Wait as long as is due before the next try; raise ``error`` if there is none."""
    try:
        retries = retries.increment("GET", error=error)
    except MaxRetryError:
        raise error from error.__cause__
    wait = retries.get_backoff_time()
    if error.retry_after is not None:
        # email.utils reads the date form, and fails in many ways on what is none.
        with contextlib.suppress(HTTPError, ValueError, TypeError, IndexError, OverflowError):
            wait = max(wait, retries.parse_retry_after(error.retry_after))
    if wait >= deadline.left:
        raise error from error.__cause__
    time.sleep(wait)
    return retries


def _dismiss(response: BaseHTTPResponse) -> None:
    """End an answer: read the rest of a short one to keep its connection, else close it."""
    rest = framing.length(response.headers)
    if response.status in _ABSENT and rest is not None and rest <= _SMALL:
        response.drain_conn()
    response.close()


def _translated(url: Url, error: HTTPError) -> MachineError:
    """Return what a failure of urllib3 before the body means to the operator."""
    cause = error.args[-1] if error.args else None
    if isinstance(error, NewConnectionError):
        return passing("unreachable", url, _why(error.__cause__, "no connection"))
    if isinstance(error, SlowError):
        return passing("timeout", url, "no answer in time")
    if isinstance(cause, IncompleteRead):
        return passing("unreachable", url, "the connection broke within the headers")
    if isinstance(cause, ssl.SSLEOFError) or not isinstance(cause, ssl.SSLError):
        if isinstance(cause, OSError):
            return passing("unreachable", url, _why(cause, "the connection broke"))
        return failure("unexpected", url, "the answer is not HTTP, or does not read one way")
    return failure("tls", url, _why(cause, "TLS failed"))


def _cut(url: Url, error: HTTPError) -> MachineError:
    """Return what a failure of urllib3 within the body means."""
    if isinstance(error, SlowError):
        return passing("timeout", url, "the server stopped sending")
    return passing("truncated", url, "the connection broke within the file")


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
