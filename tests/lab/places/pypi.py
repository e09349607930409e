"""PyPI: the simple index and the integrity API on one origin, the files on another.

As PyPI answers (PEP 503, 691, 700, 592, 792 and 740): JSON or HTML by what is asked for,
names normalised by a redirect, files under the BLAKE2 of their bytes.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

from tests.lab.hostile_http import Request
from tests.lab.places.publication import Publication
from tests.lab.places.server import Place, Reply

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
SIMPLE_HTML = "application/vnd.pypi.simple.v1+html"
INTEGRITY = "application/vnd.pypi.integrity.v1+json"

_SIMPLE = re.compile(r"/simple/(?P<name>[^/]+)(?P<slash>/?)")
_PROVENANCE = re.compile(
    r"/integrity/(?P<name>[^/]+)/(?P<version>[^/]+)/(?P<file>[^/]+)/provenance"
)


class PyPI:
    """An index of some releases, running while it is entered.

    ``authorization`` is the header without which the index answers 401; the files need
    none. Without ``provenance_urls`` the index says nothing of provenance, as mirrors do,
    and the integrity API still has it; without ``integrity`` it is disabled (403). With
    ``speaks`` of HTML alone it is an index of before PEP 691.

    ``edit`` changes the JSON of a project's page before it is sent; ``provenance`` has
    documents, by file name, that are served in place of the release's own.
    """

    def __init__(
        self,
        *publications: Publication,
        authorization: str = "",
        provenance_urls: bool = True,
        integrity: bool = True,
        speaks: tuple[str, ...] = (SIMPLE_JSON, SIMPLE_HTML),
    ) -> None:
        """Publish; nothing answers before this is entered."""
        self.publications = publications
        self.provenance_urls = provenance_urls
        self.integrity = integrity
        self.speaks = speaks
        self.edit: Callable[[dict[str, Any]], Any] = lambda page: page
        self.provenance: dict[str, bytes] = {}
        self.status: dict[str, str] = {"status": "active"}
        self.index = _Index(self, authorization)
        self.files = _Files(self)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._running.enter_context(self.index)
        self._running.enter_context(self.files)
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
    def simple(self) -> str:
        """The index's URL, as pip's ``--index-url`` has it."""
        return self.index.url("/simple/")

    def file_path(self, name: str) -> str:
        """Return the path of a file on the files' host."""
        content = self.contents()[name]
        digest = hashlib.blake2b(content, digest_size=32).hexdigest()
        return f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{quote(name)}"

    def provenance_path(self, name: str) -> str:
        """Return the path of a file's provenance on the index's host."""
        release = next(p for p in self.publications if name in p.files)
        return f"/integrity/{normalized(release.name)}/{release.version}/{quote(name)}/provenance"

    def contents(self) -> dict[str, bytes]:
        """Return all files of all releases, by name."""
        return {name: raw for p in self.publications for name, raw in p.files.items()}

    def page(self, name: str) -> dict[str, Any] | None:
        """Return the project's page as PEP 691 has it; ``None`` if there is no such project."""
        releases = [p for p in self.publications if normalized(p.name) == name]
        if not releases:
            return None
        return {
            "meta": {"_last-serial": 1, "api-version": "1.4"},
            "name": name,
            "versions": [release.version for release in releases],
            "files": [row for release in releases for row in self._rows(release)],
            "project-status": self.status,
            "alternate-locations": [],
        }

    def document(self, name: str) -> bytes | None:
        """Return the provenance of a file (PEP 740), if there is any."""
        if name in self.provenance:
            return self.provenance[name]
        for release in self.publications:
            if release.bundles.get(name):
                return provenance(release, name)
        return None

    def _rows(self, release: Publication) -> Iterator[dict[str, Any]]:
        for name, content in release.files.items():
            told = self.provenance_urls and self.document(name) is not None
            yield {
                "filename": name,
                "url": self.files.url(self.file_path(name)),
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "requires-python": ">=3.9",
                "size": len(content),
                "upload-time": f"{release.uploaded:%Y-%m-%dT%H:%M:%S.%f}Z",
                "yanked": release.withdrawn.get(name, False),
                "core-metadata": False,
                "data-dist-info-metadata": False,
                "provenance": self.index.url(self.provenance_path(name)) if told else None,
            }


