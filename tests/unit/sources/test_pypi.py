"""``pypi:`` against the lab's PyPI over real HTTP: truth, faults, and who is told what."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import MachineError, UsageError
from kit.formats.source_text import parse_source
from kit.model import Answer, Asked, Gathered
from kit.sources import index as package_index
from kit.sources import pypi
from kit.sources.deadline import Patience
from kit.sources.downloads import Downloads
from kit.sources.http import Client
from kit.sources.index import Index
from tests.lab import Lab
from tests.lab.hostile_http import CUT, RESET, Script, answer, drip, head, moved
from tests.lab.places import Publication, PyPI, attested, secrets_seen

LAB = Lab("acme")
SDIST, WHEEL = "tool-1.0.tar.gz", "tool-1.0-py3-none-any.whl"
FILES = {SDIST: b"the sdist of tool", WHEEL: b"the wheel of tool"}
RELEASE = attested(LAB, "tool", "1.0", FILES)
LATER = attested(LAB, "tool", "1.0.1", {"tool-1.0.1.tar.gz": b"the next one"})
USER, PASSWORD = "reader", "s3cr3t-t0ken"  # a marker to look for
BASIC = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
SOURCE = parse_source("pypi:Tool==1.0", "source")
PATIENCE = Patience(read=0.3, retries=1, backoff=0.01, jitter=0.0, window=0.3, longest_wait=1)


@pytest.fixture
def place() -> Iterator[PyPI]:
    with PyPI(RELEASE, LATER) as running:
        yield running


def gather(
    place: PyPI,
    into: Path,
    takes: Callable[[str], bool] | None = lambda _: True,
    index: Index | None = None,
) -> Gathered:
    index = index or package_index.read(place.simple)
    client = Client(patience=PATIENCE, credentials=index.credentials)
    return pypi.gather(SOURCE, takes, Downloads(into, client), index)


def rows(got: Gathered) -> dict[str, Asked]:
    return {row.wanted: row for row in got.asked}


def test_the_files_of_the_version_come_with_their_provenance(place: PyPI, tmp_path: Path) -> None:
    got = gather(place, tmp_path)
    assert {found.name: found.path.read_bytes() for found in got.artifacts} == FILES
    assert {found.name: found.path.read_bytes() for found in got.evidence} == {
        f"{name}.provenance": place.document(name) for name in FILES
    }
    assert all(row.answer is Answer.FOUND and row.sha256 for row in got.asked)
    assert [row.wanted for row in got.asked] == [
        "files of Tool==1.0", WHEEL, SDIST, f"{WHEEL}.provenance", f"{SDIST}.provenance",
    ]  # fmt: skip
    page = rows(got)["files of Tool==1.0"]
    assert page.place == f"{place.simple}tool/"
    assert "tool-1.0.1.tar.gz" not in rows(got)


def test_a_file_the_line_does_not_take_is_skipped_and_told(place: PyPI, tmp_path: Path) -> None:
    got = gather(place, tmp_path, lambda name: name.endswith(".whl"))
    assert [found.name for found in got.artifacts] == [WHEEL]
    assert rows(got)[SDIST].answer is Answer.SKIPPED
    assert place.files.asked(place.file_path(SDIST)) == []


def test_evidence_alone_fetches_no_file(place: PyPI, tmp_path: Path) -> None:
    got = gather(place, tmp_path, None)
    assert got.artifacts == ()
    assert len(got.evidence) == 2
    assert place.files.requests == []


def test_yanked_files_and_the_projects_status_are_told(tmp_path: Path) -> None:
    yanked = Publication(
        name="tool", version="1.0", files=FILES, withdrawn={SDIST: "a bug\x1b[2J" + "!" * 300}
    )
    with PyPI(yanked) as place:
        place.status = {"status": "archived", "reason": "moved on"}
        got = rows(gather(place, tmp_path))
    assert got["files of Tool==1.0"].note == "the project is archived: moved on"
    note = got[SDIST].note or ""
    assert note.startswith("yanked: a bug [2J!!!")
    assert len(note) < 220


@pytest.mark.parametrize(
    ("without", "place_of", "note"),
    [
        ("404", "integrity", "the index's page names it"),
        ("null", "simple", "the index's page says that there is none"),
        ("silent", "integrity", None),
    ],
)
def test_k010_provenance_that_is_clearly_not_there_is_absent(
    without: str, place_of: str, note: str | None, place: PyPI, tmp_path: Path
) -> None:
    def edit(page: dict[str, Any]) -> dict[str, Any]:
        for row in page["files"]:
            if without == "null":
                row["provenance"] = None
            if without == "silent":
                del row["provenance"]
        return page

    place.edit = edit
    place.index.on(place.provenance_path(SDIST), answer(404))
    got = gather(place, tmp_path)
    row = rows(got)[f"{SDIST}.provenance"]
    assert (row.answer, row.note) == (Answer.ABSENT, note)
    assert f"/{place_of}/" in row.place
    expected = 0 if without == "null" else 1
    assert len(got.evidence) == expected


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer(401), "machine.unauthorized"),
        (answer(403), "machine.unauthorized"),
        (answer(429, b"", "Retry-After: 3600"), "machine.rate-limited"),
        (answer(500), "machine.server"),
        (answer(503, b"", "Retry-After: -1"), "machine.server"),
        (answer(204), "machine.unexpected"),
        (answer(206, b"x"), "machine.unexpected"),
        (answer(200, b"<html>", "Content-Type: text/html"), "machine.portal"),
        ([RESET], "machine.unreachable"),
        ([1.0], "machine.timeout"),
        ([head("HTTP/1.1 200 OK", "Content-Length: 17"), *drip(b"x" * 17, 0.1)], "machine.timeout"),
        ([head("HTTP/1.1 200 OK", "Content-Length: 9"), b"x", CUT], "machine.truncated"),
        ([head("HTTP/1.1 200 OK"), b"cut or whole?", CUT], "machine.truncated"),
        ([head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), b"5\r\nab", CUT],
         "machine.truncated"),
        (answer(200, b"x" * 17, "Content-Encoding: gzip"), "machine.encoded"),
        ([head("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2")],
         "machine.unexpected"),
        ([head("HTTP/1.1 200 OK", f"Content-Length: {1 << 40}"), 1.0], "machine.too-large"),
        (moved("http://169.254.169.254/latest/"), "machine.redirect"),
        (moved("file:///etc/passwd"), "machine.redirect"),
        (moved(""), "machine.redirect"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("asked", ["page", "file", "provenance"])
def test_what_could_not_be_asked_is_not_absent(
    asked: str, script: Script, code: str, place: PyPI, tmp_path: Path
) -> None:
    server, path = {
        "page": (place.index, "/simple/tool/"),
        "file": (place.files, place.file_path(SDIST)),
        "provenance": (place.index, place.provenance_path(SDIST)),
    }[asked]
    server.on(path, script)
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    if asked == "file" and "Content-Length: 99" in str(script):
        code = "machine.too-large"  # the page says how long the file is
    assert caught.value.code == code


@pytest.mark.parametrize("asked", ["page", "file", "provenance"])
def test_k013_a_place_that_flaps_is_asked_again(asked: str, place: PyPI, tmp_path: Path) -> None:
    server, path = {
        "page": (place.index, "/simple/tool/"),
        "file": (place.files, place.file_path(SDIST)),
        "provenance": (place.index, place.provenance_path(SDIST)),
    }[asked]
    server.fault(path, answer(503))
    assert len(gather(place, tmp_path).artifacts) == 2


# ---- what the page says, and what it may not


def edited(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return an edit of the sdist's row."""

    def edit(page: dict[str, Any]) -> dict[str, Any]:
        for row in page["files"]:
            if row["filename"] == SDIST:
                row.update(changes)
        return page

    return edit


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hashes": {"sha256": hashlib.sha256(b"another").hexdigest()}}, "machine.digest"),
        ({"size": 3}, "machine.too-large"),
        ({"hashes": {"sha256": "../../evil"}}, "machine.unexpected"),
        ({"hashes": {"sha256": "A" * 64}}, "machine.unexpected"),
        ({"hashes": []}, "machine.unexpected"),
        ({"filename": "../evil-1.0.tar.gz"}, "machine.unexpected"),
        ({"filename": "tool-1.0.tar.gz\n"}, "machine.unexpected"),
        ({"filename": WHEEL}, "machine.unexpected"),
        ({"filename": 7}, "machine.unexpected"),
        ({"url": "http://user:word@127.0.0.1/x"}, "machine.unexpected"),
        ({"url": "ftp://127.0.0.1/x"}, "machine.unexpected"),
        ({"url": "file:///etc/passwd"}, "machine.unexpected"),
        ({"url": "gopher://x/"}, "machine.unexpected"),
        ({"url": ""}, "machine.unexpected"),
        ({"url": None}, "machine.unexpected"),
        ({"url": "/" + "x" * 9000}, "machine.unexpected"),
        ({"url": "http://169.254.169.254/latest/"}, "machine.redirect"),
        ({"url": "/nowhere"}, "machine.absent"),
        ({"provenance": "file:///etc/passwd"}, "machine.unexpected"),
        ({"provenance": "http://169.254.169.254/latest/"}, "machine.redirect"),
        ({"provenance": 7}, "machine.unexpected"),
        ({"yanked": 7}, "machine.unexpected"),
        ({"size": "many"}, "machine.unexpected"),
    ],
)
def test_a_row_that_leads_astray_ends_the_collect(
    changes: dict[str, Any], code: str, place: PyPI, tmp_path: Path
) -> None:
    place.edit = edited(**changes)
    with pytest.raises((MachineError, UsageError)) as caught:
        gather(place, tmp_path)
    assert caught.value.code == code
    assert "word" not in caught.value.message


