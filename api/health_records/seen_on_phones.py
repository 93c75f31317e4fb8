"""Health codes and travel cards as workers see them on phones, one or five hundred (M2.7)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import Actor
from api.alerts.models import EvidenceKind
from api.alerts.opening import evidence_discarded
from api.foundation.batches import Unread, readable
from api.foundation.database import keyring_of
from api.foundation.problems import InvalidInput
from api.foundation.records import BatchOutcome, Proposal
from api.foundation.sealed import Keyring
from api.health_records.code_schemas import City, CodeStateRecord, TravelCardRecord
from api.health_records.code_states import REASON, sound, sound_standing
from api.health_records.keeping import (
    Discarding,
    discard,
    keep_many,
    keep_one,
    standing_record_of,
)
from api.health_records.models import MANUAL, CodeState, HealthCodeState, TravelCard
from api.health_records.people import People, people_of
from api.health_records.places import unknown_divisions


async def record_code_state(
    session: AsyncSession, caller: Actor, said: CodeStateRecord
) -> tuple[HealthCodeState, bool]:
    """Keep what a worker saw; returns it and whether it is new. A red one is told upward at once.

    Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture`, `InvalidInput`, `RecordDiffers`.
    """
    people = await people_of(session, [said])
    proposal = _code_state(people, caller, said, within="/body", keyring=keyring_of(session))
    row, created = await keep_one(session, caller, proposal, {"state": said.state})
    if created:
        await _sound(session, caller, [row])
    return row, created


async def record_code_states(
    session: AsyncSession, caller: Actor, said: Sequence[CodeStateRecord | Unread]
) -> BatchOutcome:
    """Keep what a worker saw on a round, each with its own outcome, in the order sent."""
    people, keyring = await people_of(session, readable(said)), keyring_of(session)

    def draft(each: CodeStateRecord, within: str) -> Proposal[HealthCodeState]:
        return _code_state(people, caller, each, within=within, keyring=keyring)

    outcome, new = await keep_many(session, caller, said, draft)
    await _sound(session, caller, new)
    return outcome


async def discard_code_state(
    session: AsyncSession, caller: Actor, state_id: UUID, discarding: Discarding
) -> HealthCodeState:
    """Let a state count no more; an alert that it opened stands, and a red one behind it counts.

    Raises `NotFound`, `HealthRecordDiscarded`, `VersionMismatch`.
    """
    row = await standing_record_of(session, HealthCodeState, state_id)
    await discard(session, caller, row, discarding)
    await evidence_discarded(session, EvidenceKind.code_state, row.id)
    await sound_standing(session, caller, row, until=row.changed_at)
    return row


async def record_travel_card(
    session: AsyncSession, caller: Actor, said: TravelCardRecord
) -> tuple[TravelCard, bool]:
    """Keep a travel card; returns it and whether it is new.

    Raises `NotFound`, `NotAColleague`, `RecordedInTheFuture`, `InvalidInput`, `RecordDiffers`.
    """
    unknown = await unknown_divisions(session, _codes([said]))
    proposal = _card(await people_of(session, [said]), caller, said, "/body", unknown)
    return await keep_one(session, caller, proposal, {"colour": said.colour})


async def record_travel_cards(
    session: AsyncSession, caller: Actor, said: Sequence[TravelCardRecord | Unread]
) -> BatchOutcome:
    """Keep the cards seen on a round, each with its own outcome, in the order sent."""
    unknown = await unknown_divisions(session, _codes(readable(said)))
    people = await people_of(session, readable(said))

    def draft(each: TravelCardRecord, within: str) -> Proposal[TravelCard]:
        return _card(people, caller, each, within, unknown)

    outcome, _ = await keep_many(session, caller, said, draft)
    return outcome


async def discard_travel_card(
    session: AsyncSession, caller: Actor, card_id: UUID, discarding: Discarding
) -> TravelCard:
    """Let a card count no more. Raises `NotFound`, `HealthRecordDiscarded`, `VersionMismatch`."""
    row = await standing_record_of(session, TravelCard, card_id)
    await discard(session, caller, row, discarding)
    return row


def _code_state(
    people: People, caller: Actor, said: CodeStateRecord, *, within: str, keyring: Keyring
) -> Proposal[HealthCodeState]:
    told = ("changed_at", "fetched_at")
    fields = people.fields(caller, said, within=within, instants=told)
    fetched_at = said.fetched_at or fields["recorded_at"]
    changed_at = said.changed_at or fetched_at
    refuse_changed_later(changed_at, fetched_at, pointer=f"{within}/changed_at")
    row = HealthCodeState(
        **fields,
        system=MANUAL,
        state=said.state,
        changed_at=changed_at,
        fetched_at=fetched_at,
        reason_sealed=None if said.reason is None else keyring.seal(said.reason, context=REASON),
    )
    return Proposal(said, row)


def refuse_changed_later(changed_at: datetime, fetched_at: datetime, *, pointer: str) -> None:
    """Raise `InvalidInput` for a state that came to hold after it was seen."""
    if changed_at > fetched_at:
        raise InvalidInput("成为该状态的时间不能晚于看到的时间。", pointer=pointer)


async def _sound(session: AsyncSession, caller: Actor, new: Sequence[HealthCodeState]) -> None:
    await sound(session, caller, [each.id for each in new if each.state is CodeState.red])


def _codes(said: Sequence[TravelCardRecord]) -> set[str]:
    return {city.code for each in said for city in each.cities if city.code}


def refuse_unknown_cities(cities: Sequence[City], unknown: Collection[str], within: str) -> None:
    """Raise `InvalidInput` for a city whose code no division has."""
    for place, city in enumerate(cities):
        if city.code in unknown:
            pointer = f"{within}/cities/{place}/code"
            raise InvalidInput("没有这一行政区划代码；不能确定的，只填地名。", pointer=pointer)


def refuse_updated_later(updated_at: datetime, seen_at: datetime, *, pointer: str) -> None:
    """Raise `InvalidInput` for a card brought up to date after it was seen."""
    if updated_at > seen_at:
        raise InvalidInput("卡上的更新时间不能晚于看到的时间。", pointer=pointer)


def _card(
    people: People, caller: Actor, said: TravelCardRecord, within: str, unknown: Collection[str]
) -> Proposal[TravelCard]:
    told = ("seen_at", "updated_at")
    fields = people.fields(caller, said, within=within, instants=told)
    seen_at = said.seen_at or max(fields["recorded_at"], said.updated_at)
    refuse_updated_later(said.updated_at, seen_at, pointer=f"{within}/updated_at")
    refuse_unknown_cities(said.cities, unknown, within)
    row = TravelCard(
        **fields,
        seen_at=seen_at,
        updated_at=said.updated_at,
        colour=said.colour,
        cities=[city.model_dump() for city in said.cities],
        window_days=said.window_days,
    )
    return Proposal(said, row)
