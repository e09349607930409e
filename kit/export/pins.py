"""Write what passed as digest pins, for tools that install by digest.

::

    requirements.txt    pip install --require-hashes: a line for each project and version
    images.txt          REGISTRY/REPOSITORY@sha256:HEX, a line for each image
    packages.txt        npm's NAME@VERSION and its integrity, sha512-BASE64
    SHA256SUMS          every file that passed, in coreutils' form
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from kit.errors import PackError
from kit.export import image_plan, writing
from kit.formats import distribution, encodings
from kit.formats.source_text import Package, parse_source
from kit.model import Report, Verdict
from kit.pack.reader import Pack

_CHUNK = 1 << 20


def write(pack: Pack, report: Report, to: Path) -> tuple[str, ...]:
    """Write the pins of what passed in ``report`` into the folder ``to``; return the files.

    All of them are written, or none: raises as :func:`kit.export.files.extract` does.
    """
    passed = report.released
    files = [verdict for verdict in passed if not image_plan.is_image(verdict)]
    texts = {
        "requirements.txt": _requirements(files),
        "images.txt": [_image(verdict) for verdict in passed if image_plan.is_image(verdict)],
        "packages.txt": [_npm(pack, v) for v in files if v.source.startswith("npm:")],
        "SHA256SUMS": [f"{_hex(v)}  {v.name}" for v in files if "\\" not in v.name],
    }
    there = {name: "".join(f"{each}\n" for each in lines) for name, lines in texts.items() if lines}
    if not there:
        return ()
    writing.refuse_taken(tuple(there), to)
    with writing.aside(to) as aside:
        for name, text in there.items():
            writing.put(aside / name, text.encode())
        writing.publish([(aside / name, to / name) for name in there], to)
    return tuple(there)


def _requirements(files: Iterable[Verdict]) -> list[str]:
    """Return a line of each version, with the hash of each of its files that passed."""
    by_version: dict[str, list[str]] = {}
    for verdict in files:
        package = parse_source(verdict.source, "source").package
        named = distribution.parse_published(verdict.name)
        if isinstance(package, Package) and named is not None:
            version = f"{named.project}=={named.version}"
            by_version.setdefault(version, []).append(f"--hash=sha256:{_hex(verdict)}")
    return [
        " \\\n    ".join([version, *sorted(set(hashes))])
        for version, hashes in sorted(by_version.items())
    ]


def _image(verdict: Verdict) -> str:
    image = parse_source(verdict.source, "source").image
    if image is None:  # from a folder: nothing says which registry has it
        return f"# sha256:{_hex(verdict)}  {verdict.name}"
    told = f"  # {verdict.name}" if image.tag is not None else ""
    return f"{image.repository}@sha256:{_hex(verdict)}{told}"


def _npm(pack: Pack, verdict: Verdict) -> str:
    """Return a package and its integrity, of the bytes whose SHA-256 passed."""
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    with pack.member_file(verdict.members[0]) as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
            sha512.update(chunk)
    if sha256.hexdigest() != _hex(verdict):
        raise PackError(
            f"{verdict.name} changed after it was checked",
            code="pack.rewritten",
            subject=verdict.members[0],
        )
    return f"{verdict.source.removeprefix('npm:')} sha512-{encodings.b64encode(sha512.digest())}"


def _hex(verdict: Verdict) -> str:
    return "" if verdict.digest is None else verdict.digest.hex