def test_k024_a_file_of_another_digest_is_not_kept(place: PyPI, tmp_path: Path) -> None:
    place.files.on(place.file_path(SDIST), answer(200, FILES[SDIST][:-1] + b"?"))
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.digest"
    assert not any(b"?" in path.read_bytes()[-1:] for path in tmp_path.iterdir())


def test_a_page_from_https_leads_nowhere_by_http_and_from_outside_nowhere_inside() -> None:
    from kit.sources.hops import Reach  # noqa: PLC0415
    from kit.sources.http import Fetched, Want  # noqa: PLC0415

    client = Client(patience=PATIENCE)
    for url, reach in [("https://a/", Reach.LOOPBACK), ("http://a/", Reach.PUBLIC)]:
        page = Fetched(url=url, size=1, sha256="", reach=reach)
        with pytest.raises(MachineError) as caught:
            client.fetch("http://127.0.0.1:9/x", Path("never"), limit=1, want=Want(named_by=page))
        assert caught.value.code == "machine.redirect"


def test_a_file_without_a_digest_is_taken_and_told(place: PyPI, tmp_path: Path) -> None:
    place.edit = edited(hashes={})
    got = gather(place, tmp_path)
    assert rows(got)[SDIST].note == "the index gives no SHA-256"


@pytest.mark.parametrize(
    "change",
    [
        {"meta": {"api-version": "2.0"}},
        {"meta": {}},
        {"meta": None},
        {"name": "another"},
        {"files": None},
        {"files": {}},
        {"files": [7]},
    ],
)
def test_what_is_no_page_of_the_project_is_not_believed(
    change: dict[str, Any], place: PyPI, tmp_path: Path
) -> None:
    place.edit = lambda page: page | change
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.unexpected"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"name":"tool","name":"tool"}', b"[" * 9000]
)
def test_bytes_that_are_no_page_are_not_believed(body: bytes, place: PyPI, tmp_path: Path) -> None:
    place.index.on("/simple/tool/", answer(200, body))
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.unexpected"


