"""What can stand against an arrival, and against the list of risk areas."""

from typing import ClassVar

from api.foundation.problems import Problem


class RiskAreaOverlaps(Problem):
    """Two entries of one place and level share days; `risk_area_id` names the one there is."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "与名单中已有的重叠"
    detail: ClassVar[str] = "同一地区、同一等级在这些日期已列入名单，请更正原有的一条。"
    constraints: ClassVar[tuple[str, ...]] = ("uq_risk_areas_once",)


class RiskAreaDiscarded(Problem):
    """An entry that was made in error counts no more, and is not corrected."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该条名单已作废"
    detail: ClassVar[str] = "该条名单已作废，不能再更正；如须列入，请重新登记。"


class AlreadyAnArrival(Problem):
    """One arrival at a time for a person; `arrival_id` names the other where it is seen."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已有返（来）乡登记"
    detail: ClassVar[str] = "此人已有一条未结束的返（来）乡登记，不能重复登记。"
    constraints: ClassVar[tuple[str, ...]] = (
        "uq_arrivals_one_present",
        "uq_arrivals_one_of_a_document",
    )


class RegisteredElsewhere(Problem):
    """The resident lives in another household; `household_id` names it."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "居民登记在另一户"
    detail: ClassVar[str] = "该居民登记在另一户，请更正到达的户，或先为其办理迁入。"


class DocumentsDiffer(Problem):
    """The arrival told another number than `resident_id` has on a document of the same kind."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "证件号与居民登记不同"
    detail: ClassVar[str] = (
        "填报的证件号与该居民登记的不同，请核对是不是同一人；有一处填错的，请先更正。"
    )


class ArrivalNotSo(Problem):
    """The arrival does not stand where the step begins; `arrival_status` says where it does."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "目前不能办理"
    detail: ClassVar[str] = "该返（来）乡登记目前的状态不能办理此事项。"


class ArrivalConfirmed(Problem):
    """A plan was confirmed already; `quarantine_id` names the quarantine that runs by it."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已确认管理方案"
    detail: ClassVar[str] = "此人的管理方案已经确认；如须变更，请在隔离中办理。"


class NothingToDecide(Problem):
    """The classification that stands was decided of already, or asks for nothing."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "没有待决定的事项"
    detail: ClassVar[str] = "此人目前没有需要决定的事项。"
