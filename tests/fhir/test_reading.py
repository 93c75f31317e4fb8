"""FHIR as its own libraries read it, within the reach and the scopes of whoever asks."""

from typing import Any

import httpx
import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class

from api.foundation.records import new_id
from tests.builders import a_household, synthetic_resident
from tests.cast import Town, grid_id
from tests.machines import a_machine
from tests.place import Hands, a_home, a_place, township_rules

TYPES = ("Patient", "Observation", "Encounter", "CareTeam", "Immunization", "Location", "Flag")


@pytest.fixture(scope="module")
async def first(town: Town) -> dict[str, Any]:
    """A person of the first group of Liu village of whom everything is kept, and one next door."""
    await township_rules(await town.as_("zhou"))
    lin = await town.as_("lin")
    home = await a_home(lin, grid=grid_id("t.01.01.01"))
    known = await a_place(await Hands.of(town), home, team=("ming", "pang", "lin", "shan"))
    person = home["residents"][0]
    wei = await town.as_("wei")
    await a_household(wei, grid=grid_id("t.01.02.01"), residents=[synthetic_resident()])
    return {"person": person, **known}


@pytest.fixture
async def machine(town: Town, first: dict[str, Any]) -> httpx.AsyncClient:
    return await a_machine(town, "fhir:read", "persons:identify")


def outcome(answer: httpx.Response, status: int, slug: str) -> str:
    """The answer is an OperationOutcome of this problem; its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    get_fhir_model_class("OperationOutcome").model_validate(answer.json())
    [issue] = answer.json()["issue"]
    assert issue["details"]["coding"][0]["code"] == slug
    return issue["details"]["text"]


async def every(client: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    """The resources of all pages; each page is a Bundle that FHIR's library accepts."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        get_fhir_model_class("Bundle").model_validate(bundle)
        found += [entry["resource"] for entry in bundle.get("entry", [])]
        links = {each["relation"]: each["url"] for each in bundle["link"]}
        if "next" not in links:
            return found
        address = links["next"]


async def test_nobody_reads_anything_but_what_can_be_done(town: Town):
    outcome(await town.nobody().get("/fhir/Patient"), 401, "not-signed-in")
    told = await town.nobody().get("/fhir/metadata")
    assert told.status_code == 200
    get_fhir_model_class("CapabilityStatement").model_validate(told.json())
    assert {each["type"] for each in told.json()["rest"][0]["resource"]} == set(TYPES)


async def test_a_client_without_the_scope_reads_nothing(town: Town, first: dict[str, Any]):
    other = await a_machine(town, "status:read")
    outcome(await other.get("/fhir/Patient"), 403, "scope-missing")


async def test_a_client_of_the_next_village_does_not_find_the_person(
    town: Town, first: dict[str, Any]
):
    other = await a_machine(town, "fhir:read", grid="t.01.02")
    answer = await other.get(f"/fhir/Patient/{first['person']['id']}")
    outcome(answer, 404, "not-found")
    assert await every(other, "/fhir/Flag") == []
    assert len(await every(other, "/fhir/Patient")) == 1


@pytest.mark.parametrize("kind", TYPES)
async def test_every_resource_is_what_fhir_says_it_is(machine: httpx.AsyncClient, kind: str):
    resources = await every(machine, f"/fhir/{kind}?_count=2")
    assert resources
    model = get_fhir_model_class(kind)
    for resource in resources:
        model.model_validate(resource)
        one = await machine.get(f"/fhir/{kind}/{resource['id']}")
        assert one.json() == resource
        assert one.headers["etag"] == f'W/"{resource["meta"]["versionId"]}"'


async def test_pages_meet_without_gap_or_double(machine: httpx.AsyncClient):
    whole = await every(machine, "/fhir/Location?_count=500")
    parts = await every(machine, "/fhir/Location?_count=3")
    assert parts == whole
    assert len({each["id"] for each in whole}) == len(whole) > 3


async def test_a_temperature_is_a_vital_sign_in_celsius(
    machine: httpx.AsyncClient, first: dict[str, Any]
):
    person = first["person"]["id"]
    query = f"patient=Patient/{person}&code=http://loinc.org|8310-5&category=vital-signs"
    found = await every(machine, f"/fhir/Observation?{query}")
    assert found
    assert {each["subject"]["reference"] for each in found} == {f"Patient/{person}"}
    assert found[0]["valueQuantity"]["code"] == "Cel"
    assert await every(machine, "/fhir/Observation?code=http://loinc.org|29463-7") == []


async def test_names_are_masked_from_who_may_not_identify(town: Town, first: dict[str, Any]):
    blind = await a_machine(town, "fhir:read")
    told = (await blind.get(f"/fhir/Patient/{first['person']['id']}")).json()
    get_fhir_model_class("Patient").model_validate(told)
    assert first["person"]["name"] not in orjson.dumps(told).decode()
    assert "identifier" not in told
    assert "birthDate" not in told


async def test_a_worker_reads_by_the_permissions_of_their_post(town: Town, first: dict[str, Any]):
    ming, ba = await town.as_("ming"), await town.as_("ba")
    found = await every(ming, "/fhir/Patient")
    assert first["person"]["name"] in {each["name"][0]["text"] for each in found}
    outcome(await ba.get("/fhir/Immunization"), 403, "not-permitted")


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


async def test_an_unknown_parameter_is_left_out_or_refused_where_asked_for(
    machine: httpx.AsyncClient,
):
    address = "/fhir/Patient?favourite=tea&active=true"
    lenient = await machine.get(address)
    assert lenient.json()["link"][0]["url"].endswith("/fhir/Patient?active=true")
    strict = await machine.get(address, headers={"Prefer": "handling=strict"})
    outcome(strict, 400, "not-understood")


async def test_what_there_is_not_is_said_so(machine: httpx.AsyncClient):
    assert (await machine.get("/fhir/Practitioner")).status_code in (404, 422)
    outcome(await machine.get(f"/fhir/Flag/{new_id()}"), 404, "not-found")


async def test_everything_is_exported_line_by_line(
    town: Town, machine: httpx.AsyncClient, first: dict[str, Any]
):
    begun = await machine.get("/fhir/$export?_type=Patient,Flag")
    assert begun.status_code == 202
    told = (await machine.get(begun.headers["content-location"])).json()
    assert [each["type"] for each in told["output"]] == ["Patient", "Flag"]
    for each in told["output"]:
        file = await machine.get(each["url"])
        assert file.headers["content-type"].startswith("application/fhir+ndjson")
        lines = [orjson.loads(line) for line in file.text.splitlines()]
        assert lines == await every(machine, f"/fhir/{each['type']}?_count=500")
    later = await machine.get(f"/fhir/$export?_since={told['transactionTime'].replace('+', '%2B')}")
    files = (await machine.get(later.headers["content-location"])).json()["output"]
    assert (await machine.get(files[0]["url"])).text == ""
    zhou = await town.as_("zhou")
    noted = (await zhou.get(f"/v1/audit-entries?subject_id={grid_id('t')}&limit=500")).json()
    assert "fhir.export" in {entry["action"] for entry in noted["items"]}


async def test_an_export_of_what_there_is_not_is_refused(machine: httpx.AsyncClient):
    outcome(await machine.get("/fhir/$export?_type=Practitioner"), 400, "not-understood")
    outcome(await machine.get("/fhir/$export?_since=yesterday"), 400, "not-understood")