def test_an_index_of_html_alone_is_refused_by_name(tmp_path: Path) -> None:
    with PyPI(RELEASE) as place:
        place.index.on("/simple/tool/", answer(200, b"<html>", "Content-Type: text/html"))
        with pytest.raises(MachineError) as caught:
            gather(place, tmp_path)
    assert caught.value.code == "machine.portal"
    assert "PEP 691" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["pypi:other==1.0", "pypi:tool==2.0"])
def test_a_project_or_version_that_is_not_there_is_absent(
    text: str, place: PyPI, tmp_path: Path
) -> None:
    index = package_index.read(place.simple)
    with pytest.raises(MachineError) as caught:
        pypi.gather(
            parse_source(text, "s"), None, Downloads(tmp_path, Client(patience=PATIENCE)), index
        )
    assert caught.value.code == "machine.absent"


def test_k034_a_page_of_too_many_rows_is_not_read(place: PyPI, tmp_path: Path) -> None:
    place.index.on(
        "/simple/tool/",
        [head("HTTP/1.1 200 OK", f"Content-Length: {64 << 20}")],
    )
    with pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.too-large"


# ---- resuming


def test_what_is_whole_is_not_fetched_again_and_the_page_is(place: PyPI, tmp_path: Path) -> None:
    place.index.fault(place.provenance_path(SDIST), *[answer(503)] * 2)
    with pytest.raises(MachineError):
        gather(place, tmp_path)
    first = gather(place, tmp_path)
    place.index.requests.clear()
    place.files.requests.clear()
    assert gather(place, tmp_path) == first
    assert place.files.requests == []
    assert [request.path for request in place.index.requests] == ["/simple/tool/"]


