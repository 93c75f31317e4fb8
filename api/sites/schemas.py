"""Sites, their sessions and who is needed there, on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.corrections import Replaced
from api.foundation.fields import (
    Datum,
    Input,
    Instant,
    LongText,
    Name,
    Place,
    RecordId,
    ShortText,
    Wire,
    unsaid,
)
from api.sites.models import SessionStatus, SiteKind, SiteRole

_SITE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8070",
    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
    "name": "村委会采样点",
    "kind": "sampling",
    "address": "柳村文化楼前",
    "hours": "每日 7:00—11:00",
    "capacity_per_hour": 200,
}
_SESSION: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8071",
    "site_id": "01890a5d-ac96-774b-bcce-b302099a8070",
    "campaign_id": None,
    "starts_at": "2022-02-15T07:00:00+08:00",
    "ends_at": "2022-02-15T11:00:00+08:00",
    "staffing": {"sampler": 2, "entry_guidance": 2, "order_keeping": 1},
}

SiteName = Annotated[Name, Field(description="站点名称")]
Address = Annotated[ShortText | None, Field(description="地址")]
Hours = Annotated[ShortText | None, Field(description="开放时间的说明")]
Capacity = Annotated[int | None, Field(ge=1, le=100_000, description="每小时能办理的人数")]
ClosedAt = Annotated[Instant | None, Field(description="停用时间；null 为一直启用")]
StartsAt = Annotated[Instant, Field(description="开始时间")]
EndsAt = Annotated[Instant, Field(description="结束时间；一场最长 24 小时")]
Number = Annotated[int, Field(ge=0, le=1000)]
Staffing = Annotated[
    dict[SiteRole, Number],
    Field(description="各岗位需要的人数", examples=[{"sampler": 2, "order_keeping": 1}]),
]
Why = Annotated[LongText, Field(description="理由，留存备查", examples=["遇大雨，改期"])]


class SiteRecord(Input):
    """A site that is set up."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SITE]})

    id: RecordId
    grid_id: Annotated[RecordId, Field(description="站点所在的网格")]
    name: SiteName
    kind: Annotated[SiteKind, Field(description="采样或接种")]
    address: Address = None
    hours: Hours = None
    capacity_per_hour: Capacity = None
    place: Annotated[Place | None, Field(description="坐标")] = None
    opened_at: Annotated[Instant | None, Field(description="启用时间；不填为现在")] = None


class SiteCorrect(Input):
    """What changes of a site; only the members that change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"capacity_per_hour": 300}]})

    name: Annotated[SiteName, Field(default_factory=unsaid)]
    address: Address = None
    hours: Hours = None
    capacity_per_hour: Capacity = None
    place: Annotated[Place | None, Field(description="坐标；null 为删除")] = None
    closed_at: ClosedAt = None


class SiteRead(Wire):
    """A site as it stands."""

    id: UUID
    version: int
    grid_id: UUID
    name: str = Field(description="站点名称")
    kind: SiteKind
    address: str | None = Field(description="地址")
    hours: str | None = Field(description="开放时间的说明")
    capacity_per_hour: int | None = Field(description="每小时能办理的人数")
    latitude: float | None = Field(description="纬度")
    longitude: float | None = Field(description="经度")
    datum: Datum | None = Field(description="坐标系")
    accuracy_m: float | None = Field(description="定位精度，米")
    opened_at: datetime = Field(description="启用时间")
    closed_at: datetime | None = Field(description="停用时间；启用中的为 null")


class SiteSessionRecord(Input):
    """One opening of a site, and whom it needs."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SESSION]})

    id: RecordId
    site_id: Annotated[RecordId, Field(description="站点的编号")]
    campaign_id: Annotated[RecordId | None, Field(description="所属的采样、接种行动")] = None
    starts_at: StartsAt
    ends_at: EndsAt
    staffing: Annotated[Staffing, Field(default_factory=dict)]


class SiteSessionCorrect(Input):
    """What changes of a session, and why; only the members that change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ends_at": "2022-02-15T12:00:00+08:00", "reason": "人多，延长一小时"}]
        }
    )

    campaign_id: Annotated[
        RecordId | None, Field(description="所属的采样、接种行动；null 为不属任何行动")
    ] = None
    starts_at: Annotated[StartsAt, Field(default_factory=unsaid)]
    ends_at: Annotated[EndsAt, Field(default_factory=unsaid)]
    staffing: Annotated[Staffing, Field(default_factory=unsaid)]
    reason: Why


class SiteSessionCancel(Input):
    """Why a session does not take place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "遇大雨，改期"}]})

    reason: Why


class SiteSessionRead(Wire):
    """A session as it stands."""

    id: UUID
    version: int
    site_id: UUID = Field(description="站点的编号")
    campaign_id: UUID | None = Field(description="所属的行动")
    grid_id: UUID
    starts_at: datetime = Field(description="开始时间")
    ends_at: datetime = Field(description="结束时间")
    staffing: dict[SiteRole, int] = Field(description="各岗位需要的人数")
    status: SessionStatus
    planned_at: datetime = Field(description="安排时间")
    planned_by: UUID = Field(description="安排的人")
    opened_at: datetime | None = Field(description="开点时间")
    closed_at: datetime | None = Field(description="收点时间")
    results_in_at: datetime | None = Field(description="结果出齐的时间")
    cancelled_reason: str | None = Field(description="取消的理由")


class SiteSessionRevision(Replaced, Wire):
    """What was said of a session before a step or a correction."""

    site_session: SiteSessionRead = Field(description="更改前的内容")


class SiteSessionHistory(Wire):
    """Every former version, oldest first."""

    items: list[SiteSessionRevision]


class OnSiteDuty(Wire):
    """Somebody who is on the roster of a session."""

    shift_id: UUID = Field(description="班次的编号")
    worker_id: UUID
    worker_name: str = Field(description="姓名")
    starts_at: datetime = Field(description="上班时间")
    ends_at: datetime = Field(description="下班时间")


class Manning(Wire):
    """One role of a session: how many are needed, who is there, how many are missing."""

    role: str = Field(description="岗位", examples=["采样"])
    needed: int = Field(description="需要的人数")
    missing: int = Field(description="尚缺的人数")
    people: list[OnSiteDuty] = Field(description="已排的人")


class SessionStaffing(Wire):
    """Who does what at a session: to the point and to the person."""

    items: list[Manning]
    missing: int = Field(description="尚缺的人数合计")
