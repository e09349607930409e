"""kit.formats.trusted_root: which authorities may vouch, and when."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import trusted_root
from kit.trust import places
from tests.lab import Lab

ROOT = json.loads(Lab("acme").trusted_root())
LOG = ("tlogs", 0)
CA = ("certificateAuthorities", 0)
WINDOW = (*CA, "validFor")


def put(path: tuple[str | int, ...], new: Any) -> Any:
    """Return the lab's root with what is at `path` replaced, or left out for `...`."""
    copy = json.loads(json.dumps(ROOT))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    if new is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return copy


def parse(value: Any) -> trusted_root.TrustedRoot:
    return trusted_root.parse(json.dumps(value).encode())


def test_a_root_is_read() -> None:
    root = parse(ROOT)
    (log,), (ctlog,), (ca,) = root.tlogs, root.ctlogs, root.certificate_authorities
    assert log.base_url == ROOT["tlogs"][0]["baseUrl"]
    assert ctlog.key == b64decode(ROOT["ctlogs"][0]["publicKey"]["rawBytes"])
    assert len(ca.chain) == 2
    assert (root.timestamp_authorities, root.unknown) == ((), ())


def test_the_pinned_root_of_the_public_good_instance_is_read() -> None:
    raw = (places.packaged().folder / "sigstore" / "trusted_root.json").read_bytes()
    assert trusted_root.parse(raw).unknown == ()


@pytest.mark.parametrize("media_type", trusted_root.MEDIA_TYPES)
def test_every_media_type_is_read(media_type: str) -> None:
    assert parse(put(("mediaType",), media_type)).media_type == media_type


@pytest.mark.parametrize(
    "key", ["tlogs", "ctlogs", "timestampAuthorities", "certificateAuthorities"]
)
@pytest.mark.parametrize("value", [..., None, []])
def test_an_instance_may_lack_some_of_its_parts(key: str, value: Any) -> None:
    # GitHub's own has neither a log nor a CT log; keyed bundles need no CA.
    assert parse(put((key,), value)).unknown == ()


@pytest.mark.parametrize("end", [..., None])
def test_a_window_may_have_no_end(end: Any) -> None:
    window = {"start": "2024-01-01T00:00:00Z", "end": end}
    if end is ...:
        del window["end"]
    root = parse(put(WINDOW, window))
    assert root.certificate_authorities[0].window.end is None


def test_a_window_may_be_a_moment() -> None:
    moment = "2024-01-01T00:00:00Z"
    window = parse(put(WINDOW, {"start": moment, "end": moment})).certificate_authorities[0].window
    assert window.start == window.end == datetime(2024, 1, 1, tzinfo=UTC)


def test_a_root_is_as_new_as_its_newest_window() -> None:
    start = "2031-01-01T00:00:00Z"
    assert parse(put(WINDOW, {"start": start})).newest == datetime(2031, 1, 1, tzinfo=UTC)


def test_two_roots_are_compared_by_every_certificate_of_every_ca() -> None:
    other = json.loads(Lab("other").trusted_root())
    both = [*ROOT["certificateAuthorities"], *other["certificateAuthorities"]]
    expected = parse(ROOT).ca_certificates | parse(other).ca_certificates
    assert parse(put(("certificateAuthorities",), both)).ca_certificates == expected


@pytest.mark.parametrize(
    "path",
    [
        (), LOG, (*LOG, "publicKey"), (*LOG, "logId"), (*LOG, "publicKey", "validFor"), CA,
        WINDOW, (*CA, "certChain"), (*CA, "certChain", "certificates", 0), ("ctlogs", 0),
    ],
)  # fmt: skip
def test_an_unknown_field_is_ignored_and_told_by_its_path(path: tuple[str | int, ...]) -> None:
    (told,) = parse(put((*path, "newField"), 1)).unknown
    assert told.endswith("newField")


@pytest.mark.parametrize(
    "path", [(*LOG, "operator"), (*LOG, "checkpointKeyId"), (*CA, "operator"), (*CA, "subject")]
)
def test_fields_of_a_newer_media_type_are_known(path: tuple[str | int, ...]) -> None:
    assert parse(put(path, {})).unknown == ()


