"""Run one history of migrations, as the owner, in the schema it belongs to."""

import asyncio
import os

import asyncpg
from alembic import context
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.ext.asyncio import create_async_engine

from api import tables
from api.foundation.database import cell_schema
from api.foundation.records import Xid8

PGDialect.ischema_names["xid8"] = Xid8
config = context.config
history = config.config_ini_section
cell = config.attributes.get("cell") or context.get_x_argument(as_dictionary=True).get("cell")
schema = cell_schema(str(cell)) if history == "cell" else "public"
url = config.attributes.get("url") or os.environ["ONEGRID_OWNER_DATABASE_URL"]


def of_this_history(thing: object, _: str | None, kind: str, *__: object) -> bool:
    table = thing if kind == "table" else getattr(thing, "table", None)
    name = str(getattr(table, "name", None))
    if name == "alembic_version" or name.startswith("pgqueuer"):
        return False  # the libraries' own, not described in the code
    return (getattr(table, "schema", None) == "public") is (history == "public")


def migrate(connection: Connection) -> None:
    # Two migrations at once wait for each other; a long lock on a busy table gives up instead.
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SELECT pg_advisory_lock(hashtext(:schema))"), {"schema": schema})
    connection.execute(text(f"SET search_path TO {schema}"))
    # Comparing takes the default schema's tables for nameless; those of `public` have its name.
    named = None if history == "cell" else "public"
    connection.dialect.default_schema_name = schema if history == "cell" else "nowhere"
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        version_table_schema=schema,
        include_schemas=history == "public",
        include_name=lambda name, kind, _: kind != "schema" or name == named,
        include_object=of_this_history,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(connect_and_migrate())
