"""Doses: recorded once each, put right openly, and what they amount to."""

import asyncio
from typing import Any

import httpx
import pytest

from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
)
from api.foundation.records import new_id
from api.health_records.problems import DoseKept, HealthRecordDiscarded
from tests.builders import (
    a_household,
    a_vaccination,
    code_state_body,
    diagnostic_test_body,
    sample_tube_body,
    synthetic_resident,
    travel_card_body,
    vaccination_body,
)
from tests.cast import Town, assert_problem

DOSES = "/v1/vaccinations"


async def patch(client: httpx.AsyncClient, dose: dict[str, Any], **said: Any) -> httpx.Response:
    version = {"If-Match": f'"{dose["version"]}"'}
    return await client.patch(f"{DOSES}/{dose['id']}", json=said, headers=version)


async def ids(client: httpx.AsyncClient, **params: str) -> list[str]:
    return [each["id"] for each in (await client.get(DOSES, params=params)).json()["items"]]


async def status(client: httpx.AsyncClient, person: str) -> str:
    answer = await client.get(f"/v1/residents/{person}/standing")
    assert answer.status_code == 200, answer.text
    return answer.json()["vaccination"]["status"]


async def test_nobody_and_no_volunteer_and_no_neighbour_records_a_dose(town: Town, person: str):
    body = vaccination_body(person)
    assert_problem(await town.nobody().post(DOSES, json=body), NotSignedIn)
    assert_problem(await (await town.as_("ba")).post(DOSES, json=body), NotPermitted)
    dose = await a_vaccination(await town.as_("ming"), person)
    for neighbour in ("mei", "han", "bai"):
        client = await town.as_(neighbour)
        assert_problem(await client.post(DOSES, json=body), NotFound)
        assert_problem(await client.get(f"{DOSES}/{dose['id']}"), NotFound)
        assert_problem(await patch(client, dose, unit="他处", reason="改"), NotFound)
        assert await ids(client, resident_id=person) == []
    assert (await (await town.as_("zhou")).get(f"{DOSES}/{dose['id']}")).json() == dose


async def test_doses_add_up_to_a_course_and_a_booster(town: Town, person: str):
    ming = await town.as_("ming")
    assert await status(ming, person) == "unvaccinated"
    await a_vaccination(ming, person)
    assert await status(ming, person) == "partial"
    await a_vaccination(ming, person, dose_number=2, given_on="2021-09-01")
    assert await status(ming, person) == "full"
    third = vaccination_body(person, dose_number=3, given_on="2022-03-01")
    await ming.post(DOSES, json=third | {"technology": "adenovirus_vector"})
    assert await status(ming, person) == "booster"


async def test_one_who_must_not_be_vaccinated_is_no_refuser(town: Town, person: str):
    ming = await town.as_("ming")
    said = {"outcome": "contraindicated", "dose_number": None, "technology": None}
    await a_vaccination(ming, person, **said)
    assert await status(ming, person) == "contraindicated"
    await a_vaccination(ming, person, given_on="2022-01-10")
    assert await status(ming, person) == "partial"


