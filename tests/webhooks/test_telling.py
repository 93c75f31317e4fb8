"""What happens in the township reaches who asked for it: signed, limited to what they may see."""

import httpx
import pytest

from api.foundation import clock
from api.foundation.records import new_id
from api.webhooks.messages import (
    WebhookAlert,
    WebhookMessage,
    WebhookQuarantine,
    WebhookReading,
    WebhookTest,
)
from tests.builders import (
    a_diagnostic_test,
    a_household,
    a_quarantine,
    a_sample_tube,
    quarantine_body,
)
from tests.cast import Town, grid_id
from tests.webhooks.conftest import Subscribing, until
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.usefixtures("post_office")
HAN = "t.01.02.01"


PROMISED = {
    "quarantine": WebhookQuarantine,
    "reading": WebhookReading,
    "test": WebhookTest,
    "alert": WebhookAlert,
}


def assert_as_promised(receiver: Receiver) -> None:
    """Whatever came is what the contract says of it, member by member."""
    for each in receiver.heard:
        kind = PROMISED[each.type.partition(".")[0]]
        told = kind.model_validate(each.data)
        assert told.model_dump(mode="json", exclude_unset=True).keys() == each.data.keys()
        required = {name for name, field in kind.model_fields.items() if field.is_required()}
        assert required <= each.data.keys() <= kind.model_fields.keys()
        assert WebhookMessage.model_validate(each.body).type == each.type


async def _measure(
    client: httpx.AsyncClient, quarantine: str, value: float, window: str = "morning"
) -> str:
    identity = str(new_id())
    told = {"quarantine_id": quarantine, "value_c": value, "window": window}
    answer = await client.post("/v1/readings", json={"id": identity, **told})
    assert answer.status_code == 201, answer.text
    return identity


