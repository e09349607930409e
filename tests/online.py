"""What a test does that needs a registry of the internet, where none answers."""

from __future__ import annotations

import os
from typing import Never

import pytest


def skip(wanted: str, why: str) -> Never:
    """Skip the test, and say why ``wanted`` cannot be had."""
    years = os.environ.get("AIRGAP_KIT_YEARS_ON")  # scripts/years-on
    if years and "machine.tls" in why:
        why += f": the certificates of today's internet do not hold {years} years on"
    pytest.skip(f"no {wanted} can be had: {why}")
