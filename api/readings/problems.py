"""What can be wrong with a reading, told so that it can be put right at the door."""

from api.foundation.problems import Problem
from api.protocols.policies import MonitoringRule


class ImplausibleValue(Problem):
    """No living person has this temperature; the thermometer or the typing is asked about again."""

    status = 422
    title = "体温不合理"
    detail = "体温不在合理范围内，请重新测量后填写。"
    pointer = "/body/value_c"

    @classmethod
    def of(cls, value_c: float, rule: MonitoringRule, *, pointer: str) -> "ImplausibleValue":
        """Ask again, with what was told and what can be."""
        lowest, highest = rule.plausible_min_c, rule.plausible_max_c
        return cls(
            f"体温 {value_c}℃ 不在合理范围（{lowest}–{highest}℃），请重新测量后填写。",
            pointer=pointer,
        )


class NotNormal(Problem):
    """“All normal” was said with a value that the policy calls abnormal."""

    status = 422
    title = "不是正常体温"
    detail = "“全部正常”所填的体温不属于正常范围，请逐人填写。"
    pointer = "/body/normal/value_c"


class QuarantineNotRunning(Problem):
    """Nobody is measured before their quarantine begins or after it has ended."""

    status = 409
    title = "不在隔离期内"
    detail = "测量时间不在该人员的隔离期内，体温没有保存。"


class WindowAlreadyMeasured(Problem):
    """The window has a reading; `reading_id` names it, and changing it is a correction."""

    status = 409
    title = "该时段已测过"
    detail = "该时段已有体温记录；如要更改，请修改原记录。"
    constraints = ("uq_readings_one_per_window",)


class ReadingDiscarded(Problem):
    """A discarded reading is history and is not corrected any more."""

    status = 409
    title = "记录已作废"
    detail = "该体温记录已作废，不能再修改。"
