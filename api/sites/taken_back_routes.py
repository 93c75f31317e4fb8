"""Taking back over HTTP what was told at a session by mistake."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from api.access.caller import ScopedSession
from api.foundation.contract import room, writes
from api.foundation.problems import NotFound, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch
from api.health_records.code_schemas import RecordDiscard
from api.health_records.keeping import Discarding
from api.health_records.problems import HealthRecordDiscarded, TubeReachesFurther
from api.sites import attended, taken_back
from api.sites.attendance_routes import SiteRecorder
from api.sites.attendance_schemas import SiteDoseRead, SiteTubeRead
from api.sites.problems import NotTakenBack

router = room("sites")


async def _why(discard: RecordDiscard, version: IfMatch) -> Discarding:
    return Discarding(version, discard.reason)


Why = Annotated[Discarding, Depends(_why)]
_REFUSED = (NotFound, HealthRecordDiscarded, NotTakenBack, VersionMissing, VersionMismatch)


@router.post(
    "/site-sessions/{site_session_id}/sample-tubes/{tube_id}/discard",
    responses=writes(*_REFUSED, TubeReachesFurther),
)
async def take_back_tube(
    site_session_id: UUID,
    tube_id: UUID,
    why: Why,
    recorder: SiteRecorder,
    session: ScopedSession,
    response: Response,
) -> SiteTubeRead:
    """作废自己在这一场登记错的一管。

    连同管内各人的检测不再计入，管号可重新登记；已有结果的，由本人所在网格作废。
    本场结束 12 小时内可以办理。
    """
    row = await taken_back.take_back_tube(session, recorder, site_session_id, tube_id, why)
    response.headers["ETag"] = f'"{row.version}"'
    [told] = await attended.present_tubes(session, [row])
    return told


@router.post(
    "/site-sessions/{site_session_id}/vaccinations/{vaccination_id}/discard",
    responses=writes(*_REFUSED),
)
async def take_back_dose(
    site_session_id: UUID,
    vaccination_id: UUID,
    why: Why,
    recorder: SiteRecorder,
    session: ScopedSession,
    response: Response,
) -> SiteDoseRead:
    """作废自己在这一场登记错的一剂。

    不再计入，可重新登记。本场结束 12 小时内可以办理。
    """
    row = await taken_back.take_back_dose(session, recorder, site_session_id, vaccination_id, why)
    response.headers["ETag"] = f'"{row.version}"'
    [told] = await attended.present_doses(session, [row])
    return told
