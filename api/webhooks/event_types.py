"""The kinds of events that another system may ask to be told of."""

from typing import Any

from api.foundation.labels import Labelled


class WebhookEventType(Labelled):
    """What a subscription asks for; each is also a kind of the live events (`live.schemas`)."""

    quarantine_started = "quarantine.started", "隔离已登记"
    quarantine_changed = "quarantine.changed", "隔离的安排、地点或办理进度有变化"
    quarantine_released = "quarantine.released", "隔离已解除或终止"
    reading_abnormal = "reading.abnormal", "体温异常或有症状，或此后更正、作废"
    test_result = "test.result", "检测出结果，或结果更正、撤回、作废"
    alert_opened = "alert.opened", "异常发生"
    alert_climbed = "alert.climbed", "异常上报上一级"
    alert_acknowledged = "alert.acknowledged", "异常已响应"
    alert_handling = "alert.handling", "异常处置中"
    alert_resolved = "alert.resolved", "异常处置完毕"
    alert_verified = "alert.verified", "异常已核实"
    alert_reopened = "alert.reopened", "异常重新打开"


PING = "ping"
"""What is sent for a trial; nobody has to ask for it, and it is about nothing."""

_ALL: dict[str, Any] = WebhookEventType.labels()
SUBJECTS = {kind: kind.partition(".")[0] for kind in _ALL}
"""Of each kind, what it is about: a quarantine, a reading, a test or an alert."""
