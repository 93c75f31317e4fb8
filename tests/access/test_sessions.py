"""Sessions: renewed by tokens used once, switched between posts, ended by their owner."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import update
from sqlmodel import col
from time_machine import travel

from api.access.models import Membership
from api.access.permissions import Role
from api.access.problems import NoPost, RefreshTokenUsed
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.problems import NotFound, NotSignedIn, PostingChanged
from api.grids.models import Grid
from tests.access.posts import a_post, end_post, sign_in
from tests.cast import OTHER_TOWNSHIP, TOWNSHIP, Town, assert_problem, grid_id, id_of


async def _tokens(town: Town, name: str, **more: Any) -> dict[str, Any]:
    answer = await sign_in(town.nobody(), name, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _refresh(town: Town, tokens: dict[str, Any]) -> httpx.Response:
    return await town.nobody().post("/v1/refresh", json={"refresh_token": tokens["refresh_token"]})


async def _me(town: Town, tokens: dict[str, Any]) -> httpx.Response:
    async with town.client(tokens["access_token"]) as client:
        return await client.get("/v1/me")


async def test_without_a_token_there_is_nothing_of_ones_own(town: Town):
    nobody = town.nobody()
    for answer in (
        await nobody.get("/v1/me"),
        await nobody.get("/v1/sessions"),
        await nobody.delete(f"/v1/sessions/{id_of('session')}"),
        await nobody.post("/v1/sign-out"),
        await nobody.post("/v1/switch-post", json={"post_id": str(id_of("post ming"))}),
        await nobody.put("/v1/password", json={"current": "x", "new": "Liushu-cun-2022"}),
        await _refresh(town, {"refresh_token": "made up"}),
    ):
        assert_problem(answer, NotSignedIn)
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_neighbours_session_is_neither_listed_nor_ended(town: Town):
    await _tokens(town, "mei", device="梅大姐的手机")
    mei, ming = await town.as_("mei"), await town.as_("ming")
    own = (await mei.get("/v1/sessions")).json()["items"]
    assert "梅大姐的手机" in {session["device"] for session in own}
    assert not {session["id"] for session in own} & {
        session["id"] for session in (await ming.get("/v1/sessions")).json()["items"]
    }
    assert_problem(await ming.delete(f"/v1/sessions/{own[0]['id']}"), NotFound)
    assert (await mei.get("/v1/me")).status_code == 200


async def test_a_refresh_token_gives_new_tokens_once(town: Town):
    first = await _tokens(town, "lin")
    second = (await _refresh(town, first)).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await _me(town, second)).status_code == 200
    assert (await _refresh(town, second)).status_code == 200


async def test_a_refresh_token_used_twice_ends_the_whole_session(town: Town):
    first = await _tokens(town, "lin")
    second = (await _refresh(town, first)).json()
    assert_problem(await _refresh(town, first), RefreshTokenUsed)
    assert_problem(await _me(town, first), PostingChanged)
    assert_problem(await _me(town, second), PostingChanged)
    assert_problem(await _refresh(town, second), NotSignedIn)
    assert_problem(await _refresh(town, first), RefreshTokenUsed)


async def test_of_two_refreshes_at_the_same_moment_one_wins_and_the_session_ends(town: Town):
    first = await _tokens(town, "shan")
    answers = await asyncio.gather(_refresh(town, first), _refresh(town, first))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 200
    assert_problem(lost, RefreshTokenUsed)
    assert_problem(await _me(town, won.json()), PostingChanged)
    assert_problem(await _refresh(town, won.json()), NotSignedIn)


async def test_a_moved_grid_is_told_and_the_refresh_brings_the_new_place(
    town: Town, owner: Database
):
    tokens = await _tokens(town, "han")
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        moved = update(Grid).where(col(Grid.id) == grid_id("t.01.02.01"))
        await session.execute(moved.values(level=5, moved_at=clock.now() + timedelta(seconds=1)))
    assert_problem(await _me(town, tokens), PostingChanged)
    with travel(clock.now() + timedelta(seconds=2), tick=False):
        renewed = (await _refresh(town, tokens)).json()
        assert renewed["post"]["level"] == 5
        assert (await _me(town, renewed)).status_code == 200


async def test_an_ended_post_neither_works_nor_refreshes(town: Town, owner: Database):
    post = await a_post(owner, "ba", "t.01.01.02", Role.volunteer)
    tokens = await _tokens(town, "ba", post_id=str(post))
    await end_post(owner, post)
    assert_problem(await _me(town, tokens), PostingChanged)
    assert_problem(await _refresh(town, tokens), PostingChanged)


async def test_an_expired_access_token_is_refreshed_and_an_expired_session_is_not(town: Town):
    tokens = await _tokens(town, "wei")
    with travel(clock.now() + timedelta(minutes=16), tick=False) as time:
        assert_problem(await _me(town, tokens), NotSignedIn)
        renewed = (await _refresh(town, tokens)).json()
        assert (await _me(town, renewed)).status_code == 200
        time.shift(timedelta(days=30))
        assert_problem(await _refresh(town, renewed), NotSignedIn)


async def test_signing_out_ends_this_session_and_no_other(town: Town):
    phone, tablet = await _tokens(town, "he"), await _tokens(town, "he")
    async with town.client(phone["access_token"]) as client:
        assert (await client.post("/v1/sign-out")).status_code == 204
        assert_problem(await client.get("/v1/me"), PostingChanged)
    assert_problem(await _refresh(town, phone), NotSignedIn)
    assert (await _me(town, tablet)).status_code == 200


async def test_a_lost_phone_is_signed_out_from_another_device(town: Town):
    lost = await _tokens(town, "fan", device="丢失的手机")
    other = await _tokens(town, "fan", device="平板")
    async with town.client(other["access_token"]) as client:
        found = (await client.get("/v1/sessions")).json()["items"]
        ids = {session["device"]: session["id"] for session in found}
        assert [session["is_current"] for session in found] == [True, False]
        assert (await client.delete(f"/v1/sessions/{ids['丢失的手机']}")).status_code == 204
        assert_problem(await client.delete(f"/v1/sessions/{ids['丢失的手机']}"), NotFound)
        left = (await client.get("/v1/sessions")).json()["items"]
    assert [session["device"] for session in left] == ["平板"]
    assert_problem(await _me(town, lost), PostingChanged)


async def test_a_switch_of_posts_keeps_the_session_and_stops_the_former_token(
    town: Town, owner: Database
):
    second = await a_post(owner, "pang", "t.01.01.02", Role.volunteer)
    first = await _tokens(town, "pang", post_id=str(id_of("post pang")))
    async with town.client(first["access_token"]) as client:
        others = (await client.get("/v1/me")).json()["other_posts"]
        assert [post["id"] for post in others] == [str(second)]
        answer = await client.post("/v1/switch-post", json={"post_id": str(second)})
        assert answer.status_code == 200, answer.text
        assert_problem(await client.get("/v1/me"), PostingChanged)
        assert_problem(
            await client.post("/v1/switch-post", json={"post_id": str(second)}), PostingChanged
        )
    switched = answer.json()
    me = (await _me(town, switched)).json()
    assert me["post"]["grid_name"] == "柳村二组"
    async with town.client(switched["access_token"]) as client:
        assert len((await client.get("/v1/sessions")).json()["items"]) == 1
    assert (await _refresh(town, switched)).json()["post"]["id"] == str(second)
    assert_problem(await _refresh(town, first), RefreshTokenUsed)


async def test_a_post_in_another_township_is_a_switch_away(town: Town, owner: Database):
    there = await a_post(owner, "zhou", "t", Role.cadre, cell=OTHER_TOWNSHIP)
    async with owner.session(Entry.outside()) as session:
        session.add(Membership(account_id=id_of("zhou"), cell=OTHER_TOWNSHIP))
    here = await _tokens(town, "zhou", post_id=str(id_of("post zhou")))
    async with town.client(here["access_token"]) as client:
        answer = await client.post("/v1/switch-post", json={"post_id": str(there)})
    tokens = answer.json()
    assert (tokens["post"]["cell"], tokens["post"]["grid_name"]) == (OTHER_TOWNSHIP, "白水乡")
    assert (await _me(town, tokens)).json()["other_posts"][0]["cell"] == TOWNSHIP
    assert (await _refresh(town, tokens)).json()["post"]["cell"] == OTHER_TOWNSHIP


async def test_nobody_switches_to_a_post_that_is_not_their_own(town: Town):
    ming = await town.as_("ming")
    for post in ("post zhou", "post bai", "no such post"):
        answer = await ming.post("/v1/switch-post", json={"post_id": str(id_of(post))})
        problem = assert_problem(answer, NotFound)
        assert problem["errors"][0]["pointer"] == "/body/post_id"


async def test_a_session_outlives_no_account_without_a_post(town: Town, owner: Database):
    await end_post(owner, id_of("post gu"))
    assert_problem(await sign_in(town.nobody(), "gu"), NoPost)
