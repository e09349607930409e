"""Typed access to a parsed JSON object whose errors name the key's path.

protobuf's JSON form (Sigstore bundles, trusted roots) leaves out what has its default
value, or writes ``null`` for it, so every reader here takes both as ``None`` unless
:meth:`Fields.need` is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings

_INT64 = re.compile(r"0|[1-9][0-9]{0,18}")


class Fields:
    """One JSON object, read key by key; remembers which keys were asked for."""

    __slots__ = ("_asked", "_value", "path")

    def __init__(self, value: Any, path: str = "") -> None:
        """Wrap ``value``; raise :class:`MalformedError` if it is not an object."""
        if not isinstance(value, dict):
            raise MalformedError(f"{path or 'the document'} is not an object")
        self._value: dict[str, Any] = value
        self._asked: set[str] = set()
        self.path = path

    @property
    def keys(self) -> Iterable[str]:
        """The object's keys, asked for or not."""
        return self._value.keys()

    def where(self, key: str) -> str:
        """Return the path of ``key``, as messages write it."""
        return f"{self.path}.{key}" if self.path else key

    def get(self, key: str) -> Any:
        """Return the raw value, or ``None`` where it is absent or ``null``."""
        self._asked.add(key)
        return self._value.get(key)

    def has(self, key: str) -> bool:
        """Say whether the key has a value, without reading it."""
        return self._value.get(key) is not None

    def mentions(self, key: str) -> bool:
        """Say whether the key is there, even with ``null`` for its value."""
        return key in self._value

    def need(self, key: str) -> Any:
        """Return the raw value; raise if the key is absent."""
        value = self.get(key)
        if value is None:
            raise MalformedError(f"{self.where(key)} is missing")
        return value

    def text(self, key: str) -> str | None:
        """Return a string."""
        value = self.get(key)
        if value is not None and not isinstance(value, str):
            raise MalformedError(f"{self.where(key)} is not a string")
        return value

    def needed_text(self, key: str) -> str:
        """Return a string that must be there and not be empty."""
        value = self.need(key)
        if not isinstance(value, str):
            raise MalformedError(f"{self.where(key)} is not a string")
        if not value:
            raise MalformedError(f"{self.where(key)} is empty")
        return value

    def octets(self, key: str) -> bytes | None:
        """Return the bytes of a canonical base64 string."""
        value = self.get(key)
        return None if value is None else self._octets(value, key)

    def needed_octets(self, key: str) -> bytes:
        """Return bytes that must be there and not be empty."""
        value = self._octets(self.need(key), key)
        if not value:
            raise MalformedError(f"{self.where(key)} is empty")
        return value

    def integer(self, key: str) -> int | None:
        """Return a non-negative int64: a JSON string of ASCII digits, or a JSON integer."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if (
            not isinstance(value, str)
            or not _INT64.fullmatch(value)
            or int(value) > 0x7FFF_FFFF_FFFF_FFFF
        ):
            raise MalformedError(f"{self.where(key)} is not a non-negative 64-bit integer")
        return int(value)

    def object(self, key: str) -> Fields | None:
        """Return a nested object."""
        value = self.get(key)
        return None if value is None else Fields(value, self.where(key))

    def needed_object(self, key: str) -> Fields:
        """Return a nested object that must be there."""
        return Fields(self.need(key), self.where(key))

    def array(self, key: str, limit: int) -> list[Any]:
        """Return a list of at most ``limit`` items; absent is empty."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise MalformedError(f"{self.where(key)} is not an array")
        if len(value) > limit:
            raise MalformedError(f"{self.where(key)} has {len(value)} items, over {limit}")
        return value

    def objects(self, key: str, limit: int) -> list[Fields]:
        """Return a list of objects, each knowing its path."""
        return list(self.each(key, limit))

    def each(self, key: str, limit: int) -> Iterator[Fields]:
        """Yield the objects of a list, as :meth:`objects` returns them; for lists of very many."""
        where = self.where(key)
        for number, item in enumerate(self.array(key, limit)):
            yield Fields(item, f"{where}[{number}]")

    def octets_array(self, key: str, limit: int) -> tuple[bytes, ...]:
        """Return a list of canonical base64 strings as bytes."""
        items = self.array(key, limit)
        return tuple(self._octets(item, f"{key}[{n}]") for n, item in enumerate(items))

    def unread(self) -> Iterable[str]:
        """Return the paths of keys nobody asked for, sorted, each key cut at 80 characters."""
        if self._value.keys() <= self._asked:
            return []
        return [self.where(key[:80]) for key in sorted(self._value.keys() - self._asked)]

    def _octets(self, value: Any, key: str) -> bytes:
        if not isinstance(value, str):
            raise MalformedError(f"{self.where(key)} is not a string")
        try:
            return encodings.b64decode(value)
        except MalformedError as error:
            raise MalformedError(f"{self.where(key)}: {error}") from error
