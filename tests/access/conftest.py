"""The owner's door, for what no character may do; and a stranger at an address of their own."""

from collections.abc import AsyncGenerator
from itertools import count

import httpx
import pytest

from api.foundation.database import Database
from api.settings import Settings
from tests.cast import Town

_ADDRESSES = count(1)


@pytest.fixture(scope="module")
async def owner(settings: Settings) -> AsyncGenerator[Database]:
    assert settings.owner_database_url is not None
    database = Database(settings.owner_database_url.get_secret_value(), settings.keyring())
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def somebody(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    """A client without a token whose failures are counted under no other test's address."""
    transport = httpx.ASGITransport(
        town.app, client=(f"203.0.113.{next(_ADDRESSES)}", 40000), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
