"""Migrate `public` and every cell as the owner, make cells, and give the service role its rights."""

from datetime import datetime
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config

from api.foundation.database import cell_schema

_INI = Path(__file__).parents[2] / "alembic.ini"
_APPEND_ONLY = ("audit_entries", "grid_codes", "revisions")


class RoleError(RuntimeError):
    """The database roles are not as the service needs them; the message says what to grant."""


def migrate_public(url: str, *, revision: str = "head") -> None:
    """Bring `public` to `revision`. Blocking; runs its own event loop."""
    _move(_config("public", url), revision)


def migrate_cell(url: str, code: str, *, revision: str = "head") -> None:
    """Bring a cell's schema, which must exist, to `revision`. Blocking; its own event loop."""
    config = _config("cell", url)
    config.attributes["cell"] = code
    _move(config, revision)


def _config(history: str, url: str) -> Config:
    config = Config(_INI, ini_section=history)
    config.attributes["url"] = url
    return config


def _move(config: Config, revision: str) -> None:
    if revision == "head" or not revision.startswith(("-", "base")):
        command.upgrade(config, revision)
    else:
        command.downgrade(config, revision)


async def cells(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch("SELECT code FROM public.cells ORDER BY code")
    return [row["code"] for row in rows]


async def make_schema(
    connection: asyncpg.Connection, code: str, name: str, *, at: datetime
) -> None:
    """List a township as a cell and make its empty schema; twice is once."""
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {cell_schema(code)}")
    await connection.execute(
        "INSERT INTO public.cells (code, name, created_at) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING",
        code,
        name,
        at,
    )


async def grant(connection: asyncpg.Connection, schema: str, role: str) -> None:
    """Let the service role read and write `schema`, but never change what was put on record."""
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        raise RoleError(
            f"The service role {role!r} does not exist. As an administrator of the database run:\n"
            f"  CREATE ROLE {role} LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS;"
        )
    name = await connection.fetchval("SELECT quote_ident($1)", role)
    await connection.execute(
        f"GRANT USAGE ON SCHEMA {schema} TO {name};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name};"
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {name};"
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {name};"
        f"REVOKE INSERT, UPDATE, DELETE ON {schema}.alembic_version FROM {name};"
    )
    if schema != "public":
        tables = ", ".join(f"{schema}.{table}" for table in _APPEND_ONLY)
        await connection.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {tables} FROM {name}")


async def check_service_role(connection: asyncpg.Connection) -> None:
    """Refuse to serve as a role that row security would not bind.

    Raises `RoleError` naming what is wrong and the statements that mend it.
    """
    role, superuser, bypasses = await connection.fetchrow(  # pyright: ignore[reportGeneralTypeIssues]
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    owned = await connection.fetchval(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind = 'r' AND (n.nspname LIKE 'cell\\_%' OR c.relname = 'cells') "
        "AND pg_has_role(current_user, c.relowner, 'MEMBER')"
    )
    if not (superuser or bypasses or owned):
        return
    reason = "is a superuser" if superuser else "bypasses row security" if bypasses else ""
    raise RoleError(
        f"The role {role!r} of ONEGRID_DATABASE_URL {reason or 'owns the tables'}, so nobody's "
        "reach would be guarded. The service needs a second role that owns nothing. Run:\n"
        "  CREATE ROLE onegrid_service LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS;\n"
        "then set ONEGRID_OWNER_DATABASE_URL to the owner's address, ONEGRID_DATABASE_URL to "
        "onegrid_service's, and run `onegrid migrate`, which grants it what it needs."
    )
