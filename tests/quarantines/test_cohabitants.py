"""Who lives with a quarantined person: who must follow, who does, and how theirs begins."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
)
from api.foundation.records import new_id
from tests.builders import (
    FOUR,
    a_household,
    a_quarantine,
    a_quarantine_by_plan,
    synthetic_resident,
    team_of,
)
from tests.cast import Town, assert_problem
from tests.quarantines.plans import the_ninth_edition

GRID = "t.01.01.01"


@pytest.fixture(scope="module", autouse=True)
async def protocol(town: Town) -> str:
    return await the_ninth_edition(town)


def day(offset: int) -> str:
    return (clock.today() + timedelta(days=offset)).isoformat()


async def a_family(client: httpx.AsyncClient, *, of: int = 4, **told: Any) -> dict[str, Any]:
    """A household of several, the first of them in quarantine by plan."""
    people = [synthetic_resident(relation="head")]
    people += [synthetic_resident(relation="other") for _ in range(of - 1)]
    home = await a_household(client, grid=GRID, residents=people)
    ids = [each["id"] for each in people]
    kept = await a_quarantine_by_plan(client, resident=ids[0], **told)
    return {"home": home, "people": ids, "quarantine": kept}


def path_of(family: dict[str, Any]) -> str:
    return f"/v1/quarantines/{family['quarantine']['id']}/cohabitants"


def following(*residents: str, **told: Any) -> dict[str, Any]:
    return {"items": [{"id": str(new_id()), "resident_id": who, **told} for who in residents]}


async def standings(client: httpx.AsyncClient, family: dict[str, Any]) -> dict[str, str]:
    told = (await client.get(path_of(family))).json()
    assert told["must_follow"] == sum(each["standing"] == "must_follow" for each in told["items"])
    return {each["resident_id"]: each["standing"] for each in told["items"]}


async def test_nobody_sees_cohabitants_or_begins_theirs(town: Town):
    nobody, path = town.nobody(), f"/v1/quarantines/{new_id()}/cohabitants"
    assert_problem(await nobody.get(path), NotSignedIn)
    assert_problem(await nobody.post(path, json=following(str(new_id()))), NotSignedIn)


async def test_the_neighbour_neither_sees_cohabitants_nor_begins_theirs(town: Town):
    family = await a_family(await town.as_("lin"))
    wei, mei = await town.as_("wei"), await town.as_("mei")
    for neighbour in (wei, mei):
        assert_problem(await neighbour.get(path_of(family)), NotFound)
    refused = await wei.post(path_of(family), json=following(family["people"][1]))
    assert_problem(refused, NotFound)


async def test_a_grid_worker_sees_who_must_follow_but_begins_nothing(town: Town):
    family = await a_family(await town.as_("lin"))
    ming = await town.as_("ming")
    assert set((await standings(ming, family)).values()) == {"must_follow"}
    refused = await ming.post(path_of(family), json=following(family["people"][1]))
    assert_problem(refused, NotPermitted)


async def test_on_duty_from_elsewhere_the_family_stays_unseen_and_nobody_is_begun(town: Town):
    lin, wei = await town.as_("lin"), await town.as_("wei")
    family = await a_family(lin, team=team_of("ming", "pang", "ba", "wei"))
    assert (await wei.get(path_of(family))).json()["items"] == []
    refused = await wei.post(path_of(family), json=following(family["people"][1]))
    assert_problem(refused, OutsideYourGrid)


async def test_those_of_the_house_follow_by_the_same_plan_from_the_same_day(
    town: Town, time_machine: Any
):
    lin = await town.as_("lin")
    facts = {"exposure_class": "returnee", "risk_level": "medium", "left_risk_area_on": day(-2)}
    family = await a_family(lin, facts=facts, place="柳村一组12号后院")
    head, first, second, third = family["people"]
    assert await standings(lin, family) == dict.fromkeys((first, second, third), "must_follow")
    body = following(first, second)
    body["items"][0]["team"] = team_of(*FOUR)
    answer = await lin.post(path_of(family), json=body)
    assert answer.status_code == 200, answer.text
    assert [item["outcome"] for item in answer.json()["items"]] == ["created", "created"]
    assert await standings(lin, family) == {
        first: "follows",
        second: "follows",
        third: "must_follow",
    }
    index = family["quarantine"]
    for item in body["items"]:
        theirs = (await lin.get(f"/v1/quarantines/{item['id']}")).json()
        for name in ("started_on", "planned_end_on", "reason", "place_kind", "place", "protocol"):
            assert theirs[name] == index[name], name
        course = (await lin.get(f"/v1/quarantines/{item['id']}/stages")).json()
        assert (course["plan"]["link"], course["plan"]["linked_quarantine_id"]) == (
            "cohabitant",
            index["id"],
        )
        own = (await lin.get(f"/v1/quarantines/{index['id']}/stages")).json()
        assert course["plan"]["facts"] == own["plan"]["facts"]
        assert [each["tests"] for each in course["stages"]] == [
            each["tests"] for each in own["stages"]
        ]
    again = await lin.post(path_of(family), json=body)
    assert again.json()["unchanged"] == 2
    time_machine.move_to(clock.now() + timedelta(days=20), tick=False)
    lin = town.client(await town.token_of("lin"))
    late = await lin.post(path_of(family), json=body)
    assert late.json()["unchanged"] == 2, "what is kept is found, though nobody must follow now"
    more = await lin.post(path_of(family), json=following(third))
    [refused] = more.json()["items"]
    assert refused["problem"]["type"] == "/problems/nobody-follows"
    assert (await standings(lin, family))[third] == "not_asked"
    assert head not in await standings(lin, family)


async def test_each_is_refused_for_itself_and_says_why(town: Town):
    lin = await town.as_("lin")
    family = await a_family(lin, of=5)
    head, first, second, third, left = family["people"]
    own = await a_quarantine(lin, resident=first)
    departure = {"left_on": day(0), "destination": "南宁市"}
    gone = await lin.post(f"/v1/residents/{left}/leave", json=departure)
    assert gone.status_code == 200, gone.text
    stranger = (await a_household(lin, grid=GRID))["residents"][0]["id"]
    assert await standings(lin, family) == {
        first: "own_quarantine",
        second: "must_follow",
        third: "must_follow",
    }
    body = following(head, first, second, left, stranger, str(new_id()))
    body["items"].append({"id": str(new_id()), "resident_id": "nobody"})
    team = [{"id": str(new_id()), "worker_id": str(new_id())}]
    body["items"].append({"id": str(new_id()), "resident_id": third, "team": team})
    answer = (await lin.post(path_of(family), json=body)).json()
    assert (answer["created"], answer["refused"]) == (1, 7)
    problems = [item["problem"] and item["problem"]["type"] for item in answer["items"]]
    assert problems == [
        "/problems/not-a-cohabitant",
        "/problems/already-in-quarantine",
        None,
        "/problems/not-a-cohabitant",
        "/problems/not-a-cohabitant",
        "/problems/not-a-cohabitant",
        "/problems/invalid-input",
        "/problems/not-found",
    ]
    pointers = [
        item["problem"]["errors"][0]["pointer"] for item in answer["items"] if item["problem"]
    ]
    assert pointers == [
        "/body/items/0/resident_id",
        "/body/items/1/resident_id",
        "/body/items/3/resident_id",
        "/body/items/4/resident_id",
        "/body/items/5/resident_id",
        "/body/items/6/resident_id",
        "/body/items/7/team/0/worker_id",
    ]
    assert answer["items"][1]["problem"]["quarantine_id"] == own["id"]


async def test_two_leaders_at_the_same_moment_begin_each_person_once(town: Town):
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    for _ in range(3):
        family = await a_family(lin)
        bodies = [following(*family["people"][1:]) for _ in range(2)]
        answers = await asyncio.gather(
            *(
                client.post(path_of(family), json=body)
                for client, body in zip((lin, zhou), bodies, strict=True)
            )
        )
        created = sum(answer.json()["created"] for answer in answers)
        assert created == 3, [answer.text for answer in answers]
        assert set((await standings(lin, family)).values()) == {"follows"}


async def test_the_id_of_another_quarantine_is_no_follower(town: Town):
    lin = await town.as_("lin")
    family, other = await a_family(lin), await a_family(lin)
    body = following(family["people"][1])
    assert (await lin.post(path_of(family), json=body)).json()["created"] == 1
    for told in (body, following(other["people"][1], id=body["items"][0]["id"])):
        answer = (await lin.post(path_of(other), json=told)).json()
        assert answer["items"][0]["problem"]["type"] == "/problems/record-differs"


async def test_whose_own_stage_asks_for_nobody_nobody_follows(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid=GRID)
    kept = await a_quarantine(lin, resident=home["residents"][0]["id"])
    path = f"/v1/quarantines/{kept['id']}/cohabitants"
    told = (await lin.get(path)).json()
    assert (told["rule"], [each["standing"] for each in told["items"]]) == ("none", ["not_asked"])
    answer = await lin.post(path, json=following(home["residents"][1]["id"]))
    assert answer.json()["items"][0]["problem"]["type"] == "/problems/nobody-follows"


async def test_who_followed_and_was_let_go_is_not_asked_again_but_an_error_is(town: Town):
    lin = await town.as_("lin")
    family = await a_family(lin)
    _, first, second, _ = family["people"]
    body = following(first, second)
    assert (await lin.post(path_of(family), json=body)).json()["created"] == 2
    for item, reason in zip(body["items"], ("hospitalised", "entered_in_error"), strict=True):
        ending = {"ended_on": day(0), "end_reason": reason, "note": "核实后终止"}
        ended = await lin.post(f"/v1/quarantines/{item['id']}/terminate", json=ending)
        assert ended.status_code == 200
    told = await standings(lin, family)
    assert (told[first], told[second]) == ("followed", "must_follow")


@pytest.mark.parametrize(
    ("told", "pointer"),
    [({"items": []}, "/body/items"), ({"items": [{"resident_id": "1"}]}, "/body/items/0/id")],
)
async def test_a_wrong_list_is_pointed_at(town: Town, told: dict[str, Any], pointer: str):
    lin = await town.as_("lin")
    family = await a_family(lin, of=2)
    refused = assert_problem(await lin.post(path_of(family), json=told), InvalidInput)
    assert refused["errors"][0]["pointer"] == pointer
