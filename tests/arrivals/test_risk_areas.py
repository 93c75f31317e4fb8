"""The list of risk areas: who keeps it, how it is imported, and whom its changes class anew."""

import asyncio
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from api.arrivals.problems import RiskAreaDiscarded, RiskAreaOverlaps
from api.foundation import clock
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
from tests.builders import a_household, a_risk_area, an_arrival
from tests.cast import Town, assert_problem

AREAS = "/v1/risk-areas"
FIRST = {"If-Match": '"1"'}
_COUNTIES = count(1)


def day(ago: int) -> str:
    return (clock.today() - timedelta(days=ago)).isoformat()


def body(**told: Any) -> dict[str, Any]:
    said = {
        "id": str(new_id()),
        "code_prefix": "440305",
        "name": "湾南区",
        "level": "high",
        "from_on": "2022-02-01",
        "announcement": "县防控指挥部2022年第5号公告",
    }
    return {**said, **told}


async def _ids(client: Any, **wanted: Any) -> list[str]:
    response = await client.get(AREAS, params={"limit": 500, **wanted})
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


async def test_nobody_reads_the_list_and_only_the_township_keeps_it(town: Town):
    nobody = town.nobody()
    assert_problem(await nobody.get(AREAS), NotSignedIn)
    assert_problem(await nobody.post(AREAS, json=body()), NotSignedIn)
    for name in ("ming", "lin", "li"):
        client = await town.as_(name)
        assert (await client.get(AREAS)).status_code == 200
        for path in (AREAS, f"{AREAS}/import"):
            assert_problem(await client.post(path, json=body()), NotPermitted)
    assert_problem(await (await town.as_("ba")).get(AREAS), NotPermitted)


async def test_another_township_has_a_list_of_its_own(town: Town):
    zhou, bai = await town.as_("zhou"), await town.as_("bai")
    area = await a_risk_area(zhou, code_prefix="440301")
    assert_problem(await bai.get(f"{AREAS}/{area['id']}"), NotFound)
    assert area["id"] not in await _ids(bai)


