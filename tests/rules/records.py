"""For every operation that keeps a record: where it is sent, a body it accepts, and another one."""

from datetime import timedelta

import httpx

from api.duties.workload_schemas import WorkKind
from api.foundation import clock
from api.foundation.records import new_id
from api.protocols.documents import EXAMPLE
from tests.builders import (
    a_household,
    a_preset_in_force,
    a_quarantine,
    a_quarantine_by_plan,
    arrival_body,
    by_plan_body,
    errand_body,
    household_body,
    quarantine_body,
    synthetic_resident,
    visit_body,
)
from tests.cast import Town, grid_id
from tests.rules import records_of_places
from tests.rules.sending import HOME, Maker, Sending, policy


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
    body = policy() | {"size": 4, "min_party_members": 1}
    return Sending("/v1/care-team-policies", body, {"size": 5})


async def _a_monitoring_policy(_: httpx.AsyncClient) -> Sending:
    window = {"name": "noon", "label": "中", "opens": "11:00", "closes": "13:00"}
    rules = {"windows": [window], "fever_threshold_c": 37.3, "comparator": "gte"}
    body = policy() | rules | {"low_threshold_c": 35.0}
    return Sending("/v1/monitoring-policies", body, {"comparator": "gt"})


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


async def _a_protocol(_: httpx.AsyncClient) -> Sending:
    told = {"name": "试行方案", "disease": "试行", "issuing_body": "青竹乡防控指挥部"}
    body = {**policy(), **told, "source": "试行办法", "document": EXAMPLE}
    return Sending("/v1/protocols", body, {"disease": "另一种"})


async def _a_preset(gu: httpx.AsyncClient) -> Sending:
    drafts = await gu.get("/v1/protocols", params={"code": "gx_3d2", "status": "draft"})
    for draft in drafts.json()["items"]:
        ended = await gu.post(f"/v1/protocols/{draft['id']}/retire", json={"reason": "另拟一份"})
        assert ended.status_code == 200, ended.text
    body = {"id": str(new_id()), "effective_from": "2022-02-10"}
    return Sending("/v1/protocol-presets/gx_3d2", body, {"effective_from": "2022-02-11"})


async def _a_copy(gu: httpx.AsyncClient) -> Sending:
    draft = (await _a_protocol(gu)).body
    kept = await gu.post("/v1/protocols", json=draft)
    assert kept.status_code == 201, kept.text
    path = f"/v1/protocols/{draft['id']}"
    active = await gu.post(f"{path}/activate", headers={"If-Match": kept.headers["etag"]})
    assert active.status_code == 200, active.text
    body = {"id": str(new_id()), "effective_from": "2022-03-10"}
    return Sending(f"{path}/copy", body, {"effective_from": "2022-03-11"})


async def _an_alert(gu: httpx.AsyncClient) -> Sending:
    home = await a_household(gu, grid=HOME)
    body = {"id": str(new_id()), "household_id": home["id"], "note": "敲门无人应答，昨晚起未见"}
    return Sending("/v1/alerts", body, {"note": "邻居称已外出"})


async def _an_alert_policy(_: httpx.AsyncClient) -> Sending:
    step = {"grid_kind": "village", "roles": ["grid_leader"], "minutes": 15}
    body = policy() | {"causes": ["reported"], "steps": [step], "grace_minutes": 0}
    return Sending("/v1/alert-policies", body, {"grace_minutes": 5})


async def _a_workload_policy(_: httpx.AsyncClient) -> Sending:
    body = policy() | {"weights": dict.fromkeys(WorkKind.labels(), 2.0), "uneven_ratio": 1.5}
    return Sending("/v1/workload-policies", body, {"uneven_ratio": 2.0})


async def _an_arrival(gu: httpx.AsyncClient) -> Sending:
    home = await a_household(gu, grid=HOME)
    return Sending("/v1/arrivals", arrival_body(home), {"name": "改名"})


async def _a_risk_area(_: httpx.AsyncClient) -> Sending:
    body = {"id": str(new_id()), "code_prefix": f"4599{new_id().int % 10**8:08d}", "name": "远山"}
    told = {"level": "medium", "from_on": "2022-02-01", "announcement": "第5号公告"}
    return Sending("/v1/risk-areas", body | told, {"level": "high"})


async def _a_test(gu: httpx.AsyncClient) -> Sending:
    home = await a_household(gu, grid=HOME)
    told = {"resident_id": home["residents"][0]["id"], "kind": "nucleic_acid"}
    body = {"id": str(new_id()), **told, "sampled_at": clock.now().isoformat()}
    return Sending("/v1/tests", body | {"outcome": "negative"}, {"kind": "antigen"})


