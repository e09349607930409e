"""The table of `bundles/README.md`: page, requirement, rule, finding; made of the tests.

``python -m tests.systems.table`` writes it there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.systems import test_aotanami as aotanami
from tests.systems import test_openmed as openmed
from tests.systems import test_securescan as securescan
from tests.systems import test_stigmem as stigmem
from tests.systems import test_wellmaintained as wellmaintained
from tests.systems.suite import Asked, Break

README = Path(__file__).resolve().parents[2] / "bundles/README.md"
BEGIN, END = "<!-- made by tests/systems/table.py -->\n", "<!-- end -->\n"
SYSTEMS: Mapping[str, tuple[Asked, ...]] = {
    "stigmem": stigmem.ASKED,
    "securescan": securescan.ASKED,
    "openmed": openmed.ASKED,
    "wellmaintained": wellmaintained.ASKED,
    "aotanami": aotanami.ASKED,
}


def table() -> str:
    """Return the tables, one a system."""
    return "\n".join("".join(f"{line}\n" for line in _of(name)) for name in SYSTEMS)


def written(text: str) -> str:
    """Return the README with the tables as they should be."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("bundles/README.md has no place for the tables")
    return f"{before}{begin}\n{table()}\n{end}{after}"


def _of(name: str) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield "| | the page | the rule | broken at its source | the finding |"
    yield "|---|---|---|---|---|"
    for asked in sorted(SYSTEMS[name], key=lambda one: int(one.number[2:])):
        shown = (asked.number, asked.page, asked.rule)
        for number, way in enumerate(asked.breaks):
            cells = (*(shown if number == 0 else ("", "", "")), way.what)
            yield f"| {' | '.join(map(_cell, cells))} | {_finding(way)} |"


def _finding(way: Break) -> str:
    status = f" (status {way.status})" if way.status != 1 else ""
    said = f", “… {_cell(way.says.strip())} …”" if way.says else ""
    return f"`{way.code}`{status}{said}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def main() -> int:
    """Write the README."""
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
