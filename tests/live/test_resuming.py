"""However the line breaks and in whatever order transactions commit, nothing is lost."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from api.foundation import clock, jobs
from api.foundation.database import Entry, cell_schema
from api.foundation.embedded import Addresses
from api.foundation.live import tell
from api.foundation.records import new_id
from api.live import service
from api.live.marks import Mark
from tests.cast import TOWNSHIP, Town
from tests.live.street import Ear, happens

Listening = Callable[[str], Awaitable[Ear]]
HOME = "t.01.01.01"
HOUSE = Entry.for_the_house(TOWNSHIP)


async def test_who_comes_back_hears_what_happened_meanwhile_and_nothing_twice(
    town: Town, ear_of: Listening
):
    ming = await ear_of("ming")
    await ming.listen()
    subjects = [await happens(town.database, HOME) for _ in range(3)]
    await ming.hears(*subjects)
    await ming.cut()
    subjects += [await happens(town.database, HOME) for _ in range(3)]
    await ming.listen()
    subjects.append(await happens(town.database, HOME))
    await ming.hears(*subjects)
    assert ming.subjects == subjects


async def test_what_was_begun_first_and_commits_last_is_heard_though_the_line_broke_between(
    town: Town, ear_of: Listening
):
    ming = await ear_of("ming")
    await ming.listen()
    early = new_id()
    async with town.database.connection(HOUSE) as connection:
        await tell(connection, "alert.opened", subject=early, reach=HOME)
        late = [await happens(town.database, HOME) for _ in range(3)]
        await ming.hears(*late)
        await ming.cut()
    await ming.listen()
    await ming.hears(str(early))
    assert ming.subjects == [*late, str(early)]


async def test_while_a_long_transaction_lasts_nothing_is_told_again_and_again(
    town: Town, ear_of: Listening
):
    ming, client = await ear_of("ming"), await town.as_("ming")
    await ming.listen()
    after = (await client.get("/v1/events/poll")).json()["next"]
    polled: list[str] = []
    early = new_id()
    async with town.database.connection(HOUSE) as connection:
        await tell(connection, "alert.opened", subject=early, reach=HOME)
        subjects: list[str] = []
        for _ in range(10):
            subjects.append(await happens(town.database, HOME))
            page = (await client.get("/v1/events/poll", params={"after": after})).json()
            polled += [each["subject_id"] for each in page["items"]]
            after = page["next"]
        await ming.hears(*subjects)
    page = (await client.get("/v1/events/poll", params={"after": after})).json()
    await ming.hears(str(early))
    assert ming.subjects == [*subjects, str(early)]
    assert [*polled, *(each["subject_id"] for each in page["items"])] == ming.subjects


@pytest.mark.parametrize("seed", range(3))
async def test_lines_that_break_at_random_while_many_write_lose_nothing(
    town: Town, ear_of: Listening, seed: int
):
    chance = random.Random(seed)
    ears = [await ear_of(name) for name in ("ming", "lin", "zhou")]
    await asyncio.gather(*(ear.listen() for ear in ears))
    told: list[str] = []
    writing = asyncio.gather(*(_write(town, chance, told) for _ in range(3)))
    while not writing.done():
        ear = chance.choice(ears)
        await ear.cut()
        await asyncio.sleep(chance.random() / 50)
        await ear.listen()
    await writing
    await asyncio.gather(*(ear.hears(*told) for ear in ears))
    for ear in ears:
        assert set(ear.subjects) == set(told)


async def _write(town: Town, chance: random.Random, told: list[str]) -> None:
    """Transactions of one to four events, open for a while, a fifth of them rolled back."""
    for _ in range(25):
        subjects = [new_id() for _ in range(chance.randint(1, 4))]
        commits = chance.random() < 0.8
        with suppress(ZeroDivisionError):
            async with town.database.connection(HOUSE) as connection:
                for subject in subjects:
                    await tell(connection, "alert.opened", subject=subject, reach=HOME)
                    await asyncio.sleep(chance.random() / 50)
                _ = 1 / commits
            told += map(str, subjects)


async def test_who_missed_too_much_is_told_to_read_everything_anew(
    town: Town, ear_of: Listening, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service, "_MOST_MISSED", 5)
    ming = await ear_of("ming")
    await ming.listen()
    await ming.cut()
    for _ in range(6):
        await happens(town.database, HOME)
    await ming.listen()
    await ming.until(lambda: bool(ming.heard))
    assert [each.kind for each in ming.heard] == ["resync"]
    subject = await happens(town.database, HOME)
    await ming.hears(subject)
    assert len(ming.heard) == 2


@pytest.fixture
async def ground(addresses: Addresses):
    connection = await asyncpg.connect(
        addresses.owner, server_settings={"search_path": cell_schema(TOWNSHIP)}
    )
    yield connection
    await connection.close()


async def test_events_are_forgotten_after_a_week_and_whoever_missed_them_is_told_so(
    town: Town, ground: asyncpg.Connection
):
    ming = await town.as_("ming")

    async def poll(after: str | None = None) -> dict:
        query = {"after": after} if after else {}
        return (await ming.get("/v1/events/poll", params=query)).json()

    async def quiet_mark() -> str:
        # What runs in another database of the server might still tell something, to a mark.
        while (mark := Mark.parse((await poll())["next"])).told.running:
            await asyncio.sleep(0.01)
        return str(mark)

    await ground.execute("TRUNCATE events")
    begun = await quiet_mark()
    for _ in range(3):
        await happens(town.database, HOME)
    between = await quiet_mark()
    kept = await happens(town.database, HOME)
    old = clock.now() - timedelta(days=7, minutes=1)
    newest = await ground.fetchval("SELECT max(seq) FROM events")
    await ground.execute("UPDATE events SET at = $1 WHERE seq < $2", old, newest)

    assert await jobs.sweep(town.database, "live.forget", TOWNSHIP) == 2
    assert await jobs.sweep(town.database, "live.forget", TOWNSHIP) == 0

    page = await poll(between)
    assert page["resync"] is False
    assert [each["subject_id"] for each in page["items"]] == [kept]
    page = await poll(begun)
    assert page["resync"] is True
    assert page["items"] == []
    assert (await poll(page["next"]))["items"] == []


async def test_where_nothing_was_ever_forgotten_nobody_is_sent_to_read_anew(
    town: Town, ground: asyncpg.Connection
):
    await ground.execute("TRUNCATE events")
    ming = await town.as_("ming")
    begun = (await ming.get("/v1/events/poll")).json()["next"]
    subject = UUID(await happens(town.database, HOME))
    page = (await ming.get("/v1/events/poll", params={"after": begun})).json()
    assert page["resync"] is False
    assert [each["subject_id"] for each in page["items"]] == [str(subject)]
