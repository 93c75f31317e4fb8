"""What holds of a person's health: by the policy of the day, and each with its clause."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn
from api.foundation.records import new_id
from api.protocols.problems import PolicyOutOfOrder
from tests.builders import (
    a_code_state,
    a_diagnostic_test,
    a_household,
    a_sample_tube,
    a_vaccination,
    travel_card_body,
    validity_policy_body,
)
from tests.cast import Town, assert_problem, grid_id
from tests.health_records.conftest import ago

POLICIES = "/v1/validity-policies"


async def standing(client: httpx.AsyncClient, person: str, **at: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/residents/{person}/standing", params=at)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_standing_is_read_only_by_who_reads_health_records_there(town: Town, person: str):
    path = f"/v1/residents/{person}/standing"
    assert_problem(await town.nobody().get(path), NotSignedIn)
    assert_problem(await (await town.as_("ba")).get(path), NotPermitted)
    for neighbour in ("mei", "han", "bai"):
        assert_problem(await (await town.as_(neighbour)).get(path), NotFound)
    assert_problem(await (await town.as_("ming")).get("/v1/residents/12/standing"), InvalidInput)


async def test_of_whom_nothing_is_known_nothing_holds(town: Town, person: str):
    told = await standing(await town.as_("ming"), person)
    assert (told["code"], told["codes"], told["travel_card"], told["negative_test"]) == (
        *(None, []),
        *(None, None),
    )
    assert told["vaccination"]["status"] == "unvaccinated"
    assert told["owed"] == []


async def test_a_code_holds_for_as_long_as_the_policy_says_and_nothing_else_is_green(
    town: Town, person: str
):
    ming = await town.as_("ming")
    green = await a_code_state(ming, person)
    told = await standing(ming, person)
    assert (told["code"]["record_id"], told["code"]["state"]) == (green["id"], "green")
    assert told["code"]["holds"]
    assert "24小时" in told["code"]["clause"]
    tomorrow = (clock.now() + timedelta(hours=25)).isoformat()
    assert not (await standing(ming, person, at=tomorrow))["code"]["holds"]
    before = await standing(ming, person, at=ago(hours=1))
    assert before["code"] is None
    await a_code_state(ming, person, state="expired")
    told = (await standing(ming, person))["code"]
    assert (told["state"], told["holds"], told["valid_until"]) == ("expired", False, None)


async def test_what_is_unavailable_is_never_green_and_hides_nothing_that_holds(
    town: Town, person: str
):
    ming = await town.as_("ming")
    await a_code_state(ming, person, state="unavailable")
    told = (await standing(ming, person))["code"]
    assert (told["state"], told["holds"]) == ("unavailable", False)
    await a_code_state(ming, person, state="yellow")
    await a_code_state(ming, person, state="unavailable")
    assert (await standing(ming, person))["code"]["state"] == "yellow"


async def test_a_negative_test_holds_from_its_sample_until_another_result_undoes_it(
    town: Town, person: str
):
    ming = await town.as_("ming")
    sampled = clock.now() - timedelta(hours=30)
    negative = await a_diagnostic_test(
        ming, person, outcome="negative", sampled_at=sampled.isoformat()
    )
    told = (await standing(ming, person))["negative_test"]
    assert (told["record_id"], told["holds"]) == (negative["id"], True)
    assert told["valid_until"][:16] == (sampled + timedelta(hours=48)).isoformat()[:16]
    assert "采样时间起48小时" in told["clause"]
    await a_diagnostic_test(ming, person, outcome="positive", sampled_at=ago(hours=2))
    told = (await standing(ming, person))["negative_test"]
    assert (told["holds"], told["clause"]) == (False, "此后的检测结果不是阴性")


async def test_a_travel_card_holds_by_the_rules_of_its_days(town: Town, person: str):
    ming = await town.as_("ming")
    for day, window, holds, at_risk in (
        ("2022-02-15", 14, True, True),
        ("2022-02-18", 7, False, True),
        ("2022-07-01", 14, True, False),
        ("2022-07-09", 7, True, False),
        ("2022-12-20", 14, False, False),
    ):
        noon = f"{day}T12:00:00+08:00"
        cities = [{"name": "广西百色市", "at_risk": True}]
        said = {"window_days": window, "cities": cities, "seen_at": noon, "updated_at": noon}
        body = travel_card_body(person, **said)
        assert (await ming.post("/v1/travel-cards", json=body)).status_code == 201
        told = (await standing(ming, person, at=f"{day}T13:00:00+08:00"))["travel_card"]
        assert (told["record_id"], told["holds"], told["at_risk"]) == (body["id"], holds, at_risk)


async def test_a_sample_soon_after_a_dose_is_kept_with_a_warning(town: Town, person: str):
    ming = await town.as_("ming")
    early = await a_diagnostic_test(ming, person)
    assert early["warnings"] == []
    await a_vaccination(ming, person, given_on=clock.today().isoformat())
    told = (await standing(ming, person))["vaccination"]
    _, ends = clock.day_bounds(clock.today())
    assert told["no_sampling_until"][:19] == (ends + timedelta(hours=48)).isoformat()[:19]
    test = await a_diagnostic_test(ming, person)
    assert test["warnings"] == ["soon_after_dose"]
    assert (await ming.get(f"/v1/tests/{test['id']}")).json() == test


async def test_each_of_a_positive_pool_owes_a_sample_until_it_is_taken(town: Town, person: str):
    ming = await town.as_("ming")
    other = (await a_household(ming, grid="t.01.01.01"))["residents"][0]["id"]
    tube = await a_sample_tube(ming, [person, other], sampled_at=ago(hours=5))
    path = f"/v1/sample-tubes/{tube['id']}"
    body = {"outcome": "positive", "reported_at": ago(hours=1)}
    answer = await ming.patch(path, json=body, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    (owed,) = (await standing(ming, person))["owed"]
    assert owed["because"] == "pool"
    assert await _owing(ming) >= {person, other}
    assert {person, other} <= {each["resident_id"] for each in await _retests_due(ming)}
    pending = await a_diagnostic_test(ming, person)
    assert (await standing(ming, person))["owed"] == []
    assert person not in await _owing(ming)
    assert other in await _owing(ming)
    lin = await town.as_("lin")
    for path, there in (("t.01.01.01", True), ("t.01.01", True), ("t.01.01.02", False)):
        assert (other in await _owing(lin, grid_id=str(grid_id(path)))) is there, path
    spoilt = {"If-Match": '"1"'}
    await ming.patch(f"/v1/tests/{pending['id']}", json={"outcome": "invalid"}, headers=spoilt)
    assert person in await _owing(ming)
    for stranger in ("mei", "han"):
        assert person not in await _owing(await town.as_(stranger))


async def test_a_positive_antigen_owes_a_nucleic_acid_test(town: Town, person: str):
    ming = await town.as_("ming")
    said = {"kind": "antigen", "outcome": "positive"}
    test = await a_diagnostic_test(ming, person, **said, sampled_at=ago(hours=2))
    (owed,) = (await standing(ming, person))["owed"]
    assert (owed["because"], owed["test_id"]) == ("antigen", test["id"])
    await a_diagnostic_test(ming, person, **said, sampled_at=ago(hours=1))
    assert len((await standing(ming, person))["owed"]) == 2
    await a_diagnostic_test(ming, person)
    assert (await standing(ming, person))["owed"] == []


async def _owing(client: httpx.AsyncClient, **asked: str) -> set[str]:
    owing: set[str] = set()
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get("/v1/retests", params={"limit": "1", **asked, **cursor})).json()
        owing |= {each["resident_id"] for each in page["items"]}
        if page["next_cursor"] is None:
            return owing
        cursor = {"cursor": page["next_cursor"]}


async def _retests_due(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """What my day asks of retests, as the bodies to send."""
    stops = (await client.get("/v1/my-day")).json()["stops"]
    duties = [duty for stop in stops for duty in stop["duties"] if duty["kind"] == "retest"]
    assert all(duty["report"]["path"] == "/v1/tests" for duty in duties)
    return [duty["report"]["body"] for duty in duties]


async def test_a_policy_is_made_by_the_township_and_binds_from_its_day(town: Town, person: str):
    lin, zhou, ming = await town.as_("lin"), await town.as_("zhou"), await town.as_("ming")
    assert_problem(await lin.post(POLICIES, json=validity_policy_body()), NotPermitted)
    shipped = (await ming.get(POLICIES)).json()["items"]
    assert [each["revision"] for each in shipped[:4]] == [1, 2, 3, 4]
    assert (shipped[3]["travel_card"], shipped[2]["travel_card"]["window_days"]) == (None, 7)
    body = validity_policy_body(negative_test_hours=24, validity_anchor="reported")
    made = await zhou.post(POLICIES, json=body)
    assert made.status_code == 201, made.text
    assert (await zhou.post(POLICIES, json=body)).status_code == 200
    assert (await ming.get(f"{POLICIES}/{body['id']}")).json() == made.json()
    early = validity_policy_body(effective_from="2022-01-01")
    assert_problem(await zhou.post(POLICIES, json=early), PolicyOutOfOrder)
    test = await a_diagnostic_test(
        ming, person, outcome="negative", sampled_at=ago(hours=40), reported_at=ago(hours=20)
    )
    told = (await standing(ming, person))["negative_test"]
    assert (told["record_id"], told["holds"]) == (test["id"], True)
    assert "出结果时间起24小时" in told["clause"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"negative_test_hours": 0}, "/body/negative_test_hours"),
        ({"validity_anchor": "eaten"}, "/body/validity_anchor"),
        ({"courses": {}}, "/body/courses/inactivated"),
        ({"travel_card": {"window_days": 99, "hours": 1, "marks_risk": True}}, None),
        ({"retest_hours": 10**10}, "/body/retest_hours"),
    ],
)
async def test_a_wrong_policy_is_pointed_at(
    town: Town, change: dict[str, Any], pointer: str | None
):
    zhou = await town.as_("zhou")
    body = validity_policy_body(code="another_rule") | change
    told = assert_problem(await zhou.post(POLICIES, json=body), InvalidInput)
    pointers = [each["pointer"] for each in told["errors"]]
    assert pointers[0] == (pointer or "/body/travel_card/window_days")


async def test_nobody_is_boosted_before_the_course_is_whole(town: Town):
    zhou = await town.as_("zhou")
    body = validity_policy_body(code="another_rule", id=str(new_id()))
    body["courses"]["mrna"] = {"full": 3, "boosted": 3}
    told = assert_problem(await zhou.post(POLICIES, json=body), InvalidInput)
    assert [each["pointer"] for each in told["errors"]] == ["/body/courses/mrna/boosted"]
