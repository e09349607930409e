"""The custody file: one encoding, strictly read."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from kit.errors import MalformedError
from kit.formats import custody
from kit.formats.custody import Record, Role

KEY = f"sha256:{'a' * 64}"
FIRST = Record(
    pack="1" * 64,
    previous=None,
    role=Role.COLLECTED,
    at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    note="with love, ünïcode",
)
LINE = custody.render(FIRST, KEY, b"signature")


def changed(record: Any = None, **envelope: Any) -> bytes:
    """Return the line with parts of it replaced, in canonical JSON."""
    value = json.loads(LINE) | envelope
    if record is not None:
        said = json.loads(base64.b64decode(value["payload"])) | record
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        value["payload"] = base64.b64encode(text.encode() + b"\n").decode()
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_what_is_written_reads_back() -> None:
    second = Record(
        pack=FIRST.pack,
        previous=custody.line_sha256(LINE),
        role=Role.RECEIVED,
        at=FIRST.at,
    )
    line = custody.render(second, f"openpgp:{'A' * 40}", b"\0")
    one, two = custody.parse(LINE + line)
    assert (one.record, one.key, one.signature) == (FIRST, KEY, b"signature")
    assert one.signed == custody.to_sign(FIRST)
    assert (two.record, two.record.previous) == (second, one.sha256)


def test_the_changes_of_this_test_are_none_by_themselves() -> None:
    assert changed() == changed({}) == LINE


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        LINE[:-1],
        LINE + b"\n",
        LINE.replace(b'"payload"', b' "payload"'),
        LINE.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + LINE,
        LINE * (custody.MAX_LINES + 1),
        b"x" * (custody.MAX_BYTES + 1),
        changed(extra=1),
        changed(payloadType="application/vnd.in-toto+json"),
        changed(signatures=[]),
        changed(signatures=json.loads(LINE)["signatures"] * 2),
        changed(signatures=[{"keyid": KEY, "sig": ""}]),
        changed(signatures=[{"keyid": KEY, "sig": "AA-_"}]),
        changed(signatures=[{"keyid": KEY.upper(), "sig": "AAAA"}]),
        changed(signatures=[{"keyid": f"openpgp:{'a' * 40}", "sig": "AAAA"}]),
        changed(signatures=[{"sig": "AAAA"}]),
        changed({"schema": 2}),
        changed({"schema": True}),
        changed({"schema": 1.0}),
        changed({"pack": "1" * 63}),
        changed({"pack": "A" * 64}),
        changed({"previous": ""}),
        changed({"previous": 1}),
        changed({"role": "stolen"}),
        changed({"at": "2026-01-02T03:04:05.5Z"}),
        changed({"at": "2026-01-02T03:04:05+00:00"}),
        changed({"at": "2026-02-30T00:00:00Z"}),
        changed({"note": "two\nlines"}),
        changed({"note": "\u202e"}),
        changed({"note": "x" * (custody.MAX_NOTE + 1)}),
        changed({"note": None}),
        changed({"more": 1}),
    ],
)
def test_anything_else_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError) as raised:
        custody.parse(raw)
    assert raised.value.code == "custody.malformed"


def test_the_example_of_the_format_is_real() -> None:
    text = (Path(__file__).parents[3] / "bundles/FORMAT.md").read_text(encoding="utf-8")
    line = re.findall(r'^\{"payload":.*\}$', text, re.MULTILINE)
    (seal,) = custody.parse(line[0].encode() + b"\n")
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    public = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).public_key()
    public.verify(seal.signature, seal.signed)
    manifest = re.search(r"^([0-9a-f]{64})  manifest.json$", text, re.MULTILINE)
    assert manifest is not None
    assert seal.record.pack == manifest[1]
