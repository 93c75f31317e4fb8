"""What an arrival does, and how far they are vaccinated: asked, put right, heard by the rules."""

from copy import deepcopy
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, RecordDiffers
from api.foundation.records import new_id
from api.protocols.documents import EXAMPLE
from tests.builders import a_household, a_risk_area, an_arrival, arrival_body
from tests.cast import Town, assert_problem

PLANS = {"fully": {"vaccinated": True}, "not_fully": {"vaccinated": False}, "unknown": {}}
HOME = "t.01.01.01"
STAYS = [{"code": "451026101", "from_on": "2021-12-20", "to_on": str(clock.today())}]


@pytest.fixture(scope="module", autouse=True)
async def rules(town: Town) -> None:
    """Drivers by themselves; of all others, the fully vaccinated, the others, the unknown."""
    zhou = await town.as_("zhou")
    document = deepcopy(EXAMPLE)
    [plan] = document["plans"]
    conditions = {"drivers": {"occupations": ["truck_driver"]}, **PLANS}
    document["plans"] = [{**plan, "code": code} for code in conditions]
    document["match_rules"] = [
        {"priority": place, "clause": f"第{place}条", "plan": code, "when": when}
        for place, (code, when) in enumerate(conditions.items(), start=1)
    ]
    said = {
        "id": str(new_id()),
        "code": "by_facts",
        "name": "按接种和职业",
        "disease": "流感",
        "issuing_body": "青竹乡防控指挥部",
        "legal_basis": "青竹乡防控指挥部〔2022〕9号",
        "source": "测试",
        "effective_from": "2020-01-01",
        "document": document,
    }
    assert (await zhou.post("/v1/protocols", json=said)).status_code == 201
    path = f"/v1/protocols/{said['id']}/activate"
    assert (await zhou.post(path, headers={"If-Match": '"1"'})).status_code == 200
    await a_risk_area(zhou)


async def proposed(client: httpx.AsyncClient, arrival: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/v1/arrivals/{arrival['id']}/proposal")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def now(client: httpx.AsyncClient, arrival: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/v1/arrivals/{arrival['id']}")).json()["arrival"]


@pytest.mark.parametrize(
    ("told", "plan"),
    [
        ({}, "unknown"),
        ({"vaccination": "unvaccinated"}, "not_fully"),
        ({"vaccination": "partial"}, "not_fully"),
        ({"vaccination": "contraindicated"}, "not_fully"),
        ({"vaccination": "full"}, "fully"),
        ({"vaccination": "booster"}, "fully"),
        ({"occupations": ["student"], "vaccination": "booster"}, "fully"),
        ({"occupations": ["student", "truck_driver"], "vaccination": "booster"}, "drivers"),
    ],
)
async def test_the_rules_hear_what_was_told(town: Town, told: dict[str, Any], plan: str):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, await a_household(ming, grid=HOME), stays=STAYS, **told)
    for name in ("vaccination", "occupations"):
        assert arrival[name] == told.get(name)
    answer = await proposed(ming, arrival)
    assert answer["plan"]["code"] == plan
    assert answer["facts"]["occupations"] == told.get("occupations", [])


async def test_told_later_it_decides_otherwise_and_told_wrong_it_is_unknown_again(town: Town):
    ming = await town.as_("ming")
    arrival = await an_arrival(ming, await a_household(ming, grid=HOME), stays=STAYS)
    path, why = f"/v1/arrivals/{arrival['id']}", {"reason": "出示接种凭证"}
    said = {**why, "vaccination": "full", "occupations": ["teacher", "teacher"]}
    kept = await ming.patch(path, json=said, headers={"If-Match": '"1"'})
    assert kept.status_code == 200, kept.text
    told = await now(ming, arrival)
    assert (told["vaccination"], told["occupations"]) == ("full", ["teacher"])
    assert (await proposed(ming, arrival))["plan"]["code"] == "fully"
    version = {"If-Match": f'"{told["version"]}"'}
    wrong = await ming.patch(path, json={**why, "vaccination": None}, headers=version)
    assert wrong.status_code == 200, wrong.text
    assert (await proposed(ming, arrival))["plan"]["code"] == "unknown"


async def test_sent_twice_it_is_one_and_otherwise_it_differs(town: Town):
    ming = await town.as_("ming")
    told = {"vaccination": "full", "occupations": ["student"]}
    body = arrival_body(await a_household(ming, grid=HOME), **told)
    first, again = [await ming.post("/v1/arrivals", json=body) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    other = await ming.post("/v1/arrivals", json={**body, "vaccination": "partial"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["vaccination"]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"vaccination": "three"}, "/body/vaccination"),
        ({"occupations": ["学生"]}, "/body/occupations/0"),
        ({"occupations": "student"}, "/body/occupations"),
        ({"occupations": [f"job_{number}" for number in range(21)]}, "/body/occupations"),
    ],
)
async def test_a_wrong_answer_is_pointed_at(town: Town, told: dict[str, Any], pointer: str):
    ming = await town.as_("ming")
    body = arrival_body(await a_household(ming, grid=HOME), **told)
    refused = assert_problem(await ming.post("/v1/arrivals", json=body), InvalidInput)
    assert pointer in [each["pointer"] for each in refused["errors"]]
