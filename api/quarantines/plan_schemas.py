"""What is told to begin a quarantine by a plan: the facts decide which, and with it every day."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, LongText, Name, ShortText
from api.protocols.what_if_schemas import FactsTold, PlanningDay
from api.quarantines.models import PlaceKind, QuarantineReason
from api.quarantines.schemas import LARGEST_TEAM, SeatTaken
from api.quarantines.stage_models import Link

_BEGIN: JsonDict = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8102",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8058",
    "reason": "medium_risk_area",
    "facts": {
        "exposure_class": "returnee",
        "risk_level": "medium",
        "area_codes": ["451023"],
        "left_risk_area_on": "2022-02-08",
        "arrived_on": "2022-02-09",
    },
    "control_started_on": "2022-02-09",
}


class QuarantineByPlan(FromTheField):
    """A resident comes under control by what the protocols in force say of these facts."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BEGIN]})

    resident_id: Annotated[UUID, Field(description="被隔离的居民")]
    reason: Annotated[QuarantineReason, Field(description="隔离原因")]
    facts: Annotated[FactsTold, Field(description="据以决定管理方案的情况")]
    control_started_on: Annotated[
        PlanningDay, Field(description="开始管控之日，最晚为今天起第31天；按该日施行的方案决定")
    ]
    protocol_id: Annotated[
        UUID | None, Field(description="只按这一版方案；不填按当日施行的各方案")
    ] = None
    disease: Annotated[
        Name | None, Field(description="疾病名称；当日施行的方案涉及多种疾病时须填写")
    ] = None
    place_kind: Annotated[
        PlaceKind | None,
        Field(description="隔离地点类别；不填则集中隔离的为集中隔离点，其余为家中"),
    ] = None
    place: Annotated[ShortText | None, Field(description="隔离地点；在本户家中的可不填")] = None
    linked_quarantine_id: Annotated[
        UUID | None, Field(description="跟随哪一条隔离：同住人员或所关联的密接")
    ] = None
    link: Annotated[Link | None, Field(description="为何跟随；填写所跟随的隔离时须填")] = None
    team: list[SeatTaken] = Field(
        [], max_length=LARGEST_TEAM, description="包保人员；可稍后安排，但安排时须符合规则"
    )


class ContactFollowed(Input):
    """Which contact a secondary contact follows, and how that came to be known."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "linked_quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8060",
                    "reason": "流调补充：与该密接同车",
                }
            ]
        }
    )

    linked_quarantine_id: Annotated[UUID, Field(description="所跟随的密接的隔离")]
    reason: Annotated[LongText, Field(min_length=4, description="理由，至少4个字，将被记录")]
