"""Loads the demonstration township through the service's own operations, as its administrator."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from uuid import UUID

from fastapi import FastAPI

from api.demo import bodies
from api.demo.accounts import open_accounts
from api.demo.chance import Chance
from api.demo.names import VILLAGES
from api.demo.progress import Report
from api.demo.quarantines import Quarantine, quarantine
from api.demo.readings import Measurement, measure
from api.demo.sign_ins import ADMINISTRATOR, REPRESENTATIVE
from api.demo.staff import appoint
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
        township = await _settled(teller, villages)
        quarantines = quarantine(township)
        await _tell_the_net(teller, township)
        await _tell_what_happened(teller, township, quarantines)
        await open_accounts(teller, township, quarantines[0].household)
    return True


async def _is_complete(teller: Teller) -> bool:
    """Whether the representative can sign in, whose account is opened after everything else.

    Only where there is one this is tried: wrong sign-ins are counted as guesses.
    """
    held = await teller.read(f"/v1/posts?role={REPRESENTATIVE.role}&limit=1")
    return bool(held["items"]) and await signed_in(teller.client, REPRESENTATIVE) is not None


async def _settled(teller: Teller, villages: int) -> Township:
    """The township as of the day its root was opened, so that a later attempt makes the same."""
    told = await teller.read(f"/v1/grids/{teller.root}")
    root = Grid(UUID(told["id"]), None, told["code"], told["name"], GridKind.township)
    township = settle(Chance(date.fromisoformat(told["opened_on"])), root, villages=villages)
    appoint(township)
    return township


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


async def _tell_what_happened(
    teller: Teller, township: Township, quarantines: Sequence[Quarantine]
) -> None:
    """Quarantines with their teams, where people went, temperatures and visits until now."""
    now, chance = clock.now(), township.chance
    begun = [bodies.quarantine_body(each, chance) for each in quarantines]
    await teller.tell_batches("居家隔离", "/v1/quarantines/batch", begun, size=100)
    stays = [
        (f"/v1/quarantines/{each.id}/whereabouts", bodies.stay_body(each.stay, by=each.carers[0]))
        for each in quarantines
        if each.stay is not None
    ]
    await teller.tell_each("去向", stays)
    rounds = groupby(sorted(measure(township, quarantines, now=now), key=_window), key=_window)
    told = [("/v1/rounds", bodies.round_body(chance, list(made))) for _, made in rounds]
    await teller.tell_each("体温", told)
    visits = [bodies.visit_body(each) for each in visit(township, quarantines, now=now)]
    await teller.tell_batches("走访", "/v1/visits/batch", visits)


def _window(measurement: Measurement) -> tuple[date, str]:
    return measurement.day, measurement.window
