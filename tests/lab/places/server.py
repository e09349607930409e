"""A server that answers as a place would, and can be told to fail.

What it should answer is one method, :meth:`Place.answer`. Everything else is
:class:`HostileServer`'s: real sockets, every request remembered, scripts for faults.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.lab.hostile_http import HostileServer, Request, Script, head

_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: its status, its bytes, and its headers but for their length."""

    status: int = 200
    body: bytes = b""
    headers: tuple[str, ...] = field(default=())

    @classmethod
    def json(cls, value: Any, media_type: str, status: int = 200) -> Reply:
        """Return a JSON document."""
        raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        return cls(status=status, body=raw, headers=(f"Content-Type: {media_type}",))

    @classmethod
    def moved(cls, location: str, status: int = 301) -> Reply:
        """Return a redirect."""
        return cls(status=status, headers=(f"Location: {location}",))

    @classmethod
    def missing(cls) -> Reply:
        """Return a clear "there is no such thing"."""
        return cls(status=404, body=b"404 Not Found", headers=("Content-Type: text/plain",))

    @classmethod
    def file(
        cls, content: bytes, request: Request, media_type: str = "application/octet-stream"
    ) -> Reply:
        """Return a file, or the part of it that is asked for, with a strong validator."""
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = (f"Content-Type: {media_type}", f"ETag: {etag}", "Accept-Ranges: bytes")
        asked = _RANGE.fullmatch("".join(request.values("range")))
        if asked is None or request.values("if-range") not in ([], [etag]):
            return cls(body=content, headers=headers)
        start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if start > end:
            return cls(status=416, headers=(f"Content-Range: bytes */{len(content)}",))
        part = f"Content-Range: bytes {start}-{end}/{len(content)}"
        return cls(status=206, body=content[start : end + 1], headers=(*headers, part))

    def script(self, method: str) -> Script:
        """Return the script that sends it, its body not in answer to a HEAD."""
        lines = (f"HTTP/1.1 {self.status} -", f"Content-Length: {len(self.body)}", *self.headers)
        return [head(*lines), b"" if method == "HEAD" else self.body]


class Place(HostileServer):
    """A place on one origin: answers as it should, but for the faults it was told.

    With ``token``, everything without ``Authorization: SCHEME token`` is answered 401.
    """

    #: What may be done here; anything else is answered 405.
    methods: tuple[str, ...] = ("GET", "HEAD")

    def __init__(self, *, tls: ssl.SSLContext | None = None, authorization: str = "") -> None:
        """Listen at once."""
        super().__init__(tls=tls)
        self.authorization = authorization
        self._faults: dict[str, list[Script]] = {}

    def answer(self, request: Request) -> Reply:
        """Return what this place answers when nothing is wrong."""
        raise NotImplementedError

    def fault(self, path: str, *scripts: Script) -> None:
        """Answer the next requests for a path with these scripts, one each; then as it should."""
        with self._lock:
            self._faults.setdefault(path, []).extend(scripts)

    def _script(self, request: Request) -> Script:
        with self._lock:
            faults = self._faults.get(request.path)
            if faults:
                return faults.pop(0)
            told = request.path in self._scripts
        if told:  # `on` answers a path so for good
            return super()._script(request)
        return self._truth(request).script(request.method)

    def _truth(self, request: Request) -> Reply:
        if self.authorization and request.values("authorization") != [self.authorization]:
            challenge = f'WWW-Authenticate: {self.authorization.split(" ")[0]} realm="place"'
            return Reply(status=401, headers=(challenge,))
        if request.method not in self.methods:
            return Reply(status=405, headers=(f"Allow: {', '.join(self.methods)}",))
        return self.answer(request)


def secrets_seen(requests: Iterable[Request], secrets: Sequence[str]) -> list[str]:
    """Return where requests carry a secret, or a header that is made to carry one."""
    found: list[str] = []
    for request in requests:
        found += [f"{request.path}: target" for word in secrets if word in request.target]
        for name, value in request.headers:
            if name.lower() in _SECRET_HEADERS or any(word in value for word in secrets):
                found.append(f"{request.path}: {name}")
    return found


_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "private-token", "x-api-key", "referer"}
)
