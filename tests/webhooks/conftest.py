"""A township whose operator lets events be sent to this machine, and what is sent from it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from api.foundation.embedded import Addresses
from api.foundation.records import new_id
from api.settings import Settings
from api.webhooks import backoff, sending
from api.webhooks.addresses import fence_of
from tests.cast import Town
from tests.machines import a_machine
from tests.webhooks.receiver import Receiver

ALL = ["quarantine.started", "quarantine.changed", "quarantine.released"]
SCOPES = ("webhooks:manage", "status:read", "persons:identify")


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    loopback = (ip_network("127.0.0.0/8"),)
    told = {"webhook_private_addresses": loopback, "webhook_plain_http": True}
    return settings.model_copy(update=told)


@pytest.fixture
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_PAUSE", timedelta(milliseconds=20))
    monkeypatch.setattr(backoff, "LONGEST_REST", timedelta(milliseconds=200))
    monkeypatch.setattr(sending, "LOOK_AGAIN_SECONDS", 0.1)


@pytest.fixture
async def post_office(
    town: Town, addresses: Addresses, settings: Settings, no_long_pauses: None
) -> AsyncGenerator[None]:
    """What `onegrid worker` does of it, for as long as the test lasts."""
    async with sending.sending(town.database, addresses.service, fence_of(settings)):
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@dataclass
class Subscribed:
    """A machine client and one of its subscriptions."""

    machine: httpx.AsyncClient
    told: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/webhook-subscriptions/{self.told['id']}"

    async def read(self) -> dict[str, Any]:
        answer = await self.machine.get(self.path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def deliveries(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.machine.get(f"{self.path}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def change(self, **change: Any) -> httpx.Response:
        version = {"If-Match": f'"{(await self.read())["version"]}"'}
        return await self.machine.patch(self.path, json=change, headers=version)


Subscribing = Callable[..., Awaitable[Subscribed]]


@pytest.fixture
def subscribed(town: Town) -> Subscribing:
    """`await subscribed(receiver, "alert.opened")` is a new client's subscription to it."""

    async def subscribed(
        receiver: Receiver, *types: str, grid: str = "t", scopes: tuple[str, ...] = SCOPES
    ) -> Subscribed:
        machine = await a_machine(town, *scopes, grid=grid)
        body = {"id": str(new_id()), "url": receiver.url, "event_types": types or ALL}
        answer = await machine.post("/v1/webhook-subscriptions", json=body)
        assert answer.status_code == 201, answer.text
        receiver.secrets.append(answer.json()["secret"])
        return Subscribed(machine, answer.json())

    return subscribed


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            told = condition()
            if told if isinstance(told, bool) else await told:
                return
            await asyncio.sleep(0.02)
