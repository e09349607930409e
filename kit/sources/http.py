"""The one way out: fetch a URL to a file, whole or not at all.

A fetch has three ends: the file, whole and hashed; a clear "it is not there" (404, 410);
or an error. Whatever else a server answers is never taken for one of the first two.

* Every hop of a redirect is vetted like the first URL, and the addresses that were vetted
  are the ones connected to: a name that resolves differently a moment later gains nothing.
* Nothing about the operator is sent: no cookies or Referer; and neither .netrc nor the usual
  proxy variables are read. A credential goes to the one origin it was given for, and not even
  there once a redirect has led elsewhere. TLS is verified, 1.2 or newer; nothing turns it off.
* Bytes are asked for unencoded and kept as they came. A body whose end cannot be told from
  a cut is refused, since a short file would otherwise look whole. What broke off is gone on
  with only where the server says that it is of the same version (:mod:`kit.sources.receiving`).
* Everything is bounded: bytes, redirects, tries, waits, requests at once to one host, and
  the time of the whole fetch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from kit import __version__
from kit.errors import MachineError, UsageError
from kit.sources import connections, framing, urls
from kit.sources.connections import Body, Connections, Response, system_resolver
from kit.sources.deadline import Deadline, Patience
from kit.sources.exchange import ANYTHING, Answer, Fetched, Want
from kit.sources.failures import (
    PassingError,
    UnconnectedError,
    failure,
    is_spent,
    passing,
    refusal,
)
from kit.sources.hashing import Hashing
from kit.sources.hops import Gate, Reach, Resolve, reach
from kit.sources.receiving import Part, paced
from kit.sources.route import DIRECT, Route
from kit.sources.traffic import Traffic
from kit.sources.tries import Tries
from kit.sources.urls import Url, public

__all__ = ["Answer", "Client", "Fetched", "Patience", "Want", "public"]

MAX_HOPS = 10
_MOVED = frozenset({301, 302, 303, 307, 308})
_ABSENT = frozenset({404, 410})

Value = TypeVar("Value")


class Client:
    """Fetches URLs to files. May be shared by threads."""

    def __init__(
        self,
        *,
        plain_http: frozenset[str] = frozenset(),
        patience: Patience | None = None,
        resolve: Resolve = system_resolver,
        credentials: Mapping[str, str] | None = None,
        route: Route = DIRECT,
        traffic: Traffic | None = None,
    ) -> None:
        """Allow plain HTTP to loopback and to the hosts named in ``plain_http``, to no other.

        ``credentials`` are ``Authorization`` headers by the origin that each is for.
        ``traffic`` is shared with other clients of one collect.
        """
        self.traffic = traffic or Traffic()
        self._credentials = dict(credentials or {})
        self.route = route
        self._gate = Gate(plain_http, resolve, route)
        self._patience = patience or Patience()
        self._headers = {"User-Agent": f"airgap-kit/{__version__}", "Accept-Encoding": "identity"}
        self._connections = Connections(self._patience, route)

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
        start = self._started(url, want)
        part = Part(to, want.algorithms)

        def receive(response: Response, here: Url) -> tuple[int, str]:
            self._into(part, response, here, start, limit, want)
            return part.size, part.sha256

        def hop(deadline: Deadline) -> Fetched | None:
            return self._hop_by_hop(start, want, deadline, part.conditions, receive)

        try:
            return self._until(start, within, hop)
        except BaseException:
            with suppress(MachineError):
                part.keep(start)  # for another run
            raise

    def read(
        self, url: str, *, limit: int, within: float | None = None, want: Want = ANYTHING
    ) -> tuple[Fetched, bytes] | None:
        """Fetch a document of at most ``limit`` bytes into memory, as :meth:`fetch` does."""
        start = self._started(url, want)
        whole = bytearray()

        def receive(response: Response, here: Url) -> tuple[int, str]:
            whole[:] = self._whole(response, here, start, limit)
            return _demand_announced(bytes(whole), want, here)

        def hop(deadline: Deadline) -> Fetched | None:
            return self._hop_by_hop(start, want, deadline, dict, receive)

        fetched = self._until(start, within, hop)
        return None if fetched is None else (fetched, bytes(whole))

    def weigh(
        self, url: str, *, limit: int, within: float | None = None, want: Want = ANYTHING
    ) -> Fetched | None:
        """Fetch to nowhere, as :meth:`fetch` does: only size and digest are kept."""
        start = self._started(url, want)

        def receive(response: Response, here: Url) -> tuple[int, str]:
            due = self._promised(response, here, start, limit)
            hashing = Hashing(want.algorithms)
            for piece in paced(connections.pieces(response, here), here, self._patience):
                hashing.add(piece)
                if hashing.size > limit:
                    raise failure("too-large", here, f"more than the limit of {limit} bytes")
            if due is not None and hashing.size != due:
                raise passing("truncated", here, f"{hashing.size} bytes of {due}")
            _demand(hashing.size, hashing.digests, want, here)
            return hashing.size, hashing.sha256

        def hop(deadline: Deadline) -> Fetched | None:
            return self._hop_by_hop(start, want, deadline, dict, receive)

        return self._until(start, within, hop)

    def ask(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        within: float | None = None,
        want: Want = ANYTHING,
        body: Body = None,
    ) -> Answer:
        """Send one request, once, and return whatever is answered; no redirect is followed.

        For what is not a file: a challenge, a header, an upload. ``body`` may be an open file,
        or pieces, whose length ``want.headers`` then says. Raises as :meth:`fetch` does.
        """
        start = self._started(url, want)
        headers = self._said(start, want)
        origin = None if want.named_by is None else want.named_by.reach
        with (
            Deadline(self._patience.total if within is None else within) as deadline,
            self.traffic.lane(start.origin, deadline),
        ):
            response, address = self._ask(method, start, origin, headers, body, deadline)
            try:
                raw = b"" if method == "HEAD" else self._whole_of_any(response, start, limit)
            finally:
                connections.dismiss(response, worth_reading=False)
        return Answer(
            status=response.status, headers=response.headers, body=raw, reach=reach(address)
        )

    # ---- may it be asked, and for how long

    def _started(self, url: str, want: Want) -> Url:
        """Refuse a URL that may not be asked, as the operator's own word or as a server's."""
        start = urls.parse(url)
        if want.named_by is None:
            self._gate.allow(start)
            return start
        try:
            self._gate.allow(start)
        except UsageError as error:
            raise failure("redirect", start, f"a document names {error.message}") from error
        if want.named_by.url.startswith("https:"):
            _refuse_downgrade(start)
        return start

    def _until(self, start: Url, within: float | None, hop: Callable[[Deadline], Value]) -> Value:
        """Try as often as the patience allows, within the time."""
        tries = Tries(self._patience)
        with Deadline(self._patience.total if within is None else within) as deadline:
            while True:
                try:
                    return hop(deadline)
                except MachineError as error:
                    deadline.let_go()
                    if deadline.over:
                        what = "the time for this fetch is over"
                        raise failure("timeout", start, what) from error
                    if not isinstance(error, PassingError):
                        raise
                    tries.again(error, deadline)

    # ---- one try: every hop, then the body

    def _hop_by_hop(
        self,
        start: Url,
        want: Want,
        deadline: Deadline,
        conditions: Callable[[], Mapping[str, str]],
        receive: Callable[[Response, Url], tuple[int, str]],
    ) -> Fetched | None:
        here, origin = start, None if want.named_by is None else want.named_by.reach
        method = "GET" if want.body is None else "POST"
        headers = self._said(start, want) | dict(conditions())
        seen = {start.full}
        while True:
            with self.traffic.lane(here.origin, deadline):
                response, address = self._ask(method, here, origin, headers, want.body, deadline)
                try:
                    if response.status in _ABSENT or (
                        response.status in want.absent and not is_spent(response.headers)
                    ):
                        return None
                    if response.status not in _MOVED or want.body is not None:
                        size, sha256 = receive(response, here)
                        return Fetched(
                            url=here.public,
                            size=size,
                            sha256=sha256,
                            reach=reach(address),
                            links=tuple(response.headers.getlist("link")),
                            media_type=framing.media_type(response.headers),
                        )
                    here = self._gate.follow(here, response.headers.getlist("location"))
                finally:
                    absent = response.status in _ABSENT
                    connections.dismiss(response, worth_reading=absent)
                    deadline.let_go()
            if here.full in seen:
                raise failure("redirect", start, "its redirects lead in a circle")
            if len(seen) > MAX_HOPS:
                raise failure("redirect", start, f"more than {MAX_HOPS} redirects")
            seen.add(here.full)
            origin = reach(address)
            if here.origin != start.origin:
                headers.pop("Authorization", None)  # for good, even if it leads back

    def _said(self, start: Url, want: Want) -> dict[str, str]:
        """Return the headers of the first request."""
        secret = want.authorization or self._credentials.get(start.origin)
        return (
            self._headers
            | dict(want.headers)
            | {"Accept": want.accept}
            | ({} if want.body is None else {"Content-Type": want.media_type})
            | ({} if secret is None else {"Authorization": secret})
        )

    def _ask(
        self,
        method: str,
        url: Url,
        origin: Reach | None,
        headers: Mapping[str, str],
        body: Body,
        deadline: Deadline,
    ) -> tuple[Response, str]:
        """Send the request to the first address that can be connected to."""
        send = self._connections.send
        *others, last = self._gate.addresses(url, origin)
        for address in others:
            try:
                return send(method, url, address, headers, body, deadline), address
            except UnconnectedError:
                continue
        return send(method, url, last, headers, body, deadline), last

    # ---- what came back

    def _into(
        self, part: Part, response: Response, here: Url, start: Url, limit: int, want: Want
    ) -> None:
        """Receive what is sent, or the rest of what was, and hold it against what is wanted."""
        if response.status == 206 and part.size:
            framing.promised(response.headers, here, start)
            part.go_on(response.headers, here)
        elif response.status == 416 and part.size:
            part.discard()
            raise passing("unexpected", here, "it has no rest of what it sent before")
        else:
            part.begin(response.headers, here, self._promised(response, here, start, limit))
        due = framing.length(response.headers)
        before = part.size
        total = None if due is None else before + due
        pieces = connections.pieces(response, here)
        try:
            with self.traffic.watch(want.name or start.name, total, before) as arrived:
                part.receive(pieces, here, limit, self._patience, arrived)
            if due is not None and part.size - before != due:
                what = f"{part.size - before} bytes of {due}"
                raise passing("truncated", here, what)
            part.demand_whole(here)
            _demand(part.size, part.digests, want, here)
        except PassingError:
            part.keep(here)
            raise
        except MachineError as error:
            resumed = part.resumed
            part.discard()
            if resumed and error.code == "machine.digest":
                # Not the server's word against ours, before it was asked for the whole.
                raise passing("digest", here, error.message) from error
            raise
        part.finish(here)

    def _whole(self, response: Response, here: Url, start: Url, limit: int) -> bytes:
        due = self._promised(response, here, start, limit)
        raw = self._whole_of_any(response, here, limit)
        if due is not None and len(raw) != due:
            raise passing("truncated", here, f"{len(raw)} bytes of {due}")
        return raw

    def _whole_of_any(self, response: Response, here: Url, limit: int) -> bytes:
        whole = bytearray()
        for piece in paced(connections.pieces(response, here), here, self._patience):
            whole += piece
            if len(whole) > limit:
                raise failure("too-large", here, f"more than the limit of {limit} bytes")
        return bytes(whole)

    def _promised(self, response: Response, here: Url, start: Url, limit: int) -> int | None:
        if response.status != 200:
            raise refusal(response.status, here, response.headers)
        length = framing.promised(response.headers, here, start)
        if length is not None and length > limit:
            raise failure("too-large", here, f"{length} bytes, over the limit of {limit}")
        return length


def _demand_announced(raw: bytes, want: Want, here: Url) -> tuple[int, str]:
    hashing = Hashing(want.algorithms)
    hashing.add(raw)
    _demand(hashing.size, hashing.digests, want, here)
    return hashing.size, hashing.sha256


def _demand(size: int, found: Mapping[str, str], want: Want, here: Url) -> None:
    """Hold what came against what was announced."""
    what = want.differing(size, found)
    if what is not None:
        raise failure("digest", here, what)


def _refuse_downgrade(url: Url) -> None:
    if url.scheme != "https":
        raise failure("redirect", url, "a document that came by https names this")
