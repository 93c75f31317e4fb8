"""The course of a quarantine on the wire: its stages with their days, and the plan behind them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.foundation.fields import Wire
from api.protocols.models import CohabitantRule, LeaveHome, ManagementCategory
from api.protocols.what_if_schemas import TestDay
from api.quarantines.stage_models import Link

_TEST: dict[str, Any] = {
    "number": 1,
    "day_index": 1,
    "on": "2022-02-12",
    "opens_at": "2022-02-11T16:00:00Z",
    "due_at": "2022-02-12T16:00:00Z",
    "kind": "nucleic_acid",
    "samples": 1,
}
_STAGE: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8201",
    "version": 1,
    "ordinal": 1,
    "category": "home_quarantine",
    "starts_on": "2022-02-12",
    "ends_on": "2022-02-18",
    "day_number": 3,
    "counted_from": "2022-02-12",
    "day_index_base": 1,
    "credited_days": 0,
    "monitoring_policy": "twice_daily",
    "care_policy": "four_to_one",
    "tests": [_TEST],
    "visits_per_day": 2,
    "calls_per_day": 1,
    "cohabitant_rule": "quarantine_together",
    "leave_home": "approved_medical",
    "site_checklist": [{"code": "own_toilet", "label": "有独立卫生间"}],
    "site_check_due": False,
    "fallback_category": "centralized_quarantine",
}
_FOLLOWED: dict[str, Any] = {
    "protocol_id": "01890a5d-ac96-774b-bcce-b302099a8701",
    "protocol_code": "cn_v9",
    "protocol_revision": 1,
    "protocol_name": "新型冠状病毒肺炎防控方案（第九版）",
    "plan_code": "medium_risk_home_7",
    "clause": "7天内有中风险区旅居史的人员：7天居家隔离医学观察，第1、4、7天核酸。",
    "facts": {"exposure_class": "returnee", "risk_level": "medium"},
    "arrival_id": "01890a5d-ac96-774b-bcce-b302099a8601",
    "linked_quarantine_id": None,
    "link": None,
    "decided_at": "2022-02-12T09:30:00Z",
    "decided_by": "01890a5d-ac96-774b-bcce-b302099a8003",
}


class StageNow(Wire):
    """The stage of today; before the first and after the last, the nearest one."""

    id: UUID = Field(description="编号")
    ordinal: int = Field(description="第几阶段，从1起")
    category: ManagementCategory
    starts_on: date = Field(description="首日（含）")
    ends_on: date = Field(description="末日（含）")
    day_number: int | None = Field(description="今天是本阶段第几天；不在本阶段的为 null")


class ProtocolFollowed(Wire):
    """By which plan of which revision of a protocol a quarantine runs."""

    code: str = Field(description="方案代码")
    revision: int = Field(description="第几版")
    plan_code: str = Field(description="管理方案代码")


class ChecklistItemRead(Wire):
    """One thing that the home must have."""

    code: str = Field(description="核查项代码")
    label: str = Field(description="核查项")


class StageRead(StageNow):
    """One stage with its days, both included, and what is due in it."""

    version: int = Field(description="版本号")
    counted_from: date = Field(description="起算日")
    day_index_base: int = Field(description="起算日算第几天：0或1")
    credited_days: int = Field(description="抵扣的天数（填平补齐）")
    monitoring_policy: str | None = Field(description="测温规则代码；null 为不测温")
    care_policy: str | None = Field(description="包保规则代码；null 为不要求")
    tests: list[TestDay] = Field(description="须做的检测")
    visits_per_day: int = Field(description="每日上门次数")
    calls_per_day: int = Field(description="每日问候电话次数")
    cohabitant_rule: CohabitantRule
    leave_home: LeaveHome
    site_checklist: list[ChecklistItemRead] = Field(description="住所须逐项符合；空为不核查")
    site_check_due: bool = Field(description="住所是否还须核查")
    fallback_category: ManagementCategory | None = Field(description="住所不符合时改用的措施")


class PlanFollowedRead(Wire):
    """By which version of which protocol it runs, and the clause that decided."""

    protocol_id: UUID = Field(description="方案的编号")
    protocol_code: str = Field(description="方案代码")
    protocol_revision: int = Field(description="第几版")
    protocol_name: str = Field(description="方案名称")
    plan_code: str = Field(description="管理方案代码")
    clause: str = Field(description="作出决定的条款")
    facts: dict[str, Any] = Field(description="据以决定的情况")
    arrival_id: UUID | None = Field(description="由哪次返（来）乡而来")
    linked_quarantine_id: UUID | None = Field(description="跟随哪一条隔离")
    link: Link | None = Field(description="为何跟随")
    decided_at: datetime = Field(description="何时决定")
    decided_by: UUID = Field(description="由谁决定")


class StagesRead(Wire):
    """The course of one quarantine; without a plan it was begun by hand, in one stage."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "plan": _FOLLOWED,
                    "stages": [_STAGE],
                    "waiting_for_release": False,
                }
            ]
        }
    )

    quarantine_id: UUID = Field(description="所属隔离")
    plan: PlanFollowedRead | None = Field(description="所依方案；手工登记的为 null")
    stages: list[StageRead] = Field(description="各阶段，按先后")
    waiting_for_release: bool = Field(description="各阶段均已期满而尚未解除")
