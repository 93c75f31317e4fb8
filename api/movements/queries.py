"""Reading transfers, referrals and leave: by quarantine, or what is open; places are masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.database import keyring_of
from api.foundation.identity import mask_address
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.grids.models import Grid
from api.grids.queries import within
from api.movements.leave_schemas import LeaveRead
from api.movements.models import (
    HospitalReferral,
    Leave,
    LeaveStatus,
    Transfer,
    TransferStatus,
)
from api.movements.referral_schemas import ReferralRead
from api.movements.transfer_schemas import TransferRead, TransferReveal, TransferRevealed
from api.movements.transfers import transfer_of
from api.registry.masked import opened
from api.registry.models import Resident

M = TypeVar("M", Transfer, HospitalReferral, Leave)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which movements are listed; what is left out does not narrow."""

    quarantine_id: UUID | None = None
    grid_id: UUID | None = None
    under_way: bool = False


async def page_of_transfers(
    session: AsyncSession, wanted: Wanted, page: PageRequest
) -> Page[TransferRead]:
    """Transfers in sight, the latest first; raises `NotFound` for a grid out of sight."""
    over = (TransferStatus.closed, TransferStatus.cancelled)
    found = await _page(session, Transfer, wanted, page, open_=col(Transfer.status).not_in(over))
    names = await _names(session, found.items)
    items = [_shown_transfer(session, each, names) for each in found.items]
    return Page[TransferRead](items=items, next_cursor=found.next_cursor)


async def page_of_referrals(
    session: AsyncSession, wanted: Wanted, page: PageRequest
) -> Page[ReferralRead]:
    """Referrals to hospitals in sight, the latest first; raises `NotFound` for a grid unseen."""
    still_there = col(HospitalReferral.outcome).is_(None)
    found = await _page(session, HospitalReferral, wanted, page, open_=still_there)
    names = await _names(session, found.items)
    items = [_shown_referral(session, each, names) for each in found.items]
    return Page[ReferralRead](items=items, next_cursor=found.next_cursor)


async def page_of_leaves(
    session: AsyncSession, wanted: Wanted, page: PageRequest
) -> Page[LeaveRead]:
    """Leave in sight, the latest first; raises `NotFound` for a grid out of sight."""
    running = (LeaveStatus.requested, LeaveStatus.approved, LeaveStatus.out)
    found = await _page(session, Leave, wanted, page, open_=col(Leave.status).in_(running))
    names = await _names(session, found.items)
    items = [_shown_leave(session, each, names) for each in found.items]
    return Page[LeaveRead](items=items, next_cursor=found.next_cursor)


async def _page(
    session: AsyncSession,
    kind: type[M],
    wanted: Wanted,
    page: PageRequest,
    *,
    open_: ColumnElement[bool],
) -> Page[M]:
    statement = select(kind)
    if wanted.quarantine_id is not None:
        statement = statement.where(col(kind.quarantine_id) == wanted.quarantine_id)
    if wanted.under_way:
        statement = statement.where(open_)
    if wanted.grid_id is not None:
        grid = await session.get(Grid, wanted.grid_id)
        if grid is None:
            raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer="/query/grid_id")
        statement = statement.where(within(col(kind.reach), grid.path))
    keys = [col(kind.recorded_at), col(kind.id)]
    return await read_page(session, statement, keys, page, present=_itself, descending=True)


def _itself(movement: M) -> M:
    return movement


async def _names(session: AsyncSession, movements: Sequence[M]) -> dict[UUID, str]:
    people = {each.resident_id for each in movements}
    if not people:
        return {}
    statement = select(Resident.id, Resident.name).where(col(Resident.id).in_(people))
    return {row[0]: row[1] for row in await session.execute(statement)}


async def shown_transfer(session: AsyncSession, transfer: Transfer) -> TransferRead:
    """A transfer with its addresses masked."""
    return _shown_transfer(session, transfer, await _names(session, [transfer]))


def _shown_transfer(
    session: AsyncSession, transfer: Transfer, names: dict[UUID, str]
) -> TransferRead:
    plain = _addresses(session, transfer)
    reason = keyring_of(session).open(transfer.reason_sealed, context="transfers.reason")
    return TransferRead(
        **_told(transfer, TransferRead, names),
        reason=reason,
        pickup=None if plain.pickup is None else mask_address(plain.pickup),
        destination=mask_address(plain.destination),
    )


def _told(
    movement: M, read: type[TransferRead | ReferralRead | LeaveRead], names: dict[UUID, str]
) -> dict[str, Any]:
    own = movement.model_dump(include=set(read.model_fields))
    return {**own, "resident_name": names[movement.resident_id]}


def _addresses(session: AsyncSession, transfer: Transfer) -> TransferRevealed:
    keys = keyring_of(session)
    return TransferRevealed(
        id=transfer.id,
        pickup=opened(keys, transfer.pickup_sealed, context="transfers.pickup"),
        destination=keys.open(transfer.destination_sealed, context="transfers.destination"),
    )


async def reveal_transfer(
    session: AsyncSession, caller: Claims, transfer_id: UUID, said: TransferReveal
) -> TransferRevealed:
    """The plain addresses of a transfer; the reason is kept on record (M6.6)."""
    transfer = await transfer_of(session, transfer_id)
    details = {"transfer": str(transfer.id), "reason": said.reason}
    subject, reach = transfer.quarantine_id, transfer.reach
    audit(session, caller, "transfers.reveal", subject=subject, reach=reach, details=details)
    return _addresses(session, transfer)


async def shown_referral(session: AsyncSession, referral: HospitalReferral) -> ReferralRead:
    """A referral with what was said of it."""
    return _shown_referral(session, referral, await _names(session, [referral]))


def _shown_referral(
    session: AsyncSession, referral: HospitalReferral, names: dict[UUID, str]
) -> ReferralRead:
    keys = keyring_of(session)
    return ReferralRead(
        **_told(referral, ReferralRead, names),
        reason=keys.open(referral.reason_sealed, context="hospital_referrals.reason"),
        finding=opened(keys, referral.finding_sealed, context="hospital_referrals.finding"),
    )


async def shown_leave(session: AsyncSession, leave: Leave) -> LeaveRead:
    """A leave with its reason and route."""
    return _shown_leave(session, leave, await _names(session, [leave]))


def _shown_leave(session: AsyncSession, leave: Leave, names: dict[UUID, str]) -> LeaveRead:
    keys = keyring_of(session)
    return LeaveRead(
        **_told(leave, LeaveRead, names),
        reason=keys.open(leave.reason_sealed, context="leaves.reason"),
        route=keys.open(leave.route_sealed, context="leaves.route"),
    )
