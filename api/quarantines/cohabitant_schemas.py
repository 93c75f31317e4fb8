"""Those who live with a quarantined person: who must follow, who does, and whose begin."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from api.foundation.batches import EACH_ALONE
from api.foundation.field_records import FromTheField
from api.foundation.fields import Input, Wire
from api.foundation.labels import Labelled
from api.protocols.models import CohabitantRule
from api.quarantines.models import QuarantineStatus
from api.quarantines.schemas import LARGEST_TEAM, SeatTaken

LARGEST_HOME = 50

_FOLLOWS: JsonDict = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8103",
    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
}


class CohabitantStanding(Labelled):
    """Whether somebody who lives with the person is quarantined too, and why not."""

    must_follow = "must_follow", "须随同隔离，尚未登记"
    follows = "follows", "已随同隔离"
    followed = "followed", "随同隔离已结束"
    own_quarantine = "own_quarantine", "另有隔离，不须随同"
    same_test_days = "same_test_days", "不须隔离，须同日检测"
    not_asked = "not_asked", "现阶段不要求"


class CohabitantRead(Wire):
    """One of those who live with the person."""

    resident_id: UUID = Field(description="居民")
    resident_name: str = Field(description="姓名")
    standing: CohabitantStanding
    quarantine_id: UUID | None = Field(description="此人的隔离；没有的为 null")
    quarantine_status: QuarantineStatus | None = Field(description="此人隔离的状态")
    started_on: date | None = Field(description="此人隔离的开始日期")
    planned_end_on: date | None = Field(description="此人隔离的计划解除日期")


class CohabitantsRead(Wire):
    """Everybody of the household in sight but the person; who has left it is left out."""

    quarantine_id: UUID = Field(description="所属隔离")
    household_id: UUID = Field(description="所在户")
    rule: CohabitantRule
    must_follow: int = Field(description="须随同隔离而尚未登记的人数")
    items: list[CohabitantRead] = Field(description="同住人员")


class CohabitantFollows(FromTheField):
    """Somebody who lives with the person is quarantined with them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FOLLOWS]})

    resident_id: Annotated[UUID, Field(description="随同隔离的居民")]
    team: list[SeatTaken] = Field(
        [], max_length=LARGEST_TEAM, description="包保人员；可稍后安排，但安排时须符合规则"
    )


class CohabitantsFollow(Input):
    """Those of a household who are quarantined together, each with its own outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_FOLLOWS]}]})

    items: Annotated[
        list[Annotated[CohabitantFollows, EACH_ALONE]],
        Field(min_length=1, max_length=LARGEST_HOME, description="逐条登记，互不影响"),
    ]
