"""What can stand against an errand."""

from api.foundation.problems import Problem


class ErrandOutOfOrder(Problem):
    """A step that does not follow from where the errand stands; `state` says where that is."""

    status = 409
    title = "代办不是这一步"
    detail = "按这件代办现在的状态不能办理这一步，请重新读取后再办。"


class ErrandTaken(Problem):
    """Somebody else was quicker; `worker_id` and `worker_name` say who has it."""

    status = 409
    title = "代办已有人接单"
    detail = "这件代办已由别人接单，不必重复办理。"


class ErrandDiscarded(Problem):
    """An errand that counts no more is history."""

    status = 409
    title = "代办已作废"
    detail = "这件代办已作废，不能再变更。"


class NotServing(Problem):
    """Whoever is given an errand must be able to see it."""

    status = 422
    title = "该人员不负责这里"
    detail = "只能指派给该人员的包保人员，或任职网格包含其住处的工作人员。"
    pointer = "/body/worker_id"
