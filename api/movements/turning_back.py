"""A ride that does not get there: whoever is on it is brought back where they were fetched."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation.database import keyring_of
from api.movements.models import Transfer, TransferStatus
from api.movements.transfer_schemas import TransferTurnBack
from api.movements.transfers import Step, is_done, on_duty_at, step_at, take
from api.protocols.models import WhereaboutsKind
from api.quarantines.models import Quarantine, Whereabouts
from api.quarantines.moves import Move, back_at, entry_now, move_to
from api.quarantines.steps import refuse_stranger
from api.registry.masked import opened

_TURN_BACK = Step(
    action="transfers.turn-back",
    after=(TransferStatus.picked_up,),
    status=TransferStatus.turned_back,
    stamp="turned_back_at",
    running=False,
)
_AWAY = (WhereaboutsKind.away_approved, WhereaboutsKind.away_breach)


async def turn_back_transfer(
    session: AsyncSession, caller: Claims, transfer_id: UUID, said: TransferTurnBack
) -> Transfer:
    """Bring somebody back: this order brings them nowhere any more, another one may.

    Raises `OutOfOrder`, `RecordDiffers`, `InvalidInput`, `NotAColleague`, `RecordedInTheFuture`,
    `WhereaboutsOutOfOrder`, `NotFound`.
    """
    transfer, quarantine = await on_duty_at(session, transfer_id)
    told = said.model_dump(include={"turned_back_at", "turned_back_by"})
    if is_done(transfer, _TURN_BACK, {**told, "turned_back_reason": said.reason}):
        return transfer
    await refuse_stranger(session, said.turned_back_by, pointer="/body/turned_back_by")
    pointer = "/body/turned_back_at"
    at = step_at(said.turned_back_at, pointer=pointer, not_before=transfer.picked_up_at)
    changes: dict[str, Any] = {
        "turned_back_at": at,
        "turned_back_by": said.turned_back_by or caller.worker,
        "turned_back_reason": said.reason,
    }
    await take(session, caller, transfer, quarantine, (_TURN_BACK, changes))
    now = await entry_now(session, quarantine.id)
    if now is not None and now.since_at == transfer.picked_up_at:  # else they were noted elsewhere
        kind, where = await _before(session, transfer, quarantine)
        move = Move(kind=kind, at=at, pointer=pointer, destination=where)
        await move_to(session, caller, quarantine, move)
    return transfer


async def _before(
    session: AsyncSession, transfer: Transfer, quarantine: Quarantine
) -> tuple[WhereaboutsKind, str | None]:
    """Where they were before the ride; who was away from it is back where they should be."""
    statement = (
        select(Whereabouts)
        .where(
            Whereabouts.quarantine_id == quarantine.id,
            Whereabouts.until_at == transfer.picked_up_at,
            col(Whereabouts.discarded_at).is_(None),
        )
        .order_by(col(Whereabouts.since_at).desc())
    )
    former = (await session.scalars(statement.limit(1))).first()
    keyring, where = keyring_of(session), None
    kind = former.kind if former and former.kind not in _AWAY else back_at(quarantine)
    if former is not None and former.kind is kind:
        where = opened(keyring, former.destination_sealed, context="whereabouts.destination")
    if where is None and kind is WhereaboutsKind.transferred:
        where = opened(keyring, quarantine.place_sealed, context="quarantines.place")
    return kind, where
