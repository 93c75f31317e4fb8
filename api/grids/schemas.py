"""What is told of the tree, and what it says of itself."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from api.access.permissions import Role
from api.foundation.fields import Day, Input, Instant, LongText, Name, RecordId, ShortText, Wire
from api.grids.models import GridKind

MOST_PARTS = 50
MOST_HOUSEHOLDS = 10_000

GridCodeText = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z-]{6,40}$",
        description="网格编码：12位行政区划代码加顺序号",
        examples=["451422201203005"],
    ),
]
Reason = Annotated[LongText, Field(description="原因", examples=["2022年2月村民小组调整"])]

_GRID = "01890a5d-ac96-774b-bcce-b302099a8001"
_OTHER_GRID = "01890a5d-ac96-774b-bcce-b302099a8002"
_HOUSEHOLD = "01890a5d-ac96-774b-bcce-b302099a8057"


class GridOpen(Input):
    """A new grid below one in reach."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _GRID, "parent_id": _OTHER_GRID, "name": "青竹村第五网格", "kind": "basic"}
            ]
        }
    )

    id: RecordId
    parent_id: Annotated[RecordId, Field(description="上级网格")]
    name: Annotated[Name, Field(description="网格名称", examples=["青竹村第五网格"])]
    kind: Annotated[GridKind, Field(description="网格类型")]
    code: Annotated[
        GridCodeText | None,
        Field(description="网格编码；不填则自动编下一个顺序号（村、社区须填写12位代码）"),
    ] = None
    opened_on: Annotated[Day | None, Field(description="设立日期；不填则为今天")] = None


class GridRename(Input):
    """Another name for a grid; its code stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "青竹村第五网格（那蒙屯）", "reason": "按屯名称呼"}]
        }
    )

    name: Annotated[Name, Field(description="网格名称")]
    reason: Annotated[ShortText | None, Field(description="更名的原因")] = None


class GridMove(Input):
    """Where a grid is to lie from now on, with all it holds."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"new_parent_id": _OTHER_GRID, "reason": "2022年2月片区调整"}]
        }
    )

    new_parent_id: Annotated[RecordId, Field(description="新的上级网格")]
    reason: Reason


class GridMerge(Input):
    """Which grid takes over everything that this one holds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"into_id": _OTHER_GRID, "reason": "两个村民小组合并"}]}
    )

    into_id: Annotated[RecordId, Field(description="并入的网格")]
    reason: Reason


class GridPart(Input):
    """One of the new grids, and the households that move into it."""

    id: RecordId
    name: Annotated[Name, Field(description="新网格名称", examples=["青竹村第六网格"])]
    code: Annotated[GridCodeText | None, Field(description="新网格编码；不填则自动编号")] = None
    household_ids: Annotated[
        list[RecordId], Field(max_length=MOST_HOUSEHOLDS, description="移入新网格的户")
    ]


class GridSplit(Input):
    """New grids beside this one, and which households move into each; the others stay."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "grids": [
                        {"id": _GRID, "name": "青竹村第六网格", "household_ids": [_HOUSEHOLD]}
                    ],
                    "reason": "户数过多，一分为二",
                }
            ]
        }
    )

    grids: Annotated[
        list[GridPart], Field(min_length=1, max_length=MOST_PARTS, description="新设的网格")
    ]
    reason: Reason


class GridClose(Input):
    """Why a grid is closed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "整屯搬迁"}]})

    reason: Reason


class LeaderRead(Wire):
    """Somebody who answers for a grid."""

    worker_id: UUID
    name: str = Field(description="姓名")
    role: Role
    title: str | None = Field(description="职务名称，如 三级网格长")


class GridRead(Wire):
    """A grid."""

    id: UUID
    version: int
    code: str = Field(description="网格编码")
    name: str
    kind: GridKind
    level: int = Field(description="层级：乡镇（街道）为 1，数字越大越靠下")
    parent_id: UUID | None = Field(description="上级网格；乡镇为 null")
    opened_on: date = Field(description="设立日期")
    closed_at: Instant | None = Field(description="关闭时间；null 为正在使用")
    merged_into_id: UUID | None = Field(description="并入的网格")


class GridNode(GridRead):
    """A grid in the tree."""

    leaders: list[LeaderRead] = Field(description="现任网格长、网格员")
    children: int = Field(description="直接下级网格数（不含已关闭的）")


class GridTree(Wire):
    """Grids in an order in which each comes after its parent."""

    items: list[GridNode]


class GridAbove(Wire):
    """A grid above, which may lie out of reach: its name, and who answers for it."""

    id: UUID
    code: str
    name: str
    kind: GridKind
    level: int
    leaders: list[LeaderRead] = Field(description="现任网格长、网格员")


class LineAbove(Wire):
    """The grids above, the township first."""

    items: list[GridAbove]


class GridParts(Wire):
    """The grids that came out of a split."""

    items: list[GridRead]
    households_moved: int = Field(description="本次移入新网格的户数")
