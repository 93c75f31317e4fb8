"""What can stand against a shift."""

from api.foundation.problems import Problem


class AlreadyOnDuty(Problem):
    """Nobody is on duty at two places at once; `starts_at` and `ends_at` tell the other shift."""

    status = 409
    title = "该时段已有值班"
    detail = "该人员在这一时段已排有其他值班。"
    pointer = "/body/worker_id"


class PlaceNotOpen(Problem):
    """Nobody is on duty where nothing stands yet, or no longer."""

    status = 409
    title = "站点未启用"
    detail = "该卡点或站点在这一时段没有启用，不能排班。"
    pointer = "/body/place_id"


class ShiftDiscarded(Problem):
    """A shift that was taken off the roster is history."""

    status = 409
    title = "值班已取消"
    detail = "这一班已取消，不能再变更。"


class ShiftsNotPassedOn(Problem):
    """The successor is on duty elsewhere; `shifts` names those that they cannot take over."""

    status = 409
    title = "值班不能交接"
    detail = "接任人在其中一些时段已有其他值班，请先调整排班。"
    pointer = "/body/successor_worker_id"
