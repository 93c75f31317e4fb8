"""Accounts and passwords: opened from above, changed by their holder, never a way up."""

import asyncio
import subprocess
import sys
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from api.access.models import AuditEntry, Membership
from api.access.permissions import Role
from api.access.problems import (
    AccountAboveYou,
    AccountExists,
    AccountNameTaken,
    PasswordTooWeak,
    PasswordWrong,
    PhoneHasAccount,
    ServesElsewhere,
    SignInRefused,
)
from api.foundation.database import Database, Entry
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    PasswordToBeChanged,
    PostingChanged,
    TooMany,
)
from api.grids.models import Worker
from tests.access.posts import a_post, sign_in
from tests.cast import OTHER_TOWNSHIP, PASSWORD, TOWNSHIP, Town, assert_problem, grid_id, id_of

FIRST = "Chuci-mima-2022"


async def _a_worker(owner: Database, name: str, path: str, phone: str | None = None) -> str:
    worker = Worker(
        id=id_of(name),
        grid_id=grid_id(path),
        name=name,
        phone_lookup=owner.keyring.lookup(phone, context="phone") if phone else None,
        reach=path,
    )
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        session.add(worker)
    return f"/v1/workers/{worker.id}/account"


def _wanted(name: str, password: str = FIRST) -> dict[str, Any]:
    return {"name": name, "initial_password": password}


async def test_nobody_opens_accounts(town: Town, owner: Database):
    account = await _a_worker(owner, "新人甲", "t.01.01.01")
    assert_problem(await town.nobody().post(account, json=_wanted("jia")), NotSignedIn)
    ming = await town.as_("ming")
    assert_problem(await ming.post(account, json=_wanted("jia")), NotPermitted)


async def test_the_neighbouring_village_does_not_see_the_worker(town: Town, owner: Database):
    account = await _a_worker(owner, "新人乙", "t.01.01.01")
    wei = await town.as_("wei")
    for answer in (
        await wei.post(account, json=_wanted("yi")),
        await wei.get(account),
        await wei.post(f"{account}/reset-password", json={"initial_password": FIRST}),
        await wei.delete(account),
    ):
        assert_problem(answer, NotFound)


async def test_a_secretary_opens_an_account_and_the_worker_makes_it_their_own(
    town: Town, owner: Database
):
    account = await _a_worker(owner, "新人丙", "t.01.01.01", "13800000077")
    await a_post(owner, "新人丙", "t.01.01.01", Role.grid_worker)
    lin = await town.as_("lin")
    opened = await lin.post(account, json=_wanted("Xinren.丙"))
    assert opened.status_code == 201, opened.text
    assert opened.headers["location"] == account
    assert opened.json()["name"] == "xinren.丙"
    assert (await lin.get(account)).json() == opened.json()
    tokens = (await sign_in(town.nobody(), "13800000077", FIRST)).json()
    assert tokens["must_change_password"] is True
    other = (await sign_in(town.nobody(), "xinren.丙", FIRST)).json()
    async with (
        town.client(tokens["access_token"]) as bing,
        town.client(other["access_token"]) as on_another_phone,
    ):
        change = {"current": FIRST, "new": "Wode-xinmima-𠮷"}
        assert (await bing.put("/v1/password", json=change)).status_code == 204
        assert (await bing.get("/v1/me")).json()["must_change_password"] is False
        assert_problem(await on_another_phone.get("/v1/me"), PostingChanged)
    assert_problem(await sign_in(town.nobody(), "13800000077", FIRST), SignInRefused)
    again = await sign_in(town.nobody(), "13800000077", "Wode-xinmima-𠮷")
    assert again.json()["must_change_password"] is False


async def test_with_a_password_that_others_know_nothing_is_done_but_to_change_it(
    town: Town, owner: Database
):
    account = await _a_worker(owner, "新人辛", "t.01.01.01")
    await a_post(owner, "新人辛", "t.01.01.01", Role.grid_worker)
    await (await town.as_("lin")).post(account, json=_wanted("xinxin"))
    first = (await sign_in(town.nobody(), "xinxin", FIRST)).json()
    async with town.client(first["access_token"]) as xin:
        for path in ("/v1/households", "/v1/my-day", "/v1/events", "/v1/sessions", "/fhir/Patient"):
            refused = await xin.get(path)
            assert refused.status_code == 403, path
            assert PasswordToBeChanged.detail in refused.text
        assert (await xin.get("/v1/me")).json()["must_change_password"] is True
        change = {"current": FIRST, "new": "Ziji-de-mima-2022"}
        assert (await xin.put("/v1/password", json=change)).status_code == 204
    told = {"refresh_token": first["refresh_token"]}
    fresh = (await town.nobody().post("/v1/refresh", json=told)).json()
    assert fresh["must_change_password"] is False
    async with town.client(fresh["access_token"]) as xin:
        assert (await xin.get("/v1/my-day")).status_code == 200


