"""A ride that does not get there: whoever is on it is back where they were fetched (M3.4)."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn, RecordDiffers
from api.movements.lateness import tell_of_overdue
from api.movements.problems import OutOfOrder, TransferUnderWay
from tests.builders import FOUR, a_quarantine
from tests.cast import TOWNSHIP, Town, assert_problem, id_of
from tests.movements.test_transfers import CAR, NORMAL, SIGNED, transfer_body

FULL = {"reason": "隔离点床位已满"}


async def _sent(client: httpx.AsyncClient, path: str, body: Any = None) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def _riding(
    client: httpx.AsyncClient, quarantine: dict[str, Any], plate: str, **told: Any
) -> str:
    body = transfer_body(**told)
    await _sent(client, f"/v1/quarantines/{quarantine['id']}/transfers", body)
    path = f"/v1/transfers/{body['id']}"
    steps = (("approve", None), ("dispatch", CAR | {"plate": plate}), ("pick-up", NORMAL))
    for step, said in steps:
        await _sent(client, f"{path}/{step}", said)
    return path


async def _whereabouts(client: httpx.AsyncClient, quarantine: dict[str, Any]) -> list[Any]:
    entries = (await client.get(f"/v1/quarantines/{quarantine['id']}/whereabouts")).json()
    return [(entry["kind"], entry["destination"]) for entry in reversed(entries)]


async def test_a_site_that_is_full_sends_them_home_and_another_ride_may_be_asked_for(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    one = await _riding(lin, kept, "桂F20001")
    back = await _sent(ming, f"{one}/turn-back", FULL)
    assert (back["status"], back["turned_back_reason"]) == ("turned_back", "隔离点床位已满")
    assert back["turned_back_by"] == str(id_of("ming"))
    assert await _sent(ming, f"{one}/turn-back", FULL) == back
    assert_problem(await ming.post(f"{one}/turn-back", json={"reason": "车辆故障"}), RecordDiffers)
    refused = assert_problem(await ming.post(f"{one}/hand-over", json=SIGNED), OutOfOrder)
    assert "现在是“已折返”" in refused["detail"]
    assert [kind for kind, _ in await _whereabouts(lin, kept)] == [
        "at_home",
        "transferred",
        "at_home",
    ]
    assert (await lin.get(f"/v1/quarantines/{kept['id']}")).json()["place_kind"] == "home"
    again = f"/v1/quarantines/{kept['id']}/transfers"
    assert_problem(await lin.post(again, json=transfer_body()), TransferUnderWay)
    early = {"disinfected_at": (clock.now() - timedelta(hours=1)).isoformat()}
    assert_problem(await ming.post(f"{one}/close", json=early), InvalidInput)
    assert (await _sent(ming, f"{one}/close", {}))["status"] == "closed"
    await _sent(lin, again, transfer_body())
    file = (await lin.get(f"/v1/residents/{kept['resident_id']}/dossier")).json()
    told = [each["what"] for each in file["items"] if each["kind"] == "transfer"]
    assert "送集中隔离点：已折返" in told


async def test_who_was_fetched_from_a_hospital_or_a_site_is_there_again(town: Town):
    lin = await town.as_("lin")
    ill = await a_quarantine(lin)
    first = await _riding(lin, ill, "桂F20002", kind="to_hospital", destination="县人民医院")
    await _sent(lin, f"{first}/hand-over", {"taken_over_by": "急诊科"})
    await _sent(lin, f"{first}/close", {})
    on = await _riding(lin, ill, "桂F20002")
    await _sent(lin, f"{on}/turn-back", FULL)
    assert (await _whereabouts(lin, ill))[-1][0] == "in_hospital"
    there = await a_quarantine(lin)
    site = await _riding(lin, there, "桂F20003")
    await _sent(lin, f"{site}/hand-over", SIGNED)
    await _sent(lin, f"{site}/close", {})
    home = await _riding(lin, there, "桂F20003", kind="to_home", destination="渠凤屯12号")
    at_site = (await _whereabouts(lin, there))[-2]
    await _sent(lin, f"{home}/turn-back", {"reason": "道路中断"})
    assert (await _whereabouts(lin, there))[-1] == at_site
    assert (await lin.get(f"/v1/quarantines/{there['id']}")).json()["place_kind"] == "site"


async def test_who_was_noted_elsewhere_since_stays_there(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    one = await _riding(lin, kept, "桂F20004")
    noted = transfer_body()["id"]
    entry = {"id": noted, "kind": "in_hospital", "since_at": clock.now().isoformat()}
    await _sent(lin, f"/v1/quarantines/{kept['id']}/whereabouts", entry)
    await _sent(lin, f"{one}/turn-back", FULL)
    assert (await _whereabouts(lin, kept))[-1][0] == "in_hospital"


async def test_only_a_ride_turns_back_and_not_before_it_began(town: Town):
    lin, ming, mei = await town.as_("lin"), await town.as_("ming"), await town.as_("mei")
    kept = await a_quarantine(lin, team=FOUR)
    asked = transfer_body()
    await _sent(lin, f"/v1/quarantines/{kept['id']}/transfers", asked)
    refused = await ming.post(f"/v1/transfers/{asked['id']}/turn-back", json=FULL)
    assert assert_problem(refused, OutOfOrder)["state"] == "requested"
    await _sent(lin, f"/v1/transfers/{asked['id']}/cancel", {"reason": "改日"})
    one = await _riding(lin, kept, "桂F20005")
    assert_problem(await town.nobody().post(f"{one}/turn-back", json=FULL), NotSignedIn)
    assert_problem(await mei.post(f"{one}/turn-back", json=FULL), NotFound)
    for off, problem in ((-2, InvalidInput), (2, RecordedInTheFuture)):
        at = (clock.now() + timedelta(hours=off)).isoformat()
        said = FULL | {"turned_back_at": at}
        wrong = assert_problem(await ming.post(f"{one}/turn-back", json=said), problem)
        assert wrong["errors"][0]["pointer"] == "/body/turned_back_at"
    assert_problem(await ming.post(f"{one}/turn-back", json={"reason": ""}), InvalidInput)
    assert (await _whereabouts(lin, kept))[-1][0] == "transferred"


async def test_one_that_was_late_is_so_no_more_and_an_ended_quarantine_keeps_nobody(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    one = await _riding(lin, kept, "桂F20006")
    due = datetime.fromisoformat((await lin.get(one)).json()["due_at"])
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        await tell_of_overdue(connection, TOWNSHIP, due + timedelta(seconds=1))
    await _sent(lin, f"{one}/turn-back", FULL)
    asked = {"quarantine_id": kept["id"]}
    [alert] = (await lin.get("/v1/alerts", params=asked)).json()["items"]
    assert (alert["cause"], alert["status"]) == ("overdue_transfer", "verified")
    moving = await a_quarantine(lin)
    other = await _riding(lin, moving, "桂F20007", kind="elsewhere", destination="邻县")
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "移交邻县"}
    await _sent(lin, f"/v1/quarantines/{moving['id']}/terminate", ending)
    back = await _sent(lin, f"{other}/turn-back", {"reason": "邻县不接收"})
    assert back["status"] == "turned_back"
