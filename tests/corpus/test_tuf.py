"""Real TUF repositories, years of them, walk from an old pinned root to the newest."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from kit.errors import AnchorError, MalformedError
from kit.formats import key_facts, trusted_root, tuf_metadata
from kit.formats.key_facts import KeyKind
from kit.trust import difference, tuf_chain
from kit.trust.tuf_files import Held, roots_among
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

ROWS = json.loads((CORPUS / "tuf/states.json").read_bytes()) if PRESENT else []
#: Repositories that are there whole, with a target to ask for.
WHOLE = {
    "docker+tuf": "mapping.yaml",
    "jku+tuf-demo": "file1.txt",
    "DCCouncil+law": "repositories.json",
}
#: How many roots each of their states has.
WHOLE_ROOTS = {
    "2024-12-03-506e6f24": 1,
    "2024-10-14-e2d959b4": 1,
    "2024-09-09-b0e5b0ba": 1,
    "2026-08-21-f93838f6": 5,
    "2025-01-03-7e96a4a6": 3,
    "2026-08-06-b273483c": 11,
    "2026-05-23-4777ebf4": 11,
}
_PREFIX = re.compile(r"^(.*/)?([0-9]+(?=[.](?!root)[a-z]+[.]json)|[0-9a-f]{64})[.]")
#: Public good roots 1 to 3 write times, and 4 its keys, in a form that TUF does not have today.
FIRST = {"sigstore+root-signing": 5, "sigstore+root-signing-staging": 1}


def files(row: dict[str, str]) -> dict[str, bytes]:
    """Return a state's files by TUF's names."""
    folder = CORPUS / row["dir"]
    found = {
        str(path.relative_to(folder)).removeprefix("metadata/"): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    found.pop("root.json", None)  # a copy of the newest, for people
    if row["repo"] == "DCCouncil+law":
        # Its root says that names have no versions; whoever saved the files gave them some.
        found |= {_PREFIX.sub(r"\1", name): raw for name, raw in found.items()}
    return found


def rows(*repositories: str) -> list[dict[str, str]]:
    return [row for row in ROWS if row["repo"] in repositories]


def named(row: dict[str, str]) -> str:
    return Path(row["dir"]).name + " of " + row["repo"]


def test_no_state_of_the_corpus_is_left_out() -> None:
    assert {Path(row["dir"]).name for row in rows(*WHOLE)} == WHOLE_ROOTS.keys()
    assert {row["repo"] for row in ROWS} == WHOLE.keys() | FIRST.keys()


@pytest.mark.parametrize("row", rows(*WHOLE), ids=named)
def test_a_whole_repository_walks_from_every_root_it_ever_had(row: dict[str, str]) -> None:
    held = files(row)
    versions = roots_among(held)
    assert versions == list(range(1, WHOLE_ROOTS[Path(row["dir"]).name] + 1))
    for version in versions:
        pinned = held[f"{version}.root.json"]
        found = tuf_chain.walk(row["repo"], pinned, Held(held), WHOLE[row["repo"]])
        assert [root.version for root in found.roots] == list(range(version, versions[-1] + 1))
        content = found.targets[WHOLE[row["repo"]]]
        digest = hashlib.sha256(content).hexdigest()
        assert f"targets/{digest}.{WHOLE[row['repo']]}" in held
        assert found.timestamp.expires.year in (2024, 2025, 2026)


@pytest.mark.parametrize("row", rows(*WHOLE), ids=named)
def test_a_delegated_target_of_a_real_repository_is_found(row: dict[str, str]) -> None:
    held = files(row)
    path = {
        "docker+tuf": "doi/policy-full.rego",
        "jku+tuf-demo": "jku/README",
        "DCCouncil+law": "rdf/branch",
    }[row["repo"]]
    found = tuf_chain.walk(row["repo"], held["1.root.json"], Held(held), path)
    assert path.split("/")[0] in found.delegated


@pytest.mark.parametrize("row", rows(*FIRST), ids=named)
def test_the_roots_of_sigstore_follow_each_other_up_to_the_newest(row: dict[str, str]) -> None:
    # Snapshot and targets of these states are not in the corpus: the walk gets as far as there.
    held = files(row)
    first = FIRST[row["repo"]]
    newest = max(roots_among(held), default=0)
    if newest < first:
        why = "not as TUF writes it|a form that is not read"
        with pytest.raises(AnchorError, match=why):
            tuf_chain.walk("sigstore", held[f"{newest}.root.json"], Held(held))
        return
    for version in range(first, newest + 1):
        with pytest.raises(AnchorError, match=r"[.]snapshot[.]json is not there") as caught:
            tuf_chain.walk("sigstore", held[f"{version}.root.json"], Held(held))
        assert caught.value.code == "trust.incomplete"


@pytest.mark.parametrize("row", rows("sigstore+root-signing"), ids=named)
def test_a_root_left_out_of_the_public_good_chain_is_missed(row: dict[str, str]) -> None:
    held = files(row)
    newest = max(roots_among(held))
    if newest < 7:
        pytest.skip("too short a chain to leave one out")
    del held[f"{newest - 1}.root.json"]
    with pytest.raises(AnchorError) as caught:
        tuf_chain.walk("sigstore", held["5.root.json"], Held(held))
    assert caught.value.code == "trust.root-gap"


def test_keys_do_not_tell_which_trusted_root_is_older() -> None:
    """The public good instance took a timestamp authority back; before, it was there."""
    before, after = (
        key_facts.of_trusted_root(trusted_root.parse(path.read_bytes()))
        for state, digest in (("2023-06-19-274de132", "4364d772"), ("2025-02-18-2452951a", "f44a"))
        for path in CORPUS.glob(f"tuf/sigstore+root-signing/states/{state}/targets/{digest}*")
    )
    back = difference.between(after, before)
    assert [key.kind for key in back.comes] == [KeyKind.TSA]
    assert not back.goes
    assert not back.changes


def test_every_real_root_that_is_read_says_its_version_and_expiry() -> None:
    read = 0
    for row in ROWS:
        for name, raw in files(row).items():
            if name.endswith(".root.json"):
                try:
                    version, expires = tuf_metadata.glance(raw)
                except MalformedError:
                    assert row["repo"] == "sigstore+root-signing"
                    assert name in ("1.root.json", "2.root.json", "3.root.json")
                    continue
                assert name == f"{version}.root.json"
                assert tuf_metadata.root(raw).expires == expires
                read += 1
    assert read > 100
