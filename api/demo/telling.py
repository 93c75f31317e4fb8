"""Tells the service records over HTTP, many at once, and holds it to having kept every one."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from api.alerts.models import AlertVerb
from api.demo.bodies import Body
from api.demo.progress import Report
from api.demo.sign_ins import SignIn

_MANY = ("/batch", "/rounds")
_AT_ONCE = 3  # one being checked, one being written, one on the way


class LoadRefused(RuntimeError):
    """The service did not keep a record of the demonstration; holds its problem as it was told."""


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client that reaches an open app without a socket."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://onegrid")


async def signed_in(client: httpx.AsyncClient, account: SignIn) -> dict[str, Any] | None:
    """What sign-in answers: tokens and the post; None while there is no such account."""
    said = {"login": account.account, "password": account.password, "device": "演示"}
    response = await client.post("/v1/sign-in", json=said)
    return response.json() if response.is_success else None


class Teller:
    """Speaks with the service as one account, and reports how far it is."""

    def __init__(self, client: httpx.AsyncClient, answer: dict[str, Any], report: Report) -> None:
        self.client = client
        self.root: str = answer["post"]["grid_id"]
        self._headers = {"Authorization": f"Bearer {answer['access_token']}"}
        self.report = report
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def read(self, path: str) -> dict[str, Any]:
        return _held(await self.client.get(path, headers=self._headers))

    async def _has(self, path: str) -> bool:
        return (await self.client.get(path, headers=self._headers)).is_success

    async def tell(self, path: str, body: Body, *, known: int | None = None) -> dict[str, Any]:
        """One record; the status `known` says that it was told before and is no news."""
        response = await self.client.post(path, json=body, headers=self._headers)
        return {} if response.status_code == known else _held(response)

    async def put(self, path: str, body: Body) -> None:
        _held(await self.client.put(path, json=body, headers=self._headers))

    async def change(self, path: str, body: Body, *, version: int, verb: str = "") -> None:
        """Put a record right as it stood in a version, or let a verb be done to it."""
        headers = {**self._headers, "If-Match": f'"{version}"'}
        method = "POST" if verb else "PATCH"
        _held(await self.client.request(method, path + verb, json=body, headers=headers))

    async def keep(self, path: str, body: Body) -> None:
        """One record or one batch, each of whose items must be kept."""
        _kept_whole(path, await self.tell(path, body))

    async def answer(self, alert: UUID, verb: AlertVerb, note: str | None = None) -> None:
        """One step of an alert; taken before by the same person it is no news."""
        await self.tell(f"/v1/alerts/{alert}/{verb}", {} if note is None else {"note": note})

    async def tell_each(self, stage: str, told: Sequence[tuple[str, Body]]) -> None:
        """Records that have no batch, by their paths, one after another."""
        for done, (path, body) in enumerate(told, start=1):
            await self.keep(path, body)
            self.report(stage, done, len(told))

    async def tell_batches(
        self, stage: str, path: str, told: Sequence[Body], *, size: int = 500
    ) -> None:
        """Records by the batch, several at a time; raises `LoadRefused` for the first refused.

        A batch is kept in one transaction, so one whose first record is there was told before.
        """
        done = 0

        async def batch(part: Sequence[Body]) -> None:
            nonlocal done
            async with self._turn:
                if not await self._has(path.removesuffix("batch") + part[0]["id"]):
                    _kept_whole(path, await self.tell(path, {"items": part}))
            done += len(part)
            self.report(stage, done, len(told))

        try:
            async with asyncio.TaskGroup() as group:
                for start in range(0, len(told), size):
                    group.create_task(batch(told[start : start + size]))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None


def _kept_whole(path: str, answer: dict[str, Any]) -> None:
    many = path.endswith(_MANY)
    refused = [each for each in answer["items"] if each["outcome"] == "refused"] if many else ()
    if refused:
        raise LoadRefused(f"{path}: {refused[0]}")


def _held(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise LoadRefused(f"{response.request.url.path} {response.status_code}: {response.text}")
    return response.json() if response.content else {}
