"""Trying a system out with a given person, and how the systems in use are doing."""

from dataclasses import asdict

from api.access.audit import audit
from api.foundation import clock
from api.health_codes.answers import Answer, Asked, Trouble, nothing_known
from api.health_codes.check_schemas import (
    HealthCodeCheckRead,
    HealthCodeSystemState,
    PersonToCheck,
    RequestShown,
)
from api.health_codes.composing import HIDDEN, compose_shown, masked_of
from api.health_codes.configured import Configured, Record, named
from api.health_codes.desk import Desk
from api.health_codes.line import Line
from api.health_codes.queries import system_of
from api.health_codes.sending import Told
from api.protocols.models import WHOLE_CELL


async def try_system(desk: Desk, code: str, person: PersonToCheck) -> HealthCodeCheckRead:
    """Ask once about this person, on a line of its own: nothing is remembered nor kept.

    A system that is switched off can be tried too. Raises `NotFound`.
    """
    async with desk.transaction() as session:
        system = await system_of(session, code)
        told = {"code": code}
        caller = desk.caller
        audit(
            session, caller, "health_codes.try", subject=system.id, reach=WHOLE_CELL, details=told
        )
    asked = Asked(**person.model_dump())
    configured = await desk.systems.configured(code)
    if isinstance(configured, Trouble):
        return _tried(nothing_known(code, configured, at=clock.now()), None, None)
    line = Line(configured, desk.database.keyring)
    try:
        answer, came = await line.try_now(asked)
    finally:
        await line.close()
    return _tried(answer, came, _shown(configured, asked) if came else None)


def _tried(answer: Answer, came: Told | None, sent: RequestShown | None) -> HealthCodeCheckRead:
    return HealthCodeCheckRead(
        **asdict(answer),
        sent=sent,
        http_status=came.status if came else None,
        milliseconds=came.milliseconds if came else None,
    )


def _shown(system: Configured, asked: Asked) -> RequestShown:
    """The request as it went out, but for its moment, its secrets and the person."""
    document = system.document
    hidden = dict.fromkeys(system.secrets, HIDDEN)
    if document.rotation is not None:
        hidden[document.rotation.secret] = HIDDEN
    known = masked_of(document, asked, clock.now()) | named(hidden)
    composed = compose_shown(document.call, document.signature, known)
    return RequestShown(
        method=document.call.method,
        url=system.base_url + document.call.path,
        headers=dict(composed.headers),
        fields=dict(composed.fields),
    )


async def state_of(desk: Desk, code: str) -> HealthCodeSystemState:
    """How a system is doing in this process; raises `NotFound`."""
    async with desk.transaction() as session:
        await system_of(session, code)
    line = await desk.systems.line(code)
    trouble = line if isinstance(line, Trouble) else None
    open_line = line if isinstance(line, Line) else None
    return HealthCodeSystemState(
        **asdict(open_line.record if open_line else Record()),
        code=code,
        usable=open_line is not None,
        trouble=trouble,
        circuit=open_line.breaker.circuit if open_line else None,
        retry_in_seconds=round(open_line.breaker.seconds_left, 1) if open_line else 0.0,
        under_way=open_line.under_way if open_line else 0,
        remembered=open_line.kept if open_line else 0,
    )
