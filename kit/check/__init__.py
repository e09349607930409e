"""The offline walk: a pack, a policy and anchors in; a report out. No network, no writing."""

from kit.check.walk import Options, check

__all__ = ["Options", "check"]
