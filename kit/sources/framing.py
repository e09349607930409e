"""What an answer's headers promise, read in one way or not at all.

Where two readers could differ about an answer (RFC 9112 §5 and §6.3), or where its body
would be something else than the file that was asked for, there is no file.
"""

from __future__ import annotations

import http.client
import io
import re
from email.errors import MultipartInvariantViolationDefect, StartBoundaryNotFoundDefect
from typing import Any, Protocol

from kit.sources.failures import failure
from kit.sources.urls import Url

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_OF_THE_BODY = (StartBoundaryNotFoundDefect, MultipartInvariantViolationDefect)
_LENGTH = re.compile(r"[0-9]{1,18}")


class Headers(Protocol):
    """Headers by name, in any case; several of one name are several values."""

    def getlist(self, key: str) -> list[str]:
        """Return the values of a header, in their order."""


class _WholeLines(io.BufferedReader):
    """Reads lines that are there to their end.

    http.client takes what a cut connection leaves of a line for the line: of a chunk's size
    ``00001000`` perhaps ``0000``, which ends the body as if it were whole. It also takes the
    end of the connection for the end of a header block.
    """

    _began = False

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return a line; raise where the connection ended within it, or in place of it."""
        line = super().readline(size)
        ended = not line.endswith(b"\n") and len(line) != size
        if ended and (line or self._began):  # without a first line there is no answer at all
            raise http.client.IncompleteRead(line)
        self._began = True
        return line


class StrictResponse(http.client.HTTPResponse):
    """An answer that is read to its end, and whose header block reads in one way only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Read from a connection, whole lines only."""
        super().__init__(*args, **kwargs)
        self.fp = _WholeLines(self.fp.detach())

    def begin(self) -> None:
        """Read the header block; raise where http.client would have made the best of it."""
        super().begin()
        # Not of the header block: there is no body yet to find boundaries in.
        defects = [item for item in self.msg.defects if not isinstance(item, _OF_THE_BODY)]
        # A line that is no header makes the reader take it, and all below, for a body.
        leftover = self.msg.get_payload() and not self.msg.is_multipart()
        folded = any("\n" in value or "\r" in value for value in self.msg.values())
        lengths = ",".join(self.msg.get_all("content-length", ""))
        if defects or leftover or folded or "," in lengths:
            raise http.client.HTTPException("a header block that reads more than one way")


def media_type(headers: Headers) -> str:
    """Return what a body is called, in lower case and without parameters; empty if it is not."""
    return (only(headers, "content-type") or "").partition(";")[0].strip().lower()


def length(headers: Headers) -> int | None:
    """Return the one Content-Length, if there is exactly one and it is a length."""
    values = headers.getlist("content-length")
    return int(values[0]) if len(values) == 1 and _LENGTH.fullmatch(values[0]) else None


def only(headers: Headers, name: str) -> str | None:
    """Return a header's value, if it is there exactly once."""
    values = headers.getlist(name)
    return values[0].strip() if len(values) == 1 else None


def promised(headers: Headers, here: Url, start: Url) -> int | None:
    """Return the length of a body that is the file ``start`` names; ``None`` if it is in chunks.

    Raises where the body is something else, or where its end could not be told from a cut.
    """
    _demand_file(headers, here, start)
    lengths, codings = headers.getlist("content-length"), headers.getlist("transfer-encoding")
    if codings:
        if lengths or [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise failure("unexpected", here, "the body is framed in more than one way")
        return None
    if not lengths:
        what = "neither a Content-Length nor chunks: a cut body would look whole"
        raise failure("truncated", here, what)
    declared = length(headers)
    if declared is None:
        raise failure("unexpected", here, f"Content-Length {', '.join(lengths)!r:.60}")
    return declared


def _demand_file(headers: Headers, here: Url, start: Url) -> None:
    for value in headers.getlist("content-encoding"):
        if value.strip().lower() not in ("", "identity"):
            raise failure("encoded", here, f"the server encoded the body: {value!r:.40}")
    if start.path.lower().endswith((".html", ".htm")):
        return
    for value in headers.getlist("content-type"):
        if value.partition(";")[0].strip().lower() in _PAGES:
            raise failure("portal", here, "the server answered with a web page, not the file")