async def test_an_area_is_kept_once_and_zeros_that_fill_up_its_code_are_dropped(town: Town):
    zhou = await town.as_("zhou")
    said = body(code_prefix="440300000000", name="𠮷湾'); DROP TABLE risk_areas; --")
    answers = await asyncio.gather(*(zhou.post(AREAS, json=said) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    area = answers[0].json()
    assert (area["code_prefix"], area["name"]) == ("4403", said["name"])
    assert (await zhou.get(f"{AREAS}/{said['id']}")).json() == area
    differs = await zhou.post(AREAS, json=said | {"to_on": "2022-03-01"})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["to_on"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"code_prefix": "4403x"}, "/body/code_prefix"),
        ({"code_prefix": "44030"}, "/body/code_prefix"),
        ({"level": "none"}, "/body/level"),
        ({"to_on": "2022-01-31"}, "/body/to_on"),
        ({"from_on": "1922-02-01"}, "/body/from_on"),
        ({"from_on": "2199-02-01"}, "/body/from_on"),
        ({"from_on": "2022-02-30"}, "/body/from_on"),
        ({"from_on": "0002-01-01"}, "/body/from_on"),
        ({"announcement": " "}, "/body/announcement"),
        ({"entered_by": str(new_id())}, "/body/entered_by"),
    ],
)
async def test_what_is_filled_in_wrongly_is_pointed_at(
    town: Town, changes: dict[str, Any], pointer: str
):
    zhou = await town.as_("zhou")
    said = body(code_prefix="4601") | changes
    told = assert_problem(await zhou.post(AREAS, json=said), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert_problem(await zhou.get(f"{AREAS}/{said['id']}"), NotFound)


@pytest.mark.parametrize(
    ("from_on", "to_on", "overlaps"),
    [
        ("2022-01-01", "2022-01-31", False),
        ("2022-01-01", "2022-02-01", True),
        ("2022-01-01", None, True),
        ("2022-02-05", "2022-02-06", True),
        ("2022-02-10", None, True),
        ("2022-02-11", None, False),
    ],
)
async def test_one_place_is_not_listed_twice_at_a_level_for_the_same_days(
    town: Town, from_on: str, to_on: str | None, *, overlaps: bool
):
    zhou = await town.as_("zhou")
    prefix = f"6101{next(_COUNTIES):02d}"
    first = await a_risk_area(zhou, code_prefix=prefix, from_on="2022-02-01", to_on="2022-02-10")
    said = body(code_prefix=prefix, level="medium", from_on=from_on, to_on=to_on)
    answer = await zhou.post(AREAS, json=said)
    if overlaps:
        assert assert_problem(answer, RiskAreaOverlaps)["risk_area_id"] == first["id"]
        higher = await zhou.post(AREAS, json=said | {"level": "high"})
        assert higher.status_code == 201
    else:
        assert answer.status_code == 201, answer.text


async def test_two_who_list_the_same_place_at_once_list_it_once(town: Town):
    zhou, gu = await town.as_("zhou"), await town.as_("gu")
    bodies = [body(code_prefix="460203", from_on=f"2022-02-0{nth}") for nth in range(1, 5)]
    answers = await asyncio.gather(
        *(
            client.post(AREAS, json=said)
            for client, said in zip((zhou, gu) * 2, bodies, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_an_area_is_ended_openly_and_no_more_changed_once_it_is_discarded(town: Town):
    zhou = await town.as_("zhou")
    area = await a_risk_area(zhou, code_prefix="440306", from_on="2022-02-01")
    address, end = f"{AREAS}/{area['id']}", {"to_on": "2022-02-20", "reason": "降为低风险"}
    assert_problem(await zhou.patch(address, json=end), VersionMissing)
    early = {"to_on": "2022-01-20", "reason": "填错"}
    assert_problem(await zhou.patch(address, json=early, headers=FIRST), InvalidInput)
    nothing = await zhou.patch(address, json={"reason": "没有什么"}, headers=FIRST)
    assert_problem(nothing, InvalidInput)
    ended = await zhou.patch(address, json=end, headers=FIRST)
    assert (ended.status_code, ended.headers["ETag"]) == (200, '"2"')
    assert ended.json()["to_on"] == "2022-02-20"
    assert_problem(await zhou.patch(address, json=end, headers=FIRST), VersionMismatch)

    assert area["id"] in await _ids(zhou, on="2022-02-20", prefix="440306", level="medium")
    assert area["id"] not in await _ids(zhou, on="2022-02-21")
    assert area["id"] not in await _ids(zhou, level="high")
    assert area["id"] not in await _ids(zhou, prefix="440305")

    why = {"reason": "误将邻区列入"}
    gone = await zhou.post(f"{address}/discard", json=why, headers={"If-Match": '"2"'})
    assert gone.status_code == 200
    assert area["id"] not in await _ids(zhou)
    assert area["id"] in await _ids(zhou, discarded=True)
    for again in (
        await zhou.post(f"{address}/discard", json=why, headers={"If-Match": '"3"'}),
        await zhou.patch(address, json=end, headers={"If-Match": '"3"'}),
    ):
        assert_problem(again, RiskAreaDiscarded)
    relisted = await zhou.post(AREAS, json=body(code_prefix="440306", level="medium"))
    assert relisted.status_code == 201


async def test_a_published_list_is_taken_over_and_again_changes_nothing(town: Town):
    zhou = await town.as_("zhou")
    items = [
        body(code_prefix="3301", name="某甲市"),
        body(code_prefix="330102", name="某乙区", to_on="2022-02-20"),
        body(code_prefix="3301", name="某甲市", from_on="2022-02-03"),
        body(code_prefix="bad"),
        body(code_prefix="3302", level="none"),
        body(id="12", code_prefix="3303"),
        {"code_prefix": "3304"},
        "3305",
    ]
    first = (await zhou.post(f"{AREAS}/import", json={"items": items})).json()
    outcomes = [item["outcome"] for item in first["items"]]
    assert outcomes == ["created"] * 2 + ["refused"] * 6
    pointers = [item["problem"]["errors"][0]["pointer"] for item in first["items"][2:]]
    assert pointers[:3] == [f"/body/items/{at}" for at in ("2/from_on", "3/code_prefix", "4/level")]
    assert pointers[3:] == [f"/body/items/{at}" for at in ("5/id", "6/id", "7")]
    assert [item["id"] for item in first["items"][5:]] == [None] * 3
    assert (first["created"], first["refused"], first["reclassified"]) == (2, 6, 0)

    another_phone = [item | {"id": str(new_id())} for item in items[:2]]
    again = (await zhou.post(f"{AREAS}/import", json={"items": another_phone})).json()
    assert [item["outcome"] for item in again["items"]] == ["unchanged", "unchanged"]
    assert [item["id"] for item in again["items"]] == [item["id"] for item in items[:2]]
    assert len(await _ids(zhou, prefix="3301")) == 2

    lifted = [items[0] | {"to_on": "2022-02-25"}, items[1] | {"to_on": None}]
    later = (await zhou.post(f"{AREAS}/import", json={"items": lifted})).json()
    assert [item["outcome"] for item in later["items"]] == ["changed", "unchanged"]
    kept = (await zhou.get(f"{AREAS}/{items[0]['id']}")).json()
    assert (kept["to_on"], kept["version"]) == ("2022-02-25", 2)
    older = (await zhou.post(f"{AREAS}/import", json={"items": items[:1]})).json()
    assert older["unchanged"] == 1
    assert (await zhou.get(f"{AREAS}/{items[0]['id']}")).json() == kept


async def test_an_imported_id_that_stands_for_another_place_is_refused(town: Town):
    zhou = await town.as_("zhou")
    area = await a_risk_area(zhou, code_prefix="3401")
    items = [body(id=area["id"], code_prefix="3402")]
    told = (await zhou.post(f"{AREAS}/import", json={"items": items})).json()
    assert told["items"][0]["problem"]["type"] == "/problems/record-differs"
    assert await _ids(zhou, prefix="3402") == []


async def test_the_list_is_read_page_by_page(town: Town):
    zhou = await town.as_("zhou")
    for county in range(1, 4):
        await a_risk_area(zhou, code_prefix=f"5101{county:02d}")
    first = (await zhou.get(AREAS, params={"prefix": "5101", "limit": 2})).json()
    cursor = first["next_cursor"]
    rest = (await zhou.get(AREAS, params={"prefix": "5101", "cursor": cursor})).json()
    prefixes = [item["code_prefix"] for item in first["items"] + rest["items"]]
    assert prefixes == ["510101", "510102", "510103"]
    assert rest["next_cursor"] is None


async def test_every_change_of_the_list_classes_anew_whoever_was_there_and_says_why(town: Town):
    ming, zhou = await town.as_("ming"), await town.as_("zhou")
    home = await a_household(ming, grid="t.01.01.01")
    there = [{"code": "530102001", "from_on": day(30), "to_on": day(2)}]
    elsewhere = [{"code": "530103", "from_on": day(30), "to_on": day(2)}]
    came = {"arrived_at": clock.now().isoformat(), "expected_on": None}
    person = await an_arrival(ming, home, stays=there, **came)
    other = await an_arrival(ming, home, stays=elsewhere, **came)
    assert person["risk_level"] == "none"

    county = await a_risk_area(zhou, code_prefix="530102", from_on=day(10))
    listed = await _file(ming, person)
    assert listed["arrival"]["risk_level"] == "medium"
    assert listed["arrival"]["risk_area_id"] == county["id"]
    assert listed["arrival"]["left_risk_area_on"] == day(2)
    assert listed["arrival"]["version"] == person["version"]

    town_ = await a_risk_area(zhou, code_prefix="530102001", level="high", from_on=day(5))
    assert (await _file(ming, person))["arrival"]["risk_level"] == "high"
    end = {"to_on": day(4), "reason": "降级"}
    await zhou.patch(f"{AREAS}/{town_['id']}", json=end, headers=FIRST)
    assert (await _file(ming, person))["arrival"]["left_risk_area_on"] == day(4)
    why = {"reason": "误列"}
    await zhou.post(f"{AREAS}/{town_['id']}/discard", json=why, headers={"If-Match": '"2"'})
    await zhou.post(f"{AREAS}/{county['id']}/discard", json=why, headers=FIRST)

    history = (await _file(ming, person))["classifications"]
    levels = [each["risk_level"] for each in history]
    assert levels == ["none", "medium", "high", "high", "medium", "none"]
    assert [each["because"] for each in history] == ["list_changed"] * 5 + ["recorded"]
    assert "岭边县" in history[1]["explanation"]
    assert len((await _file(ming, other))["classifications"]) == 1


async def _file(client: Any, arrival: dict[str, Any]) -> dict[str, Any]:
    response = await client.get(f"/v1/arrivals/{arrival['id']}")
    assert response.status_code == 200, response.text
    return response.json()


async def test_other_days_of_an_area_are_told_and_what_was_decided_stays_decided(town: Town):
    ming, lin, zhou = [await town.as_(name) for name in ("ming", "lin", "zhou")]
    home = await a_household(ming, grid="t.01.01.01")
    area = await a_risk_area(zhou, code_prefix="550102", from_on=day(10))
    there = [{"code": "550102", "from_on": day(30), "to_on": day(2)}]
    came = {"arrived_at": clock.now().isoformat(), "expected_on": None}
    person = await an_arrival(ming, home, stays=there, **came)
    verified = {"resident_id": home["residents"][0]["id"]}
    await ming.post(f"/v1/arrivals/{person['id']}/verify", json=verified)
    left = {"reason": "已满隔离期"}
    decided = await lin.post(f"/v1/arrivals/{person['id']}/leave-as-is", json=left)
    assert decided.status_code == 200, decided.text

    end = {"to_on": day(1), "from_on": day(12), "reason": "更正公布日期"}
    changed = await zhou.patch(f"{AREAS}/{area['id']}", json=end, headers=FIRST)
    assert changed.status_code == 200, changed.text
    shown = await _file(ming, person)
    latest, first = shown["classifications"]
    assert (latest["because"], first["because"]) == ("list_changed", "recorded")
    assert f"{day(12)}至{day(1)}" in latest["explanation"]
    assert latest["risk_level"] == first["risk_level"] == "medium"
    assert not shown["arrival"]["awaits_decision"]

    earlier = [{"code": "550102", "from_on": day(40), "to_on": day(2)}]
    version = {"If-Match": f'"{shown["arrival"]["version"]}"'}
    corrected = await ming.patch(
        f"/v1/arrivals/{person['id']}",
        json={"stays": earlier, "reason": "本人更正"},
        headers=version,
    )
    assert corrected.status_code == 200, corrected.text
    assert not corrected.json()["awaits_decision"]
    assert day(40) in (await _file(ming, person))["classifications"][0]["explanation"]


async def test_a_list_classes_anew_only_who_is_on_the_way_or_here(town: Town):
    ming, zhou = await town.as_("ming"), await town.as_("zhou")
    home = await a_household(ming, grid="t.01.01.01")
    stays = [{"code": "540102", "from_on": day(30), "to_on": day(1)}]
    on_the_way = await an_arrival(ming, home, stays=stays)
    untrue = await an_arrival(ming, home, stays=stays)
    gone = await ming.post(f"/v1/arrivals/{untrue['id']}/invalidate", json={"reason": "查无此人"})
    assert gone.status_code == 200, gone.text
    items = [body(code_prefix="5401", from_on=day(3))]
    told = (await zhou.post(f"{AREAS}/import", json={"items": items})).json()
    assert told["reclassified"] == 1
    assert (await _file(ming, on_the_way))["arrival"]["risk_level"] == "high"
    assert (await _file(ming, untrue))["arrival"]["risk_level"] == "none"


async def test_who_is_recorded_while_the_list_changes_is_classed_by_the_new_list(town: Town):
    ming, lin, zhou = [await town.as_(name) for name in ("ming", "lin", "zhou")]
    home = await a_household(ming, grid="t.01.01.01")
    for county in range(10, 16):
        prefix = f"6201{county}"
        stays = [{"code": prefix, "from_on": day(30), "to_on": day(1)}]
        known = await an_arrival(ming, home, stays=stays)
        came = {"arrived_at": clock.now().isoformat()}
        made = await asyncio.gather(
            an_arrival(ming, home, stays=stays),
            a_risk_area(zhou, code_prefix=prefix),
            an_arrival(lin, home, stays=stays),
            ming.post(f"/v1/arrivals/{known['id']}/arrive", json=came),
        )
        assert made[3].status_code == 200, made[3].text
        for arrival in (made[0], made[2], known):
            assert (await _file(ming, arrival))["arrival"]["risk_level"] == "medium"
