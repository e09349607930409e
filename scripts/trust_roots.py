"""Fetch again what `trust-roots/` was pinned from, and compare every byte.

Each folder's `origin.json` says which packages carry a file. They come through the ordinary
clients of their registries (pip, npm, go, cargo) into a folder that is thrown away. A file
holds when every source has these very bytes, and when the older roots that are named under
`signed-by` sign it. Ends with 1 if anything differs.

    scripts/trust-roots                   compare all; write nothing
    scripts/trust-roots sigstore npm      compare these
    scripts/trust-roots --write sigstore  take over what the sources have now

To rotate: put the new versions of the packages into `origin.json`, run with --write, read the
difference, and change the README beside it. --write refuses sources that differ, and a TUF
root that the present one does not sign.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tuf.api._payload import Root
from tuf.api.metadata import Metadata

ROOTS = Path(__file__).resolve().parent.parent / "trust-roots"
ORIGIN = "origin.json"

Read = Callable[[str], bytes]


def pypi(name: str, version: str, folder: Path) -> Read:
    """Download a wheel."""
    _run(
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--only-binary", ":all:", "--dest", str(folder), f"{name}=={version}",
    )  # fmt: skip
    wheel = zipfile.ZipFile(_only(folder.glob("*.whl")))
    return wheel.read


def npm(name: str, version: str, folder: Path) -> Read:
    """Download an npm package."""
    _run("npm", "pack", "--silent", "--pack-destination", str(folder), f"{name}@{version}")
    return _tar(_only(folder.glob("*.tgz")), "package")


def golang(name: str, version: str, folder: Path) -> Read:
    """Download a Go module."""
    env = os.environ | {"GOMODCACHE": str(folder), "GOFLAGS": "-modcacherw"}
    told = _run("go", "mod", "download", "-json", f"{name}@{version}", cwd=folder, env=env)
    unpacked = Path(json.loads(told)["Dir"])
    return lambda path: (unpacked / path).read_bytes()


def cargo(name: str, version: str, folder: Path) -> Read:
    """Download a crate. Cargo keeps it in its own cache, whose mirrors its settings name."""
    _run("cargo", "info", f"{name}@{version}", cwd=folder)
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    crates = sorted(home.glob(f"registry/cache/*/{name}-{version}.crate"))
    return _tar(crates[0], f"{name}-{version}")


CLIENTS = {"pypi": pypi, "npm": npm, "golang": golang, "cargo": cargo}


@cache
def package(purl: str) -> Read:
    """Fetch the package that a purl names; return what reads a file of it."""
    kind, _, rest = purl.removeprefix("pkg:").partition("/")
    name, _, version = rest.rpartition("@")
    folder = Path(TEMPORARY.name) / hashlib.sha256(purl.encode()).hexdigest()[:16]
    folder.mkdir()
    return CLIENTS[kind](unquote(name), version, folder)


TEMPORARY = tempfile.TemporaryDirectory(prefix="trust-roots-")


def source(given: dict[str, Any]) -> bytes:
    """Return the bytes that a source has."""
    raw = package(given["package"])(given["file"])
    if "inside" not in given:
        return raw
    # The form of npm's seeds: by repository, of which there is one, a root and targets in base64.
    (seed,) = json.loads(raw).values()
    named = {"root.json": seed["root.json"]} | {
        unquote(target).rpartition("/")[2]: text for target, text in seed["targets"].items()
    }
    return base64.b64decode(named[given["inside"]])


def differences(folder: Path, origin: dict[str, Any], *, write: bool) -> Iterator[str]:
    """Yield what is not as it should be, printing what is."""
    for name, said in origin["files"].items():
        path = folder / name
        found = {each["package"]: source(each) for each in said["sources"]}
        if write:
            yield from take_over(path, said, set(found.values()))
        raw = path.read_bytes()
        sha256 = hashlib.sha256(raw).hexdigest()
        print(f"{folder.name}/{name}  sha256:{sha256}")
        if sha256 != said["sha256"]:
            yield f"{folder.name}/{name}: {ORIGIN} says {said['sha256']}"
        for purl, theirs in found.items():
            print(f"  {'equal' if theirs == raw else 'DIFFERS'}  {purl}")
            if theirs != raw:
                yield f"{folder.name}/{name}: {purl} has other bytes"
        for older in said.get("signed-by", ()):
            holds = signs(source(older), raw)
            print(f"  {'signed by' if holds else 'NOT SIGNED BY'}  {older['package']}")
            if not holds:
                yield f"{folder.name}/{name}: the root in {older['package']} does not sign it"


def take_over(path: Path, said: dict[str, Any], found: set[bytes]) -> Iterator[str]:
    """Write what all sources agree on, where it differs; yield why it is not taken over."""
    if len(found) != 1:
        yield f"{path}: the sources differ from each other; nothing was written"
        return
    (raw,) = found
    old = path.read_bytes() if path.exists() else raw
    if path.name == "root.json" and old != raw and not signs(old, raw):
        yield f"{path}: the present root does not sign the new one; nothing was written"
        return
    said["sha256"] = hashlib.sha256(raw).hexdigest()
    if old == raw and path.exists():
        return
    path.write_bytes(raw)
    print(f"WRITTEN {path}")


def signs(older: bytes, newer: bytes) -> bool:
    """Say whether one TUF root's keys, as many as it demands, signed another."""
    root: Metadata[Root] = Metadata.from_bytes(older)
    other: Metadata[Root] = Metadata.from_bytes(newer)
    result = root.signed.get_verification_result("root", other.signed_bytes, other.signatures)
    # By key, not by key id: one key under two ids is one key.
    keys = {key.keyval["public"] for key in result.signed.values()}
    return len(keys) >= result.threshold


def _only(found: Iterator[Path]) -> Path:
    (path,) = found
    return path


def _tar(archive: Path, top: str) -> Read:
    def read(path: str) -> bytes:
        with tarfile.open(archive) as tar:
            member = tar.extractfile(f"{top}/{path}")
            assert member is not None
            return member.read()

    return read


def _run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def main() -> int:
    """Compare what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", metavar="INSTANCE", help="default: all")
    parser.add_argument("--write", action="store_true", help="take over what the sources have")
    given = parser.parse_args()
    wrong: list[str] = []
    for path in sorted(ROOTS.glob(f"*/{ORIGIN}")):
        if given.folders and path.parent.name not in given.folders:
            continue
        origin = json.loads(path.read_text(encoding="utf-8"))
        wrong += differences(path.parent, origin, write=given.write)
        if given.write:
            path.write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
