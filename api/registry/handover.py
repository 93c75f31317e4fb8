"""Bonds pass from one worker to another: ended for the one, begun for the other, both on record."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.records import insert_values
from api.grids.handover import (
    Handover,
    Leaving,
    before_leaving_the_party,
    counts_duties,
    on_handover,
)
from api.grids.models import Post
from api.registry.models import Bond, BondKind
from api.registry.problems import StillStandsForHouseholds
from api.registry.standing import Door, Person, bond_values, candidates


def ending(kind: type[Bond] | type[Post], *, reason: str) -> dict[str, Any]:
    """The columns of a bond or post that ends now, for a reason the history keeps."""
    return {"ended_at": clock.now(), "ended_reason": reason, "version": col(kind.version) + 1}


async def end_bonds(
    session: AsyncSession, which: ColumnElement[bool], *, reason: str
) -> list[Door]:
    """End the open bonds among `which`; tells what nobody stands for any more."""
    ended = await session.execute(
        update(Bond)
        .where(which, col(Bond.ended_at).is_(None))
        .values(ending(Bond, reason=reason))
        .returning(col(Bond.household_id), col(Bond.reach), col(Bond.kind))
        .execution_options(synchronize_session=False)
    )
    return [Door(household, reach, kind) for household, reach, kind in ended]


async def begin_bonds(session: AsyncSession, doors: Sequence[Door], person: Person) -> list[Bond]:
    """Let a person stand for these households from now on, in one statement."""
    now = clock.now()
    begun = [bond_values(door, person, began_at=now) for door in doors]
    await insert_values(session, Bond, begun)
    return [Bond(**values) for values in begun]


@counts_duties("bonds")
async def open_duties(session: AsyncSession, leaving: Leaving) -> dict[str, int]:
    """For how many households the holder of an ending post stands."""
    held = leaving.covers(col(Bond.worker_id), col(Bond.reach)) & col(Bond.ended_at).is_(None)
    return {"bonds": await session.scalar(select(func.count()).where(held)) or 0}


@on_handover("bonds")
async def pass_bonds(session: AsyncSession, _: Claims, handover: Handover) -> dict[str, int]:
    """Let the successor stand for the households of an ending post (M1.7).

    Raises `NotPartyMember` or `NotOfThisGrid` where the successor may not stand for one of them.
    """
    await session.flush()
    held = handover.covers(col(Bond.worker_id), col(Bond.reach))
    doors = await end_bonds(session, held, reason=handover.reason)
    if not doors:
        return {"bonds": 0}
    standing = await candidates(session, [handover.successor])
    pointer = "/body/successor_worker_id"
    fit = [
        standing.choose(handover.successor, door.kind, reach=door.reach, pointer=pointer)
        for door in doors
    ]
    await begin_bonds(session, doors, fit[0])
    return {"bonds": len(doors)}


@before_leaving_the_party("bonds")
async def keep_party_bonds(session: AsyncSession, worker: UUID) -> None:
    """Raise `StillStandsForHouseholds` for who is the party member of a household."""
    held = select(func.count()).where(
        col(Bond.worker_id) == worker,
        col(Bond.kind) == BondKind.party_member,
        col(Bond.ended_at).is_(None),
    )
    households = await session.scalar(held) or 0
    if households:
        raise StillStandsForHouseholds(households=households)
