"""Tubes: what is said of one is said of everybody in it, and a pool accuses nobody."""

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
    RecordDiffers,
    VersionMismatch,
)
from api.foundation.records import new_id
from api.health_records.problems import HealthRecordDiscarded, ResultOfATube, TubeCodeTaken
from tests.builders import (
    a_diagnostic_test,
    a_household,
    a_sample_tube,
    sample_tube_body,
    synthetic_resident,
)
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.sites.test_sites import a_session, a_site

TUBES = "/v1/sample-tubes"
TESTS = "/v1/tests"


@pytest.fixture
async def people(town: Town) -> list[str]:
    """Two of the first grid and one of the second."""
    lin = await town.as_("lin")
    first = await a_household(lin, grid="t.01.01.01")
    alone = [synthetic_resident(relation="head")]
    second = await a_household(lin, grid="t.01.01.02", residents=alone)
    return [each["id"] for home in (first, second) for each in home["residents"]]


async def result(client: httpx.AsyncClient, tube: dict[str, Any], **said: Any) -> httpx.Response:
    version = {"If-Match": f'"{tube["version"]}"'}
    return await client.patch(f"{TUBES}/{tube['id']}", json=said, headers=version)


async def outcomes(client: httpx.AsyncClient, person: str) -> list[str]:
    found = (await client.get(TESTS, params={"resident_id": person})).json()["items"]
    return [each["outcome"] for each in found]


async def alerts(town: Town, **of: str) -> list[dict[str, Any]]:
    zhou = await town.as_("zhou")
    return (await zhou.get("/v1/alerts", params={"limit": 500, **of})).json()["items"]


async def test_nobody_and_no_volunteer_records_a_tube(town: Town, people: list[str]):
    body = sample_tube_body(people[:2])
    assert_problem(await town.nobody().post(TUBES, json=body), NotSignedIn)
    ba = await town.as_("ba")
    assert_problem(await ba.post(TUBES, json=body), NotPermitted)
    assert_problem(await ba.get(TUBES), NotPermitted)


async def test_the_neighbour_puts_nobody_of_ours_in_a_tube_and_sees_none(
    town: Town, people: list[str]
):
    tube = await a_sample_tube(await town.as_("ming"), people[:2])
    for neighbour in ("mei", "han", "bai"):
        client = await town.as_(neighbour)
        told = assert_problem(await client.post(TUBES, json=sample_tube_body(people[:2])), NotFound)
        assert told["errors"][0]["pointer"] == "/body/members/0/resident_id"
        assert_problem(await client.get(f"{TUBES}/{tube['id']}"), NotFound)
        assert_problem(await result(client, tube, outcome="negative"), NotFound)


async def test_a_tube_lies_where_everybody_in_it_is_seen(town: Town, people: list[str]):
    own = await a_sample_tube(await town.as_("ming"), people[:2])
    assert own["grid_id"] == str(grid_id("t.01.01.01"))
    both = await a_sample_tube(await town.as_("lin"), people)
    assert both["grid_id"] == str(grid_id("t.01.01"))
    assert_problem(await (await town.as_("ming")).get(f"{TUBES}/{both['id']}"), NotFound)
    zhou = await town.as_("zhou")
    assert (await zhou.get(f"{TUBES}/{both['id']}")).json() == both
    assert both["member_count"] == len(both["members"]) == 3


async def test_a_negative_pool_is_negative_of_everybody_in_one_transaction(
    town: Town, people: list[str]
):
    lin = await town.as_("lin")
    tube = await a_sample_tube(lin, people, laboratory="县疾控中心")
    assert [await outcomes(lin, person) for person in people] == [["pending"]] * 3
    told = await result(lin, tube, outcome="negative")
    assert told.status_code == 200, told.text
    assert told.headers["ETag"] == '"2"'
    assert {each["outcome"] for each in told.json()["members"]} == {"negative"}
    assert [await outcomes(lin, person) for person in people] == [["negative"]] * 3
    (test,) = (await lin.get(TESTS, params={"resident_id": people[0]})).json()["items"]
    assert (test["tube_id"], test["pooled"], test["version"]) == (tube["id"], True, 2)
    assert test["reported_at"] == told.json()["reported_at"]
    history = (await lin.get(f"{TESTS}/{test['id']}/history")).json()["items"]
    assert [each["test"]["outcome"] for each in history] == ["pending"]


