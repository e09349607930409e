"""URLs are read one way, and shown without what may be secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import UsageError
from kit.sources import urls

_PIECES = st.sampled_from(
    [
        *(
            "https",
            "http",
            "ftp",
            ":",
            "//",
            "/",
            "@",
            "?",
            "#",
            "\\",
            "[",
            "]",
            "::1",
            "%2f",
            "..",
        ),
        *(
            "example.com",
            "user",
            "localhost",
            "127.0.0.1",
            "0x7f.1",
            "443",
            "99999",
            " ",
            "é",
            "\n",
        ),
    ]
)
_TEXTS = st.lists(_PIECES, max_size=12).map("".join) | st.text(max_size=30)


@given(_TEXTS)
def test_any_text_is_a_url_or_a_usage_error(text: str) -> None:
    try:
        url = urls.parse(text)
    except UsageError:
        return
    assert urls.parse(url.full) == url
    assert url.public == urls.parse(url.public).public
    assert "?" not in url.public


@given(_TEXTS, st.sampled_from(["s3cr3t", "a:s3cr3t", "s3cr3t%40"]))
def test_no_credentials_or_query_are_public(text: str, secret: str) -> None:
    assert "s3cr3t" not in urls.public(f"https://{secret}@{text}")
    assert "s3cr3t" not in urls.public(f"https://example.com/?{text}{secret}")
    assert "s3cr3t" not in urls.public(f"https://example.com#{text}{secret}")


@pytest.mark.parametrize(
    ("text", "authority", "target"),
    [
        ("https://Example.COM", "example.com", "/"),
        ("HTTPS://example.com:443/a/../b?c=/d", "example.com", "/a/../b?c=/d"),
        ("https://example.com:8443/?", "example.com:8443", "/?"),
        ("http://[0:0::1]:80/", "[::1]", "/"),
        ("https://[2001:DB8::1]:444/", "[2001:db8::1]:444", "/"),
        ("https://under_score.example/", "under_score.example", "/"),
    ],
)
def test_a_url_is_read(text: str, authority: str, target: str) -> None:
    url = urls.parse(text)
    assert (url.authority, url.target) == (authority, target)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com./",
        "https://exam..ple.com/",
        "https://-example.com/",
        f"https://{'a' * 64}.com/",
        f"https://{'a.' * 127}com/",
        "https://example.com:/",
        "https://1.2.3/",
        "https://1.2.3.4.5/",
        "https://01.2.3.4/",
        "https://[::1%25eth0]/",
        "https://[127.0.0.1]/",
        "https://[::1/",
        "https://exa%6dple.com/",
    ],
)
def test_a_host_that_two_readers_read_differently_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        urls.parse(text)


def test_what_cannot_be_read_is_not_shown() -> None:
    assert urls.public("https:user:s3cr3t@example.com") == "(a URL that cannot be read)"
    assert urls.public("https://user:s3/cr3t@example.com") == "(a URL that cannot be read)"


def test_a_query_is_not_in_a_repr() -> None:
    assert "s3cr3t" not in repr(urls.parse("https://example.com/a?s3cr3t"))
