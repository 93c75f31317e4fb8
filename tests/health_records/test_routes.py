"""Tests of a person: sampled, answered, put right, told upward when positive."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

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
from api.foundation.sealed import Keyring
from api.health_records.problems import DiagnosticTestDiscarded
from api.settings import Settings
from tests.builders import (
    FOUR,
    a_diagnostic_test,
    a_household,
    a_quarantine,
    diagnostic_test_body,
)
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.health_records.conftest import ago

TESTS = "/v1/tests"
GRID = "t.01.01.01"


@pytest.fixture(scope="module")
async def person(town: Town) -> str:
    home = await a_household(await town.as_("lin"), grid=GRID)
    return home["residents"][0]["id"]


async def _patch(client: httpx.AsyncClient, test: dict[str, Any], **said: Any) -> httpx.Response:
    version = {"If-Match": f'"{test["version"]}"'}
    return await client.patch(f"{TESTS}/{test['id']}", json=said, headers=version)


async def _alerts(settings: Settings, resident: str) -> list[Any]:
    """The causes of the alerts about a resident, with how often each was shown."""
    keys = Keyring.parse(
        settings.sealing_keys.get_secret_value(), settings.lookup_key.get_secret_value()
    )
    assert settings.owner_database_url is not None
    database = Database(settings.owner_database_url.get_secret_value(), keys)
    await database.open()
    statement = text("""
        SELECT a.cause, count(e.id) AS shown, count(e.discarded_at) AS discarded
        FROM alerts a JOIN alert_evidence e ON e.alert_id = a.id
        WHERE a.resident_id = CAST(:resident AS uuid) GROUP BY a.id ORDER BY a.cause
    """)
    async with database.session(Entry.without_reach(TOWNSHIP)) as session:
        found = [tuple(row) for row in await session.execute(statement, {"resident": resident})]
    await database.close()
    return found


async def test_nobody_records_or_reads_a_test(town: Town, person: str):
    nobody = town.nobody()
    assert_problem(await nobody.get(TESTS), NotSignedIn)
    assert_problem(await nobody.post(TESTS, json=diagnostic_test_body(person)), NotSignedIn)


async def test_the_neighbour_neither_records_nor_sees_a_test(town: Town, person: str):
    test = await a_diagnostic_test(await town.as_("ming"), person)
    for neighbour in ("mei", "han", "he", "wei", "bai"):
        client = await town.as_(neighbour)
        refused = await client.post(TESTS, json=diagnostic_test_body(person))
        told = assert_problem(refused, NotFound)
        assert told["errors"][0]["pointer"] == "/body/resident_id"
        assert_problem(await client.get(f"{TESTS}/{test['id']}"), NotFound)
        assert_problem(await client.get(f"{TESTS}/{test['id']}/history"), NotFound)
        assert_problem(await _patch(client, test, outcome="positive"), NotFound)
        listed = (await client.get(TESTS, params={"resident_id": person})).json()
        assert listed["items"] == []


async def test_a_volunteer_records_no_tests(town: Town, person: str):
    ba = await town.as_("ba")
    assert_problem(await ba.post(TESTS, json=diagnostic_test_body(person)), NotPermitted)
    assert_problem(await ba.get(TESTS), NotPermitted)


async def test_every_level_above_reads_the_test(town: Town, person: str):
    test = await a_diagnostic_test(await town.as_("ming"), person, laboratory="县疾控中心")
    for name in ("ming", "lin", "li", "zhou"):
        answer = await (await town.as_(name)).get(f"{TESTS}/{test['id']}")
        assert answer.headers["ETag"] == '"1"'
        assert answer.json() == test


async def test_the_doctor_of_the_next_village_tests_whom_they_care_for_and_nobody_else(
    town: Town,
):
    lin, he = await town.as_("lin"), await town.as_("he")
    served = await a_quarantine(lin, team=FOUR)
    other = await a_quarantine(lin)
    test = await a_diagnostic_test(he, served["resident_id"])
    assert (test["quarantine_id"], test["entered_by"]) == (served["id"], str(id_of("he")))
    result = await _patch(he, test, outcome="positive")
    assert result.status_code == 200, result.text
    before = await a_diagnostic_test(
        he, served["resident_id"], outcome="positive", sampled_at=ago(days=3)
    )
    assert before["quarantine_id"] is None
    refused = await he.post(TESTS, json=diagnostic_test_body(other["resident_id"]))
    assert_problem(refused, NotFound)


async def test_a_sample_belongs_to_the_quarantine_of_its_local_day(town: Town, time_machine: Any):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    person = kept["resident_id"]
    begins, _ = clock.day_bounds(clock.today())
    time_machine.move_to(begins + timedelta(days=2), tick=False)
    lin = town.client(await town.token_of("lin"))
    second_before = (begins - timedelta(seconds=1)).isoformat()
    before = await a_diagnostic_test(lin, person, sampled_at=second_before)
    first_minute = await a_diagnostic_test(lin, person, sampled_at=begins.isoformat())
    assert (before["quarantine_id"], first_minute["quarantine_id"]) == (None, kept["id"])
    seven = (begins + timedelta(hours=7)).isoformat()
    moved = await _patch(lin, before, sampled_at=seven, reason="日期填错")
    assert moved.json()["quarantine_id"] == kept["id"]
    assert await _ids(lin, quarantine_id=kept["id"]) == [before["id"], first_minute["id"]]


async def test_a_result_comes_later_and_its_waiting_stays_on_record(town: Town, person: str):
    ming = await town.as_("ming")
    test = await a_diagnostic_test(ming, person, sampled_at=ago(hours=6))
    assert (test["outcome"], test["reported_at"]) == ("pending", None)
    told = await _patch(ming, test, outcome="negative", laboratory="县疾控中心")
    assert told.status_code == 200, told.text
    assert told.headers["ETag"] == '"2"'
    result = told.json()
    assert (result["outcome"], result["laboratory"]) == ("negative", "县疾控中心")
    assert result["reported_at"] is not None
    (former,) = (await ming.get(f"{TESTS}/{test['id']}/history")).json()["items"]
    assert (former["test"]["outcome"], former["reason"]) == ("pending", None)
    assert former["replaced_by"] == str(id_of("ming"))


async def test_what_was_told_is_put_right_only_with_a_reason_and_the_right_version(
    town: Town, person: str
):
    ming = await town.as_("ming")
    test = await a_diagnostic_test(ming, person, outcome="negative")
    told = assert_problem(await _patch(ming, test, outcome="positive"), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/reason"
    put_right = {"outcome": "inconclusive", "reason": "录入时看错一行"}
    bare = await ming.patch(f"{TESTS}/{test['id']}", json=put_right)
    assert_problem(bare, VersionMissing)
    answers = await asyncio.gather(*(_patch(ming, test, **put_right) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert assert_problem(await _patch(ming, test, **put_right), VersionMismatch)["version"] == 2
    back = await _patch(ming, {**test, "version": 2}, outcome="pending", reason="结果作废待复核")
    assert (back.json()["outcome"], back.json()["reported_at"]) == ("pending", None)


async def test_a_positive_test_opens_one_alert_in_the_same_transaction(
    town: Town, settings: Settings
):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=GRID)
    first, second = (resident["id"] for resident in home["residents"])
    await a_diagnostic_test(ming, first, outcome="negative")
    assert await _alerts(settings, first) == []
    body = diagnostic_test_body(first, outcome="positive")
    for status in (201, 200):
        assert (await ming.post(TESTS, json=body)).status_code == status
    assert await _alerts(settings, first) == [("positive_test", 1, 0)]
    await a_diagnostic_test(ming, first, outcome="positive", kind="antigen")
    assert await _alerts(settings, first) == [("positive_test", 2, 0)]
    later = await a_diagnostic_test(ming, second)
    assert (await _patch(ming, later, outcome="positive")).status_code == 200
    assert await _alerts(settings, second) == [("positive_test", 1, 0)]
    for version, (outcome, shown) in enumerate([("negative", 1), ("positive", 2)], start=2):
        told = {"outcome": outcome, "reason": "化验单看错一行"}
        corrected = await _patch(ming, {**later, "version": version}, **told)
        assert corrected.status_code == 200, corrected.text
        assert await _alerts(settings, second) == [("positive_test", shown, 1)]
    discarded = await ming.post(
        f"{TESTS}/{later['id']}/discard",
        json={"reason": "登记到了别人名下"},
        headers={"If-Match": '"4"'},
    )
    assert discarded.json()["discarded_at"] is not None
    assert await _alerts(settings, second) == [("positive_test", 2, 2)]


async def test_a_discarded_test_counts_no_more_and_stays_readable(town: Town, person: str):
    ming = await town.as_("ming")
    test = await a_diagnostic_test(ming, person)
    path, why = f"{TESTS}/{test['id']}/discard", {"reason": "登记到了别人名下"}
    gone = await ming.post(path, json=why, headers={"If-Match": '"1"'})
    assert (await ming.get(f"{TESTS}/{test['id']}")).json() == gone.json()
    assert test["id"] not in await _ids(ming, resident_id=person)
    assert test["id"] in await _ids(ming, resident_id=person, discarded="true")
    again = await ming.post(path, json=why, headers={"If-Match": '"2"'})
    assert_problem(again, DiagnosticTestDiscarded)
    assert_problem(await _patch(ming, gone.json(), outcome="negative"), DiagnosticTestDiscarded)


async def test_a_test_sent_twice_at_the_same_moment_is_one_test(town: Town, person: str):
    ming = await town.as_("ming")
    body = diagnostic_test_body(person, outcome="positive", laboratory="𠮷祥医院'; DROP TABLE x--")
    answers = await asyncio.gather(*(ming.post(TESTS, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["laboratory"] == body["laboratory"]
    other = await ming.post(TESTS, json=body | {"outcome": "negative", "samples": 2})
    assert assert_problem(other, RecordDiffers)["fields"] == ["outcome", "samples"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"outcome": "good"}, "/body/outcome"),
        ({"kind": "blood"}, "/body/kind"),
        ({"samples": 0}, "/body/samples"),
        ({"samples": 11}, "/body/samples"),
        ({"samples": 99999999999}, "/body/samples"),
        ({"sampled_at": "昨天"}, "/body/sampled_at"),
        ({"laboratory": "化验室\u0000"}, "/body/laboratory"),
        ({"resident_id": "12"}, "/body/resident_id"),
        ({"quarantine_id": str(new_id())}, "/body/quarantine_id"),
        ({"reported_at": "2022-02-01T00:00:00Z"}, "/body/reported_at"),
        (
            {"outcome": "negative", "reported_at": "2022-02-01T00:00:00Z"},
            "/body/reported_at",
        ),
    ],
)
async def test_a_wrong_field_is_pointed_at_and_nothing_is_kept(
    town: Town, person: str, change: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    body = diagnostic_test_body(person) | change
    told = assert_problem(await ming.post(TESTS, json=body), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert_problem(await ming.get(f"{TESTS}/{body['id']}"), NotFound)


async def test_a_sample_from_the_future_is_refused_and_a_fast_clock_is_borne(
    town: Town, person: str
):
    ming = await town.as_("ming")
    for name in ("sampled_at", "reported_at", "recorded_at"):
        body = diagnostic_test_body(person, outcome="negative") | {name: ago(hours=-2)}
        told = assert_problem(await ming.post(TESTS, json=body), RecordedInTheFuture)
        assert told["errors"][0]["pointer"] == f"/body/{name}"
    await a_diagnostic_test(ming, person, sampled_at=ago(minutes=-4), outcome="negative")


async def test_a_batch_keeps_what_can_be_kept_and_says_why_not_of_the_rest(
    town: Town, settings: Settings
):
    ming = await town.as_("ming")
    home = await a_household(ming, grid=GRID)
    first, second = (resident["id"] for resident in home["residents"])
    good = diagnostic_test_body(first, outcome="positive")
    items = [
        good,
        diagnostic_test_body(second),
        diagnostic_test_body(str(new_id())),
        diagnostic_test_body(first) | {"kind": "blood"},
        good,
    ]
    answer = (await ming.post(f"{TESTS}/batch", json={"items": items})).json()
    outcomes = [each["outcome"] for each in answer["items"]]
    assert outcomes == ["created", "created", "refused", "refused", "unchanged"]
    refused = [each["problem"]["errors"][0]["pointer"] for each in answer["items"][2:4]]
    assert refused == ["/body/items/2/resident_id", "/body/items/3/kind"]
    again = (await ming.post(f"{TESTS}/batch", json={"items": items})).json()
    assert (again["created"], again["unchanged"]) == (0, 3)
    assert await _alerts(settings, first) == [("positive_test", 1, 0)]


async def test_tests_are_narrowed_by_each_filter_and_read_page_by_page(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.02")
    person = home["residents"][0]["id"]
    made = [
        await a_diagnostic_test(lin, person, sampled_at=f"2022-02-15T{hour:02d}:00:00+08:00")
        for hour in (9, 8, 10)
    ]
    negative = await a_diagnostic_test(
        lin, person, outcome="negative", sampled_at="2022-02-16T00:00:00+08:00"
    )
    newest_first = [negative["id"], made[2]["id"], made[0]["id"], made[1]["id"]]
    assert await _ids(lin, resident_id=person) == newest_first
    assert await _ids(lin, resident_id=person, day="2022-02-15") == newest_first[1:]
    assert await _ids(lin, resident_id=person, outcome="negative") == [negative["id"]]
    assert await _ids(lin, grid_id=str(grid_id("t.01.01.02"))) == newest_first
    first = (await lin.get(TESTS, params={"resident_id": person, "limit": 2})).json()
    rest = await _ids(lin, resident_id=person, cursor=first["next_cursor"])
    assert [each["id"] for each in first["items"]] + rest == newest_first


async def _ids(client: httpx.AsyncClient, **params: str) -> list[str]:
    answer = await client.get(TESTS, params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]
