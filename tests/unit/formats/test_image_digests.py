"""kit.formats.image_digests: digests of images by reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import image_digests, kinds
from kit.model import Digest, EvidenceKind

HEX = "ab" * 32
DIGEST = f"sha256:{HEX}"
REF = "ghcr.io/acme/tool"


@pytest.mark.parametrize(
    ("line", "reference"),
    [
        (f"{DIGEST}  {REF}@{DIGEST}\n", REF),
        (f"{DIGEST}  {REF}\n", REF),
        (f"{DIGEST} {REF}:v1.0", f"{REF}:v1.0"),
        (f"{DIGEST}  localhost:5000/a/b_c-d:v1@{DIGEST}\r\n", "localhost:5000/a/b_c-d:v1"),
        (f"# made by hand\n\n{DIGEST}  {REF}\n", REF),
    ],
)
def test_a_line_gives_a_reference_its_digest(line: str, reference: str) -> None:
    assert dict(image_digests.parse(line.encode())) == {reference: Digest("sha256", HEX)}


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "# nothing\n", DIGEST, f"{DIGEST}  ", f"{DIGEST}   {REF}", f"{HEX}  {REF}",
        f"{DIGEST}\t{REF}", f" {DIGEST}  {REF}", f"{DIGEST}  {REF} ", f"{DIGEST.upper()}  {REF}",
        f"sha256:{HEX}00  {REF}", f"sha1:{'ab' * 20}  {REF}", f"{DIGEST}  @{DIGEST}",
        f"{DIGEST}  {REF}@sha256:{'cd' * 32}", f"{DIGEST}  {REF}@{DIGEST}@{DIGEST}",
        f"{DIGEST}  {REF}@", f"{DIGEST}  {REF}\n{DIGEST}  {REF}@{DIGEST}\n",
        f"{DIGEST}  https://{REF}?x", f"{DIGEST}  ../x", f"{DIGEST}  {'a' * 513}",
        f"{DIGEST}  t\u00f6ol",
    ],
)  # fmt: skip
def test_any_other_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        image_digests.parse(text.encode())


def test_a_file_is_bounded() -> None:
    with pytest.raises(MalformedError, match="bytes"):
        image_digests.parse(b"#" * ((1 << 20) + 1))
    with pytest.raises(MalformedError, match="lines"):
        image_digests.parse(b"\n" * 10_000)


@pytest.mark.parametrize("name", ["image-digest.txt", "image_digests.txt", "tool.image-digest.txt"])
def test_such_a_file_is_told_by_its_name(name: str) -> None:
    assert kinds.by_name(name) is EvidenceKind.IMAGE_DIGESTS


references = st.from_regex(
    r"\A[a-z0-9]{1,8}(\.[a-z]{1,5})?(/[a-z0-9]{1,8}){1,3}(:[a-z0-9]{1,5})?\Z"
)
known = st.binary(min_size=32, max_size=32).map(lambda raw: Digest("sha256", raw.hex()))


@given(st.dictionaries(references, known, min_size=1, max_size=5))
def test_what_is_written_is_read_back(digests: dict[str, Digest]) -> None:
    assert dict(image_digests.parse(image_digests.render(digests))) == digests


@given(st.one_of(st.binary(), st.text(f"#@: /.{HEX[:2]}sh256\n", max_size=200).map(str.encode)))
def test_any_bytes_parse_or_are_malformed(raw: bytes) -> None:
    try:
        found = image_digests.parse(raw)
    except MalformedError:
        return
    assert found
