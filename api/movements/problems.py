"""What can stand against a transfer, a referral to a hospital, or leave."""

from typing import ClassVar, Self

from api.foundation.labels import Labelled
from api.foundation.problems import Problem


class OutOfOrder(Problem):
    """A step that does not follow from where the order stands; `state` says where that is."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "不是这一步"
    detail: ClassVar[str] = "按现在的办理状态不能办理这一步，请重新读取后再办。"

    @classmethod
    def at(cls, status: Labelled) -> Self:
        """The same with the state named, for whoever reads it."""
        told = f"现在是“{status.label}”，不能办理这一步，请重新读取后再办。"
        return cls(told, state=status.value)


class TransferUnderWay(Problem):
    """One transfer at a time for a person."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已有转运"
    detail: ClassVar[str] = "该人员已有一条未办结的转运，不能重复申请。"
    constraints: ClassVar[tuple[str, ...]] = ("uq_transfers_one_open",)


class VehicleNotFit(Problem):
    """Who has fever, or may be positive, rides alone in an ambulance (domain 3.8)."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "车辆不合要求"
    detail: ClassVar[str] = "发热或有未关闭的发热、阳性异常的，须由负压救护车单人转运，请改派车辆。"
    pointer: ClassVar[str | None] = "/body/vehicle"


class ReferralUnderWay(Problem):
    """One stay at a hospital at a time for a person."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已在送医"
    detail: ClassVar[str] = "该人员已有一条未结束的送医记录，不能重复登记。"
    constraints: ClassVar[tuple[str, ...]] = ("uq_hospital_referrals_one_open",)


class LeaveUnderWay(Problem):
    """One leave at a time for a person."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已有外出申请"
    detail: ClassVar[str] = "该人员已有一条未结束的外出申请，不能重复申请。"
    constraints: ClassVar[tuple[str, ...]] = ("uq_leaves_one_open",)


class LeaveNotAllowed(Problem):
    """A stage of those days is one that is never left, but for a hospital (domain 3.4)."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "不得外出"
    detail: ClassVar[str] = "该人员当日所处的隔离阶段不得外出；须就医的请登记送医。"
    pointer: ClassVar[str | None] = "/body/from_at"


class LeaveNoLongerFits(Problem):
    """Its hours have gone by, or its days are now of a stage that is never left; it is rejected."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "外出申请已不能批准"
    detail: ClassVar[str] = "该外出申请按现在的情况已不能批准，请不予批准，由申请人重新申请。"
