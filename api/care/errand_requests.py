"""What somebody in quarantine wants done is kept once, or that they want nothing (代办, M3.7)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.care.errand_models import Errand, ErrandKind, ErrandStatus
from api.care.errand_queries import WANTED
from api.care.errand_schemas import ErrandRecord
from api.foundation import clock
from api.foundation.field_records import fill_in
from api.foundation.live import tell
from api.foundation.problems import InvalidInput
from api.foundation.records import Proposal, Source, create_once
from api.quarantines.models import EndReason, Quarantine
from api.quarantines.problems import QuarantineEnded
from api.quarantines.queries import quarantine_of, sealed

_LATEST = timedelta(days=31)


async def request_errand(
    session: AsyncSession, caller: Claims, said: ErrandRecord
) -> tuple[Errand, bool]:
    """Keep what somebody wants done, or that they want nothing; returns it and whether it is new.

    Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture`, `InvalidInput`, `QuarantineEnded`,
    `RecordDiffers`.
    """
    fields = fill_in(said, entered_by=caller.worker, source=Source.phone)
    if said.performed_by and await strangers(session, {said.performed_by}):
        raise NotAColleague
    quarantine = await quarantine_of(session, said.quarantine_id)
    told = said.model_dump(include={"kind", "wanted", "quantity", "needed_by"})
    refuse_unfit(told, asked_at=fields["recorded_at"])
    row = _row(session, quarantine, said, fields)
    kept, created = await create_once(session, Proposal(said, row))
    if created:
        refuse_over(quarantine, kept.recorded_at)
        details = {"kind": kept.kind.value}
        audit(
            session, caller, "errands.request", subject=kept.id, reach=kept.reach, details=details
        )
        await tell_who_runs(session, kept)
    return kept, created


async def tell_who_runs(
    session: AsyncSession, errand: Errand, *, former: UUID | None = None
) -> None:
    """Tell who cares for the person, and who has it or had it, that what they have to do changed.

    Who has it need have no seat at the person's side any more, and may serve elsewhere by now.
    """
    subject, reach, grid = errand.id, errand.reach, errand.grid_id
    told = partial(tell, session, "duties.changed", subject=subject, reach=reach, grid=grid)
    await told(quarantine=errand.quarantine_id, worker=errand.accepted_by)
    if former not in (None, errand.accepted_by):
        await told(worker=former)


def refuse_unfit(told: Mapping[str, Any], *, asked_at: datetime) -> None:
    """What is wanted is told unless nothing is, and for a time after it was asked for, and soon."""
    if told["kind"] is ErrandKind.none_needed:
        for name in ("wanted", "quantity", "needed_by"):
            if told[name] is not None:
                raise InvalidInput("不需代办的不填这一项。", pointer=f"/body/{name}")
    elif told["wanted"] is None:
        raise InvalidInput("请填写要办什么。", pointer="/body/wanted")
    elif told["needed_by"] is not None and told["needed_by"] < asked_at:
        raise InvalidInput("不能早于提出的时间。", pointer="/body/needed_by")
    elif told["needed_by"] is not None and told["needed_by"] > asked_at + _LATEST:
        raise InvalidInput("须在提出后一个月内。", pointer="/body/needed_by")


def refuse_over(quarantine: Quarantine, at: datetime) -> None:
    """Nobody runs errands for who is free to go; raises `QuarantineEnded`.

    What was asked for before the last day was over may be told later.
    """
    over = quarantine.ended_on is not None and quarantine.ended_on < clock.local_day(at)
    if over or quarantine.end_reason is EndReason.entered_in_error:
        raise QuarantineEnded


def due_at(needed_by: datetime | None, asked_at: datetime) -> datetime:
    """When it must be there: as asked for, else by the end of the day on which it was."""
    return needed_by or clock.day_bounds(clock.local_day(asked_at))[1]


def _row(
    session: AsyncSession, quarantine: Quarantine, said: ErrandRecord, fields: dict[str, Any]
) -> Errand:
    nothing = said.kind is ErrandKind.none_needed
    return Errand(
        **fields,
        **said.model_dump(include={"kind", "quantity", "needed_by"}),
        reach=quarantine.reach,
        quarantine_id=quarantine.id,
        resident_id=quarantine.resident_id,
        household_id=quarantine.household_id,
        grid_id=quarantine.grid_id,
        status=ErrandStatus.none_needed if nothing else ErrandStatus.requested,
        wanted_sealed=sealed(session, said.wanted, context=WANTED),
        due_at=due_at(said.needed_by, fields["recorded_at"]),
    )


def refuse_unpaid(amount_fen: int | None, payer: object) -> None:
    """Where something was paid, somebody paid it; raises `InvalidInput`."""
    if amount_fen and payer is None:
        raise InvalidInput("有花费的，请填写费用由谁承担。", pointer="/body/payer")
