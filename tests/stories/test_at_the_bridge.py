"""The province is down, and somebody at the bridge has turned red (M2.8, M6.4).

The guard is of another village, on a roster shift. One call keeps the pass, by the rule for what
cannot be told; it is asked again until the province is back, and the alert reaches the village
where the person lives. The county's system hears of it, though it was away itself for a while.
"""

from collections.abc import Generator
from typing import Any

import pytest
import time_machine

from api.foundation.problems import NotFound
from api.foundation.records import new_id
from api.health_codes.simulated import Conduct
from tests.builders import (
    household_body,
    pass_body,
    quarantine_body,
    shift_body,
    synthetic_resident,
)
from tests.cast import Town, grid_id
from tests.health_codes.conftest import Province, a_system, province, province_of_the_run
from tests.stories.phone import Phone, Story, at, on
from tests.webhooks.conftest import (
    Subscribed,
    Subscribing,
    no_long_pauses,
    post_office,
    settings,
    subscribed,
    until,
)
from tests.webhooks.receiver import Receiver

__all__ = [
    "no_long_pauses",
    "post_office",
    "province",
    "province_of_the_run",
    "settings",
    "subscribed",
]

HOME = "t.01.01.01"
HEARD = ("alert.opened", "alert.acknowledged", "quarantine.started")


@pytest.fixture
def story(town: Town) -> Generator[Story]:
    """Its clock goes on by itself: what could not be delivered waits for it."""
    with time_machine.travel(at(0, 8), tick=True) as traveller:
        yield Story(town, traveller)


class Bridge:
    """The checkpoint, the family that lives elsewhere, and the pass."""

    def __init__(self, story: Story, province: Province) -> None:
        self.story, self.province = story, province
        self.person = synthetic_resident(relation="head")
        self.resident: str = self.person["id"]
        self.gate = {
            "id": str(new_id()),
            "grid_id": str(grid_id("t.01.02")),
            "name": "榕村大桥卡点",
            "rule_code": "county_road",
        }
        self.passed: dict[str, Any] = {}

    @property
    def path(self) -> str:
        return f"/v1/checkpoints/{self.gate['id']}"

    async def waiting(self, phone: Phone) -> dict[str, Any]:
        """What the queue says of the one pass in it."""
        [told] = await phone.items(f"{self.path}/re-checks")
        return told

    async def red_codes(self, phone: Phone) -> list[dict[str, Any]]:
        return await phone.items("/v1/alerts", cause="red_code")


@pytest.mark.usefixtures("post_office")
async def test_somebody_turns_red_at_the_bridge_while_the_province_is_down(
    town: Town, story: Story, province: Province, subscribed: Subscribing
):
    limits = {"attempts": 1, "answer_seconds": 0.3, "failures": 1000}
    system = await a_system(await town.as_("gu"), province, **limits)
    bridge = Bridge(story, province)
    with Receiver() as receiver:
        county = await subscribed(receiver, *HEARD)
        await _the_township_says_what_the_bridge_asks_for(bridge, system)
        await _a_guard_of_another_village_stands_there(bridge)
        await _the_province_falls_silent_and_somebody_turns_red(bridge)
        await _one_call_keeps_the_pass(bridge)
        await _it_is_asked_again_in_vain_for_all_to_see(bridge)
    await _the_province_is_back_and_says_red(bridge)
    alert = await _the_alert_reaches_the_village_of_the_person_and_no_other(bridge)
    quarantine = await _the_village_answers_and_begins_a_quarantine(bridge, alert)
    await _the_township_sees_that_nobody_takes_it(story, county)
    with Receiver(port=receiver.port, secrets=receiver.secrets) as again:
        await until(lambda: {*HEARD} <= {*again.types})
    assert list(dict.fromkeys(again.of(alert))) == [*HEARD[:2]]
    assert set(again.of(quarantine)) == {HEARD[2]}
    assert {each.data["resident_id"] for each in again.heard} == {bridge.resident}
    assert again.refused == []
    assert not any(bridge.person["document"] in text for text in story.heard)


async def _the_township_says_what_the_bridge_asks_for(bridge: Bridge, system: str) -> None:
    zhou, wei, ming = [await bridge.story.phone(name) for name in ("zhou", "wei", "ming")]
    proof = {"proof": "health_code", "systems": [system], "means": {"red": "turn_back"}}
    rule = {
        "id": str(new_id()),
        "code": "county_road",
        "name": "县道卡点",
        "legal_basis": "青竹乡防控指挥部〔2022〕6号",
        "effective_from": str(on(0)),
        "proofs": [proof],
        "on_unavailable": "through_with_recheck",
    }
    await zhou.send("/v1/checkpoint-rules", rule)
    await wei.send("/v1/checkpoints", bridge.gate)
    home = household_body(grid=HOME, residents=[bridge.person])
    await ming.send("/v1/households", home)


