"""A published list taken over: what is new is listed, what has ended is ended, the rest stays."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.arrivals.models import RiskArea
from api.arrivals.problems import RiskAreaOverlaps
from api.arrivals.risk_areas import (
    change_area,
    follow_list,
    listed_now,
    new_row,
    refuse_faults,
    with_changes,
)
from api.arrivals.risk_schemas import (
    ListedAs,
    RiskAreaOutcome,
    RiskAreaRecord,
    RiskAreasImported,
)
from api.arrivals.rules import change_list, driver_of
from api.foundation.batches import Illegible, Unread
from api.foundation.problems import Problem, RecordDiffers
from api.foundation.records import insert_new
from api.protocols.models import WHOLE_CELL, RiskLevel

Key = tuple[str, RiskLevel, date]
"""By what an entry is recognised in a list that comes again: place, level and first day."""


@dataclass
class _Taking:
    """A list being taken over: what stands, what is new, and where something changes."""

    session: AsyncSession
    caller: Claims
    areas: dict[Key, RiskArea]
    ids: set[UUID]
    new: list[RiskArea] = field(default_factory=list[RiskArea])
    prefixes: set[str] = field(default_factory=set[str])


async def import_areas(
    session: AsyncSession, caller: Claims, items: Sequence[RiskAreaRecord | Illegible]
) -> RiskAreasImported:
    """Take over a list, each entry for itself; the same list again changes nothing.

    An entry that is listed already follows the list only in its last day, where the list tells
    one: what was put right by hand is not undone by an older list. Ends that the list does not
    tell stay as they are.
    """
    await change_list(await driver_of(session))
    taking = await _begin(session, caller, items)
    outcomes = [await _outcome(taking, item, at) for at, item in enumerate(items)]
    await insert_new(session, taking.new)
    reclassified = 0
    if taking.prefixes:
        reclassified = await follow_list(session, caller, taking.prefixes)
    counted = Counter(each.outcome.value for each in outcomes)
    count = {kind.value: counted[kind.value] for kind in ListedAs}
    audit(
        session, caller, "risk_areas.import", subject=caller.grid, reach=WHOLE_CELL, details=count
    )
    return RiskAreasImported(items=outcomes, **count, reclassified=reclassified)


async def _begin(
    session: AsyncSession, caller: Claims, items: Sequence[RiskAreaRecord | Illegible]
) -> _Taking:
    named = {item.id for item in items if not isinstance(item, Illegible)}
    used = select(col(RiskArea.id)).where(col(RiskArea.id).in_(named))
    areas = {_key(area): area for area in await listed_now(session)}
    return _Taking(session, caller, areas, set(await session.scalars(used)))


def _key(area: RiskArea | RiskAreaRecord) -> Key:
    return area.code_prefix, area.level, area.from_on


async def _outcome(taking: _Taking, item: RiskAreaRecord | Illegible, at: int) -> RiskAreaOutcome:
    if isinstance(item, Illegible):
        return _refused(item.id if isinstance(item, Unread) else None, item.problem(at).body())
    try:
        return await _take_over(taking, item, within=f"/body/items/{at}")
    except Problem as problem:
        return _refused(item.id, problem.body())


async def _take_over(taking: _Taking, item: RiskAreaRecord, *, within: str) -> RiskAreaOutcome:
    known = taking.areas.get(_key(item))
    if known is None:
        return _listed(taking, item, within=within)
    if item.to_on is None or item.to_on == known.to_on:
        return RiskAreaOutcome(id=known.id, outcome=ListedAs.unchanged, problem=None)
    if any(known is new for new in taking.new):
        raise RiskAreaOverlaps(pointer=f"{within}/from_on", risk_area_id=str(known.id))
    ends = {"to_on": item.to_on}
    refuse_faults(with_changes(known, ends), taking.areas.values(), within=within)
    await change_area(
        taking.session, taking.caller, known, ends, version=known.version, reason=item.announcement
    )
    taking.prefixes.add(known.code_prefix)
    return RiskAreaOutcome(id=known.id, outcome=ListedAs.changed, problem=None)


def _listed(taking: _Taking, item: RiskAreaRecord, *, within: str) -> RiskAreaOutcome:
    if item.id in taking.ids:
        raise RecordDiffers(fields=["code_prefix", "level", "from_on"])
    refuse_faults(item, taking.areas.values(), within=within)
    row = new_row(taking.caller, item)
    taking.ids.add(row.id)
    taking.areas[_key(row)] = row
    taking.new.append(row)
    taking.prefixes.add(row.code_prefix)
    return RiskAreaOutcome(id=row.id, outcome=ListedAs.created, problem=None)


def _refused(identity: UUID | None, problem: dict[str, Any] | None) -> RiskAreaOutcome:
    return RiskAreaOutcome(id=identity, outcome=ListedAs.refused, problem=problem)
