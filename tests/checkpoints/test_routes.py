"""Checkpoints and their rules: set up, put right, taken down, and gone by."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.checkpoints.problems import NoSuchRule
from api.foundation import clock
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from api.protocols.problems import PolicyOutOfOrder
from tests.builders import a_checkpoint, a_pass
from tests.cast import Town, assert_problem, grid_id
from tests.checkpoints.conftest import code, green, hours_ago


def _body(**told: Any) -> dict[str, Any]:
    said = {"id": str(new_id()), "grid_id": str(grid_id("t.01.01")), "name": "柳村口卡点"}
    return {**said, **told}


async def test_nobody_sees_or_sets_up_a_checkpoint_without_a_token(town: Town):
    assert_problem(await town.nobody().get("/v1/checkpoints"), NotSignedIn)
    assert_problem(await town.nobody().post("/v1/checkpoints", json=_body()), NotSignedIn)


async def test_the_neighbour_sees_none_and_sets_none_up_here(
    wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    assert_problem(await wei.get(f"/v1/checkpoints/{bridge['id']}"), NotFound)
    refused = assert_problem(await wei.post("/v1/checkpoints", json=_body()), NotFound)
    assert refused["errors"][0]["pointer"] == "/body/grid_id"
    listed = (await wei.get("/v1/checkpoints")).json()["items"]
    assert bridge["id"] not in {each["id"] for each in listed}


async def test_a_grid_worker_reads_the_checkpoints_of_the_grid_and_sets_none_up(town: Town):
    ming = await town.as_("ming")
    assert (await ming.get("/v1/checkpoints")).status_code == 200
    assert_problem(await ming.post("/v1/checkpoints", json=_body()), NotPermitted)


async def test_whoever_manages_elsewhere_and_is_on_duty_here_reads_and_changes_nothing(
    town: Town, lin: httpx.AsyncClient, wei: httpx.AsyncClient, bridge: dict[str, Any]
):
    shift = {
        "id": str(new_id()),
        "place_id": bridge["id"],
        "worker_id": (await wei.get("/v1/me")).json()["worker_id"],
        "starts_at": clock.now().isoformat(),
        "ends_at": (clock.now() + timedelta(hours=1)).isoformat(),
    }
    assert (await lin.post("/v1/duty-shifts", json=shift)).status_code == 201
    path = f"/v1/checkpoints/{bridge['id']}"
    assert (await wei.get(path)).status_code == 200
    change = {"name": "榕村的卡点", "reason": "据为己有"}
    assert_problem(await wei.patch(path, json=change, headers={"If-Match": '"1"'}), OutsideYourGrid)
    assert (await lin.get(path)).json()["name"] == bridge["name"]


async def test_a_checkpoint_is_told_whole_and_its_heads_phone_masked(lin: httpx.AsyncClient):
    body = _body(
        kind="village",
        address="柳村西口",
        authority="青竹乡派出所",
        head_name="阿依古丽·买买提",
        head_phone="138-0000-5678",
        place={"latitude": 22.1372, "longitude": 107.0689, "datum": "gcj02"},
    )
    made = await lin.post("/v1/checkpoints", json=body)
    assert made.status_code == 201, made.text
    said = made.json()
    assert said["head_phone"] == "138****5678"
    assert said["place"]["datum"] == "gcj02"
    assert (said["rule_code"], said["closed_at"]) == ("three_codes", None)
    assert made.headers["Location"] == f"/v1/checkpoints/{body['id']}"
    assert (await lin.post("/v1/checkpoints", json=body)).status_code == 200
    differs = await lin.post("/v1/checkpoints", json={**body, "head_phone": "13900000000"})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["head_phone"]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"place": {"latitude": 91, "longitude": 0, "datum": "wgs84"}}, "/body/place/latitude"),
        ({"place": {"latitude": 22.1, "longitude": 107.0}}, "/body/place/datum"),
        ({"name": "  "}, "/body/name"),
        ({"head_phone": "110"}, "/body/head_phone"),
        ({"kind": "moat"}, "/body/kind"),
    ],
)
async def test_what_is_no_checkpoint_is_refused_with_its_place(
    lin: httpx.AsyncClient, told: dict[str, Any], pointer: str
):
    refused = assert_problem(await lin.post("/v1/checkpoints", json=_body(**told)), InvalidInput)
    assert [each["pointer"] for each in refused["errors"]] == [pointer]


async def test_a_checkpoint_is_put_right_openly_and_taken_down(lin: httpx.AsyncClient):
    gate = await a_checkpoint(lin, grid="t.01.01", head_phone="13800005678")
    path = f"/v1/checkpoints/{gate['id']}"
    change = {"head_phone": None, "address": "桥东", "reason": "换人"}
    assert_problem(await lin.patch(path, json=change), VersionMissing)
    changed = await lin.patch(path, json=change, headers={"If-Match": '"1"'})
    assert (changed.json()["head_phone"], changed.json()["version"]) == (None, 2)
    assert_problem(await lin.patch(path, json=change, headers={"If-Match": '"1"'}), VersionMismatch)
    before = {"closed_at": hours_ago(24 * 90), "reason": "撤除"}
    refused = await lin.patch(path, json=before, headers={"If-Match": '"2"'})
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/body/closed_at"
    down = {"closed_at": hours_ago(0), "reason": "撤除"}
    assert (await lin.patch(path, json=down, headers={"If-Match": '"2"'})).status_code == 200
    open_now = (await lin.get("/v1/checkpoints", params={"open": "true"})).json()["items"]
    assert gate["id"] not in {each["id"] for each in open_now}
    shut = (await lin.get("/v1/checkpoints", params={"open": "false"})).json()["items"]
    assert gate["id"] in {each["id"] for each in shut}


async def test_a_checkpoint_goes_by_a_rule_that_is_in_force(lin: httpx.AsyncClient):
    unknown = await lin.post("/v1/checkpoints", json=_body(rule_code="five_codes"))
    assert assert_problem(unknown, NoSuchRule)["errors"][0]["pointer"] == "/body/rule_code"


def _rule(code: str, **told: Any) -> dict[str, Any]:
    said = {
        "id": str(new_id()),
        "code": code,
        "name": "县道卡点",
        "legal_basis": "青竹乡防控指挥部〔2022〕6号",
        "effective_from": clock.today().isoformat(),
        "proofs": [{"proof": "health_code"}],
    }
    return {**said, **told}


async def test_every_cell_begins_with_the_three_codes(lin: httpx.AsyncClient):
    answer = await lin.get("/v1/checkpoint-rules", params={"code": "three_codes"})
    rules = answer.json()["items"]
    assert [each["revision"] for each in rules] == [1, 2]
    assert [proof["proof"] for proof in rules[0]["proofs"]] == [
        "health_code",
        "travel_card",
        "negative_test",
    ]
    assert rules[0]["retention_days"] == 30
    one = await lin.get(f"/v1/checkpoint-rules/{rules[1]['id']}")
    assert one.json() == rules[1]


async def test_rules_are_the_townships(town: Town, lin: httpx.AsyncClient):
    assert_problem(await town.nobody().get("/v1/checkpoint-rules"), NotSignedIn)
    refused = await lin.post("/v1/checkpoint-rules", json=_rule("of_the_village"))
    assert_problem(refused, NotPermitted)


async def test_another_rule_decides_otherwise_at_the_checkpoints_that_go_by_it(
    zhou: httpx.AsyncClient, lin: httpx.AsyncClient
):
    proofs = [
        {"proof": "health_code", "means": {"yellow": "turn_back"}},
        {"proof": "vaccination", "doses": 2, "missing": "hold"},
    ]
    told = {"proofs": proofs, "on_unavailable": "through_with_recheck"}
    made = await zhou.post("/v1/checkpoint-rules", json=_rule("county_road", **told))
    assert made.status_code == 201, made.text
    gate = await a_checkpoint(lin, grid="t.01.01", rule_code="county_road")
    doses = {"proof": "vaccination", "doses": 2}
    for shown, verdict, recheck in (
        ([code("green"), doses], "through", False),
        ([code("green")], "hold", False),
        ([code("yellow"), doses], "turn_back", False),
        ([doses], "through", True),
    ):
        said = await a_pass(lin, gate, shown=shown)
        assert (said["verdict"], said["recheck"]) == (verdict, recheck)


async def test_a_revision_takes_the_place_of_the_former_from_its_day_on(
    zhou: httpx.AsyncClient, lin: httpx.AsyncClient
):
    first = _rule("station", proofs=[{"proof": "negative_test", "hours": 72}])
    assert (await zhou.post("/v1/checkpoint-rules", json=first)).status_code == 201
    gate = await a_checkpoint(lin, grid="t.01.01", rule_code="station")
    assert (await a_pass(lin, gate, shown=green()))["verdict"] == "through"
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    second = _rule("station", effective_from=tomorrow, proofs=[{"proof": "travel_card"}])
    made = await zhou.post("/v1/checkpoint-rules", json=second)
    assert made.json()["revision"] == 2
    assert (await a_pass(lin, gate, shown=green()))["verdict"] == "through"
    late = await zhou.post("/v1/checkpoint-rules", json=_rule("station"))
    assert_problem(late, PolicyOutOfOrder)


@pytest.mark.parametrize(
    ("proofs", "pointer"),
    [
        ([{"proof": "health_code", "means": {"red": "through"}}], "/body/proofs/0/means/red"),
        ([{"proof": "health_code", "means": {"green": "hold"}}], "/body/proofs/0/means/green"),
        (
            [{"proof": "health_code", "means": {"unavailable": "through"}}],
            "/body/proofs/0/means/unavailable",
        ),
        ([{"proof": "travel_card"}] * 2, "/body/proofs/0/proof"),
        ([{"proof": "negative_test", "hours": 0}], "/body/proofs/0/hours"),
        ([{"proof": "health_code", "systems": ["某省"]}], "/body/proofs/0/systems/0"),
        ([{"proof": "fingerprint"}], "/body/proofs/0"),
        ([], "/body/proofs"),
    ],
)
async def test_a_rule_that_must_not_be_is_refused_with_its_place(
    zhou: httpx.AsyncClient, proofs: list[dict[str, Any]], pointer: str
):
    refused = await zhou.post("/v1/checkpoint-rules", json=_rule("impossible", proofs=proofs))
    errors = assert_problem(refused, InvalidInput)["errors"]
    assert pointer in [each["pointer"] for each in errors]