def normalized(name: str) -> str:
    """Return a project's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def attestation(bundle: bytes) -> dict[str, Any]:
    """Return a Sigstore bundle as PyPI takes it in (PEP 740): what it has no place for is lost."""
    value = json.loads(bundle)
    material, envelope = value["verificationMaterial"], value["dsseEnvelope"]
    certificate = material.get("certificate") or material["x509CertificateChain"]["certificates"][0]
    return {
        "version": 1,
        "verification_material": {
            "certificate": certificate["rawBytes"],
            "transparency_entries": material.get("tlogEntries", []),
        },
        "envelope": {
            "statement": envelope["payload"],
            "signature": envelope["signatures"][0]["sig"],
        },
    }


def provenance(release: Publication, name: str) -> bytes:
    """Return what the integrity API says of a file."""
    publisher = {
        "kind": "GitHub",
        "repository": release.repository,
        "workflow": release.workflow,
        "environment": None,
        "claims": None,
    }
    bundles = [attestation(bundle) for bundle in release.bundles[name]]
    document = {
        "version": 1,
        "attestation_bundles": [{"publisher": publisher, "attestations": bundles}],
    }
    return json.dumps(document, separators=(",", ":")).encode()


class _Index(Place):
    """The simple index and the integrity API."""

    def __init__(self, of: PyPI, authorization: str) -> None:
        super().__init__(authorization=authorization)
        self._of = of

    def answer(self, request: Request) -> Reply:
        if simple := _SIMPLE.fullmatch(request.path):
            return self._simple(request, unquote(simple["name"]), simple["slash"])
        if asked := _PROVENANCE.fullmatch(request.path):
            return self._provenance(request, {k: unquote(v) for k, v in asked.groupdict().items()})
        return Reply.missing()

    def _simple(self, request: Request, name: str, slash: str) -> Reply:
        if name != normalized(name) or not slash:
            return Reply.moved(f"/simple/{normalized(name)}/")
        page = self._of.page(name)
        if page is None:
            return Reply.missing()
        media_type = _preferred(request, self._of.speaks)
        if media_type is None:
            return Reply(status=406)
        if media_type == SIMPLE_JSON:
            return Reply.json(self._of.edit(page), SIMPLE_JSON)
        raw = _as_html(self._of.edit(page)).encode()
        return Reply(body=raw, headers=(f"Content-Type: {media_type}; charset=UTF-8",))

    def _provenance(self, request: Request, asked: Mapping[str, str]) -> Reply:
        if not self._of.integrity:
            message = {"message": "Integrity API disabled"}
            return Reply.json(message, "application/json", status=403)
        if _preferred(request, (INTEGRITY, "application/json")) is None:
            return Reply.json({"message": "Request not acceptable"}, "application/json", status=406)
        document = None
        for release in self._of.publications:
            there = (normalized(release.name), release.version) == (
                normalized(asked["name"]),
                asked["version"],
            )
            if there and asked["file"] in release.files:
                document = self._of.document(asked["file"])
        if document is None:
            message = {"message": f"No provenance available for {asked['file']}"}
            return Reply.json(message, "application/json", status=404)
        return Reply(body=document, headers=(f"Content-Type: {INTEGRITY}",))


class _Files(Place):
    """The host that files are on."""

    def __init__(self, of: PyPI) -> None:
        super().__init__()
        self._of = of

    def answer(self, request: Request) -> Reply:
        for name, content in self._of.contents().items():
            if request.path == self._of.file_path(name):
                return Reply.file(content, request)
        return Reply.missing()


def _preferred(request: Request, offered: tuple[str, ...]) -> str | None:
    """Return the type that the request likes best of those offered (RFC 9110 section 12.5.1)."""
    best: tuple[float, str] | None = None
    wanted = ",".join(request.values("accept")) or "*/*"
    for media_type in offered:
        quality = max(
            (_quality(item) for item in wanted.split(",") if _covers(item, media_type)), default=0.0
        )
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, media_type)
    return None if best is None else best[1]


def _covers(item: str, media_type: str) -> bool:
    pattern = item.partition(";")[0].strip().lower()
    return pattern in (media_type, "*/*", f"{media_type.partition('/')[0]}/*") or (
        pattern == "text/html" and media_type == SIMPLE_HTML
    )


def _quality(item: str) -> float:
    found = re.search(r";\s*q=([0-9.]+)", item)
    return float(found[1]) if found else 1.0


def _as_html(page: Mapping[str, Any]) -> str:
    """Return a project's page as HTML (PEP 503, 592, 658 and 740)."""
    lines = []
    for row in page["files"]:
        digest = row["hashes"].get("sha256")
        more = {
            "data-requires-python": row["requires-python"],
            "data-provenance": row["provenance"],
        }
        if row["yanked"] is not False:
            more["data-yanked"] = "" if row["yanked"] is True else row["yanked"]
        attributes = "".join(
            f' {key}="{html.escape(value)}"' for key, value in more.items() if value is not None
        )
        url = html.escape(row["url"] + (f"#sha256={digest}" if digest else ""))
        lines.append(f'    <a href="{url}"{attributes}>{html.escape(row["filename"])}</a><br />')
    version = page["meta"]["api-version"]
    return "\n".join(
        [
            "<!DOCTYPE html>\n<html>\n  <head>",
            f'    <meta name="pypi:repository-version" content="{version}">',
            f"    <title>Links for {html.escape(page['name'])}</title>\n  </head>\n  <body>",
            f"    <h1>Links for {html.escape(page['name'])}</h1>",
            *lines,
            "  </body>\n</html>\n",
        ]
    )
