"""The demonstration's other systems are let in by the printed secrets, which are kept privately."""

import stat
from pathlib import Path

import httpx
import pytest

from api.demo.clients import SCREEN, SYSTEMS, Credential, LetIn, Secrets, let_in
from api.demo.sign_ins import ADMINISTRATOR
from api.settings import Settings
from tests.cast import Town
from tests.demo.callers import found_cell

CELL = "451422209"


def _unheard(stage: str, done: int, total: int) -> None: ...


@pytest.fixture(scope="module")
async def cell(town: Town, settings: Settings) -> None:
    await found_cell(settings, CELL)


@pytest.fixture
def place(cell: None, tmp_path: Path) -> Path:
    return tmp_path / "machine-clients"


async def _token(client: httpx.AsyncClient, each: Credential) -> httpx.Response:
    asked = {"grant_type": "client_credentials"}
    return await client.post("/v1/oauth/token", data=asked, auth=(str(each.client_id), each.secret))


def _mode(place: Path) -> int:
    return stat.S_IMODE(place.stat().st_mode)


async def _let_in(town: Town, place: Path) -> LetIn:
    return await let_in(town.app, Secrets(place), _unheard)


async def test_every_system_is_let_in_with_what_it_may_do(town: Town, place: Path):
    others = await _let_in(town, place)
    assert [each.system for each in others.credentials] == list(SYSTEMS)
    assert _mode(place) == 0o600
    for each in others.credentials:
        answer = await _token(town.nobody(), each)
        assert set(answer.json()["scope"].split()) == set(each.system.scopes)
    assert await _let_in(town, place) == others


async def test_a_secret_that_was_lost_is_made_anew(town: Town, place: Path):
    before = await _let_in(town, place)
    after = await _let_in(town, place.with_name("another"))
    for old, new in zip(before.credentials, after.credentials, strict=True):
        assert old.client_id == new.client_id
        assert (await _token(town.nobody(), old)).status_code == 401
        assert (await _token(town.nobody(), new)).status_code == 200


async def test_the_screen_s_subscription_rests_until_its_owner_lets_it_go_on(
    town: Town, place: Path
):
    others = await _let_in(town, place)
    (screen,) = [each for each in others.credentials if each.system is SCREEN]
    token = (await _token(town.nobody(), screen)).json()["access_token"]
    async with town.client(token) as client:
        (kept,) = (await client.get("/v1/webhook-subscriptions")).json()["items"]
        assert (kept["active"], kept["paused_because"]) == (False, "client")
        path, matching = (
            f"/v1/webhook-subscriptions/{kept['id']}",
            {"If-Match": f'"{kept["version"]}"'},
        )
        await client.patch(path, json={"active": True}, headers=matching)
        await _let_in(town, place)
        assert (await client.get(path)).json()["active"]


async def test_whom_the_township_disabled_stays_out(town: Town, place: Path):
    others = await _let_in(town, place)
    said = {"login": ADMINISTRATOR.account, "password": ADMINISTRATOR.password}
    answer = (await town.nobody().post("/v1/sign-in", json=said)).json()
    path = f"/v1/machine-clients/{others.credentials[-1].client_id}/disable"
    async with town.client(answer["access_token"]) as client:
        assert (await client.post(path, json={"reason": "不再对接"})).status_code == 200
    left = await _let_in(town, place.with_name("another"))
    assert [each.system for each in left.credentials] == list(SYSTEMS[:-1])
