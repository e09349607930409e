"""The lab is a function of its seed: of no clock, no order of calls, no process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from base64 import b64decode
from datetime import timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab import (
    ALL_SPOILS,
    AT,
    FORMS,
    KEY_TYPES,
    REKORS,
    SHAPES,
    VERSIONS,
    Lab,
    Options,
    keys,
)

CHECKOUT = Path(__file__).parents[3]
PRINT = "from tests.unit.lab.test_determinism import everything; print(everything('acme'))"


def everything(seed: str) -> str:
    """Return one digest of all that an instance can make, in every shape."""
    digest = hashlib.sha256()
    forms = (None, "timestamp", "keyed", "intoto", "intoto-0.0.1-bare")
    wishes = [[Options(version=version)] for version in VERSIONS]
    wishes += [[Options(rekor=rekor, form=form) for rekor in REKORS] for form in FORMS]
    wishes += [[Options(rekor=rekor, key_type=each)] for rekor in REKORS for each in KEY_TYPES]
    wishes += [
        [Options(rekor=rekor, form=form, spoil=spoil) for form in forms for rekor in REKORS]
        for spoil in ALL_SPOILS
    ]
    for shape in SHAPES:
        lab = Lab(seed, shape=shape)
        digest.update(lab.trusted_root() + lab.public_key())
        for wish in wishes:
            digest.update(first_possible(lab, wish))
    return digest.hexdigest()


def first_possible(lab: Lab, wish: list[Options]) -> bytes:
    """Return a bundle by the first options that the instance, and a message or envelope, allow."""
    for options in wish:
        with contextlib.suppress(ValueError):
            return lab.sign(b"a", **options)
        with contextlib.suppress(ValueError):
            return lab.attest({"a": b"a", "b": b"b"}, predicate={"c": 1}, **options)
    return b"none"


def leaf(bundle: bytes) -> x509.Certificate:
    raw = json.loads(bundle)["verificationMaterial"]["certificate"]["rawBytes"]
    return x509.load_der_x509_certificate(b64decode(raw))


def key_id(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return keys.key_id(key)


def run(program: str, hash_seed: str = "0") -> str:
    """Return what a fresh Python prints."""
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=CHECKOUT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout.strip()


def test_equal_seeds_give_equal_bytes_in_every_process() -> None:
    # A set, or anything else ordered by the hashes of str, would differ between these.
    assert {run(PRINT, "1"), run(PRINT, "2")} == {everything("acme")}


def test_the_lab_needs_neither_sigstore_nor_the_kit() -> None:
    program = "import sys, tests.lab; print({'sigstore', 'kit'} & set(sys.modules))"
    assert run(program) == "set()"


def test_a_time_zone_makes_no_difference() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    assert Lab("acme").sign(b"a", at=elsewhere) == Lab("acme").sign(b"a", at=AT)


def test_the_order_of_calls_does_not_matter() -> None:
    one, two = Lab("acme"), Lab("acme")
    first = (one.sign(b"a"), one.sign(b"b"))
    second = (two.sign(b"b"), two.sign(b"a"))
    assert first == (second[1], second[0])


def test_seeds_that_look_alike_are_unrelated() -> None:
    roots = {Lab(seed).trusted_root() for seed in ("acme", "Acme", "acme ", "")}
    assert len(roots) == 4


def test_every_signature_has_a_key_and_a_certificate_of_its_own() -> None:
    lab = Lab("acme")
    leaves = [
        leaf(lab.sign(b"a")),
        leaf(lab.sign(b"b")),
        leaf(lab.sign(b"a", identity="jo@acme.test")),
        leaf(lab.sign(b"a", at=AT + timedelta(seconds=1))),
        leaf(Lab("other").sign(b"a")),
    ]
    assert len({each.serial_number for each in leaves}) == len(leaves)
    assert len({key_id(each.public_key()) for each in leaves}) == len(leaves)
