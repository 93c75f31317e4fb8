"""Orders down and answers up: who may give, see and answer them, and what is refused (M1.6)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.directives.problems import DirectiveEnded, NobodyToTell
from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.directives.conftest import DIRECTIVES, directive_body, issued, names, receipts

OF_THE_VILLAGE = {"小明", "庞党员", "巴志愿", "梅大姐", "范党员", "单干部"}
"""Everybody who serves in 柳村 but Lin, who orders."""


async def test_nobody_reads_issues_or_answers_a_directive(town: Town):
    kept = await issued(await town.as_("lin"))
    nobody, one = town.nobody(), f"{DIRECTIVES}/{kept['id']}"
    assert_problem(await nobody.get(DIRECTIVES), NotSignedIn)
    assert_problem(await nobody.post(DIRECTIVES, json=directive_body()), NotSignedIn)
    assert_problem(await nobody.get(one), NotSignedIn)
    assert_problem(await nobody.post(f"{one}/acknowledge", json={}), NotSignedIn)


async def test_the_neighbour_finds_nothing_of_a_directive_to_another_village(town: Town):
    kept = await issued(await town.as_("lin"))
    one = f"{DIRECTIVES}/{kept['id']}"
    for name in ("wei", "han"):
        client = await town.as_(name)
        assert_problem(await client.get(one), NotFound)
        assert_problem(await client.get(f"{one}/progress"), NotFound)
        assert_problem(await client.get(f"{one}/receipts"), NotFound)
        assert_problem(await client.post(f"{one}/acknowledge", json={}), NotFound)
        assert_problem(await client.post(f"{one}/report", json={}), NotFound)
        listed = (await client.get(DIRECTIVES)).json()["items"]
        assert kept["id"] not in {each["id"] for each in listed}
    wei = await town.as_("wei")
    assert_problem(await wei.post(f"{one}/withdraw", json={"reason": "不必"}), NotFound)
    elsewhere = await wei.post(DIRECTIVES, json=directive_body())
    assert assert_problem(elsewhere, NotFound)["errors"][0]["pointer"] == "/body/grid_id"


async def test_a_directive_goes_to_everybody_below_but_who_orders(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = await issued(lin)
    assert (kept["status"], kept["issuer_name"], kept["receipt"]) == ("issued", "林支书", None)
    assert await names(lin, kept["id"]) == OF_THE_VILLAGE
    whole = await issued(zhou, grid="t")
    assert await names(zhou, whole["id"]) == OF_THE_VILLAGE | {
        "林支书",
        "顾管理",
        "李委员",
        "韦支书",
        "何医生",
        "韩网格",
        "覃党员",
    }


async def test_levels_and_roles_say_to_whom_it_goes(town: Town):
    zhou = await town.as_("zhou")
    villages = await issued(zhou, grid="t", levels=[3, 3], roles=["grid_leader"])
    assert villages["levels"] == [3]
    assert await names(zhou, villages["id"]) == {"林支书", "韦支书"}
    workers = await issued(zhou, grid="t.01.01", roles=["grid_worker", "volunteer"])
    assert await names(zhou, workers["id"]) == {"小明", "巴志愿", "梅大姐"}


async def test_a_directive_that_would_reach_nobody_is_refused_and_not_kept(town: Town):
    lin = await town.as_("lin")
    deep: list[dict[str, Any]] = [{"levels": [9]}, {"roles": ["police_officer"]}]
    for told in (*deep, {"grid": "t.01.01.01", "levels": [3]}):
        body = directive_body(**told)
        assert_problem(await lin.post(DIRECTIVES, json=body), NobodyToTell)
        assert_problem(await lin.get(f"{DIRECTIVES}/{body['id']}"), NotFound)
    households = directive_body(roles=["household_representative"])
    assert_problem(await lin.post(DIRECTIVES, json=households), NobodyToTell)


async def test_only_who_leads_issues(town: Town):
    ming = await town.as_("ming")
    own = directive_body(grid="t.01.01.01")
    assert_problem(await ming.post(DIRECTIVES, json=own), NotPermitted)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"title": " "}, "/body/title"),
        ({"levels": [0]}, "/body/levels/0"),
        ({"roles": ["king"]}, "/body/roles/0"),
        ({"remind_minutes": 10_081}, "/body/remind_minutes"),
        ({"deadline_at": "2022-02-15T18:00:00"}, "/body/deadline_at"),
        ({"deadline_at": "2022-02-15T18:00:00+08:00"}, "/body/deadline_at"),
        ({"attachments": [{"name": "表", "url": "http://a.cn/x"}]}, "/body/attachments/0/url"),
        ({"attachments": [{"name": "表", "url": "javascript:1"}]}, "/body/attachments/0/url"),
        ({"secret": 1}, "/body/secret"),
    ],
)
async def test_what_is_wrong_with_a_directive_is_pointed_at(
    town: Town, wrong: dict[str, Any], pointer: str
):
    lin = await town.as_("lin")
    body = directive_body(**wrong)
    refused = assert_problem(await lin.post(DIRECTIVES, json=body), InvalidInput)
    assert refused["errors"][0]["pointer"] == pointer
    assert_problem(await lin.get(f"{DIRECTIVES}/{body['id']}"), NotFound)


async def test_a_directive_sent_twice_at_the_same_moment_goes_out_once(town: Town):
    lin = await town.as_("lin")
    body = directive_body(
        title="𠮷'); DROP TABLE directives; --",
        attachments=[{"name": "排查表", "url": "https://example.cn/a.pdf?x=1"}],
        roles=["grid_worker", "volunteer"],
    )
    answers = await asyncio.gather(*(lin.post(DIRECTIVES, json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert len(await receipts(lin, body["id"])) == 3
    assert answers[0].json()["attachments"] == body["attachments"]
    other = await lin.post(DIRECTIVES, json=body | {"title": "别的", "needs_report": False})
    assert set(assert_problem(other, RecordDiffers)["fields"]) == {"title", "needs_report"}


async def test_who_serves_below_reads_it_acknowledges_and_reports(town: Town):
    lin, ming, mei = await town.as_("lin"), await town.as_("ming"), await town.as_("mei")
    zhou = await town.as_("zhou")
    kept = await issued(zhou, grid="t", body="一户一户查。")
    one = f"{DIRECTIVES}/{kept['id']}"
    read = (await ming.get(one)).json()
    assert (read["body"], read["receipt"]["worker_name"]) == ("一户一户查。", "小明")
    assert {each["worker_name"] for each in await receipts(ming, kept["id"])} == {
        "小明",
        "庞党员",
        "巴志愿",
    }
    first = await ming.post(f"{one}/acknowledge", json={})
    assert first.status_code == 200, first.text
    assert not first.json()["answered"]
    again = await ming.post(f"{one}/acknowledge", json={})
    assert again.json()["acknowledged_at"] == first.json()["acknowledged_at"]
    said = await ming.post(f"{one}/report", json={"report": "查了112户，𠮷祥返乡。"})
    assert said.json()["answered"]
    assert said.json()["report"] == "查了112户，𠮷祥返乡。"
    assert not said.json()["late"]
    same = await ming.post(f"{one}/report", json={"report": "查了112户，𠮷祥返乡。"})
    assert same.json() == said.json()
    more = await ming.post(f"{one}/report", json={"report": "又查到1人。"})
    assert more.json()["report"] == "又查到1人。"
    assert more.json()["reported_at"] == said.json()["reported_at"]
    straight = await mei.post(f"{one}/report", json={})
    assert straight.json()["acknowledged_at"] == straight.json()["reported_at"]
    assert straight.json()["report"] is None
    answered = await lin.get(f"{one}/receipts", params={"outstanding": "true"})
    assert {each["worker_name"] for each in answered.json()["items"]}.isdisjoint({"小明", "梅大姐"})


async def test_a_directive_that_needs_no_report_is_answered_by_acknowledging_it(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await issued(lin, needs_report=False)
    answer = await ming.post(f"{DIRECTIVES}/{kept['id']}/acknowledge", json={})
    assert answer.json()["answered"]


async def test_a_leader_answers_for_a_post_below_and_it_is_on_record(town: Town):
    lin, ming, mei = await town.as_("lin"), await town.as_("ming"), await town.as_("mei")
    kept = await issued(lin)
    one = f"{DIRECTIVES}/{kept['id']}"
    for_mei = {"post_id": str(id_of("post mei")), "report": "电话里说都查完了"}
    assert_problem(await ming.post(f"{one}/report", json=for_mei), NotFound)
    for_pang = {"post_id": str(id_of("post pang"))}
    assert_problem(await ming.post(f"{one}/acknowledge", json=for_pang), NotPermitted)
    said = (await lin.post(f"{one}/report", json=for_mei)).json()
    assert (said["worker_name"], said["reported_by"]) == ("梅大姐", str(id_of("lin")))
    assert (await mei.get(one)).json()["receipt"]["answered"]
    unknown = await lin.post(f"{one}/acknowledge", json={"post_id": str(id_of("post he"))})
    assert assert_problem(unknown, NotFound)["errors"][0]["pointer"] == "/body/post_id"
    not_told = await lin.post(f"{one}/acknowledge", json={})
    assert_problem(not_told, NotFound)


async def test_an_answer_is_neither_from_the_future_nor_from_before_it_was_told(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    one = f"{DIRECTIVES}/{(await issued(lin))['id']}"
    for hours, problem in ((1, RecordedInTheFuture), (-1, InvalidInput)):
        at = (clock.now() + timedelta(hours=hours)).isoformat()
        late = assert_problem(
            await ming.post(f"{one}/acknowledge", json={"acknowledged_at": at}), problem
        )
        assert late["errors"][0]["pointer"] == "/body/acknowledged_at"
        told = assert_problem(await ming.post(f"{one}/report", json={"reported_at": at}), problem)
        assert told["errors"][0]["pointer"] == "/body/reported_at"
    assert (await ming.get(one)).json()["receipt"]["acknowledged_at"] is None


async def test_two_acknowledgements_at_the_same_moment_are_one(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    one = f"{DIRECTIVES}/{(await issued(lin))['id']}"
    answers = await asyncio.gather(*(ming.post(f"{one}/acknowledge", json={}) for _ in range(4)))
    assert len({answer.json()["acknowledged_at"] for answer in answers}) == 1


async def test_the_deadline_moves_openly_and_only_from_above(town: Town):
    zhou, lin = await town.as_("zhou"), await town.as_("lin")
    kept = await issued(zhou)
    one = f"{DIRECTIVES}/{kept['id']}"
    later = (clock.now() + timedelta(days=1)).replace(microsecond=0)
    change = {"deadline_at": later.isoformat(), "reason": "山路不通"}
    match = {"If-Match": '"1"'}
    assert_problem(await lin.patch(one, json=change, headers=match), OutsideYourGrid)
    assert_problem(await zhou.patch(one, json=change), VersionMissing)
    assert_problem(await zhou.patch(one, json=change, headers={"If-Match": '"7"'}), VersionMismatch)
    past = change | {"deadline_at": (clock.now() - timedelta(hours=1)).isoformat()}
    refused = assert_problem(await zhou.patch(one, json=past, headers=match), InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/deadline_at"
    moved = await zhou.patch(one, json=change, headers=match)
    assert moved.status_code == 200, moved.text
    assert moved.json()["version"] == 2
    assert moved.json()["deadline_at"] == later.isoformat().replace("+00:00", "Z")


async def test_a_closed_or_withdrawn_directive_asks_nothing_more(town: Town):
    zhou, lin, ming = await town.as_("zhou"), await town.as_("lin"), await town.as_("ming")
    why = {"reason": "已全部完成"}
    for ending, other in (("close", "withdraw"), ("withdraw", "close")):
        one = f"{DIRECTIVES}/{(await issued(lin))['id']}"
        assert_problem(await ming.post(f"{one}/{ending}", json=why), NotPermitted)
        ended = await zhou.post(f"{one}/{ending}", json=why)
        assert ended.status_code == 200, ended.text
        assert ended.json()["ended_by"] == str(id_of("zhou"))
        assert (await lin.post(f"{one}/{ending}", json=why)).json() == ended.json()
        state = assert_problem(await lin.post(f"{one}/{other}", json=why), DirectiveEnded)["state"]
        assert state == ended.json()["status"]
        assert_problem(await ming.post(f"{one}/report", json={}), DirectiveEnded)
        assert_problem(await ming.post(f"{one}/acknowledge", json={}), DirectiveEnded)
        late = {"remind_minutes": 5, "reason": "改"}
        match = {"If-Match": '"2"'}
        assert_problem(await lin.patch(one, json=late, headers=match), DirectiveEnded)
    from_above = f"{DIRECTIVES}/{(await issued(zhou))['id']}"
    assert_problem(await lin.post(f"{from_above}/withdraw", json=why), OutsideYourGrid)


async def test_a_list_shows_what_is_owed_and_what_was_ordered(town: Town):
    zhou, lin, ming = await town.as_("zhou"), await town.as_("lin"), await town.as_("ming")
    title = f"专项{new_id()}"
    orders = [await issued(lin, title=title) for _ in range(3)]
    above = await issued(zhou, grid="t", title=title)
    await ming.post(f"{DIRECTIVES}/{orders[0]['id']}/report", json={})
    await lin.post(f"{DIRECTIVES}/{orders[1]['id']}/close", json={"reason": "完成"})

    async def listed(name: str, **asked: Any) -> set[str]:
        answer = await (await town.as_(name)).get(DIRECTIVES, params={"limit": 500, **asked})
        assert answer.status_code == 200, answer.text
        return {each["id"] for each in answer.json()["items"] if each["title"] == title}

    first, closed, waiting = (order["id"] for order in orders)
    assert await listed("ming", told_to_me="true") == {first, closed, waiting, above["id"]}
    assert await listed("ming", outstanding="true") == {waiting, above["id"]}
    assert await listed("lin", issued_by_me="true") == {first, closed, waiting}
    assert await listed("lin", status="closed") == {closed}
    assert await listed("zhou", grid_id=str(grid_id("t.01.01"))) == {first, closed, waiting}
    assert await listed("han") == {above["id"]}
    paged = (await lin.get(DIRECTIVES, params={"limit": 1})).json()
    after = await lin.get(DIRECTIVES, params={"limit": 1, "cursor": paged["next_cursor"]})
    assert after.json()["items"][0]["id"] != paged["items"][0]["id"]
    unseen = await ming.get(DIRECTIVES, params={"grid_id": str(grid_id("t.01.02"))})
    assert assert_problem(unseen, NotFound)["errors"][0]["pointer"] == "/query/grid_id"
