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
from kit.sources.reply import Reply
from kit.sources.together import each

MAX_ARTIFACT = 64 << 30
MAX_EVIDENCE = kinds.MAX_BYTES
_EVIDENCE_SECONDS = 300.0

#: What is asked for beside an artifact, whatever is there. Each name is a request, so these are
#: the names that signers' tools write by themselves; a release file can name any other.
SIDECARS = (
    ".sigstore.json",
    ".sigstore",
    ".sigstore.jsonl",
    ".bundle",
    ".intoto.jsonl",
    ".provenance",
    ".attestation",
    ".asc",
    ".gpg",
    ".sig",
    ".sha256",
    ".sha384",
    ".sha512",
    ".spdx.json",
    ".cdx.json",
    ".sbom.json",
)
#: What is asked for in an artifact's folder: digest manifests, and provenance of many files.
IN_FOLDER = (
    "SHA256SUMS",
    "SHA384SUMS",
    "SHA512SUMS",
    "SHA256SUMS.txt",
    "SHA512SUMS.txt",
    "sha256sum.txt",
    "checksums.txt",
    "multiple.intoto.jsonl",
)
#: What is asked for beside a digest manifest or a document that is there.
SIGNATURES = (".sigstore.json", ".sigstore", ".bundle", ".asc", ".gpg", ".sig")
#: What is asked for beside the file of a bare signature that is there.
CERTIFICATES = kinds.CERTIFICATES
_ROUNDS = 3  # a file, its signature, the signature's certificate
_SIGNED = frozenset({EvidenceKind.DIGESTS, EvidenceKind.IMAGE_DIGESTS, *kinds.OF_DOCUMENTS})


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

    def in_folder(self) -> list[_File]:
        folder = urls.parse(self.url).public.rpartition("/")[0]
        return [_File(name, f"{folder}/{name}") for name in IN_FOLDER if name != self.name]

    def follows(self) -> list[_File]:
        """Return what is asked for because this file is there; nothing follows that for good."""
        if kinds.by_name(self.name) in _SIGNED:
            return self.beside(SIGNATURES)
        if self.name.endswith(".sig"):
            bare = urls.parse(self.url).public
            signed = _File(self.name.removesuffix(".sig"), bare.removesuffix(".sig"))
            return signed.beside(CERTIFICATES)
        return []


def places(url: str) -> Iterator[str]:
    """Yield every URL that :func:`gather` may ask, without queries, each once.

    What stands beside one file is one line: ``https://…/tool{.asc,.sig}``.
    """
    artifact = _File(published_name(url), url)
    yield urls.public(url)
    yield from _together(artifact, SIDECARS + CERTIFICATES)
    yield from (file.url for file in artifact.in_folder())
    for file in (*artifact.beside(SIDECARS), *artifact.in_folder()):
        if kinds.by_name(file.name) in _SIGNED:
            for line in _together(file, SIGNATURES + CERTIFICATES):
                yield f"{line} if that is there"


def _together(file: _File, suffixes: Iterable[str]) -> Iterator[str]:
    """Yield one line of what stands beside a file, if anything may."""
    named = [suffix for suffix in suffixes if can_name(file.name + suffix)]
    if named:
        yield f"{urls.parse(file.url).public}{{{','.join(named)}}}"


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
    around = artifact.beside(SIDECARS) + artifact.in_folder()
    return _gathered((first.found,), [first, *_ask_on(downloads, around, known=artifact)])


def gather_evidence(url: str, downloads: Downloads) -> Gathered:
    """Fetch one file of evidence; what is clearly absent is an answer, not an error.

    A digest manifest or document brings the signatures beside it, a signature its certificate.
    """
    file = _File(published_name(url), url)
    return _gathered((), _ask_on(downloads, [file]))


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


def _ask_on(
    downloads: Downloads, files: Sequence[_File], known: _File | None = None
) -> list[Reply]:
    """Ask for files, then for what follows those that are there, and those of them."""
    asked = {urls.parse(file.url).public for file in (known,) if file}
    replies: list[Reply] = []
    for _ in range(_ROUNDS):
        files = [file for file in files if file.url not in asked]
        asked |= {file.url for file in files}
        answers = _ask_all(downloads, files)
        replies += answers
        there = [file for file, reply in zip(files, answers, strict=True) if reply.found]
        files = list(dict.fromkeys(more for file in there for more in file.follows()))
    return replies


def _ask_all(downloads: Downloads, files: Sequence[_File]) -> list[Reply]:
    """Ask for several files at once; answers are in the order of the questions."""
    return each(lambda file: _ask(downloads, file, MAX_EVIDENCE, _EVIDENCE_SECONDS), files)


def _ask(downloads: Downloads, file: _File, limit: int, within: float | None) -> Reply:
    place = urls.public(file.url)
    got = downloads.fetch(file.url, limit=limit, within=within)
    if got is None:
        return Reply(Asked(place=place, wanted=file.name, answer=Answer.ABSENT), None)
    return Reply(
        Asked(place=place, wanted=file.name, answer=Answer.FOUND, sha256=got.sha256),
        Found(name=file.name, path=got.path, size=got.size, sha256=got.sha256),
    )


def _gathered(artifacts: tuple[Found, ...], replies: Sequence[Reply]) -> Gathered:
    found = [reply.found for reply in replies if reply.found]
    return Gathered(
        artifacts=artifacts,
        evidence=tuple(item for item in found if item not in artifacts),
        asked=tuple(reply.asked for reply in replies),
    )
