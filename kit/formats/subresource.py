"""Subresource Integrity as npm writes it: ``sha512-BASE64``, perhaps several, and old SHA-1.

Of several hashes only those by the strongest algorithm count (W3C, Subresource Integrity,
"get the strongest metadata from set"), so that a weaker one beside it lets nothing else in.
"""

from __future__ import annotations

from kit.errors import MalformedError
from kit.formats import encodings
from kit.model import Digest

MAX_CHARACTERS = 4096
_STRENGTH = ("sha256", "sha384", "sha512")
_WEAK = frozenset({"sha1", "md5"})


def strongest(text: str) -> Digest | None:
    """Return the digest that counts; ``None`` where there is none but by a weak algorithm.

    Raises :class:`MalformedError` for what cannot be read, and for two different digests by
    one algorithm: the text would stand for two files.
    """
    found = _digests(text)
    for algorithm in reversed(_STRENGTH):
        of_it = {digest for digest in found if digest.algorithm == algorithm}
        if len(of_it) > 1:
            raise MalformedError(f"it has {len(of_it)} different {algorithm} digests")
        if of_it:
            return of_it.pop()
    return None


def _digests(text: str) -> list[Digest]:
    words = text.split()
    if not words or len(text) > MAX_CHARACTERS:
        raise MalformedError(f"{text[:80]!r} is no integrity: ALGORITHM-BASE64")
    found = []
    for word in words:
        algorithm, dash, rest = word.partition("-")
        if not dash or algorithm not in (*_STRENGTH, *_WEAK):
            raise MalformedError(f"{word[:80]!r} is no integrity: ALGORITHM-BASE64")
        raw = encodings.b64decode(rest.partition("?")[0])
        if algorithm in _STRENGTH:
            found.append(encodings.digest(algorithm, raw.hex()))
    return found
