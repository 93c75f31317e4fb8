"""Whom alerts are told is data: made by the township, revised openly, refused if astray."""

from typing import Any

import pytest

from api.alerts.models import Cause
from api.foundation.problems import InvalidInput, NotPermitted, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from api.protocols.documents import EXAMPLE
from api.protocols.problems import PolicyOutOfOrder
from tests.alerts.conftest import Signed
from tests.cast import Town, assert_problem

PATH = "/v1/alert-policies"


def _step(kind: str, *roles: str, minutes: int = 15) -> dict[str, Any]:
    return {"grid_kind": kind, "roles": [*roles], "minutes": minutes}


def _policy(**told: Any) -> dict[str, Any]:
    name = new_id()
    said = {
        "id": str(name),
        "code": f"alarm_{name.hex[-8:]}",
        "name": "夜间加急上报",
        "legal_basis": "青竹乡防控指挥部〔2022〕5号",
        "effective_from": "2022-02-10",
        "causes": ["fever"],
        "steps": [_step("village", "grid_leader"), _step("township", "grid_leader", minutes=30)],
        "grace_minutes": 30,
    }
    return {**said, **told}


async def test_nobody_reads_policies_and_a_grid_worker_makes_none(town: Town, signed: Signed):
    assert_problem(await town.nobody().get(PATH), NotSignedIn)
    ming = await signed("ming")
    assert (await ming.get(PATH)).status_code == 200
    assert_problem(await ming.post(PATH, json=_policy()), NotPermitted)


async def test_a_township_begins_with_two(signed: Signed):
    read = (await (await signed("ming")).get(PATH)).json()["items"]
    assert {"urgent", "routine"} <= {each["code"] for each in read}
    causes = {each["code"]: each["causes"] for each in read if each["revision"] == 1}
    assert sorted(causes["urgent"] + causes["routine"]) == sorted(Cause)


async def test_a_policy_is_made_once_and_revised_by_the_next(signed: Signed):
    zhou, first = await signed("zhou"), _policy()
    for status in (201, 200):
        answer = await zhou.post(PATH, json=first)
        assert answer.status_code == status, answer.text
    assert answer.json() | first == answer.json()
    read = await zhou.get(answer.headers["location"])
    assert read.json() == answer.json()
    second = _policy(code=first["code"], effective_from="2022-03-01", causes=["fever", "symptom"])
    assert (await zhou.post(PATH, json=second)).json()["revision"] == 2
    both = (await zhou.get(PATH, params={"code": first["code"]})).json()["items"]
    assert [each["effective_to"] for each in both] == ["2022-02-28", None]
    late = _policy(code=first["code"])
    assert_problem(await zhou.post(PATH, json=late), PolicyOutOfOrder)
    other = first | {"grace_minutes": 10}
    assert assert_problem(await zhou.post(PATH, json=other), RecordDiffers)["fields"] == [
        "grace_minutes"
    ]


@pytest.mark.parametrize(
    ("told", "pointers"),
    [
        ({"causes": []}, ["/body/causes"]),
        ({"causes": ["fever", "fever"]}, ["/body/causes/1"]),
        ({"steps": []}, ["/body/steps"]),
        ({"steps": [_step("village")]}, ["/body/steps/0/roles"]),
        ({"steps": [_step("village", "mayor")]}, ["/body/steps/0/roles/0"]),
        ({"steps": [_step("village", "medic", minutes=0)]}, ["/body/steps/0/minutes"]),
        (
            {"steps": [_step("township", "medic", "medic"), _step("village", "grid_leader")]},
            ["/body/steps/0/roles/1", "/body/steps/1/grid_kind"],
        ),
        ({"grace_minutes": 1441}, ["/body/grace_minutes"]),
    ],
)
async def test_what_cannot_be_told_upward_is_refused_where_it_is_wrong(
    signed: Signed, told: dict[str, Any], pointers: list[str]
):
    zhou = await signed("zhou")
    said = assert_problem(await zhou.post(PATH, json=_policy(**told)), InvalidInput)
    assert [each["pointer"] for each in said["errors"]] == pointers


async def test_a_protocol_names_only_clocks_that_there_are(town: Town):
    zhou = await town.as_("zhou")
    told = {"fever": "urgent", "fewer": "urgent", "symptom": "unheard_of"}
    body = {
        "id": str(new_id()),
        "code": f"rule_{new_id().hex[-12:]}",
        "name": "试行方案",
        "disease": "试行",
        "issuing_body": "青竹乡防控指挥部",
        "legal_basis": "青竹乡防控指挥部〔2022〕6号",
        "source": "试行办法",
        "effective_from": "2022-02-10",
        "document": {**EXAMPLE, "alert_clocks": told},
    }
    refused = assert_problem(await zhou.post("/v1/protocols", json=body), InvalidInput)
    pointers = [each["pointer"] for each in refused["errors"]]
    assert pointers == [f"/body/document/alert_clocks/{each}" for each in ("fewer", "symptom")]
