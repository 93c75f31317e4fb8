"""At least once and in order, whatever the other side does, and nobody waits for somebody else."""

import asyncio
import threading
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from api.foundation import clock, jobs
from api.foundation.database import Entry
from api.foundation.embedded import Addresses
from api.foundation.live import tell
from api.foundation.records import new_id
from api.live import retention
from api.settings import Settings
from api.webhooks import backoff, courier, deliveries, fan_out, sending
from api.webhooks import retention as own_retention
from api.webhooks.addresses import fence_of
from tests.builders import a_quarantine
from tests.cast import TOWNSHIP, Town
from tests.webhooks.conftest import Subscribing, until
from tests.webhooks.receiver import Message, Receiver

HOUSE = Entry.for_the_house(TOWNSHIP)


async def _change(town: Town, quarantine: str, times: int = 1) -> None:
    lin = await town.as_("lin")
    for _ in range(times):
        version = (await lin.get(f"/v1/quarantines/{quarantine}")).headers["etag"]
        body = {"reason": "close_contact", "change_reason": "核实"}
        path = f"/v1/quarantines/{quarantine}"
        answer = await lin.patch(path, json=body, headers={"If-Match": version})
        assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("post_office")
async def test_what_fails_holds_up_later_events_of_its_subject_and_no_others(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    subscription = await subscribed(receiver)
    lin = await town.as_("lin")
    ill = (await a_quarantine(lin))["id"]
    await until(lambda: receiver.of(ill) == ["quarantine.started"])
    mended = threading.Event()
    receiver.judge = lambda it: 200 if it.subject != ill or mended.is_set() else 500
    await _change(town, ill, 3)
    others = [(await a_quarantine(lin))["id"] for _ in range(3)]
    await until(lambda: set(others) <= {each.subject for each in receiver.heard})
    await until(lambda: len({each.id for each in receiver.heard if each.subject == ill}) == 2)
    mended.set()
    await until(lambda: len({each.id for each in receiver.heard if each.subject == ill}) == 4)
    first: dict[str, Message] = {}
    for each in receiver.heard:
        if each.subject == ill:
            first.setdefault(each.id, each)
    versions = [each.data["version"] for each in first.values()]
    assert versions == sorted(versions)
    delivered = await subscription.deliveries(subject_id=ill, status="delivered")
    [failed_before] = [each for each in delivered if each["attempts"] > 1]
    shown = await subscription.machine.get(f"{subscription.path}/deliveries/{failed_before['id']}")
    attempts = shown.json()["attempted"]
    assert [each["failure"] for each in attempts] == [None, *["status"] * (len(attempts) - 1)]
    assert {each["status_code"] for each in attempts} == {200, 500}
    assert failed_before["webhook_id"] in first


@pytest.mark.usefixtures("post_office")
async def test_a_slow_address_delays_no_other(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    over = threading.Event()

    def slowly(_: Message) -> int:
        over.wait(30)
        return 200

    with Receiver(judge=slowly) as slow:
        await subscribed(slow)
        await subscribed(receiver)
        lin = await town.as_("lin")
        begun = [(await a_quarantine(lin))["id"] for _ in range(5)]
        await until(lambda: {each.subject for each in receiver.heard} == set(begun))
        assert slow.heard == []
        over.set()
        await until(lambda: {each.subject for each in slow.heard} == set(begun))


@pytest.mark.usefixtures("post_office")
async def test_who_does_not_answer_in_time_is_asked_again(
    town: Town, receiver: Receiver, subscribed: Subscribing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(courier, "TIMEOUT_SECONDS", 0.3)
    subscription = await subscribed(receiver)
    waited = threading.Event()
    receiver.judge = lambda _: 200 if waited.is_set() else (waited.wait(1), 200)[1]
    await a_quarantine(await town.as_("lin"))

    async def failed() -> bool:
        listed = await subscription.deliveries(status="pending")
        return bool(listed) and listed[0]["attempts"] > 0

    await until(failed)
    waited.set()
    await until(lambda: len(receiver.heard) > 0)

    async def delivered() -> bool:
        return len(await subscription.deliveries(status="delivered")) == 1

    await until(delivered)
    [delivery] = await subscription.deliveries()
    path = f"{subscription.path}/deliveries/{delivery['id']}"
    attempts = (await subscription.machine.get(path)).json()["attempted"]
    assert attempts[-1]["failure"] == "timeout"
    assert attempts[-1]["status_code"] is None


@pytest.mark.usefixtures("post_office")
async def test_what_is_due_of_itself_is_sent_however_much_is_told_elsewhere(
    town: Town, receiver: Receiver, subscribed: Subscribing, owner: asyncpg.Connection
):
    failed = threading.Event()
    receiver.judge = lambda _: 200 if failed.is_set() else (failed.set(), 500)[1]

    async def tell_elsewhere() -> None:
        while True:
            await owner.execute("SELECT pg_notify($1, 'cell_999999')", sending.STIRRED)
            await asyncio.sleep(0.01)

    await subscribed(receiver)
    telling = asyncio.create_task(tell_elsewhere())
    begun = (await a_quarantine(await town.as_("lin")))["id"]
    await until(lambda: receiver.of(begun) == ["quarantine.started"] * 2)
    telling.cancel()
    await asyncio.wait({telling})


@pytest.mark.usefixtures("post_office")
async def test_a_redirect_is_not_followed(town: Town, receiver: Receiver, subscribed: Subscribing):
    with Receiver() as elsewhere:
        receiver.judge = lambda _: 307
        receiver.headers = {"location": elsewhere.url}
        subscription = await subscribed(receiver)
        await a_quarantine(await town.as_("lin"))
        await until(lambda: len(receiver.heard) >= 2)
        assert elsewhere.heard == []
        assert (await subscription.deliveries())[0]["status"] == "pending"


@pytest.mark.usefixtures("post_office")
async def test_what_is_gone_is_paused_told_upward_and_caught_up_when_it_is_let_go_on(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    zhou, lin = await town.as_("zhou"), await town.as_("lin")
    mark = (await zhou.get("/v1/events/poll")).json()["next"]
    receiver.judge = lambda _: 410
    subscription = await subscribed(receiver)
    begun = [(await a_quarantine(lin))["id"]]
    await until(lambda: len(receiver.heard) == 1)

    async def paused() -> bool:
        return (await subscription.read())["paused_because"] == "gone"

    await until(paused)
    begun.append((await a_quarantine(lin))["id"])
    told = (await zhou.get("/v1/events/poll", params={"after": mark})).json()["items"]
    events = [each["subject_id"] for each in told if each["kind"] == "webhook.paused"]
    assert events == [subscription.told["id"]]
    assert len(receiver.heard) == 1
    receiver.judge = lambda _: 200
    assert (await subscription.change(active=True)).json()["active"]
    await until(lambda: {each.subject for each in receiver.heard} == set(begun))


@pytest.mark.usefixtures("post_office")
async def test_an_address_that_fails_for_days_is_paused(
    town: Town, receiver: Receiver, subscribed: Subscribing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(backoff, "GIVEN_UP_AFTER", timedelta(milliseconds=500))
    monkeypatch.setattr(backoff, "GIVEN_UP_ROUNDS", 5)
    receiver.judge = lambda _: 503
    subscription = await subscribed(receiver)
    await a_quarantine(await town.as_("lin"))

    async def paused() -> bool:
        return (await subscription.read())["paused_because"] == "failing"

    await until(paused)
    told = await subscription.read()
    assert not told["active"]
    assert told["failing_since"] is not None
    assert told["waiting"] == 1


@pytest.mark.usefixtures("post_office")
async def test_what_alone_is_refused_again_and_again_is_parked_and_sent_again_by_hand(
    town: Town, receiver: Receiver, subscribed: Subscribing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(backoff, "MOST_ATTEMPTS", 3)
    subscription = await subscribed(receiver)
    lin = await town.as_("lin")
    refused = (await a_quarantine(lin))["id"]
    await until(lambda: receiver.of(refused) == ["quarantine.started"])
    receiver.judge = lambda it: 400 if it.type == "quarantine.changed" else 200
    await _change(town, refused)
    machine, path = subscription.machine, subscription.path

    async def parked() -> bool:
        await machine.post(f"{path}/test")
        return (await subscription.read())["parked"] == 1

    await until(parked)
    [delivery] = await subscription.deliveries(status="parked")
    assert delivery["attempts"] == 3
    receiver.judge = lambda _: 200
    again = await machine.post(f"{path}/deliveries/{delivery['id']}/redrive")
    assert again.status_code == 202, again.text
    assert (again.json()["status"], again.json()["attempts"]) == ("pending", 0)

    async def all_delivered() -> bool:
        return (await subscription.read())["waiting"] == 0

    await until(all_delivered)
    before = len(receiver.heard)
    since = {"since": delivery["at"], "delivered": "true"}
    redriven = (await machine.post(f"{path}/redrive", params=since)).json()["redriven"]
    assert redriven >= 1
    await until(lambda: len(receiver.heard) >= before + redriven)
    first, *_, last = [each.id for each in receiver.heard if each.subject == refused]
    assert last == delivery["webhook_id"] != first


async def test_nothing_is_passed_by_that_commits_late(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    subscription = await subscribed(receiver, "alert.opened")
    early, late = new_id(), new_id()
    async with town.database.connection(HOUSE) as slow:
        await tell(slow, "alert.opened", subject=late, reach="t.01")
        async with town.database.connection(HOUSE) as quick:
            await tell(quick, "alert.opened", subject=early, reach="t.01")
        assert await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP)
        assert await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP) == 0
    assert await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP)
    assert await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP) == 0
    owed = [each["subject_id"] for each in await subscription.deliveries()]
    assert sorted(owed) == sorted([str(early), str(late)])


async def test_a_database_restored_into_another_cluster_goes_on_where_it_was(
    town: Town, receiver: Receiver, subscribed: Subscribing, owner: asyncpg.Connection
):
    subscription = await subscribed(receiver, "alert.opened")
    await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP)
    last = await owner.fetchval("SELECT coalesce(max(seq), 0) FROM events")
    ahead = "UPDATE event_cursors SET told = '900000000:900000000:', seq = $1"
    await owner.execute(ahead, last)
    subject = new_id()
    async with town.database.connection(HOUSE) as connection:
        await tell(connection, "alert.opened", subject=subject, reach="t.01")
    assert await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP)
    assert await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP) == 0
    assert [each["subject_id"] for each in await subscription.deliveries()] == [str(subject)]


