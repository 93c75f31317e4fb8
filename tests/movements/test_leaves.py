"""Leave: asked for, decided by somebody else, out and back, or not back (M3.4, domain 3.8)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text, update
from sqlmodel import col
from time_machine import travel

from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.movements.overstays import THE_SERVICE, notice_overstays
from api.movements.problems import (
    LeaveNoLongerFits,
    LeaveNotAllowed,
    LeaveUnderWay,
    OutOfOrder,
)
from api.protocols.models import LeaveHome
from api.quarantines.problems import QuarantineEnded
from api.quarantines.stage_models import QuarantineStage
from tests.builders import FOUR, a_quarantine
from tests.cast import TOWNSHIP, Town, assert_problem, id_of
from tests.quarantines.plans import CONTACT, a_planned_quarantine, the_ninth_edition


def leave_body(**told: Any) -> dict[str, Any]:
    """The body of leave for dialysis, from now on for four hours."""
    return {
        "id": str(new_id()),
        "reason": "𠮷祥每周两次透析",
        "route": "家—县人民医院透析中心，专车闭环接送",
        "vehicle": "村委专车",
        "escort": "何医生",
        "from_at": clock.now().isoformat(),
        "until_at": (clock.now() + timedelta(hours=4)).isoformat(),
        **told,
    }


async def _asked(client: httpx.AsyncClient, quarantine: dict[str, Any], **told: Any) -> str:
    body = leave_body(**told)
    answer = await client.post(f"/v1/quarantines/{quarantine['id']}/leaves", json=body)
    assert answer.status_code == 201, answer.text
    return f"/v1/leaves/{body['id']}"


async def _went(client: httpx.AsyncClient, path: str, body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _out(town: Town, quarantine: dict[str, Any], **told: Any) -> str:
    ming, lin = await town.as_("ming"), await town.as_("lin")
    one = await _asked(ming, quarantine, **told)
    await _went(lin, f"{one}/approve", {"note": "闭环接送"})
    await _went(ming, f"{one}/out", {})
    return one


async def _entries(town: Town, quarantine: dict[str, Any]) -> list[dict[str, Any]]:
    lin = await town.as_("lin")
    return (await lin.get(f"/v1/quarantines/{quarantine['id']}/whereabouts")).json()


async def _swept(town: Town, at: datetime) -> int:
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        return await notice_overstays(connection, TOWNSHIP, at)


async def _leaving(
    town: Town, quarantine: dict[str, Any], rule: LeaveHome, *, stage: int = 1
) -> None:
    """Let a stage be left as this rule says, whatever it was begun with."""
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        await session.execute(
            update(QuarantineStage)
            .where(
                col(QuarantineStage.quarantine_id) == UUID(quarantine["id"]),
                col(QuarantineStage.ordinal) == stage,
            )
            .values(leave_home=rule)
        )


async def _breaches(town: Town, leave: str) -> int:
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        found = await session.scalars(
            text(
                "SELECT a.id FROM alerts a JOIN alert_evidence e ON e.alert_id = a.id "
                "WHERE a.cause = 'breach' AND e.kind = 'leave' AND e.record_id = :leave "
                "AND a.status <> 'verified'"
            ),
            {"leave": leave.rpartition("/")[2]},
        )
        return len(found.all())


async def test_nobody_and_no_neighbour_asks_for_or_sees_leave(town: Town):
    lin, mei = await town.as_("lin"), await town.as_("mei")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}/leaves"
    assert_problem(await town.nobody().post(path, json=leave_body()), NotSignedIn)
    assert_problem(await mei.post(path, json=leave_body()), NotFound)
    one = await _asked(lin, kept)
    assert_problem(await mei.get(one), NotFound)
    assert_problem(await mei.post(f"{one}/out", json={}), NotFound)
    assert (await mei.get("/v1/leaves")).json()["items"] == []
    assert (await (await town.as_("zhou")).get(one)).json()["reason"] == "𠮷祥每周两次透析"


async def test_out_and_back_within_the_approved_hours(town: Town):
    lin, ming, he = await town.as_("lin"), await town.as_("ming"), await town.as_("he")
    kept = await a_quarantine(lin, team=FOUR)
    one = await _asked(he, kept)
    assert_problem(await ming.post(f"{one}/approve", json={}), NotPermitted)
    assert_problem(await ming.post(f"{one}/out", json={}), OutOfOrder)
    approved = await _went(lin, f"{one}/approve", {"note": "闭环接送"})
    assert (approved["decided_by"], approved["decision_note"]) == (str(id_of("lin")), "闭环接送")
    assert await _went(lin, f"{one}/approve", {"note": "闭环接送"}) == approved
    assert_problem(await lin.post(f"{one}/reject", json={"note": "不行"}), OutOfOrder)
    left = await _went(ming, f"{one}/out", {})
    assert await _went(ming, f"{one}/out", {}) == left
    assert (await _entries(town, kept))[0]["kind"] == "away_approved"
    assert await _went(lin, f"{one}/approve", {}) == left
    again = await lin.post(f"/v1/quarantines/{kept['id']}/leaves", json=leave_body())
    assert_problem(again, LeaveUnderWay)
    back = await _went(he, f"{one}/back", {})
    assert (back["status"], back["overdue_at"]) == ("back", None)
    assert [entry["kind"] for entry in await _entries(town, kept)] == [
        "at_home",
        "away_approved",
        "at_home",
    ]
    listed = await he.get("/v1/leaves", params={"quarantine_id": kept["id"]})
    assert [each["status"] for each in listed.json()["items"]] == ["back"]
    open_ones = {"quarantine_id": kept["id"], "under_way": "true"}
    assert (await he.get("/v1/leaves", params=open_ones)).json()["items"] == []
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "回原籍"}
    assert (await lin.post(f"/v1/quarantines/{kept['id']}/terminate", json=ending)).is_success


async def test_who_asked_or_entered_it_does_not_decide(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    ming = await town.as_("ming")
    entered = await _asked(lin, await a_quarantine(lin))
    on_behalf = await _asked(ming, await a_quarantine(lin), performed_by=str(id_of("lin")))
    for one in (entered, on_behalf):
        assert_problem(await lin.post(f"{one}/approve", json={}), NeedsAnotherPerson)
        assert_problem(await lin.post(f"{one}/reject", json={"note": "不行"}), NeedsAnotherPerson)
        rejected = await _went(zhou, f"{one}/reject", {"note": "可由村医上门换药"})
        assert rejected["status"] == "rejected"
        assert_problem(await ming.post(f"{one}/out", json={}), OutOfOrder)


async def test_a_seat_from_elsewhere_does_not_decide(town: Town):
    lin, wei, ming = await town.as_("lin"), await town.as_("wei"), await town.as_("ming")
    kept = await a_quarantine(lin, team=("wei", "pang", "ba", "mei"))
    one = await _asked(ming, kept)
    assert_problem(await wei.post(f"{one}/approve", json={}), OutsideYourGrid)


async def test_a_stage_that_is_never_left_gives_no_leave(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    await _leaving(town, kept, LeaveHome.never)
    body = leave_body()
    refused = await lin.post(f"/v1/quarantines/{kept['id']}/leaves", json=body)
    assert assert_problem(refused, LeaveNotAllowed)["errors"][0]["pointer"] == "/body/from_at"
    assert_problem(await lin.get(f"/v1/leaves/{body['id']}"), NotFound)


async def test_what_is_wrong_with_the_hours_is_pointed_at(town: Town):
    lin, ming, zhou = await town.as_("lin"), await town.as_("ming"), await town.as_("zhou")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}/leaves"
    now = clock.now()
    for hours in ((2, 1), (-3, -1)):
        since, until = ((now + timedelta(hours=each)).isoformat() for each in hours)
        body = leave_body(from_at=since, until_at=until)
        refused = assert_problem(await lin.post(path, json=body), InvalidInput)
        assert refused["errors"][0]["pointer"] == "/body/until_at"
    later = (now + timedelta(hours=1)).isoformat()
    one = await _asked(ming, kept, from_at=later)
    await _went(zhou, f"{one}/approve", {})
    early = assert_problem(await ming.post(f"{one}/out", json={}), InvalidInput)
    assert early["errors"][0]["pointer"] == "/body/left_at"
    assert_problem(await ming.post(f"{one}/back", json={}), OutOfOrder)
    called_off = await _went(ming, f"{one}/cancel", {"reason": "村医上门"})
    assert await _went(ming, f"{one}/cancel", {"reason": "村医上门"}) == called_off
    assert_problem(await ming.post(f"{one}/out", json={}), OutOfOrder)
    assert_problem(await zhou.post(f"{one}/reject", json={"note": "晚了"}), OutOfOrder)


async def test_leave_is_short_and_within_the_days_of_the_quarantine(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, days=5)
    path, now = f"/v1/quarantines/{kept['id']}/leaves", clock.now()
    for since, until, pointer in (
        (timedelta(), timedelta(hours=73), "/body/until_at"),
        (timedelta(days=5), timedelta(days=5, hours=2), "/body/from_at"),
        (timedelta(days=-2), timedelta(hours=-40), "/body/until_at"),
        (timedelta(days=-1), timedelta(hours=2), "/body/from_at"),
    ):
        hours = {"from_at": (now + since).isoformat(), "until_at": (now + until).isoformat()}
        refused = assert_problem(await lin.post(path, json=leave_body(**hours)), InvalidInput)
        assert refused["errors"][0]["pointer"] == pointer, (since, until)
    with travel(now + timedelta(days=6)):  # nobody has released them yet
        lin = town.client(await town.token_of("lin"))
        await _asked(lin, kept)


async def test_leave_does_not_reach_into_a_stage_that_is_never_left(town: Town):
    lin = await town.as_("lin")
    kept = await a_planned_quarantine(town, await the_ninth_edition(town), plan=CONTACT, begun=6)
    await _leaving(town, kept, LeaveHome.approved_medical, stage=1)
    await _leaving(town, kept, LeaveHome.never, stage=2)
    path, midnight = f"/v1/quarantines/{kept['id']}/leaves", clock.day_bounds(clock.today())[1]
    body = leave_body(until_at=(midnight + timedelta(minutes=1)).isoformat())
    refused = assert_problem(await lin.post(path, json=body), LeaveNotAllowed)
    assert refused["errors"][0]["pointer"] == "/body/until_at"
    await _asked(lin, kept, until_at=midnight.isoformat())


async def test_what_can_no_longer_be_is_rejected_not_approved(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    over, changed = await a_quarantine(lin), await a_quarantine(lin)
    late, never = await _asked(ming, over), await _asked(ming, changed)
    await _leaving(town, changed, LeaveHome.never)
    refused = assert_problem(await lin.post(f"{never}/approve", json={}), LeaveNoLongerFits)
    assert "不得外出" in refused["detail"]
    with travel(clock.now() + timedelta(hours=5)):
        lin = town.client(await town.token_of("lin"))
        assert_problem(await lin.post(f"{late}/approve", json={}), LeaveNoLongerFits)
        rejected = await _went(lin, f"{late}/reject", {"note": "时间已过"})
    assert rejected["status"] == "rejected"


async def test_leave_that_nobody_took_is_in_nobodys_way(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    untaken = await _asked(ming, kept)
    await _went(lin, f"{untaken}/approve", {})
    early = await ming.post(f"/v1/quarantines/{kept['id']}/leaves", json=leave_body())
    assert_problem(early, LeaveUnderWay)
    with travel(clock.now() + timedelta(hours=5)):
        ming = town.client(await town.token_of("ming"))
        undecided = await _asked(ming, kept)
    lapsed = (await lin.get(untaken)).json()
    assert (lapsed["status"], lapsed["cancelled_reason"]) == ("cancelled", "时间已过，未外出")
    with travel(clock.now() + timedelta(hours=10)):
        ming = town.client(await town.token_of("ming"))
        out = await _asked(ming, kept)
        lin = town.client(await town.token_of("lin"))
        assert (await lin.get(undecided)).json()["status"] == "cancelled"
        await _went(lin, f"{out}/approve", {})
        await _went(ming, f"{out}/out", {})
    with travel(clock.now() + timedelta(hours=15)):  # who is out is not back yet
        ming = town.client(await town.token_of("ming"))
        again = await ming.post(f"/v1/quarantines/{kept['id']}/leaves", json=leave_body())
        assert_problem(again, LeaveUnderWay)


async def test_leave_is_not_taken_from_a_stage_that_is_never_left_by_now(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    one = await _asked(ming, kept)
    await _went(lin, f"{one}/approve", {})
    await _leaving(town, kept, LeaveHome.never)
    refused = assert_problem(await ming.post(f"{one}/out", json={}), LeaveNotAllowed)
    assert refused["errors"][0]["pointer"] == "/body/left_at"


async def test_leave_sent_twice_at_the_same_moment_is_asked_for_once(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    path, body = f"/v1/quarantines/{kept['id']}/leaves", leave_body()
    sent = await asyncio.gather(*(client.post(path, json=body) for client in (lin, ming, lin)))
    assert sorted(answer.status_code for answer in sent) == [200, 200, 201]
    differs = await ming.post(path, json=body | {"route": "家—集市"})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["route"]


async def test_who_is_not_back_is_in_breach_from_the_approved_hour_on_and_told_of_once(
    town: Town,
):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    until = clock.now() + timedelta(hours=1)
    one = await _out(town, kept, until_at=until.isoformat())
    assert await _swept(town, until) == 0
    assert await _breaches(town, one) == 0
    after = until + timedelta(minutes=20)
    assert sorted(await asyncio.gather(*(_swept(town, after) for _ in range(3)))) == [0, 0, 1]
    assert await _swept(town, after + timedelta(hours=1)) == 0
    assert await _breaches(town, one) == 1
    entry = (await _entries(town, kept))[0]
    assert (entry["kind"], entry["entered_by"]) == ("away_breach", str(THE_SERVICE))
    assert datetime.fromisoformat(entry["since_at"]) == until
    with travel(after + timedelta(minutes=5), tick=False):
        ming = town.client(await town.token_of("ming"))
        back = await _went(ming, f"{one}/back", {})
    assert datetime.fromisoformat(back["overdue_at"]) == after
    kinds = [entry["kind"] for entry in await _entries(town, kept)]
    assert kinds == ["at_home", "away_breach", "away_approved", "at_home"]


async def test_who_was_back_in_time_but_told_late_is_not_on_record_as_a_breach(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    until = clock.now() + timedelta(hours=1)
    one = await _out(town, kept, until_at=until.isoformat())
    await _swept(town, until + timedelta(minutes=1))
    in_time = until - timedelta(minutes=10)
    with travel(until + timedelta(minutes=30), tick=False):
        ming = town.client(await town.token_of("ming"))
        await _went(ming, f"{one}/back", {"returned_at": in_time.isoformat()})
    entries = await _entries(town, kept)
    assert [entry["kind"] for entry in entries] == ["at_home", "away_approved", "at_home"]
    assert datetime.fromisoformat(entries[0]["since_at"]) == in_time
    assert datetime.fromisoformat(entries[1]["until_at"]) == in_time
    assert await _breaches(town, one) == 0


async def test_who_was_seen_at_home_or_whose_quarantine_ended_is_not_in_breach(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    seen, ended = await a_quarantine(lin), await a_quarantine(lin)
    until = clock.now() + timedelta(hours=1)
    home, over = [await _out(town, each, until_at=until.isoformat()) for each in (seen, ended)]
    entry = {"id": str(new_id()), "kind": "at_home", "since_at": clock.now().isoformat()}
    noted = await ming.post(f"/v1/quarantines/{seen['id']}/whereabouts", json=entry)
    assert noted.status_code == 201, noted.text
    ending = {"ended_on": str(clock.today()), "end_reason": "died", "note": "在医院去世"}
    await _went(lin, f"/v1/quarantines/{ended['id']}/terminate", ending)
    assert await _swept(town, until + timedelta(minutes=1)) == 0
    assert await _breaches(town, home) == await _breaches(town, over) == 0
    assert (await _went(ming, f"{home}/back", {}))["status"] == "back"
    assert (await _went(ming, f"{over}/back", {}))["status"] == "back"
    refused = await ming.post(f"/v1/quarantines/{ended['id']}/leaves", json=leave_body())
    assert_problem(refused, QuarantineEnded)
