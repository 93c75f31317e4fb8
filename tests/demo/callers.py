"""A cell for the demonstration, and its own people as they sign in with the printed passwords."""

from typing import Any

import httpx

from api import operations
from api.demo.names import TOWNSHIP
from api.demo.sign_ins import ADMINISTRATOR, SIGN_INS
from api.settings import Settings
from tests.cast import Town

ACCOUNTS = {account.account: account for account in SIGN_INS}


async def found_cell(settings: Settings, code: str) -> None:
    """An empty township with its administrator, as `onegrid demo` makes it before the load."""
    await operations.operator_of(settings).create_cell(code, TOWNSHIP)
    async with operations.owner_database(settings) as database:
        await operations.create_township(database, code, TOWNSHIP)
        await operations.create_administrator(
            database,
            code,
            account=ADMINISTRATOR.account,
            name=ADMINISTRATOR.who,
            password=operations.Password(ADMINISTRATOR.password),
        )


class Callers:
    """Clients of the demonstration's own people, signed in with the printed passwords."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._open: dict[str, httpx.AsyncClient] = {}

    async def as_(self, account: str) -> httpx.AsyncClient:
        if account not in self._open:
            said = {"login": account, "password": ACCOUNTS[account].password}
            answer = (await self._town.nobody().post("/v1/sign-in", json=said)).json()
            self._open[account] = self._town.client(answer["access_token"])
        return self._open[account]

    async def read(self, account: str, path: str, **query: Any) -> dict[str, Any]:
        response = await (await self.as_(account)).get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    async def all_(self, account: str, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every page of a list."""
        page = await self.read(account, path, limit=200, **query)
        items = page["items"]
        while page["next_cursor"]:
            page = await self.read(account, path, limit=200, cursor=page["next_cursor"], **query)
            items += page["items"]
        return items

    async def close(self) -> None:
        for client in self._open.values():
            await client.aclose()
