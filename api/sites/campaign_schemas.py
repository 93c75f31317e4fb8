"""Campaigns, who has not come yet, and those who are sampled at home, on the wire."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.corrections import Replaced
from api.foundation.field_records import FromTheField
from api.foundation.fields import Day, Input, LongText, Name, RecordId, Wire, unsaid
from api.registry.models import Registration
from api.sites.models import HomeReason, SiteKind

_CAMPAIGN: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8074",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "name": "第一轮全员核酸",
    "kind": "sampling",
    "from_on": "2022-02-15",
    "to_on": "2022-02-16",
    "target": {"min_age": 1},
}
_HOME: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8075",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
    "campaign_id": "01890a5d-ac96-774b-bcce-b302099a8074",
    "reason": "mobility",
    "wanted_on": "2022-02-15",
}

Age = Annotated[int | None, Field(ge=0, le=150)]


class Target(Input):
    """Who is to come; what is left out does not narrow."""

    min_age: Annotated[Age, Field(description="最小周岁；出生日期不详的计入")] = None
    max_age: Annotated[Age, Field(description="最大周岁；出生日期不详的计入")] = None
    registrations: Annotated[
        list[Registration] | None, Field(max_length=10, description="人口类别；不填为全部")
    ] = None
    dose_number: Annotated[
        int | None, Field(ge=1, le=9, description="接种行动：应完成的剂次；不填为期间内接种即可")
    ] = None


class CampaignRecord(Input):
    """A round in which people are to come."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CAMPAIGN]})

    id: RecordId
    grid_id: Annotated[RecordId, Field(description="行动所及的网格，含其下级")]
    name: Annotated[Name, Field(description="行动名称")]
    kind: Annotated[SiteKind, Field(description="采样或接种")]
    from_on: Annotated[Day, Field(description="开始日期")]
    to_on: Annotated[Day, Field(description="结束日期，含当天")]
    target: Annotated[Target, Field(description="应到的人")] = Target()


class CampaignCorrect(Input):
    """What changes of a campaign, and why; only the members that change."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to_on": "2022-02-17", "reason": "遇大雨，顺延一天"}]}
    )

    name: Annotated[Name, Field(default_factory=unsaid, description="行动名称")]
    from_on: Annotated[Day, Field(default_factory=unsaid, description="开始日期")]
    to_on: Annotated[Day, Field(default_factory=unsaid, description="结束日期，含当天")]
    target: Annotated[Target, Field(default_factory=unsaid, description="应到的人；整项替换")]
    reason: Annotated[LongText, Field(description="理由，留存备查")]


class CampaignRead(Wire):
    """A campaign as it was announced."""

    id: UUID
    version: int
    grid_id: UUID
    name: str = Field(description="行动名称")
    kind: SiteKind
    from_on: date = Field(description="开始日期")
    to_on: date = Field(description="结束日期，含当天")
    target: Target = Field(description="应到的人")
    announced_at: datetime = Field(description="发布时间")
    announced_by: UUID = Field(description="发布的人")


class CampaignRevision(Replaced, Wire):
    """What was said of a campaign before a correction."""

    campaign: CampaignRead = Field(description="更正前的内容")


class CampaignHistory(Wire):
    """Every former version, oldest first."""

    items: list[CampaignRevision]


class Covered(Wire):
    """How many were to come, and came."""

    expected: int = Field(description="应到人数，不含 `exempt`")
    done: int = Field(description="已完成人数")
    not_yet: int = Field(description="未完成人数")
    exempt: int = Field(description="接种行动中有禁忌而未接种的人数，不计入应到；采样行动为 0")


class GridCovered(Covered):
    """The numbers of one grid with all below it."""

    grid_id: UUID
    grid_name: str


class CampaignCoverage(Wire):
    """A campaign's numbers: of the grid asked for, and of each grid directly below it."""

    whole: Covered = Field(description="所查网格及其下级合计")
    items: list[GridCovered] = Field(description="各下级网格")


class NotYet(Wire):
    """Somebody who has not come yet."""

    resident_id: UUID
    name: str = Field(description="姓名")
    grid_id: UUID
    household_id: UUID
    household_name: str
    household_number: int
    mobility_limited: bool = Field(description="是否行动不便")
    in_quarantine: bool = Field(description="是否正在隔离")
    home_sampling_id: UUID | None = Field(description="已安排的上门采样；没有则为 null")


class HomeSamplingRecord(FromTheField):
    """Somebody is to be sampled at home."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HOME]})

    resident_id: Annotated[RecordId, Field(description="需上门采样的居民")]
    campaign_id: Annotated[RecordId | None, Field(description="所属的行动")] = None
    reason: Annotated[HomeReason, Field(description="不能到点的原因")]
    wanted_on: Annotated[Day, Field(description="应上门的日期")]


class HomeSamplingAssign(Input):
    """Who goes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"worker_id": "01890a5d-ac96-774b-bcce-b302099a8003"}]}
    )

    worker_id: Annotated[RecordId, Field(description="上门的人")]


class HomeSamplingCancel(Input):
    """Why nobody goes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "家人已陪同到点采样"}]})

    reason: Annotated[LongText, Field(description="理由，留存备查")]


class HomeSamplingRead(Wire):
    """A sampling at home; the test that was taken shows that it is done."""

    id: UUID
    version: int
    resident_id: UUID
    grid_id: UUID
    campaign_id: UUID | None = Field(description="所属的行动")
    reason: HomeReason
    wanted_on: date = Field(description="应上门的日期")
    assigned_to: UUID | None = Field(description="上门的人；尚未安排的为 null")
    assigned_at: datetime | None = Field(description="安排时间")
    test_id: UUID | None = Field(description="完成采样的检测记录；未完成的为 null")
    done_at: datetime | None = Field(description="采样时间；未完成的为 null")
    cancelled_at: datetime | None = Field(description="取消时间")
    cancelled_reason: str | None = Field(description="取消的理由")
    recorded_at: datetime
    received_at: datetime
    performed_by: UUID
    entered_by: UUID
