"""Rows follow their place: every table with a `reach`, whichever room it belongs to (M1.7).

No table is named here. One that a room adds follows because it has a `reach`; where it also names
its grid, that follows too; and where the grid was told by whoever made the record (it refers to a
grid), the former version is kept. Whoever calls holds the cell alone (docs/decisions/0009).

A duty that only those may have who serve at its place is looked at anew by the room that gives it:

    @after_relocation("bonds")
    async def end_out_of_place(session: AsyncSession, places: Sequence[str]) -> None: ...
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.corrections import Correction
from api.foundation.database import metadata

_MOVES = (
    "unnest(CAST(:former AS text[]), CAST(:latter AS text[]), CAST(:grid AS uuid[])) "
    "AS m (former, latter, grid)"
)
_BELOW = "t.{column} >= m.former AND t.{column} < m.former || '/'"
_EXACTLY = "t.{column} = m.former"
_FOLLOWS = "{column} = m.latter || substr(t.{column}, length(m.former) + 1)"
_CHANGED = "changed_xid = pg_current_xact_id()"


@dataclass(frozen=True, slots=True)
class Relocation:
    """A place and where it lies from now on; `grid` is given where its rows change their grid."""

    former: str
    latter: str
    grid: UUID | None = None


Settling = Callable[[AsyncSession, Sequence[str]], Awaitable[None]]
"""Looks at what lies at these places, or below them, now that the tree has changed."""

_settlings: dict[str, Settling] = {}


def after_relocation(room: str) -> Callable[[Settling], Settling]:
    """Register what a room does once rows and posts lie where they belong from now on."""

    def register(settling: Settling) -> Settling:
        _settlings[room] = settling
        return settling

    return register


async def settle(session: AsyncSession, places: Sequence[str]) -> None:
    """Let every room look at what came to lie at these places."""
    await session.flush()
    for settling in _settlings.values():
        await settling(session, places)


async def relocate(
    session: AsyncSession, moves: Sequence[Relocation], correction: Correction, *, below: bool
) -> None:
    """Let every row at these places, or also `below` them, follow.

    All of `moves` change the grid of their rows, or none does.
    """
    if not moves:
        return
    await session.flush()
    # Ten thousand households with all their records take longer than a request may.
    await session.execute(text("SET LOCAL statement_timeout = '10min'"))
    told = _told(moves)
    match = (_BELOW if below else _EXACTLY).format(column="reach")
    for table in followers():
        regrids = moves[0].grid is not None and "grid_id" in table.c
        if regrids and table.c.grid_id.foreign_keys:
            await _keep_former(session, table, told, match, correction)
        changes = [_FOLLOWS.format(column="reach"), _CHANGED]
        changes += ["grid_id = m.grid"] if regrids else []
        changes += ["version = t.version + 1"] if regrids and table.c.grid_id.foreign_keys else []
        await session.execute(
            text(f"UPDATE {table.name} AS t SET {', '.join(changes)} FROM {_MOVES} WHERE {match}"),
            told,
        )
    await _move_history(session, told, below=below)


def followers() -> list[Table]:
    """Every table whose rows lie somewhere and may be changed; what is on record follows apart."""
    tables = metadata.sorted_tables
    return [table for table in tables if "reach" in table.c and "changed_xid" in table.c]


async def relocate_grids(
    session: AsyncSession, moves: Sequence[Relocation], *, deeper: int
) -> None:
    """Let grids and those below them follow; tokens for posts there are asked to be refreshed."""
    await session.flush()
    statement = (
        f"UPDATE grids AS t SET {_FOLLOWS.format(column='path')}, level = t.level + :deeper, "
        f"moved_at = :at, {_CHANGED} FROM {_MOVES} WHERE {_BELOW.format(column='path')}"
    )
    await session.execute(text(statement), {**_told(moves), "deeper": deeper, "at": clock.now()})


async def _keep_former(
    session: AsyncSession,
    table: Table,
    told: dict[str, list[str] | list[UUID | None]],
    match: str,
    correction: Correction,
) -> None:
    statement = (
        "INSERT INTO revisions "
        "(id, kind, record_id, version, body, replaced_at, replaced_by, reason, reach) "
        f"SELECT gen_random_uuid(), '{table.name}', t.id, t.version, to_jsonb(t) - 'changed_xid', "
        f":at, :by, :reason, t.reach FROM {table.name} AS t, {_MOVES} WHERE {match}"
    )
    kept = {"at": clock.now(), "by": correction.by, "reason": correction.reason}
    await session.execute(text(statement), {**told, **kept})


async def _move_history(
    session: AsyncSession, told: dict[str, list[str] | list[UUID | None]], *, below: bool
) -> None:
    """The service may add to what is on record and change nothing; its owner lets it follow."""
    statement = text(
        "SELECT move_history(CAST(:former AS text[]), CAST(:latter AS text[]), :below)"
    )
    await session.execute(
        statement, {"former": told["former"], "latter": told["latter"], "below": below}
    )


async def take_history_along(
    session: AsyncSession, table: Table, records: Collection[UUID]
) -> None:
    """Let what these records said before follow them, where they alone were moved within reach."""
    if records:
        statement = text("SELECT history_follows(:kind, CAST(:records AS uuid[]))")
        await session.execute(statement, {"kind": table.name, "records": list(records)})


def _told(moves: Sequence[Relocation]) -> dict[str, list[str] | list[UUID | None]]:
    return {
        "former": [move.former for move in moves],
        "latter": [move.latter for move in moves],
        "grid": [move.grid for move in moves],
    }
