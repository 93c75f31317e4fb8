"""Subscriptions: whose they are, what is refused, and what the township may do about them."""

import asyncio
from typing import Any

import httpx
import pytest

from api.clients.problems import ScopeMissing
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
from api.live.schemas import EventKind
from api.webhooks import service
from api.webhooks.event_types import WebhookEventType
from api.webhooks.problems import (
    TooManyWebhookSubscriptions,
    WebhookAddressRefused,
    WebhookPausedByOthers,
    WebhookSubscriptionEnded,
)
from tests.cast import Town, assert_problem
from tests.machines import a_machine
from tests.webhooks.conftest import Subscribing
from tests.webhooks.receiver import Receiver

PATH = "/v1/webhook-subscriptions"
HOOK = "https://hooks.example.com/onegrid"


def _body(**told: Any) -> dict[str, Any]:
    return {"id": str(new_id()), "url": HOOK, "event_types": ["alert.opened"], **told}


@pytest.fixture
async def machine(town: Town) -> httpx.AsyncClient:
    return await a_machine(town, "webhooks:manage")


async def _kept(machine: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    answer = await machine.post(PATH, json=_body(**told))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_nobody_subscribes(town: Town):
    assert_problem(await town.nobody().post(PATH, json=_body()), NotSignedIn)
    assert_problem(await town.nobody().get(PATH), NotSignedIn)


async def test_a_worker_is_no_machine_and_a_machine_without_the_scope_is_refused(town: Town):
    assert_problem(await (await town.as_("gu")).get(PATH), NotSignedIn)
    other = await a_machine(town, "status:read")
    assert_problem(await other.get(PATH), ScopeMissing)
    assert_problem(await other.post(PATH, json=_body()), ScopeMissing)


async def test_the_neighbour_finds_nothing_of_a_subscription(
    town: Town, machine: httpx.AsyncClient
):
    kept = await _kept(machine)
    own = f"{PATH}/{kept['id']}"
    delivery = (await machine.post(f"{own}/test")).json()["id"]
    neighbour = await a_machine(town, "webhooks:manage")
    assert (await neighbour.get(PATH)).json()["items"] == []
    for method, path in (
        ("GET", own),
        ("DELETE", own),
        ("POST", f"{own}/test"),
        ("GET", f"{own}/deliveries"),
        ("GET", f"{own}/deliveries/{delivery}"),
        ("POST", f"{own}/deliveries/{delivery}/redrive"),
        ("POST", f"{own}/redrive?since=2022-02-15T00:00:00Z"),
    ):
        assert_problem(await neighbour.request(method, path), NotFound)
    assert_problem(await neighbour.post(f"{own}/rotate-secret", json={}), NotFound)
    change = {"json": {"active": False}, "headers": {"If-Match": '"1"'}}
    assert_problem(await neighbour.patch(own, **change), NotFound)
    taken = await neighbour.post(PATH, json=_body(id=kept["id"]))
    assert assert_problem(taken, RecordDiffers)["fields"] == []
    assert (await machine.get(own)).json()["active"]


async def test_a_secret_is_shown_once_and_never_stored_on_the_way(machine: httpx.AsyncClient):
    body = _body()
    first, second = await asyncio.gather(*(machine.post(PATH, json=body) for _ in range(2)))
    assert sorted([first.status_code, second.status_code]) == [200, 201]
    shown = [each.json()["secret"] for each in (first, second) if each.json()["secret"]]
    assert len(shown) == 1
    assert shown[0].startswith("whsec_")
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["location"] == f"{PATH}/{body['id']}"
    read = await machine.get(f"{PATH}/{body['id']}")
    assert "secret" not in read.json()
    assert shown[0] not in read.text
    changed = await machine.post(PATH, json=body | {"url": "https://other.example.com/"})
    assert assert_problem(changed, RecordDiffers)["fields"] == ["url"]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"event_types": []}, "/body/event_types"),
        ({"event_types": ["duties.changed"]}, "/body/event_types/0"),
        ({"url": 5}, "/body/url"),
        ({"id": "1"}, "/body/id"),
        ({"secret": "whsec_mine"}, "/body/secret"),
    ],
)
async def test_what_cannot_be_read_is_pointed_at(
    machine: httpx.AsyncClient, told: dict[str, Any], pointer: str
):
    problem = assert_problem(await machine.post(PATH, json=_body(**told)), InvalidInput)
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.1/", "https://169.254.169.254/latest", "ftp://hooks.example.com/", "'; DROP"],
)
async def test_an_address_that_is_not_public_is_refused_when_told_and_when_changed(
    machine: httpx.AsyncClient, url: str
):
    problem = assert_problem(await machine.post(PATH, json=_body(url=url)), WebhookAddressRefused)
    assert problem["errors"][0]["pointer"] == "/body/url"
    own = f"{PATH}/{(await _kept(machine))['id']}"
    changed = await machine.patch(own, json={"url": url}, headers={"If-Match": '"1"'})
    assert_problem(changed, WebhookAddressRefused)
    assert (await machine.get(own)).json()["url"] == HOOK


