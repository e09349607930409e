"""Manifests with one thing changed, as JSON values: structure-aware, every node in turn."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from tests import packs

#: The least that has one of everything.
ONE_OF_EACH = {
    "README.txt": b"",
    "release.toml": b"",
    "ledger.json": b"",
    "artifacts/tool.whl": b"wheel",
    "evidence/tool.whl.sigstore.json": b"{}",
}
VALUE = packs.value(packs.manifest(ONE_OF_EACH))


def put(path: tuple[str | int, ...], value: Any) -> Any:
    """Return the sample with one node replaced."""
    if not path:
        return value
    document = copy.deepcopy(VALUE)
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return document


def nodes(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from nodes(child, (*path, key))
    if isinstance(value, list):
        for number, child in enumerate(value):
            yield from nodes(child, (*path, number))


def at(path: tuple[str | int, ...]) -> Any:
    value: Any = VALUE
    for step in path:
        value = value[step]
    return value


OTHERS: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 2**53 - 1, "", "x", ".", "..", "a/b", "a\\b", "\n", "\x00",
    "\u202e", "\u200b", "\ufeff", "\U000e0041", "a" * 256, "ü" * 127, "1", "٣", [], {}, [[]], [{}],
    ["x"], ["x", "x"], [1], {"x": 1}, "0" * 64, "A" * 64, "0" * 63, " " + "0" * 63,
    "sigstore-bundle",
    "2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.0Z",
    "1969-12-31T23:59:59Z", "2026-01-02t03:04:05z", "2026-01-02 03:04:05Z",
]  # fmt: skip


def variants() -> Iterator[Any]:
    """Every node replaced, dropped, renamed, added to, and every string made longer."""
    for path in nodes(VALUE):
        for other in OTHERS:
            yield put(path, other)
        value = at(path)
        if isinstance(value, str):
            for text in (value + "\n", "\n" + value, value + " ", value.upper(), value + "\r"):
                yield put(path, text)
        if isinstance(value, dict):
            yield put(path, value | {"verified": True})
            for key in value:
                rest = {k: v for k, v in value.items() if k != key}
                yield put(path, rest)
                for alias in (key.upper(), key.replace("-", "_"), key.title()):
                    if alias != key:
                        yield put(path, rest | {alias: value[key]})
                        yield put(path, value | {alias: value[key]})
