"""The languages that the simulator speaks, each with its own signature verified for real.

Written from the same public descriptions as the presets, but apart from the code that signs.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.foundation import clock
from api.foundation.clock import TOWNSHIP_ZONE
from api.foundation.identity import mask_identity_number
from api.health_codes.simulated import CREDENTIALS, Colour, Simulated, Standing

_FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of system reads a request, and what it says."""

    name: str
    document: Callable[[Mapping[str, str]], str]
    signed: Callable[[Mapping[str, str], Mapping[str, str], Simulated], bool]
    answer: Callable[[str, Standing], dict[str, Any]]
    refusals: Mapping[str, dict[str, Any]]


def _fresh(milliseconds: str) -> bool:
    if not milliseconds.isdigit():
        return False
    return abs(clock.now().timestamp() - int(milliseconds) / 1000) < _FRESH.total_seconds()


def _local(at: datetime) -> str:
    return f"{at.astimezone(TOWNSHIP_ZONE):%Y-%m-%d %H:%M:%S}"


def _gate_signed(told: Mapping[str, str], _: Mapping[str, str], __: Simulated) -> bool:
    ours = CREDENTIALS["gate"]
    text = "&".join(f"{name}={told[name]}" for name in sorted(told) if name != "sign")
    return (
        told.get("appId") == ours["app_id"]
        and told.get("secretKey") == ours["secret_key"]
        and _fresh(told.get("timestamp", ""))
        and told.get("sign") == hashlib.sha256(text.encode()).hexdigest().upper()
    )


_GRADES: dict[Colour, str] = {"green": "00", "yellow": "01", "red": "10"}
_REASONS: dict[Colour, str] = {"yellow": "途经中风险地区", "red": "密切接触者"}


def _gate_answer(document: str, standing: Standing) -> dict[str, Any]:
    if standing.colour == "not_found":
        return {"code": "40400", "message": "未查询到健康码"}
    until = clock.now() + timedelta(days=-1 if standing.colour == "expired" else 7)
    grade = "00" if standing.colour == "expired" else _GRADES.get(standing.colour, "77")
    data = {
        "certificate_id": mask_identity_number(document),
        "risk_assessment_grade": grade,
        "reason": _REASONS.get(standing.colour, ""),
        "guide": "请配合社区做好管控" if standing.colour == "red" else "",
        "report_date": _local(standing.since),
        "report_valid_date": _local(until),
        "report_expired": "1" if standing.colour == "expired" else "0",
    }
    return {"code": "0", "message": "success", "data": data}


def _national_document(told: Mapping[str, str]) -> str:
    return str(json.loads(told["bizExtData"])["cardId"])


def _national_signed(told: Mapping[str, str], _: Mapping[str, str], __: Simulated) -> bool:
    ours = CREDENTIALS["national"]
    text = ours["app_id"] + ours["app_secret"] + told.get("timestamp", "")
    return (
        told.get("appId") == ours["app_id"]
        and _fresh(told.get("timestamp", ""))
        and told.get("sign") == hashlib.sha256(text.encode()).hexdigest()
    )


def _national_answer(document: str, standing: Standing) -> dict[str, Any]:
    if standing.colour == "not_found":
        return {"errcode": 1004, "errmsg": "无此人健康信息", "data": None}
    # It has no word for an expired code: who tries that out must not see a green one.
    status = "00" if standing.colour == "popup" else _GRADES.get(standing.colour, "77")
    updated = _local(standing.since)
    content = {
        "person": {"desensitizeCardId": mask_identity_number(document)},
        "healthyReport": [
            {"province": "450000", "healthyStaus": "00", "updateTime": updated},
            {"province": "440000", "healthyStaus": status, "updateTime": updated},
        ],
        "yqReports": [],
    }
    warned = standing.colour == "popup"
    data = {
        "content": json.dumps({"data": content}, ensure_ascii=False),
        "hsjc": {"hsjcjg": "阴性", "hsjcjgmc": "县疾控中心", "hsjcsj": updated},
        "ktjc": {},
        "hasWarm": "时空伴随，请进行核酸检测" if warned else "未见异常",
        "warnType": "时空伴随" if warned else _REASONS.get(standing.colour, ""),
    }
    return {"errcode": 0, "errmsg": "SUCCESS", "data": data}


def _bus_signed(told: Mapping[str, str], headers: Mapping[str, str], known: Simulated) -> bool:
    ours = CREDENTIALS["bus"]
    text = ours["app_key"] + known.rotating_secret() + told.get("requestTime", "")
    return (
        headers.get("requestdept") == ours["request_department"]
        and headers.get("requestarea") == ours["request_area"]
        and _fresh(told.get("requestTime", ""))
        and told.get("sign") == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    )


def bus_secret(told: Mapping[str, str], known: Simulated) -> dict[str, Any]:
    """The answer to a request for the rotating secret."""
    ours = CREDENTIALS["bus"]
    text = ours["app_key"] + ours["app_secret"] + told.get("requestTime", "")
    if told.get("sign") != hashlib.md5(text.encode(), usedforsecurity=False).hexdigest():
        return {"code": "14", "msg": "签名错误"}
    return {"code": "00", "msg": "成功", "datas": {"requestSecret": known.rotating_secret()}}


_WORDS: dict[Colour, str] = {"green": "green", "yellow": "yellow", "red": "red", "grey": "gray"}


def _bus_answer(document: str, standing: Standing) -> dict[str, Any]:
    if standing.colour == "not_found":
        return {"code": "04", "msg": "未查询到数据", "datas": "[]"}
    found = {
        "sfzh": mask_identity_number(document),
        "mzt": _WORDS.get(standing.colour, standing.colour),
        "mffsj": _local(standing.since),
        "hmcy": _REASONS.get(standing.colour, ""),
    }
    return {"code": "00", "msg": "成功", "datas": json.dumps([found], ensure_ascii=False)}


GATE = Dialect(
    "gate",
    lambda told: told["certificate_id"],
    _gate_signed,
    _gate_answer,
    {
        "signature": {"code": "40101", "message": "签名错误"},
        "error": {"code": "50000", "message": "系统繁忙"},
    },
)
NATIONAL = Dialect(
    "national",
    _national_document,
    _national_signed,
    _national_answer,
    {
        "signature": {"errcode": 1001, "errmsg": "签名验证失败", "data": None},
        "error": {"errcode": 1050, "errmsg": "当前用户过多，请稍后重试", "data": None},
    },
)
BUS = Dialect(
    "bus",
    lambda told: told["idcardNo"],
    _bus_signed,
    _bus_answer,
    {"signature": {"code": "14", "msg": "签名错误"}, "error": {"code": "99", "msg": "服务异常"}},
)
