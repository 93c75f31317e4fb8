"""What can stand against a quarantine, its care team and the whereabouts of its person."""

from typing import ClassVar

from api.foundation.problems import Problem


class AlreadyInQuarantine(Problem):
    """One quarantine at a time for a person; `quarantine_id` names the running one where seen."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已在隔离中"
    detail: ClassVar[str] = "该居民已有一条未结束的隔离记录，不能重复登记。"
    constraints: ClassVar[tuple[str, ...]] = ("uq_quarantines_one_active",)
    pointer: ClassVar[str | None] = "/body/resident_id"


class QuarantineEnded(Problem):
    """A quarantine that is over is history: no new team, no whereabouts, no second end."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "隔离已结束"
    detail: ClassVar[str] = "该隔离已经结束，不能再变更。"


class ReleaseConditionsUnmet(Problem):
    """Somebody is released when every condition holds (M3.8); `unmet` names those that do not."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "解除条件未具备"
    detail: ClassVar[str] = "解除的条件尚未具备，不能解除。"


class PeriodWithoutBasis(Problem):
    """A period is neither shortened nor extended at will: 九不准 no. 5 (M3.8)."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "缺少依据"
    detail: ClassVar[str] = "变更隔离起止日期须写明依据。"
    pointer: ClassVar[str | None] = "/body/legal_basis"


class TeamBreaksPolicy(Problem):
    """The team would not be what its policy asks for; `missing` names what it lacks (M3.2)."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "包保人员不符合规则"
    detail: ClassVar[str] = "包保人员不符合规则，未作变更。"


class WorkerOverloaded(Problem):
    """The worker serves as many persons already as the policy allows; `persons` says how many."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "包保人数已满"
    detail: ClassVar[str] = "所选人员包保的人数已达上限，请换人。"


class WorkerWithoutPost(Problem):
    """Whoever holds no active post in the township cannot take a seat."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "没有在任职务"
    detail: ClassVar[str] = "所选人员没有在任职务，不能担任包保人员。"


class NotOnTheTeam(Problem):
    """The worker who should leave has no seat on this team."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "不是包保人员"
    detail: ClassVar[str] = "该人员不是此人现有的包保人员。"


class WhereaboutsOutOfOrder(Problem):
    """Entries follow one another; a new one does not begin before the current one."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "时间早于现有去向"
    detail: ClassVar[str] = "新的去向不能早于现有去向的开始时间。"
    pointer: ClassVar[str | None] = "/body/since_at"


class SeatsNotPassedOn(Problem):
    """The successor cannot take every seat; `quarantines` names those whose team it would break."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "包保任务不能移交"
    detail: ClassVar[str] = "接任人接手后，有隔离人员的包保人员不再符合规则，未作移交。"


class PartyMemberNeeded(Problem):
    """Teams need this worker as a party member; `quarantines` names them."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "包保需要党员"
    detail: ClassVar[str] = "该人员以党员身份担任包保人员，请先更换包保人员。"


class AlreadyServed(Problem):
    """Every day of the plan had passed when control began (填平补齐): there is nothing to serve."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "管理期限已满"
    detail: ClassVar[str] = "按该方案抵扣后，各阶段在开始管控之日前均已期满，无须再管控。"


class ChangeDecided(Problem):
    """Somebody has decided it already; `decided` says how."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "申请已有结论"
    detail: ClassVar[str] = "该变更申请已经有了结论。"


class ChangeUnderWay(Problem):
    """One change at a time: the one that waits is decided or withdrawn first."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已有待审批的变更"
    detail: ClassVar[str] = "该隔离已有一项变更待审批，请先审批或撤回。"
    constraints: ClassVar[tuple[str, ...]] = ("uq_stage_changes_one_open",)


class ChangeNoLongerFits(Problem):
    """What was asked for has been overtaken by time or by another change; it is rejected."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "变更已不能执行"
    detail: ClassVar[str] = "该变更按现在的情况已不能执行，请不予批准，由申请人重新申请。"


class RunsByPlan(Problem):
    """What was laid out in stages is changed by asking for it, and somebody else approves."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "分阶段管理，须申请变更"
    detail: ClassVar[str] = "该隔离分阶段管理，措施和日期不能直接更正，请申请变更，由他人审批。"


class LinkedQuarantineUnknown(Problem):
    """The quarantine that is to be followed does not exist."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "没有所跟随的隔离"
    detail: ClassVar[str] = "没有找到所跟随的隔离记录，请核对编号。"
    constraints: ClassVar[tuple[str, ...]] = ("fk_quarantine_plans_linked_quarantine_id",)
    pointer: ClassVar[str | None] = "/body/linked_quarantine_id"


class NoContactToFollow(Problem):
    """Nothing of this quarantine waits for the tests of a contact, or only through another one."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "不跟随密接"
    detail: ClassVar[str] = (
        "该隔离的方案不要求跟随密接的检测结果；随同隔离的，请在其所随同的隔离中登记。"
    )


class NothingToCheck(Problem):
    """No stage of today or to come is served in a home that has to be looked at."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "不须核查住所"
    detail: ClassVar[str] = "该隔离现在和以后的阶段都不须核查住所。"


class NobodyFollows(Problem):
    """The running stage does not ask those who live with the person to be quarantined too."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "同住人员不须随同隔离"
    detail: ClassVar[str] = "该隔离现在的阶段不要求同住人员随同隔离。"


class NotACohabitant(Problem):
    """Who follows as a cohabitant lives in the same household now."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "不是同住人员"
    detail: ClassVar[str] = "此人不是该户现在的其他居民，不能按同住人员随同隔离。"
    pointer: ClassVar[str | None] = "/body/resident_id"
