"""A clock that nobody stops tells the next step, at the minute, never before and never twice."""

import asyncio
import itertools
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.alerts.climbing import climb
from api.alerts.opening import open_alert
from api.foundation import clock
from tests.alerts.conftest import HOUSE, NINE, Climb, after, finding
from tests.cast import TOWNSHIP, Town


async def _opened(town: Town) -> UUID:
    async with town.database.connection(HOUSE) as connection:
        alert = await open_alert(connection, finding())
    assert alert is not None
    return alert


async def _told(owner: asyncpg.Connection, alert: UUID) -> list[tuple[int, datetime, datetime]]:
    rows = await owner.fetch(
        "SELECT number, told_at, due_at FROM alert_hops WHERE alert_id = $1 ORDER BY number", alert
    )
    return [(row["number"], row["told_at"], row["due_at"]) for row in rows]


async def test_it_climbs_step_by_step_and_stays_open_when_nobody_is_left_to_tell(
    town: Town, owner: asyncpg.Connection, climb_at: Climb
):
    alert = await _opened(town)
    assert [await climb_at(minutes) for minutes in (0, 14.99, 15, 15, 44.99, 45, 120, 999)] == [
        0, 0, 1, 0, 0, 1, 0, 0,
    ]  # fmt: skip
    # Nobody is a medic of the township: its leaders are told once more, and then nobody is left.
    assert await _told(owner, alert) == [
        (1, after(0), after(15)),
        (2, after(15), after(45)),
        (3, after(45), after(45)),
        (4, after(45), after(120)),
    ]
    row = await owner.fetchrow("SELECT status, climbs_at FROM alerts WHERE id = $1", alert)
    assert row is not None
    assert tuple(row) == ("open", None)


async def test_after_a_stop_the_next_step_has_its_whole_time_from_when_it_was_told(
    town: Town, owner: asyncpg.Connection, climb_at: Climb
):
    alert = await _opened(town)
    assert await climb_at(300) == 1
    assert await climb_at(329) == 0
    assert (await _told(owner, alert))[1] == (2, after(300), after(330))


async def test_two_who_look_at_once_tell_each_step_once(
    town: Town, owner: asyncpg.Connection, nine: time_machine.Traveller
):
    every = [await _opened(town) for _ in range(20)]
    nine.move_to(after(15))

    async def look() -> int:
        async with town.database.connection(HOUSE) as connection:
            return await climb(connection, TOWNSHIP, clock.now())

    assert sum(await asyncio.gather(*(look() for _ in range(4)))) == len(every)
    assert {len(await _told(owner, alert)) for alert in every} == {2}


async def test_one_that_is_being_answered_does_not_climb(
    town: Town, owner: asyncpg.Connection, climb_at: Climb
):
    alert = await _opened(town)
    async with owner.transaction():
        await owner.execute("SELECT FROM alerts WHERE id = $1 FOR UPDATE", alert)
        assert await climb_at(15) == 0
    assert await climb_at(15) == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["basic", "village", "area", "township"]),
        st.sampled_from(["grid_leader", "grid_worker", "medic"]),
        st.integers(1, 1440),
    ),
    min_size=1,
    max_size=6,
)
LOOKS = st.lists(st.integers(0, 4000).map(lambda each: each / 2), max_size=20).map(sorted)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, looks=LOOKS)
async def test_for_any_policy_and_any_times_no_hop_is_early_or_doubled_or_left_out(
    town: Town, owner: asyncpg.Connection, nine: Any, steps: Any, looks: list[float]
):
    said = [
        dict(zip(("grid_kind", "roles", "minutes"), (k, [r], m), strict=True)) for k, r, m in steps
    ]
    await owner.execute(
        "UPDATE alert_policies SET steps = $1 WHERE code = 'urgent'", orjson.dumps(said).decode()
    )
    nine.move_to(NINE)
    alert = await _opened(town)
    for minutes in looks:
        nine.move_to(after(minutes))
        async with town.database.connection(HOUSE) as connection:
            await climb(connection, TOWNSHIP, clock.now())
    hops = await owner.fetch("SELECT * FROM alert_hops WHERE alert_id = $1 ORDER BY number", alert)
    assert [hop["number"] for hop in hops] == list(range(1, len(hops) + 1))
    for former, hop in itertools.pairwise(hops):
        assert hop["step"] == former["step"] + 1
        assert hop["told_at"] >= former["due_at"]
        # It was told at the first look at which it was due, and not at a later one.
        first = next(after(each) for each in [0, *looks] if after(each) >= former["due_at"])
        assert hop["told_at"] == max(first, former["told_at"])
    last = hops[-1]
    row = await owner.fetchrow("SELECT * FROM alerts WHERE id = $1", alert)
    assert row is not None
    assert row["climbs_at"] == (last["due_at"] if last["step"] < len(steps) else None)
    if row["climbs_at"] is not None:
        assert after(max([0, *looks])) < row["climbs_at"]
