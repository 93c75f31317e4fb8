"""Machine clients read: those of the caller's grids, and the one that asks for a token.

The tree belongs to a room above this one, so it is asked for by its bare table; row security shows
of it what the caller may see, and so of the clients.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Integer, Select, String, Uuid, column, exists, or_, table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.clients.models import ClientCredential, MachineClient
from api.clients.schemas import ClientStatus, CredentialRead, MachineClientRead
from api.foundation import clock
from api.foundation.pages import Page, PageRequest, as_it_is, read_page
from api.foundation.problems import NotFound

_GRIDS = table(
    "grids",
    column("id", Uuid),
    column("path", String),
    column("name", String),
    column("level", Integer),
    column("closed_at", DateTime(timezone=True)),
)


class Ground(NamedTuple):
    """The grid of a client, as far as it matters here."""

    path: str
    name: str
    level: int


async def ground_of(session: AsyncSession, grid: UUID) -> Ground:
    """An open grid within reach; raises `NotFound`, pointing at the body."""
    statement = select(_GRIDS.c.path, _GRIDS.c.name, _GRIDS.c.level).where(
        _GRIDS.c.id == grid, _GRIDS.c.closed_at.is_(None)
    )
    found = (await session.execute(statement)).first()
    if found is None:
        raise NotFound("没有找到该网格，或网格已停用。", pointer="/body/grid_id")
    return Ground(*found)


async def path_of(session: AsyncSession, grid: UUID) -> str:
    """Where the grid of a client in reach lies, open or closed."""
    return str(await session.scalar(select(_GRIDS.c.path).where(_GRIDS.c.id == grid)))


async def client_in_reach(session: AsyncSession, caller: Claims, client: UUID) -> MachineClient:
    """A client of one of the caller's grids; raises `NotFound`."""
    statement = _within(caller).where(col(MachineClient.id) == client)
    found = (await session.scalars(statement)).first()
    if found is None:
        raise NotFound("没有找到该系统，或不在您的网格范围内。")
    return found


async def clients_page(
    session: AsyncSession, caller: Claims, page: PageRequest
) -> Page[MachineClientRead]:
    """The clients of the caller's grids, in the order of their registration."""
    found = await read_page(
        session, _within(caller), (col(MachineClient.id),), page, present=as_it_is
    )
    shown = await present_all(session, found.items)
    return Page(items=shown, next_cursor=found.next_cursor)


async def credentials_in_use(
    session: AsyncSession, clients: Sequence[UUID]
) -> list[ClientCredential]:
    """The secrets and keys by which these clients may still prove themselves, newest first."""
    credential = ClientCredential
    statement = (
        select(credential)
        .where(
            col(credential.client_id).in_(clients),
            or_(col(credential.ends_at).is_(None), col(credential.ends_at) > clock.now()),
        )
        .order_by(col(credential.made_at).desc(), col(credential.id).desc())
    )
    return list((await session.scalars(statement)).all())


async def present(session: AsyncSession, client: MachineClient) -> MachineClientRead:
    return (await present_all(session, [client]))[0]


async def present_all(
    session: AsyncSession, clients: Sequence[MachineClient]
) -> list[MachineClientRead]:
    """Clients as they are shown, with their grids' names and what they prove themselves by."""
    grids = {client.grid_id for client in clients}
    statement = select(_GRIDS.c.id, _GRIDS.c.name).where(_GRIDS.c.id.in_(grids))
    named = {row.id: row.name for row in await session.execute(statement)}
    credentials = await credentials_in_use(session, [client.id for client in clients])
    return [
        MachineClientRead.model_validate(
            {
                **client.model_dump(),
                "grid_name": named[client.grid_id],
                "status": status_of(client, clock.now()),
                "credentials": [_told(each) for each in credentials if each.client_id == client.id],
            }
        )
        for client in clients
    ]


def status_of(client: MachineClient, at: datetime) -> ClientStatus:
    if client.disabled_at is not None:
        return ClientStatus.disabled
    return ClientStatus.active if client.expires_at > at else ClientStatus.expired


def _told(credential: ClientCredential) -> CredentialRead:
    kids = [key.get("kid") for key in credential.jwks or ()]
    return CredentialRead.model_validate({**credential.model_dump(), "kids": kids})


def _within(caller: Claims) -> Select[MachineClient]:
    seen = exists().where(_GRIDS.c.id == col(MachineClient.grid_id))
    return select(MachineClient).where(col(MachineClient.cell) == caller.cell, seen)
