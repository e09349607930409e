"""A transfer that breaks off is gone on with, or begun again; never put together wrongly."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import MachineError
from kit.sources.deadline import Halt, Patience
from kit.sources.http import Client, Fetched, Want
from kit.sources.receiving import NOTED_EVERY, WORTH_RESUMING
from tests.lab.hostile_http import CUT, RESET, Ending, Request, Script, head
from tests.lab.places.server import Place, Reply

QUICK = Patience(read=0.5, total=20.0, retries=2, backoff=0.01, jitter=0.0, longest_wait=0)
ONCE = Patience(read=0.5, total=20.0, retries=0)
BODY = bytes(range(256)) * (12 << 10)  # 3 MiB
OTHER = bytes(reversed(BODY))
ETAG = '"v1"'
DIGEST = hashlib.sha256(BODY).hexdigest()
AT = 2 * WORTH_RESUMING + 12_345


class Store(Place):
    """One file, its version, and whether the server keeps to the rules of ranges."""

    def __init__(self) -> None:
        """Keep to them."""
        super().__init__()
        self.body = BODY
        self.etag: str | None = ETAG
        self.ranges = True

    def answer(self, request: Request) -> Reply:
        """Send it, or its rest where the condition holds."""
        reply = Reply.file(self.body, request)
        if not self.ranges:
            reply = Reply(body=self.body)
        headers = tuple(line for line in reply.headers if not line.startswith("ETag"))
        if request.values("range") and request.values("if-range") == [self.etag] and self.ranges:
            start = int(request.values("range")[0].removeprefix("bytes=").removesuffix("-"))
            part = f"Content-Range: bytes {start}-{len(self.body) - 1}/{len(self.body)}"
            reply = Reply(status=206, body=self.body[start:])
            headers = (part,)
        etag = () if self.etag is None else (f"ETag: {self.etag}",)
        return Reply(status=reply.status, body=reply.body, headers=(*headers, *etag))

    def cut(self, at: int = AT, ending: Ending = CUT, etag: str | None = ETAG) -> None:
        """Break the next answer off."""
        lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(self.body)}"]
        lines += [] if etag is None else [f"ETag: {etag}"]
        # A reset throws away what has not been read yet.
        pause = 0.2 if ending is RESET else 0.0
        self.fault("/f", [head(*lines), self.body[:at], pause, ending])


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as running:
        yield running


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(patience=QUICK)


def fetch(
    store: Store, client: Client, folder: Path, want: Want | None = None, limit: int = 1 << 30
) -> Fetched | None:
    return client.fetch(store.url("/f"), folder / "f", limit=limit, want=want or Want())


def ranges(store: Store) -> list[list[str]]:
    """Return what each request said of ranges."""
    return [[*r.values("range"), *r.values("if-range")] for r in store.requests]


def whole(folder: Path, body: bytes = BODY) -> None:
    assert (folder / "f").read_bytes() == body
    assert [path.name for path in folder.iterdir()] == ["f"]


@pytest.mark.parametrize("ending", [CUT, RESET])
def test_k002_the_rest_alone_is_asked_for_of_the_same_version(
    ending: Ending, store: Store, client: Client, tmp_path: Path
) -> None:
    store.cut(ending=ending)
    got = fetch(store, client, tmp_path)
    assert got is not None
    assert (got.size, got.sha256) == (len(BODY), DIGEST)
    first, second = ranges(store)
    assert first == []
    assert second[1] == ETAG
    start = int(second[0].removeprefix("bytes=").removesuffix("-"))
    assert WORTH_RESUMING <= start <= AT
    whole(tmp_path)


def test_a_file_that_breaks_off_twice_is_gone_on_with_twice(
    store: Store, client: Client, tmp_path: Path
) -> None:
    store.cut(WORTH_RESUMING + 7)
    at = WORTH_RESUMING + 7
    store.fault(
        "/f",
        [
            head(
                "HTTP/1.1 206 Partial Content",
                f"Content-Length: {len(BODY) - at}",
                f"Content-Range: bytes {at}-{len(BODY) - 1}/{len(BODY)}",
                f"ETag: {ETAG}",
            ),
            BODY[at:AT],
            CUT,
        ],
    )
    assert fetch(store, client, tmp_path) is not None
    assert [said[:1] for said in ranges(store)] == [[], [f"bytes={at}-"], [f"bytes={AT}-"]]
    whole(tmp_path)


@pytest.mark.parametrize("etag", [None, 'W/"v1"', "v1", '"v1', ""])
def test_without_a_strong_validator_it_begins_again(
    etag: str | None, store: Store, client: Client, tmp_path: Path
) -> None:
    store.etag = etag
    store.cut(etag=etag)
    assert fetch(store, client, tmp_path) is not None
    assert ranges(store) == [[], []]
    whole(tmp_path)


def test_a_small_part_is_not_worth_a_question(store: Store, client: Client, tmp_path: Path) -> None:
    store.cut(WORTH_RESUMING - 1)
    assert fetch(store, client, tmp_path) is not None
    assert ranges(store) == [[], []]


def test_k025_a_server_that_ignores_ranges_is_read_from_the_start(
    store: Store, client: Client, tmp_path: Path
) -> None:
    store.ranges = False
    store.cut()
    assert fetch(store, client, tmp_path) is not None
    assert len(ranges(store)[1]) == 2
    whole(tmp_path)


def test_k026_another_version_is_read_from_the_start(
    store: Store, client: Client, tmp_path: Path
) -> None:
    store.cut()
    store.body, store.etag = OTHER, '"v2"'
    assert fetch(store, client, tmp_path) is not None
    whole(tmp_path, OTHER)


def _partial(*headers: str, body: bytes = BODY[AT:]) -> Script:
    return [head("HTTP/1.1 206 -", f"Content-Length: {len(body)}", *headers), body]


TOTAL = len(BODY)
WRONG_PARTS = {
    "offset": _partial(f"Content-Range: bytes {AT + 1}-{TOTAL - 1}/{TOTAL}", f"ETag: {ETAG}"),
    "end": _partial(f"Content-Range: bytes {AT}-{TOTAL - 2}/{TOTAL}", f"ETag: {ETAG}"),
    "total": _partial(f"Content-Range: bytes {AT}-{TOTAL}/{TOTAL + 1}", f"ETag: {ETAG}"),
    "unit": _partial(f"Content-Range: lines {AT}-{TOTAL - 1}/{TOTAL}", f"ETag: {ETAG}"),
    "star": _partial(f"Content-Range: bytes {AT}-{TOTAL - 1}/*", f"ETag: {ETAG}"),
    "no range": _partial(f"ETag: {ETAG}"),
    "two ranges": _partial(*[f"Content-Range: bytes {AT}-{TOTAL - 1}/{TOTAL}"] * 2, "ETag: x"),
    "version": _partial(f"Content-Range: bytes {AT}-{TOTAL - 1}/{TOTAL}", 'ETag: "v2"'),
    "no version": _partial(f"Content-Range: bytes {AT}-{TOTAL - 1}/{TOTAL}"),
    "several parts": _partial("Content-Type: multipart/byteranges; boundary=x"),
    "416": [head("HTTP/1.1 416 -", "Content-Length: 0", f"Content-Range: bytes */{TOTAL}")],
}


@pytest.mark.parametrize("script", WRONG_PARTS.values(), ids=WRONG_PARTS.keys())
def test_k026_what_is_not_the_rest_that_was_asked_for_is_not_put_behind(
    script: Script, store: Store, client: Client, tmp_path: Path
) -> None:
    store.cut()
    store.fault("/f", script)
    assert fetch(store, client, tmp_path) is not None
    assert [len(said) for said in ranges(store)] == [0, 2, 0]
    whole(tmp_path)


REST = f"Content-Range: bytes {AT}-{TOTAL - 1}/{TOTAL}"
CUT_RESTS = {
    "by its length": _partial(REST, f"ETag: {ETAG}", body=BODY[AT : AT + 10]),
    "by its last chunk": [
        head("HTTP/1.1 206 -", "Transfer-Encoding: chunked", REST, f"ETag: {ETAG}"),
        b"a\r\n" + BODY[AT : AT + 10] + b"\r\n0\r\n\r\n",
    ],
    "too long": _partial(REST, f"ETag: {ETAG}", body=BODY[AT:] + b"more"),
}


@pytest.mark.parametrize("script", CUT_RESTS.values(), ids=CUT_RESTS.keys())
def test_k003_a_rest_that_is_not_all_of_it_makes_no_file(
    script: Script, store: Store, tmp_path: Path
) -> None:
    store.cut()
    store.fault("/f", script)
    with pytest.raises(MachineError) as caught:
        fetch(
            store,
            Client(patience=Patience(read=0.5, total=20.0, retries=1, backoff=0.01)),
            tmp_path,
        )
    assert caught.value.code == "machine.truncated"
    assert not (tmp_path / "f").exists()


def test_what_another_origin_answers_is_not_put_behind(
    store: Store, client: Client, tmp_path: Path
) -> None:
    with Store() as other:
        other.body = OTHER
        store.cut()
        store.fault(
            "/f", [head("HTTP/1.1 302 -", f"Location: {other.url('/f')}", "Content-Length: 0")]
        )
        assert fetch(store, client, tmp_path) is not None
    whole(tmp_path)


def test_k009_a_part_that_nobody_asked_for_is_no_file(
    store: Store, client: Client, tmp_path: Path
) -> None:
    store.fault("/f", _partial(f"Content-Range: bytes {AT}-{TOTAL - 1}/{TOTAL}", f"ETag: {ETAG}"))
    with pytest.raises(MachineError) as caught:
        fetch(store, client, tmp_path)
    assert caught.value.code == "machine.unexpected"


def test_a_rest_of_other_bytes_is_found_by_the_digest_and_all_is_asked_for_again(
    store: Store, client: Client, tmp_path: Path
) -> None:
    store.cut()
    start = f"Content-Range: bytes {AT}-{TOTAL - 1}/{TOTAL}"
    store.fault("/f", _partial(start, f"ETag: {ETAG}", body=OTHER[AT:]))
    assert fetch(store, client, tmp_path, Want(sha256=DIGEST)) is not None
    assert [len(said) for said in ranges(store)] == [0, 2, 0]
    whole(tmp_path)


def test_k024_other_bytes_from_the_start_are_an_error_at_once(
    store: Store, client: Client, tmp_path: Path
) -> None:
    with pytest.raises(MachineError) as caught:
        fetch(store, client, tmp_path, Want(sha256="0" * 64))
    assert caught.value.code == "machine.digest"
    assert len(store.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_limit_is_of_the_whole_file(store: Store, client: Client, tmp_path: Path) -> None:
    store.cut()
    with pytest.raises(MachineError) as caught:
        fetch(store, client, tmp_path, limit=AT + 100)
    assert caught.value.code == "machine.too-large"
    assert list(tmp_path.iterdir()) == []


# ---- across runs


def broken(store: Store, folder: Path) -> None:
    """Leave what a run left that ended in the middle."""
    store.cut()
    with pytest.raises(MachineError) as caught:
        fetch(store, Client(patience=ONCE), folder)
    assert caught.value.code == "machine.truncated"
    assert sorted(path.name for path in folder.iterdir()) == ["f.part", "f.resume"]
    store.requests.clear()


def test_the_next_run_goes_on(store: Store, client: Client, tmp_path: Path) -> None:
    broken(store, tmp_path)
    got = fetch(store, client, tmp_path)
    assert got is not None
    assert got.sha256 == DIGEST
    assert ranges(store) == [[f"bytes={AT}-", ETAG]]
    whole(tmp_path)


def test_what_a_crash_left_beyond_the_note_is_cut_off(
    store: Store, client: Client, tmp_path: Path
) -> None:
    broken(store, tmp_path)
    with (tmp_path / "f.part").open("ab") as part:
        part.write(b"\0" * 4096)
    assert fetch(store, client, tmp_path) is not None
    assert ranges(store) == [[f"bytes={AT}-", ETAG]]
    whole(tmp_path)


def _note(**more: object) -> bytes:
    known = {"validator": ETAG, "total": TOTAL, "size": AT, "sha256": "?"}
    return json.dumps(known | more).encode()


@pytest.mark.parametrize(
    "note",
    [
        None,
        b"",
        b"{",
        b"[]",
        _note(),
        _note(sha256=[]),
        _note(size=-1),
        _note(size=True),
        _note(size=TOTAL + 1),
        _note(total="1"),
        _note(validator='"v1"\r\nX: y'),
        _note(validator=None),
        _note(more=1),
        b'{"size":1,' + _note()[1:],
    ],
)
def test_a_note_that_is_not_whole_is_none(
    note: bytes | None, store: Store, client: Client, tmp_path: Path
) -> None:
    broken(store, tmp_path)
    path = tmp_path / "f.resume"
    path.unlink() if note is None else path.write_bytes(note)
    assert fetch(store, client, tmp_path) is not None
    assert ranges(store) == [[]]
    whole(tmp_path)


@pytest.mark.parametrize("at", [0, WORTH_RESUMING, AT - 1])
def test_a_part_with_other_bytes_than_were_noted_is_none(
    at: int, store: Store, client: Client, tmp_path: Path
) -> None:
    broken(store, tmp_path)
    raw = bytearray((tmp_path / "f.part").read_bytes())
    raw[at] ^= 1
    (tmp_path / "f.part").write_bytes(raw)
    assert fetch(store, client, tmp_path) is not None
    assert ranges(store) == [[]]
    whole(tmp_path)


def test_a_part_that_is_shorter_than_noted_is_none(
    store: Store, client: Client, tmp_path: Path
) -> None:
    broken(store, tmp_path)
    (tmp_path / "f.part").write_bytes(BODY[: AT - 1])
    assert fetch(store, client, tmp_path) is not None
    assert ranges(store) == [[]]


def test_a_long_transfer_is_noted_on_its_way(store: Store, tmp_path: Path) -> None:
    """What kill -9 leaves of it is gone on with; only what came after the note is lost."""
    store.body = BODY * 8
    store.fault(
        "/f",
        [
            head("HTTP/1.1 200 OK", f"Content-Length: {len(store.body)}", f"ETag: {ETAG}"),
            store.body[: NOTED_EVERY + WORTH_RESUMING],
            3.0,
        ],
    )
    stuck = Client(patience=Patience(read=3.0, retries=0))

    def run() -> None:
        with suppress(MachineError):
            fetch(store, stuck, tmp_path)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until = time.monotonic() + 5
    while not (tmp_path / "f.resume").exists() and time.monotonic() < until:
        time.sleep(0.01)
    left = tmp_path / "left"
    left.mkdir()
    for name in ("f.part", "f.resume"):
        (left / name).write_bytes((tmp_path / name).read_bytes())
    thread.join()
    store.requests.clear()
    got = fetch(store, Client(patience=QUICK), left)
    assert got is not None
    assert got.sha256 == hashlib.sha256(store.body).hexdigest()
    (said,) = ranges(store)
    assert int(said[0].removeprefix("bytes=").removesuffix("-")) >= NOTED_EVERY


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cuts=st.lists(st.integers(0, len(BODY) - 1), max_size=4),
    versioned=st.booleans(),
    ending=st.sampled_from([CUT, RESET]),
)
def test_k002_wherever_it_breaks_off_it_converges(
    cuts: list[int], versioned: bool, ending: Ending, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cuts")
    with Store() as store:
        store.etag = ETAG if versioned else None
        for at in cuts:
            store.cut(at, ending, store.etag)
            with pytest.raises(MachineError):
                fetch(store, Client(patience=ONCE), folder)
        assert fetch(store, Client(patience=ONCE), folder) is not None
    whole(folder)


# ---- ended from outside


def test_a_halt_ends_what_is_going_on_and_keeps_what_came(store: Store, tmp_path: Path) -> None:
    store.fault(
        "/f",
        [
            head("HTTP/1.1 200 OK", f"Content-Length: {TOTAL}", f"ETag: {ETAG}"),
            BODY[:AT],
            60.0,
        ],
    )
    halt = Halt()

    def call() -> None:
        until = time.monotonic() + 20
        part = tmp_path / "f.part"
        while time.monotonic() < until and not (part.exists() and part.stat().st_size == AT):
            time.sleep(0.01)
        halt.call()

    threading.Thread(target=call, daemon=True).start()
    with halt.entered(), pytest.raises(MachineError) as caught:
        fetch(store, Client(patience=Patience(read=60.0)), tmp_path)
    assert caught.value.code == "machine.timeout"
    store.requests.clear()
    assert fetch(store, Client(patience=ONCE), tmp_path) is not None
    assert ranges(store) == [[f"bytes={AT}-", ETAG]]


def test_nothing_begins_after_a_halt(store: Store, tmp_path: Path) -> None:
    halt = Halt()
    halt.call()
    with halt.entered(), pytest.raises(MachineError) as caught:
        fetch(store, Client(patience=QUICK), tmp_path)
    assert caught.value.code == "machine.timeout"
