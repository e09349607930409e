"""Registries that are really running, and the tools that others use on them.

Debian has docker-registry (no referrers API) and skopeo; `scripts/peers` builds the rest. A
test of a tool that is not here is skipped, and says which.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.lab.shelf import INDEX, Blob, Document, Shelf

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


def found(name: str) -> str:
    """Return a tool's path; skip the test where it is not here."""
    built = os.environ.get("AIRGAP_KIT_PEERS", "")
    path = shutil.which(name, path=os.pathsep.join(filter(None, (built, os.environ["PATH"]))))
    if path is None:
        pytest.skip(f"{name} is not here: scripts/peers builds it, or Debian has it")
    return path


def run(tool: str, *arguments: str, env: Mapping[str, str] | None = None, **more: object) -> str:
    """Run a tool that must succeed; return what it printed."""
    done = subprocess.run(
        [found(tool), *arguments],
        env=os.environ | {"COSIGN_PASSWORD": "", "DOCKER_CONFIG": "/nowhere"} | dict(env or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        cwd=str(more.get("cwd", ".")),
    )
    assert done.returncode == 0, f"{tool} {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@dataclass
class Running:
    """A registry that runs on loopback."""

    host: str
    has_referrers: bool
    name: str = "acme/tool"

    @property
    def repository(self) -> str:
        """A repository in it."""
        return f"{self.host}/{self.name}"

    def push(self, shelf: Shelf) -> None:
        """Send everything of a shelf, as the specification says: what has no tag by digest."""
        for blob in shelf.blobs.values():
            self._put_blob(blob)
        # A registry wants what an index lists to be there before the index is.
        for document in sorted(shelf.documents.values(), key=lambda d: d.media_type == INDEX):
            self.put_manifest(document, document.digest)
        for tag, digest in shelf.tags.items():
            self.put_manifest(shelf.documents[digest], tag)

    def put_manifest(self, document: Document, reference: str) -> None:
        """Send a manifest."""
        url = f"http://{self.host}/v2/{self.name}/manifests/{reference}"
        self._send("PUT", url, document.raw, document.media_type)

    def delete_tag(self, tag: str) -> None:
        """Remove a tag."""
        self._send("DELETE", f"http://{self.host}/v2/{self.name}/manifests/{tag}", b"", "x/y")

    def _put_blob(self, blob: Blob) -> None:
        start = f"http://{self.host}/v2/{self.name}/blobs/uploads/"
        location = self._send("POST", start, b"", "application/octet-stream")
        where = location if "://" in location else f"http://{self.host}{location}"
        mark = "&" if "?" in where else "?"
        self._send(
            "PUT", f"{where}{mark}digest={blob.digest}", blob.raw, "application/octet-stream"
        )

    def _send(self, method: str, url: str, body: bytes, media_type: str) -> str:
        request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 - loopback
        request.add_header("Content-Type", media_type)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return str(answer.headers.get("Location", ""))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {url}: {error.code} {error.read()!r}") from error


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait(host: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://{host}/v2/", timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{process.args!r} does not answer")


def start(kind: str, folder: Path) -> Iterator[Running]:
    """Run a registry, ``docker-registry`` or ``olareg``, until the test is over."""
    port = _free_port()
    folder.mkdir(parents=True)
    if kind == "olareg":
        command = [found(kind), "serve", "--addr", "127.0.0.1", "--port", f"{port}"]
        command += ["--dir", str(folder), "--api-delete", "--gc-frequency", "-1s"]
    else:
        command = [found(kind), "serve", str(folder / "registry.yml")]
        (folder / "registry.yml").write_text(
            "version: 0.1\nlog: {level: error}\nstorage:\n"
            f"  filesystem: {{rootdirectory: {folder}/data}}\n  delete: {{enabled: true}}\n"
            f'http: {{addr: "127.0.0.1:{port}"}}\n'
        )
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            _wait(f"127.0.0.1:{port}", process)
            yield Running(f"127.0.0.1:{port}", has_referrers=kind == "olareg")
        finally:
            process.kill()


@pytest.fixture(params=["docker-registry", "olareg"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """Run a registry without the referrers API, and one that has it."""
    yield from start(request.param, tmp_path / "registry")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Make a folder to collect in."""
    return Site(tmp_path / "site")
