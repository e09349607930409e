"""What goes wrong on the way out: one code each, and what to do about it.

None of them says that a file is absent. A place that could not be asked, or that answered
something else than what was asked for, leaves the question open.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from kit.errors import MachineError
from kit.formats import encodings
from kit.sources.urls import Url

_WORTH_WAITING = 60.0  # seconds
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_LATER = "try again later; what is already fetched is kept"

_HINTS = {
    "timeout": _LATER,
    "unreachable": "check the name, the route and the firewall; of proxies only --proxy is used",
    "proxy": "check --proxy (AIRGAP_KIT_PROXY), and the credentials that it wants",
    "tls": "check this host's clock and CA store (SSL_CERT_FILE names another one);"
    " verification cannot be turned off",
    "unauthorized": "credentials are sent only to an index that pip's settings have them for;"
    " some servers answer so for what is absent",
    "rate-limited": _LATER,
    "server": _LATER,
    "unexpected": "ask for the URL by other means and see what answers there",
    "redirect": "if you trust where it leads, write that URL instead; an inner host may be"
    " allowed with --allow-redirect HOST",
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


class UnconnectedError(PassingError):
    """No connection came about to this address; another address of the host may do."""


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


def unconnected(code: str, url: Url, what: str) -> UnconnectedError:
    """Return a :func:`passing` failure of one address alone."""
    return UnconnectedError(
        f"{url.public}: {what}", code=f"machine.{code}", subject=url.public, hint=_HINTS[code]
    )


class Headers(Protocol):
    """An answer's headers, by name in any case."""

    def get(self, key: str, /) -> str | None:
        """Return the value of a header, if it is there."""


def refusal(status: int, url: Url, headers: Headers) -> MachineError:
    """Return what a status means that is neither the file nor its absence nor a redirect."""
    what = f"the server answered {status}"
    retry_after = headers.get("retry-after")
    if status == 429 or (status == 403 and is_spent(headers)):
        return _rate_limited(url, what, headers)
    if status == 407:
        return failure("proxy", url, "the proxy wants credentials")
    if status == 511:  # RFC 6585 section 6
        return failure("portal", url, "the network wants somebody to sign in")
    if status in (401, 403):
        return failure("unauthorized", url, what)
    if status in (500, 502, 503, 504):
        return passing("server", url, what, retry_after=retry_after)
    return failure("server" if 500 <= status < 600 else "unexpected", url, what)


def is_spent(headers: Headers) -> bool:
    """Say whether an answer tells somebody who asked too often to wait."""
    # GitHub refuses so, with 403, who asked too often; other APIs took its headers over.
    return headers.get("x-ratelimit-remaining") == "0" or headers.get("retry-after") is not None


def _rate_limited(url: Url, what: str, headers: Headers) -> MachineError:
    """Return the error of who asked too often, which is worth another try only if it is soon."""
    retry_after, reset = headers.get("retry-after"), _reset(headers)
    if reset is None:
        return passing("rate-limited", url, what, retry_after=retry_after)
    what += f": no more requests until {encodings.render_time(reset)}"
    with suppress(ValueError, TypeError, IndexError, OverflowError):  # as a hostile date may
        # By the server's own clock: this host's may be off, and is no matter here.
        wait = (reset - parsedate_to_datetime(headers.get("date") or "")).total_seconds()
        if wait <= _WORTH_WAITING:
            soon = retry_after or f"{max(int(wait), 0) + 1}"
            return passing("rate-limited", url, what, retry_after=soon)
    return failure("rate-limited", url, what)


def _reset(headers: Headers) -> datetime | None:
    text = headers.get("x-ratelimit-reset") or ""
    if headers.get("x-ratelimit-remaining") != "0" or not text.isascii() or not text.isdigit():
        return None
    return datetime.fromtimestamp(int(text), UTC) if _in_range(text) else None


def _in_range(text: str) -> bool:
    return len(text) <= 12 and int(text) <= _LAST_SECOND
