"""Keep bytes in memory as a file that is whole or not there."""

from __future__ import annotations

import threading
from pathlib import Path

from kit.errors import MachineError


def keep(raw: bytes, path: Path) -> None:
    """Write ``path``, which only these bytes are ever kept as; threads may do so at once."""
    part = path.with_name(f"{path.name}.{threading.get_ident()}.part")
    try:
        part.write_bytes(raw)
        part.replace(path)
    except OSError as error:
        what = f"{path.name} cannot be written: {error.strerror}"
        raise MachineError(what, code="machine.unwritable") from error
