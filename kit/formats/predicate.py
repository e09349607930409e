"""Which predicate types the kit reads, and by what: facts for policy out of signed JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kit.errors import MalformedError
from kit.formats import provenance
from kit.model.predicates import Predicate, Unreadable

#: The reader of each predicate type; it raises `MalformedError` with a code of its own.
READERS: Mapping[str, Callable[[str, Any], Predicate]] = {
    **dict.fromkeys(provenance.TYPES, provenance.parse),
}


def read(predicate_type: str | None, predicate: Any) -> Predicate | None:
    """Return what a predicate says; ``None`` for a type that the kit does not know.

    One of a known type that cannot be read is `Unreadable`, never unknown: it must not
    pass for one that says nothing.
    """
    reader = READERS.get(predicate_type or "")
    if reader is None:
        return None
    try:
        return reader(predicate_type or "", predicate)
    except MalformedError as error:
        return Unreadable(code=error.code, message=error.message)
