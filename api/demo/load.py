"""Loads the demonstration township through the service's own operations, as its administrator."""

from datetime import datetime, timedelta
from uuid import UUID

from fastapi import FastAPI

from api.demo import bodies
from api.demo.accounts import open_accounts, open_last_account
from api.demo.chance import Chance
from api.demo.diary import Cast, live_through
from api.demo.names import VILLAGES
from api.demo.progress import Report
from api.demo.sign_ins import ADMINISTRATOR, REPRESENTATIVE
from api.demo.staff import appoint
from api.demo.story import happenings, invent
from api.demo.telling import LoadRefused, Teller, client_of, signed_in
from api.demo.township import Grid, Township, settle
from api.demo.visits import visit
from api.foundation import clock
from api.grids.models import GridKind

_SERVES_FOR, _REGISTERED_AFTER = timedelta(days=30), timedelta(days=3, hours=8)


async def load_township(app: FastAPI, report: Report, *, villages: int = len(VILLAGES)) -> bool:
    """Fill the cell in which `ADMINISTRATOR` signs in; False when that was done before.

    The app must be open. An interrupted load is taken up again: the same records are told again,
    and those that are kept are no news. Raises `LoadRefused` when the service refuses one.
    """
    async with client_of(app) as client:
        answer = await signed_in(client, ADMINISTRATOR)
        if answer is None:
            raise LoadRefused(f"{ADMINISTRATOR.account} cannot sign in")
        teller = Teller(client, answer, report)
        if await _is_complete(teller):
            return False
        township, now = await settled(teller, villages)
        await _tell_the_net(teller, township)
        staff = await open_accounts(teller, township)
        story = invent(township, now=now)
        cast = Cast(staff, app.state.database, answer["post"]["cell"])
        await live_through(happenings(story), cast, now=now)
        made = [bodies.visit_body(each) for each in visit(township, story.quarantines, now=now)]
        await teller.tell_batches("走访", "/v1/visits/batch", made)
        await open_last_account(teller, township, story.by_hand[0].household)
    return True


async def _is_complete(teller: Teller) -> bool:
    """Whether the representative can sign in, whose account is opened after everything else.

    Only where there is one this is tried: wrong sign-ins are counted as guesses.
    """
    held = await teller.read(f"/v1/posts?role={REPRESENTATIVE.role}&limit=1")
    return bool(held["items"]) and await signed_in(teller.client, REPRESENTATIVE) is not None


async def settled(teller: Teller, villages: int) -> tuple[Township, datetime]:
    """The township as of the instant its administrator was appointed, and that instant.

    A later attempt makes the same of it.
    """
    told = await teller.read(f"/v1/grids/{teller.root}")
    held = await teller.read(f"/v1/posts?role={ADMINISTRATOR.role}&limit=1")
    now = datetime.fromisoformat(held["items"][0]["began_at"])
    root = Grid(UUID(told["id"]), None, told["code"], told["name"], GridKind.township)
    township = settle(Chance(clock.local_day(now)), root, villages=villages)
    appoint(township)
    return township, now


async def _tell_the_net(teller: Teller, township: Township) -> None:
    """Grids from the top down, the people who serve in them, and the doors with their families."""
    day = township.chance.as_of - _SERVES_FOR
    began, _ = clock.day_bounds(day)
    grids = [bodies.grid_body(place.grid, opened_on=day) for place in township.places[1:]]
    await teller.tell_each("网格", [("/v1/grids", grid) for grid in grids])
    workers = [bodies.worker_body(worker) for worker in township.workers]
    await teller.tell_batches("人员", "/v1/workers/batch", workers)
    posts = [bodies.post_body(post, began_at=began) for post in township.all_posts]
    await teller.tell_batches("任职", "/v1/posts/batch", posts)
    households = [
        bodies.household_body(household, by=hamlet.worker, at=began + _REGISTERED_AFTER)
        for hamlet in township.hamlets
        for household in hamlet.households
    ]
    await teller.tell_batches("户和居民", "/v1/households/batch", households)