async def test_a_first_password_is_first_also_after_refreshing(town: Town, owner: Database):
    account = await _a_worker(owner, "新人壬", "t.01.01.01")
    await a_post(owner, "新人壬", "t.01.01.01", Role.grid_worker)
    await (await town.as_("lin")).post(account, json=_wanted("renren"))
    first = (await sign_in(town.nobody(), "renren", FIRST)).json()
    told = {"refresh_token": first["refresh_token"]}
    again = (await town.nobody().post("/v1/refresh", json=told)).json()
    async with town.client(again["access_token"]) as ren:
        assert_problem(await ren.get("/v1/grids"), PasswordToBeChanged)
        assert (await ren.post("/v1/sign-out")).status_code == 204


async def test_a_reset_ends_every_session_and_a_disabled_account_can_be_opened_again(
    town: Town, owner: Database
):
    account = await _a_worker(owner, "新人丁", "t.01.01.01")
    await a_post(owner, "新人丁", "t.01.01.01", Role.volunteer)
    lin = await town.as_("lin")
    await lin.post(account, json=_wanted("ding"))
    first = (await sign_in(town.nobody(), "ding", FIRST)).json()
    reset = await lin.post(f"{account}/reset-password", json={"initial_password": "Di-er-ci-2022"})
    assert reset.json()["must_change_password"] is True
    await _is_out(town, first)
    second = (await sign_in(town.nobody(), "ding", "Di-er-ci-2022")).json()
    assert (await lin.delete(account)).status_code == 204
    await _is_out(town, second)
    assert_problem(await sign_in(town.nobody(), "ding", "Di-er-ci-2022"), SignInRefused)
    assert_problem(await lin.delete(account), NotFound)
    assert (await lin.get(account)).json()["disabled_at"] is not None
    assert (await lin.post(account, json=_wanted("ding2"))).status_code == 201
    assert (await sign_in(town.nobody(), "ding2", FIRST)).status_code == 200
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        noted = await session.scalars(
            select(AuditEntry.action)
            .where(col(AuditEntry.subject_id) == id_of("新人丁"))
            .order_by(col(AuditEntry.at))
        )
    assert noted.all() == [
        "accounts.open",
        "accounts.reset_password",
        "accounts.disable",
        "accounts.open",
    ]


async def _is_out(town: Town, tokens: dict[str, Any]) -> None:
    async with town.client(tokens["access_token"]) as client:
        assert_problem(await client.get("/v1/me"), PostingChanged)
    body = {"refresh_token": tokens["refresh_token"]}
    assert_problem(await town.nobody().post("/v1/refresh", json=body), NotSignedIn)


async def _reset(client: httpx.AsyncClient, name: str) -> httpx.Response:
    reset = f"/v1/workers/{id_of(name)}/account/reset-password"
    return await client.post(reset, json={"initial_password": FIRST})


async def test_a_reset_lets_one_in_who_had_forgotten_the_password(town: Town):
    for login in ("13800000001", "ming"):
        for _ in range(5):
            await sign_in(town.nobody(), login, "forgotten")
        assert_problem(await sign_in(town.nobody(), login, FIRST), TooMany)
    assert (await _reset(await town.as_("lin"), "ming")).status_code == 200
    for login in ("13800000001", "ming"):
        assert (await sign_in(town.nobody(), login, FIRST)).status_code == 200


async def test_nobody_resets_the_password_of_one_who_may_do_more(town: Town, owner: Database):
    await a_post(owner, "fan", "t.01.01", Role.administrator)
    assert_problem(await _reset(await town.as_("lin"), "fan"), AccountAboveYou)


async def test_who_leads_the_township_does_not_become_its_administrator_by_a_password(
    town: Town, owner: Database
):
    """Both may do as much; but administrators are made by administrators alone."""
    zhou, gu = await town.as_("zhou"), await town.as_("gu")
    assert_problem(await _reset(zhou, "gu"), AccountAboveYou)
    disabled = await zhou.delete(f"/v1/workers/{id_of('gu')}/account")
    assert_problem(disabled, AccountAboveYou)
    await a_post(owner, "he", "t", Role.administrator)
    assert (await _reset(gu, "he")).status_code == 200


async def test_nobody_resets_the_password_of_one_with_a_post_above_or_elsewhere(
    town: Town, owner: Database
):
    await a_post(owner, "ming", "t.01.02", Role.volunteer)
    assert_problem(await _reset(await town.as_("lin"), "ming"), AccountAboveYou)
    await a_post(owner, "mei", "t", Role.volunteer)
    assert_problem(await _reset(await town.as_("lin"), "mei"), AccountAboveYou)
    assert (await _reset(await town.as_("zhou"), "mei")).status_code == 200


