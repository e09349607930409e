"""Where an answer leads: a URL that stands in it, or its next page.

What a server writes was not written by the operator. Whoever asks for such a URL says so
(``Want.named_by``), so that it leads no further than a redirect of that server could; a next
page is asked for with the credential of the first, and so must be of its origin.
"""

from __future__ import annotations

from kit.errors import MalformedError, UsageError
from kit.formats import link_header
from kit.sources import urls
from kit.sources.exchange import Fetched
from kit.sources.failures import failure
from kit.sources.urls import Url


def resolved(fetched: Fetched, text: str, what: str) -> Url:
    """Return a URL that stands in a document, relative to it or whole.

    ``what`` is what the document is, for the message where the text is no URL.
    """
    base = urls.parse(fetched.url)
    try:
        return urls.follow(base, text)
    except UsageError as error:
        raise failure("unexpected", base, f"{what} names {error.message}") from error


def next_page(here: Url, fetched: Fetched) -> str | None:
    """Return the URL of the page after the one at ``here``, if there is one."""
    try:
        target = link_header.next_page(fetched.links)
        there = None if target is None else urls.follow(here, target)
    except (MalformedError, UsageError) as error:
        raise failure("unexpected", here, f"the next page: {error.message}") from error
    if there is not None and there.origin != here.origin:
        raise failure("redirect", here, f"the next page would be at {there.public}")
    return None if there is None else there.full
