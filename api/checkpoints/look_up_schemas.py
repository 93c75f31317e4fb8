"""Looking somebody up at a gate, on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.checkpoints.models import GateDecision
from api.checkpoints.pass_schemas import Documented, ReasonRead
from api.foundation.fields import LongText, PersonName, RecordId, Wire

_ASK: dict[str, Any] = {
    "checkpoint_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "document_kind": "resident_identity",
    "document": "451422199001010012",
    "phone": None,
    "name": None,
    "purpose": "自述已做核酸，手机没电",
}


class LookedUp(Documented):
    """Somebody who stands before the caller, by a document or a phone."""

    name: Annotated[PersonName | None, Field(description="姓名；按电话查询时用于区分家人")] = None

    @model_validator(mode="after")
    def _is_about_somebody(self) -> Self:
        if not (self.document or self.phone):
            raise PydanticCustomError("look_up", "证件、电话至少填写一项")
        return self


class GateLookUpAsk(LookedUp):
    """Whom a gate asks about, and why; the purpose is kept on record."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASK]})

    checkpoint_id: Annotated[RecordId, Field(description="在哪个卡点查询")]
    purpose: Annotated[LongText, Field(min_length=4, description="查询原因，至少4个字，将被记录")]


class GateLookUpRead(Wire):
    """What the gate needs, and nothing more; for somebody unknown it looks the same."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "answer": "hold",
                    "name": "黄*",
                    "lacking": [
                        {"about": "health_code", "finding": "unavailable", "decision": "hold"}
                    ],
                    "at": "2022-02-15T00:10:00Z",
                    "keep_until": "2022-02-15T01:10:00Z",
                }
            ]
        }
    )

    id: UUID
    answer: GateDecision = Field(description="按已掌握的情况如何处理")
    name: str | None = Field(description="姓名，已脱敏；没有记录的为 null")
    lacking: list[ReasonRead] = Field(description="还缺什么，或因何不能放行")
    at: datetime
    keep_until: datetime = Field(description="此结果可保留到何时，逾时应删除")
