"""The owner's door: for what no character of the story may do by itself."""

from collections.abc import AsyncGenerator

import pytest

from api.foundation.database import Database
from api.settings import Settings


@pytest.fixture(scope="module")
async def owner(settings: Settings) -> AsyncGenerator[Database]:
    assert settings.owner_database_url is not None
    database = Database(settings.owner_database_url.get_secret_value(), settings.keyring())
    await database.open()
    yield database
    await database.close()
