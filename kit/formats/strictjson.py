"""The one JSON reader: RFC 8259, and nothing a second reader could read differently.

Refused, although Python's own reader takes them: duplicate keys, NaN and Infinity,
numbers too large for a float, a byte order mark, bytes that are not UTF-8, lone
surrogates, nesting deeper than asked for. The caller states the largest size; it is
compared before anything is decoded.
"""

from __future__ import annotations

import json
import math
from typing import Any, Never

from kit.errors import MalformedError

MAX_DEPTH = 64
# A value costs Python some 60 to 200 bytes however short it is: 16 MiB of `[],[],…` would
# take half a gigabyte. Real documents have 20 bytes or more of text for each of these marks.
_BYTES_A_MARK = 16
_MARKS_ALLOWED = 1 << 16


def parse(
    raw: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_values: int | None = None
) -> Any:
    """Return the value of one JSON document that fills ``raw`` entirely.

    ``max_bytes`` bounds ``raw`` and with it the number of values, unless ``max_values`` says
    so itself; ``max_depth`` bounds the nesting of arrays and objects.
    Raises :class:`MalformedError`, and nothing else, for any other input.
    """
    if len(raw) > max_bytes:
        raise MalformedError(f"JSON of {len(raw)} bytes, over the limit of {max_bytes}")
    # Every value follows one of these, so they bound the values before anything is decoded.
    allowed = max_values or max(_MARKS_ALLOWED, max_bytes // _BYTES_A_MARK)
    if len(raw) > allowed and sum(map(raw.count, b"[{,")) > allowed:
        raise MalformedError("JSON of too many values for its limit")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise MalformedError(f"JSON nested deeper than {max_depth}") from error
    except ValueError as error:  # JSONDecodeError, and integers beyond Python's digit limit
        raise MalformedError(f"not JSON: {error}") from error
    _walk(value, max_depth)
    return value


def canonical(value: Any) -> bytes:
    """Return the one encoding the kit writes: sorted keys, no spaces, UTF-8, final newline."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8") + b"\n"


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise MalformedError(f"the key {key[:80]!r} appears twice in one object")
            seen.add(key)
    return found


def _refuse_constant(text: str) -> Never:
    raise MalformedError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedError(f"the number {text[:40]} is out of range")
    return number


def _walk(value: Any, max_depth: int) -> None:
    """Bound the depth and refuse lone surrogates, without recursion."""
    level: list[Any] = [value]
    for _ in range(max_depth + 1):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not item.isascii():
                    _encodable(item)
            elif isinstance(item, dict):
                for key in item:
                    if not key.isascii():
                        _encodable(key)
                deeper += item.values()
            elif isinstance(item, list):
                deeper += item
        if not deeper:
            return
        level = deeper
    raise MalformedError(f"JSON nested deeper than {max_depth}")


def _encodable(text: str) -> None:
    # A lone surrogate has no UTF-8 form: other readers replace it, drop it or fail.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError("a string has a lone surrogate") from error
