"""``Link`` headers (RFC 8288), by which APIs say that there is another page."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kit.errors import MalformedError

_MAX_URL = 8192
_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*(?:next|"next")\s*(?:[;,]|\Z)""", re.IGNORECASE)


def next_page(links: Iterable[str]) -> str | None:
    """Return where headers say that the next page is, if there is one.

    Raises :class:`MalformedError` where they name several, or one that is too long.
    """
    found = {
        target for value in links for target, rest in _LINK.findall(value) if _NEXT.search(rest)
    }
    if len(found) > 1 or any(len(target) > _MAX_URL for target in found):
        raise MalformedError("Link headers that name no single next page")
    return next(iter(found), None)
