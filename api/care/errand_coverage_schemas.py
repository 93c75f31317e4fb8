"""How many of those in quarantine the errand service covers, on the wire (R9: all of them)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Wire

_LINE: dict[str, Any] = {
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "grid_name": "柳村",
    "persons": 23,
    "asked": 22,
    "covered": 21,
    "open": 4,
    "late": 1,
    "share": 0.913,
}


class CoverageLine(Wire):
    """A grid with all below it: its people in quarantine, and what of their errands is open."""

    grid_id: UUID
    grid_name: str
    persons: int = Field(description="当日在隔离人数")
    asked: int = Field(description="其中登记过代办、或问过不需代办的人数")
    covered: int = Field(description="其中至少送达过一次、或问过不需代办的人数")
    open: int = Field(description="尚未送达的代办件数")
    late: int = Field(description="其中已逾时的件数")
    share: float | None = Field(description="覆盖率：covered ÷ persons；没有人隔离的为 null")


class ErrandCoverage(Wire):
    """The grid that was asked for as a whole, and each grid just below it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "as_of": "2022-02-15T04:00:00Z",
                    "day": "2022-02-15",
                    "whole": _LINE | {"grid_name": "东片"},
                    "grids": [_LINE],
                }
            ]
        }
    )

    as_of: datetime
    day: date
    whole: CoverageLine = Field(description="所查网格的合计")
    grids: list[CoverageLine] = Field(description="逐个下一级网格")


class Uncovered(Wire):
    """Somebody in quarantine whom nobody has brought anything, nor asked in vain."""

    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="尚未覆盖的居民")
    resident_name: str = Field(description="姓名")
    household_id: UUID = Field(description="所在的户")
    grid_id: UUID = Field(description="所在网格")
    started_on: date = Field(description="隔离自哪一日起")
    open: int = Field(description="尚未送达的代办件数")
