"""Passes: one call at the gate, judged by the rule, told where the person lives."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from api.app import create_app
from api.checkpoints.problems import CheckpointClosed, WhyOtherwise
from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotSignedIn,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.settings import Settings
from tests.builders import (
    a_checkpoint,
    a_diagnostic_test,
    a_household,
    a_pass,
    a_quarantine,
    pass_body,
    somebody,
    synthetic_resident,
)
from tests.cast import Town, assert_problem
from tests.checkpoints.conftest import code, green, hours_ago


async def test_nobody_passes_without_a_guard(town: Town, bridge: dict[str, Any]):
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    assert_problem(await town.nobody().post(path, json=pass_body()), NotSignedIn)
    assert_problem(await town.nobody().get(path), NotSignedIn)


async def test_the_neighbour_who_is_not_on_duty_finds_no_such_checkpoint(
    wei: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    path = f"/v1/checkpoints/{bridge['id']}"
    kept = await a_pass(lin, bridge)
    assert_problem(await wei.post(f"{path}/passes", json=pass_body()), NotFound)
    assert_problem(await wei.get(f"{path}/passes"), NotFound)
    assert_problem(await wei.get(f"{path}/tally"), NotFound)
    assert_problem(await wei.get(f"{path}/re-checks"), NotFound)
    assert_problem(await wei.get(f"/v1/passes/{kept['id']}"), NotFound)


async def test_whoever_is_on_duty_from_elsewhere_lets_a_stranger_through_in_one_call(
    guard: httpx.AsyncClient, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    body = pass_body(shown=green(), vehicle_plate="桂F𠮷1234", from_place="德保县", to_place="柳村")
    kept = await guard.post(f"/v1/checkpoints/{bridge['id']}/passes", json=body)
    assert kept.status_code == 201, kept.text
    said = kept.json()
    assert (said["verdict"], said["decision"], said["recheck"]) == ("through", "through", False)
    assert said["name"].endswith("*")
    assert "*" in said["document"]
    assert "*" in said["phone"]
    assert said["vehicle_plate"] == "桂F𠮷1234"
    assert kept.headers["Location"] == f"/v1/passes/{body['id']}"
    read = await lin.get(f"/v1/passes/{body['id']}")
    assert read.json() == said
    assert body["person"]["document"] not in read.text


async def test_what_was_told_lies_sealed_in_the_database(
    lin: httpx.AsyncClient, bridge: dict[str, Any], owner: asyncpg.Connection
):
    body = pass_body(from_place="百色市德保县")
    kept = await a_pass(lin, bridge, **body)
    row = str(await owner.fetchval("SELECT to_json(p) FROM passes p WHERE id = $1", kept["id"]))
    for plain in (*body["person"].values(), "百色市德保县"):
        assert plain == "resident_identity" or plain not in row


async def test_nothing_shown_and_nothing_known_is_unavailable_and_never_green(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    said = await a_pass(lin, bridge, shown=[])
    assert (said["verdict"], said["recheck"]) == ("hold", True)
    found = {each["about"]: each["finding"] for each in said["reasons"]}
    assert found == {"health_code": "unavailable", "negative_test": "missing"}
    queue = (await lin.get(f"/v1/checkpoints/{bridge['id']}/re-checks")).json()["items"]
    assert [each["pass_id"] for each in queue] == [said["id"]]
    assert (queue[0]["state"], queue[0]["tries"]) == ("waiting", 0)


async def test_what_the_records_know_of_a_resident_counts_at_the_gate_that_cannot_see_them(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    person = synthetic_resident(relation="head")
    home = await a_household(wei, grid="t.01.02", residents=[person])
    resident = home["residents"][0]["id"]
    told = {"outcome": "negative", "sampled_at": hours_ago(30), "reported_at": hours_ago(20)}
    await a_diagnostic_test(wei, resident, **told)
    card = {name: person[name] for name in ("document_kind", "document")}
    said = await a_pass(guard, bridge, person=card, shown=[code("green")])
    assert said["verdict"] == "through"
    by_phone = await a_pass(guard, bridge, person={"phone": person["phone"]}, shown=[code("green")])
    assert by_phone["verdict"] == "through"


async def test_a_phone_that_two_of_a_family_share_tells_nobody_apart(
    lin: httpx.AsyncClient, bridge: dict[str, Any], owner: asyncpg.Connection
):
    first = synthetic_resident(relation="head", name="黄甲")
    second = synthetic_resident(relation="spouse", name="黄乙", phone=first["phone"])
    home = await a_household(lin, grid="t.01.01.01", residents=[first, second])
    nobody = await a_pass(lin, bridge, person={"phone": first["phone"]})
    named = await a_pass(lin, bridge, person={"phone": first["phone"], "name": "黄乙"})
    known = "SELECT person_id FROM passes WHERE id = $1"
    assert await owner.fetchval(known, nobody["id"]) is None
    by_name = {each["name"]: each["id"] for each in home["residents"]}
    assert str(await owner.fetchval(known, named["id"])) == by_name["黄乙"]


async def test_a_red_code_of_a_resident_is_told_at_once_where_they_live(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any], lin: httpx.AsyncClient
):
    home = await a_household(wei, grid="t.01.02.01")
    resident = home["residents"][0]["id"]
    said = await a_pass(guard, bridge, person={"resident_id": resident}, shown=[code("red")])
    assert (said["verdict"], said["decision"]) == ("turn_back", "turn_back")
    [alert] = await _alerts(wei, "red_code")
    assert alert["resident_id"] == resident
    read = (await wei.get(f"/v1/alerts/{alert['id']}")).json()
    assert [(each["kind"], each["record_id"]) for each in read["evidence"]] == [
        ("passing", said["id"])
    ]
    assert all(each["resident_id"] != resident for each in await _alerts(lin, "red_code"))


async def test_a_red_code_of_a_stranger_is_told_at_the_gate(
    lin: httpx.AsyncClient, bridge: dict[str, Any], wei: httpx.AsyncClient
):
    before = len(await _alerts(lin, "red_code"))
    await a_pass(lin, bridge, shown=[code("red")])
    assert len(await _alerts(lin, "red_code")) == before + 1


async def test_somebody_who_should_be_in_quarantine_is_a_breach_in_their_own_grid(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    home = await a_household(wei, grid="t.01.02.01")
    resident = home["residents"][0]["id"]
    quarantine = await a_quarantine(wei, resident=resident)
    said = await a_pass(guard, bridge, person={"resident_id": resident}, shown=green())
    assert said["verdict"] == "hold"
    assert said["reasons"][0] == {
        "about": "control",
        "finding": "under_control",
        "decision": "hold",
    }
    breaches = [each for each in await _alerts(wei, "breach") if each["resident_id"] == resident]
    assert [each["quarantine_id"] for each in breaches] == [quarantine["id"]]


async def test_somebody_on_their_way_to_hospital_is_no_breach(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    home = await a_household(wei, grid="t.01.02.01")
    resident = home["residents"][0]["id"]
    quarantine = await a_quarantine(wei, resident=resident)
    sent = {"id": str(new_id()), "hospital": "青竹乡卫生院", "reason": "胸闷"}
    path = f"/v1/quarantines/{quarantine['id']}/hospital-referrals"
    referred = await wei.post(path, json=sent)
    assert referred.status_code == 201, referred.text
    said = await a_pass(guard, bridge, person={"resident_id": resident}, shown=green())
    assert said["verdict"] == "through"


async def test_a_guard_may_decide_otherwise_and_says_why(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    body = pass_body(shown=[code("yellow")], decision="through")
    refused = assert_problem(await lin.post(path, json=body), WhyOtherwise)
    assert refused["errors"][0]["pointer"] == "/body/decision_reason"
    assert refused["verdict"] == "hold"
    kept = await lin.post(path, json={**body, "decision_reason": "救护车，先行放行"})
    assert (kept.json()["verdict"], kept.json()["decision"]) == ("hold", "through")


async def test_a_pass_sent_twice_at_once_is_one(lin: httpx.AsyncClient, bridge: dict[str, Any]):
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    body = pass_body(shown=[*green(), code("red")], passed_at=hours_ago(0.1))
    before = len(await _alerts(lin, "red_code"))
    answers = await asyncio.gather(*(lin.post(path, json=body) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 201]
    assert len({each.content for each in answers}) == 1
    assert len(await _alerts(lin, "red_code")) == before + 1
    differs = await lin.post(path, json={**body, "shown": green()})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["shown"]
    other = await a_checkpoint(lin, grid="t.01.01")
    elsewhere = await lin.post(f"/v1/checkpoints/{other['id']}/passes", json=body)
    assert assert_problem(elsewhere, RecordDiffers)["fields"] == ["checkpoint_id"]


async def test_a_crowd_at_gates_that_were_just_started_is_let_through_all_at_once(
    town: Town, lin: httpx.AsyncClient, settings: Settings, bridge: dict[str, Any]
):
    """More at once than there are connections, before the first rule has been read."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as started,
        asyncio.timeout(20),
    ):
        started.headers = lin.headers
        path = f"/v1/checkpoints/{bridge['id']}/passes"
        told = (started.post(path, json=pass_body(shown=green())) for _ in range(12))
        answers = await asyncio.gather(*told)
    assert {each.status_code for each in answers} == {201}


