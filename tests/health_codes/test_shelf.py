"""Systems beside the application: what they know, what they remember, and how they end."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import time_machine

from api.foundation.database import Database
from api.foundation.sealed import Keyring, new_key
from api.health_codes.answers import Answer, Asked, Trouble
from api.health_codes.asking import ask, recall
from api.health_codes.memory import Memory
from api.health_codes.shelf import HealthCodes, opened_systems, systems_beside
from api.health_records.models import CodeState
from api.settings import Settings
from tests.cast import OTHER_TOWNSHIP, TOWNSHIP, Town
from tests.health_codes.conftest import Province, a_system
from tests.health_codes.people import somebody

AT = datetime(2022, 2, 15, 8, tzinfo=UTC)


@pytest.fixture
async def house(town: Town, settings: Settings) -> AsyncGenerator[HealthCodes]:
    """Another process on the same database."""
    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value(), settings.keyring(), pool_size=1)
    await database.open()
    async with opened_systems(database) as house:
        assert systems_beside(database) is house
        yield house
    await database.close()


async def test_another_process_asks_the_same_systems_and_no_other_township_does(
    gu: httpx.AsyncClient, province: Province, house: HealthCodes
):
    code = await a_system(gu, province)
    assert (await ask(house.of(TOWNSHIP), code, somebody())).state is CodeState.green
    elsewhere = await ask(house.of(OTHER_TOWNSHIP), code, somebody())
    assert elsewhere.reason is Trouble.unknown_system


async def test_while_the_database_is_gone_what_was_known_last_serves(
    gu: httpx.AsyncClient, province: Province, house: HealthCodes
):
    code = await a_system(gu, province)
    systems = house.of(TOWNSHIP)
    assert (await ask(systems, code, somebody())).state is CodeState.green
    await house.database.close()
    systems.expect_change()
    assert (await ask(systems, code, somebody())).state is CodeState.green
    never_read = await ask(house.of(OTHER_TOWNSHIP), code, somebody())
    assert never_read.reason is Trouble.unread
    await house.database.open()


async def test_a_changed_system_is_asked_anew_and_what_was_under_way_ends(
    gu: httpx.AsyncClient, province: Province, house: HealthCodes
):
    code = await a_system(gu, province)
    systems, person = house.of(TOWNSHIP), somebody()
    await ask(systems, code, person)
    province.known.behave({"latency_ms": 1000})
    waiting = asyncio.create_task(ask(systems, code, somebody()))
    await asyncio.sleep(0.2)
    change = {"name": "改名"}
    address = f"/v1/health-code-systems/{code}"
    assert (await gu.patch(address, json=change, headers={"If-Match": '"1"'})).status_code == 200
    await systems.refresh()
    assert (await waiting).state is CodeState.unavailable
    assert recall(systems, code, person) is None


async def test_a_house_that_closes_leaves_nobody_waiting(
    gu: httpx.AsyncClient, province: Province, house: HealthCodes
):
    code = await a_system(gu, province)
    province.known.behave({"outage": "hang"})
    waiting = asyncio.create_task(ask(house.of(TOWNSHIP), code, somebody()))
    await asyncio.sleep(0.3)
    await house.close()
    assert (await waiting).state is CodeState.unavailable


async def test_after_its_validity_an_answer_is_forgotten(
    gu: httpx.AsyncClient, province: Province, house: HealthCodes
):
    code = await a_system(gu, province, "national", validity_minutes=5)
    systems, person = house.of(TOWNSHIP), somebody()
    with time_machine.travel(AT, tick=False) as clock:
        answer = await ask(systems, code, person)
        assert answer.asked_again_at == AT + timedelta(minutes=5)
        clock.shift(timedelta(minutes=4, seconds=59))
        assert recall(systems, code, person) == answer
        clock.shift(timedelta(seconds=1))
        assert recall(systems, code, person) is None


def _answer(state: CodeState, minutes: int) -> Answer:
    return Answer(
        state=state,
        system="gate",
        state_changed_at=None,
        fetched_at=AT,
        valid_until=None,
        asked_again_at=AT + timedelta(minutes=minutes),
        reason=None,
        extra={},
    )


@pytest.fixture
def memory() -> Memory:
    return Memory(Keyring.parse(f"a:{new_key()}", new_key()), most=3)


def test_what_says_nothing_or_is_over_is_not_remembered(memory: Memory):
    for answer in (_answer(CodeState.unavailable, 5), _answer(CodeState.green, 0)):
        memory.keep(b"key", answer)
        assert memory.recall(b"key", at=AT) is None
    assert len(memory) == 0


def test_the_one_that_was_not_needed_longest_goes_first(memory: Memory):
    for key in (b"1", b"2", b"3"):
        memory.keep(key, _answer(CodeState.green, 5))
    assert memory.recall(b"1", at=AT)
    memory.keep(b"4", _answer(CodeState.green, 5))
    assert memory.recall(b"2", at=AT) is None
    assert all(memory.recall(key, at=AT) for key in (b"1", b"3", b"4"))


def test_a_key_tells_nothing_and_each_member_counts(memory: Memory):
    people = [
        somebody(),
        Asked(name="甲乙", phone="13900000000"),
        Asked(name="甲", phone="13900000000"),
        Asked(name="13900000000"),
        Asked(phone="13900000000"),
        Asked(shown="13900000000"),
    ]
    keys = [memory.key_of(person) for person in people]
    assert len(set(keys)) == len(people)
    assert {len(key) for key in keys} == {32}
    assert "13900000000" not in repr(people)
