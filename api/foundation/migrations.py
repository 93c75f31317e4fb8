"""Migrate `public` and every cell as the owner, and give the service role its rights, no more."""

from datetime import datetime
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from api.foundation.database import Connection, cell_schema

_INI = Path(__file__).parents[2] / "alembic.ini"
_READ_ONLY = {"public": ("alembic_version", "divisions")}
_APPEND_ONLY = ("audit_entries", "events", "retired_codes", "revisions")


class RoleError(RuntimeError):
    """The database roles are not as the service needs them; the message says what to grant."""


class NotAtThisVersion(RuntimeError):
    """The database was not migrated to the version of this code."""


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
    up = revision == "head" or not revision.startswith(("-", "base"))
    try:
        (command.upgrade if up else command.downgrade)(config, revision)
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        raise NotAtThisVersion(
            f"A newer version of this program has migrated the database ({error}). Run that one, "
            "or restore a backup from before."
        ) from None


@cache
def head(history: str) -> str:
    """The newest revision that this code has of a history, `public` or `cell`."""
    newest = ScriptDirectory.from_config(Config(_INI, ini_section=history)).get_current_head()
    assert newest is not None, f"{history} has no revisions"  # noqa: S101
    return newest


async def unmigrated(connection: Connection) -> list[str]:
    """The schemas that are not at this code's newest revision: `public`, then cells by code."""
    readable = {row["nspname"] for row in await connection.fetch(_VERSIONED)}
    if "public" not in readable:
        return ["public"]
    wanted = {"public": head("public")}
    wanted |= {cell_schema(code): head("cell") for code in await cells(connection)}
    versions = " UNION ALL ".join(
        f"SELECT '{schema}' AS schema, version_num FROM {schema}.alembic_version"
        for schema in wanted
        if schema in readable
    )
    found = {row["schema"]: row["version_num"] for row in await connection.fetch(versions)}
    return [schema for schema, newest in wanted.items() if found.get(schema) != newest]


_VERSIONED = """
    SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = 'alembic_version' AND has_schema_privilege(n.oid, 'USAGE')
        AND has_table_privilege(c.oid, 'SELECT')
"""


async def cells(connection: Connection) -> list[str]:
    rows = await connection.fetch("SELECT code FROM public.cells ORDER BY code")
    return [row["code"] for row in rows]


async def list_cell(connection: Connection, code: str, name: str, *, at: datetime) -> None:
    """List a township whose schema is complete as a cell; twice is once."""
    await connection.execute(
        "INSERT INTO public.cells (code, name, created_at) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING",
        code,
        name,
        at,
    )


async def grant(connection: Connection, schema: str, role: str) -> None:
    """Let the service role read and write `schema`, but never change what was put on record.

    What the operator keeps, versions and divisions, it reads only.
    """
    name = await connection.fetchval("SELECT quote_ident($1)", role)
    kept = ", ".join(f"{schema}.{table}" for table in _READ_ONLY.get(schema, ("alembic_version",)))
    await connection.execute(
        f"GRANT USAGE ON SCHEMA {schema} TO {name};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name};"
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {name};"
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {name};"
        f"REVOKE INSERT, UPDATE, DELETE ON {kept} FROM {name};"
    )
    if schema != "public":
        tables = ", ".join(f"{schema}.{table}" for table in _APPEND_ONLY)
        await connection.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {tables} FROM {name}")


_ROLE = """
    SELECT r.rolsuper, r.rolbypassrls, pg_has_role(r.oid, o.oid, 'MEMBER') AS is_owner
    FROM pg_roles r, pg_roles o WHERE r.rolname = $1 AND o.rolname = $2
"""
_OWNER = """
    SELECT pg_get_userbyid(c.relowner) FROM pg_class c
    WHERE c.oid = coalesce(to_regclass('public.cells'), 'pg_class'::regclass)
"""


async def check_owner_role(connection: Connection) -> str:
    """The connected role; raises `RoleError`, saying what to grant, if it may not make tables."""
    role, database, may = await connection.fetchrow(_MAY_CREATE) or ("", "", False)
    if may:
        return str(role)
    raise RoleError(
        f"The role {role!r} of ONEGRID_OWNER_DATABASE_URL may not make tables and schemas in the "
        f"database {database!r}. As an administrator of the database run:\n"
        f"  ALTER DATABASE {database} OWNER TO {role};"
    )


_MAY_CREATE = """
    SELECT current_user, current_database(),
        has_database_privilege(current_database(), 'CREATE')
        AND has_schema_privilege('public', 'CREATE')
"""


async def check_service_role(connection: Connection, role: str, *, owner: str) -> None:
    """Refuse a service role that does not exist, or that row security would not bind.

    Raises `RoleError` naming what is wrong and the statements that mend it.
    """
    found = await connection.fetchrow(_ROLE, role, owner)
    if found is None:
        fault = "does not exist"
    elif found["rolsuper"]:
        fault = "is a superuser, whom row security does not bind"
    elif found["rolbypassrls"]:
        fault = "bypasses row security"
    elif found["is_owner"]:
        fault = "owns the tables or is a member of their owner, whom row security does not bind"
    else:
        return
    raise RoleError(
        f"The role {role!r} of ONEGRID_DATABASE_URL {fault}. onegrid needs two roles: an owner, "
        "who migrates, and a service role that owns nothing, so that everybody's reach is guarded. "
        f"As an administrator of the database run:\n{_TWO_ROLES}"
    )


async def check_fit_to_serve(connection: Connection) -> None:
    """Refuse to serve as a role that row security does not bind, or on another version's tables.

    Raises `RoleError` or `NotAtThisVersion`; both say what to run.
    """
    role = await connection.fetchval("SELECT current_user")
    await check_service_role(connection, role, owner=await connection.fetchval(_OWNER))
    if behind := await unmigrated(connection):
        raise NotAtThisVersion(
            f"The database is not at the version of this program ({', '.join(behind)}). "
            "Run `onegrid migrate` with ONEGRID_OWNER_DATABASE_URL set; where a newer program has "
            "migrated it, run that one."
        )


_TWO_ROLES = """\
  CREATE ROLE onegrid_owner LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS;
  CREATE ROLE onegrid_service LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS;
  ALTER DATABASE … OWNER TO onegrid_owner;
then set ONEGRID_OWNER_DATABASE_URL to the owner's address and ONEGRID_DATABASE_URL to the service
role's, and run `onegrid migrate`, which grants the service role all it needs."""
