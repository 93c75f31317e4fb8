"""A late lead that is given to another grid is late there: who answers there is told."""

from datetime import timedelta

from api.foundation import clock
from api.foundation.jobs import sweep
from tests.builders import a_lead, a_lead_batch
from tests.cast import TOWNSHIP, Town, grid_id


async def test_a_late_lead_is_late_where_it_is_given_to(town: Town):
    zhou = await town.as_("zhou")
    soon = clock.now() + timedelta(minutes=10)
    batch = await a_lead_batch(zhou)
    here, there = str(grid_id("t.01.01.01")), str(grid_id("t.01.02.01"))
    lead = await a_lead(zhou, batch, grid_id=here, deadline_at=soon.isoformat())

    async def alerts(minutes: int) -> list[tuple[str, str]]:
        at = soon + timedelta(minutes=minutes)
        await sweep(town.database, "leads.late", TOWNSHIP, at=at)
        found = (await zhou.get("/v1/alerts", params={"cause": "overdue_lead"})).json()["items"]
        found.sort(key=lambda each: each["opened_at"])
        return [(each["grid_id"], each["status"]) for each in found]

    assert await alerts(1) == [(here, "open")]
    given = {"grid_id": there, "reason": "住在柳坪村"}
    for _ in range(2):
        answer = await zhou.post(f"/v1/leads/{lead['id']}/assign", json=given)
        assert answer.status_code == 200, answer.text
    assert await alerts(2) == [(here, "verified"), (there, "open")]
    assert await alerts(3) == [(here, "verified"), (there, "open")]
