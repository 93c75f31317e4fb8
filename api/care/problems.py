"""What can stand against a call of the care line."""

from api.foundation.problems import Problem


class CallOutOfPeriod(Problem):
    """Who is not in quarantine gets no daily call, and nobody is followed up before release."""

    status = 409
    title = "不在问候或随访期内"
    detail = "每日问候限隔离期内，解除后随访限解除之后，请核对时间和类别。"
    pointer = "/body/kind"


class CallDiscarded(Problem):
    """A call that counts no more is history."""

    status = 409
    title = "通话记录已作废"
    detail = "这条通话记录已作废，不能再变更。"
