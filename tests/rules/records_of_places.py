"""Records of gates, sites, leads, health and other systems, about to be sent."""

from datetime import timedelta
from typing import Any

import httpx

from api.foundation import clock
from api.foundation.records import new_id
from tests.builders import (
    a_checkpoint,
    a_household,
    a_lead,
    a_lead_batch,
    code_state_body,
    lead_batch_body,
    lead_body,
    pass_body,
    sample_tube_body,
    shift_body,
    travel_card_body,
    vaccination_body,
    validity_policy_body,
)
from tests.cast import grid_id
from tests.rules.sending import HOME, Maker, Sending, policy


async def _a_person(gu: httpx.AsyncClient) -> str:
    return (await a_household(gu, grid=HOME))["residents"][0]["id"]


async def _a_code_state(gu: httpx.AsyncClient) -> Sending:
    body = code_state_body(await _a_person(gu))
    return Sending("/v1/code-states", body, {"state": "yellow"})


async def _a_travel_card(gu: httpx.AsyncClient) -> Sending:
    body = travel_card_body(await _a_person(gu))
    return Sending("/v1/travel-cards", body, {"colour": "yellow"})


async def _a_sample_tube(gu: httpx.AsyncClient) -> Sending:
    body = sample_tube_body([await _a_person(gu)])
    return Sending("/v1/sample-tubes", body, {"pool_size": 20})


async def _a_vaccination(gu: httpx.AsyncClient) -> Sending:
    body = vaccination_body(await _a_person(gu))
    return Sending("/v1/vaccinations", body, {"product": "另一种疫苗"})


async def _a_validity_policy(_: httpx.AsyncClient) -> Sending:
    return Sending("/v1/validity-policies", validity_policy_body() | policy(), {"name": "另一办法"})


async def _a_system(_: httpx.AsyncClient) -> Sending:
    told = {"code": f"s{new_id().hex[-8:]}", "name": "省平台", "base_url": "http://127.0.0.1:9"}
    body = {"id": str(new_id()), **told, "preset": "gate_vendor"}
    return Sending("/v1/health-code-systems", body, {"name": "另一平台"})


async def _a_batch(_: httpx.AsyncClient) -> Sending:
    return Sending(
        "/v1/lead-batches",
        lead_batch_body(grid_id=str(grid_id(HOME))),
        {"instructions": "逐人核实"},
    )


