"""Errands on the wire: what is wanted, each step, and how many are covered."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.care.errand_models import ErrandKind, ErrandStatus, Payer, Word
from api.care.schemas import Why
from api.foundation.corrections import Replaced
from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Instant, LongText, RecordId, ShortText, Wire, unsaid
from api.foundation.records import Source

_HIGHEST_FEN = 10_000_000

Amount = Annotated[int, Field(ge=0, le=_HIGHEST_FEN, description="花费，单位为分", examples=[3580])]
Wanted = Annotated[LongText, Field(description="要办什么，加密保存")]
Quantity = Annotated[ShortText, Field(description="数量", examples=["20只"])]
ReceiptNumber = Annotated[ShortText, Field(description="票据号码", examples=["00123456"])]

_ERRAND: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8601",
    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "kind": "medicine",
    "wanted": "降压药硝苯地平缓释片",
    "quantity": "2盒",
}


class ErrandRecord(FromTheField):
    """What somebody in quarantine wants done, or that they were asked and want nothing (R9)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_ERRAND, "needed_by": "2022-02-15T18:00:00+08:00"}]}
    )

    quarantine_id: Annotated[RecordId, Field(description="所属隔离")]
    kind: Annotated[
        ErrandKind, Field(description="代办的种类；问过本人、不需代办的也登记，计入覆盖")
    ]
    wanted: Annotated[Wanted | None, Field(description="要办什么，加密保存；不需代办的不填")] = None
    quantity: Annotated[Quantity | None, Field(description="数量")] = None
    needed_by: Annotated[
        Instant | None, Field(description="最迟何时要；不填则为提出的当天办完")
    ] = None


class ErrandAssign(Input):
    """To whom an errand is given, by whoever leads."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"worker_id": "01890a5d-ac96-774b-bcce-b302099a8004"}]}
    )

    worker_id: Annotated[RecordId, Field(description="由谁来办")]


class ErrandDeliver(Input):
    """It was brought: when, by whom, whether without contact, and what it cost."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "contact_free": True,
                    "amount_fen": 3580,
                    "payer": "resident",
                    "receipt_number": "00123456",
                }
            ]
        }
    )

    delivered_at: Annotated[Instant | None, Field(description="何时送达；不填为现在")] = None
    delivered_by: Annotated[RecordId | None, Field(description="由谁送达；不填为本人")] = None
    contact_free: Annotated[bool, Field(description="是否无接触交接（放在门口）")]
    amount_fen: Annotated[Amount | None, Field(description="花费，单位为分；没有花费可不填")] = None
    payer: Annotated[Payer | None, Field(description="费用由谁承担；有花费的必填")] = None
    receipt_number: Annotated[ReceiptNumber | None, Field(description="票据号码")] = None


class ErrandConfirm(Input):
    """It was done as wanted, by whose word."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"word": "resident"}]})

    word: Annotated[Word, Field(description="由谁确认收到")]
    confirmed_at: Annotated[Instant | None, Field(description="何时确认；不填为现在")] = None


class ErrandCancel(Input):
    """Why nobody sees to it any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "亲属已自行送达"}]})

    reason: Annotated[ShortText, Field(description="取消的理由，将被记录")]


class ErrandCorrect(Input):
    """What was wrong with an errand: only the members that change, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"quantity": "3盒", "reason": "听错数量"}]}
    )

    kind: Annotated[ErrandKind, Field(default_factory=unsaid, description="代办的种类")]
    wanted: Annotated[Wanted, Field(default_factory=unsaid)]
    quantity: Annotated[Quantity | None, Field(description="数量；null 为删除")] = None
    needed_by: Annotated[Instant | None, Field(description="最迟何时要；null 为删除")] = None
    performed_by: Annotated[RecordId, Field(default_factory=unsaid, description="实际受理的人")]
    contact_free: Annotated[
        bool, Field(default_factory=unsaid, description="是否无接触交接；送达以后才可更正")
    ]
    amount_fen: Annotated[
        Amount | None, Field(description="花费，单位为分；送达以后才可更正，null 为删除")
    ] = None
    payer: Annotated[
        Payer | None, Field(description="费用由谁承担；送达以后才可更正，null 为删除")
    ] = None
    receipt_number: Annotated[
        ReceiptNumber | None, Field(description="票据号码；送达以后才可更正，null 为删除")
    ] = None
    reason: Why


class ErrandDiscard(Input):
    """Why an errand is to count no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "登记到了别人名下"}]})

    reason: Why


