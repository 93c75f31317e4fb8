"""Putting a travel card right; what was said of it before is kept."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor, audit
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.records import former
from api.health_records.birth_and_doses import refuse_impossible
from api.health_records.code_schemas import (
    TravelCardCorrect,
    TravelCardHistory,
    TravelCardRead,
    TravelCardRevision,
)
from api.health_records.keeping import standing_record_of
from api.health_records.models import TravelCard
from api.health_records.places import unknown_divisions
from api.health_records.seen_on_phones import refuse_unknown_cities, refuse_updated_later


async def correct_travel_card(
    session: AsyncSession, caller: Actor, card_id: UUID, said: TravelCardCorrect, *, version: int
) -> TravelCard:
    """Put right what was told of a card.

    Raises `NotFound`, `HealthRecordDiscarded`, `VersionMismatch`, `RecordedInTheFuture`,
    `InvalidInput`.
    """
    row = await standing_record_of(session, TravelCard, card_id)
    told = told_in(said)
    changes = await _changes(session, row, said, told)
    correction = Correction(version, by=caller.worker, reason=said.reason, duty=row.resident_id)
    await correct(session, row, changes, correction)
    subject, reach, details = row.id, row.reach, {"fields": sorted(told)}
    audit(session, caller, "travel_cards.correct", subject=subject, reach=reach, details=details)
    return row


async def _changes(
    session: AsyncSession, row: TravelCard, said: TravelCardCorrect, told: set[str]
) -> dict[str, Any]:
    """The columns that change, with their new values."""
    instants = said.model_dump(include=told & {"seen_at", "updated_at"})
    await refuse_impossible(session, row.resident_id, **instants)
    if "cities" in told:
        codes = {city.code for city in said.cities if city.code}
        refuse_unknown_cities(said.cities, await unknown_divisions(session, codes), "/body")
    changes = said.model_dump(include=told)
    updated_at, seen_at = (changes.get(at, getattr(row, at)) for at in ("updated_at", "seen_at"))
    pointer = "/body/updated_at" if "updated_at" in told else "/body/seen_at"
    refuse_updated_later(updated_at, seen_at, pointer=pointer)
    return changes


async def card_history(session: AsyncSession, row: TravelCard) -> TravelCardHistory:
    """What was said of a card before each of its corrections, oldest first."""
    return TravelCardHistory(
        items=[
            TravelCardRevision(card=TravelCardRead.model_validate(said), **replaced)
            for said, replaced in await former(session, row)
        ]
    )
