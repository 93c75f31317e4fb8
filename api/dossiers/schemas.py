"""A dossier and its copies on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.dossiers.chapter import EntryKind
from api.dossiers.models import AskedBy
from api.foundation.fields import Input, LongText, Name, RecordId, Wire
from api.registry.resident_schemas import ResidentRead


class DossierEntry(Wire):
    """One thing that happened to somebody, or was done for them."""

    kind: EntryKind = Field(description="类别")
    at: datetime = Field(description="发生的时间；只有日期的为当地零时")
    what: str = Field(description="一句话说明", examples=["体温 36.5℃"])
    record_id: UUID = Field(description="所依据记录的编号")
    by: UUID | None = Field(description="办理的人；不适用的为 null")


class Dossier(Wire):
    """One page of a person's file: who it is, what is known, and what the reader may not see."""

    resident: ResidentRead = Field(description="本人，证件号和电话脱敏")
    withheld: list[EntryKind] = Field(description="因没有权限而未列出的类别")
    items: list[DossierEntry] = Field(description="按时间倒序")
    next_cursor: str | None = Field(description="下一页的游标；没有下一页时为 null")


class DossierExportAsk(Input):
    """Who asks for a copy of whose file, and how it was made sure."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8061",
                    "asked_by": "self",
                    "proof": "本人到村委会，核对了身份证原件",
                }
            ]
        }
    )

    id: RecordId
    asked_by: Annotated[AskedBy, Field(description="由谁提出")]
    asker: Annotated[Name | None, Field(description="提出者的姓名；本人提出的不填")] = None
    proof: Annotated[LongText, Field(description="如何核实了提出者的身份和资格，留存备查")]


class DossierExportRead(Wire):
    """A copy that can be fetched for a while."""

    id: UUID
    resident_id: UUID
    asked_by: AskedBy = Field(description="由谁提出")
    asker: str | None = Field(description="提出者的姓名；本人提出的为 null")
    proof: str = Field(description="如何核实了身份和资格")
    made_at: datetime = Field(description="导出时间")
    made_by: UUID = Field(description="导出的人")
    had_until: datetime = Field(description="可领取至；其后须重新导出")
    pdf_url: str = Field(description="PDF 的地址")
    json_url: str = Field(description="JSON 的地址")
