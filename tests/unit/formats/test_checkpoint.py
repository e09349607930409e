"""Checkpoints: the one spelling that is read, and every other that is not."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import checkpoint

ROOT = base64.b64encode(bytes(32)).decode()
BODY = f"log.example - 7\n12\n{ROOT}\n"
LINE = f"\u2014 log.example {base64.b64encode(b'keyid' + b'signature').decode()}\n"
NOTE = f"{BODY}\n{LINE}"


def test_a_checkpoint_has_what_its_log_said() -> None:
    read = checkpoint.parse(NOTE)
    assert (read.origin, read.tree_size, read.root_hash) == ("log.example - 7", 12, bytes(32))
    assert read.signed == BODY.encode()
    (signature,) = read.signatures
    assert (signature.name, signature.key_id) == ("log.example", b"keyi")


def test_extension_lines_and_witnesses_are_carried_along() -> None:
    body = f"log.example\n12\n{ROOT}\nTimestamp: 1\n"
    read = checkpoint.parse(f"{body}\n{LINE}{LINE}")
    assert read.signed == body.encode()
    assert len(read.signatures) == 2


@pytest.mark.parametrize(
    "note",
    [
        "",
        BODY,
        f"{BODY}\n",
        NOTE.removesuffix("\n"),
        NOTE.replace("\n12\n", "\n012\n"),
        NOTE.replace("\n12\n", "\n+12\n"),
        NOTE.replace("\n12\n", "\n\u0661\u0662\n"),
        NOTE.replace("\n12\n", "\n1_2\n"),
        NOTE.replace("\n12\n", "\n"),
        NOTE.replace(ROOT, ROOT[:-4]),
        NOTE.replace(ROOT, f"{ROOT} "),
        NOTE.replace("\n", "\r\n"),
        NOTE.replace("\u2014", "-"),
        f"{NOTE}junk\n",
        f"{BODY}\njunk\n{LINE}",
        f"{BODY}\n\u2014 log.example AAAA\n",
        f"{BODY}\n\u2014 log+example {LINE.split()[2]}\n",
        f"{BODY}\n{LINE * 17}",
        f"\n{NOTE}",
    ],
)
def test_another_spelling_is_malformed(note: str) -> None:
    # W22: sigstore-python skips what it does not know between signatures.
    with pytest.raises(MalformedError):
        checkpoint.parse(note)


@given(st.text())
def test_any_text_parses_or_is_malformed(text: str) -> None:
    for note in (text, f"{BODY}\n{text}", f"{text}\n{LINE}"):
        try:
            checkpoint.parse(note)
        except MalformedError:
            continue
