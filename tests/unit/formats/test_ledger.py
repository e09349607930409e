"""The ledger is read strictly, and written so that it reads back the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import ledger, schema, strictjson
from kit.formats.ledger import Inquiry
from kit.model import Answer, Asked

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.builds(
    Asked,
    place=TEXT,
    wanted=TEXT,
    answer=st.sampled_from(Answer),
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    note=st.none() | TEXT,
    carried=st.booleans(),
    added=st.booleans(),
)
LEDGERS = st.lists(
    st.builds(Inquiry, source=TEXT, asked=st.lists(ROWS, max_size=4).map(tuple)), max_size=4
).map(tuple)


@settings(deadline=None)
@given(LEDGERS)
def test_what_is_written_reads_back_the_same_and_follows_its_schema(
    inquiries: tuple[Inquiry, ...],
) -> None:
    raw = ledger.render(inquiries)
    assert ledger.parse(raw) == inquiries
    schema.validate(strictjson.parse(raw, max_bytes=1 << 20), "ledger")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_ledger_or_malformed(raw: bytes) -> None:
    try:
        ledger.parse(raw)
    except MalformedError:
        return


ROW = '{"place":"p","wanted":"w","answer":"found"'


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "{}",
        '{"schema":1}',
        '{"schema":true,"lines":[]}',
        '{"schema":2,"lines":[]}',
        '{"schema":1,"lines":{}}',
        '{"schema":1,"lines":[],"more":1}',
        '{"schema":1,"lines":[{"source":"s"}]}',
        '{"schema":1,"lines":[{"source":"s","asked":[],"more":1}]}',
        '{"schema":1,"lines":[{"source":7,"asked":[]}]}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW},"sha256":"AB"}}]}}]}}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW},"carried":true}}]}}]}}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW},"carried":0}}]}}]}}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW},"added":false}}]}}]}}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW},"added":"yes"}}]}}]}}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW},"more":1}}]}}]}}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW.replace("found", "maybe")}}}]}}]}}',
        f'{{"schema":1,"lines":[{{"source":"s","asked":[{ROW},"place":"q"}}]}}]}}',
    ],
)
def test_what_is_no_ledger_is_malformed(raw: str) -> None:
    with pytest.raises(MalformedError):
        ledger.parse(raw.encode())
