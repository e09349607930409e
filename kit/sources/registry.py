"""A repository in a registry: its manifests, blobs and referrers (OCI distribution 1.1).

The digest of the bytes decides. What is asked for by digest has it, or is refused; what
is asked for by tag is asked for once more by the digest that came, under the one media type
that came, and must be the same bytes: a registry that answers one reader so and another
otherwise would let two hosts verify two images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from kit.errors import EvidenceError, MachineError, MalformedError
from kit.formats import oci_manifest
from kit.formats.oci_manifest import Descriptor, ImageManifest, Index
from kit.formats.oci_reference import Repository
from kit.model import Digest
from kit.sources import links, urls
from kit.sources.failures import failure
from kit.sources.http import Client, Fetched, Want
from kit.sources.registry_access import Access, Reached
from kit.sources.registry_entrance import PULL, Entrance

MAX_REFERRERS = 2000
_MAX_PAGES = 100
_SECONDS = 300.0
_DOCUMENTS = (*sorted(oci_manifest.INDEXES), *sorted(oci_manifest.MANIFESTS))
#: What registries answer that do not have the referrers API; 404 is what is specified.
_NO_REFERRERS = frozenset({400, 404, 405, 406, 501})

#: What servers call what they do not know.
_SAYS_NOTHING = frozenset({"", "application/json", "application/octet-stream", "text/plain"})

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A manifest or an index as it came, and where from."""

    raw: bytes = field(repr=False)
    digest: Digest
    value: ImageManifest | Index
    url: str

    @property
    def descriptor(self) -> Descriptor:
        """What an index says of it."""
        return Descriptor(media_type=self.value.media_type, size=len(self.raw), digest=self.digest)