async def test_a_pass_sent_again_after_the_rule_would_say_otherwise_is_no_news(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    home = await a_household(lin, grid="t.01.01.02")
    resident = home["residents"][0]["id"]
    told = {"person": {"resident_id": resident}, "shown": green(), "decision": "through"}
    body = pass_body(**told)
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    assert (await lin.post(path, json=body)).status_code == 201
    await a_quarantine(lin, resident=resident)
    assert (await lin.post(path, json=body)).status_code == 200


async def test_who_stands_otherwise_than_is_usual_is_judged_by_how_they_stand(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    people = [
        {"resident_id": (await a_household(lin, grid="t.01.01.02"))["residents"][0]["id"]}
        for _ in range(6)
    ]
    shown = [code("green")]
    for person in people[:3]:
        said = await a_pass(lin, bridge, person=person, shown=shown)
        assert (said["verdict"], said["recheck"]) == ("hold", False)
    fresh, old, sick, gone = (person["resident_id"] for person in (*people[2:],))
    await a_diagnostic_test(lin, fresh, outcome="negative", sampled_at=hours_ago(30))
    await a_diagnostic_test(lin, old, outcome="negative", sampled_at=hours_ago(49))
    await a_diagnostic_test(lin, sick, outcome="positive", sampled_at=hours_ago(30))
    await a_quarantine(lin, resident=gone)
    found: list[tuple[str, str]] = []
    for resident in (fresh, old, sick, gone):
        said = await a_pass(lin, bridge, person={"resident_id": resident}, shown=shown)
        found.append((said["verdict"], said["reasons"][-1]["finding"]))
        again = await lin.get(f"/v1/passes/{said['id']}")
        assert again.json() == said
    assert found[:3] == [("through", "valid"), ("hold", "stale"), ("hold", "positive")]
    assert found[3][0] == "hold"
    assert [each["resident_id"] for each in await _alerts(lin, "breach")].count(gone) == 1


async def test_where_people_stand_in_more_ways_than_are_remembered_each_is_judged_by_theirs(
    lin: httpx.AsyncClient, bridge: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.checkpoints.usual.STANDINGS", 2)
    people: dict[str, str] = {}
    for outcome in ("negative", "positive", "inconclusive", "none"):
        home = await a_household(lin, grid="t.01.01.02")
        person = people[outcome] = home["residents"][0]["id"]
        if outcome != "none":
            await a_diagnostic_test(lin, person, outcome=outcome, sampled_at=hours_ago(20))
    found: list[tuple[str, str]] = []
    for person in [*people.values()] * 3:
        told = {"person": {"resident_id": person}, "shown": [code("green")]}
        said = await a_pass(lin, bridge, **told)
        found.append((said["verdict"], said["reasons"][-1]["finding"]))
        assert (await lin.get(f"/v1/passes/{said['id']}")).json() == said
    told_once = [("through", "valid"), *(("hold", why) for why in ("positive", "inconclusive"))]
    assert found == [*told_once, ("hold", "missing")] * 3


async def test_a_test_shown_later_than_the_known_one_counts_and_an_earlier_one_does_not(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    verdicts: list[str] = []
    for known, shown in ((20, 10), (20, 10), (20, 30), (20, 30), (20, 10)):
        home = await a_household(lin, grid="t.01.01.02")
        resident = home["residents"][0]["id"]
        positive = {"outcome": "positive", "sampled_at": hours_ago(known)}
        await a_diagnostic_test(lin, resident, **positive)
        test = {"proof": "negative_test", "sampled_at": hours_ago(shown)}
        told = {"person": {"resident_id": resident}, "shown": [code("green"), test]}
        verdicts.append((await a_pass(lin, bridge, **told))["verdict"])
    assert verdicts == ["through", "through", "hold", "hold", "through"]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"person": {}}, "/body/person"),
        ({"person": {"document": "451422199001010012"}}, "/body/person/document"),
        ({"person": {"phone": "12345"}}, "/body/person/phone"),
        ({"shown": [{"proof": "palm"}]}, "/body/shown/0"),
        ({"shown": [{"proof": "health_code", "state": "purple"}]}, "/body/shown/0/state"),
        ({"shown": [{"proof": "negative_test", "sampled_at": "昨天"}]}, "/body/shown/0/sampled_at"),
        ({"shown": [{"proof": "vaccination"}]}, "/body/shown/0/doses"),
        ({"shown": [3]}, "/body/shown/0"),
        ({"decision": "maybe"}, "/body/decision"),
        ({"id": "1"}, "/body/id"),
        ({"weather": "rain"}, "/body/weather"),
    ],
)
async def test_what_is_no_pass_is_refused_with_its_place(
    lin: httpx.AsyncClient, bridge: dict[str, Any], told: dict[str, Any], pointer: str
):
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    before = (await lin.get(path)).json()["items"]
    refused = assert_problem(await lin.post(path, json={**pass_body(), **told}), InvalidInput)
    assert any(each["pointer"].startswith(pointer) for each in refused["errors"]), refused
    assert (await lin.get(path)).json()["items"] == before


