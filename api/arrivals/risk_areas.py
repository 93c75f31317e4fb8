"""The list of risk areas: entered, imported, ended and put right; each change classes anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.arrivals.models import ClassifiedBecause, RiskArea
from api.arrivals.problems import RiskAreaDiscarded, RiskAreaOverlaps
from api.arrivals.reclassification import Occasion, reclassify_places
from api.arrivals.risk_schemas import RiskAreaCorrect, RiskAreaDiscard, RiskAreaRead, RiskAreaRecord
from api.arrivals.rules import change_list, driver_of
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.field_records import EARLIEST
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, create_once, kept_before
from api.protocols.models import WHOLE_CELL, RiskLevel

_EARLIEST, _A_YEAR = clock.local_day(EARLIEST), timedelta(days=366)
"""An area listed from before that, or from years ahead, is a year mistyped: it classed nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries of the list are wanted; None does not narrow."""

    on: date | None
    prefix: str | None
    level: RiskLevel | None
    discarded: bool


async def page_of_risk_areas(
    session: AsyncSession, wanted: Wanted, page: PageRequest
) -> Page[RiskAreaRead]:
    """The list by place, and of one place the latest entry last."""
    statement = select(RiskArea).where(col(RiskArea.discarded_at).is_not(None) == wanted.discarded)
    if wanted.on is not None:
        ends = col(RiskArea.to_on)
        statement = statement.where(
            col(RiskArea.from_on) <= wanted.on, or_(ends.is_(None), ends >= wanted.on)
        )
    if wanted.prefix is not None:
        statement = statement.where(col(RiskArea.code_prefix).startswith(wanted.prefix))
    if wanted.level is not None:
        statement = statement.where(col(RiskArea.level) == wanted.level)
    keys = [col(RiskArea.code_prefix), col(RiskArea.from_on), col(RiskArea.id)]
    return await read_page(session, statement, keys, page, present=RiskAreaRead.model_validate)


async def risk_area_of(session: AsyncSession, risk_area_id: UUID) -> RiskArea:
    """One entry; raises `NotFound`."""
    area = await session.get(RiskArea, risk_area_id)
    if area is None:
        raise NotFound("没有找到该条风险地区。")
    return area


async def list_area(
    session: AsyncSession, caller: Claims, said: RiskAreaRecord
) -> tuple[RiskArea, bool]:
    """Put an area on the list, and class anew who was there. Returns it and whether it is new.

    Raises `InvalidInput`, `RiskAreaOverlaps`, `RecordDiffers`.
    """
    await change_list(await driver_of(session))
    proposal = Proposal(said, new_row(caller, said))
    if await session.get(RiskArea, said.id) is not None:
        return await kept_before(session, proposal), False
    refuse_faults(said, await listed_now(session))
    kept, created = await create_once(session, proposal)
    await follow_list(session, caller, [kept.code_prefix])
    details = {"level": kept.level, "code_prefix": kept.code_prefix}
    audit(session, caller, "risk_areas.list", subject=kept.id, reach=WHOLE_CELL, details=details)
    return kept, created


def new_row(caller: Claims, said: RiskAreaRecord) -> RiskArea:
    """The entry as it would be kept."""
    return RiskArea(**said.model_dump(), entered_by=caller.worker, entered_at=clock.now())


def with_changes(area: RiskArea, changes: Mapping[str, Any]) -> RiskArea:
    """The entry as it would be after these changes, without changing it."""
    return RiskArea(**{**area.model_dump(), **changes})


async def listed_now(session: AsyncSession) -> Sequence[RiskArea]:
    """Every entry that counts, also of past days."""
    return (
        await session.scalars(select(RiskArea).where(col(RiskArea.discarded_at).is_(None)))
    ).all()


def refuse_faults(
    said: RiskAreaRecord | RiskArea, others: Collection[RiskArea], *, within: str = "/body"
) -> None:
    """Raise `InvalidInput` for an entry that lists nothing, `RiskAreaOverlaps` for one too many."""
    if said.level is RiskLevel.none:
        detail = "名单只列有风险的地区；如已解除，请填写截止日期。"
        raise InvalidInput(detail, pointer=f"{within}/level")
    if not _EARLIEST <= said.from_on <= clock.today() + _A_YEAR:
        raise InvalidInput("起始日期不对，请核对。", pointer=f"{within}/from_on")
    if said.to_on is not None and said.to_on < said.from_on:
        raise InvalidInput("截止日期不能早于起始日期。", pointer=f"{within}/to_on")
    for other in others:
        if other.id != said.id and _overlap(said, other):
            raise RiskAreaOverlaps(pointer=f"{within}/from_on", risk_area_id=str(other.id))


def _overlap(one: RiskAreaRecord | RiskArea, other: RiskArea) -> bool:
    if (one.code_prefix, one.level) != (other.code_prefix, other.level):
        return False
    ended_before = one.to_on is not None and one.to_on < other.from_on
    begins_after = other.to_on is not None and other.to_on < one.from_on
    return not ended_before and not begins_after


async def follow_list(session: AsyncSession, caller: Claims, prefixes: Collection[str]) -> int:
    """Class anew who was at these places; returns how many are classed otherwise now."""
    occasion = Occasion(ClassifiedBecause.list_changed, clock.now(), caller.worker)
    connection = await driver_of(session)
    return await reclassify_places(connection, caller.cell, prefixes, occasion)


async def correct_area(
    session: AsyncSession,
    caller: Claims,
    risk_area_id: UUID,
    said: RiskAreaCorrect,
    *,
    version: int,
) -> RiskArea:
    """End an entry or put it right; the former version is kept, and who was there classed anew.

    Raises `NotFound`, `RiskAreaDiscarded`, `VersionMismatch`, `InvalidInput`, `RiskAreaOverlaps`.
    """
    await change_list(await driver_of(session))
    area = await _that_counts(session, risk_area_id)
    changes = said.model_dump(include=told_in(said))
    refuse_faults(with_changes(area, changes), await listed_now(session))
    await change_area(session, caller, area, changes, version=version, reason=said.reason)
    await follow_list(session, caller, [area.code_prefix])
    return area


async def discard_area(
    session: AsyncSession,
    caller: Claims,
    risk_area_id: UUID,
    said: RiskAreaDiscard,
    *,
    version: int,
) -> RiskArea:
    """Let an entry count no more, as if it had not been made; it stays readable.

    Raises `NotFound`, `RiskAreaDiscarded`, `VersionMismatch`.
    """
    await change_list(await driver_of(session))
    area = await _that_counts(session, risk_area_id)
    discarded = {"discarded_at": clock.now()}
    await change_area(session, caller, area, discarded, version=version, reason=said.reason)
    await follow_list(session, caller, [area.code_prefix])
    return area


async def _that_counts(session: AsyncSession, risk_area_id: UUID) -> RiskArea:
    area = await risk_area_of(session, risk_area_id)
    if area.discarded_at is not None:
        raise RiskAreaDiscarded
    return area


async def change_area(
    session: AsyncSession,
    caller: Claims,
    area: RiskArea,
    changes: dict[str, Any],
    *,
    version: int,
    reason: str | None,
) -> None:
    """Change an entry openly, and note which of its days or words were changed."""
    await correct(session, area, changes, Correction(version, by=caller.worker, reason=reason))
    details = {"fields": sorted(changes)}
    audit(session, caller, "risk_areas.change", subject=area.id, reach=WHOLE_CELL, details=details)