def test_a_kept_file_that_the_index_replaced_is_fetched_again(place: PyPI, tmp_path: Path) -> None:
    gather(place, tmp_path)
    place.files.on(place.file_path(SDIST), answer(200, b"another"))
    place.edit = edited(hashes={"sha256": hashlib.sha256(b"another").hexdigest()})
    got = {found.name: found.path.read_bytes() for found in gather(place, tmp_path).artifacts}
    assert got[SDIST] == b"another"


# ---- who is told what


def test_k017_the_indexs_credential_goes_to_the_index_and_nobody_else(tmp_path: Path) -> None:
    with PyPI(RELEASE, authorization=BASIC) as place:
        url = place.simple.replace("://", f"://{USER}:{PASSWORD}@")
        index = package_index.read(url)
        got = gather(place, tmp_path, index=index)
        assert len(got.artifacts) == len(got.evidence) == 2
        assert all(r.values("authorization") == [BASIC] for r in place.index.requests)
        assert secrets_seen(place.files.requests, [PASSWORD, BASIC]) == []
    for text in (repr(got), repr(index), *(p.read_text("latin-1") for p in tmp_path.iterdir())):
        assert PASSWORD not in text
        assert BASIC.split()[1] not in text


def test_k015_the_credential_does_not_follow_a_redirect_not_even_back(tmp_path: Path) -> None:
    with PyPI(RELEASE, authorization=BASIC) as place:
        index = package_index.read(place.simple.replace("://", f"://{USER}:{PASSWORD}@"))
        path = place.provenance_path(SDIST)
        place.index.fault(path, moved(place.files.url("/elsewhere")))
        place.files.on("/elsewhere", moved(place.index.url("/back")))
        with pytest.raises(MachineError) as caught:
            gather(place, tmp_path, index=index)
        assert caught.value.code == "machine.unauthorized"
        assert secrets_seen(place.files.requests, [PASSWORD, BASIC]) == []
        assert secrets_seen(place.index.asked("/back"), [PASSWORD, BASIC]) == []


def test_k016_cookies_are_not_kept(place: PyPI, tmp_path: Path) -> None:
    place.index.fault(
        place.provenance_path(SDIST),
        answer(503, b"", "Set-Cookie: session=1"),
    )
    gather(place, tmp_path)
    assert secrets_seen([*place.index.requests, *place.files.requests], []) == []


def test_a_wrong_credential_is_said_to_be_one(tmp_path: Path) -> None:
    with PyPI(RELEASE, authorization=BASIC) as place, pytest.raises(MachineError) as caught:
        gather(place, tmp_path)
    assert caught.value.code == "machine.unauthorized"
