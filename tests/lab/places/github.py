"""GitHub: its API, the host that browsers download from, and the storage behind both.

Three origins, as the real one has. As GitHub answers (REST API of 2022-11-28): releases by
tag, assets and attestations page by page, tags as references that may be annotated, 404
for what may not be seen, and 403 with the time of the reset for who asks too often. What
is stored is had only by signed URLs, which the API and the downloads redirect to.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote

from tests.lab.hostile_http import Request
from tests.lab.places.publication import Publication
from tests.lab.places.server import Place, Reply
from tests.lab.places.snappy import compress

#: The secret that makes a URL of the storage good.
SIGNATURE = "sig=s1gned"
#: When a rate limit is over, and what the server's clock says meanwhile.
RESET = 1_748_782_800
_DATE = "Date: Sun, 01 Jun 2025 12:00:00 GMT"

_RELEASE = re.compile(r"/releases/tags/(?P<tag>[^/]+)")
_ASSETS = re.compile(r"/releases/(?P<release>[0-9]+)/assets")
_ASSET = re.compile(r"/releases/assets/(?P<asset>[0-9]+)")
_REF = re.compile(r"/git/ref/tags/(?P<tag>[^/]+)")
_TAG = re.compile(r"/git/tags/(?P<sha>[0-9a-f]+)")
_ATTESTATIONS = re.compile(r"/attestations/(?P<digest>sha(?:1|256|512):[0-9a-f]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    number: int
    name: str
    content: bytes
    release: Publication


class GitHub:
    """A GitHub with the repositories of some releases, running while it is entered.

    ``token`` is the only one it knows; ``private`` repositories are seen by it alone.
    ``base`` is the path that the API is under, ``/api/v3`` on an enterprise's own. ``stored``
    leaves bundles out of listings, which then tell only where they are. ``immutable`` are
    the bundles that GitHub itself signed, by tag; ``annotated`` makes tags objects of their
    own. ``allowance`` is how many requests without a token are answered before the rate
    limit, ``page`` how many items a page has at most.

    ``edit`` changes any answer of the API before it is sent; ``more`` are attestations by
    digest, of whatever is in them; ``renamed`` are repositories by their old names.
    """

    def __init__(
        self,
        *publications: Publication,
        token: str = "",
        private: bool = False,
        base: str = "",
        stored: bool = False,
        immutable: Mapping[str, bytes] | None = None,
        annotated: bool = False,
        allowance: int | None = None,
        page: int = 100,
        digests: bool = True,
    ) -> None:
        """Publish; nothing answers before this is entered."""
        self.publications = publications
        self.token = token
        self.private = private
        self.base = base
        self.stored = stored
        self.immutable = dict(immutable or {})
        self.annotated = annotated
        self.allowance = allowance
        self.page = page
        self.digests = digests
        self.edit: Callable[[str, Any], Any] = lambda _, value: value
        self.more: dict[str, list[bytes]] = {}
        self.renamed: dict[str, str] = {}
        self.assets = [
            _Asset(number=number, name=name, content=content, release=release)
            for number, (release, name, content) in enumerate(_files(publications), start=1000)
        ]
        self.api = _Api(self)
        self.web = _Web(self)
        self.storage = _Storage(self)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Begin to answer."""
        for place in self.places:
            self._running.enter_context(place)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self._running.close()

    @property
    def places(self) -> tuple[Place, Place, Place]:
        """Its three origins."""
        return self.api, self.web, self.storage

    @property
    def url(self) -> str:
        """The URL of the API."""
        return self.api.url(self.base)

    def path(self, rest: str, repository: str = "acme/tool") -> str:
        """Return the path of something of a repository in the API."""
        return f"{self.base}/repos/{repository}{rest}"

    def asset(self, name: str) -> _Asset:
        """Return an asset by its name."""
        return next(asset for asset in self.assets if asset.name == name)

    def bundles(self, repository: str, digest: str) -> list[bytes]:
        """Return what is attested of a digest, the newest first, and each once."""
        found: dict[bytes, None] = {}
        for release in self.publications:
            if release.repository != repository:
                continue
            tag = tag_of(release)
            for name, content in release.files.items():
                if digest == _sha256(content):
                    found |= dict.fromkeys(release.bundles.get(name, ()))
                    found |= dict.fromkeys(filter(None, [self.immutable.get(tag)]))
            if digest in (f"sha1:{commit_of(release)}", f"sha1:{self.pointed(release)[0]}"):
                found |= dict.fromkeys(filter(None, [self.immutable.get(tag)]))
        return [*found, *self.more.get(digest, [])]

    def pointed(self, release: Publication) -> tuple[str, str]:
        """Return what a tag's reference points to: the hash, and whether a commit or a tag."""
        if not self.annotated:
            return commit_of(release), "commit"
        return _sha1(f"tag {tag_of(release)} {commit_of(release)}"), "tag"

    def storage_url(self, path: str) -> str:
        """Return a signed URL of the storage."""
        return self.storage.url(f"{path}?{SIGNATURE}")