async def test_what_has_not_happened_yet_is_not_recorded(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    later = (clock.now() + timedelta(hours=1)).isoformat()
    soon = await lin.post(path, json=pass_body(passed_at=later))
    assert assert_problem(soon, RecordedInTheFuture)["errors"][0]["pointer"] == "/body/passed_at"
    test = {"proof": "negative_test", "sampled_at": later}
    shown = await lin.post(path, json=pass_body(shown=[test]))
    pointer = "/body/shown/0/sampled_at"
    assert assert_problem(shown, RecordedInTheFuture)["errors"][0]["pointer"] == pointer


async def test_an_unknown_resident_a_stranger_as_guard_and_an_odd_address_are_refused(
    lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    path = f"/v1/checkpoints/{bridge['id']}/passes"
    unknown = await lin.post(path, json=pass_body(person={"resident_id": str(new_id())}))
    pointer = "/body/person/resident_id"
    assert assert_problem(unknown, NotFound)["errors"][0]["pointer"] == pointer
    by_nobody = await lin.post(path, json=pass_body(performed_by=str(new_id())))
    assert by_nobody.json()["type"] == "/problems/not-a-colleague"
    odd = await lin.post("/v1/checkpoints/bridge/passes", json=pass_body())
    assert assert_problem(odd, InvalidInput)["errors"][0]["pointer"] == "/path/checkpoint_id"


async def test_nobody_passes_where_no_checkpoint_stands(lin: httpx.AsyncClient):
    gone = await a_checkpoint(lin, grid="t.01.01")
    closing = {"closed_at": hours_ago(1), "reason": "撤除"}
    path = f"/v1/checkpoints/{gone['id']}"
    assert (await lin.patch(path, json=closing, headers={"If-Match": '"1"'})).status_code == 200
    assert_problem(await lin.post(f"{path}/passes", json=pass_body()), CheckpointClosed)
    earlier = await lin.post(f"{path}/passes", json=pass_body(passed_at=hours_ago(2)))
    assert earlier.status_code == 201


async def test_a_day_is_listed_and_counted_by_what_was_decided(lin: httpx.AsyncClient):
    gate = await a_checkpoint(lin, grid="t.01.01")
    for shown in (green(), green(), [code("yellow")], [code("red")]):
        await a_pass(lin, gate, shown=shown)
    path = f"/v1/checkpoints/{gate['id']}"
    day = {"day": clock.today().isoformat()}
    tally = (await lin.get(f"{path}/tally", params=day)).json()
    assert [tally[name] for name in ("through", "hold", "turn_back", "red")] == [2, 1, 1, 1]
    assert sum(hour["through"] for hour in tally["hours"]) == 2
    held = await lin.get(f"{path}/passes", params={**day, "decision": "hold"})
    assert [each["verdict"] for each in held.json()["items"]] == ["hold"]
    first = (await lin.get(f"{path}/passes", params={"limit": 3})).json()
    rest = await lin.get(f"{path}/passes", params={"limit": 3, "cursor": first["next_cursor"]})
    assert len(rest.json()["items"]) == 1
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    assert (await lin.get(f"{path}/passes", params={"day": yesterday})).json()["items"] == []


async def test_who_recorded_a_pass_is_noted_at_the_checkpoint(
    zhou: httpx.AsyncClient, guard: httpx.AsyncClient, bridge: dict[str, Any]
):
    person = somebody()
    kept = await a_pass(guard, bridge, person=person)
    entries = await zhou.get("/v1/audit-entries", params={"subject_id": kept["id"]})
    assert entries.status_code == 200, entries.text
    assert [each["action"] for each in entries.json()["items"]] == ["passes.record"]
    assert person["document"] not in entries.text


async def _alerts(client: httpx.AsyncClient, cause: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/alerts", params={"cause": cause, "limit": 500})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]
