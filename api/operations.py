"""What an operator does before anyone can sign in: migrate, make a township's cell, its first account."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from api.access.models import Account, Membership
from api.access.passwords import hash_password
from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import Database, Entry, cell_schema
from api.foundation.migrations import cells, grant, make_schema, migrate_cell, migrate_public
from api.foundation.records import new_id
from api.grids.models import Grid, GridKind, Post, Worker


@dataclass(frozen=True, slots=True)
class Operator:
    """The owner's address, and the role that the service will use."""

    owner_url: str
    service_role: str

    async def migrate(self) -> list[str]:
        """Bring `public` and every cell up to date and grant the service its rights."""
        await asyncio.to_thread(migrate_public, self.owner_url)
        connection = await asyncpg.connect(self.owner_url)
        try:
            codes = await cells(connection)
            for code in codes:
                await asyncio.to_thread(migrate_cell, self.owner_url, code)
            for schema in ("public", *map(cell_schema, codes)):
                await grant(connection, schema, self.service_role)
        finally:
            await connection.close()
        return codes

    async def create_cell(self, code: str, name: str) -> None:
        """Make a township's schema, migrated and granted; twice is once."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            await make_schema(connection, code, name, at=clock.now())
        finally:
            await connection.close()
        await self.migrate()


async def create_township(database: Database, code: str, name: str) -> Grid:
    """The root of a new cell's tree. `database` is the owner's, whom no reach binds."""
    root = Grid(
        id=new_id(),
        code=code.ljust(12, "0"),
        name=name,
        kind=GridKind.township,
        level=1,
        path="t",
        opened_on=clock.today(),
    )
    async with database.session(Entry.without_reach(code)) as session:
        session.add(root)
    return root


async def create_administrator(
    database: Database, code: str, root: UUID, *, account: str, name: str, password: str
) -> Post:
    """The first account of a cell: an administrator at the root, who appoints everybody else."""
    identity, now = new_id(), clock.now()
    post = Post(
        id=new_id(),
        worker_id=identity,
        grid_id=root,
        role=Role.administrator,
        began_at=now,
        reach="t",
    )
    hashed = await hash_password(password)
    async with database.session(Entry.without_reach(code)) as session:
        session.add(Account(id=identity, name=account, password_hash=hashed, created_at=now))
        session.add(Worker(id=identity, grid_id=root, name=name, reach="t"))
        await session.flush()
        session.add_all([Membership(account_id=identity, cell=code), post])
    return post
