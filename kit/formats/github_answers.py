"""What GitHub's REST API answers: releases, assets, tags, attestations.

Read strictly where something follows from it: names, numbers, digests, URLs. Nothing in
an answer proves anything; whatever it names is compared with what comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson
from kit.formats.fields import Fields
from kit.formats.manifest import can_name

MAX_BYTES = 16 << 20
#: A page of attestations has whole bundles in it, SBOMs among them.
MAX_ATTESTATION_PAGE = 32 << 20
MAX_ITEMS = 100  # what the API gives at most on a page
_MAX_URL = 8192
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release: its number in the API, and whether GitHub lets nobody change it any more."""

    number: int
    immutable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of a release. ``url`` is where browsers have it; ``uploaded`` whether it is whole."""

    number: int
    name: str
    size: int
    sha256: str | None
    url: str
    uploaded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """What a tag points to: a commit, or an annotated tag that points on."""

    sha: str
    annotated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """One attestation as it is listed: the bundle itself, or only where it is stored.

    ``url`` is signed for a few minutes: a secret, to be fetched at once and never recorded.
    """

    bundle: Mapping[str, Any] | None = None
    url: str | None = field(default=None, repr=False)


def document(raw: bytes) -> Fields:
    """Read a document of which nothing but its being there matters."""
    return _object(raw, MAX_BYTES)


def release(raw: bytes, tag: str) -> Release:
    """Read a release that was asked for by its tag; raise :class:`MalformedError`."""
    top = _object(raw, MAX_BYTES)
    if top.needed_text("tag_name") != tag:
        raise MalformedError("the release is of another tag than was asked for")
    return Release(number=_number(top, "id"), immutable=top.get("immutable") is True)


def assets(raw: bytes) -> tuple[Asset, ...]:
    """Read one page of a release's assets; raise :class:`MalformedError`."""
    value = strictjson.parse(raw, max_bytes=MAX_BYTES)
    top = Fields({"assets": value})
    return tuple(_asset(item) for item in top.objects("assets", MAX_ITEMS))


def _asset(item: Fields) -> Asset:
    name = item.needed_text("name")
    if not can_name(name) or not name.isprintable():
        raise MalformedError(f"{item.where('name')}: {name[:80]!r} is no file name")
    return Asset(
        number=_number(item, "id"),
        name=name,
        size=_number(item, "size"),
        sha256=_digest(item),
        url=_url(item, "browser_download_url"),
        uploaded=item.text("state") in (None, "uploaded"),
    )


def _digest(item: Fields) -> str | None:
    """Return the SHA-256 of an asset; what was uploaded before June 2025 has no digest."""
    text = item.text("digest")
    if text is None:
        return None
    match = _SHA256.fullmatch(text)
    if match is None:
        raise MalformedError(f"{item.where('digest')}: {text[:80]!r} is no SHA-256")
    return match[1]


def reference(raw: bytes, tag: str) -> Pointed:
    """Read the reference of a tag; raise :class:`MalformedError`."""
    top = _object(raw, MAX_BYTES)
    if top.needed_text("ref") != f"refs/tags/{tag}":
        raise MalformedError("the reference is another one than was asked for")
    return _pointed(top)


def annotated(raw: bytes, sha: str) -> Pointed:
    """Read an annotated tag, asked for by its own hash; raise :class:`MalformedError`."""
    top = _object(raw, MAX_BYTES)
    if top.needed_text("sha") != sha:
        raise MalformedError("the annotated tag is another one than was asked for")
    return _pointed(top)


def _pointed(top: Fields) -> Pointed:
    there = top.needed_object("object")
    sha, kind = there.needed_text("sha"), there.needed_text("type")
    if not _OBJECT.fullmatch(sha):
        raise MalformedError(f"{there.where('sha')}: {sha[:80]!r} is no hash of Git")
    if kind not in ("commit", "tag"):
        raise MalformedError(f"the tag points to a {kind[:20]!r}, not to a commit")
    return Pointed(sha=sha, annotated=kind == "tag")


def attestations(raw: bytes) -> tuple[Attestation, ...]:
    """Read one page of attestations; raise :class:`MalformedError`."""
    top = _object(raw, MAX_ATTESTATION_PAGE)
    if not top.has("attestations"):
        raise MalformedError("attestations is missing")
    return tuple(_attestation(item) for item in top.objects("attestations", MAX_ITEMS))


def _attestation(item: Fields) -> Attestation:
    bundle = item.get("bundle")
    if bundle is None:
        return Attestation(url=_url(item, "bundle_url"))
    if not isinstance(bundle, dict):
        raise MalformedError(f"{item.where('bundle')} is not an object")
    return Attestation(bundle=bundle)


def _object(raw: bytes, limit: int) -> Fields:
    return Fields(strictjson.parse(raw, max_bytes=limit))


def _number(item: Fields, key: str) -> int:
    item.need(key)
    return item.integer(key) or 0


def _url(item: Fields, key: str) -> str:
    text = item.needed_text(key)
    if len(text) > _MAX_URL:
        raise MalformedError(f"{item.where(key)} has {len(text)} characters")
    return text
