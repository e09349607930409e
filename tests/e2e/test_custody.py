"""Custody from end to end: seals, hand-overs, policies that demand them, and what breaks them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.e2e.conftest import LINE, SIGNERS, Ran, Site
from tests.openpgp import GPG

PACK = "tool-1.0.pack.tar"
CUSTODY = f"{PACK}.custody.jsonl"
AT = "2026-02-03T04:05:06Z"

DEMANDS = """
[signers.builder]
key = "keys/builder.pub"

[signers.guard]
key = "keys/guard.pub"

[[custody]]
role = "collected"
signer = "builder"

[[custody]]
role = "received"
signer = ["guard", "builder"]
"""
AnyKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_PLAIN = NoEncryption()


def write_key(
    folder: Path, name: str, key: AnyKey, encryption: KeySerializationEncryption = _PLAIN
) -> None:
    """Write a private key beside the site, and the public one among its anchors."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (folder / f"{name}.pem").write_bytes(pem)
    keys = folder / "trust-roots/keys"
    keys.mkdir(exist_ok=True)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (keys / f"{name}.pub").write_bytes(public)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Collect a release whose policy demands a seal of the builder and one of the receiver."""
    site = Site(tmp_path_factory.mktemp("custody") / "site")
    site.publish("tool-1.0.tar.gz", b"the release\n" * 100)
    write_key(site.folder, "builder", ed25519.Ed25519PrivateKey.generate())
    write_key(site.folder, "guard", ec.generate_private_key(ec.SECP384R1()))
    site.policy(DEMANDS + LINE)
    ran = site.collect("--seal", "builder.pem", "--note", "built in room 3")
    assert ran.status == 0, ran.err
    return site


@pytest.fixture
def sealed(collected: Site, tmp_path: Path) -> Site:
    """Return a copy of the collected site, to be changed."""
    shutil.copytree(collected.folder, tmp_path / "site")
    copied = replace(collected, folder=tmp_path / "site")
    copied.policy(DEMANDS + LINE)
    return copied


def add(site: Site, role: str = "received", key: str = "guard.pem", *more: str) -> Ran:
    return site.run(
        "custody", "add", PACK, "--key", key, "--role", role, "--format", "json", *more
    )  # fmt: skip


def show(site: Site, *more: str) -> Ran:
    return site.run("custody", "show", PACK, "--format", "json", *more)


def lines(site: Site) -> list[bytes]:
    return (site.folder / CUSTODY).read_bytes().splitlines(keepends=True)


def findings(ran: Ran) -> dict[str, str]:
    """Return the levels of the findings about all of the pack, by code."""
    (result,) = ran.document["results"]
    part = result["report"] or result["custody"]
    told = {finding["code"]: finding["level"] for finding in part["findings"]}
    told.pop("policy.differs", None)
    return told


def payload(line: bytes) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(json.loads(line)["payload"])))


# ---- what holds -------------------------------------------------------------------


def test_a_pack_with_every_seal_that_is_demanded_passes(sealed: Site) -> None:
    assert add(sealed, "handed-over", "builder.pem", "--note", "to the courier").status == 0
    assert add(sealed).status == 0
    ran = sealed.check()
    assert ran.status == 0, ran.out
    (result,) = ran.document["results"]
    told = [(one["role"], one["signer"], one["verified"]) for one in result["report"]["custody"]]
    assert told == [
        ("collected", "keys/builder.pub", True),
        ("handed-over", "keys/builder.pub", True),
        ("received", "keys/guard.pub", True),
    ]
    text = sealed.run("check", PACK, "--policy", "release.toml").out
    assert "by keys/builder.pub: built in room 3" in text


def test_a_line_says_what_the_format_says(sealed: Site) -> None:
    add(sealed, "received", "guard.pem", "--at", AT, "--note", "")
    first, second = lines(sealed)
    assert payload(second) == {
        "schema": 1,
        "pack": payload(first)["pack"],
        "previous": hashlib.sha256(first.rstrip(b"\n")).hexdigest(),
        "role": "received",
        "at": AT,
        "note": "",
    }
    assert payload(first)["previous"] is None


def test_a_seal_is_missed_by_name(sealed: Site) -> None:
    ran = sealed.check()
    assert ran.status == 1
    assert findings(ran) == {"custody.missing": "error"}
    (sealed.folder / CUSTODY).unlink()
    ran = sealed.check()
    assert (ran.status, findings(ran)) == (1, {"custody.missing": "error"})


def test_nothing_leaves_a_pack_that_lacks_a_seal(sealed: Site) -> None:
    ran = sealed.run("extract", PACK, "--policy", "release.toml", "--to", "out")
    assert ran.status == 1
    assert not (sealed.folder / "out").exists()


def test_a_seal_never_stands_for_evidence(site: Site) -> None:
    write_key(site.folder, "builder", ed25519.Ed25519PrivateKey.generate())
    signer = '\n[signers.builder]\nkey = "keys/builder.pub"\ntrusted-root = "acme"\n'
    site.policy(LINE.replace('"release"', '"builder"'), SIGNERS + signer)
    ran = site.collect("--seal", "builder.pem")
    assert ran.status == 1
    assert ran.errors_of("tool-1.0.tar.gz") == {"policy.unmet"}


def test_without_a_demand_custody_is_shown_and_fails_nothing(sealed: Site) -> None:
    sealed.policy(LINE)
    (sealed.folder / CUSTODY).write_bytes(b"junk\n")
    ran = sealed.check()
    assert ran.status == 0
    assert findings(ran)["custody.malformed"] == "warning"


def test_equal_packs_have_equal_seals(sealed: Site) -> None:
    (first,) = lines(sealed)
    made = payload(first)["at"]
    seconds = time.mktime(time.strptime(made, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    again = sealed.collect(
        "--replace", "--seal", "builder.pem", "--note", "built in room 3",
        env={"SOURCE_DATE_EPOCH": str(int(seconds))},
    )  # fmt: skip
    assert again.status == 0
    assert again.document["results"][0]["written"] == [PACK, CUSTODY]
    assert lines(sealed) == [first]


def test_an_ecdsa_seal_is_repeatable(sealed: Site) -> None:
    add(sealed, "received", "guard.pem", "--at", AT)
    once = lines(sealed)
    (sealed.folder / CUSTODY).write_bytes(once[0])
    add(sealed, "received", "guard.pem", "--at", AT)
    assert lines(sealed) == once


# ---- what is tampered with --------------------------------------------------------


def tampered(line: bytes, **changes: Any) -> bytes:
    """Return a line whose record says something else, under the signature that it had."""
    envelope = json.loads(line)
    record = payload(line) | changes
    text = json.dumps(record, sort_keys=True, separators=(",", ":")) + "\n"
    envelope["payload"] = base64.b64encode(text.encode()).decode()
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def respelt(line: bytes) -> bytes:
    return json.dumps(json.loads(line)).encode() + b"\n"


Change = Callable[[list[bytes]], list[bytes]]
ATTACKS: dict[str, tuple[Change, str]] = {
    "a note is changed": (lambda a: [tampered(a[0], note="other"), *a[1:]], "custody.chain"),
    "the last note is changed": (
        lambda a: [*a[:-1], tampered(a[-1], note="x")], "custody.signature",
    ),
    "two lines are swapped": (lambda a: [a[0], a[2], a[1]], "custody.chain"),
    "the first line is missing": (lambda a: a[1:], "custody.chain"),
    "a line in the middle is missing": (lambda a: [a[0], a[2]], "custody.chain"),
    "a line is there twice": (lambda a: [*a, a[2]], "custody.chain"),
    "the last line is missing": (lambda a: a[:2], "custody.missing"),
    "the last line is cut": (lambda a: [*a[:2], a[2][:-9]], "custody.malformed"),
    "there is an empty line": (lambda a: [*a, b"\n"], "custody.malformed"),
    "it is empty": (lambda a: a[:0], "custody.malformed"),
    "a line is spelt otherwise": (lambda a: [*a[:2], respelt(a[2])], "custody.malformed"),
    "a record has one more key": (lambda a: [*a[:2], tampered(a[2], x=1)], "custody.malformed"),
    "a role is unknown": (lambda a: [*a[:2], tampered(a[2], role="x")], "custody.malformed"),
    "it says collected again": (
        lambda a: [*a[:2], tampered(a[2], role="collected")], "custody.chain",
    ),
    "it names another pack": (
        lambda a: [*a[:2], tampered(a[2], pack="0" * 64)], "custody.other-pack",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_a_custody_file_that_was_tampered_with_is_refused(sealed: Site, name: str) -> None:
    add(sealed, "handed-over", "builder.pem")
    add(sealed)
    change, code = ATTACKS[name]
    (sealed.folder / CUSTODY).write_bytes(b"".join(change(lines(sealed))))
    ran = sealed.check()
    assert ran.status == 1
    assert findings(ran)[code] == "error"


def test_the_seal_of_another_pack_counts_for_nothing(sealed: Site) -> None:
    add(sealed)
    replayed = (sealed.folder / CUSTODY).read_bytes()
    sealed.publish("tool-1.0.tar.gz", b"a later release\n")
    assert sealed.collect("--replace", "--seal", "builder.pem").status == 0
    (sealed.folder / CUSTODY).write_bytes(replayed)
    ran = sealed.check()
    assert ran.status == 1
    assert findings(ran) == {"custody.other-pack": "error"}


def test_a_stranger_cannot_seal_in_anothers_place(sealed: Site) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    write_key(sealed.folder, "stranger", private)
    (sealed.folder / "trust-roots/keys/stranger.pub").unlink()
    assert add(sealed, "received", "stranger.pem").status == 0
    ran = sealed.check()
    assert ran.status == 1
    assert findings(ran) == {"custody.unknown-key": "note", "custody.missing": "error"}


def test_a_key_of_the_host_that_no_rule_names_is_not_the_demanded_one(sealed: Site) -> None:
    write_key(sealed.folder, "other", ed25519.Ed25519PrivateKey.generate())
    assert add(sealed, "received", "other.pem").status == 0
    ran = sealed.check()
    assert (ran.status, findings(ran)) == (1, {"custody.missing": "error"})


def test_a_denied_key_seals_nothing(sealed: Site) -> None:
    add(sealed)
    key = json.loads(lines(sealed)[1])["signatures"][0]["keyid"]
    sealed.policy(f'[deny]\nkeys = ["{key}"]\n{DEMANDS}{LINE}')
    ran = sealed.check()
    assert ran.status == 1
    assert findings(ran) == {"custody.denied": "note", "custody.missing": "error"}


def test_the_key_must_be_this_hosts(sealed: Site) -> None:
    add(sealed)
    (sealed.folder / "trust-roots/keys/guard.pub").unlink()
    ran = sealed.check()
    assert (ran.status, ran.codes) == (4, {"trust.missing"})


def test_times_that_do_not_fit_are_told(sealed: Site) -> None:
    add(sealed, "received", "guard.pem", "--at", AT)
    ran = sealed.check()
    assert ran.status == 0
    assert findings(ran)["custody.time"] == "warning"


# ---- adding -----------------------------------------------------------------------


def test_nothing_is_added_to_lines_that_do_not_hold_together(sealed: Site) -> None:
    add(sealed)
    broken = lines(sealed)[1]
    (sealed.folder / CUSTODY).write_bytes(broken)
    ran = add(sealed)
    assert (ran.status, ran.codes) == (1, {"custody.chain"})
    assert lines(sealed) == [broken]


def test_a_key_that_cannot_seal_is_refused_before_anything_is_collected(site: Site) -> None:
    write_key(site.folder, "rsa", rsa.generate_private_key(65537, 2048))
    write_key(site.folder, "k1", ec.generate_private_key(ec.SECP256K1()))
    (site.folder / "junk.pem").write_text("no key")
    for name in ("rsa.pem", "k1.pem", "junk.pem", "none.pem", "release.toml", "downloads"):
        ran = site.collect("--seal", name)
        assert (ran.status, ran.codes) == (2, {"usage.key"}), name
    assert not (site.folder / PACK).exists()
    assert site.collect("--note", "x").status == 2
    assert site.collect("--seal", "openpgp:ABCD").codes == {"usage.key"}


def test_an_encrypted_key_needs_its_passphrase(sealed: Site) -> None:
    encryption = BestAvailableEncryption(b"open sesame")
    key = ec.generate_private_key(ec.SECP256R1())
    write_key(sealed.folder, "guard", key, encryption)
    ran = add(sealed)
    assert (ran.status, ran.codes) == (2, {"usage.key"})
    (sealed.folder / "wrong").write_text("no")
    (sealed.folder / "right").write_text("open sesame\n")
    assert add(sealed, "received", "guard.pem", "--passphrase-file", "wrong").status == 2
    ran = add(sealed, "received", "guard.pem", "--passphrase-file", "right")
    assert ran.status == 0, ran.err
    assert sealed.check().status == 0


@pytest.mark.parametrize("note", ["two\nlines", "x" * 501, "\x1b[2J", "\u202e"])
def test_a_note_is_one_line_of_printable_text(sealed: Site, note: str) -> None:
    assert add(sealed, "received", "guard.pem", "--note", note).status == 2


def test_two_at_once_both_add_their_line(sealed: Site) -> None:
    command = [
        sys.executable, "-m", "kit", "custody", "add", PACK, "--key", "guard.pem",
        "--role", "received",
    ]  # fmt: skip
    running = [subprocess.Popen(command, cwd=sealed.folder) for _ in range(4)]
    assert [one.wait() for one in running] == [0] * 4
    assert len(lines(sealed)) == 5
    assert sealed.check().status == 0


@pytest.mark.slow
def test_killed_while_adding_leaves_the_old_file_or_the_new(sealed: Site) -> None:
    command = [
        sys.executable, "-m", "kit", "custody", "add", PACK, "--key", "guard.pem",
        "--role", "received",
    ]  # fmt: skip
    path = sealed.folder / CUSTODY
    for delay in (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7):
        before = path.read_bytes()
        with subprocess.Popen(command, cwd=sealed.folder, stderr=subprocess.DEVNULL) as running:
            time.sleep(delay)
            running.send_signal(signal.SIGKILL)
        after = path.read_bytes()
        assert after.startswith(before)
        assert after[len(before) :].count(b"\n") in (0, 1)
        assert show(sealed).status == 0
    assert add(sealed).status == 0


def test_collect_leaves_no_seal_of_an_earlier_pack(sealed: Site) -> None:
    assert sealed.collect().codes >= {"collect.exists"}
    sealed.policy(LINE)
    assert sealed.collect("--replace").status == 0
    assert not (sealed.folder / CUSTODY).exists()
    (sealed.folder / PACK).unlink()
    (sealed.folder / CUSTODY).write_bytes(b"another's\n")
    ran = sealed.collect()
    assert (ran.status, ran.codes) == (2, {"collect.exists"})


def test_a_pack_that_does_not_meet_the_policy_is_sealed_too(sealed: Site) -> None:
    sealed.policy(DEMANDS + LINE + 'source-tag = "v2.0"\n')
    ran = sealed.collect("--replace", "--seal", "builder.pem")
    assert ran.status == 1
    assert not (sealed.folder / CUSTODY).exists()
    assert (sealed.folder / "tool-1.0.unmet.pack.tar.custody.jsonl").exists()


# ---- showing ----------------------------------------------------------------------


def test_show_tells_who_sealed_it(sealed: Site) -> None:
    add(sealed)
    ran = show(sealed)
    assert ran.status == 0
    (result,) = ran.document["results"]
    told = [(one["signer"], one["verified"]) for one in result["custody"]["seals"]]
    assert told == [("keys/builder.pub", True), ("keys/guard.pub", True)]
    assert "collected" in sealed.run("custody", "show", PACK).out


def test_show_has_nothing_to_verify(sealed: Site) -> None:
    for name in ("builder", "guard"):
        (sealed.folder / f"trust-roots/keys/{name}.pub").unlink()
    ran = show(sealed)
    assert ran.status == 6
    assert "NOT VERIFIED" in sealed.run("custody", "show", PACK).out
    (sealed.folder / CUSTODY).unlink()
    assert show(sealed).status == 6
    assert "nobody sealed" in sealed.run("custody", "show", PACK).out


def test_show_says_what_does_not_hold(sealed: Site) -> None:
    add(sealed)
    (sealed.folder / CUSTODY).write_bytes(lines(sealed)[1])
    ran = show(sealed)
    assert (ran.status, findings(ran)) == (1, {"custody.chain": "warning"})


def test_a_key_of_the_host_that_does_not_load_keeps_nobody_from_a_look(sealed: Site) -> None:
    (sealed.folder / "trust-roots/keys/broken.pub").write_text("no key")
    add(sealed)
    assert show(sealed).status == 0
    assert sealed.check().status == 0


def test_what_cannot_be_read_is_the_machines(sealed: Site) -> None:
    (sealed.folder / CUSTODY).unlink()
    (sealed.folder / CUSTODY).mkdir()
    assert show(sealed).status == 5
    assert sealed.check().status == 5


# ---- OpenPGP ----------------------------------------------------------------------


@pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")
def test_openpgp_keys_seal_through_the_operators_gpg(site: Site, tmp_path: Path) -> None:
    home = Path("/tmp") / f"g{os.getpid()}"  # noqa: S108 - short, for the agent's socket
    home.mkdir(mode=0o700)
    env = os.environ | {"GNUPGHOME": str(home)}
    try:
        made = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "a@acme.test"]
        subprocess.run([*made, "ed25519", "sign", "never"], env=env, check=True)
        listed = subprocess.run(
            ["gpg", "--with-colons", "--list-secret-keys"], env=env, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip
        key = next(line.split(":")[9] for line in listed.splitlines() if line[:3] == "fpr")
        public = subprocess.run(
            ["gpg", "--export", "--armor", key], env=env, check=True, capture_output=True
        ).stdout
        (site.folder / "trust-roots/openpgp").mkdir()
        (site.folder / f"trust-roots/openpgp/{key}.asc").write_bytes(public)
        signer = f'\n[signers.lead]\nopenpgp = "{key}"\n'
        demand = f'{signer}\n[[custody]]\nrole = "collected"\nsigner = "lead"\n'
        site.policy(demand + LINE)
        ran = site.collect("--seal", f"openpgp:{key}", env={"GNUPGHOME": str(home)})
        assert ran.status == 0, ran.err
        assert site.check().status == 0
        assert show(site).status == 0
        (line,) = lines(site)
        (site.folder / CUSTODY).write_bytes(tampered(line, note="other"))
        ran = site.check()
        assert ran.status == 1
        assert findings(ran)["custody.signature"] == "error"
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=env, check=False)
        subprocess.run(["rm", "-rf", str(home)], check=True)
