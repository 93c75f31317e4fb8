"""Other systems in the tests: let in by the township, with tokens as their own libraries ask."""

from datetime import timedelta
from typing import Any

import httpx

from api.foundation import clock
from api.foundation.records import new_id
from tests.cast import Town, grid_id


def client_body(*scopes: str, grid: str = "t", **told: Any) -> dict[str, Any]:
    """The body that registers a client with a secret."""
    return {
        "id": str(new_id()),
        "name": "县疾控中心推送",
        "grid_id": str(grid_id(grid)),
        "scopes": list(scopes),
        "expires_at": (clock.now() + timedelta(days=90)).isoformat(),
        "proof": "secret",
        **told,
    }


async def a_client(town: Town, *scopes: str, grid: str = "t", **told: Any) -> dict[str, Any]:
    """A client as it was registered, with its secret."""
    gu = await town.as_("gu")
    answer = await gu.post("/v1/machine-clients", json=client_body(*scopes, grid=grid, **told))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ask_token(town: Town, client: dict[str, Any], **form: str) -> httpx.Response:
    """Ask for a token with the client's id and secret in the form; `form` says otherwise."""
    told = {
        "grant_type": "client_credentials",
        "client_id": client["id"],
        "client_secret": client["secret"] or "",
        **form,
    }
    return await town.nobody().post("/v1/oauth/token", data={k: v for k, v in told.items() if v})


async def a_machine(town: Town, *scopes: str, grid: str = "t") -> httpx.AsyncClient:
    """The HTTP client of a system that is let in with these scopes."""
    client = await a_client(town, *scopes, grid=grid)
    answer = await ask_token(town, client)
    assert answer.status_code == 200, answer.text
    return town.client(answer.json()["access_token"])
