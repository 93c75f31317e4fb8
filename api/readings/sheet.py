"""The temperature sheet of one person, as the field's paper form has it: days by windows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import mask_address
from api.grids.models import Worker
from api.protocols.policies import MonitoringRule, Opening, windows_of
from api.protocols.queries import PolicyShelf
from api.quarantines.masked import shown
from api.quarantines.models import CareSeat, Quarantine, Whereabouts
from api.quarantines.queries import quarantine_of, whereabouts_of
from api.quarantines.stage_models import QuarantineStage
from api.quarantines.stages import judging_policy, stage_on, stages_of
from api.readings.models import NotTaken, NotTakenReason, Reading
from api.readings.sheet_schemas import (
    CellState,
    SheetCell,
    SheetDay,
    SheetReading,
    SheetWindow,
    TemperatureSheet,
)
from api.registry.masked import age_on, opened
from api.registry.models import Household, Resident

Slot = tuple[date, str]


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything the cells are made from."""

    quarantine: Quarantine
    stages: Sequence[QuarantineStage]
    rules: Mapping[UUID, MonitoringRule]
    readings: Mapping[Slot, SheetReading]
    not_taken: Mapping[Slot, NotTakenReason]
    whereabouts: Sequence[Whereabouts]
    now: datetime

    def due_on(self, day: date) -> MonitoringRule | None:
        """By which rule temperatures are due on a day; None where its stage asks for none."""
        stage = stage_on(self.stages, day)
        policy = stage.monitoring_policy_id if stage else None
        return self.rules[policy] if policy else None

    def shown_on(self, day: date) -> MonitoringRule:
        """By which rule a day is shown: the one due, else the one by which a reading is judged."""
        return self.rules[judging_policy(self.stages, self.quarantine, day)]


async def temperature_sheet(
    session: AsyncSession, quarantine_id: UUID, *, cell: str, policies: PolicyShelf
) -> TemperatureSheet:
    """The whole sheet; raises `NotFound` for a quarantine out of reach."""
    quarantine = await quarantine_of(session, quarantine_id)
    resident = await session.get_one(Resident, quarantine.resident_id)
    household = await session.get_one(Household, quarantine.household_id)
    stages = await stages_of(session, quarantine.id)
    used = [quarantine.monitoring_policy_id, *(each.monitoring_policy_id for each in stages)]
    needed = [policy for policy in dict.fromkeys(used) if policy]
    rules = await policies.monitoring(session, cell, needed)
    known = await _known(session, quarantine, stages, {policy: rules[policy] for policy in needed})
    address = opened(keyring_of(session), household.address_sealed, context="households.address")
    born = resident.birth_date
    return TemperatureSheet(
        quarantine=await shown(session, quarantine),
        household_name=household.name,
        address=mask_address(address) if address else None,
        sex=resident.sex,
        age=age_on(clock.today(), born) if born else None,
        windows=_windows(known.rules.values()),
        days=list(_days(known)),
    )


def _windows(rules: Iterable[MonitoringRule]) -> list[SheetWindow]:
    """The columns of the sheet: every window that some stage has, by name."""
    labels = {each.name: each.label for rule in rules for each in rule.windows}
    return [SheetWindow(window=name, label=label) for name, label in labels.items()]


async def _known(
    session: AsyncSession,
    quarantine: Quarantine,
    stages: Sequence[QuarantineStage],
    rules: Mapping[UUID, MonitoringRule],
) -> _Known:
    kept = select(Reading).where(
        Reading.quarantine_id == quarantine.id, col(Reading.discarded_at).is_(None)
    )
    readings = (await session.scalars(kept)).all()
    names = await _names(session, quarantine.id, {each.performed_by for each in readings})
    # The latest reason is told where there are several.
    tried = (
        select(NotTaken)
        .where(NotTaken.quarantine_id == quarantine.id, col(NotTaken.discarded_at).is_(None))
        .order_by(col(NotTaken.recorded_at))
    )
    return _Known(
        quarantine,
        stages,
        rules,
        readings={(each.day, each.window): _reading(each, names) for each in readings},
        not_taken={(each.day, each.window): each.reason for each in await session.scalars(tried)},
        whereabouts=await whereabouts_of(session, quarantine.id),
        now=clock.now(),
    )


async def _names(session: AsyncSession, quarantine_id: UUID, workers: set[UUID]) -> dict[UUID, str]:
    """Who measured: as registered where that is in sight, else as their seat in the team says."""
    seats = select(CareSeat.worker_id, CareSeat.worker_name).where(
        CareSeat.quarantine_id == quarantine_id
    )
    registered = select(Worker.id, Worker.name).where(col(Worker.id).in_(workers))
    names = {row.worker_id: row.worker_name for row in await session.execute(seats)}
    return names | {row.id: row.name for row in await session.execute(registered)}


def _reading(reading: Reading, names: Mapping[UUID, str]) -> SheetReading:
    told = reading.model_dump(include=set(SheetReading.model_fields))
    return SheetReading(**told, performed_by_name=names.get(reading.performed_by))


def _days(known: _Known) -> Iterator[SheetDay]:
    first = known.quarantine.started_on
    last = known.quarantine.ended_on or clock.local_day(known.now)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        cells = [_cell(known, day, opening) for opening in windows_of(known.shown_on(day), day)]
        yield SheetDay(day=day, day_number=number + 1, cells=cells)


def _cell(known: _Known, day: date, opening: Opening) -> SheetCell:
    slot = (day, opening.window)
    reading = known.readings.get(slot)
    state = CellState.measured if reading else _unmeasured(known, day, opening)
    return SheetCell(
        window=opening.window,
        state=state,
        reading=reading,
        not_taken=None if reading else known.not_taken.get(slot),
    )


def _unmeasured(known: _Known, day: date, opening: Opening) -> CellState:
    if known.now < opening.opens_at:
        return CellState.not_yet
    rule = known.due_on(day)
    if rule is None or _exempt(known, rule, day, min(opening.closes_at, known.now)):
        return CellState.exempt
    return CellState.due if known.now < opening.closes_at else CellState.late


def _exempt(known: _Known, rule: MonitoringRule, day: date, at: datetime) -> bool:
    """The same rule as in `missing`: exempt where the person was, or no longer in quarantine."""
    there = next((each for each in known.whereabouts if _covers(each, at)), None)
    if there is None:
        return known.quarantine.ended_on == day
    return there.kind in rule.exempt_whereabouts


def _covers(entry: Whereabouts, at: datetime) -> bool:
    begun = entry.discarded_at is None and entry.since_at <= at
    return begun and (entry.until_at is None or at < entry.until_at)