class Registry:
    """One repository; threads may share it."""

    def __init__(
        self, repository: Repository, access: Access, client: Client, actions: str = PULL
    ) -> None:
        """Ask for nothing yet."""
        self.reached: Reached = access.reached(repository)
        self.client = client
        self.entrance = Entrance(self.reached, actions, access, client)

    # ---- manifests

    def resolve(self, tag: str) -> Document | None:
        """Return what a tag points to now; ``None`` if it points to nothing."""
        found = self._document(tag, ",".join(_DOCUMENTS), None)
        if found is None:
            return None
        again = self.document(found.descriptor)
        if again is None or again.raw != found.raw:
            here = urls.parse(found.url)
            what = f"{found.digest} came by the tag, and is not there by its digest"
            raise failure("digest", here, what)
        return again

    def document(self, wanted: Descriptor) -> Document | None:
        """Return a manifest or index that another document describes."""
        if not oci_manifest.is_document(wanted.media_type):
            raise ValueError(f"{wanted.media_type} is no manifest or index")
        return self._document(
            str(wanted.digest), wanted.media_type, wanted.digest, size=wanted.size
        )

    def by_digest(self, digest: Digest) -> Document | None:
        """Return the manifest or index of a digest."""
        return self._document(str(digest), ",".join(_DOCUMENTS), digest)

    def digest_of(self, tag: str) -> Digest | None:
        """Return the digest of what a tag points to now, unread."""
        url = self.reached.url("manifests", tag)
        got = self._read(url, Want(accept=",".join(_DOCUMENTS)))
        return None if got is None else Digest("sha256", got[0].sha256)

    def _document(
        self, reference: str, accept: str, digest: Digest | None, size: int | None = None
    ) -> Document | None:
        url = self.reached.url("manifests", reference)
        sha256 = None if digest is None else digest.hex
        got = self._read(url, Want(accept=accept, sha256=sha256, size=size))
        if got is None:
            return None
        fetched, raw = got
        with _about(url):
            value = oci_manifest.parse(raw, _called(fetched))
            if value.media_type not in accept.split(","):
                why = f"is {value.media_type}, and {accept} was announced"
                raise MalformedError(why, code="oci.media-type")
        return Document(
            raw=raw, digest=Digest("sha256", fetched.sha256), value=value, url=urls.public(url)
        )

    # ---- blobs

    def fetch(self, wanted: Descriptor, to: Path) -> bool:
        """Fetch a blob to a file; ``False`` if it is clearly not there."""
        url = self.reached.url("blobs", str(wanted.digest))

        def ask(header: str | None) -> Fetched | None:
            want = Want(
                size=wanted.size,
                sha256=wanted.digest.hex,
                authorization=header,
                name=f"blob {wanted.digest.hex[:12]}",
            )
            return self.client.fetch(url, to, limit=wanted.size, want=want)

        return self._let_in(url, ask) is not None

    def weigh(self, wanted: Descriptor) -> bool:
        """Fetch a blob to nowhere, and compare it; ``False`` if it is clearly not there."""
        url = self.reached.url("blobs", str(wanted.digest))

        def ask(header: str | None) -> Fetched | None:
            want = Want(size=wanted.size, sha256=wanted.digest.hex, authorization=header)
            return self.client.weigh(url, limit=wanted.size, want=want)

        return self._let_in(url, ask) is not None

    # ---- referrers

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...] | None:
        """Return all that the referrers API lists; ``None`` where it is not offered."""
        url: str | None = self.reached.url("referrers", str(digest))
        found: list[Descriptor] = []
        seen: set[str] = set()
        while url is not None:
            here = urls.parse(url)
            if url in seen or len(seen) == _MAX_PAGES or len(found) > MAX_REFERRERS:
                what = f"its referrers do not end, or are more than {MAX_REFERRERS}"
                raise failure("too-large", here, what)
            seen.add(url)
            page = self._page(url, first=len(seen) == 1)
            if page is None:
                return None
            found += page[1].manifests
            url = links.next_page(here, page[0])
        return tuple(found)

    def _page(self, url: str, *, first: bool) -> tuple[Fetched, Index] | None:
        got = self._read(url, Want(accept=oci_manifest.OCI_INDEX), absent=_NO_REFERRERS)
        if got is None:
            if first:
                return None
            raise failure("unexpected", urls.parse(url), "a page of referrers is not there")
        with _about(url):
            return got[0], oci_manifest.parse_referrers(got[1], _called(got[0]))

    # ---- being let in

    def _read(
        self, url: str, want: Want, absent: frozenset[int] = frozenset()
    ) -> tuple[Fetched, bytes] | None:
        limit = oci_manifest.MAX_BYTES
        return self._let_in(
            url,
            lambda header: self.client.read(
                url,
                limit=limit,
                within=_SECONDS,
                want=replace(want, authorization=header, absent=absent),
            ),
        )

    def _let_in(self, url: str, ask: Callable[[str | None], Value]) -> Value:
        """Ask as the registry knows us; if it does not, once more with what it asks for."""
        header = self.entrance.header
        try:
            return ask(header)
        except MachineError as error:
            if error.code != "machine.unauthorized":
                raise
            opened = self.entrance.open(url, header)
            if opened is None:
                raise self._advised(error) from error
        try:
            return ask(opened)
        except MachineError as error:
            raise self._advised(error) from error

    def _advised(self, error: MachineError) -> MachineError:
        """Say what to do about it here."""
        if error.code == "machine.unauthorized":
            whose = self.reached.registry
            error.hint = f"docker login {whose}; some registries answer so for what is not there"
        return error


def _called(fetched: Fetched) -> str | None:
    """Return what the registry calls a document, unless that says nothing."""
    return None if fetched.media_type in _SAYS_NOTHING else fetched.media_type


@contextmanager
def _about(url: str) -> Iterator[None]:
    """Say of what a registry serves, and nobody can take, that it was this place that did."""
    try:
        yield
    except EvidenceError as error:
        shown = urls.public(url)
        raise MachineError(
            f"{shown}: {error.message}",
            code=error.code,
            subject=shown,
            hint="ask whoever publishes it, or runs the registry; no reader should take it",
        ) from error
