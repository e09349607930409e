"""Pinned OpenPGP keys: looked up in order, each in a file that holds it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import AnchorError
from kit.formats import openpgp
from kit.trust import keyrings
from kit.trust.places import Place
from tests.openpgp import Key, armored

OWNER = Key("owner")
NEXT = Key("next")


def place(folder: Path, files: dict[str, bytes]) -> Place:
    keys = folder / "openpgp"
    keys.mkdir(parents=True)
    for name, raw in files.items():
        (keys / name).write_bytes(raw)
    return Place(folder=folder, label=folder.name)


def refusal(fingerprint: str, *places: Place) -> AnchorError:
    with pytest.raises(AnchorError) as caught:
        keyrings.find([fingerprint], places)
    return caught.value


def test_the_first_place_that_has_the_key_wins(tmp_path: Path) -> None:
    text = armored(OWNER.public, "PUBLIC KEY BLOCK")
    first = place(tmp_path / "first", {f"{NEXT.fingerprint}.gpg": NEXT.public})
    second = place(tmp_path / "second", {f"{OWNER.fingerprint}.asc": text})
    third = place(tmp_path / "third", {f"{OWNER.fingerprint}.asc": b""})
    found = keyrings.find([OWNER.fingerprint, NEXT.fingerprint], [first, second, third])
    assert found[OWNER.fingerprint].key.raw == OWNER.public
    assert found[OWNER.fingerprint].raw == text
    assert found[NEXT.fingerprint].origin == "first"
    record = found[OWNER.fingerprint].record()
    assert (record.instance, record.origin) == (f"openpgp {OWNER.fingerprint}", "second")


def test_a_missing_key_names_the_places_and_what_to_do(tmp_path: Path) -> None:
    error = refusal(OWNER.fingerprint, place(tmp_path / "first", {}))
    assert error.code == "trust.missing"
    assert "first" in error.message
    assert f"{OWNER.fingerprint}.asc" in str(error.hint)


@pytest.mark.parametrize(
    "raw",
    [
        NEXT.public,
        OWNER.public + NEXT.public,
        NEXT.public + OWNER.public,
        b"",
        b"not a key",
        OWNER.sign(b""),
    ],
)
def test_a_file_of_anything_but_the_pinned_key_is_no_anchor(tmp_path: Path, raw: bytes) -> None:
    error = refusal(OWNER.fingerprint, place(tmp_path / "first", {f"{OWNER.fingerprint}.asc": raw}))
    assert error.code == "trust.openpgp-key"
    assert error.subject == OWNER.fingerprint


def test_a_file_that_is_too_long_is_no_anchor(tmp_path: Path) -> None:
    raw = OWNER.public + bytes(openpgp.MAX_KEY_BYTES)
    error = refusal(OWNER.fingerprint, place(tmp_path / "first", {f"{OWNER.fingerprint}.asc": raw}))
    assert error.code == "trust.malformed"


def test_a_file_that_cannot_be_read_is_not_absent(tmp_path: Path) -> None:
    first = place(tmp_path / "first", {})
    (tmp_path / f"first/openpgp/{OWNER.fingerprint}.asc").mkdir()
    assert refusal(OWNER.fingerprint, first).code == "trust.unreadable"