def tag_of(release: Publication) -> str:
    """Return the tag of a release."""
    return f"v{release.version}"


def commit_of(release: Publication) -> str:
    """Return the commit of a release: the one that the lab's release attestation names."""
    return _sha1(f"pkg:github/{release.repository}@{tag_of(release)}")


def _files(publications: Sequence[Publication]) -> Iterator[tuple[Publication, str, bytes]]:
    for release in publications:
        for name, content in release.files.items():
            yield release, name, content


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Api(Place):
    """The REST API."""

    def __init__(self, of: GitHub) -> None:
        super().__init__()
        self._of = of
        self._answered = 0

    def answer(self, request: Request) -> Reply:
        self._answered += 1
        allowed = self._of.allowance
        if allowed is not None and self._answered > allowed and not request.values("authorization"):
            return _limited()
        reply = self._routed(request)
        return Reply(
            status=reply.status, body=reply.body, headers=(*reply.headers, "X-RateLimit-Limit: 60")
        )

    def _routed(self, request: Request) -> Reply:
        token = self._of.token
        given = "".join(request.values("authorization"))
        if given and given != f"Bearer {token}":
            return _told("Bad credentials", 401)
        for old, new in self._of.renamed.items():
            root = self._of.path("", old)
            if request.path.startswith(root):
                return Reply.moved(self.url(request.target.replace(root, self._of.path("", new))))
        for repository in {release.repository for release in self._of.publications}:
            root = self._of.path("", repository)
            path = request.path
            if path == root or path.startswith(f"{root}/"):
                if self._of.private and not given:
                    return _told("Not Found", 404)
                return self._repository(request, repository, path.removeprefix(root))
        return _told("Not Found", 404)

    def _repository(self, request: Request, repository: str, rest: str) -> Reply:
        if not rest:
            return self._json(rest, {"full_name": repository, "private": self._of.private})
        routes: tuple[tuple[re.Pattern[str], Callable[..., Reply | None]], ...] = (
            (_RELEASE, self._release),
            (_ASSETS, self._assets),
            (_ASSET, self._asset),
            (_REF, self._ref),
            (_TAG, self._tag),
            (_ATTESTATIONS, self._attestations),
        )
        for pattern, route in routes:
            if match := pattern.fullmatch(rest):
                given = {key: unquote(value) for key, value in match.groupdict().items()}
                return route(request, repository, **given) or _told("Not Found", 404)
        return _told("Not Found", 404)

    def _json(self, rest: str, value: Any, *headers: str) -> Reply:
        reply = Reply.json(self._of.edit(rest, value), "application/json; charset=utf-8")
        return Reply(status=200, body=reply.body, headers=(*reply.headers, *headers))

    def _of_tag(self, repository: str, tag: str) -> Publication | None:
        for release in self._of.publications:
            if (release.repository, tag_of(release)) == (repository, tag):
                return release
        return None

    def _release(self, _: Request, repository: str, tag: str) -> Reply | None:
        release = self._of_tag(repository, tag)
        if release is None:
            return None
        number = self._of.publications.index(release) + 1
        rows = [self._row(asset) for asset in self._of.assets if asset.release is release]
        value = {
            "url": self.url(self._of.path(f"/releases/{number}", repository)),
            "assets_url": self.url(self._of.path(f"/releases/{number}/assets", repository)),
            "id": number,
            "tag_name": tag,
            "target_commitish": "main",
            "name": release.version,
            "draft": False,
            "prerelease": False,
            "immutable": tag in self._of.immutable,
            "assets": rows[:30],
        }
        return self._json("release", value)

    def _row(self, asset: _Asset) -> dict[str, Any]:
        repository, tag = asset.release.repository, tag_of(asset.release)
        download = f"/{repository}/releases/download/{quote(tag, safe='')}/{quote(asset.name)}"
        return {
            "url": self.url(self._of.path(f"/releases/assets/{asset.number}", repository)),
            "id": asset.number,
            "name": asset.name,
            "label": None,
            "state": "uploaded",
            "content_type": "application/octet-stream",
            "size": len(asset.content),
            "digest": _sha256(asset.content) if self._of.digests else None,
            "download_count": self._answered,
            "browser_download_url": self._of.web.url(download),
        }

    def _assets(self, request: Request, _: str, release: str) -> Reply | None:
        number = int(release)
        if not 0 < number <= len(self._of.publications):
            return None
        of = self._of.publications[number - 1]
        rows = [self._row(asset) for asset in self._of.assets if asset.release is of]
        return self._paged(request, "assets", rows, lambda page: page)

    def _asset(self, request: Request, repository: str, asset: str) -> Reply | None:
        for known in self._of.assets:
            if known.number == int(asset) and known.release.repository == repository:
                if request.values("accept") != ["application/octet-stream"]:
                    return self._json("asset", self._row(known))
                return Reply.moved(self._of.storage_url(f"/assets/{known.number}"), 302)
        return None

    def _ref(self, _: Request, repository: str, tag: str) -> Reply | None:
        release = self._of_tag(repository, tag)
        if release is None:
            return None
        sha, kind = self._of.pointed(release)
        return self._json("ref", {"ref": f"refs/tags/{tag}", "object": {"sha": sha, "type": kind}})

    def _tag(self, _: Request, repository: str, sha: str) -> Reply | None:
        for release in self._of.publications:
            if release.repository == repository and self._of.pointed(release) == (sha, "tag"):
                there = {"sha": commit_of(release), "type": "commit"}
                value = {"tag": tag_of(release), "sha": sha, "message": "", "object": there}
                return self._json("tag", value)
        return None

    def _attestations(self, request: Request, repository: str, digest: str) -> Reply | None:
        bundles = self._of.bundles(repository, digest)
        kind = parse_qs(request.target.partition("?")[2]).get("predicate_type", [""])[0]
        if kind == "release":
            bundles = [raw for raw in bundles if raw in self._of.immutable.values()]
        if not bundles:
            return None
        rows = [self._listed(raw) for raw in bundles]
        return self._paged(request, "attestations", rows, lambda page: {"attestations": page})

    def _listed(self, bundle: bytes) -> dict[str, Any]:
        name = hashlib.sha256(bundle).hexdigest()
        return {
            "bundle": None if self._of.stored else json.loads(bundle),
            "bundle_url": self._of.storage_url(f"/attestations/{name}.json.sn"),
            "repository_id": 1,
            "initiator": "github" if bundle in self._of.immutable.values() else "user",
        }

    def _paged(
        self, request: Request, rest: str, rows: list[Any], whole: Callable[[list[Any]], Any]
    ) -> Reply:
        query = parse_qs(request.target.partition("?")[2])
        size = min(int(query.get("per_page", ["30"])[0]), self._of.page)
        start = int(query.get("after", ["0"])[0])
        headers = []
        if start + size < len(rows):
            kept = [f"{key}={value[0]}" for key, value in query.items() if key != "after"]
            target = self.url(f"{request.path}?{'&'.join([*kept, f'after={start + size}'])}")
            headers = [f'Link: <{target}>; rel="next", <{target}>; rel="last"']
        return self._json(rest, whole(rows[start : start + size]), *headers)


