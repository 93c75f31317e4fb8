"""A look-up answers what the gate needs, is noted at home, and cannot be used to search."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import time_machine

from api.checkpoints.look_ups import MOST
from api.checkpoints.searching import WITHIN
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotFound, NotSignedIn, TooMany
from tests.builders import a_diagnostic_test, a_household, a_shift, somebody, synthetic_resident
from tests.cast import Town, assert_problem
from tests.checkpoints.conftest import hours_ago


def _ask(checkpoint: dict[str, Any], person: dict[str, Any], **told: Any) -> dict[str, Any]:
    known = {name: person[name] for name in ("document_kind", "document")}
    return {"checkpoint_id": checkpoint["id"], **known, "purpose": "手机没电，无法出示", **told}


async def test_nobody_and_who_is_not_on_duty_there_ask_nothing(
    town: Town, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    body = _ask(bridge, somebody())
    assert_problem(await town.nobody().post("/v1/gate-look-ups", json=body), NotSignedIn)
    assert_problem(await wei.post("/v1/gate-look-ups", json=body), NotFound)


async def test_the_answer_is_what_the_gate_needs_and_says_how_long_it_may_be_kept(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    person = synthetic_resident(relation="head", name="黄秀英")
    home = await a_household(wei, grid="t.01.02.01", residents=[person])
    resident = home["residents"][0]["id"]
    told = {"outcome": "negative", "sampled_at": hours_ago(10), "reported_at": hours_ago(5)}
    await a_diagnostic_test(wei, resident, **told)
    answer = await guard.post("/v1/gate-look-ups", json=_ask(bridge, person))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert set(said) == {"id", "answer", "name", "lacking", "at", "keep_until"}
    assert (said["answer"], said["name"]) == ("hold", "黄*")
    assert [each["about"] for each in said["lacking"]] == ["health_code"]
    assert said["at"] < said["keep_until"]
    for hidden in (resident, home["id"], person["phone"], person["document"], "秀英"):
        assert hidden not in answer.text


async def test_it_is_noted_where_the_person_lives(
    guard: httpx.AsyncClient,
    zhou: httpx.AsyncClient,
    wei: httpx.AsyncClient,
    lin: httpx.AsyncClient,
    bridge: dict[str, Any],
):
    person = synthetic_resident(relation="head")
    home = await a_household(wei, grid="t.01.02.01", residents=[person])
    await guard.post("/v1/gate-look-ups", json=_ask(bridge, person, purpose="核对核酸结果"))
    resident = home["residents"][0]["id"]
    noted = await zhou.get("/v1/audit-entries", params={"subject_id": resident})
    [entry] = [e for e in noted.json()["items"] if e["action"] == "gates.look-up"]
    assert entry["details"]["reason"] == "核对核酸结果"
    assert entry["details"]["checkpoint_id"] == bridge["id"]
    elsewhere = await lin.get("/v1/audit-entries", params={"subject_id": resident})
    assert "gates.look-up" not in elsewhere.text


async def test_somebody_unknown_is_answered_as_somebody_without_a_record(
    guard: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    person = synthetic_resident(relation="head")
    await a_household(wei, grid="t.01.02.01", residents=[person])
    known = await guard.post("/v1/gate-look-ups", json=_ask(bridge, person))
    unknown = await guard.post("/v1/gate-look-ups", json=_ask(bridge, somebody()))
    assert unknown.status_code == known.status_code == 200
    for name in ("answer", "lacking"):
        assert unknown.json()[name] == known.json()[name]
    assert unknown.json()["name"] is None


async def test_asking_for_nobody_or_without_a_purpose_is_refused(
    guard: httpx.AsyncClient, bridge: dict[str, Any]
):
    nobody = {"checkpoint_id": bridge["id"], "purpose": "随便看看"}
    assert_problem(await guard.post("/v1/gate-look-ups", json=nobody), InvalidInput)
    short = _ask(bridge, somebody(), purpose="看")
    refused = assert_problem(await guard.post("/v1/gate-look-ups", json=short), InvalidInput)
    assert [each["pointer"] for each in refused["errors"]] == ["/body/purpose"]


async def test_one_who_searches_is_slowed_down_also_when_asking_all_at_once(
    town: Town, lin: httpx.AsyncClient, bridge: dict[str, Any]
):
    await a_shift(lin, bridge, worker="han")
    han = await town.as_("han")
    bodies = [_ask(bridge, somebody()) for _ in range(MOST + 5)]
    answers = await asyncio.gather(*(han.post("/v1/gate-look-ups", json=b) for b in bodies))
    assert sorted(each.status_code for each in answers) == [200] * MOST + [429] * 5
    slowed = next(each for each in answers if each.status_code == 429)
    assert_problem(slowed, TooMany)
    assert 0 < int(slowed.headers["Retry-After"]) <= WITHIN.total_seconds()
    later = clock.now() + WITHIN + timedelta(seconds=1)
    with time_machine.travel(later, tick=False):
        again = await han.post("/v1/gate-look-ups", json=_ask(bridge, somebody()))
    assert again.status_code == 200
