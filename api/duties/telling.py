"""What a duty asks for, in a plain Chinese sentence, and where to report that it is done."""

from collections.abc import Callable, Mapping
from typing import Any

from api.alerts.models import Cause
from api.arrivals.models import RiskLevel
from api.care.errand_models import ErrandKind
from api.foundation.labels import Labelled
from api.leads.models import LeadOutcome
from api.movements.models import TransferKind
from api.protocols.models import DiagnosticKind
from api.quarantines.stage_models import ChangeKind
from api.sites.models import SiteRole
from api.visits.models import VisitMode

Row = Mapping[str, Any]
"""A duty as `my_day` reads it."""


def _reading(row: Row) -> str:
    return f"测{row['person']}的{row['label']}体温"


def _visit(row: Row) -> str:
    if row["key"] == "unreachable":
        return f"电话没有打通，上门看望{row['person']}"
    if row["key"] in {"absent", "refused"}:
        why = "上次家中无人" if row["key"] == "absent" else "上次不配合"
        return f"{why}，再次上门走访"
    return f"上门看望{row['person']}（今日第{row['key']}次）"


def _test(row: Row) -> str:
    return f"给{row['person']}采样（{DiagnosticKind(row['key']).label}）"


def _lead(row: Row) -> str:
    if row["act"] == "contact":
        again = "结论被退回，重新" if row["key"] == "again" else "联系并"
        return f"{again}核查{row['person']}（涉疫线索）"
    if row["act"] == "review":
        return f"审核{row['person']}的线索结论（{LeadOutcome(row['key']).label}）"
    return f"{'分派' if row['act'] == 'assign' else '反馈已审核的'}线索：{row['label']}"


_SITE_ROLES = {role.value: role.label for role in SiteRole}


def _shift(row: Row) -> str:
    told = _SITE_ROLES.get(row["key"], row["key"])  # a code that a session asks for, or free text
    lacks = {"open": "，场次尚未开点", "none": "，场次尚未安排"}.get(row["act"], "")
    return f"到{row['label']}{f'（{told}）' if told else ''}值班{lacks}"


_VERBS = {
    ("alert", "acknowledge"): "响应{about}：{person}",
    ("alert", "handle"): "处置{about}：{person}",
    ("alert", "resolve"): "处置{about}完毕后报告：{person}",
    ("alert", "verify"): "核实并关闭{about}：{person}",
    ("directive", "acknowledge"): "签收指令：{label}",
    ("directive", "report"): "反馈指令：{label}",
    ("transfer", "request"): "住所核查不符合，为{person}申请转运（{about}）",
    ("transfer", "relocate"): "进入下一阶段，为{person}申请转运（{about}）",
    ("transfer", "approve"): "审批{about}：{person}",
    ("transfer", "dispatch"): "派车{about}：{person}",
    ("transfer", "pick_up"): "接{person}上车（{about}）",
    ("transfer", "hand_over"): "与接收方交接{person}（{about}）",
    ("transfer", "close"): "消毒并办结转运：{person}",
    ("referral", "return"): "{person}送医后返回时登记",
    ("referral", "note"): "{person}从医院返回时登记",
    ("leave", "decide"): "审批{person}的外出申请",
    ("leave", "out"): "{person}外出时登记",
    ("leave", "back"): "{person}返回时登记",
    ("change", "decide"): "审批{person}的隔离期限变更（{about}）",
    ("release", "decide"): "{person}期满，审批解除",
    ("arrival", "arrive"): "{person}应已到达，核实并登记",
    ("arrival", "verify"): "核实{person}的返（来）乡信息",
    ("arrival", "confirm"): "确定{person}的管理措施（{about}）",
    ("arrival", "reconsider"): "{person}已在隔离中，看是否须变更（{about}）",
    ("home_sampling", "assign"): "安排人员上门给{person}采样",
    ("home_sampling", "sample"): "上门给{person}采样",
    ("site_session", "staff"): "排班：{label}",
    ("retest", "pool"): "给{person}单采复核（所在混采管不是阴性）",
    ("retest", "antigen"): "给{person}采样做核酸确认（抗原阳性）",
    ("errand", "accept"): "接单：{about}，送给{person}",
    ("errand", "deliver"): "给{person}送达：{about}",
    ("errand", "confirm"): "向{person}确认收到：{about}",
    ("errand", "assign"): "指派或取消逾时的代办：{person}（{about}）",
    ("site_check", "check"): "核查{person}的住所是否适合居家隔离",
}
_LABELS: dict[str, type[Labelled]] = {
    "alert": Cause,
    "transfer": TransferKind,
    "change": ChangeKind,
    "arrival": RiskLevel,
    "errand": ErrandKind,
}
_SENTENCES: dict[str, Callable[[Row], str]] = {
    "reading": _reading,
    "visit": _visit,
    "test": _test,
    "lead": _lead,
    "shift": _shift,
    "call": lambda row: f"打电话问候{row['person']}",
    "follow_up": lambda row: f"随访{row['person']}（解除后第{row['key']}天）",
}


