"""Posts given and ended behind the service's back, by the owner."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import update
from sqlmodel import col

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.grids.models import Post, Worker
from tests.cast import PASSWORD, TOWNSHIP, grid_id, id_of


async def a_post(
    owner: Database, name: str, path: str, role: Role, *, cell: str = TOWNSHIP
) -> UUID:
    """One more post for a character, at another grid."""
    post = Post(
        id=id_of(f"{role.value} {name} {path} {cell}"),
        worker_id=id_of(name),
        grid_id=grid_id(path) if cell == TOWNSHIP else id_of(f"{cell} {path}"),
        role=role,
        began_at=clock.now() - timedelta(days=1),
        reach=path,
    )
    async with owner.session(Entry.without_reach(cell)) as session:
        if await session.get(Worker, post.worker_id) is None:
            session.add(Worker(id=post.worker_id, grid_id=post.grid_id, name=name, reach=path))
            await session.flush()
        session.add(post)
    return post.id


async def end_post(owner: Database, post: UUID, *, cell: str = TOWNSHIP) -> None:
    """The post ends now, whatever tokens are about."""
    async with owner.session(Entry.without_reach(cell)) as session:
        ended = update(Post).where(col(Post.id) == post).values(ended_at=clock.now())
        await session.execute(ended)


async def sign_in(
    client: httpx.AsyncClient, login: str, password: str = PASSWORD, **more: Any
) -> httpx.Response:
    """Sign in by HTTP, as a phone does."""
    return await client.post("/v1/sign-in", json={"login": login, "password": password, **more})
