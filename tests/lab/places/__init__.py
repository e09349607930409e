"""Where releases live: faithful servers on loopback, over real HTTP, fed from one description.

::

    lab = Lab("acme")
    release = attested(lab, "tool", "1.0", {"tool-1.0.tar.gz": b"…"})
    with PyPI(release) as pypi:
        pypi.simple                                  # its address, as pip's --index-url has it
        pypi.files.fault("/packages/…", answer(503)) # the next answer only; then as it should
        pypi.index.requests                          # everything it was asked, with all headers

A place tells the truth unless a test tells it otherwise: :meth:`Place.fault` takes the
scripts of :mod:`tests.lab.hostile_http`.
"""

from tests.lab.places.github import GitHub
from tests.lab.places.npm import Npm, released
from tests.lab.places.publication import PUBLISH, Publication, attested
from tests.lab.places.pypi import PyPI
from tests.lab.places.registry import Registry, Storage, TokenServer
from tests.lab.places.server import Place, Reply, secrets_seen
from tests.lab.places.tuf import Tuf

__all__ = [
    "PUBLISH",
    "GitHub",
    "Npm",
    "Place",
    "Publication",
    "PyPI",
    "Registry",
    "Reply",
    "Storage",
    "TokenServer",
    "Tuf",
    "attested",
    "released",
    "secrets_seen",
]
