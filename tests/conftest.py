"""A real PostgreSQL, a fresh township for every module, and its people with real tokens."""

import asyncio
import gc
import os
import secrets
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher
from filelock import FileLock

from api.access import passwords
from api.app import create_app
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.sealed import new_key
from api.settings import Settings
from tests.cast import TOWNSHIP, Town, build_towns
from tests.one_connection import guard

FOLDER = Path(__file__).parents[1] / ".onegrid" / "tests"


LONGEST = ("demo", "operations", "stories")
"""Folders with few tests that take long each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that at the end of a run no worker waits for one of them alone."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


def pytest_collection_finish() -> None:
    """What is imported by now stays to the end: the collector need not walk it over again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_connection() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        guard(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Generator[None]:
    """Hashes that are made in a moment: a township signs in some thousand times in the tests.

    What a password really costs, `tests/access` asks a process of its own.
    """
    quick = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", quick)
        patch.setattr(passwords, "_NOBODY", quick.hash("nobody has this account"))
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the parallel workers of one run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def secrets_of_the_run(run_folder: Path) -> tuple[str, str]:
    """One keyring for all parallel workers, since they share the template's sealed values."""
    place = run_folder / "keys"
    with FileLock(f"{place}.lock"):
        if not place.exists():
            place.write_text(f"test:{new_key()}\n{new_key()}")
    sealing, lookup = place.read_text().splitlines()
    return sealing, lookup


@pytest.fixture(scope="session")
def server() -> Generator[Addresses]:
    with EmbeddedPostgres(FOLDER, durable=False) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def template(server: Addresses, secrets_of_the_run: tuple[str, str], run_folder: Path) -> str:
    """A database with two townships and their people, made once a run and copied per module."""
    place = run_folder / "template"
    with FileLock(f"{place}.lock"):
        if not place.exists():
            name = f"template_{int(time.time())}_{secrets.token_hex(4)}"
            asyncio.run(_make_template(server, name, secrets_of_the_run))
            place.write_text(name)
    return place.read_text()


_LEFT_BEHIND = """
    SELECT datname FROM pg_database
    WHERE datname ~ '^(template|town)_[0-9]+_' AND split_part(datname, '_', 2)::bigint < $1
"""


async def _make_template(server: Addresses, name: str, keys: tuple[str, str]) -> None:
    connection = await asyncpg.connect(server.superuser)
    for (old,) in await connection.fetch(_LEFT_BEHIND, int(time.time()) - 3600):
        await connection.execute(f"DROP DATABASE IF EXISTS {old} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {name} OWNER onegrid_owner")
    await connection.close()
    await build_towns(server.database(name), keys)


@pytest.fixture(scope="module")
async def addresses(server: Addresses, template: str) -> AsyncGenerator[Addresses]:
    """This module's own copy of the template."""
    name = f"town_{int(time.time())}_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(server.superuser)
    await connection.execute(
        f"CREATE DATABASE {name} TEMPLATE {template} OWNER onegrid_owner STRATEGY FILE_COPY"
    )
    yield server.database(name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="module")
def settings(addresses: Addresses, secrets_of_the_run: tuple[str, str]) -> Settings:
    sealing, lookup = secrets_of_the_run
    return Settings.model_validate(
        {
            "database_url": addresses.service,
            "owner_database_url": addresses.owner,
            "sealing_keys": sealing,
            "lookup_key": lookup,
            "pool_size": 4,
        }
    )


@pytest.fixture(scope="module")
async def town(settings: Settings) -> AsyncGenerator[Town]:
    """The service on a fresh township; `town.as_("ming")` is an HTTP client with Ming's token."""
    app = create_app(settings)
    async with app.router.lifespan_context(app), Town(app) as town:
        yield town


@pytest.fixture
async def owner(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    """The owner's connection to the first township: what the interface does not show."""
    connection = await asyncpg.connect(addresses.owner)
    await connection.execute(f"SET search_path TO {cell_schema(TOWNSHIP)}, public")
    yield connection
    await connection.close()


@pytest.fixture
async def lin(town: Town) -> httpx.AsyncClient:
    return await town.as_("lin")


@pytest.fixture
async def ming(town: Town) -> httpx.AsyncClient:
    return await town.as_("ming")


@pytest.fixture
async def wei(town: Town) -> httpx.AsyncClient:
    return await town.as_("wei")


@pytest.fixture
async def zhou(town: Town) -> httpx.AsyncClient:
    return await town.as_("zhou")
