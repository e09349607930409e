"""kit.formats.source_text: what follows from a source's text alone."""

from __future__ import annotations

import pytest

from kit.errors import MalformedError
from kit.formats import oci_reference
from kit.formats.source_text import Package, Repository, Source, parse_source

PATH = "artifact[0].source"


def parse(text: str) -> Source:
    return parse_source(text, PATH)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("file:tool.whl", "tool.whl"),
        ("file:dist/tool-1.0.tar.gz", "tool-1.0.tar.gz"),
        ("file:./tool.exe", "tool.exe"),
        ("file:../downloads/tool.zip", "tool.zip"),
        ("file:a b/to ol.txt", "to ol.txt"),
    ],
)
def test_a_path_with_a_suffix_is_one_file(text: str, name: str) -> None:
    source = parse(text)
    assert (source.scheme, source.location, source.file_name) == ("file", text[5:], name)
    assert not source.is_folder


@pytest.mark.parametrize(
    "text",
    [
        "file:dist", "file:dist/", "file:tool.whl/", "file:.", "file:..", "file:./", "file:a/..",
        "file:tool-1.8.0", "file:.hidden", "file:dist/SHA256SUMS", "file:tool.7z", "file:a.",
    ],
)  # fmt: skip
def test_a_path_without_one_is_a_folder(text: str) -> None:
    source = parse(text)
    assert (source.scheme, source.location, source.file_name) == ("file", text[5:], None)
    assert source.is_folder


@pytest.mark.parametrize(
    "text",
    [
        "file:", "file:/etc/passwd", "file:///etc/passwd", "file://host/tool.whl", "file:~/dist",
        "file:~root/tool.whl", "file:C:/dist", "file:c:tool.whl", "file:C:\\dist", "file:\\\\host",
        "file:dist\\tool.whl",
    ],
)  # fmt: skip
def test_a_path_that_is_not_relative_everywhere_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match=r"^artifact\[0\]\.source: .* not a path relative"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://acme.test/tool.whl", "tool.whl"),
        ("https://acme.test:8443/a/b/tool", "tool"),
        ("https://acme.test/to%20ol.whl", "to ol.whl"),
        ("https://acme.test/SHA256SUMS", "SHA256SUMS"),
        ("https://[::1]/tool.whl", "tool.whl"),
        ("http://127.0.0.1:8000/tool.whl", "tool.whl"),
        ("https://acme.test/..hidden", "..hidden"),
    ],
)
def test_a_url_is_the_one_file_of_its_last_segment(text: str, name: str) -> None:
    source = parse(text)
    assert (source.scheme, source.location, source.file_name) == ("https", text, name)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("https:", "names no host"),
        ("https:///tool.whl", "names no host"),
        ("https:tool.whl", "names no host"),
        ("https://acme.test:0/tool.whl", "names no host"),
        ("https://acme.test:99999/tool.whl", "is no URL"),
        ("https://acme.test:x/tool.whl", "is no URL"),
        ("https://[::1/tool.whl", "is no URL"),
        ("https://user@acme.test/tool.whl", "no credentials"),
        ("https://user:secret@acme.test/tool.whl", "no credentials"),
        ("https://:@acme.test/tool.whl", "no credentials"),
        ("https://acme.test/tool.whl?token=1", "no query"),
        ("https://acme.test/tool.whl#top", "no query and no fragment"),
        ("https://acme.test", "no file name"),
        ("https://acme.test/dist/", "no file name"),
        ("https://acme.test/..", "no file name"),
        ("https://acme.test/%2e%2e", "no file name"),
        ("https://acme.test/a%2Fb", "no file name"),
        ("https://acme.test/a%5Cb", "no file name"),
        ("https://acme.test/a%00b", "no file name"),
        ("https://acme.test/a%0Ab", "no file name"),
        ("https://acme.test/a%E2%80%AEb", "no file name"),
    ],
)
def test_a_url_of_no_file_is_refused(text: str, rule: str) -> None:
    with pytest.raises(MalformedError, match=rf"^artifact\[0\]\.source: .*{rule}"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["https://user:secret@acme.test/tool.whl", "https://acme.test/tool.whl?token=secret"]
)
def test_a_refused_url_does_not_repeat_its_credentials(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "project", "version"),
    [
        ("pypi:tool==1.0", "tool", "1"),
        ("pypi:Foo_Bar.baz==1.0.0", "foo-bar-baz", "1"),
        ("pypi:a==2!1.0rc1.post2.dev3+local.1", "a", "2!1rc1.post2.dev3+local.1"),
    ],
)
def test_a_package_is_compared_normalised_and_its_text_is_kept(
    text: str, project: str, version: str
) -> None:
    source = parse(text)
    assert source.package == Package(project=project, version=version)
    assert (source.text, source.scheme, source.is_folder) == (text, "pypi", True)


