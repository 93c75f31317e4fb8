"""Errands: asked for, taken on by one, brought, confirmed; each step once and in order (M3.7)."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from time_machine import travel

from api.access.colleagues import NotAColleague
from api.care.errand_problems import (
    ErrandDiscarded,
    ErrandOutOfOrder,
    ErrandTaken,
    NotServing,
)
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
from api.quarantines.problems import QuarantineEnded
from tests.builders import FOUR, a_quarantine, an_errand, errand_body
from tests.care.test_routes import ago
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.quarantines.plans import rows

ERRANDS = "/v1/errands"
BROUGHT = {"contact_free": True, "amount_fen": 3580, "payer": "resident", "receipt_number": "0012"}


@pytest.fixture(scope="module")
async def served(town: Town) -> dict[str, Any]:
    """Somebody in 柳村一组 with a team, the doctor of the next village on it."""
    return await a_quarantine(await town.as_("lin"), team=FOUR)


async def stepped(client: httpx.AsyncClient, errand: dict[str, Any], step: str, **told: Any) -> Any:
    """The answer to a step that is to succeed."""
    answer = await client.post(f"{ERRANDS}/{errand['id']}/{step}", json=told)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(
    client: httpx.AsyncClient, errand: dict[str, Any], step: str, **told: Any
) -> httpx.Response:
    return await client.post(f"{ERRANDS}/{errand['id']}/{step}", json=told)


async def test_nobody_asks_for_errands_or_reads_them(town: Town, served: dict[str, Any]):
    nobody = town.nobody()
    assert_problem(await nobody.post(ERRANDS, json=errand_body(served["id"])), NotSignedIn)
    for path in ("", "/coverage", "/uncovered"):
        assert_problem(await nobody.get(f"{ERRANDS}{path}"), NotSignedIn)


async def test_the_neighbour_neither_asks_nor_sees_nor_takes_one_on(
    town: Town, served: dict[str, Any]
):
    errand = await an_errand(await town.as_("ba"), served["id"])
    for neighbour in ("mei", "han", "wei", "bai"):
        client = await town.as_(neighbour)
        assert_problem(await client.post(ERRANDS, json=errand_body(served["id"])), NotFound)
        assert_problem(await client.get(f"{ERRANDS}/{errand['id']}"), NotFound)
        assert_problem(await client.get(f"{ERRANDS}/{errand['id']}/history"), NotFound)
        for step, told in (
            ("accept", {}),
            ("purchase", {}),
            ("deliver", {"contact_free": True}),
            ("confirm", {"word": "resident"}),
            ("cancel", {"reason": "不要了"}),
        ):
            assert_problem(await refused(client, errand, step, **told), NotFound)
        assert errand["id"] not in (await client.get(ERRANDS)).text
        coverage = await client.get(f"{ERRANDS}/coverage", params={"grid_id": str(grid_id("t.01"))})
        assert_problem(coverage, NotFound)
    assert (await (await town.as_("lin")).get(f"{ERRANDS}/{errand['id']}")).json() == errand


async def test_an_errand_goes_from_hand_to_hand_until_it_is_confirmed(
    town: Town, served: dict[str, Any]
):
    ba, he, ming, zhou = [await town.as_(name) for name in ("ba", "he", "ming", "zhou")]
    errand = await an_errand(ba, served["id"], quantity="2盒", needed_by=ago(hours=-3))
    assert (errand["status"], errand["wanted"]) == ("requested", "降压药两盒")
    assert errand["due_at"] == errand["needed_by"]
    taken = await stepped(he, errand, "accept")
    assert (taken["accepted_by"], taken["accepted_by_name"]) == (str(id_of("he")), "何医生")
    assert (await stepped(he, errand, "purchase"))["status"] == "purchasing"
    brought = await stepped(he, errand, "deliver", **BROUGHT)
    assert (brought["delivered_by"], brought["amount_fen"]) == (str(id_of("he")), 3580)
    done = await stepped(ming, errand, "confirm", word="household")
    assert (done["confirmed_by"], done["word"]) == (str(id_of("ming")), "household")
    for name in ("he", "ming", "lin", "li", "zhou"):
        answer = await (await town.as_(name)).get(f"{ERRANDS}/{errand['id']}")
        assert (answer.json(), answer.headers["ETag"]) == (done, '"5"')
    history = (await he.get(f"{ERRANDS}/{errand['id']}/history")).json()["items"]
    former = [each["errand"]["status"] for each in history]
    assert former == ["requested", "accepted", "purchasing", "delivered"]
    assert history[0]["errand"] == errand
    noted = await zhou.get("/v1/audit-entries", params={"subject_id": errand["id"]})
    assert [each["action"] for each in noted.json()["items"]].count("errands.step") == 4


async def test_a_step_taken_twice_is_taken_once_and_not_otherwise(
    town: Town, served: dict[str, Any]
):
    ba, pang = await town.as_("ba"), await town.as_("pang")
    errand = await an_errand(ba, served["id"])
    assert await stepped(ba, errand, "accept") == await stepped(ba, errand, "accept")
    assert await stepped(ba, errand, "purchase") == await stepped(pang, errand, "purchase")
    brought = await stepped(ba, errand, "deliver", **BROUGHT)
    assert await stepped(ba, errand, "deliver", **BROUGHT) == brought
    differs = await refused(pang, errand, "deliver", **BROUGHT | {"amount_fen": 1})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["amount_fen"]
    done = await stepped(ba, errand, "confirm", word="resident")
    assert await stepped(pang, errand, "confirm", word="resident") == done
    differs = await refused(ba, errand, "confirm", word="other")
    assert assert_problem(differs, RecordDiffers)["fields"] == ["word"]
    assert (await stepped(ba, errand, "accept"))["version"] == 5


async def test_of_two_at_the_same_moment_one_has_it_and_the_other_is_told_who(
    town: Town, served: dict[str, Any]
):
    names = {"ba": "巴志愿", "pang": "庞党员", "ming": "小明"}
    clients = [await town.as_(name) for name in names]
    errand = await an_errand(clients[0], served["id"])
    answers = await asyncio.gather(*(refused(each, errand, "accept") for each in clients))
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert len(lost) == 2
    for answer in lost:
        problem = assert_problem(answer, ErrandTaken)
        assert problem["worker_id"] == won["accepted_by"]
        assert won["accepted_by_name"] in problem["detail"]
        assert problem["state"] == "accepted"
    assert won["accepted_by_name"] in names.values()


@pytest.mark.parametrize(
    ("steps", "step", "state"),
    [
        ((), "purchase", "requested"),
        ((), "deliver", "requested"),
        ((), "confirm", "requested"),
        (("accept",), "confirm", "accepted"),
        (("accept", "deliver"), "purchase", "delivered"),
        (("accept", "deliver"), "cancel", "delivered"),
        (("accept", "deliver"), "assign", "delivered"),
        (("cancel",), "accept", "cancelled"),
        (("accept", "cancel"), "accept", "cancelled"),
        (("accept", "cancel"), "deliver", "cancelled"),
    ],
)
async def test_a_step_out_of_order_is_refused_and_says_where_it_stands(
    town: Town, served: dict[str, Any], steps: tuple[str, ...], step: str, state: str
):
    lin = await town.as_("lin")
    told: dict[str, dict[str, Any]] = {
        "deliver": {"contact_free": True},
        "confirm": {"word": "resident"},
        "cancel": {"reason": "亲属已送"},
        "assign": {"worker_id": str(id_of("ba"))},
    }
    errand = await an_errand(lin, served["id"])
    for before in steps:
        await stepped(lin, errand, before, **told.get(before, {}))
    problem = assert_problem(
        await refused(lin, errand, step, **told.get(step, {})), ErrandOutOfOrder
    )
    assert problem["state"] == state
    assert "现在是" in problem["detail"]


async def test_a_leader_gives_it_to_who_serves_there_also_from_one_to_another(
    town: Town, served: dict[str, Any]
):
    lin, ba, he = await town.as_("lin"), await town.as_("ba"), await town.as_("he")
    errand = await an_errand(ba, served["id"])
    given = await stepped(lin, errand, "assign", worker_id=str(id_of("he")))
    assert (given["status"], given["assigned_by"]) == ("accepted", str(id_of("lin")))
    assert await stepped(lin, errand, "assign", worker_id=str(id_of("he"))) == given
    await stepped(he, errand, "purchase")
    given = await stepped(lin, errand, "assign", worker_id=str(id_of("ba")))
    assert (given["status"], given["accepted_by_name"]) == ("accepted", "巴志愿")
    assert_problem(await refused(he, errand, "accept"), ErrandTaken)
    for stranger in (str(id_of("mei")), str(id_of("wei")), str(new_id())):
        answer = await refused(lin, errand, "assign", worker_id=stranger)
        assert assert_problem(answer, NotServing)["errors"][0]["pointer"] == "/body/worker_id"
    brought = await stepped(ba, errand, "deliver", contact_free=True)
    assert await stepped(lin, errand, "assign", worker_id=str(id_of("ba"))) == brought
    given_to = {"worker_id": str(id_of("ba"))}
    assert_problem(await refused(ba, errand, "assign", **given_to), NotPermitted)
    wei = await town.as_("wei")
    assert_problem(await refused(wei, errand, "assign", **given_to), NotFound)


async def test_a_leader_with_a_seat_only_gives_nothing_away(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    kept = await a_quarantine(lin, team=("ming", "pang", "ba", "wei"))
    errand = await an_errand(wei, kept["id"])
    answer = await refused(wei, errand, "assign", worker_id=str(id_of("ba")))
    assert_problem(answer, OutsideYourGrid)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "pizza"}, "/body/kind"),
        ({"wanted": None}, "/body/wanted"),
        ({"kind": "none_needed"}, "/body/wanted"),
        ({"needed_by": "2020-01-01T08:00:00+08:00"}, "/body/needed_by"),
        ({"needed_by": "明天"}, "/body/needed_by"),
        ({"wanted": ""}, "/body/wanted"),
        ({"price": 3}, "/body/price"),
    ],
)
async def test_a_wrong_field_is_pointed_at_and_nothing_is_kept(
    town: Town, served: dict[str, Any], change: dict[str, Any], pointer: str
):
    ba = await town.as_("ba")
    said = errand_body(served["id"]) | change
    told = assert_problem(await ba.post(ERRANDS, json=said), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert_problem(await ba.get(f"{ERRANDS}/{said['id']}"), NotFound)


async def test_money_has_a_payer_and_a_delivery_an_hour_that_has_come(
    town: Town, served: dict[str, Any]
):
    ba = await town.as_("ba")
    errand = await an_errand(ba, served["id"])
    await stepped(ba, errand, "accept")
    for told, pointer in (
        ({"amount_fen": 500}, "/body/payer"),
        ({"amount_fen": -1, "payer": "resident"}, "/body/amount_fen"),
        ({"amount_fen": 1.5, "payer": "resident"}, "/body/amount_fen"),
        ({"delivered_at": ago(days=1)}, "/body/delivered_at"),
    ):
        answer = await refused(ba, errand, "deliver", contact_free=False, **told)
        assert pointer in [
            each["pointer"] for each in assert_problem(answer, InvalidInput)["errors"]
        ]
    ahead = {"contact_free": False, "delivered_at": ago(hours=-1)}
    assert_problem(await refused(ba, errand, "deliver", **ahead), RecordedInTheFuture)
    stranger = {"contact_free": False, "delivered_by": str(new_id())}
    assert_problem(await refused(ba, errand, "deliver", **stranger), NotAColleague)
    free = await stepped(ba, errand, "deliver", contact_free=False, delivered_by=str(id_of("he")))
    assert (free["amount_fen"], free["delivered_by"]) == (None, str(id_of("he")))


async def corrected(
    client: httpx.AsyncClient, errand: dict[str, Any], *, version: int | None = 1, **said: Any
) -> httpx.Response:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    told = {"reason": "听错了", **said}
    return await client.patch(f"{ERRANDS}/{errand['id']}", json=told, headers=headers)


async def test_what_is_wanted_years_ahead_would_never_be_late(town: Town, served: dict[str, Any]):
    ming, first = await town.as_("ming"), {"If-Match": '"1"'}
    far = {"needed_by": "2199-01-01T00:00:00Z"}
    refused = await ming.post("/v1/errands", json=errand_body(served["id"], **far))
    kept = await an_errand(ming, served["id"])
    path = f"/v1/errands/{kept['id']}"
    put = await ming.patch(path, json={**far, "reason": "记错"}, headers=first)
    for answer in (refused, put):
        told = assert_problem(answer, InvalidInput)
        assert [each["pointer"] for each in told["errors"]] == ["/body/needed_by"]


async def test_what_was_told_wrong_is_put_right_and_the_former_is_kept(
    town: Town, served: dict[str, Any]
):
    ba, mei = await town.as_("ba"), await town.as_("mei")
    errand = await an_errand(ba, served["id"])
    assert_problem(await corrected(mei, errand, wanted="米"), NotFound)
    assert_problem(await corrected(ba, errand, version=None, wanted="米"), VersionMissing)
    assert_problem(await corrected(ba, errand, version=7, wanted="米"), VersionMismatch)
    assert_problem(await corrected(ba, errand), InvalidInput)
    assert_problem(await corrected(ba, errand, amount_fen=1, payer="resident"), InvalidInput)
    assert_problem(await corrected(ba, errand, kind="none_needed"), InvalidInput)
    soon = ago(hours=-1)
    now = await corrected(ba, errand, kind="daily_goods", wanted="大米十斤", needed_by=soon)
    assert now.status_code == 200, now.text
    assert (now.json()["wanted"], now.headers["ETag"]) == ("大米十斤", '"2"')
    assert now.json()["due_at"] == now.json()["needed_by"]
    [former] = (await ba.get(f"{ERRANDS}/{errand['id']}/history")).json()["items"]
    assert (former["errand"], former["reason"]) == (errand, "听错了")
    again = await ba.post(ERRANDS, json=errand_body(served["id"]) | {"id": errand["id"]})
    assert again.status_code == 200, again.text


async def test_what_was_entered_by_mistake_counts_no_more(town: Town, served: dict[str, Any]):
    ba = await town.as_("ba")
    errand = await an_errand(ba, served["id"])
    path, why = f"{ERRANDS}/{errand['id']}/discard", {"reason": "登记到了别人名下"}
    gone = await ba.post(path, json=why, headers={"If-Match": '"1"'})
    assert gone.json()["discarded_at"] is not None
    again = await ba.post(path, json=why, headers={"If-Match": '"2"'})
    assert_problem(again, ErrandDiscarded)
    assert_problem(await refused(ba, errand, "accept"), ErrandDiscarded)
    assert_problem(await corrected(ba, errand, version=2, wanted="米"), ErrandDiscarded)
    assert errand["id"] not in (await ba.get(ERRANDS)).text


async def test_what_was_taken_on_is_brought_after_the_release_and_nothing_new_is_asked_for(
    town: Town,
):
    """The goods were bought: whoever has them brings them, or calls it off."""
    lin = await town.as_("lin")
    kept = await a_quarantine(lin, days=1)
    errand = await an_errand(lin, kept["id"])
    await stepped(lin, errand, "accept")
    ended = {"ended_on": clock.today().isoformat(), "reason": "期满"}
    released = await lin.post(f"/v1/quarantines/{kept['id']}/release", json=ended)
    assert released.status_code == 200, released.text
    with travel(clock.now() + timedelta(days=1)):
        late = town.client(await town.token_of("lin"))
        answer = await late.post(ERRANDS, json=errand_body(kept["id"]))
        assert_problem(answer, QuarantineEnded)
        told = errand_body(kept["id"], recorded_at=kept["received_at"])
        assert (await late.post(ERRANDS, json=told)).status_code == 201
        brought = await stepped(late, errand, "deliver", contact_free=True)
        assert brought["status"] == "delivered"


async def test_lists_narrow_by_person_state_kind_and_grid(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    kept = await a_quarantine(lin)
    masks = await an_errand(lin, kept["id"], kind="masks", wanted="口罩")
    goods = await an_errand(lin, kept["id"], kind="daily_goods", wanted="米")
    await stepped(lin, goods, "accept")

    async def listed(**wanted: str) -> list[str]:
        answer = await zhou.get(ERRANDS, params={"quarantine_id": kept["id"], **wanted})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert await listed() == [goods["id"], masks["id"]]
    assert await listed(status="requested") == [masks["id"]]
    assert await listed(kind="daily_goods") == [goods["id"]]
    assert await listed(accepted_by=str(id_of("lin"))) == [goods["id"]]
    assert await listed(grid_id=str(grid_id("t.01.02"))) == []
    assert len(await listed(grid_id=str(grid_id("t.01")))) == 2


async def test_what_is_wanted_is_sealed_where_it_lies(town: Town, served: dict[str, Any]):
    errand = await an_errand(await town.as_("ba"), served["id"], wanted="奥美拉唑")
    whole = "SELECT errands::text AS row FROM errands WHERE id = CAST(:id AS uuid)"
    [row] = await rows(town, whole, id=errand["id"])
    assert "奥美拉唑" not in row.row


async def _heard(client: httpx.AsyncClient, since: str) -> list[tuple[str, str]]:
    """What came to these ears since then, and about what."""
    items = (await client.get("/v1/events/poll", params={"after": since})).json()["items"]
    return [(each["kind"], each["subject_id"]) for each in items]


async def test_who_has_it_and_who_had_it_hear_of_every_step_once(
    town: Town, served: dict[str, Any]
):
    lin, ming, he = await town.as_("lin"), await town.as_("ming"), await town.as_("he")
    mei = await town.as_("mei")
    errand = await an_errand(lin, served["id"])
    told = [("duties.changed", errand["id"])]
    marks = {each: (await each.get("/v1/events/poll")).json()["next"] for each in (ming, he, mei)}
    wanted = await an_errand(lin, served["id"])
    assert await _heard(he, marks[he]) == [("duties.changed", wanted["id"])]
    marks[he] = (await he.get("/v1/events/poll")).json()["next"]
    await stepped(lin, errand, "assign", worker_id=str(id_of("he")))
    assert await _heard(he, marks[he]) == told
    await stepped(lin, errand, "assign", worker_id=str(id_of("ming")))
    await stepped(ming, errand, "deliver", **BROUGHT)
    assert (await _heard(he, marks[he])).count(told[0]) >= 3
    assert (await _heard(ming, marks[ming])).count(told[0]) >= 3
    assert await _heard(mei, marks[mei]) == []
