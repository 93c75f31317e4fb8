"""An address that says how long it wants to be left alone is, and not longer."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from api.foundation import clock
from api.webhooks import backoff, sending
from tests.builders import a_quarantine
from tests.cast import Town
from tests.webhooks.conftest import Subscribing, until
from tests.webhooks.receiver import Receiver


@pytest.mark.usefixtures("post_office")
@pytest.mark.parametrize("status", [429, 503])
async def test_who_asks_to_be_left_alone_for_a_while_is_and_a_hand_may_be_sooner(
    town: Town, receiver: Receiver, subscribed: Subscribing, status: int
):
    busy = threading.Event()
    busy.set()
    receiver.judge = lambda _: status if busy.is_set() else 200
    receiver.headers = {"retry-after": "600"}
    subscription = await subscribed(receiver)
    lin = await town.as_("lin")
    begun = {(await a_quarantine(lin))["id"]}
    asked = clock.now()

    async def rests() -> bool:
        return (await subscription.read())["rest_until"] is not None

    await until(rests)
    begun |= {(await a_quarantine(lin))["id"] for _ in range(3)}
    await asyncio.sleep(1)
    assert len(receiver.heard) == 1
    until_when = datetime.fromisoformat((await subscription.read())["rest_until"])
    assert timedelta(minutes=9) < until_when - asked < timedelta(minutes=11)
    busy.clear()
    again = await subscription.machine.post(
        f"{subscription.path}/redrive", params={"since": (asked - timedelta(hours=1)).isoformat()}
    )
    assert again.status_code == 202, again.text
    await until(lambda: {each.subject for each in receiver.heard} == begun)


@pytest.mark.usefixtures("post_office")
async def test_who_asks_for_a_moment_is_sent_the_rest_right_after_it(
    town: Town, receiver: Receiver, subscribed: Subscribing, monkeypatch: pytest.MonkeyPatch
):
    asked = threading.Event()
    receiver.judge = lambda _: 200 if asked.is_set() else (asked.set(), 429)[1]
    receiver.headers = {"retry-after": "1"}
    monkeypatch.setattr(sending, "LOOK_AGAIN_SECONDS", 60.0)
    await subscribed(receiver)
    begun = (await a_quarantine(await town.as_("lin")))["id"]
    async with asyncio.timeout(20):
        await until(lambda: receiver.of(begun) == ["quarantine.started"] * 2)


def test_how_long_an_address_asks_to_be_left_alone():
    at = datetime(2022, 2, 15, 1, 0, tzinfo=UTC)
    asked = {
        "120": timedelta(minutes=2),
        "Tue, 15 Feb 2022 01:00:30 GMT": timedelta(seconds=30),
        "Tue, 15 Feb 2022 00:00:00 GMT": timedelta(),
        "99999999999999999999": backoff.LONGEST_ASKED,
        "soon": None,
        "-5": None,
    }
    assert {told: backoff.asked_for(503, told, at) for told in asked} == asked
    assert backoff.asked_for(429, "7", at) == timedelta(seconds=7)
    assert backoff.asked_for(500, "7", at) is None
    assert backoff.asked_for(503, None, at) is None
