"""Places told too broadly, or without their days, are shown to be asked about: never as safe."""

from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
from tests.builders import a_household, a_risk_area, an_arrival
from tests.cast import Town

HOME = "t.01.01.01"


def day(ago: int) -> str:
    return (clock.today() - timedelta(days=ago)).isoformat()


def stay(code: str, since: int, until: int) -> dict[str, str]:
    return {"code": code, "from_on": day(since), "to_on": day(until)}


@pytest.fixture
async def area(town: Town) -> dict[str, Any]:
    """A street at high risk; of the district and the city around it the list says nothing."""
    zhou = await town.as_("zhou")
    listed = {"code_prefix": "360111001", "name": "榕荫街道", "level": "high"}
    found = await zhou.get("/v1/risk-areas", params={"prefix": "360111001"})
    items = found.json()["items"]
    return items[0] if items else await a_risk_area(zhou, **listed)


@pytest.mark.usefixtures("area")
@pytest.mark.parametrize(
    ("told", "level", "unclear"),
    [
        ({"stays": [stay("360111", 20, 0)]}, "none", ["360111"]),
        ({"stays": [stay("360100", 20, 0)]}, "none", ["360100"]),
        ({"stays": [stay("360111001", 20, 0)]}, "high", []),
        ({"stays": [stay("360111002", 20, 0)]}, "none", []),
        ({"stays": [stay("360111", 60, 40)]}, "none", []),
        ({"origin_code": "360111001"}, "none", ["360111001"]),
        ({"origin_code": "360111"}, "none", ["360111"]),
        ({"origin_code": "360111", "stays": [stay("360111002", 20, 0)]}, "none", []),
        ({"stays": [stay("360111", 20, 5), stay("360111001", 4, 0)]}, "high", []),
    ],
)
async def test_what_may_lie_at_risk_is_to_be_asked_about(
    town: Town, told: dict[str, Any], level: str, unclear: list[str]
):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, await a_household(ming, grid=HOME), **told)
    assert (arrival["risk_level"], arrival["unclear_codes"]) == (level, unclear)


async def test_who_was_told_of_nowhere_is_not_said_to_be_safe(town: Town):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, await a_household(ming, grid=HOME))
    kept = (await ming.get(f"/v1/arrivals/{arrival['id']}")).json()
    assert kept["classifications"][0]["explanation"].startswith("没有填写来前到过的地方")


@pytest.mark.usefixtures("area")
async def test_who_has_gone_is_asked_no_more(town: Town):
    ming = await town.as_("ming")
    told = {"stays": [stay("360111", 20, 0)]}
    arrival = await an_arrival(ming, await a_household(ming, grid=HOME), **told)
    gone = await ming.post(f"/v1/arrivals/{arrival['id']}/invalidate", json={"reason": "不来了"})
    assert gone.json()["unclear_codes"] == []
