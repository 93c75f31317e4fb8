"""Reading the tree: what lies within reach, who leads it, and who stands above."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, column, or_, table, text
from sqlalchemy import func as sql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import NotFound
from api.grids.models import Grid, GridKind, Post
from api.grids.problems import GridClosed

Grids = SelectOfScalar[Grid]
"""A selection of grids, still to be narrowed or read."""

LEADING = (Role.grid_leader, Role.grid_worker)
"""Who answers for a grid: at some levels S1 calls this person 网格长, at others 网格员."""

HOUSEHOLDS = table(
    "households",
    column("id"),
    column("grid_id"),
    column("reach"),
    column("left_on"),
    column("discarded_at"),
)
"""The leaves of the tree, as far as the tree is concerned; their room lies above this one."""


@dataclass(frozen=True, slots=True)
class Leader:
    """Somebody who answers for a grid."""

    worker_id: UUID
    name: str
    role: Role
    title: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A grid with who answers for it and how many open grids lie directly below."""

    grid: Grid
    leaders: list[Leader]
    children: int


async def grid_in_reach(
    session: AsyncSession, grid_id: UUID, *, pointer: str | None = None
) -> Grid:
    """The grid; raises `NotFound`, also for one that lies out of reach."""
    grid = await session.get(Grid, grid_id)
    if grid is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer=pointer)
    return grid


async def open_grid_in_reach(
    session: AsyncSession, grid_id: UUID, *, pointer: str | None = None
) -> Grid:
    """As `grid_in_reach`; raises `GridClosed` for one in which nothing new begins."""
    grid = await grid_in_reach(session, grid_id, pointer=pointer)
    if grid.closed_at is not None:
        raise GridClosed(pointer=pointer)
    return grid


def within(path: Any, place: str) -> ColumnElement[bool]:
    """Whether a path or reach is `place` or lies below it (docs/decisions/0001)."""
    return and_(path >= place, path < f"{place}/")


def is_current() -> ColumnElement[bool]:
    """Whether a post is held now."""
    now = clock.now()
    return and_(
        col(Post.began_at) <= now, or_(col(Post.ended_at).is_(None), col(Post.ended_at) > now)
    )


async def holders(session: AsyncSession, posts: Sequence[Post]) -> dict[UUID, str]:
    """The names of who holds these posts, by post, wherever those people are registered."""
    statement = text("SELECT post_id, name FROM holders(CAST(:held AS uuid[]))")
    rows = await session.execute(statement, {"held": [post.id for post in posts]})
    return {row.post_id: row.name for row in rows}


async def nodes(session: AsyncSession, statement: Grids) -> list[Node]:
    """Grids ordered by path, so that each comes after its parent, with leaders and children."""
    grids = (await session.scalars(statement.order_by(col(Grid.path)))).all()
    of_them = [grid.id for grid in grids]
    leaders = await _leaders(session, of_them)
    counting = (
        select(col(Grid.parent_id), sql.count())
        .where(col(Grid.parent_id).in_(of_them), col(Grid.closed_at).is_(None))
        .group_by(col(Grid.parent_id))
    )
    children: dict[UUID | None, int] = {row[0]: row[1] for row in await session.execute(counting)}
    return [Node(grid, leaders.get(grid.id, []), children.get(grid.id, 0)) for grid in grids]


async def _leaders(session: AsyncSession, grids: Sequence[UUID]) -> Mapping[UUID, list[Leader]]:
    statement = (
        select(Post)
        .where(col(Post.grid_id).in_(grids), col(Post.role).in_(LEADING), is_current())
        .order_by(col(Post.role), col(Post.began_at), col(Post.id))
    )
    posts = (await session.scalars(statement)).all()
    names = await holders(session, posts)
    led: dict[UUID, list[Leader]] = {}
    for post in posts:
        leader = Leader(post.worker_id, names[post.id], post.role, post.title)
        led.setdefault(post.grid_id, []).append(leader)
    return led


def tree(*, deepest: int | None, closed: bool) -> Grids:
    """Every grid within reach, down to the level `deepest`; closed ones only where wanted."""
    statement = select(Grid)
    if deepest is not None:
        statement = statement.where(col(Grid.level) <= deepest)
    return statement if closed else statement.where(col(Grid.closed_at).is_(None))


def only(grid: Grid) -> Grids:
    """One grid by itself."""
    return select(Grid).where(col(Grid.id) == grid.id)


def children_of(grid: Grid, *, closed: bool) -> Grids:
    """The grids directly below."""
    return tree(deepest=None, closed=closed).where(col(Grid.parent_id) == grid.id)


async def ids_within(session: AsyncSession, grid_id: UUID) -> list[UUID]:
    """The grid and every grid below it that was ever there; by itself where it is out of reach.

    For lists that are read in the order of an index that begins with the grid.
    """
    top = aliased(Grid)
    below = select(col(Grid.id)).where(
        col(top.id) == grid_id, col(Grid.path) >= top.path, col(Grid.path) < col(top.path) + "/"
    )
    return list(await session.scalars(below)) or [grid_id]


async def lying_in(
    session: AsyncSession, grid: Mapped[UUID], wanted: UUID | None
) -> tuple[ColumnElement[bool], ...]:
    """The condition that a row's grid is this one or lies below it; none where none is named."""
    return () if wanted is None else (grid.in_(await ids_within(session, wanted)),)


async def below_grid(
    session: AsyncSession, grid: UUID | None, path: Any, *, pointer: str
) -> tuple[ColumnElement[bool], ...]:
    """As `lying_in`, by the path a row carries; raises `NotFound` for a grid out of sight."""
    if grid is None:
        return ()
    return (within(path, (await grid_in_reach(session, grid, pointer=pointer)).path),)


async def line_above(session: AsyncSession, grid: Grid) -> list[Mapping[str, Any]]:
    """The grids above, the township first, with who answers for them: also those out of reach."""
    statement = text("SELECT id, code, name, kind, level, leaders FROM line_above(:grid, :at)")
    rows = await session.execute(statement, {"grid": grid.id, "at": clock.now()})
    return [dict(row) for row in rows.mappings()]


async def division_of(session: AsyncSession, grid: Grid) -> str:
    """The code of the division a grid lies in: the nearest village, or the township."""
    if grid.kind in (GridKind.township, GridKind.village):
        return grid.code
    above = await line_above(session, grid)
    divisions = (GridKind.township, GridKind.village)
    return next(place["code"] for place in reversed(above) if place["kind"] in divisions)


async def what_remains(session: AsyncSession, grid: Grid) -> dict[str, int]:
    """How many open children, households and posts a grid has; only zeros are empty."""
    homes = HOUSEHOLDS.c
    children = select(sql.count()).where(
        col(Grid.parent_id) == grid.id, col(Grid.closed_at).is_(None)
    )
    households = (
        select(sql.count())
        .select_from(HOUSEHOLDS)
        .where(homes.grid_id == grid.id, homes.left_on.is_(None), homes.discarded_at.is_(None))
    )
    posts = select(sql.count()).where(col(Post.grid_id) == grid.id, col(Post.ended_at).is_(None))
    return {
        "children": (await session.scalars(children)).one(),
        "households": (await session.scalars(households)).one(),
        "posts": (await session.scalars(posts)).one(),
    }
