"""What is kept of a TUF chain that a pinned root authenticated: numbers, never files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The newest versions of one instance's TUF metadata, and until when they say they hold.

    ``root_sha256`` is of what the newest root signs; ``online_keys`` a digest of who may sign
    timestamp and snapshot under it; ``trusted_root_sha256`` is of the target. All of it holds
    until ``valid_until``, when the first of root, timestamp, snapshot and targets expires.
    """

    root: int
    root_sha256: str
    root_expires: datetime
    timestamp: int
    valid_until: datetime
    snapshot: int
    targets: int
    online_keys: str
    trusted_root_sha256: str
