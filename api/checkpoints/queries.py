"""Reading checkpoints: those in reach, and those where the caller is on duty."""

from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.permissions import Permission
from api.checkpoints.models import Checkpoint
from api.checkpoints.schemas import CheckpointRead
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.fields import Place
from api.foundation.identity import mask_phone
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.grids.queries import lying_in
from api.registry.masked import opened
from api.rosters import places, staffing
from api.rosters.hours import Span
from api.rosters.models import DutyPlace

HEAD_PHONE = "checkpoints.head_phone"
"""The context in which the phone of a checkpoint's head is sealed."""


class CheckpointFilter(BaseModel):
    """Which checkpoints are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    open: bool | None = None


async def checkpoint_of(session: AsyncSession, checkpoint_id: UUID) -> Checkpoint:
    """The checkpoint; raises `NotFound`."""
    checkpoint = await session.get(Checkpoint, checkpoint_id)
    if checkpoint is None:
        raise no_such_checkpoint()
    return checkpoint


def no_such_checkpoint(pointer: str | None = None) -> NotFound:
    """There is none, or the caller has neither jurisdiction nor duty there."""
    return NotFound("没有找到该卡点，或不在您的网格和值班范围内。", pointer=pointer)


async def checkpoints(
    session: AsyncSession, wanted: CheckpointFilter, page: PageRequest
) -> Page[CheckpointRead]:
    """Checkpoints by name."""
    statement = select(Checkpoint).where(
        *await lying_in(session, col(Checkpoint.grid_id), wanted.grid_id)
    )
    if wanted.open is not None:
        now, closed_at = clock.now(), col(Checkpoint.closed_at)
        stands = or_(closed_at.is_(None), closed_at > now) & (col(Checkpoint.opened_at) <= now)
        statement = statement.where(stands if wanted.open else ~stands)
    keys = [col(Checkpoint.name), col(Checkpoint.id)]

    def shown(checkpoint: Checkpoint) -> CheckpointRead:
        return present(session, checkpoint)

    return await read_page(session, statement, keys, page, present=shown)


def present(session: AsyncSession, checkpoint: Checkpoint) -> CheckpointRead:
    """A checkpoint as the wire shows it."""
    phone = opened(keyring_of(session), checkpoint.head_phone_sealed, context=HEAD_PHONE)
    told = checkpoint.model_dump()
    place = (
        None
        if checkpoint.latitude is None
        else Place.model_validate({name: told[name] for name in Place.model_fields})
    )
    masked = mask_phone(phone) if phone else None
    return CheckpointRead.model_validate({**told, "place": place, "head_phone": masked})


@places.manned(DutyPlace.checkpoint, by=Permission.checkpoints_manage)
async def manned_checkpoints(session: AsyncSession, wanted: places.Wanting) -> list[places.Place]:
    """The checkpoints among some places, for the roster."""
    found = await session.scalars(wanted.rows(Checkpoint))
    return [
        places.Place(
            id=each.id,
            name=each.name,
            grid_id=each.grid_id,
            reach=each.reach,
            opened_at=each.opened_at,
            closed_at=each.closed_at,
        )
        for each in found
    ]


@staffing.needing(DutyPlace.checkpoint)
async def needs_of_checkpoints(
    session: AsyncSession, wanted: staffing.Wanted
) -> list[staffing.Need]:
    """Whom the checkpoints need, for as long as they stand."""
    since, until = wanted.whole.starts_at, wanted.whole.ends_at
    closed_at = col(Checkpoint.closed_at)
    statement = select(Checkpoint).where(
        col(Checkpoint.staffing) != {},
        col(Checkpoint.opened_at) < until,
        or_(closed_at.is_(None), closed_at > since),
    )
    statement = statement.where(*wanted.narrow(col(Checkpoint.id), col(Checkpoint.grid_id)))
    return [
        staffing.Need(
            place_id=each.id,
            place_name=each.name,
            span=Span(each.opened_at, each.closed_at or until),
            staffing=each.staffing,
        )
        for each in await session.scalars(statement)
    ]
