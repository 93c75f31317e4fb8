"""Care teams over HTTP (四包一): arranged whole, one replaced by another, and their history."""

from typing import Annotated
from uuid import UUID

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.problems import NotFound, OutsideYourGrid
from api.quarantines import queries, team
from api.quarantines.masked import shown_team
from api.quarantines.problems import (
    NotOnTheTeam,
    QuarantineEnded,
    TeamBreaksPolicy,
    WorkerOverloaded,
    WorkerWithoutPost,
)
from api.quarantines.team_schemas import TeamArrange, TeamRead, TeamReplace

router = room("quarantines")

TeamReader = Annotated[Claims, permits(Permission.quarantines_read)]
TeamArranger = Annotated[Claims, permits(Permission.teams_arrange)]

_REFUSES = (NotFound, QuarantineEnded, TeamBreaksPolicy, WorkerOverloaded, WorkerWithoutPost)


@router.get("/quarantines/{quarantine_id}/team", response_model=TeamRead, responses=found())
async def read_team(quarantine_id: UUID, _: TeamReader, session: ScopedSession) -> TeamRead:
    """查看一人的包保人员。

    含还缺什么，以及历任包保人员（M3.2）。
    """
    return await shown_team(session, await queries.quarantine_of(session, quarantine_id))


@router.put(
    "/quarantines/{quarantine_id}/team", response_model=TeamRead, responses=writes(*_REFUSES)
)
async def arrange_team(
    quarantine_id: UUID, members: TeamArrange, arranger: TeamArranger, session: ScopedSession
) -> TeamRead:
    """安排全体包保人员。

    须符合包保规则，否则指出缺什么，不作变更；留任的保持原席位（M3.2）。人员可来自其他网格。
    """
    changed = await team.arrange_team(session, arranger, quarantine_id, members)
    return await shown_team(session, changed)


@router.post(
    "/quarantines/{quarantine_id}/team/replace",
    response_model=TeamRead,
    responses=writes(NotOnTheTeam, *_REFUSES),
)
async def replace_team_member(
    quarantine_id: UUID, change: TeamReplace, arranger: TeamArranger, session: ScopedSession
) -> TeamRead:
    """更换一名包保人员。

    一退一进同时生效；更换后不符合规则的，不作变更（M3.2）。
    """
    changed = await team.replace_member(session, arranger, quarantine_id, change)
    return await shown_team(session, changed)


@router.delete(
    "/quarantines/{quarantine_id}/team/{worker_id}",
    response_model=TeamRead,
    responses=found(OutsideYourGrid, NotOnTheTeam, QuarantineEnded, TeamBreaksPolicy),
)
async def dismiss_team_member(
    quarantine_id: UUID, worker_id: UUID, arranger: TeamArranger, session: ScopedSession
) -> TeamRead:
    """减去一名包保人员。

    减去后不符合规则的，不作变更，并指出缺什么（M3.2）。
    """
    changed = await team.dismiss_member(session, arranger, quarantine_id, worker_id)
    return await shown_team(session, changed)
