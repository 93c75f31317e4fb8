"""Leads that other systems deliver: in one call, sent again, and nothing told back of people."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import time_machine

from api.clients.problems import ScopeMissing
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from tests.builders import a_household, lead_batch_body, lead_body, synthetic_resident
from tests.cast import Town, assert_problem, grid_id
from tests.machines import a_machine

PATH = "/v1/inbound/lead-batches"


async def test_only_a_system_let_in_for_leads_delivers_them(town: Town):
    sent = {"batch": lead_batch_body(), "items": [lead_body()]}
    assert_problem(await town.nobody().post(PATH, json=sent), NotSignedIn)
    assert_problem(await (await town.as_("zhou")).post(PATH, json=sent), NotSignedIn)
    other = await a_machine(town, "status:read")
    assert_problem(await other.post(PATH, json=sent), ScopeMissing)
    machine = await a_machine(town, "leads:write")
    assert_problem(await machine.get("/v1/leads"), NotSignedIn)


async def test_a_batch_is_delivered_with_its_leads_and_in_parts(town: Town):
    machine = await a_machine(town, "leads:write")
    person = synthetic_resident()
    await a_household(await town.as_("ming"), grid="t.01.01.01", residents=[person])
    known = lead_body(name=person["name"], phone=person["phone"])
    sent = {"batch": lead_batch_body(), "items": [known, lead_body() | {"phone": "1"}]}
    made = await machine.post(PATH, json=sent)
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["batch"]["source"] == "device"
    assert [each["outcome"] for each in told["leads"]["items"]] == ["created", "refused"]
    assert person["id"] not in made.text
    lead = (await (await town.as_("ming")).get(f"/v1/leads/{known['id']}")).json()["lead"]
    assert (lead["resident_id"], lead["source"]) == (person["id"], "device")
    more = {"batch": sent["batch"], "items": [known, lead_body()]}
    again = await machine.post(PATH, json=more)
    assert again.status_code == 200, again.text
    assert [each["outcome"] for each in again.json()["leads"]["items"]] == ["unchanged", "created"]
    other = {"batch": sent["batch"] | {"instructions": "别的"}, "items": []}
    assert_problem(await machine.post(PATH, json=other), RecordDiffers)


async def test_a_delivery_at_the_same_moment_is_one(town: Town):
    machine = await a_machine(town, "leads:write")
    sent = {"batch": lead_batch_body(), "items": [lead_body() for _ in range(50)]}
    answers = await asyncio.gather(*(machine.post(PATH, json=sent) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert sum(answer.json()["leads"]["created"] for answer in answers) == 50


async def test_a_system_delivers_where_it_was_let_in(town: Town):
    machine = await a_machine(town, "leads:write", grid="t.01.01")
    sent = {"batch": lead_batch_body(), "items": [lead_body()]}
    made = await machine.post(PATH, json=sent)
    assert made.json()["batch"]["grid_id"] == str(grid_id("t.01.01"))
    beyond = lead_batch_body(grid_id=str(grid_id("t")))
    refused = await machine.post(PATH, json={"batch": beyond, "items": []})
    assert assert_problem(refused, NotFound)["errors"][0]["pointer"] == "/body/batch/grid_id"
    elsewhere = lead_body(grid_id=str(grid_id("t.01.02.01")))
    told = await machine.post(PATH, json={"batch": sent["batch"], "items": [elsewhere]})
    (item,) = told.json()["leads"]["items"]
    assert item["problem"]["errors"][0]["pointer"] == "/body/items/0/grid_id"
    wrong = {"batch": lead_batch_body(), "items": [lead_body()] * 1001}
    assert_problem(await machine.post(PATH, json=wrong), InvalidInput)
    nameless = {"batch": lead_batch_body() | {"issuer": ""}, "items": [], "id": str(new_id())}
    told = assert_problem(await machine.post(PATH, json=nameless), InvalidInput)
    assert {each["pointer"] for each in told["errors"]} == {"/body/batch/issuer", "/body/id"}


async def _fates(machine: httpx.AsyncClient, batch: str) -> dict[str, Any]:
    answer = await machine.get(f"{PATH}/{batch}/leads", params={"limit": 500})
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["items"]}


async def test_a_system_is_told_what_became_of_each_of_its_leads(town: Town):
    machine = await a_machine(town, "leads:write")
    sent = {"batch": lead_batch_body(), "items": [lead_body(row_number=n + 1) for n in range(4)]}
    assert (await machine.post(PATH, json=sent)).status_code == 201
    batch = sent["batch"]["id"]
    waiting, wrong, away, going = (each["id"] for each in sent["items"])
    gu, zhou = await town.as_("gu"), await town.as_("zhou")
    for lead in (wrong, away, going):
        given = {"grid_id": str(grid_id("t.01.01"))}
        assert (await zhou.post(f"/v1/leads/{lead}/assign", json=given)).status_code == 200
    found = {"outcome": "info_error", "note": "空号"}
    await gu.post(f"/v1/leads/{wrong}/conclude", json=found)
    told = await _fates(machine, batch)
    assert {each["fate"] for each in told.values()} == {"received", "verifying"}
    assert [told[wrong][name] for name in ("fate", "outcome")] == ["verifying", None]
    await zhou.post(f"/v1/leads/{wrong}/review", json={"approved": True})
    await gu.post(f"/v1/leads/{away}/conclude", json=found | {"outcome": "not_in_jurisdiction"})
    there = {"to_code": "451026101", "to_name": "城关镇"}
    handed = {"id": str(new_id()), "reason": "现住该镇", **there}
    assert (await zhou.post(f"/v1/leads/{away}/transfers", json=handed)).status_code == 201
    receipt = {"received": True, "receipt": "城关镇1号"}
    await zhou.post(f"/v1/lead-transfers/{handed['id']}/receipt", json=receipt)
    sent_back = await zhou.post(f"/v1/lead-batches/{batch}/feedback", json={"id": str(new_id())})
    assert sent_back.status_code == 201, sent_back.text
    told = await _fates(machine, batch)
    fates = {each: told[each]["fate"] for each in (waiting, wrong, away, going)}
    assert list(fates.values()) == ["received", "fed_back", "handed_on", "verifying"]
    assert [told[each]["row_number"] for each in fates] == [1, 2, 3, 4]
    assert (told[wrong]["outcome"], told[wrong]["handed_on"]) == ("info_error", None)
    assert told[wrong]["fed_back_at"] <= sent_back.json()["at"]
    gone = told[away]["handed_on"]
    assert (told[away]["outcome"], gone["receipt"]) == ("not_in_jurisdiction", "城关镇1号")
    assert {name: gone[name] for name in there} == there
    assert gone["received_at"] is not None
    whole = (await machine.get(f"{PATH}/{batch}")).json()
    assert (whole["closed_at"], whole["batch_number"]) == (None, sent["batch"]["batch_number"])
    assert whole["fates"] == {
        **dict.fromkeys(("received", "verifying", "fed_back", "handed_on"), 1),
        "discarded": 0,
    }
    narrowed = await machine.get(f"{PATH}/{batch}/leads", params={"fate": "handed_on"})
    assert [each["id"] for each in narrowed.json()["items"]] == [away]


async def test_a_system_is_told_of_its_own_leads_alone(town: Town):
    machine, other = [await a_machine(town, "leads:write") for _ in range(2)]
    sent = {"batch": lead_batch_body(), "items": [lead_body()]}
    assert (await machine.post(PATH, json=sent)).status_code == 201
    address = f"{PATH}/{sent['batch']['id']}"
    zhou = await town.as_("zhou")
    by_hand = lead_body()
    path = f"/v1/lead-batches/{sent['batch']['id']}/leads"
    assert (await zhou.post(path, json=by_hand)).status_code == 201
    whole = (await machine.get(address)).json()
    assert whole["fates"]["received"] == 1
    assert list(await _fates(machine, sent["batch"]["id"])) == [sent["items"][0]["id"]]
    for stranger in (other, await a_machine(town, "leads:write", grid="t.01.02")):
        for each in (address, f"{address}/leads"):
            assert_problem(await stranger.get(each), NotFound)
    for each in (address, f"{address}/leads"):
        assert_problem(await town.nobody().get(each), NotSignedIn)
        assert_problem(await zhou.get(each), NotSignedIn)
        assert_problem(await (await a_machine(town, "status:read")).get(each), ScopeMissing)


async def test_a_batch_sent_again_after_its_deadline_is_the_same(town: Town):
    sent = {"batch": lead_batch_body(), "items": [lead_body()]}
    assert (await (await a_machine(town, "leads:write")).post(PATH, json=sent)).status_code == 201
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        zhou = town.client(await town.token_of("zhou"))
        kept = await zhou.post("/v1/lead-batches", json=sent["batch"])
        assert kept.status_code == 200, kept.text
        other = sent["batch"] | {"instructions": "别的"}
        assert_problem(await zhou.post("/v1/lead-batches", json=other), RecordDiffers)
        new = sent["batch"] | {"id": str(new_id()), "batch_number": "过期"}
        told = assert_problem(await zhou.post("/v1/lead-batches", json=new), InvalidInput)
        assert told["errors"][0]["pointer"] == "/body/deadline_at"
