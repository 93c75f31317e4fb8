"""Protocols over HTTP: drafted, put in force, followed by the next, and never changed."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.access.caller import entry_of
from api.foundation import clock
from api.foundation.database import Entry
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
from api.protocols.documents import EXAMPLE, ProtocolDocument
from api.protocols.problems import (
    DraftPending,
    PolicyOutOfOrder,
    ProtocolNotADraft,
    ProtocolRetired,
)
from api.protocols.queries import ProtocolShelf, in_force
from tests.cast import TOWNSHIP, Town, assert_problem

PROTOCOLS = "/v1/protocols"
PRESETS = "/v1/protocol-presets"


def draft(code: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "code": code,
        "name": "返乡人员居家隔离7天",
        "disease": "新型冠状病毒肺炎",
        "issuing_body": "青竹乡防控指挥部",
        "legal_basis": "青竹乡防控指挥部〔2022〕7号",
        "source": "根据县指挥部通知整理",
        "effective_from": "2022-07-01",
        "document": EXAMPLE,
    } | changes


def rewritten(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: told for name, told in (body | changes).items() if name not in ("id", "code")}


async def drafted(client: httpx.AsyncClient, code: str, **changes: Any) -> dict[str, Any]:
    answer = await client.post(PROTOCOLS, json=draft(code, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def activate(client: httpx.AsyncClient, told: dict[str, Any]) -> httpx.Response:
    headers = {"If-Match": f'"{told["version"]}"'}
    return await client.post(f"{PROTOCOLS}/{told['id']}/activate", headers=headers)


async def activated(client: httpx.AsyncClient, code: str, **changes: Any) -> dict[str, Any]:
    answer = await activate(client, await drafted(client, code, **changes))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def revisions(client: httpx.AsyncClient, code: str) -> list[tuple[str, str, str | None]]:
    listed = (await client.get(PROTOCOLS, params={"code": code})).json()["items"]
    return [(each["status"], each["effective_from"], each["effective_to"]) for each in listed]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PROTOCOLS),
        ("POST", PROTOCOLS),
        ("GET", PRESETS),
        ("GET", f"{PROTOCOLS}/schema"),
        ("POST", f"{PROTOCOLS}/what-if"),
    ],
)
async def test_nobody_reads_or_drafts_protocols(town: Town, method: str, path: str):
    assert_problem(await town.nobody().request(method, path), NotSignedIn)


async def test_a_protocol_of_another_township_is_not_found(town: Town):
    zhou, bai = await town.as_("zhou"), await town.as_("bai")
    kept = await drafted(zhou, "of_qingzhu")
    assert_problem(await bai.get(f"{PROTOCOLS}/{kept['id']}"), NotFound)
    assert_problem(await activate(bai, kept), NotFound)
    assert (await bai.get(PROTOCOLS, params={"code": "of_qingzhu"})).json()["items"] == []


async def test_a_village_reads_protocols_and_makes_none(town: Town):
    zhou = await town.as_("zhou")
    kept = await drafted(zhou, "for_all_to_read")
    for name in ("lin", "ming", "he"):
        client = await town.as_(name)
        assert (await client.get(f"{PROTOCOLS}/{kept['id']}")).json() == kept
        assert_problem(await client.post(PROTOCOLS, json=draft("of_a_village")), NotPermitted)
        assert_problem(await activate(client, kept), NotPermitted)


async def test_a_draft_is_rewritten_put_in_force_and_from_then_on_never_changes(town: Town):
    zhou = await town.as_("zhou")
    body = draft("story")
    first = await zhou.post(PROTOCOLS, json=body)
    assert first.headers["Location"] == f"{PROTOCOLS}/{body['id']}"
    path = first.headers["Location"]
    assert (first.json()["status"], first.json()["revision"]) == ("draft", 1)
    change = rewritten(body, name="返乡人员居家隔离7天（修改稿）")
    written = await zhou.put(path, json=change, headers={"If-Match": '"1"'})
    assert (written.status_code, written.headers["ETag"]) == (200, '"2"')
    assert written.json()["name"] == change["name"]
    assert_problem(await activate(zhou, first.json()), VersionMismatch)
    active = await activate(zhou, written.json())
    assert (active.json()["status"], active.json()["effective_to"]) == ("active", None)
    assert active.json()["document"] == written.json()["document"]
    refused = await zhou.put(path, json=change, headers={"If-Match": active.headers["ETag"]})
    assert_problem(refused, ProtocolNotADraft)
    assert_problem(await activate(zhou, active.json()), ProtocolNotADraft)
    assert (await zhou.get(path)).json() == active.json()
    again = await zhou.post(PROTOCOLS, json=body)
    assert (again.status_code, again.json()) == (200, active.json())


async def test_changing_a_draft_needs_the_version_that_was_read(town: Town):
    zhou = await town.as_("zhou")
    body = draft("by_version")
    path = f"{PROTOCOLS}/{(await zhou.post(PROTOCOLS, json=body)).json()['id']}"
    assert_problem(await zhou.put(path, json=rewritten(body)), VersionMissing)
    stale = await zhou.put(path, json=rewritten(body), headers={"If-Match": '"7"'})
    assert_problem(stale, VersionMismatch)
    assert_problem(await zhou.post(f"{path}/activate"), VersionMissing)


async def test_the_next_revision_takes_over_from_its_day(town: Town):
    zhou = await town.as_("zhou")
    first = await activated(zhou, "followed")
    copy = {"id": str(new_id()), "effective_from": "2022-11-11"}
    second = await zhou.post(f"{PROTOCOLS}/{first['id']}/copy", json=copy)
    assert (second.status_code, second.json()["revision"]) == (201, 2)
    assert second.json()["document"] == first["document"]
    again = await zhou.post(f"{PROTOCOLS}/{first['id']}/copy", json=copy)
    assert (again.status_code, again.json()) == (200, second.json())
    assert await revisions(zhou, "followed") == [
        ("active", "2022-07-01", None),
        ("draft", "2022-11-11", None),
    ]
    taken_over = (await activate(zhou, second.json())).json()
    assert taken_over["supersedes_id"] == first["id"]
    assert await revisions(zhou, "followed") == [
        ("active", "2022-07-01", "2022-11-10"),
        ("active", "2022-11-11", None),
    ]
    for day, revision in (("2022-11-10", 1), ("2022-11-11", 2)):
        wanted = {"code": "followed", "in_force_on": day}
        (standing,) = (await zhou.get(PROTOCOLS, params=wanted)).json()["items"]
        assert standing["revision"] == revision


async def test_what_was_kept_by_laxer_rules_is_copied_and_mended_before_it_is_in_force(town: Town):
    zhou = await town.as_("zhou")
    first = await activated(zhou, "laxer")
    approver = ["plans", "0", "release", "approver", "roles"]
    async with town.database.session(Entry.for_the_house(TOWNSHIP)) as session:
        await session.execute(
            text(
                "UPDATE protocols SET document = jsonb_set(document, CAST(:path AS text[]), "
                """'["volunteer"]') WHERE id = CAST(:id AS uuid)"""
            ),
            {"path": approver, "id": first["id"]},
        )
    copy = {"id": str(new_id()), "effective_from": "2022-11-11"}
    copied = (await zhou.post(f"{PROTOCOLS}/{first['id']}/copy", json=copy)).json()
    assert copied["document"]["plans"][0]["release"]["approver"]["roles"] == ["volunteer"]
    refused = assert_problem(await activate(zhou, copied), InvalidInput)
    pointers = [each["pointer"] for each in refused["errors"]]
    assert pointers == [f"/body/document/{'/'.join(approver)}/0"]

    mended = rewritten(draft("laxer", effective_from="2022-11-11"))
    version = {"If-Match": f'"{copied["version"]}"'}
    told = await zhou.put(f"{PROTOCOLS}/{copied['id']}", json=mended, headers=version)
    assert told.status_code == 200, told.text
    assert (await activate(zhou, told.json())).status_code == 200


async def test_a_revision_takes_effect_after_the_one_it_follows(town: Town):
    zhou = await town.as_("zhou")
    await activated(zhou, "in_order")
    for day in ("2022-07-01", "2022-06-01"):
        early = await drafted(zhou, "in_order", effective_from=day)
        told = assert_problem(await activate(zhou, early), PolicyOutOfOrder)
        assert told["errors"][0]["pointer"] == "/body/effective_from"
        await zhou.post(f"{PROTOCOLS}/{early['id']}/retire", json={"reason": "日期有误"})
    assert [status for status, *_ in await revisions(zhou, "in_order")] == [
        "active",
        "retired",
        "retired",
    ]


async def test_what_was_retired_was_in_force_until_the_day_before(town: Town):
    zhou = await town.as_("zhou")
    kept = await activated(zhou, "withdrawn")
    path, reason = f"{PROTOCOLS}/{kept['id']}/retire", {"reason": "上级文件已废止"}
    retired = (await zhou.post(path, json=reason)).json()
    yesterday = clock.today() - timedelta(days=1)
    assert (retired["status"], retired["retired_reason"]) == ("retired", "上级文件已废止")
    assert retired["effective_to"] == yesterday.isoformat()
    assert_problem(await zhou.post(path, json=reason), ProtocolRetired)
    for day, standing in ((clock.today(), 0), (yesterday, 1)):
        wanted = {"code": "withdrawn", "in_force_on": day.isoformat()}
        assert len((await zhou.get(PROTOCOLS, params=wanted)).json()["items"]) == standing


async def test_what_is_retired_before_its_day_was_never_in_force(town: Town):
    zhou = await town.as_("zhou")
    tomorrow = clock.today() + timedelta(days=1)
    kept = await activated(zhou, "too_soon", effective_from=tomorrow.isoformat())
    path = f"{PROTOCOLS}/{kept['id']}/retire"
    retired = (await zhou.post(path, json={"reason": "暂缓施行"})).json()
    assert retired["effective_to"] == clock.today().isoformat()
    for day in (clock.today(), tomorrow):
        wanted = {"code": "too_soon", "in_force_on": day.isoformat()}
        assert (await zhou.get(PROTOCOLS, params=wanted)).json()["items"] == []
    await activated(zhou, "too_soon", effective_from=clock.today().isoformat())


async def test_one_draft_of_a_code_at_a_time(town: Town):
    zhou = await town.as_("zhou")
    kept = await drafted(zhou, "one_draft")
    assert_problem(await zhou.post(PROTOCOLS, json=draft("one_draft")), DraftPending)
    copy = {"id": str(new_id()), "effective_from": "2022-11-11"}
    assert_problem(await zhou.post(f"{PROTOCOLS}/{kept['id']}/copy", json=copy), DraftPending)
    await zhou.post(f"{PROTOCOLS}/{kept['id']}/retire", json={"reason": "作废"})
    assert (await drafted(zhou, "one_draft"))["revision"] == 2


async def test_a_draft_sent_twice_at_the_same_moment_is_one_draft(town: Town):
    zhou, gu = await town.as_("zhou"), await town.as_("gu")
    body = draft("twice_at_once", name="𠮷'); DROP TABLE protocols; --")
    answers = await asyncio.gather(*(who.post(PROTOCOLS, json=body) for who in (zhou, gu, zhou)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert {answer.json()["name"] for answer in answers} == {body["name"]}
    other = await gu.post(PROTOCOLS, json=body | {"effective_from": "2022-08-01"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["effective_from"]
    changed = EXAMPLE | {"look_back_days": 8}
    other = await gu.post(PROTOCOLS, json=body | {"document": changed})
    assert assert_problem(other, RecordDiffers)["fields"] == ["document"]


async def test_two_leaders_activating_at_once_activate_once(town: Town):
    zhou, gu = await town.as_("zhou"), await town.as_("gu")
    kept = await drafted(zhou, "at_once")
    answers = await asyncio.gather(*(activate(who, kept) for who in (zhou, gu)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_what_becomes_of_a_protocol_is_on_record(town: Town):
    zhou = await town.as_("zhou")
    kept = await activated(zhou, "on_record")
    await zhou.post(f"{PROTOCOLS}/{kept['id']}/retire", json={"reason": "换用新方案"})
    entries = (await zhou.get("/v1/audit-entries", params={"subject_id": kept["id"]})).json()[
        "items"
    ]
    assert {entry["action"] for entry in entries} == {
        "protocols.draft",
        "protocols.activate",
        "protocols.retire",
    }


async def test_presets_are_listed_with_their_source_and_bind_nobody(town: Town):
    bai = await town.as_("bai")
    presets = (await bai.get(PRESETS)).json()["items"]
    assert [preset["code"] for preset in presets] == [
        "cn_2020_home14",
        "cn_20m",
        "cn_rural_2021",
        "cn_v8",
        "cn_v9",
        "ebola_contacts_21d",
        "gx_2022_0118",
        "gx_3d2",
    ]
    assert all(preset["source"] and preset["legal_basis"] for preset in presets)
    assert (await bai.get(PROTOCOLS)).json()["items"] == []


async def test_a_preset_is_adopted_as_a_draft_or_put_in_force(town: Town):
    gu = await town.as_("gu")
    adoption = {"id": str(new_id()), "effective_from": "2021-05-11"}
    adopted = await gu.post(f"{PRESETS}/cn_v8", json=adoption)
    assert (adopted.status_code, adopted.json()["status"]) == (201, "draft")
    assert (await gu.post(f"{PRESETS}/cn_v8", json=adoption)).status_code == 200
    sooner = {"id": str(new_id()), "effective_from": "2022-06-27", "activate": True}
    active = await gu.post(f"{PRESETS}/cn_v9", json=sooner)
    assert (active.status_code, active.json()["status"]) == (201, "active")
    assert active.headers["ETag"] == f'"{active.json()["version"]}"'
    again = await gu.post(f"{PRESETS}/cn_v9", json=sooner)
    assert (again.status_code, again.json()) == (200, active.json())
    unknown = await gu.post(f"{PRESETS}/cn_v10", json={"id": str(new_id())})
    assert_problem(unknown, NotFound)
    today = await gu.post(f"{PRESETS}/gx_3d2", json={"id": str(new_id())})
    assert today.json()["effective_from"] == clock.today().isoformat()


async def test_the_protocols_in_force_stand_most_local_first(town: Town):
    zhou = await town.as_("zhou")
    disease = "手足口病"
    for code, area in (("hfm_nation", None), ("hfm_province", "45"), ("hfm_county", "451422")):
        await activated(zhou, code, region_code=area, disease=disease)
    await activated(zhou, "hfm_elsewhere", region_code="42", disease=disease)
    claims = town.app.state.keys.tokens.read(await town.token_of("ming"))
    async with town.database.session(entry_of(claims, writing=False)) as session:
        standing = await in_force(session, clock.today(), disease=disease, region=TOWNSHIP)
        assert [each.code for each in standing] == ["hfm_county", "hfm_province", "hfm_nation"]
        shelf = ProtocolShelf()
        kept = await shelf.document(session, TOWNSHIP, standing[0].id)
        assert kept == ProtocolDocument.model_validate(EXAMPLE)
        assert await shelf.document(session, TOWNSHIP, standing[0].id) is kept
        with pytest.raises(NotFound):
            await shelf.document(session, TOWNSHIP, new_id())


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"region_code": "4"}, "/body/region_code"),
        ({"region_code": "451422201 OR 1=1"}, "/body/region_code"),
        ({"code": "V9"}, "/body/code"),
        ({"legal_basis": ""}, "/body/legal_basis"),
        ({"effective_from": "2022-02-30"}, "/body/effective_from"),
        ({"document": None}, "/body/document"),
        ({"status": "active"}, "/body/status"),
    ],
)
async def test_what_cannot_be_a_protocol_is_refused_with_a_pointer(
    town: Town, changes: dict[str, Any], pointer: str
):
    zhou = await town.as_("zhou")
    refused = await zhou.post(PROTOCOLS, json=draft("refused", **changes))
    assert pointer in [each["pointer"] for each in assert_problem(refused, InvalidInput)["errors"]]
