"""A team that nobody has arranged by the end of its grace is an alert, once for each stage."""

from datetime import timedelta

import asyncpg

from api.foundation import clock
from api.foundation.database import Entry
from api.quarantines.incomplete import sweep_incomplete
from tests.builders import FOUR, a_quarantine
from tests.cast import TOWNSHIP, Town


async def test_who_still_lacks_a_team_an_hour_later_is_an_alert_and_only_once(
    town: Town, owner: asyncpg.Connection
):
    lin = await town.as_("lin")
    lacking, served = await a_quarantine(lin), await a_quarantine(lin, team=FOUR)

    async def look(minutes: int) -> int:
        async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
            at = clock.now() + timedelta(minutes=minutes)
            return await sweep_incomplete(connection, TOWNSHIP, at)

    assert [await look(minutes) for minutes in (0, 58, 61, 62)] == [0, 0, 1, 0]
    rows = await owner.fetch(
        "SELECT quarantine_id::text, resident_id::text FROM alerts WHERE cause = 'incomplete_team'"
    )
    assert [tuple(row) for row in rows] == [(lacking["id"], lacking["resident_id"])]
    assert served["team_complete"] is True
