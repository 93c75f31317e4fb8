"""Reading the people of the net: workers within reach, their posts, and how they are shown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import exists, not_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import mask_phone
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import NotFound
from api.grids.models import Grid, Post, Worker
from api.grids.people_schemas import PostRead, WorkerRead, WorkerWithPosts
from api.grids.queries import grid_in_reach, holders, is_current, within


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersWanted:
    """Which workers a list is asked for; what is None does not narrow it."""

    name: str | None = None
    phone: str | None = None
    grid_id: UUID | None = None
    role: Role | None = None
    is_party_member: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostsWanted:
    """Which posts a list is asked for; what is None does not narrow it."""

    grid_id: UUID | None = None
    below: bool = False
    worker_id: UUID | None = None
    role: Role | None = None
    current: bool | None = None


async def worker_in_reach(
    session: AsyncSession, worker_id: UUID, *, pointer: str | None = None
) -> Worker:
    """The worker; raises `NotFound`, also for one registered out of reach."""
    worker = await session.get(Worker, worker_id)
    if worker is None:
        raise NotFound("没有找到该人员，或不在您的网格范围内。", pointer=pointer)
    return worker


async def post_in_reach(session: AsyncSession, post_id: UUID, *, locked: bool = False) -> Post:
    """The post; raises `NotFound`, also for one out of reach."""
    post = await session.get(
        Post, post_id, with_for_update=locked or None, populate_existing=locked
    )
    if post is None:
        raise NotFound("没有找到该任职，或不在您的网格范围内。")
    return post


async def posts_held(session: AsyncSession, worker_id: UUID, *, to_come: bool = False) -> set[UUID]:
    """The posts a worker holds now, anywhere in the cell; those `to_come` as well where wanted."""
    at = "'infinity'" if to_come else ":at"
    statement = text(f"SELECT post_id FROM posts_of(:worker, {at})")
    return set(await session.scalars(statement, {"worker": worker_id, "at": clock.now()}))


async def list_workers(
    session: AsyncSession, wanted: WorkersWanted, page: PageRequest
) -> Page[WorkerRead]:
    """One page of workers within reach, by name."""
    statement = select(Worker)
    if wanted.name is not None:
        statement = statement.where(col(Worker.name).contains(wanted.name, autoescape=True))
    if wanted.phone is not None:
        lookup = keyring_of(session).lookup(wanted.phone, context="phone")
        statement = statement.where(col(Worker.phone_lookup) == lookup)
    if wanted.grid_id is not None:
        place = await grid_in_reach(session, wanted.grid_id, pointer="/query/grid_id")
        statement = statement.where(within(col(Worker.reach), place.path))
    if wanted.role is not None:
        holds = exists().where(
            col(Post.worker_id) == col(Worker.id), col(Post.role) == wanted.role, is_current()
        )
        statement = statement.where(holds)
    if wanted.is_party_member is not None:
        statement = statement.where(col(Worker.is_party_member).is_(wanted.is_party_member))

    def present(worker: Worker) -> WorkerRead:
        return worker_read(session, worker)

    keys = [col(Worker.name), col(Worker.id)]
    return await read_page(session, statement, keys, page, present=present)


async def list_posts(
    session: AsyncSession, wanted: PostsWanted, page: PageRequest
) -> Page[PostRead]:
    """One page of posts within reach, the latest first."""
    statement = _of_grid(wanted, await _place(session, wanted))
    if wanted.worker_id is not None:
        statement = statement.where(col(Post.worker_id) == wanted.worker_id)
    if wanted.role is not None:
        statement = statement.where(col(Post.role) == wanted.role)
    if wanted.current is not None:
        statement = statement.where(is_current() if wanted.current else not_(is_current()))
    keys = [col(Post.began_at), col(Post.id)]
    found = await read_page(session, statement, keys, page, present=_itself, descending=True)
    return Page(items=await post_reads(session, found.items), next_cursor=found.next_cursor)


Itself = TypeVar("Itself")


def _itself(row: Itself) -> Itself:
    return row


async def _place(session: AsyncSession, wanted: PostsWanted) -> Grid | None:
    if wanted.grid_id is None:
        return None
    return await grid_in_reach(session, wanted.grid_id, pointer="/query/grid_id")


def _of_grid(wanted: PostsWanted, place: Grid | None) -> SelectOfScalar[Post]:
    if place is None:
        return select(Post)
    if wanted.below:
        return select(Post).where(within(col(Post.reach), place.path))
    return select(Post).where(col(Post.grid_id) == place.id)


def worker_read(session: AsyncSession, worker: Worker) -> WorkerRead:
    """A worker as they are shown: the phone masked."""
    return WorkerRead(**_shown(session, worker))


async def worker_with_posts(session: AsyncSession, worker: Worker) -> WorkerWithPosts:
    """A worker with the posts within reach, those held now first."""
    held = (
        select(Post)
        .where(col(Post.worker_id) == worker.id)
        .order_by(col(Post.ended_at).desc().nulls_first(), col(Post.began_at), col(Post.id))
    )
    posts = await post_reads(session, (await session.scalars(held)).all())
    return WorkerWithPosts(**_shown(session, worker), posts=posts)


def _shown(session: AsyncSession, worker: Worker) -> dict[str, Any]:
    sealed = worker.phone_sealed
    phone = keyring_of(session).open(sealed, context="workers.phone") if sealed else None
    shown = {name: getattr(worker, name) for name in WorkerRead.model_fields if name != "phone"}
    return {**shown, "phone": mask_phone(phone) if phone else None}


async def post_reads(session: AsyncSession, posts: Sequence[Post]) -> list[PostRead]:
    """Posts as they are shown, with the names of who holds them."""
    names = await holders(session, posts)
    fields = [name for name in PostRead.model_fields if name != "worker_name"]
    return [
        PostRead(**{name: getattr(post, name) for name in fields}, worker_name=names[post.id])
        for post in posts
    ]


async def grids_within(session: AsyncSession, wanted: Collection[UUID]) -> dict[UUID, Grid]:
    """Those of these grids that lie within reach."""
    found = await session.scalars(select(Grid).where(col(Grid.id).in_(wanted)))
    return {grid.id: grid for grid in found}
