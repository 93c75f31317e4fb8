"""The owner of the cell, to look behind the service's back."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from api.foundation.embedded import Addresses
from tests.grids.crowd import owner


@pytest.fixture(scope="module")
async def ground(addresses: Addresses) -> AsyncGenerator[asyncpg.Connection]:
    async with owner(addresses.owner) as connection:
        yield connection
