"""How bad a vulnerability is, as the field's scanners write it, and the ids they write it under."""

from __future__ import annotations

import re
from typing import Any

from kit.model.predicates import Severity

_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.NONE,
}
_SCORE = re.compile(r"(10(\.0{1,3})?|[0-9](\.[0-9]{1,3})?)")
_ID = re.compile(
    r"(?<![A-Za-z0-9])(CVE-[0-9]{4}-[0-9]+|GHSA(-[0-9a-z]{4}){3})(?![A-Za-z0-9])", re.IGNORECASE
)


def of_word(word: Any) -> Severity:
    """Return the severity of a scanner's word; anything unheard of is unknown."""
    return _WORDS.get(word.lower(), Severity.UNKNOWN) if isinstance(word, str) else Severity.UNKNOWN


def of_score(score: Any) -> Severity:
    """Return the severity of a `security-severity`, by the bands of CVSS v3.1 (section 5).

    Zero is unknown: grype writes it where no source gives a score, and GitHub's bands begin
    at 0.1. So is anything but a number from 0 to 10.
    """
    if isinstance(score, float | int) and not isinstance(score, bool):
        score = str(score)
    if not isinstance(score, str) or not _SCORE.fullmatch(score):
        return Severity.UNKNOWN
    bands = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
    value = float(score)
    found = next((severity for least, severity in bands if value >= least), Severity.LOW)
    return found if value > 0 else Severity.UNKNOWN


def ids_in(text: str) -> tuple[str, ...]:
    """Return the CVE and GHSA ids in a text such as the rule id ``CVE-2026-1-libx``."""
    return tuple(dict.fromkeys(match[1] for match in _ID.finditer(text)))
