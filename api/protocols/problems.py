"""What can stand against a policy or a protocol, and against asking one."""

from api.foundation.problems import Problem


class PolicyRevisionTaken(Problem):
    """Somebody made the next revision of this code at the same moment."""

    status = 409
    title = "规则刚被他人修订"
    detail = "该规则刚刚由他人修订，请重新读取后再提交。"
    constraints = (
        "uq_care_team_policies_code_revision",
        "uq_monitoring_policies_code_revision",
        "uq_protocols_code_revision",
        "uq_workload_policies_code_revision",
    )


class PolicyOutOfOrder(Problem):
    """A revision must take effect after the one it follows."""

    status = 409
    title = "施行日期不合先后"
    detail = "新一版的施行日期必须晚于前一版的施行日期。"
    pointer = "/body/effective_from"


class NoPolicyInForce(Problem):
    """No revision of the code is in force on the day."""

    status = 409
    title = "没有施行中的规则"
    detail = "该日没有施行中的规则，请先制定或改选规则。"


class UnknownWindow(Problem):
    """The policy has no window of this name; `windows` lists those it has."""

    status = 422
    title = "没有该时段"
    detail = "该测温规则没有这个时段，请从规定的时段中选择。"
    pointer = "/body/window"


class DraftPending(Problem):
    """One draft of a protocol at a time: the next revision is made from what is agreed."""

    status = 409
    title = "已有草稿"
    detail = "该方案已有一份草稿，请在其上修改、施行，或先停用。"
    constraints = ("uq_protocols_one_draft",)


class ProtocolNotADraft(Problem):
    """What was activated or retired never changes; another revision takes its place."""

    status = 409
    title = "方案已定"
    detail = "该方案已施行或已停用，内容不再改变；请另拟新一版。"


class ProtocolRetired(Problem):
    """It was retired before; retiring again would overwrite who did and why."""

    status = 409
    title = "方案已停用"
    detail = "该方案此前已停用。"


class NoRuleApplies(Problem):
    """No clause of what is in force concerns the person; `considered` says what was looked at."""

    status = 409
    title = "没有适用的条款"
    detail = "施行中的方案没有适用于此人的条款，未采取管控措施。"
