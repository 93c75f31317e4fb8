"""An arrival that was untrue leaves the register as it was, unless more has become known since."""

from datetime import timedelta
from typing import Any

import pytest

from api.foundation import clock
from api.foundation.records import new_id
from api.registry.problems import NotAMistake
from tests.builders import (
    a_care_call,
    a_household,
    a_quarantine,
    an_arrival,
    synthetic_resident,
)
from tests.cast import Town, assert_problem

HOME = "t.01.01.01"
UNTRUE = {"reason": "认错了人"}
GONE = {"left_on": "2022-02-20", "destination": "广东省佛山市"}


@pytest.fixture
async def home(town: Town) -> dict[str, Any]:
    return await a_household(await town.as_("ming"), grid=HOME)


async def _verified(client: Any, home: dict[str, Any], **who: Any) -> tuple[dict[str, Any], str]:
    """An arrival that was verified to be somebody, and its address."""
    came = {"expected_on": None, "arrived_at": (clock.now() - timedelta(hours=1)).isoformat()}
    told = {name: who.pop(name) for name in ("document_kind", "document", "phone") if name in who}
    arrival = await an_arrival(client, home, **came, **told)
    address = f"/v1/arrivals/{arrival['id']}"
    seen = await client.post(f"{address}/verify", json=who)
    assert seen.status_code == 200, seen.text
    return seen.json(), address


async def _destination(client: Any, resident: str) -> str | None:
    ask = {"reason": "核实去向", "fields": ["destination"]}
    return (await client.post(f"/v1/residents/{resident}/reveal", json=ask)).json()["destination"]


async def test_who_was_said_to_be_back_and_is_not_has_left_as_before(
    town: Town, home: dict[str, Any]
):
    ming, person = await town.as_("ming"), home["residents"][0]["id"]
    assert (await ming.post(f"/v1/residents/{person}/leave", json=GONE)).status_code == 200
    _, address = await _verified(ming, home, resident_id=person)
    assert (await ming.get(f"/v1/residents/{person}")).json()["left_on"] is None
    for _ in range(2):
        untrue = await ming.post(f"{address}/invalidate", json=UNTRUE)
        assert (untrue.status_code, untrue.json()["status"]) == (200, "invalid"), untrue.text
    assert (await ming.get(f"/v1/residents/{person}")).json()["left_on"] == GONE["left_on"]
    assert await _destination(ming, person) == GONE["destination"]


async def test_who_was_seen_since_was_back_after_all(town: Town, home: dict[str, Any]):
    ming, person = await town.as_("ming"), home["residents"][0]["id"]
    assert (await ming.post(f"/v1/residents/{person}/leave", json=GONE)).status_code == 200
    _, address = await _verified(ming, home, resident_id=person)
    code = {"id": str(new_id()), "resident_id": person, "state": "green"}
    assert (await ming.post("/v1/code-states", json=code)).status_code == 201
    refused = await ming.post(f"{address}/invalidate", json=UNTRUE)
    assert assert_problem(refused, NotAMistake)["records"] == {"code_states": 1}
    assert (await ming.get(address)).json()["arrival"]["status"] == "verified"
    assert (await ming.get(f"/v1/residents/{person}")).json()["left_on"] is None


async def test_the_register_forgets_the_numbers_that_were_somebody_elses(town: Town):
    ming, told = await town.as_("ming"), synthetic_resident()
    aunt = {"id": str(new_id()), "name": "黄阿婆", "relation": "other"}
    home = await a_household(ming, grid=HOME, residents=[aunt])
    number = {name: told[name] for name in ("document_kind", "document", "phone")}
    _, address = await _verified(ming, home, resident_id=aunt["id"], **number)
    untrue = await ming.post(f"{address}/invalidate", json=UNTRUE)
    assert untrue.status_code == 200, untrue.text
    kept = (await ming.get(f"/v1/residents/{aunt['id']}")).json()
    assert (kept["document"], kept["phone"]) == (None, None)
    sought = {"phone": told["phone"]}
    assert (await ming.post("/v1/residents/search", json=sought)).json()["items"] == []


async def test_what_was_put_right_since_stays_so(town: Town):
    ming, told = await town.as_("ming"), synthetic_resident()
    aunt = {"id": str(new_id()), "name": "黄阿婆", "relation": "other"}
    home = await a_household(ming, grid=HOME, residents=[aunt])
    number = {name: told[name] for name in ("document_kind", "document", "phone")}
    _, address = await _verified(ming, home, resident_id=aunt["id"], **number)
    own = {"phone": synthetic_resident()["phone"], "reason": "本人告知"}
    url, version = f"/v1/residents/{aunt['id']}", {"If-Match": '"2"'}
    assert (await ming.patch(url, json=own, headers=version)).status_code == 200
    assert (await ming.post(f"{address}/invalidate", json=UNTRUE)).status_code == 200
    kept = (await ming.get(url)).json()
    assert (kept["document"], kept["phone"][-4:]) == (None, own["phone"][-4:])


@pytest.mark.parametrize("spoken_to", [False, True])
async def test_a_quarantine_entered_in_error_does_not_make_somebody_real(
    town: Town, home: dict[str, Any], *, spoken_to: bool
):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    new = {"id": str(new_id())}
    arrival, address = await _verified(ming, home, register_as=new)
    assert arrival["resident_id"] == new["id"]
    quarantine = await a_quarantine(lin, resident=new["id"])
    if spoken_to:
        await a_care_call(lin, quarantine["id"])
    ended = {"ended_on": clock.today().isoformat(), "end_reason": "entered_in_error", "note": "误"}
    over = await lin.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=ended)
    assert over.status_code == 200, over.text
    untrue = await ming.post(f"{address}/invalidate", json=UNTRUE)
    if spoken_to:
        assert assert_problem(untrue, NotAMistake)["records"] == {"quarantines": 1}
        return
    assert untrue.status_code == 200, untrue.text
    here = (await ming.get(f"/v1/households/{home['id']}")).json()
    assert new["id"] not in [each["id"] for each in here["residents"]]
    kept = await lin.get(f"/v1/quarantines/{quarantine['id']}")
    assert kept.json()["end_reason"] == "entered_in_error"
    listed = await lin.get("/v1/quarantines", params={"limit": 500})
    assert listed.status_code == 200


async def test_who_was_visited_besides_is_real(town: Town, home: dict[str, Any]):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    new = {"id": str(new_id())}
    _, address = await _verified(ming, home, register_as=new)
    quarantine = await a_quarantine(lin, resident=new["id"])
    ended = {"ended_on": clock.today().isoformat(), "end_reason": "entered_in_error", "note": "误"}
    await lin.post(f"/v1/quarantines/{quarantine['id']}/terminate", json=ended)
    code = {"id": str(new_id()), "resident_id": new["id"], "state": "green"}
    assert (await ming.post("/v1/code-states", json=code)).status_code == 201
    refused = await ming.post(f"{address}/invalidate", json=UNTRUE)
    assert assert_problem(refused, NotAMistake)["records"] == {"code_states": 1}
