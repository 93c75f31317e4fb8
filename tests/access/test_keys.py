"""Signing keys: published, rotated with overlap, noticed by every process that keeps running."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from jose import jwk, jwt
from sqlalchemy import delete
from sqlmodel import col, select
from time_machine import travel

from api.access.keys import KeyRoom, make_key
from api.access.models import SigningKey
from api.access.tokens import Tokens
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.problems import NotSignedIn
from api.settings import Settings
from tests.cast import Town

_CLAIMS: dict[str, str | int] = {
    "sub": "01900000-0000-7000-8000-000000000001",
    "sid": "01900000-0000-7000-8000-000000000002",
    "cell": "451422201",
    "post": "01900000-0000-7000-8000-000000000003",
    "grid": "01900000-0000-7000-8000-000000000004",
    "level": 4,
    "role": "grid_worker",
}
_OVERLAP = timedelta(minutes=10)


@pytest.fixture
async def two_processes(town: Town, settings: Settings) -> AsyncGenerator[list[KeyRoom]]:
    """Two key rooms on one database that holds no key yet, opened at the same moment."""
    async with town.database.session(Entry.outside()) as session:
        await session.execute(delete(SigningKey))
    rooms: list[KeyRoom] = []
    databases = [_database(settings), _database(settings)]
    for database in databases:
        await database.open()
        tokens = Tokens(issuer="http://here", audience="onegrid", minutes=15)
        rooms.append(KeyRoom(database, tokens, overlap=_OVERLAP))
    await asyncio.gather(*(room.open() for room in rooms))
    yield rooms
    for database in databases:
        await database.close()


def _database(settings: Settings) -> Database:
    assert settings.database_url is not None
    return Database(settings.database_url.get_secret_value(), settings.keyring(), pool_size=2)


def _kid(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]


async def _rotate(town: Town, overlap: timedelta = _OVERLAP) -> str:
    async with town.database.session(Entry.outside()) as session:
        return (await make_key(session, overlap=overlap)).kid


async def test_two_processes_that_start_together_make_one_key(
    town: Town, two_processes: list[KeyRoom]
):
    one, other = two_processes
    async with town.database.session(Entry.outside()) as session:
        assert len((await session.scalars(select(SigningKey))).all()) == 1
    token = await one.issue(_CLAIMS)
    assert (await other.read(token)).level == 4


async def test_a_new_key_is_published_before_it_signs_and_signs_when_the_old_one_retires(
    town: Town, two_processes: list[KeyRoom]
):
    one, other = two_processes
    with travel(clock.now(), tick=False) as time:
        old = _kid(await one.issue(_CLAIMS))
        new = await _rotate(town)
        time.shift(61)
        assert [key["kid"] for key in await one.published()] == [old, new]
        last_of_old = await one.issue(_CLAIMS)
        assert _kid(last_of_old) == old
        time.shift(_OVERLAP)
        first_of_new = await other.issue(_CLAIMS)
        assert _kid(first_of_new) == new == _kid(await one.issue(_CLAIMS))
        assert (await one.read(first_of_new)).level == 4
        time.shift(timedelta(minutes=4))
        assert (await other.read(last_of_old)).level == 4
        time.shift(timedelta(minutes=13))
        assert [key["kid"] for key in await other.published()] == [new]
        with pytest.raises(NotSignedIn):
            await other.read(last_of_old)


async def test_a_running_process_that_only_reads_drops_a_key_that_was_taken_away(
    town: Town, two_processes: list[KeyRoom]
):
    one, other = two_processes
    with travel(clock.now(), tick=False) as time:
        token = await one.issue(_CLAIMS)
        await other.read(token)
        new = await _rotate(town)
        async with town.database.session(Entry.outside()) as session:
            await session.execute(delete(SigningKey).where(col(SigningKey.kid) != new))
        time.shift(61)
        with pytest.raises(NotSignedIn):
            await other.read(token)


async def test_an_unknown_key_is_looked_for_at_once_but_not_at_every_strangers_wish(
    town: Town, two_processes: list[KeyRoom]
):
    one, other = two_processes
    with travel(clock.now(), tick=False) as time:
        time.shift(61)
        await other.issue(_CLAIMS)
        await one.published()
        await _rotate(town, overlap=timedelta(0))
        time.shift(5)
        await one._look()
        token = await one.issue(_CLAIMS)
        assert (await other.read(token)).level == 4
        stranger = jwt.encode({}, "secret", headers={"kid": "unknown"})
        looked_at = other._looked_at
        time.shift(2)
        with pytest.raises(NotSignedIn):
            await other.read(stranger)
        assert other._looked_at == looked_at


async def test_the_published_keys_verify_a_token_and_betray_nothing(town: Town):
    token = await town.token_of("ming")
    answer = await town.nobody().get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    key = next(each for each in answer.json()["keys"] if each["kid"] == _kid(token))
    assert set(key) == {"kty", "crv", "alg", "use", "kid", "x", "y"}
    claims = jwt.decode(token, jwk.construct(key), algorithms=["ES256"], audience="onegrid")
    assert set(claims) == {
        *("sub", "sid", "cell", "post", "grid", "level", "role"),
        *("iat", "exp", "jti", "iss", "aud"),
    }
