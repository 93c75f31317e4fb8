"""What is looked for is found, counted and compared as FHIR says, and nothing is passed over."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class

from api.foundation import clock
from api.foundation.records import new_id
from tests.cast import Town, grid_id
from tests.fhir.bundles import every, outcome


async def test_pages_meet_without_gap_or_double(machine: httpx.AsyncClient):
    whole = await every(machine, "/fhir/Location?_count=500")
    parts = await every(machine, "/fhir/Location?_count=3")
    assert parts == whole
    assert len({each["id"] for each in whole}) == len(whole) > 3


async def test_somebody_is_found_by_their_document_in_a_body_only(
    town: Town, machine: httpx.AsyncClient, first: dict[str, Any]
):
    ming = await town.as_("ming")
    asked = {"fields": ["document"], "reason": "核对身份"}
    person = first["person"]["id"]
    plain = (await ming.post(f"/v1/residents/{person}/reveal", json=asked)).json()["document"]
    by_form = await machine.post("/fhir/Patient/_search", data={"identifier": plain.lower()})
    assert [each["resource"]["id"] for each in by_form.json()["entry"]] == [person]
    assert plain not in by_form.text
    said = outcome(await machine.get(f"/fhir/Patient?identifier={plain}"), 400, "not-understood")
    assert plain not in said


@pytest.mark.parametrize(
    ("query", "expected"),
    [("date=ge2020-01-01", True), ("date=lt2020", False), ("date=gt2020-01&date=lt2199", True)],
)
async def test_dates_are_compared_as_fhir_says(
    machine: httpx.AsyncClient, query: str, *, expected: bool
):
    assert bool(await every(machine, f"/fhir/Observation?{query}")) is expected


@pytest.mark.parametrize(
    "wrong",
    [
        "date=2022-13-01",
        "date=x",
        "date=ge10000",
        "_count=x",
        "patient=Patient/1",
        "_after=2",
        "_id=%00",
        "_lastUpdated=2022-02-30",
    ],
)
async def test_what_cannot_be_read_is_refused(machine: httpx.AsyncClient, wrong: str):
    outcome(await machine.get(f"/fhir/Observation?{wrong}"), 400, "not-understood")


async def test_a_parameter_that_is_not_known_never_widens_a_search_unless_that_is_asked_for(
    machine: httpx.AsyncClient,
):
    address = "/fhir/Patient?name=黄&active=true"
    outcome(await machine.get(address), 400, "not-understood")
    form = {"name": "黄"}
    outcome(await machine.post("/fhir/Patient/_search", data=form), 400, "not-understood")
    lenient = await machine.get(address, headers={"Prefer": "handling=lenient"})
    assert lenient.json()["link"][0]["url"].endswith("/fhir/Patient?active=true")
    strict = await machine.get(address, headers={"Prefer": "handling=strict"})
    outcome(strict, 400, "not-understood")
    included = "/fhir/Patient?_include=Patient:link&_summary=true"
    assert (await machine.get(included)).status_code == 200
    strict = await machine.get(included, headers={"Prefer": "handling=strict"})
    outcome(strict, 400, "not-understood")


async def test_what_can_be_done_is_what_is_said(machine: httpx.AsyncClient, first: dict[str, Any]):
    told = (await machine.get("/fhir/metadata")).json()["rest"][0]
    assert told["security"]["cors"] is False
    for resource in told["resource"]:
        kind = resource["type"]
        one = (await every(machine, f"/fhir/{kind}?_count=500"))[0]
        said = {**_SAID, "_id": one["id"], "gender": one.get("gender")}
        for each in resource["searchParam"]:
            name = each["name"]
            given = {name: said.get(name) or f"Location/{new_id()}"}
            answer = await machine.post(
                f"/fhir/{kind}/_search", data=given, headers={"Prefer": "handling=strict"}
            )
            assert answer.status_code == 200, (kind, name, answer.text)


_SAID = {
    "_lastUpdated": "ge2020-01-01",
    "date": "ge2020-01-01",
    "patient": f"Patient/{new_id()}",
    "subject": f"Patient/{new_id()}",
    "active": "true",
    "status": "active",
    "code": "http://loinc.org|8310-5",
    "category": "vital-signs",
    "class": "HH",
    "identifier": "451422199001010012",
}


@pytest.mark.parametrize(
    "modified", ["status:not=active", "date:missing=true", "patient:identifier=1", "_id:exact=1"]
)
async def test_a_modifier_is_refused_and_never_passed_over(
    machine: httpx.AsyncClient, modified: str
):
    outcome(await machine.get(f"/fhir/Flag?{modified}"), 400, "not-understood")


async def test_a_reference_may_name_its_type(machine: httpx.AsyncClient, first: dict[str, Any]):
    person = first["person"]["id"]
    plain = await every(machine, f"/fhir/Flag?patient=Patient/{person}")
    assert plain
    assert await every(machine, f"/fhir/Flag?subject:Patient={person}") == plain


@pytest.mark.parametrize("asked", ["_summary=count", "_count=0"])
async def test_how_many_there_are_is_told_without_telling_them(
    machine: httpx.AsyncClient, first: dict[str, Any], asked: str
):
    query = f"patient=Patient/{first['person']['id']}"
    many = len(await every(machine, f"/fhir/Observation?{query}"))
    answer = await machine.get(
        f"/fhir/Observation?{query}&{asked}", headers={"Prefer": "handling=strict"}
    )
    get_fhir_model_class("Bundle").model_validate(answer.json())
    assert (answer.json()["total"], answer.json().get("entry")) == (many, None)
    wrong = await machine.get("/fhir/Flag?_summary=text", headers={"Prefer": "handling=strict"})
    outcome(wrong, 400, "not-understood")


async def test_what_lasts_is_found_by_any_day_of_it(
    machine: httpx.AsyncClient, first: dict[str, Any]
):
    flags = await every(machine, "/fhir/Flag")
    today = clock.today()
    tomorrow = today + timedelta(days=1)
    for kind in ("Flag", "CareTeam"):
        lasting = {each["id"] for each in await every(machine, f"/fhir/{kind}?status=active")}
        assert lasting
        later = {each["id"] for each in await every(machine, f"/fhir/{kind}?date=ge{tomorrow}")}
        assert later == lasting
        assert await every(machine, f"/fhir/{kind}?date=sa{tomorrow}") == []
        assert await every(machine, f"/fhir/{kind}?date=lt{today.year - 1}") == []
    begun = min(each["period"]["start"] for each in flags)
    ended = {each["id"] for each in flags if each["period"].get("end")}
    assert ended
    within = await every(machine, f"/fhir/Flag?date=ge{begun}&date=eb{tomorrow}")
    assert {each["id"] for each in within} == ended


async def test_who_reads_on_hears_of_a_grid_that_was_opened_and_renamed(
    town: Town, machine: httpx.AsyncClient
):
    gu = await town.as_("gu")

    async def changed(since: datetime) -> dict[str, str]:
        at = since.isoformat().replace("+", "%2B")
        found = await every(machine, f"/fhir/Location?_lastUpdated=ge{at}")
        return {each["id"]: each["name"] for each in found}

    began = clock.now()
    grid = {
        "id": str(new_id()),
        "parent_id": str(grid_id("t.01.01")),
        "kind": "basic",
        "name": "新设屯",
        "opened_on": "2021-01-01",
    }
    opened = await gu.post("/v1/grids", json=grid)
    assert opened.status_code == 201, opened.text
    assert await changed(began) == {grid["id"]: "新设屯"}
    later = clock.now()
    renamed = await gu.patch(
        f"/v1/grids/{grid['id']}",
        json={"name": "新名屯", "reason": "更名"},
        headers={"If-Match": opened.headers["etag"]},
    )
    assert renamed.status_code == 200, renamed.text
    assert await changed(later) == {grid["id"]: "新名屯"}


async def test_a_visit_to_a_household_is_of_no_one_patient(
    machine: httpx.AsyncClient, first: dict[str, Any]
):
    assert await every(machine, "/fhir/Encounter")
    for name in ("patient", "subject"):
        of_one = f"/fhir/Encounter?{name}=Patient/{first['person']['id']}"
        assert await every(machine, of_one) == []
