"""Reading code states and travel cards; what is out of reach is not there."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, exists, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col, select

from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.sealed import Keyring
from api.grids.queries import lying_in
from api.health_records.code_schemas import CodeStateRead, TravelCardRead
from api.health_records.code_states import REASON
from api.health_records.keeping import Row
from api.health_records.models import CardColour, CodeState, HealthCodeState, TravelCard
from api.registry.masked import opened


class Wanted(BaseModel):
    """Which records are wanted; what is left out does not narrow."""

    grid_id: UUID | None = None
    resident_id: UUID | None = None
    discarded: bool = False


class CodeStatesWanted(Wanted):
    """Which code states are wanted; `current` leaves out what something newer took the place of."""

    system: str | None = None
    state: CodeState | None = None
    current: bool = False


class TravelCardsWanted(Wanted):
    """Which travel cards are wanted."""

    colour: CardColour | None = None
    day: date | None = None


async def code_states(
    session: AsyncSession, wanted: CodeStatesWanted, page: PageRequest
) -> Page[CodeStateRead]:
    """Code states, those fetched last first."""
    statement = await narrowed(session, HealthCodeState, wanted, ("system", "state"))
    if wanted.current:
        statement = statement.where(~_superseded())
    keys = [col(HealthCodeState.fetched_at), col(HealthCodeState.id)]

    def present(row: HealthCodeState) -> CodeStateRead:
        return present_code_state(session, row)

    return await read_page(session, statement, keys, page, present=present, descending=True)


def _superseded() -> ColumnElement[bool]:
    """Whether something newer is known of the same person from the same system."""
    newer, row = aliased(HealthCodeState), HealthCodeState
    order = ("changed_at", "fetched_at", "id")
    return exists().where(
        col(newer.resident_id) == col(row.resident_id),
        col(newer.system) == col(row.system),
        col(newer.state) != CodeState.unavailable,
        col(newer.discarded_at).is_(None),
        tuple_(*(getattr(newer, name) for name in order))
        > tuple_(*(getattr(row, name) for name in order)),
    )


def present_code_state(session: AsyncSession, row: HealthCodeState) -> CodeStateRead:
    """A state as the wire shows it."""
    return code_state_read(keyring_of(session), row.model_dump())


def code_state_read(keyring: Keyring, said: Mapping[str, Any]) -> CodeStateRead:
    """The same, of what a version said."""
    reason = opened(keyring, said["reason_sealed"], context=REASON)
    return CodeStateRead.model_validate({**said, "reason": reason})


async def travel_cards(
    session: AsyncSession, wanted: TravelCardsWanted, page: PageRequest
) -> Page[TravelCardRead]:
    """Travel cards, those seen last first."""
    statement = await narrowed(session, TravelCard, wanted, ("colour",))
    statement = on_day(statement, col(TravelCard.seen_at), wanted.day)
    keys = [col(TravelCard.seen_at), col(TravelCard.id)]
    present = present_travel_card
    return await read_page(session, statement, keys, page, present=present, descending=True)


def present_travel_card(row: TravelCard) -> TravelCardRead:
    """A travel card as the wire shows it."""
    return TravelCardRead.model_validate(row.model_dump())


async def narrowed(
    session: AsyncSession, kind: type[Row], wanted: Wanted, names: tuple[str, ...]
) -> Select[Row]:
    """The records of one kind that are wanted, by the grid, the resident and these columns."""
    grid: Mapped[UUID] = getattr(kind, "grid_id")  # noqa: B009 - not of all
    statement = select(kind).where(
        col(kind.discarded_at).is_not(None) == wanted.discarded,
        *await lying_in(session, grid, wanted.grid_id),
    )
    for name in ("resident_id", *names):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(getattr(kind, name) == value)
    return statement


def on_day(statement: Select[Row], instant: Mapped[Any], day: date | None) -> Select[Row]:
    """Only what happened on a local day, if one is told."""
    if day is None:
        return statement
    begins, ends = clock.day_bounds(day)
    return statement.where(instant >= begins, instant < ends)
