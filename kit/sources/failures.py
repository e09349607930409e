"""What goes wrong on the way out: one code each, and what to do about it.

None of them says that a file is absent. A place that could not be asked, or that answered
something else than what was asked for, leaves the question open.
"""

from __future__ import annotations

from kit.errors import MachineError
from kit.sources.urls import Url

_LATER = "try again later; what is already fetched is kept"

_HINTS = {
    "timeout": _LATER,
    "unreachable": "check the name, the route and the firewall; proxy variables are not read",
    "tls": "check this host's clock and CA store (SSL_CERT_FILE names another one);"
    " verification cannot be turned off",
    "unauthorized": "credentials are sent only to an index that pip's settings have them for;"
    " some servers answer so for what is absent",
    "rate-limited": _LATER,
    "server": _LATER,
    "unexpected": "ask for the URL by other means and see what answers there",
    "redirect": "if you trust where it leads, write that URL instead",
    "digest": "one of the two was changed; if it stays so, ask whoever runs the place",
    "too-large": "raise the limit if that size is right",
    "truncated": "try again; if it stays so, the server or something before it cuts the answer",
    "encoded": "ask whoever runs the server to serve the file as it is",
    "portal": "look for a sign-in page or a filter between this host and the server",
    "unwritable": "check room and permissions where collecting writes",
}


class PassingError(MachineError):
    """A failure that another try may not meet; ``retry_after`` as the server wrote it."""

    retry_after: str | None = None


def failure(code: str, url: Url, what: str) -> MachineError:
    """Return the error ``machine.CODE`` about a URL, of which only the public part is shown."""
    return MachineError(
        f"{url.public}: {what}", code=f"machine.{code}", subject=url.public, hint=_HINTS[code]
    )


def passing(code: str, url: Url, what: str, *, retry_after: str | None = None) -> PassingError:
    """Return a :func:`failure` that is worth another try."""
    error = PassingError(
        f"{url.public}: {what}", code=f"machine.{code}", subject=url.public, hint=_HINTS[code]
    )
    error.retry_after = retry_after
    return error


def refusal(status: int, url: Url, retry_after: str | None = None) -> MachineError:
    """Return what a status means that is neither the file nor its absence nor a redirect."""
    what = f"the server answered {status}"
    if status in (401, 403):
        return failure("unauthorized", url, what)
    if status == 429:
        return passing("rate-limited", url, what, retry_after=retry_after)
    if status in (500, 502, 503, 504):
        return passing("server", url, what, retry_after=retry_after)
    return failure("server" if 500 <= status < 600 else "unexpected", url, what)