async def test_a_quarantine_is_told_from_its_beginning_to_its_end_in_order(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    await subscribed(receiver)
    lin = await town.as_("lin")
    quarantine = (await a_quarantine(lin))["id"]
    path = f"/v1/quarantines/{quarantine}"
    right = {"reason": "close_contact", "change_reason": "核实为密接"}
    changed = await lin.patch(path, json=right, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    ended = {"end_reason": "moved_away", "ended_on": clock.today().isoformat(), "note": "返城"}
    assert (await lin.post(f"{path}/terminate", json=ended)).status_code == 200
    await until(lambda: "quarantine.released" in receiver.of(quarantine))
    assert receiver.of(quarantine) == [
        "quarantine.started",
        "quarantine.changed",
        "quarantine.released",
    ]
    last = receiver.heard[-1]
    assert last.body.keys() == {"type", "timestamp", "data"}
    assert last.headers["content-type"] == "application/json"
    assert last.data["quarantine_id"] == quarantine
    assert last.data["state"]["status"] == "terminated"
    assert last.data["state"]["end_reason"] == "moved_away"
    assert_as_promised(receiver)
    assert receiver.refused == []


async def test_every_abnormal_reading_is_told_also_of_who_had_a_fever_before_and_no_normal_one(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    await subscribed(receiver, "reading.abnormal", "alert.opened")
    lin = await town.as_("lin")
    quarantine = (await a_quarantine(lin))["id"]
    first = await _measure(lin, quarantine, 38.4)
    other = (await a_quarantine(lin))["id"]
    normal = await _measure(lin, other, 36.5)
    later = {"quarantine_id": quarantine, "value_c": 38.9, "window": "evening", "id": str(new_id())}
    told = {"id": str(new_id()), "readings": [later]}
    together = await lin.post("/v1/rounds", json=told)
    assert together.status_code == 200, together.text
    wrong = {"value_c": 38.1, "reason": "看错一行"}
    right = await lin.patch(f"/v1/readings/{normal}", json=wrong, headers={"If-Match": '"1"'})
    assert right.status_code == 200, right.text
    abnormal = {first, later["id"], normal}
    await until(lambda: abnormal <= {each.subject for each in receiver.heard})
    told = [each for each in receiver.heard if each.type == "reading.abnormal"]
    assert {each.subject for each in told} == abnormal
    assert next(each for each in told if each.subject == normal).data["state"]["value_c"] == 38.1
    assert receiver.types.count("alert.opened") == 2
    assert_as_promised(receiver)


async def test_a_test_is_told_when_it_has_a_result(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    await subscribed(receiver, "test.result")
    lin = await town.as_("lin")
    person = (await a_household(lin, grid="t.01.01.01"))["residents"][0]["id"]
    test = (await a_diagnostic_test(lin, person))["id"]
    told = {"outcome": "negative"}
    result = await lin.patch(f"/v1/tests/{test}", json=told, headers={"If-Match": '"1"'})
    assert result.status_code == 200, result.text
    await until(lambda: bool(receiver.heard))
    [message] = receiver.heard
    assert message.subject == test
    assert message.data["state"]["outcome"] == "negative"
    assert message.data["resident_id"] == person
    assert_as_promised(receiver)


async def test_whoever_was_told_of_a_result_is_told_that_it_is_none(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    await subscribed(receiver, "test.result")
    lin = await town.as_("lin")
    people = (await a_household(lin, grid="t.01.01.01"))["residents"]
    person = people[0]["id"]
    wrong, taken_back = [
        (await a_diagnostic_test(lin, person, outcome="positive"))["id"] for _ in "12"
    ]
    awaited = (await a_diagnostic_test(lin, person))["id"]
    for test in (wrong, awaited):
        await _sent(lin, f"/v1/tests/{test}/discard", {"reason": "登记到了别人名下"})
    again = {"outcome": "pending", "reason": "检测机构撤回，等待复核"}
    back = await lin.patch(f"/v1/tests/{taken_back}", json=again, headers={"If-Match": '"1"'})
    assert back.status_code == 200, back.text
    tube = f"/v1/sample-tubes/{(await a_sample_tube(lin, [person]))['id']}"
    read = await lin.patch(tube, json={"outcome": "negative"}, headers={"If-Match": '"1"'})
    assert read.status_code == 200, read.text
    await _sent(lin, f"{tube}/discard", {"reason": "试管破损"}, version=2)
    await until(lambda: len(receiver.heard) == 6)
    last = {each.subject: each.data["state"] for each in receiver.heard}
    assert awaited not in last
    assert last.pop(taken_back)["outcome"] == "pending"
    assert len(last) == 2
    assert all(state["discarded_at"] for state in last.values())


async def _sent(
    client: httpx.AsyncClient, path: str, body: dict[str, str], *, version: int = 1
) -> None:
    answer = await client.post(path, json=body, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


async def test_whoever_was_told_of_a_fever_is_told_that_it_was_none(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    await subscribed(receiver, "reading.abnormal")
    lin = await town.as_("lin")
    quarantines = [(await a_quarantine(lin))["id"] for _ in "123"]
    misread, wrong = [await _measure(lin, each, 39.4) for each in quarantines[:2]]
    normal = await _measure(lin, quarantines[2], 36.4)
    right = {"value_c": 36.4, "reason": "看错一位"}
    answer = await lin.patch(f"/v1/readings/{misread}", json=right, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    for reading in (wrong, normal):
        await _sent(lin, f"/v1/readings/{reading}/discard", {"reason": "量错了人"})
    await until(lambda: len(receiver.heard) == 4)
    last = {each.subject: each.data["state"] for each in receiver.heard}
    assert last.keys() == {misread, wrong}
    assert (last[misread]["abnormal"], last[misread]["value_c"]) == (False, 36.4)
    assert last[wrong]["discarded_at"] is not None


async def test_an_alert_is_told_from_its_opening_to_its_closing(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    kinds = ("alert.opened", "alert.acknowledged", "alert.handling", "alert.resolved")
    await subscribed(receiver, *kinds, "alert.verified")
    ming = await town.as_("ming")
    home = await a_household(ming, grid="t.01.01.01")
    body = {"id": str(new_id()), "household_id": home["id"], "note": "敲门无人应答"}
    alert = (await ming.post("/v1/alerts", json=body)).json()["alert"]["id"]
    lin, zhou = await town.as_("lin"), await town.as_("zhou")
    for who, verb in ((lin, "acknowledge"), (lin, "handle"), (lin, "resolve"), (zhou, "verify")):
        said = {"note": "已见到本人"} if verb == "resolve" else {}
        answer = await who.post(f"/v1/alerts/{alert}/{verb}", json=said)
        assert answer.status_code == 200, answer.text
    await until(lambda: "alert.verified" in receiver.of(alert))
    assert receiver.of(alert) == [*kinds, "alert.verified"]
    assert "敲门" not in str([each.body for each in receiver.heard])
    assert_as_promised(receiver)


@pytest.mark.parametrize(
    ("scopes", "members"),
    [
        (("webhooks:manage",), set[str]()),
        (("webhooks:manage", "status:read"), {"state"}),
        (("webhooks:manage", "persons:identify"), {"person"}),
        (("webhooks:manage", "persons:identify", "status:read"), {"state", "person"}),
    ],
)
async def test_how_much_is_told_is_what_the_scopes_allow(
    town: Town,
    receiver: Receiver,
    subscribed: Subscribing,
    scopes: tuple[str, ...],
    members: set[str],
):
    await subscribed(receiver, scopes=scopes)
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.01")
    person = home["residents"][0]
    await a_quarantine(lin, resident=person["id"])
    await until(lambda: bool(receiver.heard))
    told = receiver.heard[0].data
    assert told.keys() & {"state", "person"} == members
    assert told["resident_id"] == person["id"]
    if "person" in members:
        assert told["person"] == {"name": person["name"], "document": person["document"]}
        assert "*" in told["person"]["document"]
    else:
        assert person["name"] not in str(told)


async def test_a_client_of_a_village_is_told_of_its_village_alone(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    village = await subscribed(receiver, grid="t.01.01")
    wei, lin = await town.as_("wei"), await town.as_("lin")
    await a_quarantine(wei, grid=HAN)
    own = (await a_quarantine(lin))["id"]
    await until(lambda: bool(receiver.heard))
    assert {each.subject for each in receiver.heard} == {own}
    assert {each["subject_id"] for each in await village.deliveries()} == {own}


async def test_what_is_out_of_sight_when_it_would_be_sent_is_not_sent(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    village = await subscribed(receiver, grid="t.01.01")
    assert (await village.change(active=False)).status_code == 200
    lin, gu = await town.as_("lin"), await town.as_("gu")
    await a_quarantine(lin)

    async def owed() -> bool:
        return len(await village.deliveries(status="pending")) == 1

    await until(owed)
    client = (await village.read())["client_id"]
    path = f"/v1/machine-clients/{client}"
    moved = {"grid_id": str(grid_id("t.01.02"))}
    assert (await gu.patch(path, json=moved, headers={"If-Match": '"1"'})).status_code == 200
    [subscription] = (await gu.get(f"{path}/webhook-subscriptions")).json()["items"]
    paused = f"{path}/webhook-subscriptions/{subscription['id']}"
    assert (await gu.post(f"{paused}/pause", json={"reason": "核对"})).status_code == 200
    assert (await gu.post(f"{paused}/resume")).status_code == 200

    async def skipped() -> bool:
        listed = await gu.get(f"{paused}/deliveries", params={"status": "skipped"})
        return [each["reason"] for each in listed.json()["items"]] == ["out_of_sight"]

    await until(skipped)
    assert receiver.heard == []


async def test_a_client_that_may_subscribe_no_more_is_told_nothing_more(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    subscription, other = await subscribed(receiver), await subscribed(receiver)
    gu, lin = await town.as_("gu"), await town.as_("lin")
    before = (await a_quarantine(lin))["id"]
    await until(lambda: receiver.of(before) == ["quarantine.started"] * 2)
    path = f"/v1/machine-clients/{(await subscription.read())['client_id']}"
    less = {"scopes": ["status:read"]}
    assert (await gu.patch(path, json=less, headers={"If-Match": '"1"'})).status_code == 200
    own = (await a_quarantine(lin))["id"]
    await until(lambda: bool(receiver.of(own)))
    assert own in {each["subject_id"] for each in await other.deliveries()}
    of_township = f"{path}/webhook-subscriptions/{subscription.told['id']}/deliveries"
    listed = (await gu.get(of_township)).json()["items"]
    assert {each["subject_id"] for each in listed} == {before}


async def test_what_is_sent_twice_or_refused_is_told_once_or_not_at_all(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    subscription = await subscribed(receiver)
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.01")
    person = home["residents"][0]["id"]
    begun = await a_quarantine(lin, resident=person)

    again = await lin.post("/v1/quarantines", json=quarantine_body(resident=person))
    assert again.status_code == 409
    await until(lambda: bool(receiver.heard))
    ping = await subscription.machine.post(f"{subscription.path}/test")
    assert ping.status_code == 202, ping.text
    await until(lambda: "ping" in receiver.types)
    assert receiver.types == ["quarantine.started", "ping"]
    assert receiver.heard[0].subject == begun["id"]
    assert receiver.heard[1].data == {"subject_id": ping.json()["subject_id"]}


async def test_both_secrets_sign_while_they_overlap_and_the_former_one_no_longer(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    subscription = await subscribed(receiver)
    rotate = f"{subscription.path}/rotate-secret"

    async def signed_by() -> tuple[str, ...]:
        before = len(receiver.heard)
        await subscription.machine.post(f"{subscription.path}/test")
        await until(lambda: len(receiver.heard) > before)
        return receiver.heard[-1].signed_by

    first = receiver.secrets[0]
    assert await signed_by() == (first,)
    second = (await subscription.machine.post(rotate, json={})).json()["secret"]
    receiver.secrets.append(second)
    assert await signed_by() == (first, second)
    third = (await subscription.machine.post(rotate, json={"overlap_hours": 0})).json()["secret"]
    receiver.secrets.append(third)
    assert await signed_by() == (third,)
    assert receiver.refused == []


async def test_whoever_subscribes_is_told_of_nothing_that_was_before(
    town: Town, receiver: Receiver, subscribed: Subscribing
):
    lin = await town.as_("lin")
    await a_quarantine(lin)
    await subscribed(receiver)
    later = (await a_quarantine(lin))["id"]
    await until(lambda: later in {each.subject for each in receiver.heard})
    assert {each.subject for each in receiver.heard} == {later}
