"""Who died is signed out of the register as that, and said to be so wherever they are told of."""

from typing import Any

from api.foundation import clock
from api.foundation.problems import InvalidInput
from api.registry.problems import ResidentLeft
from tests.builders import a_household, a_quarantine, an_arrival
from tests.cast import Town, assert_problem
from tests.machines import a_machine

HOME = "t.01.01.01"


def _died() -> dict[str, Any]:
    return {"left_on": clock.today().isoformat(), "died": True}


async def test_who_died_is_told_apart_from_who_left(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    first, second = (each["id"] for each in home["residents"])
    for who, said in ((first, _died()), (second, {"left_on": _died()["left_on"]})):
        answers = [await ming.post(f"/v1/residents/{who}/leave", json=said) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 200], answers[0].text
        assert answers[1].json()["died"] is (who == first)
    other = await ming.post(f"/v1/residents/{second}/leave", json=_died())
    assert_problem(other, ResidentLeft)
    for died in (True, False):
        version = (await ming.get(f"/v1/residents/{second}")).json()["version"]
        right = {"died": died, "reason": "家属告知"}
        path, match = f"/v1/residents/{second}", {"If-Match": f'"{version}"'}
        assert (await ming.patch(path, json=right, headers=match)).json()["died"] is died
    dossier = (await ming.get(f"/v1/residents/{first}/dossier")).json()["items"]
    assert "去世" in [each["what"] for each in dossier]
    async with await a_machine(town, "fhir:read") as machine:
        patients = [(await machine.get(f"/fhir/Patient/{who}")).json() for who in (first, second)]
    assert [each["active"] for each in patients] == [False, False]
    deceased = [{"deceasedDateTime", "deceasedBoolean"} & set(each) for each in patients]
    assert (len(deceased[0]), deceased[1]) == (1, set())


async def test_who_had_not_died_lives_here(town: Town):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    path = f"/v1/residents/{home['residents'][0]['id']}"
    alive = await ming.patch(path, json={"died": True}, headers={"If-Match": '"1"'})
    refused = assert_problem(alive, InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/died"
    await ming.post(f"{path}/leave", json=_died())
    back = await ming.patch(path, json={"left_on": None}, headers={"If-Match": '"2"'})
    assert (back.json()["left_on"], back.json()["died"]) == (None, False)


async def test_who_died_in_quarantine_is_signed_out_and_comes_back_by_no_arrival(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    home = await a_household(ming, grid=HOME)
    person = home["residents"][0]["id"]
    quarantine = await a_quarantine(lin, resident=person)
    ended = {"ended_on": clock.today().isoformat(), "end_reason": "died", "note": "因病去世"}
    path = f"/v1/quarantines/{quarantine['id']}/terminate"
    for _ in range(2):
        over = await lin.post(path, json=ended)
        assert over.status_code == 200, over.text
    kept = (await ming.get(f"/v1/residents/{person}")).json()
    assert (kept["left_on"], kept["died"]) == (ended["ended_on"], True)
    arrival = await an_arrival(ming, home, expected_on=None, arrived_at=clock.now().isoformat())
    verifying = f"/v1/arrivals/{arrival['id']}/verify"
    refused = await ming.post(verifying, json={"resident_id": person})
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/resident_id"
