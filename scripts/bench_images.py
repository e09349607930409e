"""What collecting an image costs beside `skopeo copy` to a layout and one `cp` of that.

Both take the same image of random layers from the same docker-registry on loopback; the kit
also looks for evidence, writes the pack and rehearses the check. Debian's skopeo and
docker-registry are needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LAYERS = 8
_NAME = "org.opencontainers.image.ref.name"
_OCI = "application/vnd.oci.image"


def compare(mebibytes: int, check: Callable[[Path, Path], None]) -> None:
    """Print what an image of so many MiB takes, or what is missing here to know it.

    ``check`` is handed the pack and its release file, to be measured too.
    """
    for tool in ("skopeo", "docker-registry"):
        if shutil.which(tool) is None:
            print(f"image: not measured, for there is no {tool}")
            return
    with tempfile.TemporaryDirectory(prefix="airgap-kit-bench-") as name:
        folder = Path(name)
        with _registry(folder) as host:
            digest = _pushed(folder, host, mebibytes)
            _measure(folder, host, digest, mebibytes)
            check(folder / "bench-1.0.pack.tar", folder / "release.toml")


def _measure(folder: Path, host: str, digest: str, mebibytes: int) -> None:
    (folder / "release.toml").write_text(
        'schema = 1\nname = "bench"\nversion = "1.0"\n'
        f'[[artifact]]\nsource = "oci:{host}/bench:1.0"\n'
        f'[[artifact.require]]\ndigest = "{digest}"\n'
    )
    copy = [f"docker://{host}/bench:1.0", f"oci:{folder}/theirs:1.0"]
    kit = [sys.executable, "-m", "kit", "collect", str(folder / "release.toml"), "--replace"]
    theirs, ours = [], []
    for _ in range(2):
        theirs.append(
            _taken("skopeo", "copy", "--src-tls-verify=false", *copy)
            + _taken("cp", "-r", str(folder / "theirs"), str(folder / "copied"))
        )
        for name in ("theirs", "copied"):
            shutil.rmtree(folder / name)
        ours.append(_taken(*kit))
    print(
        f"image {mebibytes} MiB  {min(ours):7.3f} s  "
        f"{min(ours) / min(theirs):5.2f} x skopeo copy and cp"
    )


def _taken(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _pushed(folder: Path, host: str, mebibytes: int) -> str:
    """Make an image, send it, and return its digest."""
    layout = folder / "image"
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(media_type: str, raw: bytes) -> dict[str, object]:
        sha256 = hashlib.sha256(raw).hexdigest()
        (blobs / sha256).write_bytes(raw)
        return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": len(raw)}

    size = (mebibytes << 20) // LAYERS
    layers = [put(f"{_OCI}.layer.v1.tar+gzip", os.urandom(size)) for _ in range(LAYERS)]
    rootfs = {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}
    config = {"architecture": "amd64", "os": "linux", "rootfs": rootfs}
    described = put(f"{_OCI}.config.v1+json", json.dumps(config).encode())
    value = {"schemaVersion": 2, "config": described, "layers": layers}
    manifest = put(f"{_OCI}.manifest.v1+json", json.dumps(value).encode())
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    entry = manifest | {"annotations": {_NAME: "1.0"}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    subprocess.run(
        ["skopeo", "copy", "--preserve-digests", "--dest-tls-verify=false",
         f"oci:{layout}:1.0", f"docker://{host}/bench:1.0"],
        check=True, capture_output=True,
    )  # fmt: skip
    shutil.rmtree(layout)
    return str(manifest["digest"])


@contextmanager
def _registry(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    (folder / "registry.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{host}'}}\n"
        f"storage:\n  filesystem: {{rootdirectory: {folder}/registry}}\n"
    )
    command = ["docker-registry", "serve", str(folder / "registry.yml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            for _ in range(100):
                with socket.socket() as line:
                    if line.connect_ex(("127.0.0.1", int(host.rpartition(":")[2]))) == 0:
                        break
                time.sleep(0.1)
            yield host
        finally:
            running.kill()
