"""The two histories: from nothing to the newest and back, and equal to what the code describes."""

import asyncio
import difflib
import importlib.util
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from api import tables
from api.alerts.models import Cause, EvidenceKind
from api.foundation import embedded
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses
from api.foundation.labels import Labelled
from api.foundation.migrations import migrate_cell, migrate_public
from tests.cast import TOWNSHIP

HOUSE = Path(__file__).parents[2]
CELL = cell_schema(TOWNSHIP)
VERSIONS = sorted((HOUSE / "alembic" / "versions").rglob("*.py"))
SQUAWK_EXEMPT = (
    "prefer-text-field",  # a bounded text is refused by the database too, not only by the edge
    "prefer-bigint-over-int",  # counts and versions, never keys
    "require-timeout-settings",  # set for all of them in env.py
)
_CONSTRUCTS = re.compile(r"^(CREATE (TABLE|INDEX|UNIQUE INDEX)|ALTER TABLE)")


@pytest.fixture
def empty(server: Addresses) -> Iterator[Addresses]:
    name = f"empty_{secrets.token_hex(4)}"
    _execute(server.superuser, f"CREATE DATABASE {name} OWNER onegrid_owner")
    yield server.database(name)
    _execute(server.superuser, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def migrated(empty: Addresses) -> Addresses:
    migrate_public(empty.owner)
    _execute(empty.owner, f"CREATE SCHEMA {CELL}")
    migrate_cell(empty.owner, TOWNSHIP)
    return empty


def _execute(url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute())


def _schema_of(addresses: Addresses) -> str:
    """What pg_dump says of a database, without what changes from dump to dump."""
    dump = subprocess.run(
        (embedded._programs() / "pg_dump", "--schema-only", "--no-owner", addresses.owner),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    ).stdout
    return re.sub(r"^(--|\\).*\n", "", dump, flags=re.MULTILINE)


def test_down_to_nothing_and_up_again_ends_where_it_was(migrated: Addresses):
    before = _schema_of(migrated)
    migrate_cell(migrated.owner, TOWNSHIP, revision="base")
    migrate_public(migrated.owner, revision="base")
    emptied = _schema_of(migrated)
    left = re.findall(r"^CREATE (?:TABLE|FUNCTION|TYPE|DOMAIN) (\S+)", emptied, flags=re.MULTILINE)
    assert {name.partition(".")[2] for name in left} == {"alembic_version"}
    migrate_public(migrated.owner)
    migrate_cell(migrated.owner, TOWNSHIP)
    assert _schema_of(migrated) == before


def test_each_step_goes_down_and_up_again(migrated: Addresses):
    head = _schema_of(migrated)
    steps = len(list((HOUSE / "alembic" / "versions" / "cell").glob("*.py")))
    for _ in range(steps):
        migrate_cell(migrated.owner, TOWNSHIP, revision="-1")
    for number in range(1, steps + 1):
        migrate_cell(migrated.owner, TOWNSHIP, revision=f"{number:04d}")
    assert _schema_of(migrated) == head


@pytest.mark.parametrize("history", ["public", "cell"])
def test_the_tables_of_the_code_need_no_further_migration(migrated: Addresses, history: str):
    config = Config(HOUSE / "alembic.ini", ini_section=history)
    config.attributes.update(url=migrated.owner, cell=TOWNSHIP)
    command.check(config)


def test_checks_and_partial_indexes_are_those_of_the_code(migrated: Addresses, empty: Addresses):
    """`alembic check` overlooks these, so the two dumps are compared, statement by statement."""
    written = _tables_of(_schema_of(migrated))
    for schema in (CELL, "public"):
        _execute(empty.owner, f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")
    asyncio.run(_create_all(empty.owner))
    described = _tables_of(_schema_of(empty))
    assert list(difflib.unified_diff(described, written, "code", "migrations", n=0)) == []


@pytest.mark.parametrize(
    ("domain", "kind"), [("alert_cause", Cause), ("evidence_kind", EvidenceKind)]
)
def test_what_a_finding_may_say_is_what_the_code_knows(
    migrated: Addresses, domain: str, kind: type[Labelled]
):
    """Its columns have no CHECK of their own, which would be compared with the code's."""
    said = rf"CREATE DOMAIN {CELL}\.{domain} AS (.*?);\n"
    [words] = re.findall(said, _schema_of(migrated), re.DOTALL)
    assert re.findall(r"'(\w+)'", words) == list(kind.labels())


async def _create_all(url: str) -> None:
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url)

    def create(connection: Connection) -> None:
        connection.execute(text(f"SET search_path TO {CELL}, public"))
        tables.metadata.create_all(connection, checkfirst=False)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    await engine.dispose()


def _tables_of(dump: str) -> list[str]:
    """Tables with sorted columns, constraints and indexes; policies are the migrations' own."""
    statements = (" ".join(each.split()) for each in dump.split(";\n"))
    kept = (
        each
        for each in statements
        if _CONSTRUCTS.match(each)
        and "ROW LEVEL SECURITY" not in each
        and not re.search(r"\.(alembic_version|retired_codes|pgqueuer\w*)\b", each)
    )
    return sorted(map(_with_sorted_columns, kept))


def _with_sorted_columns(statement: str) -> str:
    if not statement.startswith("CREATE TABLE"):
        return statement
    head, _, body = statement.partition(" ( ")
    columns = re.split(r", (?=[a-z_]+ |CONSTRAINT )", body.removesuffix(" )"))
    return f"{head} ({', '.join(sorted(columns))})"


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_migration_does_nothing_that_would_stop_a_busy_township(path: Path):
    statements: tuple[str, ...] = _module(path).UP
    found = subprocess.run(
        (
            Path(sys.executable).with_name("squawk"),
            "--assume-in-transaction",
            *(f"--exclude={rule}" for rule in SQUAWK_EXEMPT),
            "--stdin-filepath",
            path.name,
        ),
        input=";\n".join(statement.strip() for statement in statements) + ";\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def _module(path: Path) -> ModuleType:
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
