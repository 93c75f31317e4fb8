"""Setting up checkpoints and putting them right, until they are taken down (M2.8)."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.checkpoints.models import Checkpoint, CheckpointRule
from api.checkpoints.problems import NoSuchRule
from api.checkpoints.queries import HEAD_PHONE, checkpoint_of
from api.checkpoints.schemas import CheckpointCorrect, CheckpointRecord
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.fields import Place
from api.foundation.problems import InvalidInput
from api.foundation.records import Proposal, create_once
from api.grids.queries import open_grid_in_reach
from api.rosters.closing import end_shifts

_PLAIN = {"id", "grid_id", "name", "kind", "address", "authority", "head_name", "rule_code"}


async def record_checkpoint(
    session: AsyncSession, caller: Claims, said: CheckpointRecord
) -> tuple[Checkpoint, bool]:
    """Keep a checkpoint; returns it and whether it is new.

    Raises `NotFound`, `GridClosed`, `NoSuchRule`, `RecordDiffers`.
    """
    grid = await open_grid_in_reach(session, said.grid_id, pointer="/body/grid_id")
    await _refuse_unknown_rule(session, said.rule_code)
    row = Checkpoint(
        **said.model_dump(include=_PLAIN),
        **_place(said.place),
        version=1,
        head_phone_sealed=_sealed(session, said.head_phone),
        reach=grid.path,
        staffing=said.staffing or {},
        opened_at=said.opened_at or clock.now(),
    )
    checkpoint, created = await create_once(session, Proposal(said, row))
    if created:
        subject, reach = checkpoint.id, checkpoint.reach
        audit(session, caller, "checkpoints.record", subject=subject, reach=reach)
    return checkpoint, created


async def _refuse_unknown_rule(session: AsyncSession, code: str) -> None:
    in_force = select(CheckpointRule.id).where(
        col(CheckpointRule.code) == code, col(CheckpointRule.effective_from) <= clock.today()
    )
    if (await session.scalars(in_force.limit(1))).one_or_none() is None:
        raise NoSuchRule


async def correct_checkpoint(
    session: AsyncSession,
    caller: Claims,
    checkpoint_id: UUID,
    said: CheckpointCorrect,
    *,
    version: int,
) -> Checkpoint:
    """Change what is told of a checkpoint, or take it down; the former version is kept.

    Raises `NotFound`, `NoSuchRule`, `InvalidInput`, `OutsideYourGrid`, `VersionMismatch`.
    """
    checkpoint = await checkpoint_of(session, checkpoint_id)
    told = said.model_fields_set - {"reason"}
    if not told:
        raise InvalidInput("没有要更改的内容。", pointer="/body")
    changes = said.model_dump(include=told - {"head_phone", "place"})
    if "rule_code" in told:
        await _refuse_unknown_rule(session, said.rule_code)
    if "head_phone" in told:
        changes["head_phone_sealed"] = _sealed(session, said.head_phone)
    if "place" in told:
        changes |= _place(said.place)
    _refuse_closed_before_opened(checkpoint, changes)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, checkpoint, changes, correction)
    if checkpoint.closed_at is not None and "closed_at" in told:
        closed_at, reason = checkpoint.closed_at, said.reason
        await end_shifts(session, caller, checkpoint.id, closed_at=closed_at, reason=reason)
    details = {"fields": sorted(told)}
    subject, reach = checkpoint.id, checkpoint.reach
    audit(session, caller, "checkpoints.correct", subject=subject, reach=reach, details=details)
    return checkpoint


def _refuse_closed_before_opened(checkpoint: Checkpoint, changes: dict[str, Any]) -> None:
    opened_at = changes.get("opened_at", checkpoint.opened_at)
    closed_at = changes.get("closed_at", checkpoint.closed_at)
    if closed_at is not None and closed_at < opened_at:
        raise InvalidInput("撤除时间不能早于启用时间。", pointer="/body/closed_at")


def _sealed(session: AsyncSession, phone: str | None) -> bytes | None:
    return keyring_of(session).seal(phone, context=HEAD_PHONE) if phone is not None else None


def _place(place: Place | None) -> dict[str, Any]:
    return place.model_dump() if place is not None else dict.fromkeys(Place.model_fields)
