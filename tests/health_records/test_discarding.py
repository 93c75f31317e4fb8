"""Whatever is kept of somebody's health can be discarded, each kind by the same rules."""

from typing import Any

import httpx
import pytest

from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    VersionMismatch,
    VersionMissing,
)
from api.health_records.problems import DiagnosticTestDiscarded, HealthRecordDiscarded
from tests.builders import (
    a_household,
    code_state_body,
    diagnostic_test_body,
    sample_tube_body,
    travel_card_body,
    vaccination_body,
)
from tests.cast import Town, assert_problem

WHY = {"reason": "登记到了别人名下"}
FIRST = {"If-Match": '"1"'}
KINDS = ["test", "antigen", "code_state", "travel_card", "vaccination", "tube"]


def _body(kind: str, person: str) -> tuple[str, dict[str, Any]]:
    """Where a record of a kind is sent, and what it says."""
    return {
        "test": ("/v1/tests", diagnostic_test_body(person)),
        "antigen": ("/v1/tests", diagnostic_test_body(person, kind="antigen")),
        "code_state": ("/v1/code-states", code_state_body(person)),
        "travel_card": ("/v1/travel-cards", travel_card_body(person)),
        "vaccination": ("/v1/vaccinations", vaccination_body(person)),
        "tube": ("/v1/sample-tubes", sample_tube_body([person])),
    }[kind]


async def _kept(town: Town, kind: str) -> tuple[httpx.AsyncClient, str, dict[str, Any]]:
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.01")
    path, body = _body(kind, home["residents"][0]["id"])
    kept = await (await town.as_("ming")).post(path, json=body)
    assert kept.status_code == 201, kept.text
    return await town.as_("ming"), path, body


async def _ids(client: httpx.AsyncClient, path: str, **wanted: str) -> set[str]:
    answer = await client.get(path, params={"limit": 500, **wanted})
    assert answer.status_code == 200, answer.text
    return {each["id"] for each in answer.json()["items"]}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_record_entered_in_error_counts_no_more_and_stays_readable(town: Town, kind: str):
    ming, path, body = await _kept(town, kind)
    gone = await ming.post(f"{path}/{body['id']}/discard", json=WHY, headers=FIRST)
    assert gone.status_code == 200, gone.text
    assert gone.headers["ETag"] == '"2"'
    assert (await ming.get(f"{path}/{body['id']}")).json()["discarded_at"] is not None
    assert body["id"] not in await _ids(ming, path)
    assert body["id"] in await _ids(ming, path, discarded="true")
    again = await ming.post(path, json=body)
    assert (again.status_code, again.json()["version"]) == (200, 2)
    twice = await ming.post(f"{path}/{body['id']}/discard", json=WHY, headers={"If-Match": '"2"'})
    of_tests = path == "/v1/tests"
    assert_problem(twice, DiagnosticTestDiscarded if of_tests else HealthRecordDiscarded)


@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_discarded_with_a_reason_from_its_version_by_whoever_may(town: Town, kind: str):
    ming, path, body = await _kept(town, kind)
    discard = f"{path}/{body['id']}/discard"
    for name, refusal in (("ba", NotPermitted), ("mei", NotFound), ("wei", NotFound)):
        answer = await (await town.as_(name)).post(discard, json=WHY, headers=FIRST)
        assert_problem(answer, refusal)
    assert_problem(await town.nobody().post(discard, json=WHY, headers=FIRST), NotSignedIn)
    assert_problem(await ming.post(discard, json=WHY), VersionMissing)
    stale = await ming.post(discard, json=WHY, headers={"If-Match": '"9"'})
    assert assert_problem(stale, VersionMismatch)["version"] == 1
    for silent in ({}, {"reason": "  "}):
        told = assert_problem(await ming.post(discard, json=silent, headers=FIRST), InvalidInput)
        assert [each["pointer"] for each in told["errors"]] == ["/body/reason"]
    assert body["id"] in await _ids(ming, path)
