"""What can stand against a checkpoint, a pass, or a look-up at a gate."""

from api.foundation.problems import Problem


class NoSuchRule(Problem):
    """The township has no rule of this code in force today."""

    status = 422
    title = "没有该查验规则"
    detail = "没有这一代码的查验规则,或尚未施行。"
    pointer = "/body/rule_code"


class CheckpointClosed(Problem):
    """Nobody passes where no checkpoint stands yet, or no longer."""

    status = 409
    title = "卡点未启用"
    detail = "该卡点在这一时间没有启用,不能登记通行。"


class WhyOtherwise(Problem):
    """Who decides otherwise than the rule says why."""

    status = 422
    title = "须说明理由"
    detail = "处理结果与查验规则不一致,请写明理由。"
    pointer = "/body/decision_reason"
