"""People in quarantine by a plan of the ninth edition, for tests of what follows from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from asyncpg.connection import Connection
from sqlalchemy import text

from api.access.caller import entry_of
from api.foundation import clock
from api.foundation.records import new_id
from api.protocols.facts import Facts
from api.protocols.models import ExposureClass, RiskLevel
from api.protocols.proposing import Rulebook
from api.quarantines.models import PlaceKind, QuarantineReason
from api.quarantines.planned import PlannedQuarantine, begin_by_plan
from api.quarantines.stage_models import Link
from tests.builders import a_diagnostic_test, a_household, a_preset_in_force
from tests.cast import Town

MEDIUM, SECONDARY, CONTACT = "medium_risk_home_7", "secondary_home_7", "contact_7_3"
"""Plans of the ninth edition: seven days with tests on days 1, 4 and 7; ten with six tests."""


async def the_ninth_edition(town: Town) -> str:
    """Put the protocol in force; answers its id."""
    return (await a_preset_in_force(await town.as_("zhou"), "cn_v9"))["id"]


async def a_planned_quarantine(
    town: Town,
    protocol: str,
    *,
    plan: str = MEDIUM,
    begun: int = 6,
    by: str = "lin",
    grid: str = "t.01.01.01",
    linked: str | None = None,
) -> dict[str, Any]:
    """Begin a quarantine by a plan some days ago, of somebody in a new household."""
    client = town.client(await town.token_of(by))
    home = await a_household(client, grid=grid, address="柳村一组12号后院")
    first = clock.today() - timedelta(days=begun)
    said = PlannedQuarantine(
        id=new_id(),
        resident_id=UUID(home["residents"][0]["id"]),
        reason=QuarantineReason.medium_risk_area,
        place_kind=PlaceKind.home,
        place=None,
        protocol_id=UUID(protocol),
        plan_code=plan,
        clause="第三条",
        facts=Facts(
            exposure_class=ExposureClass.returnee,
            risk_level=RiskLevel.medium,
            left_risk_area_on=first,
            last_exposure_on=first,
        ),
        control_started_on=first,
        linked_quarantine_id=UUID(linked) if linked else None,
        link=Link.secondary_contact if linked else None,
    )
    caller = town.app.state.keys.tokens.read(await town.token_of(by))
    async with town.database.session(entry_of(caller, writing=True)) as session:
        book = Rulebook(session, town.app.state.protocols, caller.cell)
        await begin_by_plan(book, caller, said)
    return (await client.get(f"/v1/quarantines/{said.id}")).json()


def at_nine(day: date) -> str:
    """Nine in the morning of a local day."""
    return (clock.day_bounds(day)[0] + timedelta(hours=9)).isoformat()


async def sampled(
    client: httpx.AsyncClient, quarantine: dict[str, Any], *days: int, **told: Any
) -> list[dict[str, Any]]:
    """A test on each of these days of a quarantine, counted from 1; negative unless told."""
    first = date.fromisoformat(quarantine["started_on"])
    person = quarantine["resident_id"]
    answers = [at_nine(first + timedelta(days=day - 1)) for day in days]
    now = clock.now().isoformat()
    return [
        await a_diagnostic_test(
            client, person, **{"outcome": "negative", "sampled_at": min(at, now), **told}
        )
        for at in answers
    ]


async def close_alerts(town: Town, quarantine: str) -> int:
    """Let two people close every open alert about a quarantine; answers how many there were."""
    lin = town.client(await town.token_of("lin"))
    zhou = town.client(await town.token_of("zhou"))
    listed = (await zhou.get("/v1/alerts", params={"quarantine_id": quarantine})).json()["items"]
    closing = [each["id"] for each in listed if each["status"] != "verified"]
    for alert in closing:
        path = f"/v1/alerts/{alert}"
        for client, verb in ((lin, "acknowledge"), (lin, "handle"), (lin, "resolve")):
            said = None if verb == "acknowledge" else {"note": "已复核"}
            answer = await client.post(f"{path}/{verb}", json=said)
            assert answer.status_code == 200, answer.text
        answer = await zhou.post(f"{path}/verify", json={"note": "属实"})
        assert answer.status_code == 200, answer.text
    return len(closing)


@contextmanager
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement that is sent to PostgreSQL while open, the entry and the end not counted."""
    messages: list[str] = []
    run = vars(Connection)["_execute"]

    async def run_noted(self: Any, query: str, *args: Any, **told: Any) -> Any:
        messages.append(query)
        return await run(self, query, *args, **told)

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "_execute", run_noted)
        yield messages


async def rows(town: Town, statement: str, **values: Any) -> list[Any]:
    """What the township's leader sees in the database itself."""
    caller = town.app.state.keys.tokens.read(await town.token_of("zhou"))
    async with town.database.session(entry_of(caller, writing=False)) as session:
        return list((await session.execute(text(statement), values)).all())