def _told(message: str, status: int) -> Reply:
    return Reply.json({"message": message}, "application/json; charset=utf-8", status=status)


def _limited() -> Reply:
    reply = _told("API rate limit exceeded", 403)
    headers = ("X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {RESET}", _DATE)
    return Reply(status=403, body=reply.body, headers=(*reply.headers, *headers))


class _Web(Place):
    """The host that browsers download from, which knows no tokens: what is private is 404."""

    def __init__(self, of: GitHub) -> None:
        super().__init__()
        self._of = of

    def answer(self, request: Request) -> Reply:
        for asset in self._of.assets:
            row = self._of.api._row(asset)
            if not self._of.private and self.url(request.path) == row["browser_download_url"]:
                return Reply.moved(self._of.storage_url(f"/assets/{asset.number}"), 302)
        return Reply.missing()


class _Storage(Place):
    """What is stored: assets as they are, bundles compressed; by signed URLs alone."""

    def __init__(self, of: GitHub) -> None:
        super().__init__()
        self._of = of

    def answer(self, request: Request) -> Reply:
        if request.target.partition("?")[2] != SIGNATURE or request.values("authorization"):
            return Reply(status=403, body=b"AuthenticationFailed")
        for asset in self._of.assets:
            if request.path == f"/assets/{asset.number}":
                return Reply.file(asset.content, request)
        for raw in self._bundles():
            if request.path == f"/attestations/{hashlib.sha256(raw).hexdigest()}.json.sn":
                return Reply.file(compress(raw), request, "application/x-snappy")
        return Reply.missing()

    def _bundles(self) -> Iterator[bytes]:
        for release in self._of.publications:
            for bundles in release.bundles.values():
                yield from bundles
        yield from self._of.immutable.values()
        for more in self._of.more.values():
            yield from more
