"""A stream ends with the post, the session or the place it is for, and tells nothing after."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
import time_machine

from api.app import create_app
from api.foundation import clock
from api.foundation.problems import NotSignedIn, PostingChanged
from api.live import hub, routes
from api.live.hub import Hub, Listener
from api.live.marks import Snapshot
from api.settings import Settings
from tests.cast import Town, assert_problem, grid_id, id_of
from tests.live.street import Ear, happens, serving

Listening = Callable[[str], Awaitable[Ear]]
HOME = "t.01.01.01"
REASON = {"reason": "任期届满"}


@pytest.fixture(autouse=True)
def looked_after_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK_AGAIN_SECONDS", 0.3)


async def _is_over(ear: Ear) -> None:
    await ear.until(lambda: not ear.is_open)
    assert ear.heard[-1].kind == "posting-changed"


async def test_a_stream_ends_with_the_post_and_nothing_that_happens_later_is_heard(
    town: Town, ear_of: Listening
):
    ba, ming = await ear_of("ba"), await ear_of("ming")
    await ba.listen()
    await ming.listen()
    before = await happens(town.database, HOME)
    await ba.hears(before)
    lin = await town.as_("lin")
    assert (await lin.post(f"/v1/posts/{id_of('post ba')}/end", json=REASON)).status_code == 200
    after = await happens(town.database, HOME)
    await ming.hears(after)
    await _is_over(ba)
    assert ba.subjects == [before, None]
    await ba.listen()
    assert ba.status == 401


async def test_a_stream_of_an_ended_session_ends_though_nothing_happens(
    town: Town, ear_of: Listening
):
    fan = await ear_of("fan")
    await fan.listen()
    assert (await fan.client.post("/v1/sign-out")).status_code == 204
    await _is_over(fan)


async def test_a_stream_ends_when_the_grid_moves(town: Town, ear_of: Listening):
    zhou, han = await town.as_("zhou"), await ear_of("han")
    await han.listen()
    await asyncio.sleep(1.1)  # a token of the same second as the move is good after it
    body = {"new_parent_id": str(grid_id("t.01.01")), "reason": "片区调整"}
    moved = await zhou.post(f"/v1/grids/{grid_id('t.01.02.01')}/move", json=body)
    assert moved.status_code == 200, moved.text
    await _is_over(han)


async def test_two_processes_tell_their_listeners_the_same(town: Town, settings: Settings):
    other = create_app(settings)
    async with (
        other.router.lifespan_context(other),
        serving(town.app) as first,
        serving(other) as second,
    ):
        headers = {"Authorization": f"Bearer {await town.token_of('ming')}"}
        ears = [
            Ear(httpx.AsyncClient(base_url=url, headers=headers, timeout=60))
            for url in (first, second, first)
        ]
        await asyncio.gather(*(ear.listen() for ear in ears[:2]))
        subjects = [await happens(town.database, HOME) for _ in range(5)]
        await asyncio.gather(*(ear.hears(*subjects) for ear in ears[:2]))
        assert ears[0].subjects == ears[1].subjects == subjects
        ears[2].last_id = ears[1].heard[2].id
        await ears[2].listen()
        await ears[2].hears(*subjects[3:])
        assert ears[2].subjects == subjects[3:], "what one process told, another goes on from"
        for ear in ears:
            await ear.cut()
            await ear.client.aclose()


async def test_a_process_that_ends_sends_its_listeners_away(town: Town, settings: Settings):
    app = create_app(settings)
    async with app.router.lifespan_context(app), serving(app) as url:
        headers = {"Authorization": f"Bearer {await town.token_of('ming')}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
            ear = Ear(client)
            await ear.listen()
            app.state.hub.end()
            await ear.until(lambda: not ear.is_open)
            assert ear.heard == []
            assert ear.last_id


async def test_an_idle_listener_holds_no_connection_of_the_pool(town: Town, ear_of: Listening):
    ears = [await ear_of("ming") for _ in range(12)]  # the pool has four
    await asyncio.gather(*(ear.listen() for ear in ears))
    assert (await (await town.as_("ming")).get("/v1/me")).status_code == 200
    subject = await happens(town.database, HOME)
    await asyncio.gather(*(ear.hears(subject) for ear in ears))


@pytest.fixture
async def lagging(town: Town) -> AsyncGenerator[Listener]:
    """Somebody who listens and takes nothing of what is told."""
    caller = await town.app.state.keys.read(await town.token_of("ming"))
    async with town.app.state.hub.joined(caller, town.database) as listener:
        yield listener


async def test_who_lags_too_far_behind_is_sent_away_instead_of_filling_the_memory(
    town: Town, lagging: Listener, ear_of: Listening
):
    ming = await ear_of("ming")
    await ming.listen()
    subjects = [await happens(town.database, HOME) for _ in range(hub._PATIENCE)]
    await ming.hears(*subjects)
    assert len(lagging.waiting) == hub._PATIENCE
    await ming.hears(await happens(town.database, HOME))
    assert lagging.ended == "slow"
    assert not lagging.waiting


async def test_who_stays_on_the_line_and_never_reads_is_cut_off_when_their_time_is_over(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(routes, "_TO_END_SECONDS", 1)
    async with serving(town.app, unread=4096) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect((host, int(port)))
            token = await town.token_of("ming")
            asked = (
                f"GET /v1/events?seconds=5 HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}"
            )
            line.send(f"{asked}\r\n\r\n".encode())
            heard: set[Listener] = set()
            while not heard:
                await asyncio.sleep(0.05)
                heard = {
                    each for cell in town.app.state.hub._cells.values() for each in cell.listeners
                }
            (listener,) = heard
            while listener.ended is None:
                await asyncio.gather(*(happens(town.database, HOME) for _ in range(50)))
            assert listener.ended == "slow"
            async with asyncio.timeout(30):
                while town.app.state.hub._cells:
                    await asyncio.sleep(0.05)


async def test_a_token_may_expire_while_somebody_listens_and_a_session_may_not(
    town: Town, ear_of: Listening
):
    ming = await ear_of("ming")
    await ming.listen()
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert_problem(await ming.client.get("/v1/me"), NotSignedIn)
        assert_problem(await ming.client.get("/v1/events/poll"), NotSignedIn)
        subject = await happens(town.database, HOME)
        await ming.hears(subject)
    with time_machine.travel(clock.now() + timedelta(days=31)):
        await _is_over(ming)
    assert ming.subjects == [subject, None]


async def test_who_waits_for_news_is_told_when_the_post_ends(town: Town, ear_of: Listening):
    fan, zhou = await ear_of("fan"), await town.as_("zhou")
    after = (await fan.client.get("/v1/events/poll")).json()["next"]
    query = {"after": after, "wait": 25}
    waiting = asyncio.create_task(fan.client.get("/v1/events/poll", params=query))
    await asyncio.sleep(0.5)
    ended = await zhou.post(f"/v1/posts/{id_of('post fan')}/end", json=REASON)
    assert ended.status_code == 200, ended.text
    begun = asyncio.get_running_loop().time()
    assert_problem(await waiting, PostingChanged)
    assert asyncio.get_running_loop().time() - begun < 10


async def test_a_cell_without_listeners_is_not_asked_about(town: Town):
    quiet: Hub = town.app.state.hub
    caller = await town.app.state.keys.read(await town.token_of("zhou"))
    async with quiet.joined(caller, town.database):
        assert quiet._cells
    assert not quiet._cells


def test_whoever_was_told_of_it_before_is_not_told_again():
    listener = Listener(caller=None)  # pyright: ignore[reportArgumentType]
    listener.since = Snapshot(10, frozenset({7}))
    listener.offer([(xid, str(xid).encode()) for xid in (6, 7, 9, 10)])
    assert listener.taken() == [b"7", b"10"]
    assert listener.taken() == []
