"""A release system on loopback, for people: published, and then left running.

Writes the release file, with the values filled in that its page does not give, and this host's
trust anchors into a folder; prints the commands that collect and check it; and serves until
it is interrupted. Everything is signed by the tests' own Sigstore instance.
"""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.lab import Lab
from tests.lab.world import SYSTEMS, World


def commands(world: World) -> list[str]:
    """Return what a person types, in the folder."""
    kit = Path(sys.executable).with_name("airgap-kit")
    program = [str(kit)] if kit.exists() else [sys.executable, "-m", "kit"]
    release = world.release
    pack = f"{release.name}-{release.version}.pack.tar"
    return [
        "export AIRGAP_KIT_TRUST_ROOTS=trust-roots AIRGAP_KIT_MEMORY=memory",
        shlex.join([*program, "policy", "lint", "release.toml"]),
        shlex.join([*program, "collect", "release.toml", *world.options]),
        shlex.join([*program, "check", pack, "--policy", "release.toml"]),
    ]


def main(arguments: list[str]) -> int:
    """Publish the system that is named; return the process's status."""
    if not 1 <= len(arguments) <= 2 or arguments[0] not in SYSTEMS:
        print(f"usage: scripts/lab {{{'|'.join(SYSTEMS)}}} [FOLDER]", file=sys.stderr)
        return 2
    name, *given = arguments
    folder = Path(given[0] if given else tempfile.mkdtemp(prefix=f"airgap-kit-{name}-")).absolute()
    with World(SYSTEMS[name](Lab("sigstore"))) as world:
        world.furnish(folder)
        print(f"$ cd {shlex.quote(str(folder))}")
        for command in commands(world):
            print(f"$ {command}")
        print("serving; interrupt to end", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    # Blocked here, so that no server's thread takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main(sys.argv[1:]))
