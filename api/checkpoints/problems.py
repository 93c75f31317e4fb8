"""What can stand against a checkpoint, a pass, or a look-up at a gate."""

from api.foundation.problems import Problem


class NoSuchRule(Problem):
    """The township has no rule of this code in force today."""

    status = 422
    title = "没有该查验规则"
    detail = "没有这一代码的查验规则，或尚未施行。"
    pointer = "/body/rule_code"


class CheckpointClosed(Problem):
    """Nobody passes where no checkpoint stands yet, or no longer."""

    status = 409
    title = "卡点未启用"
    detail = "该卡点在这一时间没有启用，不能登记通行。"


class PassDiscarded(Problem):
    """A pass that counts no more is not put right."""

    status = 409
    title = "通行记录已作废"
    detail = "这条通行记录已作废，不能再更正；如需补记，请重新登记。"


class NotYourPass(Problem):
    """Whoever recorded a pass puts it right while they stand there; after that, whoever leads."""

    status = 403
    title = "不能更正他人登记的通行"
    detail = (
        "通行记录由登记人在当班时（未排班的在当天）更正或作废，其他由卡点所在网格的负责人办理。"
    )


class WhyOtherwise(Problem):
    """Who decides otherwise than the rule says why."""

    status = 422
    title = "须说明理由"
    detail = "处理结果与查验规则不一致，请写明理由。"
    pointer = "/body/decision_reason"