async def _a_call(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/quarantines/{(await a_quarantine(gu))['id']}/calls"
    return Sending(path, {"id": str(new_id()), "outcome": "reached"}, {"outcome": "unreachable"})


async def _an_errand(gu: httpx.AsyncClient) -> Sending:
    body = errand_body((await a_quarantine(gu))["id"])
    return Sending("/v1/errands", body, {"quantity": "3盒"})


async def _a_directive(_: httpx.AsyncClient) -> Sending:
    told = {"grid_id": str(grid_id(HOME)), "title": "再排查", "body": "逐户反馈人数"}
    deadline = (clock.now() + timedelta(hours=6)).isoformat()
    body = {"id": str(new_id()), **told, "deadline_at": deadline}
    return Sending("/v1/directives", body, {"title": "再排查一遍"})


async def _a_transfer(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/quarantines/{(await a_quarantine(gu))['id']}/transfers"
    told = {"kind": "to_site", "reason": "家中不宜隔离", "destination": "县职校"}
    return Sending(path, {"id": str(new_id()), **told}, {"destination": "县党校"})


async def _a_referral(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/quarantines/{(await a_quarantine(gu))['id']}/hospital-referrals"
    body = {"id": str(new_id()), "hospital": "县人民医院", "reason": "发热"}
    return Sending(path, body, {"hospital": "中医院"})


async def _a_leave(gu: httpx.AsyncClient) -> Sending:
    path = f"/v1/quarantines/{(await a_quarantine(gu))['id']}/leaves"
    begins = clock.now() + timedelta(hours=1)
    told = {"from_at": begins.isoformat(), "until_at": (begins + timedelta(hours=4)).isoformat()}
    body = {"id": str(new_id()), "reason": "每周透析", "route": "家—县医院", **told}
    return Sending(path, body, {"route": "家—中医院"})


async def _the_ninth_edition(gu: httpx.AsyncClient) -> str:
    """The id of the protocol by which quarantines begin here, put in force where it is not."""
    named = {"code": "cn_v9", "status": "active"}
    kept = (await gu.get("/v1/protocols", params=named)).json()["items"]
    return (kept[0] if kept else await a_preset_in_force(gu, "cn_v9"))["id"]


async def _a_quarantine_by_plan(gu: httpx.AsyncClient) -> Sending:
    protocol = await _the_ninth_edition(gu)
    home = await a_household(gu, grid=HOME)
    body = by_plan_body(resident=home["residents"][0]["id"], protocol_id=protocol)
    return Sending("/v1/quarantines/by-plan", body, {"reason": "high_risk_area"})


async def _planned(gu: httpx.AsyncClient) -> str:
    """The address of a quarantine at home for seven days."""
    protocol = await _the_ninth_edition(gu)
    return f"/v1/quarantines/{(await a_quarantine_by_plan(gu, protocol_id=protocol))['id']}"


async def _a_site_check(gu: httpx.AsyncClient) -> Sending:
    quarantine = await _planned(gu)
    [stage] = (await gu.get(f"{quarantine}/stages")).json()["stages"]
    items = {item["code"]: True for item in stage["site_checklist"]}
    body = {"id": str(new_id()), "items": items, "note": "二楼东间"}
    return Sending(f"{quarantine}/site-checks", body, {"note": "二楼西间"})


async def _a_change(gu: httpx.AsyncClient) -> Sending:
    ends = (clock.today() + timedelta(days=8)).isoformat()
    told = {"kind": "extension", "ends_on": ends, "reason": "第7天核酸漏检"}
    body = {"id": str(new_id()), **told, "legal_basis": "青竹乡防控指挥部〔2022〕4号"}
    return Sending(f"{await _planned(gu)}/changes", body, {"reason": "第4天核酸漏检"})


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
    "begin_quarantine_by_plan": _a_quarantine_by_plan,
    "record_site_check": _a_site_check,
    "request_change": _a_change,
    "record_whereabouts": _whereabouts,
    "record_reading": _a_reading,
    "draft_protocol": _a_protocol,
    "adopt_preset": _a_preset,
    "copy_protocol": _a_copy,
    "report_alert": _an_alert,
    "make_alert_policy": _an_alert_policy,
    "make_workload_policy": _a_workload_policy,
    "record_arrival": _an_arrival,
    "list_risk_area": _a_risk_area,
    "record_test": _a_test,
    "record_call": _a_call,
    "request_errand": _an_errand,
    "issue_directive": _a_directive,
    "request_transfer": _a_transfer,
    "refer_to_hospital": _a_referral,
    "ask_for_leave": _a_leave,
    **records_of_places.MAKERS,
}
"""By the operation that keeps the record."""


async def a_sending(town: Town, operation: str) -> Sending:
    """A record that Gu, who may do everything, is about to send."""
    sending = await MAKERS[operation](await town.as_("gu"))
    for path, body in sending.before.items():
        answer = await (await town.as_("lin")).post(path, json=body)
        assert answer.status_code == 200, answer.text
    return sending
