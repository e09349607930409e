"""The lab's PyPI answers as the real one is documented to."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tests.lab import Lab
from tests.lab.hostile_http import CUT, answer, head
from tests.lab.places import PyPI, attested
from tests.lab.places.pypi import INTEGRITY, SIMPLE_HTML, SIMPLE_JSON

SDIST = "tool-1.0.tar.gz"
FILES = {SDIST: b"the sdist", "tool-1.0-py3-none-any.whl": b"the wheel"}


@pytest.fixture(scope="module")
def pypi() -> Iterator[PyPI]:
    with PyPI(attested(Lab("acme"), "Tool", "1.0", FILES)) as running:
        yield running


def get(url: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers, redirect=False, retries=False)


def page(pypi: PyPI) -> dict[str, Any]:
    return dict(get(f"{pypi.simple}tool/", Accept=SIMPLE_JSON).json())


def test_the_page_lists_every_file_on_another_host_with_its_digest(pypi: PyPI) -> None:
    rows = {row["filename"]: row for row in page(pypi)["files"]}
    assert rows.keys() == FILES.keys()
    assert str(pypi.files.port) in rows[SDIST]["url"]
    assert get(rows[SDIST]["url"]).data == FILES[SDIST]
    assert rows[SDIST]["hashes"] == {"sha256": hashlib.sha256(FILES[SDIST]).hexdigest()}


def test_provenance_is_where_the_page_says_and_holds_the_labs_attestation(pypi: PyPI) -> None:
    row = next(row for row in page(pypi)["files"] if row["filename"] == SDIST)
    document = get(row["provenance"], Accept=INTEGRITY).json()
    (bundle,) = document["attestation_bundles"]
    assert bundle["publisher"]["kind"] == "GitHub"
    assert bundle["attestations"][0].keys() == {"version", "verification_material", "envelope"}
    assert get(row["provenance"], Accept="text/plain").status == 406


@pytest.mark.parametrize("name", ["Tool", "tool"])
def test_another_spelling_of_a_name_is_redirected(pypi: PyPI, name: str) -> None:
    moved = get(f"{pypi.simple}{name}")
    assert (moved.status, moved.headers["location"]) == (301, "/simple/tool/")


@pytest.mark.parametrize("path", ["other/", "../integrity/tool/1.0/x.whl/provenance", "../x"])
def test_what_is_not_there_is_404(pypi: PyPI, path: str) -> None:
    assert get(pypi.simple + path).status == 404


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (SIMPLE_JSON, SIMPLE_JSON),
        (f"{SIMPLE_JSON};q=0.1, {SIMPLE_HTML}", SIMPLE_HTML),
        ("text/html", SIMPLE_HTML),
        ("*/*", SIMPLE_JSON),
    ],
)
def test_the_form_is_what_is_asked_for(pypi: PyPI, accept: str, given: str) -> None:
    response = get(f"{pypi.simple}tool/", Accept=accept)
    assert response.headers["content-type"].partition(";")[0] == given
    assert SDIST in response.data.decode()


def test_an_index_may_need_credentials_and_its_files_none() -> None:
    made = attested(Lab("acme"), "tool", "1.0", FILES)
    with PyPI(made, authorization="Basic dTpw") as pypi:
        assert get(f"{pypi.simple}tool/").status == 401
        assert get(f"{pypi.simple}tool/", Authorization="Basic dTpw").status == 200
        assert get(pypi.files.url(pypi.file_path(SDIST))).status == 200


def test_a_fault_is_for_the_next_request_alone(pypi: PyPI) -> None:
    path = pypi.file_path(SDIST)
    pypi.files.fault(path, answer(503), [head("HTTP/1.1 200 OK", "Content-Length: 9"), b"th", CUT])
    assert get(pypi.files.url(path)).status == 503
    with pytest.raises(urllib3.exceptions.HTTPError):
        get(pypi.files.url(path))
    assert get(pypi.files.url(path)).data == FILES[SDIST]


def test_files_can_be_had_in_parts(pypi: PyPI) -> None:
    url = pypi.files.url(pypi.file_path(SDIST))
    part = get(url, Range="bytes=4-")
    assert (part.status, part.data) == (206, FILES[SDIST][4:])
    assert part.headers["content-range"] == "bytes 4-8/9"
    assert get(url, Range="bytes=4-", **{"If-Range": '"other"'}).status == 200
    assert get(url, Range="bytes=9-").status == 416


def test_the_publication_refuses_evidence_about_no_file() -> None:
    made = attested(Lab("acme"), "tool", "1.0", FILES)
    with pytest.raises(ValueError, match="no file"):
        type(made)(name="tool", version="1.0", files={}, bundles=made.bundles)


def test_real_provenance_can_be_served_as_it_is() -> None:
    with PyPI(attested(Lab("acme"), "tool", "1.0", FILES)) as pypi:
        pypi.provenance[SDIST] = b'{"version":1,"attestation_bundles":[]}'
        url = pypi.index.url(pypi.provenance_path(SDIST))
        assert json.loads(get(url).data)["attestation_bundles"] == []