async def _a_guard_of_another_village_stands_there(bridge: Bridge) -> None:
    wei, fan = await bridge.story.phone("wei"), await bridge.story.phone("fan")
    await fan.refused(NotFound, "POST", f"{bridge.path}/passes", pass_body())
    await wei.send("/v1/duty-shifts", shift_body(bridge.gate, worker="fan"))
    assert await fan.items(f"{bridge.path}/passes") == []
    await fan.refused(NotFound, "GET", f"/v1/residents/{bridge.resident}")


async def _the_province_falls_silent_and_somebody_turns_red(bridge: Bridge) -> None:
    bridge.province.known.conduct = Conduct(outage="hang")
    bridge.province.turns(bridge.person["document"], "red")


async def _one_call_keeps_the_pass(bridge: Bridge) -> None:
    """Nothing can be told, so the rule lets them through, and nobody calls that green."""
    fan = await bridge.story.phone("fan")
    scanned = {name: bridge.person[name] for name in ("document_kind", "document", "phone")}
    told = pass_body(person=scanned, vehicle_plate="桂F12345", to_place="柳村")
    for _ in range(2):  # sent again, having heard no answer
        bridge.passed = await fan.send(f"{bridge.path}/passes", told)
    assert bridge.passed["id"] == told["id"]
    assert (bridge.passed["verdict"], bridge.passed["decision"]) == ("through", "through")
    [reason] = bridge.passed["reasons"]
    assert (reason["about"], reason["finding"]) == ("health_code", "unavailable")
    assert bridge.passed["recheck"]
    assert bridge.province.asked == 0
    assert (await fan.get(f"{bridge.path}/tally"))["through"] == 1


async def _it_is_asked_again_in_vain_for_all_to_see(bridge: Bridge) -> None:
    story, lin = bridge.story, await bridge.story.phone("lin")
    await story.pass_to(0, 8, 11)
    for name in ("fan", "wei"):
        told = await bridge.waiting(await story.phone(name))
        assert (told["pass_id"], told["state"]) == (bridge.passed["id"], "waiting")
        assert (told["tries"], told["last_answer"]) == (1, "timed_out")
    assert await bridge.red_codes(lin) == []
    read = await (await story.phone("fan")).get(f"/v1/passes/{bridge.passed['id']}")
    assert read["later_verdict"] is None


async def _the_province_is_back_and_says_red(bridge: Bridge) -> None:
    story = bridge.story
    bridge.province.known.conduct = Conduct()
    for minute in (45, 46):
        await story.pass_to(0, 8, minute)
    fan = await story.phone("fan")
    assert (await bridge.waiting(fan))["state"] == "answered"
    read = await fan.get(f"/v1/passes/{bridge.passed['id']}")
    assert (read["decision"], read["later_verdict"]) == ("through", "turn_back")
    assert read["later_reasons"][0]["finding"] == "red"
    assert bridge.province.asked == 1


async def _the_alert_reaches_the_village_of_the_person_and_no_other(bridge: Bridge) -> str:
    story = bridge.story
    lin, ming = await story.phone("lin"), await story.phone("ming")
    [alert] = await bridge.red_codes(lin)
    assert (alert["resident_id"], alert["grid_id"]) == (bridge.resident, str(grid_id(HOME)))
    detail = await ming.get(f"/v1/alerts/{alert['id']}")
    assert {each["kind"] for each in detail["evidence"]} == {"passing", "code_state"}
    assert [each["worker_name"] for each in detail["hops"][0]["told"]] == ["林支书"]
    states = await ming.items("/v1/code-states", resident_id=bridge.resident)
    assert [each["state"] for each in states] == ["red"]
    for name in ("wei", "fan", "han"):
        phone = await story.phone(name)
        await phone.refused(NotFound, "GET", f"/v1/alerts/{alert['id']}")
        assert await bridge.red_codes(phone) == []
    return alert["id"]


async def _the_village_answers_and_begins_a_quarantine(bridge: Bridge, alert: str) -> str:
    lin = await bridge.story.phone("lin")
    await lin.send(f"/v1/alerts/{alert}/acknowledge", {})
    begun = quarantine_body(resident=bridge.resident)
    await lin.send("/v1/quarantines", begun)
    return begun["id"]


async def _the_township_sees_that_nobody_takes_it(story: Story, county: Subscribed) -> None:
    zhou = await story.phone("zhou")
    path = f"/v1/machine-clients/{county.told['client_id']}/webhook-subscriptions"

    async def tried_in_vain() -> bool:
        owed = await zhou.items(f"{path}/{county.told['id']}/deliveries", status="pending")
        return len(owed) == len(HEARD) and any(each["attempts"] for each in owed)

    await until(tried_in_vain)
