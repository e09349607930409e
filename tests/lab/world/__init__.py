"""Whole release systems on loopback, each published from one description of it.

::

    release = SYSTEMS["stigmem"](Lab("sigstore"))          # the description: a value
    with World(release) as world:
        world.furnish(folder)                              # release file and anchors
        world.options                                      # of `airgap-kit collect`
    forged = release.by(FORK, "signature", "sbom")         # the same, broken at its source

What is published is what the project's own page says it publishes. Release files are the
checked-in ones, with the values filled in that their pages do not give.
"""

from tests.lab.world.release import Piece, Release
from tests.lab.world.systems import SYSTEMS
from tests.lab.world.world import World

__all__ = ["SYSTEMS", "Piece", "Release", "World"]
