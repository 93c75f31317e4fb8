"""Opens the accounts of the demonstration, each with a password that works as it is printed."""

import asyncio
from dataclasses import replace
from uuid import UUID

from api.demo import bodies
from api.demo.families import Household
from api.demo.sign_ins import REPRESENTATIVE, STAFF, SignIn, post_of
from api.demo.telling import LoadRefused, Teller, signed_in
from api.demo.township import Township

STAGE, LAST_STAGE = "登录账号", "户代表账号"
_FIRST_PASSWORD = "Chuci-Denglu-2022"  # noqa: S105 - changed as soon as it is set


async def open_accounts(teller: Teller, township: Township) -> dict[SignIn, Teller]:
    """Let the staff sign in; each can tell the service something from then on."""
    workers = {account: post_of(township, account).worker.id for account in STAFF}
    async with asyncio.TaskGroup() as group:
        opened = {
            account: group.create_task(_open(teller, account, worker))
            for account, worker in workers.items()
        }
    teller.report(STAGE, len(STAFF), len(STAFF))
    return {account: task.result() for account, task in opened.items()}


async def open_last_account(teller: Teller, township: Township, household: Household) -> None:
    """Let the representative of this household sign in: everything is told by then."""
    await _open(teller, REPRESENTATIVE, await _represented(teller, township, household))
    teller.report(LAST_STAGE, 1, 1)


async def _open(teller: Teller, account: SignIn, worker: UUID) -> Teller:
    """Open an account, change its first password as its owner would, and sign in with that.

    What was done before is not tried again: wrong sign-ins are counted as guesses.
    """
    body = {"name": account.account, "initial_password": _FIRST_PASSWORD}
    is_new = bool(await teller.tell(f"/v1/workers/{worker}/account", body, known=409))
    answer = None if is_new else await signed_in(teller.client, account)
    if answer is None:
        await _change_password(teller, account)
        answer = await signed_in(teller.client, account)
    if answer is None:
        raise LoadRefused(f"{account.account} cannot sign in")
    return Teller(teller.client, answer, teller.report)


async def _change_password(teller: Teller, account: SignIn) -> None:
    first = await signed_in(teller.client, replace(account, password=_FIRST_PASSWORD))
    if first is not None:
        own = Teller(teller.client, first, teller.report)
        await own.put("/v1/password", {"current": _FIRST_PASSWORD, "new": account.password})


async def _represented(teller: Teller, township: Township, household: Household) -> UUID:
    """The representative's id as a worker, appointed at their own household."""
    worker = township.chance.id("worker", household.representative)
    post = township.chance.id("post", household.id)
    as_worker, at_home = bodies.representative_bodies(household, worker=worker, post=post)
    await teller.tell("/v1/workers", as_worker)
    await teller.tell("/v1/posts", at_home)
    return worker
