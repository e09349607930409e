"""The lab's Rekor: answers as its API does, and lies only when it is told to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.formats import rekor_answers, sigstore_bundle
from kit.sources import rekor
from kit.sources.deadline import Patience
from kit.sources.downloads import Downloads
from kit.sources.http import Client, Want
from tests.lab import Lab
from tests.lab.places.rekor import LIES, Rekor

LAB = Lab("acme")
FILE = b"artifact"
SIGNED = LAB.sign(FILE)
FORMS = {
    form: LAB.attest({"tool": FILE}, form=form)
    for form in (None, "intoto", "intoto-0.0.1", "intoto-0.0.1-bare")
}
OTHER = LAB.sign(b"other")


def entry_of(bundle: bytes) -> sigstore_bundle.LogEntry:
    return sigstore_bundle.parse(bundle).entries[0]


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path, Client(patience=Patience(retries=0)))


@pytest.fixture
def log() -> Iterator[Rekor]:
    with Rekor(SIGNED, OTHER, *FORMS.values(), public_key=b"-----BEGIN PUBLIC KEY-----") as running:
        yield running


def asked(log: Rekor, downloads: Downloads, path: str, body: Any = None) -> Any:
    """Return what is answered to a question, as JSON."""
    want = Want() if body is None else Want(body=json.dumps(body).encode())
    got = downloads.read(log.url(f"/api/v1{path}"), limit=1 << 20, want=want)
    return None if got is None else json.loads(got[1])


def test_an_entry_is_found_by_its_uuid_its_number_and_its_proposal(
    log: Rekor, downloads: Downloads
) -> None:
    entry = entry_of(SIGNED)
    leaf = sha256(b"\x00" + entry.body)
    by_number = asked(log, downloads, "/log/entries/retrieve", {"logIndexes": [entry.index]})
    by_uuid = asked(log, downloads, "/log/entries/retrieve", {"entryUUIDs": [leaf]})
    proposal = json.loads(entry.body)
    by_proposal = asked(log, downloads, "/log/entries/retrieve", {"entries": [proposal]})
    alone = asked(log, downloads, f"/log/entries/{leaf}")
    assert by_number == by_uuid == by_proposal == [alone]
    (answered,) = rekor_answers.entries(json.dumps(alone).encode())
    assert answered.entry == entry
    assert answered.leaf == leaf


def test_more_than_ten_entries_are_not_asked_for_at_once(log: Rekor, downloads: Downloads) -> None:
    answer = downloads.client.ask(
        "POST",
        log.url("/api/v1/log/entries/retrieve"),
        limit=1 << 20,
        body=json.dumps({"logIndexes": list(range(11))}).encode(),
    )
    assert answer.status == 422


@pytest.mark.parametrize("form", FORMS)
def test_the_index_knows_of_an_envelope_what_its_kind_tells(
    log: Rekor, downloads: Downloads, form: str | None
) -> None:
    content = sigstore_bundle.parse(FORMS[form]).content
    assert not isinstance(content, sigstore_bundle.MessageSignature)
    leaf = sha256(b"\x00" + entry_of(FORMS[form]).body)
    digests = {"payload": sha256(content.payload), "subject": sha256(FILE)}
    known = {
        what: any(
            uuid.endswith(leaf)
            for uuid in asked(log, downloads, "/index/retrieve", {"hash": f"sha256:{digest}"})
        )
        for what, digest in digests.items()
    }
    assert known == {"payload": form != "intoto-0.0.1-bare", "subject": True}


def test_what_the_log_has_nothing_of_is_an_empty_list(log: Rekor, downloads: Downloads) -> None:
    assert asked(log, downloads, "/index/retrieve", {"hash": f"sha256:{'00' * 32}"}) == []
    assert asked(log, downloads, "/log/entries/retrieve", {"logIndexes": [0]}) == []
    assert asked(log, downloads, f"/log/entries/{'00' * 32}") is None


def test_the_log_tells_its_state_and_its_key(log: Rekor, downloads: Downloads) -> None:
    assert asked(log, downloads, "/log")["treeSize"] > 0
    got = downloads.read(log.url("/api/v1/log/publicKey"), limit=1 << 10)
    assert got is not None
    assert got[1].startswith(b"-----BEGIN")


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_changes_one_thing(downloads: Downloads, lie: str) -> None:
    asking = {"logIndexes": [entry_of(SIGNED).index]}
    decoy = Lab("mallory").sign(b"other")
    with Rekor(SIGNED) as honest, Rekor(SIGNED, decoy=decoy, lie=lie) as liar:
        (true,) = asked(honest, downloads, "/log/entries/retrieve", asking)
        (false,) = asked(liar, downloads, "/log/entries/retrieve", asking)
    (uuid,) = true
    assert set(false) == {uuid}
    changed = {key for key in true[uuid] if true[uuid][key] != false[uuid][key]}
    assert len(changed) == 1


# ---- the source


def source(log: Rekor) -> rekor.Log:
    return rekor.Log(base_url=log.url(""), log_id=entry_of(SIGNED).log_id)


def test_candidates_are_all_entries_of_these_bytes_each_once(
    log: Rekor, downloads: Downloads
) -> None:
    found = rekor.about(source(log), [sha256(FILE), sha256(FILE)], downloads)
    bodies = [answered.entry.body for answered in found.entries]
    assert len(bodies) == len(set(bodies)) == 1 + len(FORMS)
    assert not found.more


def test_an_entry_has_its_promise_and_its_proof(log: Rekor, downloads: Downloads) -> None:
    entry = entry_of(SIGNED)
    (answered,) = rekor.at_index(source(log), entry.index, downloads).entries
    assert answered.entry == entry
    assert rekor.at_index(source(log), 1, downloads).entries == ()


def test_how_many_entries_are_looked_at_is_bounded(downloads: Downloads) -> None:
    crowd = [LAB.sign(FILE, identity=f"jo-{number}@acme.test") for number in range(120)]
    with Rekor(SIGNED, crowd=crowd) as crowded:
        found = rekor.about(source(crowded), [sha256(FILE)], downloads)
        questions = len(crowded.requests)
    assert (len(found.entries), found.more) == (rekor.MAX_CANDIDATES, True)
    assert questions == 1 + rekor.MAX_CANDIDATES // rekor_answers.AT_ONCE
