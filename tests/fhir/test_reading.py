"""FHIR as its own libraries read it, within the reach and the scopes of whoever asks."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class

from api.fhir import bulk
from api.foundation import clock
from api.foundation.records import new_id
from tests.cast import Town, grid_id
from tests.fhir.bundles import every, outcome
from tests.machines import a_machine

TYPES = ("Patient", "Observation", "Encounter", "CareTeam", "Immunization", "Location", "Flag")


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


async def test_what_there_is_not_is_said_so(machine: httpx.AsyncClient):
    for path in ("Practitioner", f"Flag/{new_id()}", "Flag/1", "Flag/_history", "Group/1/$export"):
        outcome(await machine.get(f"/fhir/{path}"), 404, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nothing_is_written_and_that_is_said_in_fhir(machine: httpx.AsyncClient, method: str):
    told = await machine.request(method, f"/fhir/Flag/{new_id()}", json={})
    outcome(told, 405, "method-not-allowed")
    assert told.headers["allow"] == "GET"


async def test_everything_is_exported_line_by_line(
    town: Town,
    machine: httpx.AsyncClient,
    first: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(bulk, "UNDER_WAY", timedelta())
    begun = await machine.get("/fhir/$export?_type=Patient,Flag")
    assert begun.status_code == 202
    told = (await machine.get(begun.headers["content-location"])).json()
    assert [each["type"] for each in told["output"]] == ["Patient", "Flag"]
    for each in told["output"]:
        file = await machine.get(each["url"])
        assert file.headers["content-type"].startswith("application/fhir+ndjson")
        lines = [orjson.loads(line) for line in file.text.splitlines()]
        assert lines == await every(machine, f"/fhir/{each['type']}?_count=500")
    later = await machine.get(f"/fhir/$export?_since={told['transactionTime']}")
    files = (await machine.get(later.headers["content-location"])).json()["output"]
    assert (await machine.get(files[0]["url"])).text == ""
    zhou = await town.as_("zhou")
    noted = (await zhou.get(f"/v1/audit-entries?subject_id={grid_id('t')}&limit=500")).json()
    assert "fhir.export" in {entry["action"] for entry in noted["items"]}


async def test_the_next_export_has_what_was_being_written_during_the_last(
    machine: httpx.AsyncClient, first: dict[str, Any]
):
    address = (await machine.get("/fhir/$export?_type=Patient")).headers["content-location"]
    at = (await machine.get(address)).json()["transactionTime"]
    assert datetime.fromisoformat(at) <= clock.now() - bulk.UNDER_WAY


async def test_an_export_of_what_there_is_not_is_refused(machine: httpx.AsyncClient):
    outcome(await machine.get("/fhir/$export?_outputFormat=text/csv"), 400, "not-understood")
    taken = await machine.get("/fhir/$export?_outputFormat=application/fhir%2Bndjson")
    assert taken.status_code == 202
    outcome(await machine.get("/fhir/$export?_type=Practitioner"), 400, "not-understood")
    outcome(await machine.get("/fhir/$export?_since=yesterday"), 400, "not-understood")
