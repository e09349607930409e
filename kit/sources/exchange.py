"""What is asked for beside a URL, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kit.sources.framing import Headers
from kit.sources.hops import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that was fetched whole.

    ``url`` is where it came from in the end, without query, ``reach`` what kind of address
    that has; ``links`` are the ``Link`` headers that came with it, and ``media_type`` is what
    the server calls it, in lower case and without parameters.
    """

    url: str
    size: int
    sha256: str
    reach: Reach = field(default=Reach.PUBLIC, compare=False)
    links: tuple[str, ...] = field(default=(), compare=False, repr=False)
    media_type: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What is asked for beside the URL.

    ``accept`` are media types, ``headers`` more that is said, nothing secret among it;
    ``size`` and ``sha256`` are what the file must have. ``named_by`` is the
    document in which the URL stood, where the operator did not write it: what a server
    writes there may lead no further than a redirect of that server could.

    ``body`` is what is asked, of ``media_type``, where that does not fit into a URL: a POST,
    for questions alone, since it is asked again where an answer did not come. It follows no
    redirect. ``authorization`` is for the origin of the URL alone, before the client's own.
    ``absent`` are statuses that also say clearly, in answer to this, that it is not there.
    ``name`` is what the file is called to people, where the URL does not end in that.
    """

    accept: str = "*/*"
    headers: tuple[tuple[str, str], ...] = ()
    size: int | None = None
    sha256: str | None = None
    named_by: Fetched | None = None
    body: bytes | None = field(default=None, repr=False)
    media_type: str = "application/json"
    authorization: str | None = field(default=None, repr=False)
    absent: frozenset[int] = frozenset()
    name: str | None = None


ANYTHING = Want()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered to :meth:`Client.ask`: any status, and a body that was not vetted."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    reach: Reach
