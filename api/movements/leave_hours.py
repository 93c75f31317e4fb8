"""When somebody in quarantine may be let out at all: how long, from where, in which stages."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.problems import InvalidInput
from api.movements.models import Transfer, TransferStatus
from api.movements.problems import LeaveNotAllowed
from api.protocols.models import LeaveHome, WhereaboutsKind
from api.quarantines.models import Quarantine
from api.quarantines.moves import entry_now
from api.quarantines.stage_models import QuarantineStage
from api.quarantines.stages import stage_shown

LONGEST: Final = timedelta(hours=72)
"""To a hospital of the city and back; who stays away is referred or transferred."""
_INSTANT = timedelta(microseconds=1)


def refuse_hours(stages: Sequence[QuarantineStage], from_at: datetime, until_at: datetime) -> None:
    """Raise `InvalidInput` for hours that are over, too long or outside the quarantine's days.

    Raises `LeaveNotAllowed` where one of its days is of a stage that is never left.
    """
    if until_at <= clock.now():
        raise InvalidInput("返回时间须晚于现在。", pointer="/body/until_at")
    if until_at - from_at > LONGEST:
        told = "一次外出最长72小时；须住院的请登记送医，须换地方隔离的请申请转运。"
        raise InvalidInput(told, pointer="/body/until_at")
    first, last = clock.local_day(from_at), clock.local_day(until_at - _INSTANT)
    # Until somebody releases the person, the last stage goes on after its last day.
    if not stages[0].starts_on <= first <= max(stages[-1].ends_on, clock.today()):
        raise InvalidInput("外出时间不在隔离期内。", pointer="/body/from_at")
    for number in range((last - first).days + 1):
        pointer = f"/body/{'until_at' if number else 'from_at'}"
        refuse_never_left(stages, first + timedelta(days=number), pointer=pointer)


def refuse_never_left(stages: Sequence[QuarantineStage], day: date, *, pointer: str) -> None:
    """Raise `LeaveNotAllowed` for a day of a stage that is never left."""
    stage = stage_shown(stages, day)
    if stage is not None and stage.leave_home is LeaveHome.never:
        raise LeaveNotAllowed(pointer=pointer)


async def refuse_elsewhere(session: AsyncSession, quarantine: Quarantine) -> None:
    """Raise `LeaveNotAllowed` for who is in a hospital or rides: nobody leaves from there."""
    entry = await entry_now(session, quarantine.id)
    if entry is not None and entry.kind is WhereaboutsKind.in_hospital:
        told = "该人员登记为在医院，请先登记送医的结果或现在的去向，再登记外出。"
        raise LeaveNotAllowed(told, pointer="/body/left_at")
    riding = select(Transfer.id).where(
        col(Transfer.quarantine_id) == quarantine.id,
        col(Transfer.status) == TransferStatus.picked_up,
    )
    if (await session.scalars(riding)).first() is not None:
        told = "该人员正在转运途中，请先办理交接，再登记外出。"
        raise LeaveNotAllowed(told, pointer="/body/left_at")
