"""What the register's tests need beyond what may be done over HTTP."""

from collections.abc import AsyncGenerator

import pytest

from api.foundation.database import Database
from api.settings import Settings


@pytest.fixture(scope="module")
async def owner(settings: Settings) -> AsyncGenerator[Database]:
    """The owner's door, which row security does not bind."""
    assert settings.owner_database_url is not None
    database = Database(settings.owner_database_url.get_secret_value(), settings.keyring())
    await database.open()
    yield database
    await database.close()
