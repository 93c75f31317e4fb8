"""Appointing people to posts (任命): who may make whom what, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select as pick
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.permissions import Role, permitted
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.batches import Unread
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import BatchOutcome, Proposal, create_once
from api.grids.batch import keep_each
from api.grids.models import Grid, Post, Worker
from api.grids.people import grids_within
from api.grids.people_schemas import PostAppoint
from api.grids.problems import (
    AboveYourRank,
    GridClosed,
    HouseholdNotNamed,
    WorkerLeft,
)
from api.grids.queries import HOUSEHOLDS

_EARLIEST = datetime(1950, 1, 1, tzinfo=clock.TOWNSHIP_ZONE)
_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Ground:
    """What appointments stand on, looked up once for all of a request."""

    grids: Mapping[UUID, Grid]
    workers: Mapping[UUID, Worker]
    reaches: Mapping[tuple[UUID, UUID], str]
    kept: Mapping[UUID, Post]


def check_rank(caller: Claims, role: Role, grid: Grid) -> None:
    """Raise `AboveYourRank` unless the caller may appoint `role` at `grid`, and end it (M1.2).

    That the grid lies in the caller's subtree, reach has seen to. At the own grid nobody makes an
    equal or a superior; nowhere does anybody give away more than they hold. An administrator makes
    whatever the cell needs, administrators included.
    """
    if caller.role is Role.administrator:
        return
    excess = permitted(role, grid.level) - permitted(caller.role, caller.level)
    peers = {Role.grid_leader, caller.role} if grid.id == caller.grid else set[Role]()
    if role is Role.administrator or role in peers or excess:
        raise AboveYourRank


async def appoint(session: AsyncSession, caller: Claims, said: PostAppoint) -> tuple[Post, bool]:
    """Give somebody a post in the caller's subtree; see `check_rank`.

    Raises `PostHeld`, `GridClosed`, `WorkerLeft`, `HouseholdNotNamed`.
    """
    row = _drafted(await _survey(session, [said]), caller, said)
    post, created = await create_once(session, Proposal(said, row))
    if created:
        audit(session, caller, "posts.appoint", subject=post.id, reach=post.reach)
    return post, created


async def appoint_all(
    session: AsyncSession, caller: Claims, items: Sequence[PostAppoint | Unread]
) -> BatchOutcome:
    """Appoint many in a handful of statements; outcomes in the order given."""
    ground = await _survey(session, [item for item in items if not isinstance(item, Unread)])

    def drafted(said: PostAppoint) -> Post:
        return _drafted(ground, caller, said)

    return await keep_each(session, caller, "posts.appoint", items, drafted=drafted)


async def _survey(session: AsyncSession, said: Sequence[PostAppoint]) -> Ground:
    workers = select(Worker).where(col(Worker.id).in_({each.worker_id for each in said}))
    kept = select(Post).where(col(Post.id).in_({each.id for each in said}))
    named = {each.household_id for each in said} - {None}
    homes = HOUSEHOLDS.c
    reaches = pick(homes.id, homes.grid_id, homes.reach).where(homes.id.in_(named))
    return Ground(
        grids=await grids_within(session, {each.grid_id for each in said}),
        workers={worker.id: worker for worker in await session.scalars(workers)},
        reaches={
            (row.id, row.grid_id): row.reach
            for row in (await session.execute(reaches) if named else ())
        },
        kept={post.id: post for post in await session.scalars(kept)},
    )


def _drafted(ground: Ground, caller: Claims, said: PostAppoint) -> Post:
    if said.id in ground.kept:
        return ground.kept[said.id]
    grid, worker = ground.grids.get(said.grid_id), ground.workers.get(said.worker_id)
    if grid is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer="/body/grid_id")
    if grid.closed_at is not None:
        raise GridClosed(pointer="/body/grid_id")
    check_rank(caller, said.role, grid)
    _refuse_another_age(said.began_at)
    if worker is None:
        raise NotFound("没有找到该人员，或不在您的网格范围内。", pointer="/body/worker_id")
    if worker.left_at is not None:
        raise WorkerLeft(pointer="/body/worker_id")
    return Post(
        id=said.id,
        worker_id=worker.id,
        grid_id=grid.id,
        household_id=said.household_id,
        role=said.role,
        title=said.title,
        began_at=said.began_at or clock.now(),
        reach=_reach(ground, grid, said),
    )


def _refuse_another_age(begins: datetime | None) -> None:
    """A post may have begun long ago or begin later, within somebody's working life and a year."""
    if begins is not None and not _EARLIEST <= begins <= clock.now() + _AHEAD:
        detail = "任职开始时间应在1950年以后，最晚不超过一年后。"
        raise InvalidInput(detail, pointer="/body/began_at")


def _reach(ground: Ground, grid: Grid, said: PostAppoint) -> str:
    """A household representative reaches the own household, everybody else the grid."""
    if (said.role is Role.household_representative) is (said.household_id is None):
        raise HouseholdNotNamed
    if said.household_id is None:
        return grid.path
    reach = ground.reaches.get((said.household_id, grid.id))
    if reach is None:
        raise NotFound("没有在该网格内找到该户。", pointer="/body/household_id")
    return reach
