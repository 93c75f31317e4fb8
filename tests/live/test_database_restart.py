"""The database goes away while people listen and comes back: they hear what happened, once."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.foundation.embedded import Addresses, EmbeddedPostgres
from api.foundation.problems import DatabaseUnavailable
from api.settings import Settings
from tests.cast import Town, build_towns
from tests.live.street import Ear, happens, serving
from tests.operations.test_database_restart import Restart, kill, stop

HOME = "t.01.01.01"


@pytest.fixture(scope="module")
def postgres(secrets_of_the_run: tuple[str, str]) -> Iterator[tuple[EmbeddedPostgres, Addresses]]:
    """A server of its own, since the others must not notice."""
    folder = Path(tempfile.mkdtemp(prefix="listen-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    addresses = postgres.start()
    asyncio.run(build_towns(addresses, secrets_of_the_run))
    yield postgres, addresses
    postgres.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
async def town(
    postgres: tuple[EmbeddedPostgres, Addresses], secrets_of_the_run: tuple[str, str]
) -> AsyncGenerator[Town]:
    sealing, lookup = map(SecretStr, secrets_of_the_run)
    app = create_app(
        Settings(
            database_url=SecretStr(postgres[1].service),
            sealing_keys=sealing,
            lookup_key=lookup,
            pool_size=4,
        )
    )
    async with app.router.lifespan_context(app), Town(app) as town:
        yield town


@pytest.mark.parametrize("interrupt", [stop, kill])
async def test_who_listens_goes_on_listening_and_hears_all_that_was_told(
    town: Town, postgres: tuple[EmbeddedPostgres, Addresses], interrupt: Restart
):
    server, addresses = postgres
    headers = {"Authorization": f"Bearer {await town.token_of('ming')}"}
    async with (
        serving(town.app) as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client,
    ):
        ear = Ear(client)
        await ear.listen()
        subjects = [await happens(town.database, HOME)]
        await ear.hears(*subjects)
        await asyncio.to_thread(interrupt, server)
        with pytest.raises(DatabaseUnavailable):
            while True:
                subjects.append(await happens(town.database, HOME))
        assert await asyncio.to_thread(server.start) == addresses
        subjects += [await happens(town.database, HOME) for _ in range(3)]
        await ear.hears(*subjects)
        assert ear.is_open
        assert len(set(ear.subjects)) == len(ear.subjects)
        await ear.cut()
