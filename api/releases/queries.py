"""Reading releases: who can be released today, and the notices of who was."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound, NotPermitted
from api.quarantines.change_queries import changes_waiting
from api.quarantines.models import Quarantine
from api.quarantines.queries import quarantine_of, running
from api.registry.models import Resident
from api.releases.conditions import Condition
from api.releases.dossiers import PlanFollowed, plans_followed
from api.releases.models import Release
from api.releases.notices import SEALED_AS, Notice
from api.releases.schemas import (
    ApproverRead,
    ConditionRead,
    NoticeRead,
    ReleaseRead,
)
from api.releases.service import may_approve, weigh_all


async def release_of(session: AsyncSession, caller: Claims, quarantine_id: UUID) -> ReleaseRead:
    """Whether somebody can be released today; raises `NotFound`."""
    quarantine = await quarantine_of(session, quarantine_id)
    return (await _shown(session, caller, [quarantine]))[0]


async def releases_proposed(
    session: AsyncSession, caller: Claims, page: PageRequest, *, ready: bool
) -> Page[ReleaseRead]:
    """Of those whose last day has come: who can be released, or who still waits for something.

    One page looks at `limit` persons in as many statements as for one, and shows those of them
    whom the question is about; read on until there is no cursor.
    """
    statement = select(Quarantine).where(running(), col(Quarantine.planned_end_on) <= clock.today())
    keys = [col(Quarantine.planned_end_on), col(Quarantine.id)]
    waiting = await read_page(session, statement, keys, page, present=_itself)
    shown = await _shown(session, caller, waiting.items)
    return Page[ReleaseRead](
        items=[each for each in shown if each.ready is ready], next_cursor=waiting.next_cursor
    )


async def ready_among(session: AsyncSession, quarantines: Collection[UUID]) -> set[UUID]:
    """Those of these quarantines whose release waits for nothing but its approval."""
    wanted = select(Quarantine).where(col(Quarantine.id).in_(quarantines))
    found = (await session.scalars(wanted)).all()
    followed = await plans_followed(session, [each.id for each in found])
    weighed = await weigh_all(session, found, followed, on=clock.today())
    return {id_ for id_, conditions in weighed.items() if all(each.holds for each in conditions)}


def _itself(quarantine: Quarantine) -> Quarantine:
    return quarantine


async def _shown(
    session: AsyncSession, caller: Claims, quarantines: Sequence[Quarantine]
) -> list[ReleaseRead]:
    if not quarantines:
        return []
    followed = await plans_followed(session, [each.id for each in quarantines])
    weighed = await weigh_all(session, quarantines, followed, on=clock.today())
    people = {each.resident_id for each in quarantines}
    residents = await session.scalars(select(Resident).where(col(Resident.id).in_(people)))
    names = {resident.id: resident.name for resident in residents}
    asked = await changes_waiting(session, [each.id for each in quarantines])
    told = {
        each.id: {
            "resident_name": names[each.resident_id],
            "change_requested_id": asked.get(each.id),
        }
        for each in quarantines
    }
    return [
        _read(caller, each, told[each.id], followed.get(each.id), weighed[each.id])
        for each in quarantines
    ]


def _read(
    caller: Claims,
    quarantine: Quarantine,
    told: Mapping[str, Any],
    followed: PlanFollowed | None,
    conditions: Sequence[Condition],
) -> ReleaseRead:
    approver = followed.plan.release.approver if followed else None
    return ReleaseRead(
        quarantine_id=quarantine.id,
        **told,
        **quarantine.model_dump(
            include={"resident_id", "household_id", "grid_id", "planned_end_on"}
        ),
        ready=all(each.holds for each in conditions),
        conditions=[ConditionRead.model_validate(each) for each in conditions],
        approver=None if approver is None else ApproverRead.model_validate(approver),
        may_approve=may_approve(caller, approver),
    )


async def notice_of(
    session: AsyncSession, caller: Claims, quarantine_id: UUID, *, reason: str | None
) -> Notice:
    """The notice of a release, masked unless a reason is given; who looked is put on record (M6.6).

    Raises `NotFound`, and `NotPermitted` for the plain one without `residents:reveal`.
    """
    statement = select(Release).where(col(Release.quarantine_id) == quarantine_id)
    release = (await session.scalars(statement)).one_or_none()
    if release is None:
        raise NotFound("没有找到该人员的解除告知书。")
    if reason is not None and Permission.residents_reveal not in permitted(
        caller.role, caller.level
    ):
        raise NotPermitted(permission=Permission.residents_reveal)
    details = {"plain": reason is not None, "reason": reason}
    subject, reach = quarantine_id, release.reach
    audit(session, caller, "releases.notice", subject=subject, reach=reach, details=details)
    kept = keyring_of(session).open(release.notice_sealed, context=SEALED_AS)
    notice = Notice.model_validate_json(kept)
    return notice if reason is not None else notice.masked()


def notice_read(quarantine_id: UUID, notice: Notice) -> NoticeRead:
    """A notice as text."""
    return NoticeRead(
        quarantine_id=quarantine_id,
        number=notice.number,
        title=notice.title,
        released_on=notice.released_on,
        text=notice.text(),
    )
