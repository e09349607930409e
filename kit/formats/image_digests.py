r"""Which digests image references had: ``image-digest.txt``, as release manuals have it written.

::

    sha256:HEX  REPOSITORY[:TAG][@sha256:HEX]

One a line, the digest as ``docker buildx imagetools inspect`` prints it, two blanks or one,
and the reference it was looked up under (``printf '%s  %s\n' "$DIGEST" "$IMAGE@$DIGEST"``).
It is a digest manifest for what has no bytes of its own to hash, so it proves nothing
unless somebody signed it, and a second reader must not be able to read it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from kit.errors import MalformedError
from kit.formats import encodings
from kit.model import Digest

MAX_BYTES = 1 << 20
MAX_LINES = 10_000

_LINE = re.compile(r"(?P<digest>sha(?:256|384|512):[0-9a-f]{64,128}) {1,2}(?P<reference>[^ ]+)")
# A reference as OCI's distribution specification has it, but for the details of each part.
_REFERENCE = re.compile(r"[A-Za-z0-9]+(?:[._:/-]+[A-Za-z0-9_]+)*")
_MAX_REFERENCE = 512


def parse(raw: bytes) -> Mapping[str, Digest]:
    """Return the digests by reference, in file order; references are without their digest.

    Blank lines and lines that begin with ``#`` say nothing. Raises :class:`MalformedError`
    for any other line, a reference whose own digest is another, and one that stands twice.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"image digests of {len(raw)} bytes, over {MAX_BYTES}")
    try:
        lines = raw.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError(f"not ASCII at byte {error.start}") from error
    if len(lines) > MAX_LINES:
        raise MalformedError(f"over {MAX_LINES} lines")
    found: dict[str, Digest] = {}
    for number, written in enumerate(lines, start=1):
        line = written.removesuffix("\r")
        if not line or line.startswith("#"):
            continue
        try:
            reference, digest = _line(line)
            if reference in found:
                raise MalformedError(f"lists {reference[:80]!r} again")
        except MalformedError as error:
            raise MalformedError(f"line {number}: {error}") from error
        found[reference] = digest
    if not found:
        raise MalformedError("lists nothing")
    return MappingProxyType(found)


def render(digests: Mapping[str, Digest]) -> bytes:
    """Write the lines as the manuals have them; :func:`parse` reads them back."""
    lines = (f"{digest}  {reference}@{digest}\n" for reference, digest in digests.items())
    return "".join(lines).encode("ascii")


def _line(line: str) -> tuple[str, Digest]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise MalformedError("is no line of a digest and a reference")
    digest = encodings.parse_digest(match["digest"])
    reference, at, own = match["reference"].partition("@")
    if at and encodings.parse_digest(own) != digest:
        raise MalformedError("the reference has another digest than the line")
    if len(reference) > _MAX_REFERENCE or not _REFERENCE.fullmatch(reference):
        raise MalformedError(f"{reference[:80]!r} is no reference of an image")
    return reference, digest
