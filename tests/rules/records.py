"""For every operation that keeps a record: where it is sent, a body it accepts, and another one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import (
    a_household,
    a_quarantine,
    household_body,
    quarantine_body,
    synthetic_resident,
    visit_body,
)
from tests.cast import Town, grid_id

HOME = "t.01.01.01"


@dataclass(frozen=True)
class Sending:
    """One record about to be sent; `change` makes another body of it under the same id."""

    path: str
    body: dict[str, Any]
    change: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def another(self) -> dict[str, Any]:
        return self.body | self.change


Maker = Callable[[httpx.AsyncClient], Awaitable[Sending]]


async def _a_grid(_: httpx.AsyncClient) -> Sending:
    body = {"id": str(new_id()), "parent_id": str(grid_id("t.01.01")), "name": "柳村新组"}
    return Sending("/v1/grids", body | {"kind": "basic"}, {"name": "柳村又一组"})


async def _a_worker(_: httpx.AsyncClient) -> Sending:
    body = {"id": str(new_id()), "name": "新同志", "grid_id": str(grid_id(HOME))}
    return Sending("/v1/workers", body, {"is_party_member": True})


async def _a_post(gu: httpx.AsyncClient) -> Sending:
    worker = (await _a_worker(gu)).body
    registered = await gu.post("/v1/workers", json=worker)
    assert registered.status_code == 201, registered.text
    body = {"id": str(new_id()), "worker_id": worker["id"], "grid_id": worker["grid_id"]}
    return Sending("/v1/posts", body | {"role": "volunteer"}, {"role": "cadre"})


async def _a_new_household(_: httpx.AsyncClient) -> Sending:
    return Sending("/v1/households", household_body(grid=HOME), {"name": "改名户"})


async def _a_resident(gu: httpx.AsyncClient) -> Sending:
    home = await a_household(gu, grid=HOME)
    path = f"/v1/households/{home['id']}/residents"
    return Sending(path, synthetic_resident(), {"name": "改名"})


async def _a_visit(gu: httpx.AsyncClient) -> Sending:
    home = await a_household(gu, grid=HOME)
    return Sending("/v1/visits", visit_body(home), {"outcome": "absent"})


async def _a_care_team_policy(_: httpx.AsyncClient) -> Sending:
    body = _policy() | {"size": 4, "min_party_members": 1}
    return Sending("/v1/care-team-policies", body, {"size": 5})


async def _a_monitoring_policy(_: httpx.AsyncClient) -> Sending:
    window = {"name": "noon", "label": "中", "opens": "11:00", "closes": "13:00"}
    rules = {"windows": [window], "fever_threshold_c": 37.3, "comparator": "gte"}
    body = _policy() | rules | {"low_threshold_c": 35.0}
    return Sending("/v1/monitoring-policies", body, {"comparator": "gt"})


def _policy() -> dict[str, Any]:
    name = new_id()
    told = {"id": str(name), "code": f"rule_{name.hex[-12:]}", "name": "试行办法"}
    return told | {"legal_basis": "青竹乡防控指挥部", "effective_from": "2022-02-10"}


async def _a_new_quarantine(gu: httpx.AsyncClient) -> Sending:
    home = await a_household(gu, grid=HOME)
    body = quarantine_body(resident=home["residents"][0]["id"])
    return Sending("/v1/quarantines", body, {"reason": "high_risk_area"})


async def _whereabouts(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/quarantines/{(await a_quarantine(gu))['id']}/whereabouts"
    body = {"id": str(new_id()), "kind": "in_hospital", "since_at": clock.now().isoformat()}
    return Sending(path, body, {"kind": "away_breach"})


async def _a_reading(gu: httpx.AsyncClient) -> Sending:
    quarantine = (await a_quarantine(gu))["id"]
    body = {"id": str(new_id()), "quarantine_id": quarantine, "value_c": 36.5}
    return Sending("/v1/readings", body, {"value_c": 36.9})


MAKERS: dict[str, Maker] = {
    "open_grid": _a_grid,
    "register_worker": _a_worker,
    "appoint_post": _a_post,
    "register_household": _a_new_household,
    "register_resident": _a_resident,
    "record_visit": _a_visit,
    "make_care_team_policy": _a_care_team_policy,
    "make_monitoring_policy": _a_monitoring_policy,
    "begin_quarantine": _a_new_quarantine,
    "record_whereabouts": _whereabouts,
    "record_reading": _a_reading,
}
"""By the operation that keeps the record."""


async def a_sending(town: Town, operation: str) -> Sending:
    """A record that Gu, who may do everything, is about to send."""
    return await MAKERS[operation](await town.as_("gu"))
