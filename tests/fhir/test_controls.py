"""How much is told, in which order, and from which instant on; whoever was looked for stays so."""

from typing import Any

import httpx
import pytest
from fhir.resources.R4B import get_fhir_model_class

from api.fhir.kinds import KINDS
from api.foundation import clock
from tests.builders import a_household, a_vaccination, synthetic_resident
from tests.cast import Town, grid_id
from tests.fhir.bundles import every, outcome
from tests.machines import a_machine

STRICT = {"Prefer": "handling=strict"}
SORTED_BY = {"Observation": "effectiveDateTime", "Immunization": "occurrenceDateTime"}


@pytest.fixture(scope="module")
async def numbers(town: Town, first: dict[str, Any]) -> list[str]:
    """The documents of two people of the first household."""
    ming = await town.as_("ming")
    home = await ming.get(f"/v1/households/{first['person']['household_id']}")
    asked = {"fields": ["document"], "reason": "核对身份"}
    shown = [
        await ming.post(f"/v1/residents/{each['id']}/reveal", json=asked)
        for each in home.json()["residents"][:2]
    ]
    return [each.json()["document"] for each in shown]


async def test_the_next_page_of_people_found_by_documents_holds_only_these(
    machine: httpx.AsyncClient, numbers: list[str]
):
    form = {"identifier": ",".join(numbers), "_count": "1", "_total": "accurate"}
    page = (await machine.post("/fhir/Patient/_search", data=form)).json()
    assert (page["total"], len(page["entry"])) == (2, 1)
    [_, after] = page["link"]
    rest = await every(machine, after["url"])
    found = {page["entry"][0]["resource"]["id"], *(each["id"] for each in rest)}
    whole = await machine.post("/fhir/Patient/_search", data={"identifier": form["identifier"]})
    assert found == {each["resource"]["id"] for each in whole.json()["entry"]}
    assert (len(found), len(rest)) == (2, 1)
    assert not any(each in after["url"] for each in numbers)
    many = {"identifier": ",".join(numbers * 51)}
    outcome(await machine.post("/fhir/Patient/_search", data=many), 400, "not-understood")


async def test_a_form_may_come_with_an_address_and_a_body_that_is_no_form_finds_nobody(
    machine: httpx.AsyncClient, numbers: list[str]
):
    both = await machine.post("/fhir/Patient/_search?active=false", data={"_count": "5"})
    assert both.json().get("entry", []) == []
    address = f"/fhir/Patient/_search?identifier={numbers[0]}"
    outcome(await machine.post(address, data={"_count": "1"}), 400, "not-understood")
    told = await machine.post("/fhir/Patient/_search", json={"identifier": numbers[0]})
    outcome(told, 415, "not-acceptable")
    assert (await machine.post("/fhir/Patient/_search?_count=1")).status_code == 200


@pytest.mark.parametrize("kind", ["Observation", "Flag", "Location"])
async def test_how_many_there_are_is_told_beside_each_page(machine: httpx.AsyncClient, kind: str):
    many = len(await every(machine, f"/fhir/{kind}"))
    for asked in ("accurate", "estimate"):
        address = f"/fhir/{kind}?_total={asked}&_count=1"
        page = (await machine.get(address, headers=STRICT)).json()
        assert (page["total"], len(page["entry"])) == (many, 1)
        if many > 1:
            assert (await machine.get(page["link"][1]["url"])).json()["total"] == many
    assert "total" not in (await machine.get(f"/fhir/{kind}?_total=none")).json()
    outcome(await machine.get(f"/fhir/{kind}?_total=all"), 400, "not-understood")


@pytest.mark.parametrize(
    ("kind", "wanted", "others"),
    [
        ("Patient", "gender", "name"),
        ("Observation", "effective,valueQuantity", "issued"),
        ("Encounter", "period", "location"),
        ("CareTeam", "participant", "name"),
        ("Immunization", "lotNumber", "protocolApplied"),
        ("Location", "name", "type"),
        ("Flag", "period", "category"),
    ],
)
async def test_some_elements_alone_are_told_and_said_to_be_some(
    machine: httpx.AsyncClient, kind: str, wanted: str, others: str
):
    address = f"/fhir/{kind}?_elements={wanted}"
    answer = await machine.get(f"{address}&_count=3", headers=STRICT)
    assert "_elements=" in answer.json()["link"][0]["url"]
    for each in await every(machine, address):
        get_fhir_model_class(kind).model_validate(each)
        assert others not in each
        assert each["meta"]["tag"][0]["code"] == "SUBSETTED"
        assert each["id"]
    outcome(await machine.get(f"/fhir/{kind}?_elements=a.b"), 400, "not-understood")


@pytest.mark.parametrize("kind", [*SORTED_BY, "Location"])
@pytest.mark.parametrize("count", [1, 500])
async def test_sorted_pages_meet_in_both_directions(
    machine: httpx.AsyncClient, kind: str, count: int
):
    names = ["_lastUpdated", "date"] if kind in SORTED_BY else ["_lastUpdated"]
    for name in names:
        up = await every(machine, f"/fhir/{kind}?_sort={name}&_count={count}")
        down = await every(machine, f"/fhir/{kind}?_sort=-{name}&_count={count}")
        assert [each["id"] for each in up] == [each["id"] for each in reversed(down)]
        assert {each["id"] for each in up} == {
            e["id"] for e in await every(machine, f"/fhir/{kind}")
        }
        at = [
            each["meta"]["lastUpdated"] if name == "_lastUpdated" else each[SORTED_BY[kind]]
            for each in up
        ]
        assert at == sorted(at)


