"""Protocols on the wire: drafted, rewritten, copied, adopted from a preset, and read."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Day, Input, LongText, Name, RecordId, ShortText, Wire
from api.protocols.conditions import AreaPrefix
from api.protocols.documents import EXAMPLE, ProtocolDocument
from api.protocols.models import ProtocolStatus
from api.protocols.schemas import PolicyCode

_SAID: dict[str, Any] = {
    "name": "中风险区返乡人员居家隔离7天",
    "disease": "新型冠状病毒肺炎",
    "issuing_body": "青竹乡疫情防控指挥部",
    "legal_basis": "青竹乡防控指挥部〔2022〕7号",
    "source": "根据县指挥部通知整理",
    "region_code": "451422",
    "effective_from": "2022-07-01",
    "document": EXAMPLE,
}
_DRAFT: dict[str, Any] = {
    "id": "0193a7c0-6a10-7c3e-9f00-5d2b1c0a4e11",
    "code": "medium_risk_home",
    **_SAID,
}
_HEAD: dict[str, Any] = {
    **{name: told for name, told in _DRAFT.items() if name != "document"},
    "version": 1,
    "revision": 1,
    "status": "draft",
    "effective_to": None,
    "supersedes_id": None,
    "activated_at": None,
    "activated_by": None,
    "retired_at": None,
    "retired_by": None,
    "retired_reason": None,
}
_WHOLE = ProtocolDocument.model_validate(EXAMPLE).model_dump(mode="json")
_ADOPTION = {"id": _DRAFT["id"], "effective_from": "2022-02-10", "activate": True}


class _ProtocolSaid(Input):
    name: Annotated[ShortText, Field(description="方案名称")]
    disease: Annotated[Name, Field(description="疾病名称", examples=["新型冠状病毒肺炎"])]
    issuing_body: Annotated[ShortText, Field(description="发文机关", examples=["县防控指挥部"])]
    legal_basis: Annotated[LongText, Field(description="依据：文件名称、文号")]
    source: Annotated[LongText, Field(description="内容从何得知，哪些是当地约定")]
    region_code: Annotated[
        AreaPrefix | None, Field(description="适用地区的行政区划代码前段；不填为不限地区")
    ] = None
    effective_from: Annotated[Day, Field(description="施行日期；前一版于前一日止")]
    document: Annotated[ProtocolDocument, Field(description="方案内容")]


class ProtocolDraft(_ProtocolSaid):
    """A new protocol, or the next revision of one, as a draft."""

    id: RecordId
    code: PolicyCode

    model_config = ConfigDict(json_schema_extra={"examples": [_DRAFT]})


class ProtocolRewrite(_ProtocolSaid):
    """A draft as it shall read from now on, whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SAID]})


class ProtocolCopy(Input):
    """The next revision of a protocol as a draft that begins by saying the same."""

    id: RecordId
    effective_from: Annotated[Day, Field(description="新一版的施行日期")]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": _DRAFT["id"], "effective_from": "2022-07-10"}]}
    )


class ProtocolRetirement(Input):
    """Why a protocol is no longer used."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "上级文件已废止。"}]})

    reason: Annotated[LongText, Field(description="停用原因")]


class ProtocolListed(Wire):
    """A revision of a protocol, without its document."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HEAD]})

    id: UUID
    version: int
    code: Annotated[str, Field(description="方案代码")]
    revision: Annotated[int, Field(description="第几版，从 1 起")]
    status: ProtocolStatus
    name: Annotated[str, Field(description="方案名称")]
    disease: Annotated[str, Field(description="疾病名称")]
    issuing_body: Annotated[str, Field(description="发文机关")]
    legal_basis: Annotated[str, Field(description="依据")]
    source: Annotated[str, Field(description="内容从何得知")]
    region_code: Annotated[str | None, Field(description="适用地区代码前段；null 为不限")]
    effective_from: Annotated[date, Field(description="施行日期")]
    effective_to: Annotated[
        date | None,
        Field(description="最后施行日；null 为没有止期；早于施行日期的，未及施行即停用"),
    ]
    supersedes_id: Annotated[UUID | None, Field(description="施行时接替的前一版")]
    activated_at: Annotated[datetime | None, Field(description="批准施行的时间")]
    activated_by: Annotated[UUID | None, Field(description="批准施行的人员")]
    retired_at: Annotated[datetime | None, Field(description="停用的时间")]
    retired_by: Annotated[UUID | None, Field(description="停用的人员")]
    retired_reason: Annotated[str | None, Field(description="停用原因")]


class ProtocolRead(ProtocolListed):
    """A revision of a protocol, whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_HEAD, "document": _WHOLE}]})

    document: Annotated[ProtocolDocument, Field(description="方案内容")]


class Preset(Wire):
    """A protocol that ships with the service: it binds nobody until a township adopts it."""

    code: Annotated[str, Field(description="方案代码", examples=["gx_2022_0118"])]
    name: Annotated[str, Field(description="方案名称")]
    disease: Annotated[str, Field(description="疾病名称")]
    issuing_body: Annotated[str, Field(description="发文机关")]
    legal_basis: Annotated[str, Field(description="依据")]
    source: Annotated[str, Field(description="内容从何得知，哪些是可调整的示例")]
    region_code: Annotated[str | None, Field(description="适用地区代码前段；null 为不限")]
    document: Annotated[ProtocolDocument, Field(description="方案内容")]


class Presets(Wire):
    """The protocols that ship with the service."""

    items: list[Preset]


class PresetAdoption(Input):
    """A preset taken over by the township."""

    id: RecordId
    effective_from: Annotated[Day | None, Field(description="施行日期；不填为今天")] = None
    activate: Annotated[bool, Field(description="是否立即批准；否则为草稿，可先修改")] = False

    model_config = ConfigDict(json_schema_extra={"examples": [_ADOPTION]})
