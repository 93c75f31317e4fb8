"""What is owed is done together, soon, and before whoever asks next; if it fails, by its job."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from api.foundation import afterwards
from api.foundation.afterwards import Afterwards
from api.foundation.records import new_id

Call = tuple[str, str, list[UUID]]
ONE, OTHER = "451422203", "451422204"


class Cells:
    """Keeps what is sent to it, once it is `free`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, cell: str, function: str, ids: Sequence[UUID]) -> None:
        await self.free.wait()
        if function == "fails":
            raise ConnectionRefusedError
        self.calls.append((cell, function, list(ids)))


async def _at_once(asked: Awaitable[Any]) -> None:
    async with asyncio.timeout(5):
        await asked


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afterwards, "_GATHER_SECONDS", 60)


async def test_what_is_owed_within_a_moment_is_done_together_and_by_itself(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(afterwards, "_GATHER_SECONDS", 0.01)
    cells, ids = Cells(), [new_id() for _ in range(3)]
    after = Afterwards(cells.send)
    for each in ids:
        after.owe(ONE, "tell", [each])
    await asyncio.sleep(0.1)
    assert cells.calls == [(ONE, "tell", ids)]


@pytest.mark.usefixtures("patient")
async def test_whoever_asks_need_not_wait_for_the_moment_to_end():
    cells, first, second = Cells(), new_id(), new_id()
    after = Afterwards(cells.send)
    await after.done()
    after.owe(ONE, "tell", [first])
    after.owe(OTHER, "tell", [second])
    after.owe(ONE, "count", [])
    await _at_once(after.done())
    assert cells.calls == [(ONE, "tell", [first]), (OTHER, "tell", [second]), (ONE, "count", [])]


@pytest.mark.usefixtures("patient")
async def test_what_is_owed_while_some_is_being_done_is_done_as_well():
    cells, first, second = Cells(), new_id(), new_id()
    after = Afterwards(cells.send)
    cells.free.clear()
    after.owe(ONE, "tell", [first])
    asking = asyncio.create_task(after.done())
    await asyncio.sleep(0.01)
    after.owe(ONE, "tell", [second])
    asking_too = asyncio.create_task(after.done())
    await asyncio.sleep(0.01)
    cells.free.set()
    await _at_once(asyncio.gather(asking, asking_too))
    assert sorted(cells.calls) == sorted([(ONE, "tell", [first]), (ONE, "tell", [second])])


@pytest.mark.usefixtures("patient")
async def test_what_fails_is_told_to_the_operator_once_and_the_rest_is_done():
    cells, mine = Cells(), new_id()
    after = Afterwards(cells.send)
    with capture_logs() as lines:
        for _ in range(2):
            after.owe(ONE, "fails", [new_id()])
            after.owe(ONE, "tell", [mine])
            await _at_once(after.done())
    assert cells.calls == [(ONE, "tell", [mine])] * 2
    [line] = lines
    assert (line["event"], line["does"]) == ("left_to_its_job", "fails")


async def test_what_takes_long_is_waited_for_no_longer_than_a_moment(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(afterwards, "_PATIENCE_SECONDS", 0.01)
    cells, mine = Cells(), new_id()
    after = Afterwards(cells.send)
    cells.free.clear()
    after.owe(ONE, "tell", [mine])
    await _at_once(after.done())
    assert cells.calls == []
    cells.free.set()
    await _at_once(after.done())
    assert cells.calls == [(ONE, "tell", [mine])]
