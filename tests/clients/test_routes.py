"""Machine clients as the township manages them: let in, changed, rotated, disabled, on record."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import text

from api.clients.problems import ClientDisabled, ExpiryOutOfRange, KeysDoNotFit
from api.foundation import clock
from api.foundation.database import Entry
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from tests.cast import Town, assert_problem, grid_id
from tests.clients.keys import a_key_pair
from tests.machines import a_client, a_machine, client_body

HEALTH = "health_codes:write"


def at(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


async def test_nobody_manages_clients(town: Town):
    nobody = town.nobody()
    assert_problem(await nobody.get("/v1/machine-clients"), NotSignedIn)
    assert_problem(await nobody.post("/v1/machine-clients", json=client_body(HEALTH)), NotSignedIn)


async def test_a_village_secretary_lets_no_system_in(town: Town):
    lin = await town.as_("lin")
    body = client_body(HEALTH, grid="t.01.01")
    assert_problem(await lin.post("/v1/machine-clients", json=body), NotPermitted)


async def test_another_township_sees_no_client_of_this_one(town: Town):
    client = await a_client(town, HEALTH)
    bai = await town.as_("bai")
    path = f"/v1/machine-clients/{client['id']}"
    assert_problem(await bai.get(path), NotFound)
    assert_problem(await bai.post(f"{path}/rotate", json={}), NotFound)
    assert_problem(await bai.post(f"{path}/disable", json={"reason": "不认识"}), NotFound)
    changed = await bai.patch(path, json={"name": "改名"}, headers=at(1))
    assert_problem(changed, NotFound)
    assert client["id"] not in (await bai.get("/v1/machine-clients")).text
    elsewhere = client_body(HEALTH)  # a grid of this township
    assert_problem(await bai.post("/v1/machine-clients", json=elsewhere), NotFound)


async def test_a_system_has_no_way_to_manage_systems(town: Town):
    machine = await a_machine(town, "webhooks:manage")
    assert_problem(await machine.get("/v1/machine-clients"), NotSignedIn)


async def test_the_secret_is_told_once_and_kept_nowhere(town: Town):
    gu = await town.as_("gu")
    body = client_body(HEALTH, HEALTH, "test_results:write", name="县疾控𠮷号机")
    first = await gu.post("/v1/machine-clients", json=body)
    assert first.status_code == 201
    assert first.headers["cache-control"] == "no-store"
    told = first.json()
    secret = told["secret"]
    assert len(secret) > 40
    assert told["scopes"] == [HEALTH, "test_results:write"]
    assert (told["grid_name"], told["status"]) == ("青竹乡", "active")
    again = await gu.post("/v1/machine-clients", json=body)
    assert (again.status_code, again.json()["secret"]) == (200, None)
    read = await gu.get(first.headers["location"])
    assert secret not in read.text + (await gu.get("/v1/machine-clients")).text
    differing = await gu.post("/v1/machine-clients", json=body | {"scopes": ["status:read"]})
    assert assert_problem(differing, RecordDiffers)["fields"] == ["scopes"]
    assert not await _kept_anywhere(town, secret)


async def _kept_anywhere(town: Town, secret: str) -> bool:
    async with town.database.session(Entry.for_the_house("451422201")) as session:
        for table in ("machine_clients", "client_credentials", "audit_entries", "revisions"):
            rows = await session.scalars(text(f"SELECT t::text FROM {table} t"))
            if any(secret in row or secret.encode().hex() in row for row in rows):
                return True
    return False


async def test_sent_twice_in_the_same_moment_it_is_one_client_with_one_secret(town: Town):
    gu, body = await town.as_("gu"), client_body(HEALTH)
    answers = await asyncio.gather(*(gu.post("/v1/machine-clients", json=body) for _ in range(2)))
    assert sorted(each.status_code for each in answers) == [200, 201]
    assert sorted(each.json()["secret"] is None for each in answers) == [False, True]


async def test_bad_bodies_are_refused_with_a_pointer_and_leave_nothing(town: Town):
    gu = await town.as_("gu")
    before = (await gu.get("/v1/machine-clients?limit=500")).json()["items"]
    refused: list[tuple[dict[str, Any], str]] = [
        ({"scopes": []}, "/body/scopes"),
        ({"scopes": ["everything:write"]}, "/body/scopes/0"),
        ({"allowed_addresses": ["203.0.113.0/33"]}, "/body/allowed_addresses/0"),
        ({"allowed_addresses": ["'; DROP TABLE grids; --"]}, "/body/allowed_addresses/0"),
        ({"name": "  "}, "/body/name"),
        ({"proof": "password"}, "/body/proof"),
        ({"keys": [a_key_pair().public]}, "/body"),
        ({"proof": "private_key_jwt"}, "/body"),
        ({"proof": "private_key_jwt", "keys": [a_key_pair().private]}, "/body/keys/0/d"),
        (
            {"proof": "private_key_jwt", "keys": [a_key_pair().public | {"x": "AAAA"}]},
            "/body/keys/0",
        ),
        (
            {"proof": "private_key_jwt", "keys": [{"kty": "oct", "kid": "1"}]},
            "/body/keys/0/kty",
        ),
        (
            {"proof": "private_key_jwt", "keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]},
            "/body/keys/0",
        ),
    ]
    for change, pointer in refused:
        answer = await gu.post("/v1/machine-clients", json=client_body(HEALTH) | change)
        pointers = [each["pointer"] for each in assert_problem(answer, InvalidInput)["errors"]]
        assert pointer in pointers, (change, pointers)
    past = client_body(HEALTH, expires_at=(clock.now() - timedelta(hours=1)).isoformat())
    long = client_body(HEALTH, expires_at=(clock.now() + timedelta(days=400)).isoformat())
    for body in (past, long):
        problem = assert_problem(await gu.post("/v1/machine-clients", json=body), ExpiryOutOfRange)
        assert problem["errors"][0]["pointer"] == "/body/expires_at"
    nowhere = client_body(HEALTH) | {"grid_id": str(new_id())}
    problem = assert_problem(await gu.post("/v1/machine-clients", json=nowhere), NotFound)
    assert problem["errors"][0]["pointer"] == "/body/grid_id"
    assert (await gu.get("/v1/machine-clients?limit=500")).json()["items"] == before


async def test_what_changes_is_versioned_and_on_record(town: Town):
    gu, client = await town.as_("gu"), await a_client(town, HEALTH, "status:read")
    path = f"/v1/machine-clients/{client['id']}"
    assert_problem(await gu.patch(path, json={"name": "新名"}), VersionMissing)
    change = {"scopes": [HEALTH], "allowed_addresses": ["203.0.113.7"], "reason": "缩小范围"}
    changed = await gu.patch(path, json=change, headers=at(1))
    assert changed.status_code == 200, changed.text
    assert changed.json()["scopes"] == [HEALTH]
    assert changed.json()["allowed_addresses"] == ["203.0.113.7/32"]
    assert changed.json()["version"] == 2
    assert_problem(await gu.patch(path, json={"name": "旧版"}, headers=at(1)), VersionMismatch)
    moved = await gu.patch(path, json={"grid_id": str(grid_id("t.01.01"))}, headers=at(2))
    assert moved.json()["grid_name"] == "柳村"
    late = {"expires_at": (clock.now() + timedelta(days=500)).isoformat()}
    assert_problem(await gu.patch(path, json=late, headers=at(3)), ExpiryOutOfRange)
    entries = await _entries(gu, client["id"])
    assert [each["action"] for each in entries] == [
        "machine_clients.change",
        "machine_clients.change",
        "machine_clients.register",
    ]
    assert entries[1]["details"]["changed"] == ["allowed_addresses", "scopes"]


async def _entries(gu: httpx.AsyncClient, subject: str) -> list[dict[str, Any]]:
    return (await gu.get(f"/v1/audit-entries?subject_id={subject}")).json()["items"]


async def test_rotating_gives_a_new_secret_beside_the_former_one(town: Town):
    gu, client = await town.as_("gu"), await a_client(town, HEALTH)
    path = f"/v1/machine-clients/{client['id']}"
    rotated = (await gu.post(f"{path}/rotate", json={"overlap_hours": 2})).json()
    assert rotated["secret"] not in (None, client["secret"])
    newest, former = rotated["credentials"]
    assert newest["ends_at"] is None
    assert former["ends_at"] is not None
    at_once = (await gu.post(f"{path}/rotate", json={"overlap_hours": 0})).json()
    assert [each["ends_at"] for each in at_once["credentials"]] == [None]
    keys = {"keys": [a_key_pair().public]}
    assert_problem(await gu.post(f"{path}/rotate", json=keys), KeysDoNotFit)
    too_long = await gu.post(f"{path}/rotate", json={"overlap_hours": 169})
    assert_problem(too_long, InvalidInput)


async def test_a_disabled_client_stays_disabled(town: Town):
    gu, client = await town.as_("gu"), await a_client(town, HEALTH)
    path = f"/v1/machine-clients/{client['id']}"
    reason = {"reason": "合同到期"}
    disabled = await gu.post(f"{path}/disable", json=reason)
    assert (disabled.status_code, disabled.json()["status"]) == (200, "disabled")
    assert disabled.json()["credentials"] == []
    again = await gu.post(f"{path}/disable", json={"reason": "再停一次"})
    assert again.json()["disabled_reason"] == "合同到期"
    assert_problem(await gu.post(f"{path}/rotate", json={}), ClientDisabled)
    assert_problem(await gu.patch(path, json={"name": "新"}, headers=at(2)), ClientDisabled)


async def test_lists_are_read_page_by_page(town: Town):
    gu = await town.as_("gu")
    made = {(await a_client(town, HEALTH))["id"] for _ in range(3)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await gu.get(f"/v1/machine-clients?limit=2{cursor}")).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
