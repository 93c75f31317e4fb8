"""What was told at a session by mistake, taken back by whoever told it there: a number misread.

They may be of elsewhere, where nobody has them put it right. It is taken back as what they see of
it is: while the shift opens the session, and until a result has come, which is not told there.
"""

from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.problems import NotFound
from api.health_records.keeping import Discarding, discard, standing_record_of
from api.health_records.models import DiagnosticOutcome, SampleTube, Vaccination
from api.health_records.tube_results import discard_tube
from api.sites.attendance import AFTERWARDS, open_all_to_site
from api.sites.problems import NotTakenBack
from api.sites.queries import session_of

Told = TypeVar("Told", SampleTube, Vaccination)


async def take_back_tube(
    session: AsyncSession,
    caller: Claims,
    session_id: UUID,
    tube_id: UUID,
    discarding: Discarding,
) -> SampleTube:
    """Let a tube and the tests of all in it count no more; its number is free to be told again.

    Raises `NotFound`, `HealthRecordDiscarded`, `NotTakenBack`, `VersionMismatch`.
    """
    tube = await _own(session, caller, session_id, SampleTube, tube_id)
    if tube.outcome is not DiagnosticOutcome.pending:
        raise NotTakenBack("已有结果，有误的请由本人所在网格作废。")
    return await discard_tube(session, caller, tube.id, discarding)


async def take_back_dose(
    session: AsyncSession,
    caller: Claims,
    session_id: UUID,
    dose_id: UUID,
    discarding: Discarding,
) -> Vaccination:
    """Let a dose count no more.

    Raises `NotFound`, `HealthRecordDiscarded`, `NotTakenBack`, `VersionMismatch`.
    """
    dose = await _own(session, caller, session_id, Vaccination, dose_id)
    await discard(session, caller, dose, discarding)
    return dose


async def _own(
    session: AsyncSession, caller: Claims, session_id: UUID, kind: type[Told], record_id: UUID
) -> Told:
    """What the caller told at this session; what others told there is not there for them."""
    held = await session_of(session, session_id)
    await open_all_to_site(session, held)
    row = await standing_record_of(session, kind, record_id)
    if row.site_session_id != held.id or row.entered_by != caller.worker:
        raise NotFound("没有找到该记录，或不是您在这一场登记的。")
    if max(held.ends_at, held.closed_at or held.ends_at) + AFTERWARDS < clock.now():
        raise NotTakenBack
    return row
