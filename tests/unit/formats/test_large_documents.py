"""A document of 50 MB is read in seconds, within a small multiple of its size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kit.formats import enclosed
from tests import documents

SIZE = 50 << 20

MEASURE = """\
import resource, sys, time
from pathlib import Path
from kit.formats import document
from kit.model import EvidenceKind

def peak():
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used << 10

before = peak()
start = time.monotonic()
found = document.read(EvidenceKind.SBOM, Path(sys.argv[1]).read_bytes())
print(time.monotonic() - start, peak() - before, found.components)
"""


def _component(number: int) -> dict[str, object]:
    return {
        "bom-ref": f"pkg:npm/lib{number}@1.{number}.0",
        "type": "library",
        "name": f"lib{number}",
        "version": f"1.{number}.0",
        "hashes": [{"alg": "SHA-256", "content": f"{number:064x}"}],
        "licenses": [{"license": {"id": "MIT"}}],
        "cpe": f"cpe:2.3:a:lib{number}:lib{number}:1.{number}.0:*:*:*:*:*:*:*",
        "purl": f"pkg:npm/lib{number}@1.{number}.0",
        "properties": [{"name": "path", "value": f"/usr/lib/lib{number}.so"}],
    }


def _package(number: int) -> dict[str, object]:
    return {
        "SPDXID": f"SPDXRef-Package-{number}",
        "name": f"lib{number}",
        "versionInfo": f"1.{number}.0",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": f"{number:064x}"}],
        "licenseDeclared": "MIT",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:npm/lib{number}@1.{number}.0",
            }
        ],
    }


def _large(form: str) -> tuple[bytes, int]:
    """Return a document of 50 MB, and how many components it lists."""
    key, whole, make = (
        ("packages", documents.spdx(), _package)
        if form == "spdx"
        else ("components", documents.cyclonedx(), _component)
    )
    count = SIZE // len(json.dumps(make(10_000)))
    whole[key] = [*whole[key], *(make(number) for number in range(count))]
    return json.dumps(whole).encode(), count + 2


@pytest.mark.slow
@pytest.mark.parametrize("form", ["spdx", "cyclonedx"])
def test_an_sbom_of_50_mb_is_read_within_bounds(tmp_path: Path, form: str) -> None:
    raw, count = _large(form)
    assert 45 << 20 < len(raw) < enclosed.MAX_BYTES
    path = tmp_path / "sbom.json"
    path.write_bytes(raw)
    # In a process of its own: the peak is its alone.
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    seconds, memory, components = done.stdout.split()
    assert int(components) == count
    assert int(memory) < 8 * len(raw)
    assert float(seconds) < 60  # 3 to 4 on an idle machine
