"""A release on disk, and the kit run on it as an operator would: as a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kit.formats import schema
from tests.e2e import zygote
from tests.lab import Lab

WORKFLOW = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0"
STRANGER = "https://github.com/mallory/tool/.github/workflows/release.yml@refs/tags/v1.0"
ISSUER = "https://token.actions.githubusercontent.com"

SIGNERS = f"""\
schema = 1
name = "tool"
version = "1.0"

[signers.release]
issuer = "{ISSUER}"
identity = "{WORKFLOW}"
trusted-root = "acme"
"""

LINE = """
[[artifact]]
source = "file:downloads"
files = ["tool-1.0.tar.gz"]

[[artifact.require]]
signer = "release"
"""


_SECONDS = 120.0


@cache
def _zygote() -> zygote.Zygote:
    """Return this process's, which ends with it."""
    return zygote.Zygote()


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the JSON document on stdout, which follows its published schema."""
        value = json.loads(self.out)
        schema.validate(value, "output")
        assert value["status"] == self.status
        return dict(value)

    @property
    def codes(self) -> set[str]:
        """Return every code in the document: of errors, faults and findings."""
        found: set[str] = set()
        for result in self.document["results"]:
            if result["error"]:
                found.add(result["error"]["code"])
                found |= {fault["code"] for fault in result["error"]["faults"]}
            if result["report"]:
                found |= {f["code"] for f in result["report"]["findings"]}
                for artifact in result["report"]["artifacts"]:
                    found |= {f["code"] for f in artifact["findings"]}
        return found

    def errors_of(self, name: str) -> set[str]:
        """Return the codes of the error-level findings of one artifact."""
        return {
            finding["code"]
            for result in self.document["results"]
            for artifact in result["report"]["artifacts"]
            if artifact["name"] == name
            for finding in artifact["findings"]
            if finding["level"] == "error"
        }


@dataclass
class Site:
    """A folder with a release file, downloads and trust roots of a lab instance."""

    folder: Path
    lab: Lab = field(default_factory=lambda: Lab("acme"))

    def __post_init__(self) -> None:
        """Make the folders, and trust the instance."""
        (self.folder / "downloads").mkdir(parents=True, exist_ok=True)
        roots = self.folder / "trust-roots/acme"
        roots.mkdir(parents=True, exist_ok=True)
        (roots / "trusted_root.json").write_bytes(self.lab.trusted_root())
        self.policy(LINE)

    @property
    def memory(self) -> Path:
        """Where the site's checks remember what passed: a folder that nobody else uses."""
        return self.folder.with_name(f"{self.folder.name}.memory")

    @property
    def settings(self) -> dict[str, str]:
        """The environment that makes this site's anchors and memory the kit's."""
        return {"AIRGAP_KIT_TRUST_ROOTS": "trust-roots", "AIRGAP_KIT_MEMORY": str(self.memory)}

    def policy(self, lines: str, signers: str = SIGNERS) -> None:
        """Write the release file."""
        (self.folder / "release.toml").write_text(signers + lines, encoding="utf-8")

    def publish(self, name: str, content: bytes, **options: Any) -> None:
        """Put a file and an attestation naming it into the downloads."""
        self.put(name, content)
        options.setdefault("identity", WORKFLOW)
        self.put(f"{name}.sigstore.json", self.lab.attest({name: content}, **options))

    def put(self, name: str, content: bytes) -> None:
        """Put a file into the downloads."""
        (self.folder / "downloads" / name).write_bytes(content)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, **more: Any) -> Ran:
        """Run the kit in the folder."""
        changed = self.settings | dict(env or {})
        starts = bool(more) or any(name.startswith(zygote.STARTING) for name in changed)
        run = self._started if starts else self._forked
        status, out, err = run(arguments, os.environ | changed, **more)
        assert "Traceback" not in err, err
        return Ran(status, out, err)

    def _forked(self, arguments: Sequence[str], env: Mapping[str, str]) -> tuple[int, str, str]:
        return _zygote().run(arguments, self.folder, env, _SECONDS)

    def _started(
        self, arguments: Sequence[str], env: Mapping[str, str], **more: Any
    ) -> tuple[int, str, str]:
        done = subprocess.run(
            [*more.pop("under", ()), sys.executable, "-m", "kit", *arguments],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            **more,
        )
        return done.returncode, done.stdout, done.stderr

    def collect(self, *more: str, **options: Any) -> Ran:
        """Collect into tool-1.0.pack.tar."""
        return self.run("collect", "release.toml", "--format", "json", *more, **options)

    def check(self, pack: str = "tool-1.0.pack.tar", *more: str, **options: Any) -> Ran:
        """Check a pack under the folder's release file."""
        return self.run(
            "check", pack, "--policy", "release.toml", "--format", "json", *more, **options
        )


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> Iterator[None]:
    """Let what tests start be interrupted, as a job in a shell's background cannot be."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _a_memory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the memory of whoever runs the tests out of them, also where no site is."""
    monkeypatch.setenv("AIRGAP_KIT_MEMORY", str(tmp_path / "memory"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Publish a release of one attested artifact."""
    made = Site(tmp_path / "site")
    made.publish("tool-1.0.tar.gz", b"the release\n" * 100)
    return made
