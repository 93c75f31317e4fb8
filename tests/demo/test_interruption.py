"""A load that is interrupted is taken up again, and nothing is there twice."""

from typing import Any

import pytest

from api.demo.load import load_township
from api.demo.sign_ins import ADMINISTRATOR
from api.demo.telling import LoadRefused
from api.settings import Settings
from tests.cast import Town
from tests.demo.callers import found_cell

CELL = "451422209"


@pytest.fixture
async def cell(town: Town, settings: Settings) -> None:
    await found_cell(settings, CELL)


class PowerCut(Exception):
    """Somebody pulls the plug."""


class Interrupted:
    """A report that fails when so much of a stage is done; it remembers how far the stages came."""

    def __init__(self, stage: str | None = None, part: float = 0) -> None:
        self.stage = stage
        self.part = part
        self.totals: dict[str, int] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.totals[stage] = total
        if stage == self.stage and done >= self.part * total:
            raise PowerCut


async def test_without_an_administrator_nothing_is_loaded(town: Town):
    with pytest.raises(LoadRefused, match=ADMINISTRATOR.account):
        await load_township(town.app, Interrupted(), villages=2)


async def test_a_load_goes_on_where_it_was_interrupted(town: Town, cell: None):
    for stage in ("网格", "任职", "户和居民", "登录账号"):
        with pytest.raises(PowerCut):
            await load_township(town.app, Interrupted(stage), villages=2)
    for part in (0.3, 0.9):
        with pytest.raises(PowerCut):
            await load_township(town.app, Interrupted("每日工作", part), villages=2)
    for stage in ("走访", "户代表账号"):
        with pytest.raises(PowerCut):
            await load_township(town.app, Interrupted(stage), villages=2)
    assert not await load_township(town.app, Interrupted(), villages=2)
    coverage = await _read(town, "/v1/coverage")
    assert coverage["grids"][0]["households"] == 593
    gaps = await _read(town, "/v1/quarantines/team-gaps")
    assert (gaps["running"], gaps["incomplete"]) == (22, 1)


async def _read(town: Town, path: str) -> dict[str, Any]:
    said = {"login": ADMINISTRATOR.account, "password": ADMINISTRATOR.password}
    answer = (await town.nobody().post("/v1/sign-in", json=said)).json()
    async with town.client(answer["access_token"]) as client:
        return (await client.get(path)).json()
