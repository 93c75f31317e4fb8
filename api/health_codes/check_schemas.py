"""Asking on the wire: how a system is doing, trying it out, and what it says of a resident."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Input, Name, Phone, RecordId, ShortText, Wire
from api.foundation.identity import LONGEST_DOCUMENT, DocumentKind
from api.health_codes.answers import Trouble
from api.health_codes.breaker import Circuit
from api.health_codes.schemas import SystemCode
from api.health_records.models import CodeState

ResidentDocument = Annotated[
    str,
    Field(min_length=2, max_length=LONGEST_DOCUMENT, pattern=r"^[0-9A-Za-z()./-]+$"),
]


_ANSWER: dict[str, Any] = {
    "state": "yellow",
    "reason": None,
    "state_changed_at": "2022-02-14T16:00:00Z",
    "fetched_at": "2022-02-15T00:30:00Z",
    "valid_until": "2022-02-15T16:00:00Z",
    "extra": {"reason": "途经中风险地区"},
}


class HealthCodeSystemState(Wire):
    """How a system is doing, as this process of the service sees it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "gx_health_code",
                    "usable": True,
                    "trouble": None,
                    "circuit": "open",
                    "retry_in_seconds": 21.5,
                    "under_way": 0,
                    "remembered": 132,
                    "asked": 160,
                    "answered": 155,
                    "from_memory": 48,
                    "in_trouble": 5,
                    "last_answer_at": "2022-02-15T00:29:00Z",
                    "last_trouble": "timed_out",
                    "last_trouble_at": "2022-02-15T00:30:00Z",
                }
            ]
        }
    )

    code: Annotated[str, Field(description="系统代码")]
    usable: Annotated[bool, Field(description="能否查询：已启用，配置和密钥齐全")]
    trouble: Annotated[Trouble | None, Field(description="不能查询的原因；能查询的为 null")]
    circuit: Annotated[Circuit | None, Field(description="是否暂停查询；不能查询的为 null")]
    retry_in_seconds: Annotated[float, Field(description="暂停还有多少秒；没有暂停的为 0")]
    under_way: Annotated[int, Field(description="正在查询和排队的人数")]
    remembered: Annotated[int, Field(description="记住的有效答复数")]
    asked: Annotated[int, Field(description="查询次数")]
    answered: Annotated[int, Field(description="得到答复的次数")]
    from_memory: Annotated[int, Field(description="由记住的答复直接回答的次数")]
    in_trouble: Annotated[int, Field(description="没有得到答复的次数")]
    last_answer_at: Annotated[datetime | None, Field(description="最近一次得到答复的时间")]
    last_trouble: Annotated[Trouble | None, Field(description="最近一次没有得到答复的原因")]
    last_trouble_at: Annotated[datetime | None, Field(description="最近一次没有得到答复的时间")]


class PersonToCheck(Input):
    """Somebody by whom a system is tried out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"document": "451422199001010012", "name": "黄秀英"}]}
    )

    document_kind: Annotated[DocumentKind, Field(description="证件类别")] = (
        DocumentKind.resident_identity
    )
    document: Annotated[ResidentDocument | None, Field(description="证件号码")] = None
    name: Annotated[Name | None, Field(description="姓名")] = None
    phone: Annotated[Phone | None, Field(description="电话")] = None
    shown: Annotated[ShortText | None, Field(description="所出示二维码的内容")] = None


class RequestShown(Wire):
    """What was sent, with the secrets and the person's data masked."""

    method: Annotated[str, Field(description="请求方法")]
    url: Annotated[str, Field(description="地址")]
    headers: Annotated[dict[str, str], Field(description="请求头")]
    fields: Annotated[dict[str, Any], Field(description="内容")]


class CodeAnswer(Wire):
    """What a system said of a person's code; unavailable is not green."""

    state: CodeState
    reason: Annotated[Trouble | None, Field(description="没有查到的原因；查到的为 null")]
    state_changed_at: Annotated[
        datetime | None, Field(description="该状态自何时起；对方没有说的为 null")
    ]
    fetched_at: Annotated[datetime, Field(description="查询的时间")]
    valid_until: Annotated[
        datetime | None, Field(description="对方告知有效至何时；没有告知的为 null")
    ]


class HealthCodeCheckRead(CodeAnswer):
    """One try of a system: what was sent, and how what came back was read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_ANSWER,
                    "sent": {
                        "method": "POST",
                        "url": "https://jkm.example.gov.cn/center/api/health/code",
                        "headers": {},
                        "fields": {
                            "appId": "***",
                            "certificate_id": "451***********0012",
                            "sign": "***",
                        },
                    },
                    "http_status": 200,
                    "milliseconds": 85,
                }
            ]
        }
    )

    sent: Annotated[RequestShown | None, Field(description="发送的内容，已脱敏；没有发送的为 null")]
    http_status: Annotated[int | None, Field(description="对方答复的 HTTP 状态码")]
    milliseconds: Annotated[int | None, Field(description="用时，毫秒；没有发送的为 null")]
    extra: Annotated[dict[str, str], Field(description="另外取出的各项")]


class CodeCheckAsk(Input):
    """Ask a system about a resident now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e12", "system": "gx_health_code"}]
        }
    )

    id: Annotated[RecordId, Field(description="查到后所保存的码状态的编号，由设备生成")]
    system: Annotated[
        SystemCode | None, Field(description="向哪个系统查询；启用的只有一个时可不填")
    ] = None


class CodeCheckRead(CodeAnswer):
    """What a system said of a resident, and the record that was kept of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_ANSWER,
                    "system": "gx_health_code",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
                    "code_state_id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e12",
                }
            ]
        }
    )

    system: Annotated[str, Field(description="系统代码")]
    resident_id: UUID
    code_state_id: Annotated[
        UUID | None, Field(description="所保存的码状态；没有查到的不保存，为 null")
    ]
    extra: Annotated[dict[str, str], Field(description="另外取出的各项，如核酸检测结果")]
