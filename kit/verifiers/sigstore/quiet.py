"""Keep libraries from warning on the terminal in a stranger's words.

cryptography warns of names that are longer than X.520 allows, with text from the
certificate. What matters is raised.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Show no warning until the end of the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
