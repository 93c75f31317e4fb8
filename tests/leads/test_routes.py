"""Leads from above: who may enter, see, assign and reveal them, and what is refused."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.access.colleagues import NotAColleague
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from api.leads.problems import GridOutsideBatch, LeadBatchAlreadyEntered
from api.settings import Settings
from tests.builders import (
    a_household,
    a_lead,
    a_lead_batch,
    lead_batch_body,
    lead_body,
    somebody,
)
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of

BATCHES = "/v1/lead-batches"
LEADS = "/v1/leads"
LIU_1, LIU_2, RONG_1 = "t.01.01.01", "t.01.01.02", "t.01.02.01"


@pytest.fixture(scope="module")
async def batch(town: Town) -> dict[str, Any]:
    """A batch that the township received."""
    return await a_lead_batch(await town.as_("zhou"))


async def test_nobody_sees_and_enters_no_leads(town: Town, batch: dict[str, Any]):
    nobody = town.nobody()
    for path in (BATCHES, LEADS, f"{BATCHES}/{batch['id']}", f"{LEADS}/{new_id()}"):
        assert_problem(await nobody.get(path), NotSignedIn)
    for path, body in (
        (BATCHES, lead_batch_body()),
        (f"{BATCHES}/{batch['id']}/leads", lead_body()),
        (f"{BATCHES}/{batch['id']}/leads/batch", {"items": [lead_body()]}),
        (f"{LEADS}/{new_id()}/assign", {"grid_id": str(new_id())}),
    ):
        assert_problem(await nobody.post(path, json=body), NotSignedIn)


async def test_a_grid_worker_sees_the_leads_of_their_grid_and_not_those_of_the_next(
    town: Town, batch: dict[str, Any]
):
    zhou, ming, mei = [await town.as_(name) for name in ("zhou", "ming", "mei")]
    lead = await a_lead(zhou, batch, grid_id=str(grid_id(LIU_1)))
    assert (lead["status"], lead["assigned_how"]) == ("assigned", "told")
    address = f"{LEADS}/{lead['id']}"
    assert (await ming.get(address)).json()["lead"] == lead
    assert lead["id"] in await _ids(ming)
    assert_problem(await mei.get(address), NotFound)
    assert lead["id"] not in await _ids(mei)
    for step, body in (
        ("match", {"resident_id": str(new_id())}),
        ("unmatch", {"resident_id": str(new_id())}),
        ("duplicate", {"is_duplicate": False}),
        ("reveal", {"reason": "想看一看"}),
    ):
        assert_problem(await mei.post(f"{address}/{step}", json=body), NotFound)
    wanted = await mei.get(LEADS, params={"grid_id": str(grid_id(LIU_1))})
    assert assert_problem(wanted, NotFound)["errors"][0]["pointer"] == "/query/grid_id"


async def test_whoever_works_below_reads_by_when_and_what_for_and_changes_nothing(
    town: Town, batch: dict[str, Any]
):
    ming, lin, bai = [await town.as_(name) for name in ("ming", "lin", "bai")]
    for below in (ming, lin):
        assert (await below.get(f"{BATCHES}/{batch['id']}")).json() == batch
        assert batch in (await below.get(BATCHES, params={"limit": 500})).json()["items"]
    assert_problem(await bai.get(f"{BATCHES}/{batch['id']}"), NotFound)
    changes = {"instructions": "不用查了"}
    first = {"If-Match": '"1"'}
    path = f"{BATCHES}/{batch['id']}"
    assert_problem(await ming.patch(path, json=changes, headers=first), NotPermitted)
    assert_problem(await lin.patch(path, json=changes, headers=first), NotFound)
    assert_problem(await ming.post(f"{path}/leads", json=lead_body()), NotPermitted)
    assert_problem(await lin.post(f"{path}/leads", json=lead_body()), NotFound)
    assert_problem(await lin.post(f"{path}/leads/batch", json={"items": [lead_body()]}), NotFound)


async def test_who_has_no_business_with_leads_is_let_in_nowhere(town: Town, batch: dict[str, Any]):
    for name in ("ba", "he", "pang"):
        client = await town.as_(name)
        assert_problem(await client.get(LEADS), NotPermitted)
        assert_problem(await client.post(BATCHES, json=lead_batch_body()), NotPermitted)


async def test_a_village_receives_batches_of_its_own(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    batch = await a_lead_batch(lin)
    assert batch["grid_id"] == str(grid_id("t.01.01"))
    assert_problem(await wei.get(f"{BATCHES}/{batch['id']}"), NotFound)
    lead = await a_lead(lin, batch)
    assert (lead["status"], lead["grid_id"]) == ("imported", str(grid_id("t.01.01")))
    beyond = await lin.post(BATCHES, json=lead_batch_body(grid_id=str(grid_id("t"))))
    assert assert_problem(beyond, NotFound)["errors"][0]["pointer"] == "/body/grid_id"


async def test_a_batch_is_kept_as_it_was_told(town: Town):
    zhou = await town.as_("zhou")
    said = lead_batch_body(
        issuer="市大数据专班')； DROP TABLE leads; --",
        batch_number="𠮷-2022-3",
        instructions="逐人电话核实。\n当日反馈。",
        issued_at="2022-02-15T08:30:00+08:00",
        deadline_at="2022-02-16T18:00:00+08:00",
    )
    made = await zhou.post(BATCHES, json=said)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{BATCHES}/{said['id']}"
    kept = made.json()
    for name in ("id", "issuer", "batch_number", "instructions"):
        assert kept[name] == said[name]
    assert kept["deadline_at"] == "2022-02-16T10:00:00Z"
    assert (await zhou.get(f"{BATCHES}/{said['id']}")).json() == kept
    again = await zhou.post(BATCHES, json=said)
    assert (again.status_code, again.json()) == (200, kept)
    differs = await zhou.post(BATCHES, json=said | {"instructions": "另一件事"})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["instructions"]
    same = await zhou.post(BATCHES, json=said | {"id": str(new_id())})
    assert assert_problem(same, LeadBatchAlreadyEntered)["batch_id"] == said["id"]


async def test_the_lateness_of_batches_is_listed(town: Town):
    zhou = await town.as_("zhou")
    past = {"issued_at": "2022-02-15T08:30:00+08:00", "deadline_at": "2022-02-16T18:00:00+08:00"}
    late = await a_lead_batch(zhou, **past)
    fresh = await a_lead_batch(zhou, issuer="公安局")
    lates = [
        each["id"] for each in (await zhou.get(BATCHES, params={"late": True})).json()["items"]
    ]
    assert late["id"] in lates
    assert fresh["id"] not in lates
    of_police = (await zhou.get(BATCHES, params={"issuer": "公安局"})).json()["items"]
    assert of_police == [fresh]
    assert (await zhou.get(BATCHES, params={"closed": True})).json()["items"] == []


async def test_a_new_deadline_is_that_of_the_leads_still_owed(town: Town):
    zhou = await town.as_("zhou")
    batch = await a_lead_batch(zhou)
    own = (clock.now() + timedelta(hours=2)).isoformat()
    follows, apart = await a_lead(zhou, batch), await a_lead(zhou, batch, deadline_at=own)
    path = f"{BATCHES}/{batch['id']}"
    later = {"deadline_at": (clock.now() + timedelta(days=3)).isoformat(), "reason": "延期"}
    assert_problem(await zhou.patch(path, json=later), VersionMissing)
    moved = await zhou.patch(path, json=later, headers={"If-Match": '"1"'})
    assert moved.status_code == 200, moved.text
    assert_problem(await zhou.patch(path, json=later, headers={"If-Match": '"1"'}), VersionMismatch)
    assert (await _lead(zhou, follows))["deadline_at"] == moved.json()["deadline_at"]
    assert (await _lead(zhou, apart))["deadline_at"] == apart["deadline_at"]
    before = {"deadline_at": "2022-02-16T18:00:00+08:00"}
    refused = await zhou.patch(path, json=before, headers={"If-Match": '"2"'})
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/deadline_at"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"issuer": " "}, "/body/issuer"),
        ({"batch_number": None}, "/body/batch_number"),
        ({"deadline_at": "2022-02-16"}, "/body/deadline_at"),
        ({"deadline_at": "2022-02-16T18:00:00+08:00"}, "/body/deadline_at"),
        ({"grid_id": "1"}, "/body/grid_id"),
        ({"closed_at": None}, "/body/closed_at"),
    ],
)
async def test_a_batch_told_wrongly_is_pointed_at(
    town: Town, changes: dict[str, Any], pointer: str
):
    zhou = await town.as_("zhou")
    said = lead_batch_body() | changes
    told = assert_problem(await zhou.post(BATCHES, json=said), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert_problem(await zhou.get(f"{BATCHES}/{said['id']}"), NotFound)


async def test_a_lead_is_kept_as_it_was_told_and_masked(town: Town, batch: dict[str, Any]):
    zhou = await town.as_("zhou")
    who = somebody(name="𠮷小妹'); DROP TABLE leads; --")
    said = lead_body(
        **who,
        row_number=7,
        address="外省某市某区某路一百二十八号",
        lead_source="big_data",
        origin_place="百色市德保县",
        origin_code="451024000000",
        claim="2月3日漫游至德保县",
        claimed_on="2022-02-05",
        arrived_on="2022-02-06",
        transport="train",
        transport_number="D8521",
    )
    made = await zhou.post(f"{BATCHES}/{batch['id']}/leads", json=said)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{LEADS}/{said['id']}"
    lead, document = made.json(), who["document"]
    assert lead["document"] == f"{document[:3]}{'*' * 11}{document[-4:]}"
    assert lead["phone"].startswith("139****")
    assert lead["address"] == "外省某市某区***"
    assert "birth_date" not in lead
    expected = {
        "name": who["name"],
        "row_number": 7,
        "batch_id": batch["id"],
        "status": "imported",
        "assigned_how": None,
        "resident_id": None,
        "grid_id": str(grid_id("t")),
        "origin_code": "451024",
        "claimed": "returnee",
        "has_claim": True,
        "claimed_on": "2022-02-05",
        "transport_number": "D8521",
        "deadline_at": batch["deadline_at"],
        "late": False,
        "duplicate": None,
        "outcome": None,
        "entered_by": str(id_of("zhou")),
    }
    assert {name: lead[name] for name in expected} == expected
    file = (await zhou.get(f"{LEADS}/{said['id']}")).json()
    assert (file["lead"], file["batch"]) == (lead, batch)
    assert file["candidates"] == file["assignments"] == []


async def test_what_identifies_somebody_lies_sealed_and_is_revealed_for_a_reason(
    town: Town, batch: dict[str, Any], settings: Settings
):
    zhou = await town.as_("zhou")
    who = somebody()
    lead = await a_lead(zhou, batch, **who, address="某路一百二十八号", claim="与病例同乘")
    assert settings.owner_database_url is not None
    owner = Database(settings.owner_database_url.get_secret_value(), settings.keyring())
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        row = await session.execute(
            text("SELECT leads::text FROM leads WHERE id = :id"), {"id": lead["id"]}
        )
        told = row.scalar_one()
    await owner.close()
    for plain in (who["document"], who["phone"], "一百二十八号", "同乘"):
        assert plain not in told
    path = f"{LEADS}/{lead['id']}/reveal"
    assert_problem(await zhou.post(path, json={"reason": "看"}), InvalidInput)
    shown = await zhou.post(path, json={"reason": "电话核查", "fields": ["phone", "claim"]})
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.json() == {
        "id": lead["id"],
        "document_kind": "resident_identity",
        "document": None,
        "birth_date": None,
        "phone": who["phone"],
        "address": None,
        "claim": "与病例同乘",
    }
    entries = (await zhou.get("/v1/audit-entries", params={"subject_id": lead["id"]})).json()
    assert entries["items"][0]["details"] == {"reason": "电话核查", "fields": ["claim", "phone"]}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": None, "phone": None}, "/body/name"),
        ({"name": "坏\u0000字"}, "/body/name"),
        ({"phone": "12345"}, "/body/phone"),
        ({"document": "451422199001010012"}, "/body/document"),
        (
            {"document_kind": "resident_identity", "document": "451422199001010013"},
            "/body/document",
        ),
        ({"age": 131}, "/body/age"),
        ({"claimed_on": "2190-01-01"}, "/body/claimed_on"),
        ({"claimed": "gossip"}, "/body/claimed"),
        ({"lead_source": "gossip"}, "/body/lead_source"),
        ({"origin_code": "4510"}, "/body/origin_code"),
        ({"row_number": 0}, "/body/row_number"),
        ({"status": "closed"}, "/body/status"),
        ({"resident_id": str(new_id())}, "/body/resident_id"),
    ],
)
async def test_a_lead_told_wrongly_is_pointed_at_and_nothing_is_kept(
    town: Town, batch: dict[str, Any], changes: dict[str, Any], pointer: str
):
    zhou = await town.as_("zhou")
    said = lead_body() | changes
    path = f"{BATCHES}/{batch['id']}/leads"
    told = assert_problem(await zhou.post(path, json=said), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert_problem(await zhou.get(f"{LEADS}/{said['id']}"), NotFound)


async def test_a_lead_names_grids_times_and_people_that_are_there(
    town: Town, batch: dict[str, Any]
):
    zhou = await town.as_("zhou")
    path = f"{BATCHES}/{batch['id']}/leads"
    nowhere = await zhou.post(path, json=lead_body(grid_id=str(new_id())))
    assert assert_problem(nowhere, NotFound)["errors"][0]["pointer"] == "/body/grid_id"
    later = (clock.now() + timedelta(minutes=6)).isoformat()
    assert_problem(await zhou.post(path, json=lead_body(recorded_at=later)), RecordedInTheFuture)
    stranger = await zhou.post(path, json=lead_body(performed_by=str(new_id())))
    assert_problem(stranger, NotAColleague)
    unknown = await zhou.post(f"{BATCHES}/{new_id()}/leads", json=lead_body())
    assert_problem(unknown, NotFound)


async def test_a_lead_sent_twice_at_the_same_moment_is_one_lead(town: Town, batch: dict[str, Any]):
    zhou = await town.as_("zhou")
    home = await a_household(await town.as_("ming"), grid=LIU_1)
    person = home["residents"][0]
    plain = await (await town.as_("ming")).post(
        f"/v1/residents/{person['id']}/reveal", json={"reason": "核对电话号码"}
    )
    said = lead_body(name=person["name"], phone=plain.json()["phone"], claim="同一条")
    path = f"{BATCHES}/{batch['id']}/leads"
    answers = await asyncio.gather(*(zhou.post(path, json=said) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["duplicate"] is None
    file = (await zhou.get(f"{LEADS}/{said['id']}")).json()
    assert len(file["assignments"]) == 1
    differs = await zhou.post(path, json=said | {"claim": "另一条", "age": 30})
    assert sorted(assert_problem(differs, RecordDiffers)["fields"]) == ["age", "claim"]


async def test_a_lead_sent_again_after_it_was_given_elsewhere_is_no_news(
    town: Town, batch: dict[str, Any]
):
    zhou = await town.as_("zhou")
    said = lead_body(grid_id=str(grid_id(LIU_1)))
    path = f"{BATCHES}/{batch['id']}/leads"
    assert (await zhou.post(path, json=said)).status_code == 201
    given = await zhou.post(f"{LEADS}/{said['id']}/assign", json={"grid_id": str(grid_id(RONG_1))})
    again = await zhou.post(path, json=said)
    assert (again.status_code, again.json()) == (200, given.json())


async def test_a_list_is_kept_item_by_item_and_again_changes_nothing(town: Town):
    zhou = await town.as_("zhou")
    batch = await a_lead_batch(zhou)
    path = f"{BATCHES}/{batch['id']}/leads/batch"
    items = [
        lead_body(),
        lead_body(grid_id=str(grid_id(LIU_2))),
        lead_body() | {"phone": "1"},
        lead_body() | {"name": None, "phone": None},
        lead_body(grid_id=str(new_id())),
    ]
    items.append(items[0])
    sent = await zhou.post(path, json={"items": items})
    assert sent.status_code == 200, sent.text
    outcomes = [item["outcome"] for item in sent.json()["items"]]
    assert outcomes == ["created", "created", "refused", "refused", "refused", "unchanged"]
    pointers = [item["problem"]["errors"][0]["pointer"] for item in sent.json()["items"][2:5]]
    assert pointers == ["/body/items/2/phone", "/body/items/3/name", "/body/items/4/grid_id"]
    again = (await zhou.post(path, json={"items": items})).json()
    assert (again["created"], again["unchanged"], again["refused"]) == (0, 3, 3)
    listed = await zhou.get(LEADS, params={"batch_id": batch["id"]})
    assert {each["id"] for each in listed.json()["items"]} == {items[0]["id"], items[1]["id"]}
    too_many = {"items": [lead_body()] * 1001}
    assert_problem(await zhou.post(path, json=too_many), InvalidInput)


async def test_a_thousand_leads_come_in_one_request(town: Town):
    zhou = await town.as_("zhou")
    batch = await a_lead_batch(zhou)
    items = [lead_body(grid_id=str(grid_id((LIU_1, LIU_2)[at % 2]))) for at in range(1000)]
    sent = await zhou.post(f"{BATCHES}/{batch['id']}/leads/batch", json={"items": items})
    assert sent.json()["created"] == 1000
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"batch_id": batch["id"], "limit": 400} | ({"cursor": cursor} if cursor else {})
        page = (await (await town.as_("ming")).get(LEADS, params=query)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(item["id"] for item in items[::2])


async def test_a_lead_given_by_hand_moves_with_its_history(town: Town, batch: dict[str, Any]):
    zhou, lin, ming, mei = [await town.as_(name) for name in ("zhou", "lin", "ming", "mei")]
    lead = await a_lead(zhou, batch)
    path = f"{LEADS}/{lead['id']}/assign"
    to = {"grid_id": str(grid_id(LIU_1)), "reason": "电话问过住址"}
    given = await zhou.post(path, json=to)
    assert given.status_code == 200, given.text
    assert (given.json()["status"], given.json()["assigned_how"]) == ("assigned", "hand")
    assert (await zhou.post(path, json=to)).json() == given.json()
    assert (await ming.get(f"{LEADS}/{lead['id']}")).status_code == 200
    assert_problem(await ming.post(path, json=to), NotPermitted)
    moved = await lin.post(path, json={"grid_id": str(grid_id(LIU_2))})
    assert moved.json()["grid_id"] == str(grid_id(LIU_2))
    assert_problem(await ming.get(f"{LEADS}/{lead['id']}"), NotFound)
    history = (await mei.get(f"{LEADS}/{lead['id']}")).json()["assignments"]
    assert [(each["to_grid_id"], each["by"], each["reason"]) for each in history] == [
        (str(grid_id(LIU_2)), str(id_of("lin")), None),
        (str(grid_id(LIU_1)), str(id_of("zhou")), "电话问过住址"),
    ]
    unseen = await lin.post(path, json={"grid_id": str(grid_id(RONG_1))})
    assert assert_problem(unseen, NotFound)["errors"][0]["pointer"] == "/body/grid_id"


async def test_a_lead_stays_within_the_grid_that_received_it(town: Town):
    zhou, lin = await town.as_("zhou"), await town.as_("lin")
    batch = await a_lead_batch(lin)
    lead = await a_lead(lin, batch)
    outside = await zhou.post(
        f"{LEADS}/{lead['id']}/assign", json={"grid_id": str(grid_id(RONG_1))}
    )
    assert assert_problem(outside, GridOutsideBatch)["errors"][0]["pointer"] == "/body/grid_id"


async def test_many_are_given_at_once_each_with_its_outcome(town: Town, batch: dict[str, Any]):
    zhou = await town.as_("zhou")
    first, second = await a_lead(zhou, batch), await a_lead(zhou, batch)
    other = await a_lead(zhou, await a_lead_batch(zhou))
    items = [
        {"lead_id": first["id"], "grid_id": str(grid_id(LIU_1))},
        {"lead_id": second["id"], "grid_id": str(new_id())},
        {"lead_id": other["id"], "grid_id": str(grid_id(LIU_1))},
        {"lead_id": first["id"], "grid_id": str(grid_id(LIU_2))},
    ]
    path = f"{BATCHES}/{batch['id']}/assign"
    sent = await zhou.post(path, json={"items": items, "reason": "按住址"})
    outcomes = [item["outcome"] for item in sent.json()["items"]]
    assert outcomes == ["created", "refused", "refused", "created"]
    pointers = [item["problem"]["errors"][0]["pointer"] for item in sent.json()["items"][1:3]]
    assert pointers == ["/body/items/1/grid_id", "/body/items/2/lead_id"]
    assert (await _lead(zhou, first))["grid_id"] == str(grid_id(LIU_2))
    again = (await zhou.post(path, json={"items": items[3:]})).json()
    assert again["unchanged"] == 1
    waiting = await zhou.get(LEADS, params={"batch_id": batch["id"], "assigned": False})
    assert second["id"] in {each["id"] for each in waiting.json()["items"]}


async def test_leads_follow_their_grid_when_it_moves(town: Town, batch: dict[str, Any]):
    zhou, wei = await town.as_("zhou"), await town.as_("wei")
    made = await zhou.post(
        "/v1/grids",
        json={"id": str(new_id()), "parent_id": str(grid_id("t.01.01")), "name": "新组"}
        | {"kind": "basic"},
    )
    assert made.status_code == 201, made.text
    lead = await a_lead(zhou, batch, grid_id=made.json()["id"])
    assert_problem(await wei.get(f"{LEADS}/{lead['id']}"), NotFound)
    move = {"new_parent_id": str(grid_id("t.01.02")), "reason": "调整"}
    moved = await zhou.post(f"/v1/grids/{made.json()['id']}/move", json=move)
    assert moved.status_code == 200, moved.text
    file = (await wei.get(f"{LEADS}/{lead['id']}")).json()
    assert len(file["assignments"]) == 1


async def _ids(client: Any) -> list[str]:
    return [each["id"] for each in (await client.get(LEADS, params={"limit": 500})).json()["items"]]


async def _lead(client: Any, lead: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"{LEADS}/{lead['id']}")).json()["lead"]