_READ: dict[str, Any] = {
    **_ERRAND,
    "version": 3,
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
    "household_id": "01890a5d-ac96-774b-bcce-b302099a8060",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a805a",
    "status": "delivered",
    "needed_by": "2022-02-15T10:00:00Z",
    "due_at": "2022-02-15T10:00:00Z",
    "accepted_at": "2022-02-15T01:05:00Z",
    "accepted_by": "01890a5d-ac96-774b-bcce-b302099a805b",
    "accepted_by_name": "韦建平",
    "delivered_at": "2022-02-15T03:40:00Z",
    "delivered_by": "01890a5d-ac96-774b-bcce-b302099a805b",
    "contact_free": True,
    "amount_fen": 3580,
    "payer": "resident",
    "receipt_number": "00123456",
    "recorded_at": "2022-02-15T01:00:00Z",
    "received_at": "2022-02-15T01:00:02Z",
    "performed_by": "01890a5d-ac96-774b-bcce-b302099a805b",
    "entered_by": "01890a5d-ac96-774b-bcce-b302099a805b",
    "source": "phone",
}


class ErrandRead(Wire):
    """An errand, and how far it has come."""

    model_config = ConfigDict(json_schema_extra={"examples": [_READ]})

    id: UUID = Field(description="代办的编号")
    version: int = Field(description="版本号，更正、作废时填入 If-Match")
    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="为哪位居民代办")
    household_id: UUID = Field(description="送到哪一户")
    grid_id: UUID = Field(description="所在网格")
    kind: ErrandKind
    status: ErrandStatus
    wanted: str | None = Field(description="要办什么；不需代办的为 null")
    quantity: str | None = Field(description="数量")
    needed_by: datetime | None = Field(description="最迟何时要；没有说明的为 null")
    due_at: datetime = Field(description="何时之前送达")
    accepted_at: datetime | None = Field(description="何时接单")
    accepted_by: UUID | None = Field(description="由谁接单")
    accepted_by_name: str | None = Field(description="接单人的姓名")
    assigned_by: UUID | None = Field(description="由谁指派；自己接单的为 null")
    purchasing_at: datetime | None = Field(description="何时开始采购")
    delivered_at: datetime | None = Field(description="何时送达")
    delivered_by: UUID | None = Field(description="由谁送达")
    contact_free: bool | None = Field(description="是否无接触交接；没有送达的为 null")
    amount_fen: int | None = Field(description="花费，单位为分")
    payer: Payer | None = Field(description="费用由谁承担")
    receipt_number: str | None = Field(description="票据号码")
    confirmed_at: datetime | None = Field(description="何时确认收到")
    confirmed_by: UUID | None = Field(description="由谁登记确认")
    word: Word | None = Field(description="由谁确认收到")
    cancelled_at: datetime | None = Field(description="何时取消")
    cancelled_by: UUID | None = Field(description="由谁取消")
    cancelled_reason: str | None = Field(description="取消的理由")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="实际受理的人")
    entered_by: UUID = Field(description="录入的人")
    source: Source
    discarded_at: datetime | None = Field(description="作废时间；有效的为 null")


class ErrandRevision(Replaced, Wire):
    """What was said of an errand before a step or a correction."""

    errand: ErrandRead = Field(description="更改前的内容")


class ErrandHistory(Wire):
    """Every former version, oldest first."""

    items: list[ErrandRevision]