async def test_a_dose_is_kept_once_whoever_enters_it(town: Town, person: str):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    body = vaccination_body(person, manufacturer="𠮷林'; DROP TABLE vaccinations--")
    answers = await asyncio.gather(*(ming.post(DOSES, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert_problem(await lin.post(DOSES, json=vaccination_body(person)), DoseKept)
    other = assert_problem(await ming.post(DOSES, json=body | {"unit": "县医院"}), RecordDiffers)
    assert other["fields"] == ["unit"]
    second = await a_vaccination(ming, person, dose_number=2, given_on="2021-08-29")
    told = assert_problem(await patch(ming, second, dose_number=1, reason="填错"), DoseKept)
    assert told["errors"][0]["pointer"] == "/body/dose_number"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"dose_number": 0}, "/body/dose_number"),
        ({"dose_number": 10**12}, "/body/dose_number"),
        ({"dose_number": None}, "/body/dose_number"),
        ({"technology": None}, "/body/technology"),
        ({"technology": "magic"}, "/body/technology"),
        ({"outcome": "contraindicated"}, "/body/dose_number"),
        ({"given_on": "2999-01-01"}, "/body/given_on"),
        ({"given_on": "2021-02-30"}, "/body/given_on"),
        ({"batch_number": "批\u0000号"}, "/body/batch_number"),
    ],
)
async def test_a_wrong_dose_is_pointed_at_and_not_kept(
    town: Town, person: str, change: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    told = assert_problem(
        await ming.post(DOSES, json=vaccination_body(person) | change), InvalidInput
    )
    assert [each["pointer"] for each in told["errors"]] == [pointer]
    assert await ids(ming, resident_id=person) == []


async def test_a_dose_is_put_right_with_a_reason_and_its_former_version_is_kept(
    town: Town, person: str
):
    ming = await town.as_("ming")
    dose = await a_vaccination(ming, person, batch_number="202107B1723")
    assert_problem(await patch(ming, dose, unit="乡卫生院"), InvalidInput)
    assert_problem(await patch(ming, dose, reason="无"), InvalidInput)
    why = {"given_on": "2021-08-02", "batch_number": None, "reason": "录入时看错一行"}
    answers = await asyncio.gather(*(patch(ming, dose, **why) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert_problem(await patch(ming, dose, **why), VersionMismatch)
    now = (await ming.get(f"{DOSES}/{dose['id']}")).json()
    assert (now["given_on"], now["batch_number"], now["version"]) == ("2021-08-02", None, 2)
    (former,) = (await ming.get(f"{DOSES}/{dose['id']}/history")).json()["items"]
    assert former["vaccination"] == dose
    assert former["reason"] == "录入时看错一行"


async def test_a_discarded_dose_counts_no_more_and_may_be_recorded_anew(town: Town, person: str):
    ming = await town.as_("ming")
    dose = await a_vaccination(ming, person)
    path, why = f"{DOSES}/{dose['id']}/discard", {"reason": "登记到了别人名下"}
    assert (await ming.post(path, json=why, headers={"If-Match": '"1"'})).status_code == 200
    assert await status(ming, person) == "unvaccinated"
    assert await ids(ming, resident_id=person, discarded="true") == [dose["id"]]
    again = await ming.post(path, json=why, headers={"If-Match": '"2"'})
    assert_problem(again, HealthRecordDiscarded)
    await a_vaccination(ming, person)


async def test_a_morning_of_doses_keeps_what_can_be_kept(town: Town, person: str):
    ming = await town.as_("ming")
    good = vaccination_body(person)
    items = [
        good,
        vaccination_body(person),
        vaccination_body(str(new_id())),
        vaccination_body(person, given_on="2999-01-01", dose_number=2),
    ]
    answer = (await ming.post(f"{DOSES}/batch", json={"items": items})).json()
    outcomes = [each["outcome"] for each in answer["items"]]
    assert outcomes == ["created", "refused", "refused", "refused"]
    types = [each["problem"]["type"] for each in answer["items"][1:]]
    assert types == ["/problems/dose-kept", "/problems/not-found", "/problems/invalid-input"]


async def test_doses_are_narrowed_by_each_filter(town: Town, person: str):
    ming = await town.as_("ming")
    first = await a_vaccination(ming, person)
    second = await a_vaccination(
        ming, person, dose_number=2, given_on="2021-09-01", technology="other"
    )
    assert await ids(ming, resident_id=person) == [second["id"], first["id"]]
    assert await ids(ming, resident_id=person, technology="other") == [second["id"]]
    assert await ids(ming, resident_id=person, given_on="2021-08-01") == [first["id"]]
    assert await ids(ming, resident_id=person, outcome="contraindicated") == []


async def test_old_cards_are_told_in_any_order_but_their_days_follow_the_doses(
    town: Town, person: str
):
    ming = await town.as_("ming")
    second = await a_vaccination(ming, person, dose_number=2, given_on="2021-08-29")
    for wrong in ("2021-08-29", "2021-09-30"):
        first = vaccination_body(person, dose_number=1, given_on=wrong)
        told = assert_problem(await ming.post(DOSES, json=first), InvalidInput)
        assert [each["pointer"] for each in told["errors"]] == ["/body/given_on"]
    first = await a_vaccination(ming, person, dose_number=1, given_on="2021-08-01")
    same = {name: second[name] for name in ("id", "resident_id", "given_on", "dose_number")}
    again = await ming.post(DOSES, json=same | {"technology": "inactivated"})
    assert again.status_code == 200, again.text
    for change in ({"given_on": "2021-07-30"}, {"dose_number": 3, "given_on": "2021-07-30"}):
        told = assert_problem(await patch(ming, second, **change, reason="抄错"), InvalidInput)
        assert told["errors"][0]["pointer"] == "/body/given_on"
    batch = [
        vaccination_body(person, dose_number=4, given_on="2022-03-02"),
        vaccination_body(person, dose_number=3, given_on="2022-03-03"),
    ]
    kept = (await ming.post(f"{DOSES}/batch", json={"items": batch})).json()
    assert [each["outcome"] for each in kept["items"]] == ["refused", "refused"]
    assert await ids(ming, resident_id=person) == [second["id"], first["id"]]


async def test_nothing_is_told_of_somebody_before_they_were_born(town: Town):
    ming = await town.as_("ming")
    child = synthetic_resident(birth_date="2020-05-06", document_kind=None, document=None)
    home = await a_household(await town.as_("lin"), grid="t.01.01.01", residents=[child])
    born = home["residents"][0]["id"]
    early = "2020-05-05T10:00:00+08:00"
    wrong: list[tuple[str, dict[str, Any], str]] = [
        (DOSES, vaccination_body(born, given_on="2020-05-05"), "given_on"),
        ("/v1/tests", diagnostic_test_body(born, sampled_at=early), "sampled_at"),
        ("/v1/sample-tubes", sample_tube_body([born], sampled_at=early), "sampled_at"),
    ]
    for path, body, pointer in wrong:
        told = assert_problem(await ming.post(path, json=body), InvalidInput)
        assert [each["pointer"] for each in told["errors"]] == [f"/body/{pointer}"]
    on_the_day = "2020-05-06T10:00:00+08:00"
    corrected: list[tuple[str, dict[str, Any], str]] = [
        ("/v1/tests", diagnostic_test_body(born, sampled_at=on_the_day), "sampled_at"),
        ("/v1/travel-cards", travel_card_body(born, updated_at=on_the_day), "updated_at"),
        ("/v1/code-states", code_state_body(born, changed_at=on_the_day), "changed_at"),
    ]
    for path, body, pointer in corrected:
        kept = await ming.post(path, json=body)
        assert kept.status_code == 201, kept.text
        change, first = {pointer: early, "reason": "抄错"}, {"If-Match": '"1"'}
        answer = await ming.patch(f"{path}/{kept.json()['id']}", json=change, headers=first)
        told = assert_problem(answer, InvalidInput)
        assert [each["pointer"] for each in told["errors"]] == [f"/body/{pointer}"]
    dose = await a_vaccination(ming, born, given_on="2020-05-06")
    refused = await patch(ming, dose, given_on="2020-05-05", reason="抄错")
    assert_problem(refused, InvalidInput)
