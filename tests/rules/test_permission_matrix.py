"""Every operation for everybody: the policy in `permissions.py` decides, and nothing beside it."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import httpx
import pytest
import time_machine

from api.access.permissions import Role, permitted
from api.foundation import clock
from api.foundation.problems import NotPermitted, NotSignedIn
from api.foundation.records import new_id
from tests.builders import a_household
from tests.cast import CAST, OTHER_TOWNSHIP, TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.rules.operations import ANY_VERSION, Operation

PUBLIC = {
    "issue_token",
    "livez",
    "read_authorization_server",
    "read_signing_keys",
    "readyz",
    "refresh_tokens",
    "sign_in_to_post",
}
HOME = "t.01.01.01"
NOT_IN_THE_CAST = sorted(set(Role) - {person.role for person in CAST})
"""Roles that nobody of the cast holds: somebody is appointed to each."""


async def _ask(client: httpx.AsyncClient, operation: Operation, **query: str) -> httpx.Response:
    body = operation.body
    return await client.request(
        operation.method,
        httpx.URL(operation.url()).copy_merge_params(query),
        json=None if body is None else operation.sample(body),
        headers=ANY_VERSION,
    )


def _in_order(contract: list[Operation]) -> list[Operation]:
    """Signing out comes last: the other operations want the session alive."""
    guarded = [each for each in contract if not each.is_public]
    return sorted(guarded, key=lambda each: each.name == "sign_out")


def _check(answer: httpx.Response, operation: Operation, role: Role, level: int) -> None:
    if operation.permission is None or operation.permission in permitted(role, level):
        refused = answer.json().get("type") if answer.status_code >= 400 else None
        assert answer.status_code != 401, (operation.name, answer.text)
        assert refused != f"/problems/{NotPermitted.slug()}", (operation.name, answer.text)
        assert answer.status_code < 500, (operation.name, answer.text)
    else:
        assert answer.status_code == 403, (operation.name, answer.text)
        problem = assert_problem(answer, NotPermitted)
        assert problem["permission"] == operation.permission.value


async def _appointed(town: Town, role: Role) -> httpx.AsyncClient:
    """Somebody new in 柳村一组 with this role, appointed by the secretary of the village."""
    lin = await town.as_("lin")
    worker, post = new_id(), new_id()
    grid, person = str(grid_id(HOME)), {"id": str(worker), "name": role.label}
    registered = await lin.post("/v1/workers", json=person | {"grid_id": grid})
    assert registered.status_code == 201, registered.text
    duty = {"id": str(post), "worker_id": str(worker), "grid_id": grid, "role": role.value}
    if role is Role.household_representative:
        duty["household_id"] = (await a_household(lin, grid=HOME))["id"]
    appointed = await lin.post("/v1/posts", json=duty)
    assert appointed.status_code == 201, appointed.text
    await _open_account(town, str(worker))
    token = await town.token_at(worker, TOWNSHIP, post, grid_id(HOME), 4, role)
    return town.client(token)


async def _open_account(town: Town, worker: str) -> None:
    account = {"name": f"zhanghao-{worker[-6:]}", "initial_password": "Qingshan-lvshui-2022"}
    opened = await (await town.as_("lin")).post(f"/v1/workers/{worker}/account", json=account)
    assert opened.status_code == 201, opened.text


async def test_what_is_open_to_anybody_is_listed_here(contract: list[Operation]):
    assert {each.name for each in contract if each.is_public} == PUBLIC


async def test_nobody_gets_in_anywhere_else(town: Town, contract: list[Operation]):
    for operation in contract:
        if not operation.is_public:
            assert_problem(await _ask(town.nobody(), operation), NotSignedIn)


MISSPELT = {"dai": "1"}


async def test_who_is_not_admitted_does_not_learn_which_filters_there_are(
    town: Town, contract: list[Operation]
):
    token = await town.token_of("ming")
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        for client in (town.nobody(), town.client(token)):
            for operation in _in_order(contract):
                refused = await _ask(client, operation, **MISSPELT)
                assert_problem(refused, NotSignedIn)


async def test_who_may_not_read_does_not_learn_which_filters_there_are(
    town: Town, contract: list[Operation]
):
    han = await town.as_("han")
    may = permitted(Role.grid_worker, 4)
    reads = [each for each in contract if each.permission and each.method == "GET"]
    closed = [each for each in reads if each.permission not in may]
    assert len(closed) > 10
    for operation in closed:
        assert_problem(await _ask(han, operation, **MISSPELT), NotPermitted)


@pytest.mark.parametrize("person", CAST, ids=lambda person: person.name)
async def test_one_of_the_cast_may_do_exactly_what_the_policy_says(
    town: Town, contract: list[Operation], person
):
    level = person.path.count(".") + 1
    async with town.client(await town.token_of(person.name)) as client:
        for operation in _in_order(contract):
            _check(await _ask(client, operation), operation, person.role, level)


@pytest.mark.parametrize("role", NOT_IN_THE_CAST, ids=lambda role: role.value)
async def test_one_of_any_other_role_may_do_exactly_what_the_policy_says(
    town: Town, contract: list[Operation], role: Role
):
    async with await _appointed(town, role) as client:
        for operation in _in_order(contract):
            _check(await _ask(client, operation), operation, role, 4)


@pytest.fixture
async def bai(town: Town) -> AsyncGenerator[httpx.AsyncClient]:
    async with town.client(await town.token_of("bai")) as client:
        yield client


async def test_the_administrator_of_another_township_may_do_all_of_it_there(
    bai: httpx.AsyncClient, contract: list[Operation]
):
    for operation in _in_order(contract):
        _check(await _ask(bai, operation), operation, Role.administrator, 1)


async def test_a_token_that_claims_another_township_is_no_token_there(town: Town):
    """Gu is somebody in 青竹乡 only, whatever cell a genuine token names."""
    grid = id_of(f"{OTHER_TOWNSHIP} t")
    token = await town.token_at(
        id_of("gu"), OTHER_TOWNSHIP, id_of("post gu"), grid, 1, Role.administrator
    )
    async with town.client(token) as client:
        assert (await client.get("/v1/grids")).status_code == 401
