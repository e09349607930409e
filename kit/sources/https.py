"""``https://…``: one URL, what stands beside it, and the digest manifests of its folder.

A sidecar's URL is the artifact's with a suffix. A query is the artifact's alone (often a
signature over exactly that path), so sidecars are asked for without it. What a server
clearly says is not there is a row of the ledger; anything else it says is an error, since
evidence that could not be asked for is not evidence that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from kit.errors import MachineError, UsageError
from kit.formats import kinds
from kit.formats.manifest import can_name
from kit.model import Answer, Asked, EvidenceKind, Found, Gathered
from kit.sources import urls
from kit.sources.downloads import Downloads
from kit.sources.together import each

MAX_ARTIFACT = 64 << 30
MAX_EVIDENCE = kinds.MAX_BYTES
_EVIDENCE_SECONDS = 300.0

SIDECARS = (
    ".sigstore.json",
    ".sigstore",
    ".sigstore.jsonl",
    ".intoto.jsonl",
    ".sha256",
    ".sha512",
    ".asc",
    ".sig",
)
MANIFESTS = ("SHA256SUMS", "SHA512SUMS", "checksums.txt")
MANIFEST_SIDECARS = (".sigstore.json", ".sigstore", ".asc", ".sig")


@dataclass(frozen=True, slots=True)
class _File:
    """Something to ask for: its published name and its URL."""

    name: str
    url: str

    def beside(self, suffixes: Iterable[str]) -> list[_File]:
        bare = urls.parse(self.url).public
        # A name that no file can have is not asked for: no pack could carry the answer.
        return [
            _File(self.name + suffix, bare + suffix)
            for suffix in suffixes
            if can_name(self.name + suffix)
        ]

    def manifests(self) -> list[_File]:
        folder = urls.parse(self.url).public.rpartition("/")[0]
        return [_File(name, f"{folder}/{name}") for name in MANIFESTS if name != self.name]


@dataclass(frozen=True, slots=True)
class _Reply:
    asked: Asked
    found: Found | None


def places(url: str) -> Iterator[str]:
    """Yield every URL that :func:`gather` may ask, without queries, each once."""
    artifact = _File(published_name(url), url)
    files = [artifact, *artifact.beside(SIDECARS)]
    for manifest in artifact.manifests():
        files += [manifest, *manifest.beside(MANIFEST_SIDECARS)]
    yield from dict.fromkeys(urls.public(file.url) for file in files)


def gather(url: str, downloads: Downloads, *, limit: int = MAX_ARTIFACT) -> Gathered:
    """Fetch an artifact of at most ``limit`` bytes, and its evidence.

    Raises :class:`UsageError` for a URL that is not allowed or names no file, and
    :class:`MachineError` for an artifact that is absent or any place that did not answer.
    """
    artifact = _File(published_name(url), url)
    first = _ask(downloads, artifact, limit, None)
    if first.found is None:
        place = first.asked.place
        raise MachineError(
            f"{place}: the server has no such file",
            code="machine.absent",
            subject=place,
            hint="check the URL; what was published may have been moved or withdrawn",
        )
    around = artifact.beside(SIDECARS) + artifact.manifests()
    replies = _ask_all(downloads, around)
    found = [file for file, reply in zip(around, replies, strict=True) if reply.found]
    manifests = [file for file in found if file.name in MANIFESTS]
    replies += _ask_sidecars(downloads, manifests, known=[artifact, *around])
    return _gathered((first.found,), [first, *replies])


def gather_evidence(url: str, downloads: Downloads) -> Gathered:
    """Fetch one file of evidence; what is clearly absent is an answer, not an error.

    A digest manifest brings the signatures beside it.
    """
    file = _File(published_name(url), url)
    replies = _ask_all(downloads, [file])
    if replies[0].found and kinds.by_name(file.name) is EvidenceKind.DIGESTS:
        replies += _ask_sidecars(downloads, [file], known=[file])
    return _gathered((), replies)


def published_name(url: str) -> str:
    """Return the file name that a URL ends in; raise :class:`UsageError` if it is none.

    The name comes from the text that the operator wrote, never from an answer.
    """
    path = urls.parse(url).path
    try:
        name = unquote_to_bytes(path.rpartition("/")[2]).decode()
    except UnicodeDecodeError:
        name = ""
    if not can_name(name) or not name.isprintable():
        shown = urls.public(url)
        raise UsageError(
            f"{shown}: its last segment is no file name",
            code="usage.url",
            subject=shown,
            hint="write the URL of one file",
        )
    return name


def _ask_sidecars(
    downloads: Downloads, manifests: Iterable[_File], known: Iterable[_File]
) -> list[_Reply]:
    """Ask for the signatures of manifests that were found, but for what was asked before."""
    before = {file.url for file in known}
    wanted = [file for found in manifests for file in found.beside(MANIFEST_SIDECARS)]
    return _ask_all(downloads, [file for file in wanted if file.url not in before])


def _ask_all(downloads: Downloads, files: Sequence[_File]) -> list[_Reply]:
    """Ask for several files at once; answers are in the order of the questions."""
    return each(lambda file: _ask(downloads, file, MAX_EVIDENCE, _EVIDENCE_SECONDS), files)


def _ask(downloads: Downloads, file: _File, limit: int, within: float | None) -> _Reply:
    place = urls.public(file.url)
    got = downloads.fetch(file.url, limit=limit, within=within)
    if got is None:
        return _Reply(Asked(place=place, wanted=file.name, answer=Answer.ABSENT), None)
    return _Reply(
        Asked(place=place, wanted=file.name, answer=Answer.FOUND, sha256=got.sha256),
        Found(name=file.name, path=got.path, size=got.size, sha256=got.sha256),
    )


def _gathered(artifacts: tuple[Found, ...], replies: Sequence[_Reply]) -> Gathered:
    found = [reply.found for reply in replies if reply.found]
    return Gathered(
        artifacts=artifacts,
        evidence=tuple(item for item in found if item not in artifacts),
        asked=tuple(reply.asked for reply in replies),
    )