async def test_no_event_is_forgotten_before_it_is_owed_and_no_delivery_before_a_month(
    town: Town, receiver: Receiver, subscribed: Subscribing, owner: asyncpg.Connection
):
    subscription = await subscribed(receiver, "alert.opened")
    await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP)
    subject = new_id()
    for each in (subject, new_id()):
        async with town.database.connection(HOUSE) as connection:
            await tell(connection, "alert.opened", subject=each, reach="t.01")
    later = clock.now() + retention.KEPT + timedelta(hours=1)
    await jobs.sweep(town.database, "live.forget", TOWNSHIP, at=later)
    kept = "SELECT count(*) FROM events WHERE subject_id = $1"
    assert await owner.fetchval(kept, subject) == 1
    assert await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP)
    await jobs.sweep(town.database, "live.forget", TOWNSHIP, at=later)
    assert await owner.fetchval(kept, subject) == 0
    assert len(await subscription.deliveries()) == 2
    much_later = clock.now() + own_retention.KEPT + timedelta(hours=1)
    await jobs.sweep(town.database, "webhooks.forget", TOWNSHIP, at=later)
    assert len(await subscription.deliveries()) == 2
    await jobs.sweep(town.database, "webhooks.forget", TOWNSHIP, at=much_later)
    assert await subscription.deliveries() == []


