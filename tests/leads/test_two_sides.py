"""What is decided of a lead rests on somebody else, and on something: no circle, no short cut."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.problems import InvalidInput
from api.foundation.records import new_id
from api.leads.problems import LeadNotReady, LeadNotSo
from api.leads.transferring import receive
from tests.builders import a_household, a_lead, a_lead_batch, synthetic_resident
from tests.cast import OTHER_TOWNSHIP, TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.leads.test_verification import LIU_1, answered, concluded, tried

Lead = dict[str, Any]


@pytest.fixture
async def batch(zhou: httpx.AsyncClient) -> dict[str, Any]:
    return await a_lead_batch(zhou)


async def _given(zhou: httpx.AsyncClient, batch: dict[str, Any], **told: Any) -> Lead:
    return await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1)), **told)


def _transfer(**told: str) -> dict[str, str]:
    said = {"id": str(new_id()), "to_code": "451026101", "to_name": "城关镇", "reason": "现住"}
    return said | told


async def test_leads_are_not_each_others_duplicates_however_long_the_way_round(
    zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    leads = [(await _given(zhou, batch))["id"] for _ in range(3)]

    async def doubles(lead: str, earlier: str, *, is_duplicate: bool = True) -> httpx.Response:
        said = {"is_duplicate": is_duplicate, "duplicate_of_id": earlier}
        return await zhou.post(f"/v1/leads/{lead}/duplicate", json=said)

    first, second, third = leads
    assert (await doubles(second, first)).status_code == 200
    assert (await doubles(third, second)).status_code == 200
    for later in (second, third):
        refused = assert_problem(await doubles(first, later), InvalidInput)
        assert refused["errors"][0]["pointer"] == "/body/duplicate_of_id"
    assert (await doubles(second, first, is_duplicate=False)).status_code == 200
    assert (await doubles(first, third)).status_code == 200


async def test_whoever_found_that_a_lead_belongs_elsewhere_does_not_hand_it_on_alone(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = (await _given(zhou, batch))["id"]
    lin = await town.as_("lin")
    await concluded(lin, lead, "not_in_jurisdiction", note="在外县")
    address = f"/v1/leads/{lead}/transfers"
    assert_problem(await lin.post(address, json=_transfer()), NeedsAnotherPerson)
    assert (await zhou.post(address, json=_transfer())).status_code == 201
    told = (await zhou.get(f"/v1/leads/{lead}")).json()["lead"]
    assert told["status"] == "transferred"
    assert told["reviewed_by"] != told["outcome_by"]


@pytest.mark.parametrize(("hours", "late"), [(-1, True), (1, False)])
async def test_what_is_handed_on_after_its_deadline_is_late_until_it_is_declined(
    town: Town, zhou: httpx.AsyncClient, hours: int, late: bool
):
    now = clock.now()
    batch = await a_lead_batch(
        zhou,
        issued_at=(now - timedelta(days=2)).isoformat(),
        deadline_at=(now + timedelta(hours=hours)).isoformat(),
    )
    lead = (await _given(zhou, batch))["id"]
    await concluded(await town.as_("lin"), lead, "not_in_jurisdiction", note="在外县")
    said = _transfer()
    assert (await zhou.post(f"/v1/leads/{lead}/transfers", json=said)).status_code == 201
    told = (await zhou.get(f"/v1/leads/{lead}")).json()["lead"]
    assert told["handed_on_at"] is not None
    asked = {"batch_id": batch["id"]}
    listed = (await zhou.get("/v1/leads", params={**asked, "late": True})).json()["items"]
    counted = (await zhou.get("/v1/lead-progress", params=asked)).json()["whole"]["late"]
    assert (told["late"], len(listed), counted) == (late, int(late), int(late))
    answer = {"received": False, "receipt": "查无此人"}
    declined = await zhou.post(f"/v1/lead-transfers/{said['id']}/receipt", json=answer)
    assert declined.status_code == 200, declined.text
    again = (await zhou.get(f"/v1/leads/{lead}")).json()["lead"]
    assert (again["handed_on_at"], again["late"]) == (None, late)


@pytest.mark.parametrize("behind", ["", "000", "103"])
async def test_a_township_is_told_by_its_code_however_many_digits_stand_behind_it(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any], behind: str
):
    lead = (await _given(zhou, batch))["id"]
    await concluded(await town.as_("lin"), lead, "not_in_jurisdiction", note="在外乡")
    address = f"/v1/leads/{lead}/transfers"
    own = await zhou.post(address, json=_transfer(to_code=TOWNSHIP + behind))
    assert assert_problem(own, InvalidInput)["errors"][0]["pointer"] == "/body/to_code"
    said = _transfer(to_code=OTHER_TOWNSHIP + behind, to_name="白水乡")
    assert (await zhou.post(address, json=said)).status_code == 201
    receipt = await _received(town, said["id"])
    assert receipt["status"] == "received"


async def _received(town: Town, transfer: str) -> dict[str, Any]:
    told = {"cell": TOWNSHIP, "transfer": transfer}
    async with town.database.session(Entry.for_the_house(OTHER_TOWNSHIP)) as session:
        await receive(session, OTHER_TOWNSHIP, told)
    return (await (await town.as_("zhou")).get(f"/v1/lead-transfers/{transfer}")).json()


async def test_both_townships_hear_at_once_of_what_was_received(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = (await _given(zhou, batch))["id"]
    await concluded(await town.as_("lin"), lead, "not_in_jurisdiction", note="在外乡")
    said = _transfer(to_code=OTHER_TOWNSHIP, to_name="白水乡")
    assert (await zhou.post(f"/v1/leads/{lead}/transfers", json=said)).status_code == 201
    bai = await town.as_("bai")
    last = [(await each.get("/v1/events/poll")).json()["next"] for each in (zhou, bai)]
    await _received(town, said["id"])
    batches = (await bai.get("/v1/lead-batches", params={"limit": 500})).json()["items"]
    there = next(each["id"] for each in batches if said["id"] in each["batch_number"])
    for client, after, subject in ((zhou, last[0], lead), (bai, last[1], there)):
        heard = (await client.get("/v1/events/poll", params={"after": after})).json()["items"]
        assert ("duties.changed", subject) in [(e["kind"], e["subject_id"]) for e in heard]


async def test_a_familys_phone_proves_nobody_elsewhere_either(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    bai, lin = await town.as_("bai"), await town.as_("lin")
    mother = synthetic_resident(name="黄秀英")
    there = await a_household(bai, grid=id_of(f"{OTHER_TOWNSHIP} t"), residents=[mother])
    daughter = {"name": "黄小妹", "phone": mother["phone"]}
    told = [daughter, daughter | {"name": "黄秀英"}, daughter | {"name": None}]
    received: list[Lead] = []
    for person in told:
        lead = (await _given(zhou, batch, **person))["id"]
        await concluded(lin, lead, "not_in_jurisdiction", note="在外乡")
        said = _transfer(to_code=OTHER_TOWNSHIP, to_name="白水乡")
        handed = await zhou.post(f"/v1/leads/{lead}/transfers", json=said)
        assert handed.status_code == 201, handed.text
        receipt = (await _received(town, said["id"]))["receipt"]
        found = await bai.get("/v1/leads", params={"batch_id": receipt.split()[1]})
        received += found.json()["items"]
    assert [each["matched_how"] for each in received] == [None, "phone", "phone"]
    assert {each["household_id"] for each in received} == {there["id"]}
    assert {each["assigned_how"] for each in received} == {"phone"}
    assert [each["duplicate"] for each in received] == [None, None, "proposed"]
    assert received[2]["duplicate_of_id"] == received[0]["id"]


async def test_who_is_received_is_looked_for_as_who_is_entered(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    bai, lin = await town.as_("bai"), await town.as_("lin")
    village = {"id": str(new_id()), "kind": "village", "name": "白水村民委员会"}
    village |= {"code": f"{OTHER_TOWNSHIP}201", "parent_id": str(id_of(f"{OTHER_TOWNSHIP} t"))}
    opened = await bai.post("/v1/grids", json=village)
    assert opened.status_code == 201, opened.text
    granny = synthetic_resident(name="岑桂花", phone=None)
    there = await a_household(bai, grid=UUID(village["id"]), residents=[granny])
    age = there["residents"][0]["age"]
    received: list[dict[str, Any]] = []
    for person in (
        {"name": granny["name"], "age": age, "address": None},
        {"name": granny["name"], "age": age, "address": "白水乡白水村1号"},
        {"name": "岑桂香", "address": "白水乡白水村小学旁"},
    ):
        lead = (await _given(zhou, batch, phone=None, **person))["id"]
        await concluded(lin, lead, "not_in_jurisdiction", note="在外乡")
        said = _transfer(to_code=OTHER_TOWNSHIP, to_name="白水乡")
        handed = await zhou.post(f"/v1/leads/{lead}/transfers", json=said)
        assert handed.status_code == 201, handed.text
        receipt = (await _received(town, said["id"]))["receipt"]
        found = await bai.get("/v1/leads", params={"batch_id": receipt.split()[1]})
        [one] = found.json()["items"]
        received.append((await bai.get(f"/v1/leads/{one['id']}")).json())
    leads = [each["lead"] for each in received]
    assert [each["status"] for each in leads] == ["imported", "assigned", "assigned"]
    assert [each["assigned_how"] for each in leads] == [None, "address", "address"]
    assert [each["resident_id"] for each in leads] == [None] * 3
    likely = [[who["resident_id"] for who in each["candidates"]] for each in received]
    assert likely == [[granny["id"]], [granny["id"]], []]
    scores = [received[at]["candidates"][0]["score"] for at in (0, 1)]
    assert scores[0] < scores[1]
    assert [len(each["assignments"]) for each in received] == [0, 1, 1]


async def test_what_was_declined_by_hand_does_not_arrive_as_well(
    town: Town, zhou: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = (await _given(zhou, batch))["id"]
    await concluded(await town.as_("lin"), lead, "not_in_jurisdiction", note="在外乡")
    said = _transfer(to_code=OTHER_TOWNSHIP, to_name="白水乡")
    await zhou.post(f"/v1/leads/{lead}/transfers", json=said)
    declined = {"received": False, "receipt": "电话答复：查无此人"}
    address = f"/v1/lead-transfers/{said['id']}/receipt"
    assert (await zhou.post(address, json=declined)).status_code == 200
    before = len((await (await town.as_("bai")).get("/v1/leads?limit=500")).json()["items"])
    assert (await _received(town, said["id"]))["status"] == "declined"
    after = (await (await town.as_("bai")).get("/v1/leads?limit=500")).json()["items"]
    assert len(after) == before


async def test_what_was_accepted_by_mistake_is_sent_back_until_the_issuer_is_told(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = (await _given(zhou, batch))["id"]
    await concluded(ming, lead, "info_error", note="空号")
    review, back = f"/v1/leads/{lead}/review", {"approved": False, "reason": "电话已接通"}
    assert (await zhou.post(review, json={"approved": True})).status_code == 200
    lin = await town.as_("lin")
    told = await lin.post(review, json=back)
    assert told.status_code == 200, told.text
    names = ("status", "outcome", "reviewed_at", "reviewed_by", "sent_back_reason")
    assert [told.json()[name] for name in names] == ["contacting", *[None] * 3, "电话已接通"]
    await concluded(ming, lead, "info_error", note="空号")
    await zhou.post(review, json={"approved": True})
    feedback = f"/v1/lead-batches/{batch['id']}/feedback"
    assert (await zhou.post(feedback, json={"id": str(new_id())})).status_code == 201
    assert_problem(await lin.post(review, json=back), LeadNotSo)


async def test_whoever_refuses_again_is_told_of_again(
    town: Town, zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    lead = (await _given(zhou, batch))["id"]
    await tried(ming, lead, reached=True)
    for number in (1, 2):
        assert (await concluded(ming, lead, "refused")).status_code == 200
        alerts = (await zhou.get("/v1/alerts?cause=refusal&limit=500")).json()["items"]
        found = [(await zhou.get(f"/v1/alerts/{each['id']}")).json() for each in alerts]
        shown = [e for each in found for e in each["evidence"] if e["record_id"] == lead]
        assert len(shown) == number
        said = {"approved": False, "reason": "再上门一次"}
        assert (await zhou.post(f"/v1/leads/{lead}/review", json=said)).status_code == 200


async def test_nobody_was_tried_before_anybody_asked(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient
):
    issued = clock.now() - timedelta(days=2)
    batch = await a_lead_batch(zhou, issued_at=issued.isoformat())
    address = f"/v1/leads/{(await _given(zhou, batch))['id']}/attempts"
    for hours, status in ((-1, 422), (1, 201)):
        at = (issued + timedelta(hours=hours)).isoformat()
        said = {"id": str(new_id()), "kind": "visit", "reached": False, "recorded_at": at}
        kept = await ming.post(address, json=said)
        assert kept.status_code == status, kept.text


async def test_who_is_known_by_a_phone_alone_is_registered_by_the_name_they_gave(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    home = await a_household(ming, grid=grid_id(LIU_1))
    lead = (await _given(zhou, batch, name=None, phone="13900002222"))["id"]
    await tried(ming, lead, reached=True)
    await answered(ming, lead)
    came = {"id": str(new_id()), "household_id": home["id"], "stays": []}
    refused = await concluded(ming, lead, "missed_now_registered", arrival=came)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/arrival/name"
    told = await concluded(ming, lead, "missed_now_registered", arrival=came | {"name": "黄大妹"})
    assert told.status_code == 200, told.text
    arrival = (await ming.get(f"/v1/arrivals/{came['id']}")).json()
    assert arrival["arrival"]["name"] == "黄大妹"


async def test_the_register_learns_the_number_that_a_lead_told(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    aunt, told = {"id": str(new_id()), "name": "韦阿婆", "relation": "other"}, synthetic_resident()
    home = await a_household(ming, grid=grid_id(LIU_1), residents=[aunt])
    number = {name: told[name] for name in ("document_kind", "document")}
    lead = (await _given(zhou, batch, name="韦阿婆", phone=None, **number))["id"]
    matched = await ming.post(f"/v1/leads/{lead}/match", json={"resident_id": aunt["id"]})
    assert matched.status_code == 200, matched.text
    await tried(ming, lead, reached=True)
    await answered(ming, lead)
    came = {"id": str(new_id()), "household_id": home["id"], "stays": []}
    concluding = await concluded(ming, lead, "missed_now_registered", arrival=came)
    assert concluding.status_code == 200, concluding.text
    seen = {"resident_id": aunt["id"]}
    verified = await ming.post(f"/v1/arrivals/{came['id']}/verify", json=seen)
    assert verified.status_code == 200, verified.text
    found = await ming.post("/v1/residents/search", json=number)
    assert [each["id"] for each in found.json()["items"]] == [aunt["id"]]


async def test_an_arrival_that_was_untrue_registered_nobody(
    zhou: httpx.AsyncClient, ming: httpx.AsyncClient, batch: dict[str, Any]
):
    home = await a_household(ming, grid=grid_id(LIU_1))
    lead = (await _given(zhou, batch))["id"]
    await tried(ming, lead, reached=True)
    await answered(ming, lead)
    came = {"id": str(new_id()), "household_id": home["id"], "stays": []}
    told = await concluded(ming, lead, "missed_now_registered", arrival=came)
    assert told.status_code == 200, told.text
    doubted = {"approved": False, "reason": "再核实"}
    assert (await zhou.post(f"/v1/leads/{lead}/review", json=doubted)).status_code == 200
    untrue = {"reason": "冒用他人姓名"}
    gone = await ming.post(f"/v1/arrivals/{came['id']}/invalidate", json=untrue)
    assert gone.status_code == 200, gone.text
    assert_problem(await concluded(ming, lead, "missed_now_registered"), LeadNotReady)
    again = came | {"id": str(new_id())}
    told = await concluded(ming, lead, "missed_now_registered", arrival=again)
    assert (told.status_code, told.json()["arrival_id"]) == (200, again["id"])


@pytest.mark.parametrize("name", ["arrived_on", "claimed_on"])
async def test_a_year_mistyped_in_a_list_is_found_where_it_is_read(
    zhou: httpx.AsyncClient, batch: dict[str, Any], name: str
):
    said = {"id": str(new_id()), "name": "黄大妹", name: "1890-02-05"}
    refused = await zhou.post(f"/v1/lead-batches/{batch['id']}/leads", json=said)
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == f"/body/{name}"
