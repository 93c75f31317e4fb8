"""Every story of this room begins at ten past eight of one morning, and the clock stands still."""

from collections.abc import AsyncGenerator, Generator

import pytest
import time_machine

from api.foundation.database import Database
from api.settings import Settings
from tests.readings.conftest import at


@pytest.fixture(autouse=True)
def morning() -> Generator[time_machine.Traveller]:
    with time_machine.travel(at(8, 10), tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="module")
async def owner(settings: Settings) -> AsyncGenerator[Database]:
    """The owner's door, for scenery that other rooms lay by rules of their own."""
    assert settings.owner_database_url
    database = Database(settings.owner_database_url.get_secret_value(), settings.keyring())
    await database.open()
    yield database
    await database.close()
