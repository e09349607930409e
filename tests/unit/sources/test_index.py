"""Which index, and whose credential."""

import base64

import pytest

from kit.errors import UsageError
from kit.sources import index


def test_a_url_is_an_index_with_or_without_its_slash() -> None:
    assert index.read("https://i.test/simple").url == "https://i.test/simple/"
    assert index.read("https://i.test/simple/") == index.read("https://i.test/simple")


def test_credentials_are_taken_off_and_belong_to_the_origin() -> None:
    found = index.read("https://us%40er:p%3Aw@i.test:8443/root/+simple/")
    assert found.url == "https://i.test:8443/root/+simple/"
    pair = base64.b64encode(b"us@er:p:w").decode()
    assert found.credentials == {"https://i.test:8443": f"Basic {pair}"}
    assert pair not in repr(found)


def test_a_token_alone_is_a_user_without_a_password() -> None:
    authorization = index.read("https://token@i.test/simple/").authorization or ""
    assert base64.b64decode(authorization.split()[1]) == b"token:"


@pytest.mark.parametrize(
    "text",
    ["", "i.test/simple", "ftp://u:secret@i.test/", "https://u:secret@/", "https://u:secret@i.test/?secret"],
)  # fmt: skip
def test_any_other_text_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        index.read(text)
    assert "secret" not in f"{caught.value.message} {caught.value.subject} {caught.value.hint}"


def test_the_integrity_api_stands_beside_the_simple_index() -> None:
    found = index.read("https://i.test/simple/").provenance("a-b", "1.0+l", "a_b-1.0+l.tar.gz")
    assert found == "https://i.test/integrity/a-b/1.0%2Bl/a_b-1.0%2Bl.tar.gz/provenance"
    assert index.read("https://i.test/root/").provenance("a", "1", "f") is None


def test_the_public_index_is_known_and_needs_no_credential() -> None:
    found = index.default()
    assert found.url.startswith("https://")
    assert found.url.endswith("/simple/")
    assert found.credentials == {}
