"""What can stand against answering an alert."""

from api.foundation.problems import CONSTRAINTS, Problem
from api.protocols.problems import PolicyRevisionTaken

CONSTRAINTS["uq_alert_policies_code_revision"] = PolicyRevisionTaken


class AlertElsewhere(Problem):
    """The alert does not stand where this can be done; `alert_status` says where it stands."""

    status = 409
    title = "异常已不在这一步"
    detail = "该异常当前不能这样办理，请重新读取后再办。"


class AnotherAlertOpen(Problem):
    """It cannot be opened again beside one of the same cause about the same subject."""

    status = 409
    title = "已有同类异常"
    detail = "同一对象的同类异常已另有一件未办结，请在该件上办理。"
    constraints = ("uq_alerts_one_open",)
