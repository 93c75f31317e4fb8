"""A system that keeps failing is left alone, and taken up again by one who tries."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.health_codes.answers import Trouble
from api.health_codes.asking import ask
from api.health_codes.breaker import Breaker, Circuit
from api.health_codes.shelf import Systems
from api.health_records.models import CodeState
from tests.health_codes.conftest import Province, a_system
from tests.health_codes.people import somebody


class Clockwork:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_opens_after_failures_in_a_row_and_not_before():
    breaker = Breaker(3, 30, Clockwork())
    for _ in range(2):
        assert breaker.admits()
        breaker.failed()
    breaker.succeeded()
    for _ in range(3):
        assert breaker.circuit is Circuit.closed
        assert breaker.admits()
        breaker.failed()
    assert breaker.circuit is Circuit.open
    assert not breaker.admits()


def test_after_its_time_one_may_try_and_decides():
    clock = Clockwork()
    breaker = Breaker(1, 30, clock)
    breaker.failed()
    clock.seconds += 29.9
    assert not breaker.admits()
    clock.seconds += 0.2
    assert breaker.circuit is Circuit.half_open
    assert breaker.admits()
    assert not breaker.admits()
    breaker.failed()
    assert breaker.circuit is Circuit.open
    clock.seconds += 31
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.circuit is Circuit.closed


def test_one_who_tried_and_learnt_nothing_lets_the_next_try():
    clock = Clockwork()
    breaker = Breaker(1, 30, clock)
    breaker.failed()
    clock.seconds += 31
    assert breaker.admits()
    breaker.unknown()
    assert breaker.admits()


_EVENTS = st.lists(st.sampled_from(["admit", "succeed", "fail", "unknown", "wait"]), max_size=60)


@given(_EVENTS)
def test_whatever_happens_an_open_circuit_admits_one_at_a_time_and_never_stays_open(
    events: list[str],
):
    clock = Clockwork()
    breaker = Breaker(3, 10, clock)
    trying = 0
    for event in events:
        if event == "admit":
            half_open = breaker.circuit is Circuit.half_open
            admitted = breaker.admits()
            assert not (admitted and breaker.circuit is Circuit.open)
            trying = trying + 1 if admitted and half_open else trying
            assert trying <= 1
        elif event == "wait":
            clock.seconds += 4
        else:
            {"succeed": breaker.succeeded, "fail": breaker.failed, "unknown": breaker.unknown}[
                event
            ]()
            trying = 0
    breaker.unknown()
    clock.seconds += 11
    assert breaker.admits()


async def _state(gu: httpx.AsyncClient, code: str) -> dict[str, Any]:
    response = await gu.get(f"/v1/health-code-systems/{code}/state")
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_system_that_is_down_is_not_asked_until_it_may_have_recovered(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(
        gu, province, attempts=1, failures=3, open_seconds=0.4, answer_seconds=0.1
    )
    province.known.behave({"outage": "hang"})
    for _ in range(3):
        assert (await ask(systems, code, somebody())).reason is Trouble.timed_out
    assert (await ask(systems, code, somebody())).reason is Trouble.circuit_open
    told = await _state(gu, code)
    assert (told["circuit"], told["usable"], told["last_trouble"]) == ("open", True, "timed_out")
    assert 0 < told["retry_in_seconds"] <= 0.4
    assert told["last_answer_at"] is None

    await asyncio.sleep(0.5)
    assert (await _state(gu, code))["circuit"] == "half_open"
    assert (await ask(systems, code, somebody())).reason is Trouble.timed_out
    assert (await _state(gu, code))["circuit"] == "open"

    province.known.behave({"outage": None})
    await asyncio.sleep(0.5)
    assert (await ask(systems, code, somebody())).state is CodeState.green
    told = await _state(gu, code)
    assert (told["circuit"], told["answered"], told["in_trouble"]) == ("closed", 1, 4)
    assert told["last_answer_at"] is not None


async def test_of_many_who_wait_at_a_system_that_went_down_the_rest_are_told_at_once(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(
        gu, province, attempts=1, failures=2, at_once=2, answer_seconds=0.2, per_second=1000
    )
    province.known.behave({"outage": "hang"})
    began = time.monotonic()
    answers = await asyncio.gather(*(ask(systems, code, somebody()) for _ in range(60)))
    reasons = [answer.reason for answer in answers]
    assert set(reasons) == {Trouble.timed_out, Trouble.circuit_open}
    assert 2 <= reasons.count(Trouble.timed_out) <= 3  # the second may still be waited for
    assert time.monotonic() - began < 30  # and not sixty times what one waits


@pytest.mark.parametrize("conduct", [{"wrong_signatures": True}, {"error_rate": 1.0}])
async def test_a_system_that_refuses_everybody_is_left_alone_too(
    gu: httpx.AsyncClient, province: Province, systems: Systems, conduct: dict[str, Any]
):
    code = await a_system(gu, province, attempts=1, failures=2)
    province.known.behave(conduct)
    for _ in range(2):
        await ask(systems, code, somebody())
    assert (await ask(systems, code, somebody())).reason is Trouble.circuit_open


async def test_one_system_that_is_down_does_not_keep_another_from_answering(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    down = await a_system(gu, province, attempts=1, answer_seconds=5)
    change = {"base_url": "http://127.0.0.1:9", "enabled": True}
    address = f"/v1/health-code-systems/{down}"
    assert (await gu.patch(address, json=change, headers={"If-Match": '"1"'})).status_code == 200
    up = await a_system(gu, province, "national")
    bad, good = await asyncio.gather(ask(systems, down, somebody()), ask(systems, up, somebody()))
    assert (bad.state, good.state) == (CodeState.unavailable, CodeState.green)