async def test_a_positive_pool_accuses_nobody_and_sounds_once(town: Town, people: list[str]):
    lin = await town.as_("lin")
    known = await alerts(town)
    tube = await a_sample_tube(lin, people)
    told = (await result(lin, tube, outcome="positive")).json()
    assert told["outcome"] == "positive"
    assert {each["outcome"] for each in told["members"]} == {"inconclusive"}
    for person in people:
        assert await alerts(town, resident_id=person) == []
    (alert,) = [each for each in await alerts(town) if each not in known]
    assert alert["resident_id"] is None
    assert (alert["cause"], alert["grid_id"]) == ("positive_test", str(grid_id("t.01.01")))
    evidence = (await (await town.as_("zhou")).get(f"/v1/alerts/{alert['id']}")).json()["evidence"]
    assert [(each["kind"], each["record_id"]) for each in evidence] == [("sample_tube", tube["id"])]


async def test_a_tube_of_one_says_what_it_says_of_that_one(town: Town, people: list[str]):
    ming = await town.as_("ming")
    tube = await a_sample_tube(ming, people[:1])
    told = (await result(ming, tube, outcome="positive")).json()
    assert [each["outcome"] for each in told["members"]] == ["positive"]
    assert [each["cause"] for each in await alerts(town, resident_id=people[0])] == [
        "positive_test"
    ]