async def test_ones_own_account_is_not_reset_past_the_present_password(town: Town):
    lin = await town.as_("lin")
    assert_problem(await _reset(lin, "lin"), NotPermitted)
    assert_problem(await lin.delete(f"/v1/workers/{id_of('lin')}/account"), NotPermitted)


async def test_an_account_that_serves_elsewhere_too_is_left_alone(town: Town, owner: Database):
    async with owner.session(Entry.outside()) as session:
        session.add(Membership(account_id=id_of("pang"), cell=OTHER_TOWNSHIP))
    assert_problem(await _reset(await town.as_("zhou"), "pang"), ServesElsewhere)


async def test_a_name_a_phone_and_a_worker_have_one_account(town: Town, owner: Database):
    lin = await town.as_("lin")
    account = await _a_worker(owner, "新人戊", "t.01.01.01")
    taken = assert_problem(await lin.post(account, json=_wanted("MING")), AccountNameTaken)
    assert taken["errors"][0]["pointer"] == "/body/name"
    assert_problem(await lin.get(account), NotFound)
    answers = await asyncio.gather(*(lin.post(account, json=_wanted("wu")) for _ in range(2)))
    created, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert created.status_code == 201
    assert_problem(refused, AccountExists)
    async with owner.session(Entry.without_reach(OTHER_TOWNSHIP)) as session:
        root = id_of(f"{OTHER_TOWNSHIP} t")
        phone = owner.keyring.lookup("13800000001", context="phone")
        session.add(
            Worker(id=id_of("同号"), grid_id=root, name="同号", phone_lookup=phone, reach="t")
        )
    bai = await town.as_("bai")
    elsewhere = f"/v1/workers/{id_of('同号')}/account"
    assert_problem(await bai.post(elsewhere, json=_wanted("tonghao")), PhoneHasAccount)


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        (_wanted("13800000099"), "/body/name"),
        (_wanted("x"), "/body/name"),
        (_wanted("a b"), "/body/name"),
        (_wanted("'; DROP TABLE accounts; --"), "/body/name"),
        (_wanted("ok", "short"), "/body/initial_password"),
        ({"name": "ok"}, "/body/initial_password"),
        ({**_wanted("ok"), "phone": "1"}, "/body/phone"),
    ],
)
async def test_a_body_that_is_no_account_is_told_where(
    town: Town, wanted: dict[str, Any], pointer: str
):
    lin = await town.as_("lin")
    answer = await lin.post(f"/v1/workers/{id_of('ming')}/account", json=wanted)
    problem = assert_problem(answer, InvalidInput)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert all("一" <= error["detail"][0] <= "鿿" for error in problem["errors"])


@pytest.mark.parametrize(
    "weak",
    ["1234567890", "QWERTYUIOP", "1111111111", "xinren-geng", "13800000088", "+8613800000088"],
)
async def test_a_password_that_would_be_guessed_is_refused(town: Town, owner: Database, weak: str):
    name = f"新人{weak}"
    account = await _a_worker(owner, name, "t.01.01.01")
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        worker = await session.get_one(Worker, id_of(name))
        if "138" in weak:
            worker.phone_lookup = owner.keyring.lookup("13800000088", context="phone")
        await session.flush()
    lin = await town.as_("lin")
    problem = assert_problem(
        await lin.post(account, json=_wanted("xinren-geng", weak)), PasswordTooWeak
    )
    assert problem["errors"][0]["pointer"] == "/body/initial_password"
    assert_problem(await lin.get(account), NotFound)
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        await session.delete(await session.get_one(Worker, id_of(name)))


async def test_the_present_password_is_asked_for_and_cannot_be_guessed(town: Town):
    tokens = (await sign_in(town.nobody(), "han")).json()
    async with town.client(tokens["access_token"]) as han:
        same = {"current": PASSWORD, "new": PASSWORD}
        assert_problem(await han.put("/v1/password", json=same), PasswordTooWeak)
        for _ in range(4):
            guess = {"current": "a guess", "new": "Rongshu-cun-2022"}
            wrong = assert_problem(await han.put("/v1/password", json=guess), PasswordWrong)
            assert wrong["errors"][0]["pointer"] == "/body/current"
        right = {"current": PASSWORD, "new": "Rongshu-cun-2022"}
        stopped = assert_problem(await han.put("/v1/password", json=right), TooMany)
        assert stopped["retry_after_seconds"] <= 60
    assert (await sign_in(town.nobody(), "han")).status_code == 200


def test_a_password_costs_whoever_guesses_what_owasp_asks_at_least():
    code = (
        "import asyncio, api.access.passwords as p\n"
        "print(asyncio.run(p.hash_password('Qingshan-lvshui-2022')), p._NOBODY, sep='\\n')"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    hashes = told.stdout.split()
    assert len(hashes) == 2
    assert all(each.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for each in hashes)
