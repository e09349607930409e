"""Artifact attestations of GitHub, by digest: every page, inline or stored elsewhere.

What comes is kept as a Sigstore bundle a file, each once: one attestation may be about
all files of a release, and is listed for every one of them. None is believed, and none is
left out for what it says; `check` puts them to a verifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kit.errors import MalformedError
from kit.formats import github_answers, snappy, strictjson
from kit.formats.github_answers import Attestation
from kit.formats.manifest import can_name
from kit.model import Answer, Asked, Found
from kit.sources import urls
from kit.sources.failures import failure
from kit.sources.github_api import Api
from kit.sources.http import Fetched

MAX_BUNDLE = 16 << 20
MAX_LISTED = 1000
_MAX_STORED = MAX_BUNDLE + (MAX_BUNDLE >> 2)  # Snappy adds a sixth at most
_SUFFIX = ".sigstore.json"
_PER_PAGE = 10  # few, since whole bundles stand in a page, and SBOMs are large


def ask(api: Api, digest: str, about: str, kind: str = "") -> list[tuple[Asked, Found]]:
    """Return all attestations about a digest (``sha256:HEX``, ``sha1:HEX``), and their rows.

    They are named as sidecars of the file ``about``. ``kind`` asks for one kind of
    predicate alone.
    """
    url = api.url("attestations", digest)
    name = f"{about}{_SUFFIX}" if can_name(f"{about}{_SUFFIX}") else f"attestation{_SUFFIX}"
    query = f"?per_page={_PER_PAGE}" + (f"&predicate_type={kind}" if kind else "")
    kept: dict[str, tuple[Asked, Found]] = {}
    for fetched, page in api.pages(f"{url}{query}", github_answers.attestations):
        for item in page:
            # Onto the disk one by one: together they may be more than memory.
            got = api.keep(_bundle(api, fetched, item))
            place = urls.public(url)
            row = Asked(place=place, wanted=name, answer=Answer.FOUND, sha256=got.sha256)
            found = Found(name=name, path=got.path, size=got.size, sha256=got.sha256)
            kept[got.sha256] = row, found
        if len(kept) > MAX_LISTED:
            what = f"more than {MAX_LISTED} attestations of one file"
            raise failure("too-large", urls.parse(url), what)
    return [kept[sha256] for sha256 in sorted(kept)]  # the order of the list may change


def row_of_none(api: Api, digest: str, about: str) -> Asked:
    """Return the row for a digest that nothing attests."""
    place = urls.public(api.url("attestations", digest))
    return Asked(place=place, wanted=f"attestations of {about}", answer=Answer.ABSENT)


def _bundle(api: Api, fetched: Fetched, item: Attestation) -> bytes:
    """Return an attestation's bundle: in one encoding where it was part of a list."""
    if item.bundle is not None:
        raw = strictjson.canonical(item.bundle)
        if len(raw) > MAX_BUNDLE:
            raise failure("too-large", urls.parse(fetched.url), f"a bundle of {len(raw)} bytes")
        return raw
    raw = api.stored(item.url or "", fetched, _MAX_STORED)
    try:
        whole = snappy.decompress(raw, limit=MAX_BUNDLE)
        if not isinstance(strictjson.parse(whole, max_bytes=MAX_BUNDLE), dict):
            raise MalformedError("JSON that is no object")
    except MalformedError as error:
        # Shown by the page that names it: the URL itself is signed, and so a secret.
        what = f"a bundle that is stored elsewhere cannot be read: {error}"
        raise failure("unexpected", urls.parse(fetched.url), what) from error
    return whole


def distinct(replies: Iterable[tuple[Asked, Found]]) -> Iterator[Found]:
    """Yield what was found, each bundle once, under the first name that it was found by."""
    seen: set[str] = set()
    for _, found in replies:
        if found.sha256 not in seen:
            seen.add(found.sha256)
            yield found
