"""Ending posts and handing them over, so that no open duty is left behind (免职、交接; M1.7)."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.permissions import Role
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.live import tell
from api.foundation.problems import RecordDiffers
from api.foundation.records import insert_new
from api.grids.handover import Handover, Leaving, open_duties, pass_on
from api.grids.models import Grid, Post
from api.grids.people import post_in_reach, posts_held, worker_in_reach
from api.grids.people_schemas import PostHandOver
from api.grids.posts import check_rank
from api.grids.problems import (
    AboveYourRank,
    LastAdministrator,
    OpenDuties,
    PostEnded,
    SuccessorIsHolder,
    WorkerLeft,
)
from api.grids.queries import open_grid_in_reach


@dataclass(frozen=True, slots=True)
class Succession:
    """A post that ended, its successor's, and how many duties went over, by kind."""

    ended: Post
    successor: Post
    passed_on: dict[str, int]


async def end_post(session: AsyncSession, caller: Claims, post_id: UUID, reason: str) -> Post:
    """End a post; it opens no door from the next request on. An ended one stays ended.

    Raises `AboveYourRank`, `LastAdministrator`, and `OpenDuties` with their counts where the holder
    still owes something that only a successor can take over (M1.7).
    """
    post, grid = await _within_rank(session, caller, post_id)
    if post.ended_at is not None:
        return post
    owed = await open_duties(session, await _leaving(session, post))
    if owed:
        raise OpenDuties(duties=owed)
    await _end(session, caller, post, reason)
    audit(session, caller, "posts.end", subject=post.id, reach=grid.path)
    return post


async def _within_rank(session: AsyncSession, caller: Claims, post_id: UUID) -> tuple[Post, Grid]:
    post = await post_in_reach(session, post_id, locked=True)
    grid = await session.get(Grid, post.grid_id)
    if grid is None:
        raise AboveYourRank
    check_rank(caller, post.role, grid)
    return post, grid


async def _leaving(session: AsyncSession, post: Post) -> Leaving:
    others = await posts_held(session, post.worker_id) - {post.id}
    return Leaving(
        post=post.id,
        worker=post.worker_id,
        grid=post.grid_id,
        role=post.role,
        reach=post.reach,
        last=not others,
        at=clock.now(),
    )


async def _end(session: AsyncSession, caller: Claims, post: Post, reason: str) -> None:
    if post.role is Role.administrator:
        await _refuse_the_last(session, post)
    changes = {"ended_at": clock.now(), "ended_by": caller.worker, "ended_reason": reason}
    correction = Correction(version=post.version, by=caller.worker, reason=reason)
    await correct(session, post, changes, correction)


async def _refuse_the_last(session: AsyncSession, post: Post) -> None:
    """Locked in one order, so that two administrators cannot end each other at once."""
    administrators = (
        select(col(Post.id))
        .where(col(Post.role) == Role.administrator, col(Post.ended_at).is_(None))
        .order_by(col(Post.id))
        .with_for_update()
    )
    if set(await session.scalars(administrators)) <= {post.id}:
        raise LastAdministrator


async def hand_over(
    session: AsyncSession, caller: Claims, post_id: UUID, said: PostHandOver
) -> Succession:
    """End a post and give the successor the same one, with every open duty (M1.7).

    A same post the successor holds already is kept. Sent again, the answer is the same but for the
    duties, which went over the first time. Raises `PostEnded` for a post that ended otherwise, and
    `RecordDiffers` where the successor's post is to have the id of another.
    """
    post, grid = await _within_rank(session, caller, post_id)
    if post.ended_at is not None:
        return Succession(post, await _successor_before(session, post, said), {})
    successor = await _take_up(session, caller, post, said)
    handover = Handover(
        **asdict(await _leaving(session, post)),
        successor=said.successor_worker_id,
        reason=said.reason,
    )
    passed_on = await pass_on(session, caller, handover)
    await _end(session, caller, post, said.reason)
    if any(passed_on.values()):
        await _tell(session, successor, grid)
    details = {"successor": str(successor.id), "passed_on": passed_on}
    audit(session, caller, "posts.hand-over", subject=post.id, reach=grid.path, details=details)
    return Succession(post, successor, passed_on)


async def _tell(session: AsyncSession, successor: Post, grid: Grid) -> None:
    """Tell the successor, whose phone knows of none of what they took over."""
    await tell(
        session,
        "duties.changed",
        subject=successor.id,
        reach=grid.path,
        grid=grid.id,
        worker=successor.worker_id,
    )


async def _successor_before(session: AsyncSession, post: Post, said: PostHandOver) -> Post:
    same = await _same_post(session, post, said.successor_worker_id)
    if same is None or said.successor_worker_id == post.worker_id:
        raise PostEnded
    return same


async def _take_up(session: AsyncSession, caller: Claims, post: Post, said: PostHandOver) -> Post:
    pointer = "/body/successor_worker_id"
    successor = await worker_in_reach(session, said.successor_worker_id, pointer=pointer)
    if successor.id == post.worker_id:
        raise SuccessorIsHolder
    if successor.left_at is not None:
        raise WorkerLeft(pointer=pointer)
    await open_grid_in_reach(session, post.grid_id)
    begins = max(post.began_at, clock.now())
    same = await _same_post(session, post, successor.id)
    if same is not None:
        await _bring_forward(session, caller, same, begins)
        return same
    post = Post(
        id=said.new_post_id,
        worker_id=successor.id,
        grid_id=post.grid_id,
        household_id=post.household_id,
        role=post.role,
        title=post.title,
        began_at=begins,  # a post yet to come opens no door before its day
        reach=post.reach,
    )
    if not await insert_new(session, [post]):
        raise RecordDiffers(fields=["new_post_id"])
    return post


async def _bring_forward(
    session: AsyncSession, caller: Claims, same: Post, begins: datetime
) -> None:
    """What is taken over today is not without anybody until the successor's own post begins."""
    if same.began_at > begins:
        correction = Correction(version=same.version, by=caller.worker)
        await correct(session, same, {"began_at": begins}, correction)


async def _same_post(session: AsyncSession, post: Post, worker: UUID) -> Post | None:
    same = select(Post).where(
        col(Post.worker_id) == worker,
        col(Post.grid_id) == post.grid_id,
        col(Post.role) == post.role,
        col(Post.household_id).is_not_distinct_from(post.household_id),
        col(Post.ended_at).is_(None),
    )
    return (await session.scalars(same)).one_or_none()
