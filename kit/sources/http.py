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
  with only where the server says that it is of the same version (:mod:`kit.sources.receiving`);
  what is whole is held against all that was promised of it (:mod:`kit.sources.bodies`).
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
from kit.sources import bodies, connections, framing, urls
from kit.sources.bodies import Due
from kit.sources.connections import Body, Connections, Response, system_resolver
from kit.sources.deadline import Deadline, Patience
from kit.sources.exchange import ANYTHING, Answer, Fetched, Want
from kit.sources.failures import PassingError, UnconnectedError, failure, is_spent
from kit.sources.hops import MOVED, Gate, Reach, Resolve, reach
from kit.sources.receiving import Part
from kit.sources.route import DIRECT, Route
from kit.sources.traffic import Traffic
from kit.sources.tries import Tries
from kit.sources.urls import Url, public

__all__ = ["Answer", "Client", "Fetched", "Patience", "Want", "public"]

MAX_HOPS = 10
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
        due = Due(start=start, want=want, limit=limit, patience=self._patience)

        def receive(response: Response, here: Url) -> tuple[int, str]:
            due.to_file(part, response, here, self.traffic)
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
        due = Due(start=start, want=want, limit=limit, patience=self._patience)
        whole = bytearray()

        def receive(response: Response, here: Url) -> tuple[int, str]:
            whole.clear()
            hashing = due.to_memory(response, here, whole)
            return hashing.size, hashing.sha256

        def hop(deadline: Deadline) -> Fetched | None:
            return self._hop_by_hop(start, want, deadline, dict, receive)

        fetched = self._until(start, within, hop)
        return None if fetched is None else (fetched, bytes(whole))

    def weigh(
        self, url: str, *, limit: int, within: float | None = None, want: Want = ANYTHING
    ) -> Fetched | None:
        """Fetch to nowhere, as :meth:`fetch` does: only size and digest are kept."""
        start = self._started(url, want)
        due = Due(start=start, want=want, limit=limit, patience=self._patience)

        def receive(response: Response, here: Url) -> tuple[int, str]:
            hashing = due.to_nowhere(response, here)
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
                pieces = bodies.bounded(response, start, limit, self._patience)
                raw = b"" if method == "HEAD" else b"".join(pieces)
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
                    if response.status not in MOVED or want.body is not None:
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


def _refuse_downgrade(url: Url) -> None:
    if url.scheme != "https":
        raise failure("redirect", url, "a document that came by https names this")
