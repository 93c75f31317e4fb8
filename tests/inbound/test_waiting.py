"""How much is held for people unknown here: counted for the township and for whoever told it."""

from datetime import datetime, timedelta

import httpx
import pytest

from api.clients.problems import ScopeMissing
from api.foundation import clock, jobs
from api.foundation.database import Entry
from api.foundation.problems import NotPermitted, NotSignedIn
from tests.builders import a_household, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem
from tests.inbound.events import a_change, a_result, fates, send
from tests.machines import a_client, a_machine, ask_token

CODES, RESULTS = "health_codes:write", "test_results:write"
CHANGES, TESTS = "/v1/health-codes/changes", "/v1/test-results"


async def test_only_who_manages_integrations_sees_what_is_held(town: Town):
    assert_problem(await town.nobody().get("/v1/held-events"), NotSignedIn)
    for name in ("lin", "ming", "he"):
        answer = await (await town.as_(name)).get("/v1/held-events")
        assert_problem(answer, NotPermitted)
    machine = await a_machine(town, CODES)
    assert_problem(await machine.get("/v1/held-events"), NotSignedIn)
    assert_problem(await machine.get(f"{TESTS}/held"), ScopeMissing)
    assert_problem(await (await town.as_("zhou")).get(f"{TESTS}/held"), NotSignedIn)


@pytest.mark.parametrize("leader", ["zhou", "gu"])
async def test_it_is_counted_by_system_and_kind_and_names_nobody(town: Town, leader: str):
    client = await a_client(town, CODES, RESULTS, name=f"县平台{leader}")
    token = (await ask_token(town, client)).json()["access_token"]
    machine = town.client(token)
    people = [synthetic_resident(relation="head") for _ in range(3)]
    before = clock.now()
    assert fates(await send(machine, CHANGES, [a_change(each) for each in people])) == ["held"] * 3
    await send(machine, TESTS, [a_result(people[0])])
    told = await (await town.as_(leader)).get("/v1/held-events")
    mine = [each for each in told.json()["items"] if each["client_id"] == client["id"]]
    assert [(each["kind"], each["held"], each["matched"]) for each in mine] == [
        ("code_change", 3, 0),
        ("test_result", 1, 0),
    ]
    codes = mine[0]
    assert codes["client_name"] == f"县平台{leader}"
    assert before <= datetime.fromisoformat(codes["since_at"]) <= clock.now()
    assert codes["since_at"] < codes["next_expires_at"] <= codes["last_expires_at"]
    for person in people:
        for secret in (person["document"], person["phone"], person["name"]):
            assert secret not in told.text
    bai = await (await town.as_("bai")).get("/v1/held-events")
    assert client["id"] not in bai.text


async def test_a_system_sees_its_own_and_what_was_matched_or_forgotten(town: Town):
    machine, other = [await a_machine(town, CODES, RESULTS) for _ in range(2)]
    person = synthetic_resident(relation="head")
    await send(machine, CHANGES, [a_change(each) for each in (person, synthetic_resident())])
    await send(other, CHANGES, [a_change(synthetic_resident())])
    await a_household(await town.as_("gu"), grid="t.01.01.01", residents=[person])
    assert await _held(machine, CHANGES) == (2, 0, 0)
    await jobs.sweep(town.database, "inbound.match", TOWNSHIP)
    assert await _held(machine, CHANGES) == (1, 1, 0)
    assert await _held(machine, TESTS) == (0, 0, 0)
    assert await _held(other, CHANGES) == (1, 0, 0)
    whole = await (await town.as_("zhou")).get("/v1/held-events")
    assert (1, 1) in [(each["held"], each["matched"]) for each in whole.json()["items"]]
    late = clock.now() + timedelta(days=400)
    await jobs.sweep(town.database, "inbound.forget", TOWNSHIP, at=late)
    nothing = (await machine.get(f"{CHANGES}/held")).json()
    assert (nothing["held"], nothing["since_at"], nothing["lately_days"]) == (0, None, 7)


async def test_what_is_forgotten_today_is_counted(town: Town):
    machine = await a_machine(town, CODES)
    await send(machine, CHANGES, [a_change(synthetic_resident())])
    soon = clock.now() + timedelta(seconds=1)
    async with town.database.connection(Entry.for_the_house(TOWNSHIP)) as connection:
        await connection.execute("UPDATE held_events SET expires_at = $1", soon)
    await jobs.sweep(town.database, "inbound.forget", TOWNSHIP, at=soon)
    assert await _held(machine, CHANGES) == (0, 0, 1)


async def _held(machine: httpx.AsyncClient, path: str) -> tuple[int, int, int]:
    answer = await machine.get(f"{path}/held")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return told["held"], told["matched"], told["forgotten"]
