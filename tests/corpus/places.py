"""Where the shared corpus is, if it is there: real bundles that others signed."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
PRESENT = CORPUS.is_dir()
WHY_ABSENT = "the shared corpus is not beside this checkout"
