"""A Sigstore of our own: small, offline, and a function of its seed.

Equal seeds give equal bytes, in any order of calls; two seeds are two unrelated
instances. Nothing here reads a clock or draws a random number, and nothing here
imports sigstore or the kit: what the lab makes is judged by both.

::

    lab = Lab("acme")
    root = lab.trusted_root()                       # trusted_root.json
    bundle = lab.sign(b"artifact")                  # bundle v0.3, message signature
    bundle = lab.sign_digest("9f86d0…", identity="jo@acme.test", version="0.1")
    bundle = lab.attest({"tool-1.0.tar.gz": b"…"}, predicate={"buildDefinition": {}})
    bundle = lab.envelope(b"any bytes", "text/plain")
    bundle = lab.sign(b"artifact", extensions={"source-repository-ref": "refs/heads/main"})
    bundle = lab.sign(b"artifact", spoil="sct")     # exactly one fault: see SPOILS
    bundle = lab.sign(b"artifact", form="keyed")    # rarer, and right: see FORMS
"""

from tests.lab.extensions import EXTENSIONS
from tests.lab.instance import Lab
from tests.lab.order import AT, FORMS, IDENTITY, ISSUER, VERSIONS, Options
from tests.lab.spoils import SPOILS, Spoil

__all__ = [
    "AT",
    "EXTENSIONS",
    "FORMS",
    "IDENTITY",
    "ISSUER",
    "SPOILS",
    "VERSIONS",
    "Lab",
    "Options",
    "Spoil",
]