async def _a_lead_told(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/lead-batches/{(await a_lead_batch(gu))['id']}/leads"
    return Sending(path, lead_body(), {"name": "改名"})


async def _a_lead_here(gu: httpx.AsyncClient, **told: Any) -> str:
    lead = await a_lead(gu, await a_lead_batch(gu), grid_id=str(grid_id(HOME)), **told)
    return f"/v1/leads/{lead['id']}"


async def _an_attempt(gu: httpx.AsyncClient) -> Sending:
    body = {"id": str(new_id()), "kind": "phone", "reached": False}
    return Sending(f"{await _a_lead_here(gu)}/attempts", body, {"reached": True})


async def _an_answer(gu: httpx.AsyncClient) -> Sending:
    told = {"question": "health_code", "shown": "told", "health_code": {"state": "green"}}
    body = {"id": str(new_id()), **told}
    change = {"health_code": {"state": "yellow"}}
    return Sending(f"{await _a_lead_here(gu)}/answers", body, change)


async def _a_lead_transfer(gu: httpx.AsyncClient) -> Sending:
    path = await _a_lead_here(gu)
    found = {"outcome": "not_in_jurisdiction", "note": "现住外县"}
    told = {"to_code": "451026101", "to_name": "城关镇", "reason": "现住该镇"}
    body, before = {"id": str(new_id()), **told}, {f"{path}/conclude": found}
    return Sending(f"{path}/transfers", body, {"to_name": "城关乡"}, before)


async def _a_shift(gu: httpx.AsyncClient) -> Sending:
    body = shift_body(await a_checkpoint(gu, grid=HOME), worker=await _a_new_worker(gu))
    return Sending("/v1/duty-shifts", body, {"note": "带手电"})


async def _a_new_worker(gu: httpx.AsyncClient) -> str:
    body = {"id": str(new_id()), "name": "新同志", "grid_id": str(grid_id(HOME))}
    assert (await gu.post("/v1/workers", json=body)).status_code == 201
    return body["id"]


async def _a_new_checkpoint(_: httpx.AsyncClient) -> Sending:
    body = {"id": str(new_id()), "grid_id": str(grid_id(HOME)), "name": "村口卡点"}
    return Sending("/v1/checkpoints", body, {"name": "桥头卡点"})


async def _a_new_pass(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/checkpoints/{(await a_checkpoint(gu, grid=HOME))['id']}/passes"
    return Sending(path, pass_body(), {"vehicle_plate": "桂A12345"})


async def _a_rule(_: httpx.AsyncClient) -> Sending:
    body = policy() | {"proofs": [{"proof": "health_code"}]}
    return Sending("/v1/checkpoint-rules", body, {"retention_days": 15})


async def _site(gu: httpx.AsyncClient) -> str:
    since = (clock.now() - timedelta(days=1)).isoformat()
    told = {"grid_id": str(grid_id(HOME)), "name": "文化楼采样点", "kind": "sampling"}
    body = {"id": str(new_id()), **told, "opened_at": since}
    assert (await gu.post("/v1/sites", json=body)).status_code == 201
    return body["id"]


async def _a_site(_: httpx.AsyncClient) -> Sending:
    told = {"grid_id": str(grid_id(HOME)), "name": "文化楼采样点", "kind": "sampling"}
    return Sending("/v1/sites", {"id": str(new_id()), **told}, {"name": "村委会采样点"})


async def _a_session(gu: httpx.AsyncClient) -> Sending:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    span = {"starts_at": hour.isoformat(), "ends_at": (hour + timedelta(hours=3)).isoformat()}
    body = {"id": str(new_id()), "site_id": await _site(gu), **span}
    later = (hour + timedelta(hours=4)).isoformat()
    return Sending("/v1/site-sessions", body, {"ends_at": later})


async def _opened(gu: httpx.AsyncClient) -> Sending:
    planned = await _a_session(gu)
    assert (await gu.post(planned.path, json=planned.body)).status_code == 201
    path = f"{planned.path}/{planned.body['id']}"
    assert (await gu.post(f"{path}/open")).status_code == 200
    return Sending(path, planned.body)


async def _a_tally(gu: httpx.AsyncClient) -> Sending:
    opened = await _opened(gu)
    body = {"id": str(new_id()), "hour_at": opened.body["starts_at"], "people": 10}
    return Sending(f"{opened.path}/tallies", body, {"people": 11})


async def _a_trouble(gu: httpx.AsyncClient) -> Sending:
    body = {"id": str(new_id()), "kind": "supplies", "note": "采样管不够"}
    return Sending(f"{(await _opened(gu)).path}/problems", body, {"note": "试剂不够"})


async def _a_campaign(_: httpx.AsyncClient) -> Sending:
    days = {"from_on": str(clock.today()), "to_on": str(clock.today())}
    told = {"grid_id": str(grid_id(HOME)), "name": "第一轮", "kind": "sampling", **days}
    return Sending("/v1/sampling-campaigns", {"id": str(new_id()), **told}, {"name": "第二轮"})


async def _a_home_sampling(gu: httpx.AsyncClient) -> Sending:
    told = {"resident_id": await _a_person(gu), "reason": "mobility"}
    body = {"id": str(new_id()), **told, "wanted_on": str(clock.today())}
    return Sending("/v1/home-samplings", body, {"reason": "illness"})


async def _an_export(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/residents/{await _a_person(gu)}/dossier-exports"
    body = {"id": str(new_id()), "asked_by": "self", "proof": "核对了身份证原件"}
    return Sending(path, body, {"proof": "熟人"})


MAKERS: dict[str, Maker] = {
    "record_code_state": _a_code_state,
    "record_travel_card": _a_travel_card,
    "record_sample_tube": _a_sample_tube,
    "record_vaccination": _a_vaccination,
    "make_validity_policy": _a_validity_policy,
    "set_up_health_code_system": _a_system,
    "record_lead_batch": _a_batch,
    "receive_lead": _a_lead_told,
    "record_lead_attempt": _an_attempt,
    "record_lead_answer": _an_answer,
    "transfer_lead": _a_lead_transfer,
    "record_shift": _a_shift,
    "record_checkpoint": _a_new_checkpoint,
    "record_pass": _a_new_pass,
    "make_checkpoint_rule": _a_rule,
    "record_site": _a_site,
    "plan_site_session": _a_session,
    "record_session_tally": _a_tally,
    "report_site_problem": _a_trouble,
    "announce_campaign": _a_campaign,
    "ask_for_home_sampling": _a_home_sampling,
    "export_dossier": _an_export,
}
"""By the operation that keeps the record."""
