"""What can stand against correcting a visit."""

from api.foundation.problems import Problem


class NotYourVisit(Problem):
    """A visit is corrected by who made it, who entered it, or who keeps the register."""

    status = 403
    title = "不能更正他人的走访"
    detail = "只有走访人、录入人或负责登记造册的人可以更正这条走访记录。"


class VisitDiscarded(Problem):
    """A visit that counts no more is not corrected."""

    status = 409
    title = "走访记录已作废"
    detail = "这条走访记录已作废，不能再更正；如需补记，请重新登记。"