async def test_a_result_is_put_right_of_everybody_with_a_reason(town: Town, people: list[str]):
    lin = await town.as_("lin")
    tube = await a_sample_tube(lin, people)
    tube = (await result(lin, tube, outcome="positive")).json()
    told = assert_problem(await result(lin, tube, outcome="negative"), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/reason"
    why = {"outcome": "negative", "reason": "化验室更正"}
    answers = await asyncio.gather(*(result(lin, tube, **why) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert_problem(await result(lin, tube, **why), VersionMismatch)
    assert [await outcomes(lin, person) for person in people] == [["negative"]] * 3
    history = (await lin.get(f"{TUBES}/{tube['id']}/history")).json()["items"]
    said = [(each["tube"]["outcome"], each["reason"]) for each in history]
    assert said == [("pending", None), ("positive", "化验室更正")]


async def test_what_a_tube_says_is_not_said_of_one_in_it_alone(town: Town, people: list[str]):
    lin = await town.as_("lin")
    tube = await a_sample_tube(lin, people)
    mistaken = tube["members"][0]["test_id"]
    refused = await lin.patch(
        f"{TESTS}/{mistaken}", json={"outcome": "positive"}, headers={"If-Match": '"1"'}
    )
    assert_problem(refused, ResultOfATube)
    gone = await lin.post(
        f"{TESTS}/{mistaken}/discard", json={"reason": "登记错了人"}, headers={"If-Match": '"1"'}
    )
    assert gone.status_code == 200, gone.text
    told = (await result(lin, tube, outcome="negative")).json()
    said = {each["test_id"]: each["outcome"] for each in told["members"]}
    assert said.pop(mistaken) == "pending"
    assert set(said.values()) == {"negative"}


async def test_a_discarded_tube_takes_its_tests_along(town: Town, people: list[str]):
    lin = await town.as_("lin")
    tube = await a_sample_tube(lin, people)
    path, why = f"{TUBES}/{tube['id']}/discard", {"reason": "管已破损"}
    gone = await lin.post(path, json=why, headers={"If-Match": '"1"'})
    assert all(each["discarded_at"] for each in gone.json()["members"])
    assert [await outcomes(lin, person) for person in people] == [[]] * 3
    assert_problem(
        await lin.post(path, json=why, headers={"If-Match": '"2"'}), HealthRecordDiscarded
    )
    again = sample_tube_body(people, code=tube["code"])
    assert (await lin.post(TUBES, json=again)).status_code == 201


async def test_a_tube_sent_twice_at_once_is_one_tube_and_another_with_its_code_is_none(
    town: Town, people: list[str]
):
    ming = await town.as_("ming")
    body = sample_tube_body(people[:2], laboratory="𠮷祥检验所'; --")
    answers = await asyncio.gather(*(ming.post(TUBES, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    other = sample_tube_body(people[:2], code=body["code"], laboratory=body["laboratory"])
    assert_problem(await ming.post(TUBES, json=other), TubeCodeTaken)
    elsewhere = other | {"laboratory": "另一家"}
    assert (await ming.post(TUBES, json=elsewhere)).status_code == 201
    fewer = body | {"members": body["members"][:1]}
    assert assert_problem(await ming.post(TUBES, json=fewer), RecordDiffers)["fields"] == [
        "members"
    ]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"pool_size": 3}, "/body/pool_size"),
        ({"pool_size": 1}, "/body/members"),
        ({"members": []}, "/body/members"),
        ({"code": "管1"}, "/body/code"),
        ({"swab_type": "blood"}, "/body/swab_type"),
        ({"sampled_at": "今早"}, "/body/sampled_at"),
        ({"outcome": "negative"}, "/body/outcome"),
    ],
)
async def test_a_wrong_tube_is_pointed_at_and_nothing_of_it_is_kept(
    town: Town, people: list[str], change: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    body = sample_tube_body(people[:2]) | change
    told = assert_problem(await ming.post(TUBES, json=body), InvalidInput)
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    assert await outcomes(ming, people[0]) == []


async def test_one_who_cannot_be_in_a_tube_keeps_all_of_it_out(town: Town, people: list[str]):
    ming = await town.as_("ming")
    twice = sample_tube_body([people[0], people[0]])
    told = assert_problem(await ming.post(TUBES, json=twice), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/members/1/resident_id"
    unknown = sample_tube_body([people[0], str(new_id())])
    told = assert_problem(await ming.post(TUBES, json=unknown), NotFound)
    assert told["errors"][0]["pointer"] == "/body/members/1/resident_id"
    test = await a_diagnostic_test(ming, people[1])
    taken = sample_tube_body(people[:2])
    taken["members"][1]["id"] = test["id"]
    refused = assert_problem(await ming.post(TUBES, json=taken), RecordDiffers)
    assert refused["fields"] == ["members/1/id"]
    assert_problem(await ming.get(f"{TUBES}/{taken['id']}"), NotFound)
    assert await outcomes(ming, people[0]) == []


async def test_tubes_are_narrowed_by_each_filter(town: Town, people: list[str]):
    lin = await town.as_("lin")
    site = await a_site(lin, opened_at="2022-02-01T00:00:00+08:00")
    span: dict[str, Any] = {
        "starts_at": "2022-02-15T07:00:00+08:00",
        "ends_at": "2022-02-15T12:00:00+08:00",
    }
    session = (await a_session(lin, site, **span))["id"]
    early = await a_sample_tube(
        lin, people, sampled_at="2022-02-15T08:00:00+08:00", site_session_id=session
    )
    late = await a_sample_tube(lin, people, sampled_at="2022-02-16T00:00:00+08:00")

    async def ids(**wanted: str) -> list[str]:
        return [e["id"] for e in (await lin.get(TUBES, params=wanted)).json()["items"]]

    assert await ids(site_session_id=session) == [early["id"]]
    assert await ids(code=late["code"]) == [late["id"]]
    assert await ids(day="2022-02-15") == [early["id"]]
    await result(lin, late, outcome="negative", reported_at="2022-02-16T09:00:00+08:00")
    assert await ids(outcome="negative", day="2022-02-16") == [late["id"]]


async def test_a_result_before_its_sample_or_without_a_result_is_refused(
    town: Town, people: list[str]
):
    ming = await town.as_("ming")
    tube = await a_sample_tube(ming, people[:2])
    before = (clock.now() - timedelta(days=1)).isoformat()
    for said in ({"reported_at": before}, {"outcome": "negative", "reported_at": before}):
        told = assert_problem(await result(ming, tube, **said), InvalidInput)
        assert told["errors"][0]["pointer"] == "/body/reported_at"
    assert_problem(await result(ming, tube), InvalidInput)


async def test_who_took_a_tube_may_be_named(town: Town, people: list[str]):
    tube = await a_sample_tube(await town.as_("ming"), people[:2], performed_by=str(id_of("he")))
    assert tube["performed_by"] == str(id_of("he"))
    refused = sample_tube_body(people[:2], performed_by=str(new_id()))
    answer = await (await town.as_("ming")).post(TUBES, json=refused)
    assert answer.json()["errors"][0]["pointer"] == "/body/performed_by"
