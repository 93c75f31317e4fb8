"""What somebody showed, where they passed and who looked for them stands in their file too."""

import json
from typing import Any

import httpx
import pytest

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import Database
from api.foundation.records import new_id
from tests.access.posts import a_post
from tests.builders import (
    a_checkpoint,
    a_code_state,
    a_household,
    a_lead,
    a_lead_batch,
    a_pass,
    a_sample_tube,
    a_vaccination,
    synthetic_resident,
    travel_card_body,
)
from tests.cast import TOWNSHIP, Town, grid_id, id_of
from tests.place import kept, said

GROUP = "t.01.01.01"


@pytest.fixture(scope="module")
async def people(town: Town) -> list[dict[str, Any]]:
    """Two of one home as they were told; the first has shown everything there is to show."""
    lin = await town.as_("lin")
    told = [synthetic_resident(relation=each) for each in ("head", "spouse")]
    home = await a_household(lin, grid=grid_id(GROUP), residents=told)
    people = [one | {"id": at["id"]} for one, at in zip(told, home["residents"], strict=True)]
    first, second = (each["id"] for each in people)
    await _looked_for(lin, people[0])
    await a_code_state(lin, first, state="yellow")
    await said(lin, "POST", "/v1/travel-cards", travel_card_body(first))
    await a_vaccination(lin, first, dose_number=2)
    tube = await a_sample_tube(lin, [first, second])
    result = {"outcome": "positive", "reported_at": clock.now().isoformat()}
    await said(lin, "PATCH", f"/v1/sample-tubes/{tube['id']}", result)
    wanted = {"reason": "mobility", "wanted_on": clock.today().isoformat()}
    await kept(lin, "/v1/home-samplings", resident_id=first, **wanted)
    bridge = await a_checkpoint(lin, grid="t.01.01")
    await a_pass(lin, bridge, person={"resident_id": first})
    return people


async def _looked_for(lin: httpx.AsyncClient, person: dict[str, Any]) -> None:
    batch = await a_lead_batch(lin, grid_id=str(grid_id("t.01.01")))
    lead = await a_lead(lin, batch, name=person["name"], phone=person["phone"])
    assert lead["resident_id"] == person["id"]
    path = f"/v1/leads/{lead['id']}"
    await kept(lin, f"{path}/attempts", kind="phone", reached=True, note="本人接听")
    code = {"question": "health_code", "shown": "told", "health_code": {"state": "green"}}
    await kept(lin, f"{path}/answers", **code)


async def _file(client: httpx.AsyncClient, person: str) -> dict[str, Any]:
    return await said(client, "GET", f"/v1/residents/{person}/dossier?limit=500")


async def _copy(client: httpx.AsyncClient, person: str) -> dict[str, Any]:
    asking = {"id": str(new_id()), "asked_by": "self", "proof": "核对了身份证原件"}
    asked = await said(client, "POST", f"/v1/residents/{person}/dossier-exports", asking)
    return await said(client, "GET", asked["json_url"])


async def test_everything_that_was_shown_is_told_in_a_sentence(
    town: Town, people: list[dict[str, Any]]
):
    told = await _file(await town.as_("lin"), people[0]["id"])
    assert {entry["kind"]: entry["what"] for entry in told["items"]} | {"registered": ""} == {
        "registered": "",
        "lead": "县疫情防控指挥部的线索",
        "code_state": "健康码：黄码",
        "travel_card": "行程卡绿色，前14天到过：广西崇左市",
        "vaccination": "已接种第2剂灭活疫苗",
        "test": "混采核酸检测：不确定，须复检",
        "retest": "所在混采管不是阴性，须单采复核",
        "home_sampling": f"安排 {clock.today()} 上门采样（行动不便）",
        "passing": "经过青竹大桥卡点：暂留",
    }


async def test_who_may_not_read_health_records_or_leads_is_told_neither(
    town: Town, people: list[dict[str, Any]], owner: Database
):
    post = await a_post(owner, "ba", GROUP, Role.police_officer)
    held = (id_of("ba"), TOWNSHIP, post, grid_id(GROUP), 4, Role.police_officer)
    told = await _file(town.client(await town.token_at(*held)), people[0]["id"])
    hidden = {"test", "retest", "code_state", "travel_card", "vaccination", "lead"}
    assert hidden == set(told["withheld"])
    assert hidden.isdisjoint(entry["kind"] for entry in told["items"])


async def test_a_copy_has_what_leads_and_gates_were_told_of_the_person_and_of_nobody_else(
    town: Town, people: list[dict[str, Any]]
):
    first, second = people
    told = await _copy(await town.as_("lin"), first["id"])
    records = told["records"]
    assert [lead["phone"] for lead in records["leads"]] == [first["phone"]]
    assert [attempt["note"] for attempt in records["lead_attempts"]] == ["本人接听"]
    assert [answer["said"]["state"] for answer in records["lead_answers"]] == ["green"]
    for kind in ("code_states", "travel_cards", "vaccinations", "home_samplings", "passes"):
        assert len(records[kind]) == 1, kind
    for other in (second["id"], second["name"], second["phone"], str(id_of("lin"))):
        assert other not in json.dumps(told, ensure_ascii=False)


async def test_the_other_of_the_tube_has_a_file_of_their_own(
    town: Town, people: list[dict[str, Any]]
):
    lin, second = await town.as_("lin"), people[1]["id"]
    kinds = {entry["kind"] for entry in (await _file(lin, second))["items"]}
    assert kinds == {"registered", "test", "retest"}
    assert not (await _copy(lin, second))["records"]["leads"]
