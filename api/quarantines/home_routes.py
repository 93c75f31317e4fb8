"""The home of a quarantined person over HTTP: whether it is fit, and who lives there too."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from api.access.caller import ScopedSession, permits
from api.access.colleagues import NotAColleague
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import Conflict, NotFound, RecordDiffers
from api.foundation.records import BatchOutcome, tell_created
from api.protocols.problems import NoPolicyInForce
from api.protocols.proposing import Rulebook
from api.protocols.protocol_routes import Protocols
from api.quarantines import cohabitants, site_check_queries, site_checks
from api.quarantines.cohabitant_schemas import CohabitantsFollow, CohabitantsRead
from api.quarantines.problems import NothingToCheck, QuarantineEnded
from api.quarantines.site_check_schemas import SiteCheckRead, SiteCheckRecord, SiteChecksRead

router = room("quarantines")

HomeReader = Annotated[Claims, permits(Permission.quarantines_read)]
HomeManager = Annotated[Claims, permits(Permission.quarantines_manage)]
SiteChecker = Annotated[Claims, permits(Permission.readings_record)]

_AGAIN = "同一编号、同一内容此前已提交"
_CHECKING = writes(
    NotFound,
    RecordDiffers,
    RecordedInTheFuture,
    NotAColleague,
    QuarantineEnded,
    NothingToCheck,
    NoPolicyInForce,
)


@router.post(
    "/quarantines/{quarantine_id}/site-checks",
    status_code=201,
    response_model=SiteCheckRead,
    responses={200: {"model": SiteCheckRead, "description": _AGAIN}, **_CHECKING},
)
async def record_site_check(
    quarantine_id: UUID,
    check: SiteCheckRecord,
    checker: SiteChecker,
    session: ScopedSession,
    response: Response,
) -> SiteCheckRead:
    """登记住所核查。

    按今天所在阶段（没有的按以后的阶段）的核查项逐项填写，各项均符合才算符合。不符合的，自今天起改用该
    阶段规定的措施，测温、上门、问候、包保、外出随即按方案对该措施的要求（方案没有的，集中隔离按隔离点每日早晚
    测温），并须另行申请转运（M3.4）。
    """
    kept, created = await site_checks.record_site_check(session, checker, quarantine_id, check)
    location = f"/v1/quarantines/{quarantine_id}/site-checks"
    tell_created(response, location, version=kept.version, created=created)
    return await site_check_queries.site_check_read(session, kept)


@router.get(
    "/quarantines/{quarantine_id}/site-checks", response_model=SiteChecksRead, responses=found()
)
async def list_site_checks(
    quarantine_id: UUID, _: HomeReader, session: ScopedSession
) -> SiteChecksRead:
    """列出一人隔离住所的核查，新的在前。"""
    return await site_check_queries.site_checks_read(session, quarantine_id)


@router.get(
    "/quarantines/{quarantine_id}/cohabitants", response_model=CohabitantsRead, responses=found()
)
async def list_cohabitants(
    quarantine_id: UUID, _: HomeReader, session: ScopedSession
) -> CohabitantsRead:
    """列出同住人员：谁须随同隔离，谁已随同，谁不须及为何。

    按今天所在阶段的要求；已离开本户的不列。
    """
    return await cohabitants.cohabitants_of(session, quarantine_id)


@router.post(
    "/quarantines/{quarantine_id}/cohabitants",
    response_model=BatchOutcome,
    responses=writes(NotFound, Conflict),
)
async def begin_cohabitants(
    quarantine_id: UUID,
    following: CohabitantsFollow,
    manager: HomeManager,
    session: ScopedSession,
    shelf: Protocols,
) -> BatchOutcome:
    """同住人员随同隔离。

    与所跟随的人用同一方案、同一情况；自方案要求同住人员随同之日起，此前在集中隔离点的日子不计。逐条返回
    结果，一条有误不影响其他各条。
    """
    book, items = Rulebook(session, shelf, manager.cell), read_or_unread(following.items)
    return await cohabitants.begin_cohabitants(book, manager, quarantine_id, items)
