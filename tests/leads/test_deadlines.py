"""A deadline is kept where somebody can be late for it: after the issue, and not years ahead."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput
from tests.builders import a_lead, a_lead_batch, lead_batch_body, lead_body
from tests.cast import assert_problem

FIRST = {"If-Match": '"1"'}


def _refused(answer: httpx.Response) -> None:
    [error] = assert_problem(answer, InvalidInput)["errors"]
    assert error["pointer"] == "/body/deadline_at"


@pytest.mark.parametrize("days", [-365, 365])
async def test_a_year_mistyped_is_found_wherever_a_deadline_is_told(
    zhou: httpx.AsyncClient, days: int
):
    batch = await a_lead_batch(zhou)
    lead = await a_lead(zhou, batch)
    odd = {"deadline_at": (clock.now() + timedelta(days=days)).isoformat()}
    put_right: dict[str, Any] = {"json": {**odd, "reason": "改期"}, "headers": FIRST}
    leads = f"/v1/lead-batches/{batch['id']}/leads"
    _refused(await zhou.post("/v1/lead-batches", json=lead_batch_body(**odd)))
    _refused(await zhou.patch(f"/v1/lead-batches/{batch['id']}", **put_right))
    _refused(await zhou.post(leads, json=lead_body(**odd)))
    _refused(await zhou.patch(f"/v1/leads/{lead['id']}", **put_right))
    assert (await zhou.get(f"/v1/leads/{lead['id']}")).json()["lead"] == lead