def what(row: Row) -> str:
    """The sentence; `person` is a name, or the household's where the duty is towards a door."""
    told = _SENTENCES.get(row["kind"])
    if told is not None:
        return told(row)
    kinds = _LABELS.get(row["kind"])
    about = kinds(row["label"]).label if kinds and row["label"] else ""
    pattern = _VERBS[row["kind"], row["act"]]
    return pattern.format(about=about, person=_whom(row), label=row["label"])


def _whom(row: Row) -> str:
    """Whom it concerns; of an alert about nobody, the household or the grid, its `key`."""
    place = row["key"] if row["kind"] == "alert" else None
    return row["person"] or place or "本网格"


PATHS = {
    "reading": "/v1/readings",
    "visit": "/v1/visits",
    "test": "/v1/tests",
    "retest": "/v1/tests",
    "call": "/v1/quarantines/{quarantine_id}/calls",
    "follow_up": "/v1/quarantines/{quarantine_id}/calls",
    "site_check": "/v1/quarantines/{quarantine_id}/site-checks",
    "release": "/v1/quarantines/{quarantine_id}/release",
    "alert": "/v1/alerts/{subject_id}/{act}",
    "directive": "/v1/directives/{subject_id}/{act}",
    "transfer": "/v1/transfers/{subject_id}/{act}",
    "referral": "/v1/hospital-referrals/{subject_id}/return",
    "leave": "/v1/leaves/{subject_id}/{act}",
    "change": "/v1/stage-changes/{subject_id}/{act}",
    "arrival": "/v1/arrivals/{subject_id}/{act}",
    "shift": "/v1/checkpoints/{subject_id}/passes",
    "lead": "/v1/leads/{subject_id}/{act}",
    "errand": "/v1/errands/{subject_id}/{act}",
    "home_sampling": "/v1/tests",
    "site_session": "/v1/duty-shifts",
}
ELSEWHERE = {
    ("transfer", "request"): "/v1/quarantines/{quarantine_id}/transfers",
    ("transfer", "relocate"): "/v1/quarantines/{quarantine_id}/transfers",
    ("referral", "note"): "/v1/quarantines/{quarantine_id}/whereabouts",
    ("shift", "site"): "/v1/site-sessions/{subject_id}/tallies",
    ("shift", "open"): "/v1/site-sessions/{subject_id}/open",
    ("shift", "none"): "/v1/site-sessions?site_id={subject_id}",
    ("arrival", "reconsider"): "/v1/arrivals/{subject_id}/leave-as-is",
    ("lead", "assign"): "/v1/lead-batches/{subject_id}/assign",
    ("lead", "feed_back"): "/v1/lead-batches/{subject_id}/feedback",
    ("home_sampling", "assign"): "/v1/home-samplings/{subject_id}/assign",
}
"""What is reported elsewhere than the other acts of its kind: with a record of its own, mostly."""

_ACTS = {
    "decide": "approve",
    "pick_up": "pick-up",
    "hand_over": "hand-over",
    "contact": "attempts",
}


def report(row: Row) -> dict[str, Any]:
    """Method, path and the part of the body that the duty decides."""
    act = _ACTS.get(row["act"], row["act"])
    pattern = ELSEWHERE.get((row["kind"], row["act"]), PATHS[row["kind"]])
    path = pattern.format(quarantine_id=row["quarantine_id"], subject_id=row["subject_id"], act=act)
    method = "GET" if row["act"] == "none" else "POST"  # there is nothing yet to report to
    return {"method": method, "path": path, "body": _body(row)}


def _sample(row: Row) -> dict[str, str]:
    return {"resident_id": row["resident_id"], "kind": row["key"]}


def _met(row: Row) -> dict[str, str]:
    """Who is to be seen is seen at the door; a home that met nobody may also answer by phone."""
    at_the_door = {} if row["key"] in {"absent", "refused"} else {"mode": VisitMode.visit.value}
    return {"household_id": row["household_id"], **at_the_door}


_BODIES: dict[str, Callable[[Row], dict[str, str]]] = {
    "reading": lambda row: {"quarantine_id": row["quarantine_id"], "window": row["key"]},
    "visit": _met,
    "test": _sample,
    "retest": _sample,
    "sample": _sample,
    "call": lambda _: {"kind": "daily"},
    "follow_up": lambda _: {"kind": "follow_up"},
    "return": lambda _: {"outcome": "returned"},
    "note": lambda row: {"kind": row["key"]},
    "site_session": lambda row: {"place_id": row["subject_id"]},
    "request": lambda row: {"kind": row["label"]},
    "relocate": lambda row: {"kind": row["label"]},
}
"""By kind or act: what of the body the duty decides."""


def _body(row: Row) -> dict[str, str]:
    told = _BODIES.get(row["kind"]) or _BODIES.get(row["act"])
    return told(row) if told is not None else {}
