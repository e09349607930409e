"""Downloads that are whole are kept, and nothing else is taken for one."""

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.errors import MachineError
from kit.formats import strictjson
from kit.sources.deadline import Patience
from kit.sources.downloads import Download, Downloads
from kit.sources.http import Client, Want
from tests.lab.hostile_http import HostileServer, Step, answer

BODY = b"the artifact"
DIGEST = hashlib.sha256(BODY).hexdigest()
JOURNAL = "fetched.jsonl"


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        running.on("/tool", answer(200, BODY))
        yield running


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(patience=Patience(read=2.0, retries=0))


def fetch(server: HostileServer, client: Client, folder: Path, **want: Any) -> Download | None:
    """Fetch as a run of its own does."""
    return Downloads(folder, client).fetch(server.url("/tool"), limit=1 << 20, want=Want(**want))


def key_of(server: HostileServer) -> str:
    return hashlib.sha256(server.url("/tool").encode()).hexdigest()


def test_what_is_whole_is_not_fetched_again(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    first = fetch(server, client, tmp_path)
    assert first is not None
    assert (first.path.read_bytes(), first.sha256) == (BODY, DIGEST)
    assert fetch(server, client, tmp_path) == first
    assert len(server.requests) == 1


def test_absence_is_not_remembered_by_another_run(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    server.on("/tool", answer(404), answer(200, BODY))
    one = Downloads(tmp_path, client)
    assert one.fetch(server.url("/tool"), limit=99) is None
    assert one.fetch(server.url("/tool"), limit=99) is None
    assert len(server.requests) == 1
    assert fetch(server, client, tmp_path) is not None


@pytest.mark.parametrize("spoiled", [b"", BODY[:-1], BODY[:-1] + b"?", None])
def test_a_file_that_is_not_what_was_recorded_is_fetched_again(
    spoiled: bytes | None, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    first = fetch(server, client, tmp_path)
    assert first is not None
    first.path.unlink() if spoiled is None else first.path.write_bytes(spoiled)
    assert fetch(server, client, tmp_path) == first
    assert first.path.read_bytes() == BODY
    assert len(server.requests) == 2


ROW = {"key": "KEY", "size": len(BODY), "sha256": DIGEST, "url": "http://u/"}


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"[]\n",
        b"\xff\n",
        strictjson.canonical(ROW)[:-3],
        strictjson.canonical(ROW | {"more": 1}),
        strictjson.canonical({k: v for k, v in ROW.items() if k != "url"}),
        strictjson.canonical(ROW | {"size": 11}),
        strictjson.canonical(ROW | {"sha256": []}),
        strictjson.canonical(ROW | {"key": 7}),
        b'{"key":"KEY",' + strictjson.canonical(ROW)[1:],
    ],
)
def test_a_damaged_record_remembers_nothing(
    record: bytes, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    fetch(server, client, tmp_path)
    (tmp_path / JOURNAL).write_bytes(record.replace(b"KEY", key_of(server).encode()))
    fetch(server, client, tmp_path)
    assert len(server.requests) == 2


def test_a_cut_last_line_loses_no_other(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    fetch(server, client, tmp_path)
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(b'{"key":"0')
    fetch(server, client, tmp_path)
    assert len(server.requests) == 1


def test_the_last_line_about_a_file_counts(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    fetch(server, client, tmp_path)
    server.on("/tool", answer(200, b"another"))
    other = hashlib.sha256(b"another").hexdigest()
    fetch(server, client, tmp_path, sha256=other)
    got = fetch(server, client, tmp_path)
    assert got is not None
    assert got.sha256 == other
    assert len(server.requests) == 2


def test_the_record_grows_by_a_line_a_file(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    downloads = Downloads(tmp_path, client)
    for number in range(20):
        server.on(f"/{number}", answer(200, BODY))
        downloads.fetch(server.url(f"/{number}"), limit=99)
    lines = (tmp_path / JOURNAL).read_bytes().splitlines()
    assert [json.loads(line)["url"] for line in lines] == [
        server.url(f"/{number}") for number in range(20)
    ]


def test_one_url_is_asked_for_once_however_many_threads_want_it(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    slow: list[Step] = [0.3, *answer(200, BODY)]
    server.on("/tool", slow)
    downloads = Downloads(tmp_path, client)
    found: list[Download | None] = []

    def ask() -> None:
        found.append(downloads.fetch(server.url("/tool"), limit=99))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1
    assert len(found) == 6
    assert len(set(found)) == 1


def test_two_announcements_of_one_url_are_both_held_against_it(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    downloads, url = Downloads(tmp_path, client), server.url("/tool")
    assert downloads.fetch(url, limit=99, want=Want(sha256=DIGEST)) is not None
    with pytest.raises(MachineError) as caught:
        downloads.fetch(url, limit=99, want=Want(sha256="0" * 64))
    assert caught.value.code == "machine.digest"


def test_two_files_of_one_url_are_both_kept_as_they_were_announced(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    """Whoever was handed the first still has it when the second comes."""
    other = b"another one!"
    wants = [Want(sha256=hashlib.sha256(raw).hexdigest()) for raw in (BODY, other)]
    server.on("/tool", answer(200, BODY), answer(200, other))
    for _ in range(2):  # a run that goes on with what the first left asks for nothing
        downloads, url = Downloads(tmp_path, client), server.url("/tool")
        both = [downloads.fetch(url, limit=99, want=want) for want in wants]
        again = [downloads.fetch(url, limit=99, want=want) for want in reversed(wants)]
        assert [got and got.path.read_bytes() for got in both] == [BODY, other]
        assert again == both[::-1]
        assert len(server.requests) == 2


def test_a_second_file_of_one_url_is_asked_for_once_too(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    other = b"another one!"
    server.on("/tool", answer(200, BODY), [0.3, *answer(200, other)])
    downloads, url = Downloads(tmp_path, client), server.url("/tool")
    assert downloads.fetch(url, limit=99) is not None
    want = Want(sha256=hashlib.sha256(other).hexdigest())
    found: list[Download | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(downloads.fetch(url, limit=99, want=want)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 2
    assert len(set(found)) == 1
    assert len(found) == 4


def test_what_came_by_a_credential_is_not_given_to_who_has_none(
    server: HostileServer, client: Client, tmp_path: Path
) -> None:
    theirs = Downloads(tmp_path, client, whose="https://host:443").fetch(
        server.url("/tool"), limit=99
    )
    ours = fetch(server, client, tmp_path)
    assert theirs is not None
    assert ours is not None
    assert theirs.path != ours.path
    assert len(server.requests) == 2


def test_a_leftover_part_is_no_file(server: HostileServer, client: Client, tmp_path: Path) -> None:
    (tmp_path / f"{key_of(server)}.part").write_bytes(BODY * 9)
    got = fetch(server, client, tmp_path)
    assert got is not None
    assert got.path.read_bytes() == BODY
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([JOURNAL, key_of(server)])


def test_what_is_kept_is_named_by_its_content(client: Client, tmp_path: Path) -> None:
    downloads = Downloads(tmp_path, client)
    kept = [downloads.keep(raw) for raw in (b"one", b"two", b"one")]
    assert kept[0] == kept[2]
    assert [item.path.read_bytes() for item in kept[:2]] == [b"one", b"two"]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", [JOURNAL, "PART"])
def test_a_folder_that_cannot_be_written_is_this_hosts_fault(
    name: str, server: HostileServer, client: Client, tmp_path: Path
) -> None:
    (tmp_path / name.replace("PART", f"{key_of(server)}.part")).mkdir()
    with pytest.raises(MachineError) as caught:
        fetch(server, client, tmp_path)
    assert caught.value.code == "machine.unwritable"
