"""A lead from the first call to the feedback: what each outcome rests on, who may pass it."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest
import time_machine
from python_calamine import CalamineWorkbook

from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.jobs import sweep
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.leads.problems import LeadNotReady, LeadNotSo, NothingToFeedBack, TransferAnswered
from api.leads.transferring import receive
from tests.builders import a_household, a_lead, a_lead_batch, synthetic_resident
from tests.cast import OTHER_TOWNSHIP, TOWNSHIP, Town, assert_problem, grid_id
from tests.place import RISKY, township_rules

LIU_1 = "t.01.01.01"
QUESTIONS = ("travel_card", "health_code", "diagnostic_test", "vaccination")


def _seen(question: str) -> dict[str, Any]:
    now = clock.now().isoformat()
    return {
        "travel_card": {
            "updated_at": now,
            "colour": "green",
            "cities": [{"name": "广西南宁市"}],
            "window_days": 7,
        },
        "health_code": {"state": "green"},
        "diagnostic_test": {
            "kind": "nucleic_acid",
            "outcome": "negative",
            "sampled_at": (clock.now() - timedelta(hours=9)).isoformat(),
        },
        "vaccination": {"doses": 2, "last_on": "2021-08-01", "technology": "inactivated"},
    }[question]


async def tried(
    client: httpx.AsyncClient, lead: str, kind: str = "phone", *, reached: bool, **told: Any
) -> Any:
    said = {"id": str(new_id()), "kind": kind, "reached": reached, **told}
    answer = await client.post(f"/v1/leads/{lead}/attempts", json=said)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def answered(client: httpx.AsyncClient, lead: str, *, but: str | None = None) -> None:
    for question in QUESTIONS:
        if question == but:
            continue
        said = {"id": str(new_id()), "question": question, "shown": "shown"}
        body = said | {question: _seen(question)}
        answer = await client.post(f"/v1/leads/{lead}/answers", json=body)
        assert answer.status_code == 201, answer.text


async def concluded(client: httpx.AsyncClient, lead: str, outcome: str, **told: Any) -> Any:
    return await client.post(f"/v1/leads/{lead}/conclude", json={"outcome": outcome, **told})


async def _given(zhou: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    return await a_lead(zhou, await a_lead_batch(zhou), grid_id=str(grid_id(LIU_1)), **told)


async def test_nobody_and_the_neighbour_verify_nothing(town: Town, zhou: httpx.AsyncClient):
    lead = (await _given(zhou))["id"]
    said = {"id": str(new_id()), "kind": "phone", "reached": True}
    address = f"/v1/leads/{lead}/attempts"
    assert_problem(await town.nobody().post(address, json=said), NotSignedIn)
    assert_problem(await (await town.as_("mei")).post(address, json=said), NotFound)
    assert_problem(await (await town.as_("ba")).post(address, json=said), NotPermitted)


async def test_whoever_cannot_be_reached_was_tried_as_often_as_the_issuer_wants(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    batch = await a_lead_batch(zhou, attempts_needed=2, attempts_hours_apart=0)
    lead = (await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1))))["id"]
    await tried(ming, lead, reached=False)
    refused = assert_problem(await concluded(ming, lead, "unreachable"), LeadNotReady)
    assert len(refused["lacking"]) == 2
    await tried(ming, lead, "visit", reached=False)
    done = await concluded(ming, lead, "unreachable")
    assert (done.json()["status"], done.json()["outcome"]) == ("under_review", "unreachable")


async def test_calling_thrice_within_a_minute_is_trying_once(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    issued = clock.now() - timedelta(hours=9)
    batch = await a_lead_batch(zhou, issued_at=issued.isoformat())
    lead = (await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1))))["id"]

    async def at(hours: float, kind: str = "phone") -> None:
        when = (issued + timedelta(hours=hours)).isoformat()
        await tried(ming, lead, kind, reached=False, recorded_at=when)

    for number in range(3):
        await at(1 + number / 200)
    await at(1.5, "visit")
    refused = assert_problem(await concluded(ming, lead, "unreachable"), LeadNotReady)
    assert refused["lacking"] == [
        "未联系到的须至少有3次联系记录，现有1次。",
        "共联系4次，相隔不足2小时的只计一次，请换个时间再联系。",
    ]
    await at(5)
    await at(3)
    done = await concluded(ming, lead, "unreachable")
    assert done.status_code == 200, done.text


async def test_an_issuer_in_a_hurry_lets_attempts_follow_each_other(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    batch = await a_lead_batch(zhou, attempts_hours_apart=0)
    assert batch["attempts_hours_apart"] == 0
    lead = (await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1))))["id"]
    for kind in ("phone", "phone", "visit"):
        await tried(ming, lead, kind, reached=False)
    assert (await concluded(ming, lead, "unreachable")).status_code == 200


async def test_who_is_here_is_answered_for_with_all_four(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    person = synthetic_resident()
    home = await a_household(ming, grid=grid_id(LIU_1), residents=[person])
    lead = await _given(zhou, phone=person["phone"], name=person["name"])
    resident = home["residents"][0]["id"]
    assert lead["resident_id"] == resident
    await tried(ming, lead["id"], reached=True)
    await answered(ming, lead["id"], but="vaccination")
    refused = assert_problem(await concluded(ming, lead["id"], "no_risk"), LeadNotReady)
    assert refused["lacking"] == ["尚未询问：疫苗接种。"]
    file = (await ming.get(f"/v1/leads/{lead['id']}/verification")).json()
    assert file["missing"] == ["vaccination"]
    assert all(each["record_id"] for each in file["answers"])
    tests = (await ming.get(f"/v1/tests?resident_id={resident}")).json()["items"]
    assert [each["outcome"] for each in tests] == ["negative"]
    await answered(ming, lead["id"])
    assert (await concluded(ming, lead["id"], "no_risk")).status_code == 200
    again = await concluded(ming, lead["id"], "no_risk")
    assert again.json()["status"] == "under_review"
    assert_problem(await concluded(ming, lead["id"], "refused"), LeadNotSo)


async def test_a_dose_that_was_shown_is_kept_once_whatever_leads_ask_for_it(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    person = synthetic_resident()
    home = await a_household(ming, grid=grid_id(LIU_1), residents=[person])
    resident = home["residents"][0]["id"]
    shown = {"question": "vaccination", "shown": "shown", "vaccination": _seen("vaccination")}
    answers: list[Any] = []
    for _ in range(2):
        lead = await _given(zhou, phone=person["phone"], name=person["name"])
        body = {"id": str(new_id()), **shown}
        sent = [await ming.post(f"/v1/leads/{lead['id']}/answers", json=body) for _ in range(2)]
        assert [each.status_code for each in sent] == [201, 200], sent[0].text
        answers.append(sent[0].json())
        other = body | {"vaccination": _seen("vaccination") | {"doses": 3}}
        assert_problem(
            await ming.post(f"/v1/leads/{lead['id']}/answers", json=other), RecordDiffers
        )
    doses = (await ming.get(f"/v1/vaccinations?resident_id={resident}")).json()["items"]
    assert [(each["dose_number"], each["given_on"]) for each in doses] == [(2, "2021-08-01")]
    assert {each["record_id"] for each in answers} == {doses[0]["id"]} == {answers[0]["id"]}


@pytest.mark.parametrize(
    ("question", "wrong"),
    [
        ("vaccination", {"last_on": "2199-01-01"}),
        ("health_code", {"changed_at": "2199-01-01T00:00:00Z"}),
        ("diagnostic_test", {"sampled_at": "2199-01-01T00:00:00Z"}),
    ],
)
async def test_what_cannot_have_been_shown_is_refused_where_it_stands(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient, question: str, wrong: dict[str, Any]
):
    person = synthetic_resident()
    await a_household(ming, grid=grid_id(LIU_1), residents=[person])
    lead = await _given(zhou, phone=person["phone"], name=person["name"])
    said = {"id": str(new_id()), "question": question, "shown": "shown"}
    address = f"/v1/leads/{lead['id']}"
    answer = await ming.post(f"{address}/answers", json=said | {question: _seen(question) | wrong})
    assert answer.status_code == 422, answer.text
    [name] = wrong
    assert answer.json()["errors"][0]["pointer"] == f"/body/{question}/{name}"
    file = (await ming.get(f"{address}/verification")).json()
    assert file["answers"] == []


async def test_an_outcome_that_means_control_carries_the_leads_facts_into_an_arrival(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    await township_rules(zhou)
    home = await a_household(ming, grid=grid_id(LIU_1), residents=[synthetic_resident()])
    lead = await _given(zhou, origin_code=RISKY, claim="漫游地为中风险县")
    await tried(ming, lead["id"], reached=True)
    await answered(ming, lead["id"])
    assert_problem(await concluded(ming, lead["id"], "missed_now_registered"), LeadNotReady)
    yesterday = str(clock.today() - timedelta(days=1))
    stays = [{"code": RISKY, "from_on": yesterday, "to_on": yesterday}]
    arrival = {"id": str(new_id()), "household_id": str(new_id()), "stays": stays}
    told = {"arrival": arrival}
    lost = await concluded(ming, lead["id"], "missed_now_registered", **told)
    assert_problem(lost, NotFound)
    arrival["household_id"] = home["id"]
    done = await concluded(ming, lead["id"], "missed_now_registered", **told)
    assert done.status_code == 200, done.text
    assert done.json()["arrival_id"] == arrival["id"]
    come = (await ming.get(f"/v1/arrivals/{arrival['id']}")).json()["arrival"]
    assert (come["name"], come["origin_code"]) == (lead["name"], RISKY)
    assert come["risk_level"] == "medium"


async def test_what_an_issuer_mistyped_is_put_right_where_it_was_received(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    home = await a_household(ming, grid=grid_id(LIU_1), residents=[synthetic_resident()])
    lead = await _given(zhou, claimed_on=str(clock.today() - timedelta(days=366)))
    await tried(ming, lead["id"], reached=True)
    await answered(ming, lead["id"])
    arrival = {"id": str(new_id()), "household_id": home["id"], "stays": []}
    told = await concluded(ming, lead["id"], "missed_now_registered", arrival=arrival)
    [error] = assert_problem(told, InvalidInput)["errors"]
    assert (error["pointer"], "更正线索" in error["detail"]) == ("/body/arrival", True)


async def test_whoever_is_still_on_the_way_is_expected_and_has_not_come(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    home = await a_household(ming, grid=grid_id(LIU_1), residents=[synthetic_resident()])
    day = str(clock.today() + timedelta(days=3))
    lead = await _given(zhou, arrived_on=day)
    await tried(ming, lead["id"], reached=True)
    await answered(ming, lead["id"])
    arrival = {"id": str(new_id()), "household_id": home["id"], "stays": []}
    done = await concluded(ming, lead["id"], "missed_now_registered", arrival=arrival)
    assert done.status_code == 200, done.text
    comes = (await ming.get(f"/v1/arrivals/{arrival['id']}")).json()["arrival"]
    assert (comes["status"], comes["expected_on"], comes["arrived_at"]) == ("expected", day, None)


async def test_a_quarantine_begins_with_the_outcome_or_neither_does(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    person = synthetic_resident()
    home = await a_household(ming, grid=grid_id(LIU_1), residents=[person])
    told = {"phone": person["phone"], "name": person["name"], "claimed": "close_contact"}
    lead = await _given(zhou, **told)
    await tried(ming, lead["id"], reached=True)
    await answered(ming, lead["id"])
    today = clock.today()
    begin = {
        "id": str(new_id()),
        "resident_id": home["residents"][0]["id"],
        "reason": "close_contact",
        "category": "home_quarantine",
        "place_kind": "home",
        "started_on": str(today),
        "planned_end_on": str(today + timedelta(days=6)),
    }
    refused = await concluded(ming, lead["id"], "controlled_here", quarantine=begin)
    assert_problem(refused, NotPermitted)
    lin = await town.as_("lin")
    wrong = begin | {"resident_id": str(new_id())}
    other = await concluded(lin, lead["id"], "controlled_here", quarantine=wrong)
    pointer = assert_problem(other, InvalidInput)["errors"][0]["pointer"]
    assert pointer == "/body/quarantine/resident_id"
    done = await concluded(lin, lead["id"], "controlled_here", quarantine=begin)
    assert done.json()["quarantine_id"] == begin["id"], done.text
    assert (await lin.get(f"/v1/quarantines/{begin['id']}")).json()["status"] == "active"


async def test_somebody_else_reviews_and_sends_back_with_a_reason(
    town: Town, zhou: httpx.AsyncClient
):
    lead = (await _given(zhou))["id"]
    lin, shan = await town.as_("lin"), await town.as_("shan")
    done = await concluded(lin, lead, "info_error", note="号码为空号")
    assert done.status_code == 200, done.text
    address = f"/v1/leads/{lead}/review"
    assert_problem(await lin.post(address, json={"approved": True}), NeedsAnotherPerson)
    ming = await town.as_("ming")
    assert_problem(await ming.post(address, json={"approved": True}), NotPermitted)
    assert_problem(await zhou.post(address, json={"approved": False}), InvalidInput)
    back = await zhou.post(address, json={"approved": False, "reason": "再打一次"})
    assert (back.json()["status"], back.json()["outcome"]) == ("contacting", None)
    assert_problem(await zhou.post(address, json={"approved": True}), LeadNotSo)
    await concluded(shan, lead, "info_error", note="确为空号")
    passed = await zhou.post(address, json={"approved": True})
    assert passed.json()["status"] == "reviewed"


async def test_a_batch_is_fed_back_in_parts_and_closed_with_the_last(
    town: Town, zhou: httpx.AsyncClient
):
    batch = await a_lead_batch(zhou)
    lin = await town.as_("lin")
    first, second = [await a_lead(zhou, batch, origin_place=each) for each in ("武汉", "省内")]
    address = f"/v1/lead-batches/{batch['id']}/feedback"
    assert_problem(await zhou.post(address, json={"id": str(new_id())}), NothingToFeedBack)
    gu = await town.as_("gu")
    for lead in (first, second):
        note = {"note": "查无此人"}
        assert (await concluded(gu, lead["id"], "info_error", **note)).status_code == 200
        await zhou.post(f"/v1/leads/{lead['id']}/review", json={"approved": True})
        body = {"id": str(new_id())}
        sent, again = [await zhou.post(address, json=body) for _ in range(2)]
        assert (sent.status_code, again.status_code) == (201, 200)
        assert sent.json() == again.json()
        assert sent.json()["batch_closed"] is (lead is second)
    table = (await zhou.get(address)).json()
    assert (table["received"], table["answered"], table["open"], table["sent"]) == (2, 2, 0, 2)
    assert table["rows"] == [
        {
            "outcome": "info_error",
            "label": "信息有误",
            "count": 2,
            "origins": [{"place": "武汉", "count": 1}, {"place": "省内", "count": 1}],
        }
    ]
    sheet = await zhou.get(f"{address}.xlsx")
    cells = CalamineWorkbook.from_filelike(BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert ["信息有误", "合计", 2.0] in cells
    assert (await lin.get(f"/v1/leads/{first['id']}")).status_code == 404


async def _handed_on(town: Town, lead: str, **told: str) -> str:
    """A lead that was found to belong elsewhere; the address of its receipt."""
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    assert (await concluded(lin, lead, "not_in_jurisdiction", note="在外县")).status_code == 200
    said = {"id": str(new_id()), "to_code": "451026101", "to_name": "城关镇", "reason": "现住"}
    made = await zhou.post(f"/v1/leads/{lead}/transfers", json=said | told)
    assert made.status_code == 201, made.text
    return f"/v1/lead-transfers/{said['id']}/receipt"


async def test_a_batch_that_was_handed_on_whole_is_closed_once_all_of_it_was_received(
    town: Town, zhou: httpx.AsyncClient
):
    batch = await a_lead_batch(zhou)
    leads = [await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1))) for _ in range(2)]
    first, second = [await _handed_on(town, each["id"]) for each in leads]
    address = f"/v1/lead-batches/{batch['id']}"
    feedback = f"{address}/feedback"
    assert_problem(await zhou.post(feedback, json={"id": str(new_id())}), NothingToFeedBack)
    for receipt, number in ((first, 1), (second, 2)):
        told = {"received": True, "receipt": f"城关镇{number}号"}
        assert (await zhou.post(receipt, json=told)).status_code == 200
        day = (await zhou.get("/v1/my-day")).text
        assert f"/v1/lead-batches/{batch['id']}/feedback" in day
        sent = (await zhou.post(feedback, json={"id": str(new_id())})).json()
        assert (sent["number"], sent["handed_on"]) == (number, number)
        assert sent["counts"] == {"not_in_jurisdiction": number}
        assert sent["batch_closed"] is (number == 2)
        table = (await zhou.get(feedback)).json()
        there = {"to_code": "451026101", "to_name": "城关镇"}
        assert table["handed_on"] == [there | {"received": number, "awaited": 2 - number}]
    assert (await zhou.get(address)).json()["closed_at"] == sent["at"]
    lead = (await zhou.get(f"/v1/leads/{leads[0]['id']}")).json()["lead"]
    assert (lead["status"], lead["late"]) == ("transferred", False)
    assert_problem(await zhou.post(feedback, json={"id": str(new_id())}), NothingToFeedBack)
    sheet = await zhou.get(f"{feedback}.xlsx")
    cells = CalamineWorkbook.from_filelike(BytesIO(sheet.content)).get_sheet_by_index(0).to_python()
    assert ["移交外地", "城关镇（已接收）", 2.0] in cells


async def test_a_batch_stays_open_for_what_comes_back(town: Town, zhou: httpx.AsyncClient):
    batch = await a_lead_batch(zhou)
    away, here = [await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1))) for _ in range(2)]
    receipt = await _handed_on(town, away["id"])
    await concluded(await town.as_("lin"), here["id"], "info_error", note="空号")
    await zhou.post(f"/v1/leads/{here['id']}/review", json={"approved": True})
    feedback = f"/v1/lead-batches/{batch['id']}/feedback"
    sent = (await zhou.post(feedback, json={"id": str(new_id())})).json()
    assert (sent["batch_closed"], sent["counts"], sent["handed_on"]) == (
        False,
        {"info_error": 1},
        0,
    )
    assert (await zhou.post(receipt, json={"received": False, "receipt": "查无"})).is_success
    assert_problem(await zhou.post(feedback, json={"id": str(new_id())}), NothingToFeedBack)
    await concluded(await town.as_("lin"), away["id"], "info_error", note="空号")
    await zhou.post(f"/v1/leads/{away['id']}/review", json={"approved": True})
    last = (await zhou.post(feedback, json={"id": str(new_id())})).json()
    assert (last["batch_closed"], last["counts"]) == (True, {"info_error": 2})


async def test_a_transfer_reaches_the_other_township_once_and_brings_its_receipt(
    town: Town, zhou: httpx.AsyncClient
):
    lead = (await _given(zhou))["id"]
    lin = await town.as_("lin")
    said = {"id": str(new_id()), "to_code": OTHER_TOWNSHIP, "to_name": "白水乡"}
    said |= {"reason": "现住白水乡"}
    address = f"/v1/leads/{lead}/transfers"
    assert_problem(await zhou.post(address, json=said), LeadNotSo)
    assert (await concluded(lin, lead, "not_in_jurisdiction", note="现住白水乡")).status_code == 200
    sent, again = [await zhou.post(address, json=said) for _ in range(2)]
    assert (sent.status_code, again.status_code) == (201, 200)
    told = {"cell": TOWNSHIP, "transfer": said["id"]}
    for _ in range(2):
        house = Entry.for_the_house(OTHER_TOWNSHIP)
        async with town.database.session(house) as session:
            await receive(session, OTHER_TOWNSHIP, told)
    bai = await town.as_("bai")
    [batch] = (await bai.get("/v1/lead-batches")).json()["items"]
    assert (batch["issuer"], batch["from_cell"]) == ("青竹乡", TOWNSHIP)
    [there] = (await bai.get("/v1/leads")).json()["items"]
    here = (await zhou.get(f"/v1/leads/{lead}")).json()["lead"]
    assert (there["name"], there["phone"]) == (here["name"], here["phone"])
    assert here["status"] == "transferred"
    receipt = (await zhou.get(f"/v1/lead-transfers/{said['id']}")).json()
    assert (receipt["status"], batch["id"] in receipt["receipt"]) == ("received", True)


async def test_a_township_served_elsewhere_answers_on_paper(town: Town, zhou: httpx.AsyncClient):
    lead = (await _given(zhou))["id"]
    lin = await town.as_("lin")
    await concluded(lin, lead, "not_in_jurisdiction", note="在外县")
    said = {"id": str(new_id()), "to_code": "451026101", "to_name": "城关镇", "reason": "现住"}
    await zhou.post(f"/v1/leads/{lead}/transfers", json=said)
    address = f"/v1/lead-transfers/{said['id']}/receipt"
    declined = {"received": False, "receipt": "查无此人"}
    first, again = [await zhou.post(address, json=declined) for _ in range(2)]
    assert first.json() == again.json()
    assert_problem(
        await zhou.post(address, json={"received": True, "receipt": "1号"}), TransferAnswered
    )
    back = (await zhou.get(f"/v1/leads/{lead}")).json()["lead"]
    assert (back["status"], back["outcome"]) == ("contacting", None)


async def test_a_lead_that_is_late_is_told_upward_once(town: Town, zhou: httpx.AsyncClient):
    soon = (clock.now() + timedelta(minutes=10)).isoformat()
    batch = await a_lead_batch(zhou, deadline_at=soon)
    lead = await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1)))
    await sweep(town.database, "leads.late", TOWNSHIP, at=clock.now())
    late = clock.now() + timedelta(minutes=11)
    await sweep(town.database, "leads.late", TOWNSHIP, at=late)
    assert await sweep(town.database, "leads.late", TOWNSHIP, at=late) == 0
    alerts = (await zhou.get("/v1/alerts?cause=overdue_lead&limit=500")).json()["items"]
    assert [each["id"] for each in alerts if each["grid_id"] == str(grid_id(LIU_1))]
    with time_machine.travel(late, tick=False):
        chief = town.client(await town.token_of("zhou"))
        told = (await chief.get(f"/v1/lead-progress?batch_id={batch['id']}")).json()
    assert (told["whole"]["received"], told["whole"]["open"], told["whole"]["late"]) == (1, 1, 1)
    assert lead["status"] == "assigned"


async def test_a_late_lead_sent_once_more_is_no_news(town: Town, zhou: httpx.AsyncClient):
    soon = (clock.now() + timedelta(minutes=10)).isoformat()
    batch = await a_lead_batch(zhou, deadline_at=soon)
    said = {"id": str(new_id()), "name": "覃晚", "grid_id": str(grid_id(LIU_1))}
    path = f"/v1/lead-batches/{batch['id']}/leads"
    assert (await zhou.post(path, json=said)).status_code == 201
    late = clock.now() + timedelta(minutes=11)
    await sweep(town.database, "leads.late", TOWNSHIP, at=late)
    assert (await zhou.post(path, json=said)).status_code == 200


async def test_progress_counts_each_lead_where_it_was_given(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    batch = await a_lead_batch(zhou)
    await a_lead(zhou, batch)
    for _ in range(2):
        await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1)))
    told = (await zhou.get(f"/v1/lead-progress?batch_id={batch['id']}")).json()
    assert (told["whole"]["received"], told["whole"]["unassigned"]) == (3, 1)
    assert [(each["grid_name"], each["received"]) for each in told["items"]] == [("东片", 2)]
    own = (await ming.get(f"/v1/lead-progress?batch_id={batch['id']}")).json()
    assert own["whole"]["received"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"health_code": None},
        {"shown": "not_asked"},
        {"question": "vaccination"},
        {"travel_card": {"colour": "green"}},
        {"health_code": {"state": "blue"}},
    ],
)
async def test_an_answer_that_is_none_is_refused(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient, wrong: dict[str, Any]
):
    lead = (await _given(zhou))["id"]
    said = {"id": str(new_id()), "question": "health_code", "shown": "shown"}
    body = {**said, "health_code": {"state": "green"}, **wrong}
    assert_problem(await ming.post(f"/v1/leads/{lead}/answers", json=body), InvalidInput)


async def test_an_attempt_sent_twice_is_one_and_with_another_body_refused(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    address = f"/v1/leads/{(await _given(zhou))['id']}/attempts"
    said = {"id": str(new_id()), "kind": "phone", "reached": False, "note": "𠮷'); DROP TABLE x"}
    first, again = [await ming.post(address, json=said) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert_problem(await ming.post(address, json=said | {"reached": True}), RecordDiffers)
    assert first.json()["note"] == said["note"]