@pytest.mark.parametrize(
    "text",
    [
        "pypi:",
        "pypi:tool",
        "pypi:tool==",
        "pypi:tool==1.*",
        "pypi:tool===1.0",
        "pypi:tool>=1.0",
        "pypi:tool ==1.0",
        "pypi:tool==one",
        "pypi:-tool==1.0",
        "pypi:tool-==1.0",
        "pypi:tööl==1.0",
        "pypi:tool[extra]==1.0",
        "pypi:../tool==1.0",
        "pypi:tool==1.0/..",
    ],
)
def test_what_is_no_project_at_one_version_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match=r"is not pypi:NAME==VERSION"):
        parse(text)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("foo_bar-1.0.tar.gz", True),
        ("Foo.Bar-1.0.0.tar.gz", True),
        ("foo-bar-1.0.zip", True),
        ("foo_bar-1.0-1-py3-none-any.whl", True),
        ("foo_bar-1.0.1.tar.gz", False),
        ("foo_bar-1.0rc1.tar.gz", False),
        ("foo_bar_baz-1.0.tar.gz", False),
        ("foo_bar-1.0.exe", False),
        ("foo_bar-1.0.tar.gz.asc", False),
        ("foo_bar-1.0-py2.7.egg", False),
        ("", False),
    ],
)
def test_a_package_holds_wheels_and_sdists_of_its_version(name: str, held: bool) -> None:
    package = parse("pypi:foo-bar==1.0").package
    assert package is not None
    assert package.holds(name) is held


@pytest.mark.parametrize(
    ("text", "host", "owner", "name", "tag"),
    [
        ("github:acme/tool@v1.0", None, "acme", "tool", "v1.0"),
        ("github:Acme-2/.tool_x.js", None, "Acme-2", ".tool_x.js", None),
        ("github:acme/tool@release/1.0", None, "acme", "tool", "release/1.0"),
        ("github:acme/tool@@acme/tool@1.0", None, "acme", "tool", "@acme/tool@1.0"),
        ("github:git.acme.test/acme/tool@v1", "git.acme.test", "acme", "tool", "v1"),
        ("github:127.0.0.1:8080/a/b@v1", "127.0.0.1:8080", "a", "b", "v1"),
        ("github:git/jo_acme/tool@v1", "git", "jo_acme", "tool", "v1"),
    ],
)
def test_a_repository_is_named_with_its_tag(
    text: str, host: str | None, owner: str, name: str, tag: str | None
) -> None:
    source = parse(text)
    assert source.repository == Repository(host=host, owner=owner, name=name, tag=tag)
    assert (source.text, source.scheme, source.file_name) == (text, "github", None)


@pytest.mark.parametrize(
    "text",
    [
        "github:",
        "github:acme",
        "github:acme/",
        "github:/tool@v1",
        "github:acme/tool@",
        "github:acme/..@v1",
        "github:../tool@v1",
        "github:a/b/c/d@v1",
        "github:-acme/tool@v1",
        "github:acme/to ol@v1",
        "github:acme/tool?x=1",
        "github:Git.Acme.test/acme/tool@v1",
        "github:user:pw/acme/tool@v1",
        "github:git.acme.test:0/acme/tool@v1",
        "github:git.acme.test:99999/acme/tool@v1",
        "github:github.com/acme/tool@v1",
        "github:api.github.com/acme/tool@v1",
        "github:a..b/acme/tool@v1",
        "github:acme/tool@v1..2",
        "github:acme/tool@v1 2",
        "github:acme/tool@v1^{}",
        "github:acme/tool@v1:x",
        "github:acme/tool@*",
        "github:acme/tool@/v1",
        "github:acme/tool@v1/",
        "github:acme/tool@a//b",
        "github:acme/tool@.v1",
        "github:acme/tool@a/../b",
        "github:acme/tool@-v1",
        "github:acme/tool@v1.lock",
        "github:acme/tool@v1.",
        "github:acme/tool@@",
        "github:acme/tool@@{1}",
        "github:acme/tool@a\\b",
        f"github:acme/tool@{'a' * 201}",
    ],
)
def test_what_is_no_repository_at_a_tag_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match=r"^artifact\[0\]\.source: "):
        parse(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("oci:ghcr.io/acme/tool:1.0", "tool:1.0"),
        (f"oci:ghcr.io/acme/tool@sha256:{'1f' * 32}", f"tool@sha256:{'1f' * 32}"),
        ("helm:ghcr.io/acme/charts/tool:1.0_build", "tool:1.0_build"),
        ("oci:localhost:5000/tool", None),
    ],
)
def test_an_image_is_named_after_its_text(text: str, name: str | None) -> None:
    source = parse(text)
    assert source.image == oci_reference.parse(text.partition(":")[2])
    assert (source.scheme, source.file_name) == (text.partition(":")[0], name)


@pytest.mark.parametrize(
    "text", ["oci:", "oci:Acme/tool:1", "helm:a:b:c", "oci:https://r.example/a:1", "oci:a@md5:0"]
)
def test_what_is_no_image_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match=r"^artifact\[0\]\.source: "):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tool.whl",
        "FILE:tool.whl",
        "HTTPS://acme.test/a",
        "ftp://acme.test/a",
        ":a",
        "git+https://a/b",
    ],
)
def test_anything_else_is_no_source(text: str) -> None:
    with pytest.raises(MalformedError, match="is no source"):
        parse(text)
