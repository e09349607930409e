"""How often something is tried again, and how long before: with growing waits and jitter."""

from __future__ import annotations

import contextlib

from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from kit.sources.deadline import Deadline, Patience
from kit.sources.failures import PassingError


class Tries:
    """The tries of one fetch."""

    def __init__(self, patience: Patience) -> None:
        """Allow as many as the patience says."""
        self._retries = Retry(
            total=patience.retries,
            backoff_factor=patience.backoff,
            backoff_jitter=patience.jitter,
            backoff_max=patience.longest_wait,
            retry_after_max=patience.longest_wait,
        )

    def again(self, error: PassingError, deadline: Deadline) -> None:
        """Wait as long as is due before the next try; raise ``error`` if there is none."""
        try:
            self._retries = self._retries.increment("GET", error=error)
        except MaxRetryError:
            raise error from error.__cause__
        wait = self._retries.get_backoff_time()
        if error.retry_after is not None:
            # email.utils reads the date form, and fails in many ways on what is none.
            with contextlib.suppress(HTTPError, ValueError, TypeError, IndexError, OverflowError):
                wait = max(wait, self._retries.parse_retry_after(error.retry_after))
        if wait >= deadline.left:
            raise error from error.__cause__
        deadline.wait(wait)
