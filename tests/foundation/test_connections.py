"""Connections that are shared: one at a time each, never with something left open on them."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from api.foundation.connections import Connection, Connections
from api.foundation.embedded import Addresses

_WHO = "SELECT pg_backend_pid()"


@pytest.fixture
async def two(addresses: Addresses) -> AsyncGenerator[Connections]:
    async def connect() -> Connection:
        return await asyncpg.connect(addresses.service)

    connections = Connections(connect, most=2, patience_seconds=0.5)
    await connections.open()
    yield connections
    await connections.close()


async def _pid(connections: Connections) -> int:
    async with connections.taken() as connection:
        return await connection.fetchval(_WHO)


async def test_one_is_kept_open_for_whoever_comes_next(two: Connections):
    assert await _pid(two) == await _pid(two)


async def test_whoever_comes_when_all_are_taken_waits_for_their_turn(two: Connections):
    first, second = await two.take(), await two.take()
    third = asyncio.create_task(two.take())
    await asyncio.sleep(0.05)
    assert not third.done()
    two.give_back(second)
    assert await third is second
    two.give_back(first)
    two.give_back(second)


async def test_whoever_waits_too_long_is_told_and_takes_no_place(two: Connections):
    first, second = await two.take(), await two.take()
    with pytest.raises(TimeoutError):
        await two.take()
    two.give_back(first)
    assert await two.take() is first
    two.give_back(first)
    two.give_back(second)


async def test_a_refused_statement_leaves_the_connection_sound(two: Connections):
    before = await _pid(two)
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with two.taken() as connection:
            await connection.execute("SELECT 1 / 0")
    assert await _pid(two) == before


async def test_an_open_transaction_is_handed_to_nobody(two: Connections):
    async with two.taken() as connection:
        before = await connection.fetchval(_WHO)
        await connection.execute("BEGIN")
    assert await _pid(two) != before


async def test_what_was_broken_off_is_handed_to_nobody_and_keeps_no_place(two: Connections):
    async def sleep() -> None:
        async with two.taken() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    for _ in range(3):
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await _pid(two)


async def test_one_that_the_server_closed_is_replaced(two: Connections):
    async with two.taken() as first, two.taken() as second:
        before = await first.fetchval(_WHO)
        assert await second.fetchval("SELECT pg_terminate_backend($1, 5000)", before)
    await asyncio.sleep(0.05)
    assert await _pid(two) != before


async def test_who_finds_no_server_takes_no_place():
    refused = Connections(_refused, most=1, patience_seconds=0.5)
    with pytest.raises(ConnectionRefusedError):
        await refused.open()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await refused.take()


async def _refused() -> Connection:
    raise ConnectionRefusedError


async def test_what_is_closed_opens_nothing_and_what_was_out_is_closed_when_it_comes_back(
    two: Connections,
):
    out = await two.take()
    await two.close()
    two.give_back(out)
    assert out.is_closed()
    with pytest.raises(asyncpg.InterfaceError):
        await two.take()
    await two.open()
    assert await _pid(two)
