"""What a signature is called to which collecting added the log's proof.

The file that was published is carried as it is. Made of it, and of what the log answered,
is a Sigstore bundle of its own whose name says both. The name is the collector's claim:
the bundle is verified like any other, and only a report's words depend on the name.
"""

from __future__ import annotations

SUFFIX = ".rekor.sigstore.json"


def name_for(original: str) -> str:
    """Return the name of the completed bundle of a file."""
    return f"{original}{SUFFIX}"


def original_of(name: str) -> str | None:
    """Return the name of the file that a completed bundle was made of; ``None`` for any other."""
    stem = name.removesuffix(SUFFIX)
    return stem if stem and stem != name else None
