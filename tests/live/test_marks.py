"""A mark tells apart what was told from what was not, exactly as PostgreSQL does."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.foundation.embedded import Addresses
from api.live.marks import LONGEST, Mark, Snapshot

transactions = st.integers(min_value=3, max_value=10**12)
snapshots = st.builds(
    lambda ends, back: Snapshot(ends, frozenset(ends - each for each in back if ends - each > 2)),
    transactions,
    st.sets(st.integers(min_value=1, max_value=300), max_size=200),
)
marks = st.one_of(
    st.builds(Mark, snapshots),
    st.builds(Mark, snapshots, snapshots, st.integers(min_value=0, max_value=10**12)),
)


@given(marks)
def test_a_mark_is_read_as_it_was_written(mark: Mark):
    assert Mark.parse(str(mark)) == mark
    assert len(str(mark)) <= LONGEST


@given(snapshots, transactions)
def test_nothing_before_the_beginning_is_open_and_nothing_from_the_end_on_is_seen(
    snapshot: Snapshot, transaction: int
):
    if transaction < snapshot.begins:
        assert snapshot.sees(transaction)
    if transaction >= snapshot.ends:
        assert not snapshot.sees(transaction)


@given(st.text(max_size=40))
def test_anything_else_is_a_value_error(text: str):
    try:
        mark = Mark.parse(text)
    except ValueError:
        return
    assert Mark.parse(str(mark)) == mark


def test_so_many_open_transactions_that_no_header_holds_them_are_told_twice_rather_than_not():
    running = range(100, 1100)
    snapshot = Snapshot.parse(f"100:2000:{','.join(map(str, running))}")
    assert not snapshot.sees(1500)
    assert snapshot.sees(99)


@pytest.mark.parametrize("text", ["10:10:", "10:20:10,15", "7:9:7,8"])
async def test_a_snapshot_sees_what_postgresql_sees_with_it(addresses: Addresses, text: str):
    connection = await asyncpg.connect(addresses.service)
    rows = await connection.fetch(
        "SELECT n, pg_visible_in_snapshot(n::text::xid8, $1::text::pg_snapshot) AS sees "
        "FROM generate_series(3, 25) AS n",
        text,
    )
    assert await connection.fetchval("SELECT ($1::text::pg_snapshot)::text", text) == str(
        Snapshot.parse(text)
    )
    await connection.close()
    assert {row["n"]: row["sees"] for row in rows} == {
        row["n"]: Snapshot.parse(text).sees(row["n"]) for row in rows
    }
