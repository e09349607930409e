"""What is asked for beside a URL, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
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
    ``size`` and ``sha256`` are what the file must have, and ``digests`` are others, in hex by
    algorithm, strong or not: all of them must be its. ``named_by`` is the
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
    digests: tuple[tuple[str, str], ...] = ()
    named_by: Fetched | None = None
    body: bytes | None = field(default=None, repr=False)
    media_type: str = "application/json"
    authorization: str | None = field(default=None, repr=False)
    absent: frozenset[int] = frozenset()
    name: str | None = None

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What must be computed of the file beside SHA-256."""
        return tuple(algorithm for algorithm, _ in self.digests)

    @property
    def announced(self) -> Mapping[str, str]:
        """The digests that the file must have, in hex by algorithm."""
        return dict(self.digests) | ({} if self.sha256 is None else {"sha256": self.sha256})

    def differing(self, size: int, found: Mapping[str, str]) -> str | None:
        """Say how a file differs from what was announced of it, or ``None``.

        ``found`` are its digests by algorithm, SHA-256 among them.
        """
        if self.size not in (None, size):
            return f"{size} bytes, and {self.size} were announced"
        announced = self.announced
        wrong = [name for name, value in announced.items() if found[name] != value]
        if not wrong:
            return None
        name = wrong[0]
        right = ", ".join(other for other in announced if other not in wrong)
        beside = f", while its {right} is what was" if right else ""
        return f"its {name} is {found[name]}, and {announced[name]} was announced{beside}"


ANYTHING = Want()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered to :meth:`Client.ask`: any status, and a body that was not vetted."""

    status: int
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    reach: Reach