# Rows of the catalogue.
MALFORMED: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "no media type": (("mediaType",), ..., "mediaType is missing"),
    "another media type": (
        ("mediaType",),
        "application/vnd.dev.sigstore.trustedroot.v0.3+json",
        "unknown trusted root media type",
    ),
    "a bundle": (("mediaType",), "application/vnd.dev.sigstore.bundle.v0.3+json", "unknown"),
    "CA null": (CA, None, r"certificateAuthorities\[0\] is not an object"),
    "CA without chain": ((*CA, "certChain"), ..., "certChain is missing"),
    "chain empty": ((*CA, "certChain", "certificates"), [], "certificates is empty"),
    "chain of 9": ((*CA, "certChain", "certificates"), [{}] * 9, "9 items, over 8"),
    "certificate empty": ((*CA, "certChain", "certificates", 0), {}, "rawBytes is missing"),
    "CA without window": (WINDOW, ..., r"\[0\].validFor is missing"),
    "window null": (WINDOW, None, "validFor is missing"),
    "window empty": (WINDOW, {}, "start is missing"),
    "window with only an end": (WINDOW, {"end": "2024-01-01T00:00:00Z"}, "start is missing"),
    "start empty": (WINDOW, {"start": ""}, "start is empty"),
    "start a number": (WINDOW, {"start": 0}, "start is not a string"),
    "start without zone": (WINDOW, {"start": "2024-01-01T00:00:00"}, "not an RFC 3339 time"),
    "start that does not exist": (WINDOW, {"start": "2024-02-30T00:00:00Z"}, "no such time"),
    "end empty": (WINDOW, {"start": "2024-01-01T00:00:00Z", "end": ""}, "not an RFC 3339 time"),
    "end before start": (
        WINDOW,
        {"start": "2024-01-01T00:00:00Z", "end": "2023-12-31T23:59:59Z"},
        "ends before it starts",
    ),
    "log without window": ((*LOG, "publicKey", "validFor"), ..., "validFor is missing"),
    "log without key": ((*LOG, "publicKey"), ..., "publicKey is missing"),
    "log without key bytes": ((*LOG, "publicKey", "rawBytes"), "", "rawBytes is empty"),
    "log without key type": ((*LOG, "publicKey", "keyDetails"), ..., "keyDetails is missing"),
    "key type by number": ((*LOG, "publicKey", "keyDetails"), 5, "keyDetails is not a string"),
    "log without id": ((*LOG, "logId"), ..., "logId is missing"),
    "logs no array": (("tlogs",), {}, "tlogs is not an array"),
    "65 logs": (("tlogs",), [ROOT["tlogs"][0]] * 65, "65 items, over 64"),
    "a TSA without chain": (("timestampAuthorities",), [{}], "certChain is missing"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_anything_else_is_malformed(name: str) -> None:
    path, new, rule = MALFORMED[name]
    with pytest.raises(MalformedError, match=rule):
        parse(put(path, new))


def test_a_key_that_is_there_twice_is_malformed() -> None:
    raw = json.dumps(ROOT).replace('"tlogs":', '"tlogs":[],"tlogs":').encode()
    with pytest.raises(MalformedError, match="appears twice"):
        trusted_root.parse(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"\xef\xbb\xbf{}", json.dumps(ROOT).encode("utf-16")]
)
def test_what_is_no_json_object_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        trusted_root.parse(raw)


def test_a_root_over_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(MalformedError, match="over the limit"):
        trusted_root.parse(b"\xff" * (trusted_root.MAX_BYTES + 1))


LINE = json.dumps(ROOT).encode()
PRETTY = json.dumps(ROOT, indent=1).encode()


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        (LINE, (LINE,)),
        (LINE + b"\n\n", (LINE + b"\n\n",)),
        (LINE + b"\n" + LINE + b"\n", (LINE, LINE)),
        (b"\n" + LINE + b"\r\n \n" + LINE, (LINE + b"\r", LINE)),
        (PRETTY, (PRETTY,)),
        (b"", (b"",)),
    ],
)
def test_a_file_is_one_root_or_one_a_line(raw: bytes, parts: tuple[bytes, ...]) -> None:
    assert trusted_root.split(raw) == parts


def test_every_line_is_a_root_of_its_own() -> None:
    other = json.loads(Lab("other").trusted_root())
    raw = LINE + b"\n" + json.dumps(other).encode()
    one, two = (trusted_root.parse(part) for part in trusted_root.split(raw))
    assert not one.ca_certificates & two.ca_certificates
    assert b64encode(min(two.ca_certificates)).decode() in json.dumps(other)
