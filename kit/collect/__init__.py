"""The online walk: a release file in, a pack out. Nothing here believes what it gathers."""

from kit.collect.asking import Settings
from kit.collect.chains import Wanted
from kit.collect.target import keep, refuse
from kit.collect.walk import FAT32_LIMIT, Request, Written, collect, plan

__all__ = [
    "FAT32_LIMIT",
    "Request",
    "Settings",
    "Wanted",
    "Written",
    "collect",
    "keep",
    "plan",
    "refuse",
]
