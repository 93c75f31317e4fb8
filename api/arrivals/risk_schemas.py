"""The list of risk areas on the wire."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api.arrivals.division_schemas import AreaPrefix
from api.foundation.batches import EACH_IN_ITS_PLACE
from api.foundation.fields import Input, LongText, RecordId, ShortText, Wire, unsaid
from api.foundation.labels import Labelled
from api.protocols.models import RiskLevel
from api.protocols.what_if_schemas import PlanningDay

LARGEST_LIST = 500

_AREA: JsonDict = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8501",
    "code_prefix": "451026",
    "name": "岭边县",
    "level": "medium",
    "from_on": "2022-02-06",
    "announcement": "县防控指挥部2022年第5号公告",
}


class RiskAreaRecord(Input):
    """A division that is at risk from a day on, by whose announcement."""

    model_config = ConfigDict(json_schema_extra={"examples": [_AREA]})

    id: RecordId
    code_prefix: Annotated[AreaPrefix, Field(description="行政区划代码的前段，含其全部下级")]
    name: Annotated[ShortText, Field(description="地区名称")]
    level: Annotated[RiskLevel, Field(description="风险等级")]
    from_on: Annotated[PlanningDay, Field(description="自哪天起（含）")]
    to_on: Annotated[PlanningDay | None, Field(description="至哪天止（含）；不填则至另行通知")] = (
        None
    )
    announcement: Annotated[LongText, Field(description="公布的文件或通告")]


class RiskAreaImport(Input):
    """A published list. What stands in it already is recognised by place, level and first day."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_AREA]}]})

    items: Annotated[
        list[Annotated[RiskAreaRecord, EACH_IN_ITS_PLACE]],
        Field(min_length=1, max_length=LARGEST_LIST, description="逐条列入，互不影响"),
    ]


class RiskAreaCorrect(Input):
    """What is to be put right; only the members that are sent are changed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to_on": "2022-02-20", "reason": "降为低风险地区"}]}
    )

    name: Annotated[ShortText, Field(description="地区名称", default_factory=unsaid)]
    from_on: Annotated[PlanningDay, Field(description="自哪天起（含）", default_factory=unsaid)]
    to_on: Annotated[PlanningDay | None, Field(description="至哪天止（含）；null 为至另行通知")] = (
        None
    )
    announcement: Annotated[LongText, Field(description="公布的文件", default_factory=unsaid)]
    reason: Annotated[ShortText, Field(description="变更的原因，将被记录")]


class RiskAreaDiscard(Input):
    """Why an entry should never have been made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "误将邻县列入"}]})

    reason: Annotated[ShortText, Field(description="作废的原因，将被记录")]


class RiskAreaRead(Wire):
    """An entry of the list."""

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号，更正时放在 If-Match 中")
    code_prefix: str = Field(description="行政区划代码的前段，含其全部下级")
    name: str = Field(description="地区名称")
    level: RiskLevel
    from_on: date = Field(description="自哪天起（含）")
    to_on: date | None = Field(description="至哪天止（含）；null 为至另行通知")
    announcement: str = Field(description="公布的文件或通告")
    entered_by: UUID = Field(description="录入的人")
    entered_at: datetime = Field(description="录入时间")
    discarded_at: datetime | None = Field(description="何时作废")


class ListedAs(Labelled):
    """What became of one entry of an imported list."""

    created = "created", "新列入"
    changed = "changed", "已按新名单变更"
    unchanged = "unchanged", "与名单一致"
    refused = "refused", "未列入"


class RiskAreaOutcome(Wire):
    """One entry's outcome; `id` is that under which it is kept, None where none was readable."""

    id: UUID | None = Field(description="名单中这一条的编号；提交的编号无法识别的为 null")
    outcome: ListedAs
    problem: dict[str, object] | None = Field(description="未列入的原因，格式同单条提交的错误")


class RiskAreasImported(Wire):
    """What became of each entry, in the order sent, and how many arrivals were classed anew."""

    items: list[RiskAreaOutcome] = Field(description="逐条的结果，按提交的次序")
    created: int = Field(description="新列入的条数")
    changed: int = Field(description="变更的条数")
    unchanged: int = Field(description="与名单一致的条数")
    refused: int = Field(description="未列入的条数")
    reclassified: int = Field(description="因此重新判定的返（来）乡人数")