@pytest.mark.usefixtures("no_long_pauses")
async def test_three_at_work_send_each_message_once_and_in_order(
    town: Town,
    addresses: Addresses,
    settings: Settings,
    receiver: Receiver,
    subscribed: Subscribing,
):
    await subscribed(receiver)
    lin = await town.as_("lin")
    fence = fence_of(settings)
    begun = [(await a_quarantine(lin))["id"] for _ in range(4)]
    async with (
        sending.sending(town.database, addresses.service, fence),
        sending.sending(town.database, addresses.service, fence),
        sending.sending(town.database, addresses.service, fence),
    ):
        await asyncio.gather(*(_change(town, each, 5) for each in begun))
        await until(lambda: len(receiver.heard) >= 24)
        await asyncio.sleep(0.5)
    assert len(receiver.heard) == len({each.id for each in receiver.heard}) == 24
    for each in begun:
        versions = [it.data["version"] for it in receiver.heard if it.subject == each]
        assert versions == sorted(versions)


async def test_what_somebody_killed_had_in_hand_is_sent_when_the_lease_has_passed(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    subscription = await subscribed(receiver, "alert.opened")
    subject = new_id()
    async with town.database.connection(HOUSE) as connection:
        await tell(connection, "alert.opened", subject=subject, reach="t.01")
    await jobs.sweep(town.database, fan_out.FAN_OUT, TOWNSHIP)
    identity, keyring = UUID(subscription.told["id"]), town.database.keyring
    async with town.database.connection(HOUSE) as connection:
        now = clock.now()
        bundle = await deliveries.take(connection, TOWNSHIP, identity, keyring, now)
    assert bundle is not None
    async with town.database.connection(HOUSE) as connection:
        now = clock.now()
        again = await deliveries.take(connection, TOWNSHIP, identity, keyring, now)
        assert again is None
        later = now + deliveries.LEASE
        other = await deliveries.take(connection, TOWNSHIP, identity, keyring, later)
    assert other is not None
    assert [each.id for each in other.due] == [each.id for each in bundle.due]
    assert other.lease != bundle.lease