@pytest.mark.parametrize(
    "wrong", ["_sort=status", "_sort=date,_lastUpdated", "_sort=date&_after=x", "_sort="]
)
async def test_what_cannot_be_sorted_by_is_refused(machine: httpx.AsyncClient, wrong: str):
    outcome(await machine.get(f"/fhir/Flag?{wrong}"), 400, "not-understood")
    outcome(await machine.get("/fhir/Location?_sort=date"), 400, "not-understood")


async def test_whoever_reads_on_from_an_instant_misses_nothing_of_its_second(
    machine: httpx.AsyncClient, first: dict[str, Any]
):
    [one, *_] = await every(machine, "/fhir/Observation")
    at = one["meta"]["lastUpdated"]
    second = f"{at[:19]}.000Z"
    for since, found in ((second, at != second), (at, False), (f"{at[:16]}Z", False)):
        query = f"_id={one['id']}&_lastUpdated=gt{since}"
        assert bool(await every(machine, f"/fhir/Observation?{query}")) is found, since
    within = f"/fhir/Observation?_id={one['id']}&_lastUpdated={at[:16]}Z"
    assert len(await every(machine, within)) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Observation?code=http://loinc.org|8310-5", True),
        ("Observation?code=8310-5", True),
        ("Observation?code=http://snomed.info/sct|8310-5", False),
        ("Observation?code=|8310-5", False),
        ("Observation?code=http://snomed.info/sct|8310-5,8310-5", True),
        ("Encounter?class=http://terminology.hl7.org/CodeSystem/v3-ActCode|HH", True),
        ("Encounter?class=urn:x|HH", False),
        ("Observation?code=http://loinc.org|", True),
        ("Observation?code=http://snomed.info/sct|", False),
        ("Observation?code=|", False),
        ("Flag?status=http://hl7.org/fhir/flag-status|", True),
    ],
)
async def test_the_code_of_another_system_is_another_code(
    machine: httpx.AsyncClient, query: str, *, found: bool
):
    assert bool(await every(machine, f"/fhir/{query}")) is found


async def test_an_export_is_not_wider_than_it_was_asked_for_and_is_ended(
    machine: httpx.AsyncClient, first: dict[str, Any]
):
    narrowed = "/fhir/$export?_type=Flag&_typeFilter=Flag%3Fstatus%3Dactive"
    outcome(await machine.get(narrowed), 400, "not-understood")
    taken = await machine.get(narrowed, headers={"Prefer": "respond-async, handling=lenient"})
    assert taken.status_code == 202
    assert (await machine.delete(taken.headers["content-location"])).status_code == 202


@pytest.mark.parametrize(
    ("address", "accept", "answered"),
    [
        ("Patient?_format=json", "application/xml", 200),
        ("Patient?_format=application/fhir%2Bjson", "*/*", 200),
        ("Patient?_format=application/fhir+json", "*/*", 200),
        ("Patient", "application/fhir+json;fhirVersion=4.0, text/html", 200),
        ("Patient", "text/html, */*;q=0.8", 200),
        ("Patient?_format=xml", "application/fhir+json", 406),
        ("metadata?_format=text/turtle", "*/*", 406),
        ("Patient", "application/fhir+xml", 406),
        ("Patient", "application/fhir+json;q=0", 406),
        ("Patient", "application/fhir+json;fhirVersion=5.0", 406),
        ("Patient", "application/fhir+ndjson", 406),
        ("Patient/$export-file", "application/fhir+ndjson", 200),
    ],
)
async def test_whoever_can_read_no_json_is_told_there_is_nothing_else(
    machine: httpx.AsyncClient, address: str, accept: str, answered: int
):
    answer = await machine.get(f"/fhir/{address}", headers={"Accept": accept})
    assert answer.status_code == answered, answer.text
    if answered != 200:
        outcome(answer, 406, "not-in-this-form")


async def test_a_form_may_name_its_answers_form_too(machine: httpx.AsyncClient):
    address = "/fhir/Patient/_search"
    outcome(await machine.post(address, data={"_format": "xml"}), 406, "not-in-this-form")
    assert (await machine.post(address, data={"_format": "json"})).status_code == 200


async def test_whoever_moved_into_reach_is_in_the_next_export_with_all_that_is_theirs(
    town: Town, first: dict[str, Any]
):
    lin, gu = await town.as_("lin"), await town.as_("gu")
    home = await a_household(lin, grid=grid_id("t.01.01.01"), residents=[synthetic_resident()])
    person = home["residents"][0]
    dose = await a_vaccination(lin, person["id"])
    there = await a_household(await town.as_("wei"), grid=grid_id("t.01.02.01"))
    async with await a_machine(town, "fhir:read", grid="t.01.02") as machine:
        since = clock.now().isoformat().replace("+00:00", "Z")
        file = f"$export-file?_since={since}"
        assert (await machine.get(f"/fhir/Immunization/{file}")).text == ""
        moved = await gu.post(
            f"/v1/residents/{person['id']}/move",
            json={"household_id": there["id"], "relation": "other", "reason": "投靠亲友"},
        )
        assert moved.status_code == 200, moved.text
        for kind, record in (("Patient", person["id"]), ("Immunization", dose["id"])):
            assert record in (await machine.get(f"/fhir/{kind}/{file}")).text
        for kind in KINDS:
            assert (await machine.get(f"/fhir/{kind}/{file}")).status_code == 200
