r"""The pack's ``manifest.json``: what a pack says it holds, all of it unproved.

One canonical encoding (``strictjson.canonical``); any other spelling of the same values
is malformed, so the digest of the manifest stands for its meaning. ``parse`` and
``render`` are exact inverses. The shape is published as ``schemas/manifest.schema.json``
and checked here by hand, because 100 000 members have to be read in a second; a test
holds the two together. Beyond what a schema can say:

* published names are at most 255 *bytes* of UTF-8, times exist in the calendar;
* artifacts ascend strictly by (source, name), evidence by (member, name), ``about`` by path,
  all compared as UTF-8 bytes.

Member paths are any text here: which ones a pack may have, in which order, and that what
is named is there, is ``kit.pack.roster``'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from kit.errors import MalformedError, PackError
from kit.formats import encodings, strictjson
from kit.model import Artifact, EvidenceFile, EvidenceKind, Manifest, Member

NAME = "manifest.json"
SCHEMA = 1
MAX_BYTES = 64 << 20
#: Members, artifacts and pieces of evidence, each.
MAX_ENTRIES = 200_000
#: Every JSON value but the first of its array or object follows a comma: this bounds the
#: memory that 64 MiB of `{},{},…` would take, before anything is decoded.
MAX_COMMAS = 4_000_000
#: The largest integer that every JSON reader keeps exactly (RFC 8259 section 6).
MAX_SIZE = 2**53 - 1

# Characters that do not show, or turn others around: Unicode's Cc, Cf, Zl and Zp, written
# out because a set that grows with Unicode would make two readers differ. (Cs, the
# surrogates, never get past strictjson.)
HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\U000110bd"
    "\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_NAME = re.compile(rf"[^/\\{HIDDEN}]{{1,255}}")
_LINE = re.compile(rf"[^{HIDDEN}]{{1,2000}}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,79}")
_KIT = re.compile(r"[ -~]{1,100}")
_TIME = re.compile(r"(19[7-9]|[2-9][0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_HEX = re.compile(r"[0-9a-f]{64}")
_KINDS = {kind.value: kind for kind in EvidenceKind}

_TOP = frozenset({"artifacts", "collected-at", "evidence", "kit", "members", "release", "schema"})
_RELEASE = frozenset({"name", "version"})
_ARTIFACT = frozenset({"member", "name", "source"})
_EVIDENCE = frozenset({"about", "kind", "member", "name"})
_MEMBER = frozenset({"path", "sha256", "size"})

T = TypeVar("T")


def parse(raw: bytes) -> Manifest:
    """Read a manifest; raise :class:`PackError` and nothing else for anything but one."""
    if len(raw) > MAX_BYTES:
        raise _oversized(f"is {len(raw)} bytes, over the limit of {MAX_BYTES}")
    if raw.count(b",") > MAX_COMMAS:
        raise _oversized(f"has more than {MAX_COMMAS} commas")
    try:
        document = strictjson.parse(raw, max_bytes=MAX_BYTES, max_depth=4)
        _refuse_newer(document)
        manifest = _manifest(document)
        _refuse_other_spelling(document, raw)
        _refuse_disorder(manifest)
    except MalformedError as error:
        raise PackError(f"{NAME}: {error}", code="pack.manifest", subject=NAME) from error
    return manifest


def render(manifest: Manifest) -> bytes:
    """Write a manifest; raise :class:`PackError` for one that :func:`parse` would not return."""
    document = {
        "schema": SCHEMA,
        "kit": manifest.kit,
        "collected-at": encodings.render_time(manifest.collected_at),
        "release": {"name": manifest.release_name, "version": manifest.release_version},
        "artifacts": [
            {"name": a.name, "source": a.source, "member": a.member} for a in manifest.artifacts
        ],
        "evidence": [
            {"kind": e.kind, "name": e.name, "member": e.member, "about": list(e.about)}
            for e in manifest.evidence
        ],
        "members": [{"path": m.path, "size": m.size, "sha256": m.sha256} for m in manifest.members],
    }
    try:
        raw = strictjson.canonical(document)
    except UnicodeEncodeError as error:  # a file name that was not UTF-8 on the collecting host
        raise _inexact("a string has a lone surrogate") from error
    if parse(raw) != manifest:
        raise _inexact("a time is not in whole seconds with a zone, or a list is no tuple")
    return raw


def _inexact(why: str) -> PackError:
    return PackError(
        f"{NAME} cannot hold these values exactly: {why}", code="pack.manifest", subject=NAME
    )


def _oversized(message: str) -> PackError:
    return PackError(f"{NAME} {message}", code="pack.oversized", subject=NAME)


def _refuse_newer(document: Any) -> None:
    number = document.get("schema") if isinstance(document, dict) else None
    if type(number) is int and number > SCHEMA:
        raise PackError(
            f"{NAME} follows schema {number}; this kit knows schema {SCHEMA}",
            code="pack.manifest-newer",
            subject=NAME,
            hint="check it with the version of airgap-kit that collected it, or a later one",
        )


def _manifest(document: Any) -> Manifest:
    top = _object(document, _TOP)
    if type(top["schema"]) is not int or top["schema"] != SCHEMA:
        raise MalformedError(f"schema: {top['schema']!r:.40} is not {SCHEMA}")
    release = _prefixed("release", top["release"], lambda value: _object(value, _RELEASE))
    return Manifest(
        release_name=_text(release, "name", _WORD),
        release_version=_text(release, "version", _WORD),
        collected_at=encodings.parse_time(_text(top, "collected-at", _TIME)),
        kit=_text(top, "kit", _KIT),
        artifacts=tuple(_each(top, "artifacts", _artifact)),
        evidence=tuple(_each(top, "evidence", _evidence)),
        members=tuple(_each(top, "members", _member)),
    )


def _artifact(value: Any) -> Artifact:
    item = _object(value, _ARTIFACT)
    return Artifact(
        name=_published(item), source=_text(item, "source", _LINE), member=_path(item, "member")
    )


def _evidence(value: Any) -> EvidenceFile:
    item = _object(value, _EVIDENCE)
    kind = item["kind"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise MalformedError(f"kind: {kind!r:.80} is not one of {', '.join(_KINDS)}")
    about = item["about"]
    if not isinstance(about, list) or not all(isinstance(path, str) for path in about):
        raise MalformedError("about: is not an array of strings")
    return EvidenceFile(
        kind=_KINDS[kind], name=_published(item), member=_path(item, "member"), about=tuple(about)
    )


def _member(value: Any) -> Member:
    item = _object(value, _MEMBER)
    size = item["size"]
    if type(size) is not int or size < 0:
        raise MalformedError(f"size: {size!r:.40} is not a non-negative integer")
    if size > MAX_SIZE:
        raise _oversized(f"declares a member of {size} bytes, over the limit of {MAX_SIZE}")
    return Member(path=_path(item, "path"), size=size, sha256=_text(item, "sha256", _HEX))


def _object(value: Any, keys: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError("is not an object")
    if value.keys() != keys:
        for key in sorted(value.keys() - keys):
            raise MalformedError(
                f"{key[:80]!r}: unknown key; known here: {', '.join(sorted(keys))}"
            )
        raise MalformedError(f"{min(keys - value.keys())}: is missing")
    return value


def _each(top: dict[str, Any], key: str, read: Callable[[Any], T]) -> Iterator[T]:
    values = top[key]
    if not isinstance(values, list):
        raise MalformedError(f"{key}: is not an array")
    if len(values) > MAX_ENTRIES:
        raise _oversized(f"lists {len(values)} {key}, over the limit of {MAX_ENTRIES}")
    for number, value in enumerate(values):
        yield _prefixed(f"{key}[{number}]", value, read)


def _prefixed(path: str, value: Any, read: Callable[[Any], T]) -> T:
    try:
        return read(value)
    except MalformedError as error:
        raise MalformedError(f"{path}: {error}") from error


def _text(item: dict[str, Any], key: str, form: re.Pattern[str]) -> str:
    text = item[key]
    if not isinstance(text, str) or not form.fullmatch(text):
        raise MalformedError(f"{key}: {text!r:.120} does not have the form that is due here")
    return text


def can_name(text: str) -> bool:
    """Say whether a published file can have this name: one part, visible, at most 255 bytes."""
    if not _NAME.fullmatch(text) or text in (".", ".."):
        return False
    return text.isascii() or len(text.encode("utf-8", "surrogatepass")) <= 255


def _published(item: dict[str, Any]) -> str:
    name = _text(item, "name", _NAME)
    if not can_name(name):
        raise MalformedError(f"name: {name!r:.120} is '.' or '..', or over 255 bytes long")
    return name


def _path(item: dict[str, Any], key: str) -> str:
    path = item[key]
    if not isinstance(path, str):
        raise MalformedError(f"{key}: is not a string")
    return path


def _refuse_other_spelling(document: Any, raw: bytes) -> None:
    if strictjson.canonical(document) != raw:
        raise MalformedError("is not written in the canonical form")


def _refuse_disorder(manifest: Manifest) -> None:
    # Code points compare as their UTF-8 bytes do.
    _ascending("artifacts", [(a.source, a.name) for a in manifest.artifacts])
    _ascending("evidence", [e.member for e in manifest.evidence])
    for number, evidence in enumerate(manifest.evidence):
        _ascending(f"evidence[{number}].about", evidence.about)


def _ascending(what: str, keys: Sequence[Any]) -> None:
    for number in range(1, len(keys)):
        if keys[number - 1] >= keys[number]:
            raise MalformedError(f"{what}[{number}] repeats or precedes the entry before it")
