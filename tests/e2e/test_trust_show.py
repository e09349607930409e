"""`trust show`: every anchor of every place, as an operator sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Ran, Site
from tests.lab import Lab
from tests.openpgp import Key, armored

OWNER = Key("owner")
PINNED = Path(__file__).resolve().parents[2] / "trust-roots"


def show(site: Site, *more: str, **env: str) -> Ran:
    return site.run("trust", "show", "--format", "json", *more, env=env)


def anchors(ran: Ran) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the anchors of a document, by name and place."""
    (result,) = ran.document["results"]
    return {(one["name"], one["place"]): one for one in result["anchors"]}


def test_every_anchor_of_every_place_is_there(site: Site) -> None:
    (site.folder / "trust-roots/keys").mkdir()
    (site.folder / "trust-roots/keys/release.pub").write_bytes(site.lab.public_key())
    (site.folder / "trust-roots/openpgp").mkdir()
    key = site.folder / f"trust-roots/openpgp/{OWNER.fingerprint}.asc"
    key.write_bytes(armored(OWNER.public, "PUBLIC KEY BLOCK"))
    ran = show(site)
    assert ran.status == 0
    found = anchors(ran)
    own = "AIRGAP_KIT_TRUST_ROOTS"
    kinds = {key["kind"] for key in found["acme/trusted_root.json", own]["keys"]}
    assert kinds == {"ca", "tlog", "ctlog"}
    (public,) = found["keys/release.pub", own]["keys"]
    assert public["kind"] == "public-key"
    (openpgp,) = found[f"openpgp/{OWNER.fingerprint}.asc", own]["keys"]
    assert openpgp["fingerprint"] == OWNER.fingerprint
    pinned = "pinned with the kit"
    assert found["sigstore/root.json", pinned]["version"] == 15
    assert {key["kind"] for key in found["npm/keys.json", pinned]["keys"]} == {"npm"}
    assert {key["kind"] for key in found["sigstore/trusted_root.json", pinned]["keys"]} == {
        "ca", "tlog", "ctlog", "tsa",
    }  # fmt: skip


def test_what_a_single_source_carries_is_said(site: Site) -> None:
    found = anchors(show(site))
    single = {name for (name, _), one in found.items() if one["single-source"]}
    assert single == {"github/trusted_root.json", "npm/keys.json"}
    text = site.run("trust", "show").out
    assert "from a single source, pkg:npm/%40sigstore/tuf@" in text


def test_an_earlier_place_wins_and_a_newer_file_elsewhere_is_named(site: Site) -> None:
    old = site.folder / "trust-roots/sigstore"
    old.mkdir()
    windows = {"rekor": (datetime(2020, 1, 1, tzinfo=UTC), None)}
    (old / "trusted_root.json").write_bytes(Lab("other").trusted_root(windows=windows))
    found = anchors(show(site))
    first = found["sigstore/trusted_root.json", "AIRGAP_KIT_TRUST_ROOTS"]
    assert (first["wins"], first["newer-in"]) == (True, "pinned with the kit")
    second = found["sigstore/trusted_root.json", "pinned with the kit"]
    assert (second["wins"], second["newer-in"]) == (False, None)
    assert "NEWER in pinned with the kit" in site.run("trust", "show").out


def test_an_expired_anchor_is_still_one(site: Site) -> None:
    ran = show(site, "--at", "2099-01-01T00:00:00Z")
    assert ran.status == 0
    root = anchors(ran)["sigstore/root.json", "pinned with the kit"]
    assert root["expires"] < "2099"
    text = site.run("trust", "show", "--at", "2099-01-01T00:00:00Z").out
    assert "sigstore/root.json expired 2026-11-20" in text


def test_what_ends_soon_comes_last(site: Site) -> None:
    text = site.run("trust", "show", "--at", "2027-05-30T00:00:00Z").out
    tail = text.rpartition("\n\n")[2]
    assert "github/trusted_root.json: CA CN=Fulcio Intermediate l2" in tail
    assert "ends in 13 days" in tail


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("acme/trusted_root.json", b"{}", "trust.malformed"),
        ("acme/root.json", b"{}", "trust.malformed"),
        ("acme/origin.json", b'{"schema": 1, "schema": 1}', "trust.malformed"),
        ("npm/keys.json", b'{"keys": [{}]}', "trust.malformed"),
        ("keys/release.pub", b"no key", "trust.malformed"),
        (f"openpgp/{'A' * 40}.asc", armored(OWNER.public, "PUBLIC KEY BLOCK"), "trust.openpgp-key"),
        (f"openpgp/{'A' * 40}.asc", b"no key", "trust.malformed"),
    ],
)
def test_one_that_does_not_load_is_named_and_the_rest_is_shown(
    site: Site, name: str, content: bytes, code: str
) -> None:
    path = site.folder / "trust-roots" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    ran = show(site)
    assert ran.status == 4
    found = anchors(ran)
    broken = {one["error"]["code"] for one in found.values() if one["error"]}
    assert broken == {code}
    assert found["sigstore/root.json", "pinned with the kit"]["error"] is None
    text = site.run("trust", "show")
    assert text.status == 4
    assert "DOES NOT LOAD" in text.out


def test_a_folder_that_is_not_there_is_wrong_usage(site: Site) -> None:
    ran = site.run("trust", "show", "--trust-roots", "none", "--format", "json")
    assert (ran.status, ran.codes) == (2, {"trust.no-folder"})


def test_text_of_an_anchor_cannot_steer_the_terminal(site: Site) -> None:
    path = site.folder / "trust-roots/acme/trusted_root.json"
    path.write_bytes(path.read_bytes().replace(b"https://rekor", b"https://\\u001b[2Jrekor", 1))
    ran = site.run("trust", "show")
    assert "\x1b" not in ran.out


def test_no_other_place_is_looked_at(site: Site, tmp_path: Path) -> None:
    home = tmp_path / "home"
    cache = home / ".cache/sigstore-python/tuf"
    cache.mkdir(parents=True)
    (cache / "trusted_root.json").write_bytes(b"{}")
    ran = show(site, HOME=str(home), XDG_DATA_HOME=str(home / "data"))
    assert ran.status == 0
    assert {place for _, place in anchors(ran)} == {
        "AIRGAP_KIT_TRUST_ROOTS", "pinned with the kit",
    }  # fmt: skip