async def test_a_change_says_from_which_version_and_changes_what_it_names(
    machine: httpx.AsyncClient,
):
    own = f"{PATH}/{(await _kept(machine))['id']}"
    types = {"event_types": ["test.result", "alert.opened", "test.result"]}
    assert_problem(await machine.patch(own, json=types), VersionMissing)
    wrong = await machine.patch(own, json=types, headers={"If-Match": '"7"'})
    assert_problem(wrong, VersionMismatch)
    right = await machine.patch(own, json=types, headers={"If-Match": '"1"'})
    assert right.json()["event_types"] == ["alert.opened", "test.result"]
    assert (right.json()["url"], right.json()["version"]) == (HOOK, 2)
    nothing = await machine.patch(own, json={"url": None}, headers={"If-Match": '"2"'})
    assert_problem(nothing, InvalidInput)


async def test_one_that_was_ended_is_gone_and_its_id_is_used_up(machine: httpx.AsyncClient):
    body = _body()
    await machine.post(PATH, json=body)
    own = f"{PATH}/{body['id']}"
    assert (await machine.delete(own)).status_code == 204
    assert_problem(await machine.delete(own), NotFound)
    assert_problem(await machine.get(own), NotFound)
    assert (await machine.get(PATH)).json()["items"] == []
    assert_problem(await machine.post(PATH, json=body), WebhookSubscriptionEnded)


async def test_a_system_has_so_many_subscriptions_and_no_more(machine: httpx.AsyncClient):
    kept = [await _kept(machine) for _ in range(service.MOST_SUBSCRIPTIONS)]
    assert_problem(await machine.post(PATH, json=_body()), TooManyWebhookSubscriptions)
    assert (await machine.delete(f"{PATH}/{kept[0]['id']}")).status_code == 204
    await _kept(machine)
    first = (await machine.get(PATH, params={"limit": 15})).json()
    after = {"cursor": first["next_cursor"]}
    rest = (await machine.get(PATH, params=after)).json()
    assert len({each["id"] for each in first["items"] + rest["items"]}) == len(kept)


async def test_the_township_sees_pauses_and_resumes_and_each_side_ends_its_own_pause(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    subscription = await subscribed(receiver)
    gu, lin = await town.as_("gu"), await town.as_("lin")
    client = (await subscription.read())["client_id"]
    listed = f"/v1/machine-clients/{client}/webhook-subscriptions"
    assert_problem(await lin.get(listed), NotPermitted)
    assert_problem(await (await town.as_("bai")).get(listed), NotFound)
    assert_problem(await town.nobody().get(listed), NotSignedIn)
    [shown] = (await gu.get(listed)).json()["items"]
    assert shown["url"] == receiver.url
    assert "secret" not in shown
    own = f"{listed}/{shown['id']}"
    paused = await gu.post(f"{own}/pause", json={"reason": "对方系统整改"})
    assert paused.json()["paused_because"] == "township"
    assert_problem(await subscription.change(active=True), WebhookPausedByOthers)
    assert (await gu.post(f"{own}/resume")).json()["active"]
    assert (await subscription.change(active=False)).json()["paused_because"] == "client"
    assert_problem(await gu.post(f"{own}/resume"), WebhookPausedByOthers)
    assert (await subscription.change(active=True)).json()["active"]
    await subscription.machine.post(f"{subscription.path}/test")
    [ping] = (await gu.get(f"{own}/deliveries")).json()["items"]
    assert (ping["type"], ping["status"]) == ("ping", "pending")
    unknown = f"{listed}/{new_id()}"
    assert_problem(await gu.post(f"{unknown}/pause", json={"reason": "不存在"}), NotFound)
    assert_problem(await gu.get(f"{unknown}/deliveries"), NotFound)


async def test_what_was_done_is_on_record(town: Town, machine: httpx.AsyncClient):
    kept = await _kept(machine)
    own = f"{PATH}/{kept['id']}"
    await machine.post(f"{own}/rotate-secret", json={})
    await machine.delete(own)
    zhou = await town.as_("zhou")
    told = (await zhou.get("/v1/audit-entries", params={"subject_id": kept["id"]})).json()["items"]
    assert {each["action"] for each in told} == {
        "webhooks.subscribe",
        "webhooks.rotate",
        "webhooks.end",
    }


async def test_every_type_is_also_a_kind_of_the_live_events():
    assert set(WebhookEventType.labels()) <= set(EventKind.labels())
