"""The main job, on a release signed by the tests' own Sigstore instance.

Shows a pack collected and passing, one flipped byte refused (status 3), and another
signer refused (status 1). Prints every command it runs; ends with 1 if any of them does
not end as it should.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.lab import Lab

WORKFLOW = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0"
STRANGER = "https://github.com/mallory/tool/.github/workflows/release.yml@refs/tags/v1.0"

RELEASE = f"""\
schema = 1
name = "tool"
version = "1.0"

[signers.release]
issuer = "https://token.actions.githubusercontent.com"
identity = "{WORKFLOW}"
trusted-root = "acme"

[[artifact]]
source = "file:downloads"
files = ["tool-1.0.tar.gz"]

[[artifact.require]]
signer = "release"
predicate-type = "https://slsa.dev/provenance/v1"
"""


class Demo:
    """Runs the kit in a folder of its own, and remembers whether all went as it should."""

    def __init__(self, folder: Path) -> None:
        """Publish a release there: one artifact, its attestation, the instance's trusted root."""
        self.folder = folder
        self.lab = Lab("acme")
        self.right = True
        (folder / "downloads").mkdir()
        (folder / "trust-roots/acme").mkdir(parents=True)
        (folder / "trust-roots/acme/trusted_root.json").write_bytes(self.lab.trusted_root())
        (folder / "release.toml").write_text(RELEASE, encoding="utf-8")
        (folder / "downloads/tool-1.0.tar.gz").write_bytes(b"the release\n" * 400)
        self.attest(WORKFLOW)

    def attest(self, identity: str) -> None:
        """Put an attestation by ``identity`` beside the artifact."""
        artifact = (self.folder / "downloads/tool-1.0.tar.gz").read_bytes()
        bundle = self.lab.attest({"tool-1.0.tar.gz": artifact}, identity=identity)
        (self.folder / "downloads/tool-1.0.tar.gz.sigstore.json").write_bytes(bundle)

    def run(self, expected: int, *arguments: str) -> None:
        """Run the kit and show what it prints; it should end with the status ``expected``.

        Of a collect only what it does: the report of its rehearsal is the next check's.
        """
        print(f"$ airgap-kit {' '.join(arguments)}")
        done = subprocess.run(
            [sys.executable, "-m", "kit", *arguments],
            cwd=self.folder,
            env=os.environ
            | {"AIRGAP_KIT_TRUST_ROOTS": "trust-roots", "AIRGAP_KIT_MEMORY": "memory"},
            capture_output=True,
            text=True,
            check=False,
        )
        shown = done.stderr + ("" if arguments[0] == "collect" else done.stdout)
        print("".join(f"  {line[:200]}\n" for line in shown.splitlines() if line), end="")
        if done.returncode == expected:
            print(f"  → status {done.returncode}, as it should\n")
        else:
            print(f"  → status {done.returncode}, where {expected} was due\n")
            self.right = False


def main() -> int:
    """Run the demonstration; return the process's status."""
    with tempfile.TemporaryDirectory(prefix="airgap-kit-demo-") as name:
        demo = Demo(Path(name))
        check = ("check", "--policy", "release.toml")
        demo.run(0, "collect", "release.toml")
        demo.run(0, *check, "tool-1.0.pack.tar")

        print("One byte of the artifact flips on the way:")
        pack = bytearray((demo.folder / "tool-1.0.pack.tar").read_bytes())
        pack[pack.index(b"the release\n" * 400)] ^= 1
        (demo.folder / "flipped.pack.tar").write_bytes(pack)
        demo.run(3, *check, "flipped.pack.tar")

        print("Somebody else signs the same bytes:")
        demo.attest(STRANGER)
        demo.run(1, "collect", "release.toml", "-o", "stranger.pack.tar")
        demo.run(1, *check, "stranger.unmet.pack.tar")
        return 0 if demo.right else 1


if __name__ == "__main__":
    sys.exit(main())
