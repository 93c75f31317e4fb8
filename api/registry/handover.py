"""Bonds pass from one worker to another: ended for the one, begun for the other, both on record."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, column, func, text, update
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
from api.grids.relocation import after_relocation
from api.registry.models import Bond, BondKind
from api.registry.problems import StillStandsForHouseholds
from api.registry.standing import ANSWERABLE, Door, Person, bond_values, candidates


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


# By the functions that see every post and every grid above: a cadre of the township answers for a
# household anywhere, also where whoever changes the tree would not see that post.
_OUT_OF_PLACE = text("""
    WITH held AS (
        SELECT b.id, b.worker_id, h.grid_id
        FROM bonds AS b JOIN households AS h ON h.id = b.household_id
        JOIN unnest(CAST(:places AS text[])) AS place
            ON b.reach > place COLLATE "C" AND b.reach < place || '/'
        WHERE b.kind = 'grid_worker' AND b.ended_at IS NULL
    ), fit AS (
        SELECT pair.worker_id, pair.grid_id
        FROM (SELECT DISTINCT worker_id, grid_id FROM held) AS pair
        CROSS JOIN LATERAL posts_of(pair.worker_id, :at) AS post
        WHERE post.role = ANY (CAST(:roles AS text[])) AND (
            post.grid_id = pair.grid_id
            OR post.grid_id IN (SELECT id FROM line_above(pair.grid_id, :at))
        )
    )
    SELECT id FROM held
    WHERE NOT EXISTS (
        SELECT FROM fit WHERE fit.worker_id = held.worker_id AND fit.grid_id = held.grid_id
    )
""")


@after_relocation("bonds")
async def end_out_of_place(session: AsyncSession, places: Sequence[str]) -> None:
    """Let nobody stay the grid worker of a household that came to lie where they do not serve.

    They no longer see it; the household is listed as lacking one until somebody is found (M1.4).
    """
    roles = [role.value for role in ANSWERABLE]
    asked = _OUT_OF_PLACE.bindparams(places=list(places), roles=roles, at=clock.now())
    out_of_place = asked.columns(column("id", Uuid)).subquery()
    await end_bonds(
        session, col(Bond.id).in_(select(out_of_place.c.id)), reason="网格调整后不在其负责的范围"
    )


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
