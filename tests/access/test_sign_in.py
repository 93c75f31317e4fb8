"""Signing in: who gets a token, and what somebody who guesses learns."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlmodel import col
from time_machine import travel

from api.access.models import Account, SignInAttempts
from api.access.permissions import Role
from api.access.problems import NoPost, PostChoiceNeeded, SignInRefused
from api.app import create_app
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.problems import InvalidInput, MalformedBody, TooMany
from api.settings import Settings
from tests.access.posts import a_post, end_post, sign_in
from tests.cast import PASSWORD, TOWNSHIP, Town, assert_problem, grid_id, id_of


async def test_somebody_without_an_account_is_refused(town: Town, somebody: httpx.AsyncClient):
    assert_problem(await sign_in(somebody, "stranger"), SignInRefused)


async def test_a_grid_worker_signs_in_by_name_and_reads_who_they_are(
    town: Town, somebody: httpx.AsyncClient
):
    with travel(clock.now(), tick=False):
        answer = await sign_in(somebody, "ming", device="小明的手机")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 900
    assert tokens["refresh_expires_in"] == 30 * 24 * 3600
    assert tokens["post"] == {
        "id": str(id_of("post ming")),
        "role": "grid_worker",
        "role_label": "网格员",
        "title": None,
        "grid_id": str(grid_id("t.01.01.01")),
        "grid_code": "451422201201001",
        "grid_name": "柳村一组",
        "level": 4,
        "cell": TOWNSHIP,
    }
    async with town.client(tokens["access_token"]) as ming:
        me = (await ming.get("/v1/me")).json()
    assert (me["name"], me["account"], me["other_posts"]) == ("小明", "ming", [])
    assert "visits:record" in me["permissions"]
    assert me["must_change_password"] is tokens["must_change_password"] is False


@pytest.mark.parametrize("login", ["13800000001", "+86 138-0000-0001", "MING", "  ming "])
async def test_a_phone_or_a_name_may_be_typed_as_people_type_it(
    town: Town, somebody: httpx.AsyncClient, login: str
):
    assert (await sign_in(somebody, login)).status_code == 200


async def test_the_password_may_be_typed_in_full_width(town: Town, somebody: httpx.AsyncClient):
    wide = "".join(chr(ord(each) + 0xFEE0) for each in PASSWORD)
    assert (await sign_in(somebody, "mei", wide)).status_code == 200


async def test_the_answer_does_not_tell_whether_the_account_exists(
    town: Town, somebody: httpx.AsyncClient
):
    async with town.database.session(Entry.outside()) as session:
        disable = update(Account).where(col(Account.name) == "ba")
        await session.execute(disable.values(disabled_at=clock.now()))
    answers = [
        await sign_in(somebody, "fan", "not the password"),
        await sign_in(somebody, "nobody-of-that-name", "not the password"),
        await sign_in(somebody, "13900000009", "not the password"),
        await sign_in(somebody, "ba"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


async def test_someone_with_several_posts_chooses_after_the_right_password(
    town: Town, somebody: httpx.AsyncClient, owner: Database
):
    second = await a_post(owner, "han", "t.01.01.02", Role.volunteer)
    wrong = await sign_in(somebody, "han", "not the password")
    assert "posts" not in assert_problem(wrong, SignInRefused)
    body = assert_problem(await sign_in(somebody, "han"), PostChoiceNeeded)
    assert [(post["grid_name"], post["cell"]) for post in body["posts"]] == [
        ("榕村一组", TOWNSHIP),
        ("柳村二组", TOWNSHIP),
    ]
    chosen = await sign_in(somebody, "han", post_id=str(second))
    assert chosen.json()["post"]["role_label"] == "志愿者"
    elses = await sign_in(somebody, "han", post_id=str(id_of("post ming")))
    assert_problem(elses, PostChoiceNeeded)


async def test_someone_without_a_post_is_told_so_after_the_right_password(
    town: Town, somebody: httpx.AsyncClient, owner: Database
):
    await end_post(owner, id_of("post qin"))
    assert_problem(await sign_in(somebody, "qin", "not the password"), SignInRefused)
    assert_problem(await sign_in(somebody, "qin"), NoPost)


@pytest.mark.parametrize("login", ["pang", "no-such-account"])
async def test_guessing_is_stopped_whether_or_not_the_account_exists(
    town: Town, somebody: httpx.AsyncClient, login: str
):
    with travel(clock.now(), tick=False) as time:
        for _ in range(5):
            assert_problem(await sign_in(somebody, login, "wrong"), SignInRefused)
        stopped = await sign_in(somebody, login)
        assert assert_problem(stopped, TooMany)["retry_after_seconds"] == 60
        assert stopped.headers["retry-after"] == "60"
        for minutes in (2, 4, 8, 16, 32, 60, 60):
            time.shift(float(stopped.headers["retry-after"]))
            assert_problem(await sign_in(somebody, login, "wrong"), SignInRefused)
            stopped = await sign_in(somebody, login)
            assert stopped.headers["retry-after"] == str(minutes * 60)


async def test_the_right_password_after_the_pause_begins_anew(
    town: Town, somebody: httpx.AsyncClient
):
    with travel(clock.now(), tick=False) as time:
        for _ in range(5):
            await sign_in(somebody, "wei", "wrong")
        time.shift(61)
        assert (await sign_in(somebody, "wei")).status_code == 200
        for _ in range(5):
            assert_problem(await sign_in(somebody, "wei", "wrong"), SignInRefused)


async def test_the_count_outlives_a_restart(
    town: Town, somebody: httpx.AsyncClient, settings: Settings
):
    for _ in range(5):
        await sign_in(somebody, "he", "wrong")
    restarted = create_app(settings)
    async with restarted.router.lifespan_context(restarted), Town(restarted) as again:
        assert_problem(await sign_in(again.nobody(), "he"), TooMany)


async def test_parallel_guesses_do_not_slip_past_the_count(town: Town, somebody: httpx.AsyncClient):
    answers = await asyncio.gather(
        *(sign_in(somebody, "lin", f"guess {number}") for number in range(20))
    )
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (5, 15)


async def test_one_address_cannot_try_many_accounts(town: Town, somebody: httpx.AsyncClient):
    transport = httpx.ASGITransport(town.app, client=("2001:db8::1", 40000))
    neighbour = httpx.ASGITransport(town.app, client=("2001:db8::2", 40000))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        httpx.AsyncClient(transport=neighbour, base_url="http://test") as same_network,
    ):
        for number in range(50):
            assert (await sign_in(client, f"guess-{number}")).status_code == 401
        assert_problem(await sign_in(client, "shan"), TooMany)
        assert_problem(await sign_in(same_network, "shan"), TooMany)
    assert (await sign_in(somebody, "shan")).status_code == 200


async def test_an_office_that_signs_in_rightly_is_never_stopped(town: Town):
    transport = httpx.ASGITransport(town.app, client=("198.51.100.7", 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [(await sign_in(client, "zhou")).status_code for _ in range(55)]
    assert set(answers) == {200}


async def test_a_failure_of_yesterday_is_forgotten_and_swept_away(
    town: Town, somebody: httpx.AsyncClient
):
    with travel(clock.now(), tick=False) as time:
        for _ in range(4):
            await sign_in(somebody, "li", "wrong")
        time.shift(timedelta(days=1, seconds=1))
        for _ in range(5):
            assert_problem(await sign_in(somebody, "li", "wrong"), SignInRefused)
        assert (await sign_in(somebody, "bai")).status_code == 200
        async with town.database.session(Entry.outside()) as session:
            oldest = await session.scalar(select(func.min(SignInAttempts.last_at)))
        assert oldest is not None
        assert oldest >= clock.now() - timedelta(days=1)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"login": "ming"}, "/body/password"),
        ({"password": PASSWORD}, "/body/login"),
        ({"login": "", "password": PASSWORD}, "/body/login"),
        ({"login": "ming", "password": "x" * 201}, "/body/password"),
        ({"login": "ming", "password": 1}, "/body/password"),
        ({"login": "ming", "password": PASSWORD, "post_id": "1"}, "/body/post_id"),
        ({"login": "ming", "password": PASSWORD, "admin": True}, "/body/admin"),
    ],
)
async def test_a_body_that_is_not_a_sign_in_is_told_where(
    town: Town, somebody: httpx.AsyncClient, body: dict[str, Any], pointer: str
):
    problem = assert_problem(await somebody.post("/v1/sign-in", json=body), InvalidInput)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert PASSWORD not in str(problem)


@pytest.mark.parametrize("login", ["'; DROP TABLE accounts; --", "𠮷", "ming' OR '1'='1"])
async def test_sql_and_rare_characters_are_only_text(
    town: Town, somebody: httpx.AsyncClient, login: str
):
    assert_problem(await sign_in(somebody, login, login), SignInRefused)


async def test_broken_text_is_refused_without_a_fault(town: Town, somebody: httpx.AsyncClient):
    raw = b'{"login": "ming", "password": "\\ud800"}'
    json = {"Content-Type": "application/json"}
    assert_problem(await somebody.post("/v1/sign-in", content=raw, headers=json), InvalidInput)
    raw = b'{"login": "ming", "password": "\xff\xfe"}'
    assert_problem(await somebody.post("/v1/sign-in", content=raw, headers=json), MalformedBody)
