"""What a duty asks for, in a plain Chinese sentence, and where to report that it is done."""

from collections.abc import Callable, Mapping
from typing import Any

from api.alerts.models import Cause
from api.arrivals.models import RiskLevel
from api.foundation.labels import Labelled
from api.movements.models import TransferKind
from api.protocols.models import DiagnosticKind
from api.quarantines.stage_models import ChangeKind

Row = Mapping[str, Any]
"""A duty as `my_day` reads it."""


def _reading(row: Row) -> str:
    return f"测{row['person']}的{row['label']}体温"


def _visit(row: Row) -> str:
    if row["key"] == "unreachable":
        return f"电话没有打通,上门看望{row['person']}"
    if row["key"] in {"absent", "refused"}:
        why = "上次家中无人" if row["key"] == "absent" else "上次不配合"
        return f"{why},再次上门走访"
    return f"上门看望{row['person']}(今日第{row['key']}次)"


def _test(row: Row) -> str:
    return f"给{row['person']}采样({DiagnosticKind(row['key']).label})"


_VERBS = {
    ("alert", "acknowledge"): "响应{about}:{person}",
    ("alert", "handle"): "处置{about}:{person}",
    ("alert", "resolve"): "处置{about}完毕后报告:{person}",
    ("alert", "verify"): "核实并关闭{about}:{person}",
    ("directive", "acknowledge"): "签收指令:{label}",
    ("directive", "report"): "反馈指令:{label}",
    ("transfer", "request"): "住所核查不符合,为{person}申请转运({about})",
    ("transfer", "approve"): "审批{about}:{person}",
    ("transfer", "dispatch"): "派车{about}:{person}",
    ("transfer", "pick_up"): "接{person}上车({about})",
    ("transfer", "hand_over"): "与接收方交接{person}({about})",
    ("transfer", "close"): "消毒并办结转运:{person}",
    ("leave", "decide"): "审批{person}的外出申请",
    ("leave", "out"): "{person}外出时登记",
    ("leave", "back"): "{person}返回时登记",
    ("change", "decide"): "审批{person}的隔离期限变更({about})",
    ("release", "decide"): "{person}期满,审批解除",
    ("arrival", "arrive"): "{person}应已到达,核实并登记",
    ("arrival", "verify"): "核实{person}的返(来)乡信息",
    ("arrival", "confirm"): "确定{person}的管理措施({about})",
    ("retest", "pool"): "给{person}单采复核(所在混采管不是阴性)",
    ("retest", "antigen"): "给{person}采样做核酸确认(抗原阳性)",
    ("site_check", "check"): "核查{person}的住所是否适合居家隔离",
    ("shift", "checkpoint"): "到{label}值班",
    ("shift", "site"): "到{label}值班",
}
_LABELS: dict[str, type[Labelled]] = {
    "alert": Cause,
    "transfer": TransferKind,
    "change": ChangeKind,
    "arrival": RiskLevel,
}
_SENTENCES: dict[str, Callable[[Row], str]] = {
    "reading": _reading,
    "visit": _visit,
    "test": _test,
    "call": lambda row: f"打电话问候{row['person']}",
    "follow_up": lambda row: f"随访{row['person']}(解除后第{row['key']}天)",
}


def what(row: Row) -> str:
    """The sentence; `person` is a name, or the household's where the duty is towards a door."""
    told = _SENTENCES.get(row["kind"])
    if told is not None:
        return told(row)
    kinds = _LABELS.get(row["kind"])
    about = kinds(row["label"]).label if kinds and row["label"] else ""
    pattern = _VERBS[row["kind"], row["act"]]
    return pattern.format(about=about, person=row["person"] or "本网格", label=row["label"])


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
    "leave": "/v1/leaves/{subject_id}/{act}",
    "change": "/v1/stage-changes/{subject_id}/{act}",
    "arrival": "/v1/arrivals/{subject_id}/{act}",
    "shift": "/v1/checkpoints/{subject_id}/passes",
}
_TO_BEGIN = {
    ("transfer", "request"): "/v1/quarantines/{quarantine_id}/transfers",
    ("shift", "site"): "/v1/site-sessions/{subject_id}/tallies",
}
"""What begins with a record of its own, instead of a step of one that is there."""

_ACTS = {"decide": "approve", "pick_up": "pick-up", "hand_over": "hand-over"}


def report(row: Row) -> dict[str, Any]:
    """Method, path and the part of the body that the duty decides."""
    act = _ACTS.get(row["act"], row["act"])
    pattern = _TO_BEGIN.get((row["kind"], row["act"]), PATHS[row["kind"]])
    path = pattern.format(quarantine_id=row["quarantine_id"], subject_id=row["subject_id"], act=act)
    return {"method": "POST", "path": path, "body": _body(row)}


def _body(row: Row) -> dict[str, str]:
    if row["kind"] == "reading":
        return {"quarantine_id": row["quarantine_id"], "window": row["key"]}
    if row["kind"] == "visit":
        return {"household_id": row["household_id"]}
    if row["kind"] in {"test", "retest"}:
        return {"resident_id": row["resident_id"], "kind": row["key"]}
    if row["kind"] in {"call", "follow_up"}:
        return {"kind": "daily" if row["kind"] == "call" else "follow_up"}
    if row["act"] == "request":
        return {"kind": row["label"]}
    return {}
