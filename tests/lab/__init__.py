"""A Sigstore of our own: small, offline, and a function of its seed.

Equal seeds give equal bytes, in any order of calls; two seeds are two unrelated
instances, except that all have the same RSA keys (see `rsa_keys`). Nothing here
reads a clock or draws a random number, and nothing here imports sigstore or the
kit: what the lab makes is judged by both.

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

    lab = Lab("acme", shape="full")                 # the same, with Rekor v2 and TSAs
    bundle = lab.sign(b"artifact", rekor="v2")
    bundle = lab.sign(b"artifact", form="timestamp+keyed", key_type="rsa3072")
    root = lab.trusted_root(windows={"rekor": (start, end)}, twist="shared-key")  # see ROOTS

    build = Build(ref="refs/tags/v2.0")             # certificate and provenance of one build:
    bundle = lab.attest(files, predicate=builds.npm(build), **build.signed())

    github = Lab("acme", shape="github")            # no logs; timestamps instead
    bundle = github.release("acme/tool", "v1.0", {"tool-1.0.tar.gz": b"…"})
    roots = json_lines(lab.trusted_root(), github.trusted_root())
"""

from tests.lab.authorities import SHAPES
from tests.lab.builds import Build
from tests.lab.extensions import EXTENSIONS
from tests.lab.instance import RELEASES, Lab
from tests.lab.keys import KEY_TYPES
from tests.lab.order import AT, FORMS, IDENTITY, ISSUER, REKORS, VERSIONS, Options
from tests.lab.spoils import ALL_SPOILS, MORE_SPOILS, SPOILS, Spoil
from tests.lab.trust import ROOTS, json_lines

__all__ = [
    "ALL_SPOILS",
    "AT",
    "EXTENSIONS",
    "FORMS",
    "IDENTITY",
    "ISSUER",
    "KEY_TYPES",
    "MORE_SPOILS",
    "REKORS",
    "RELEASES",
    "ROOTS",
    "SHAPES",
    "SPOILS",
    "VERSIONS",
    "Build",
    "Lab",
    "Options",
    "Spoil",
    "json_lines",
]
