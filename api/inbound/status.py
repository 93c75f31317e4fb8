"""What another system may know of a person: code, quarantine, last negative test; on record."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from api.foundation import clock
from api.health_records.standing import standing_of
from api.health_records.verdicts import Standing
from api.inbound.desk import Desk, Note, event_record, note_all, sender_of
from api.inbound.models import EventKind
from api.inbound.people import Known, Register, SeveralPeople, Traces, register_of
from api.inbound.schemas import CodeTold, NegativeTold, StatusAnswer, StatusAsked, StatusTold

_UNKNOWN = StatusTold(
    known=False, code=None, in_quarantine=None, quarantined_until=None, last_negative=None
)


async def answer(desk: Desk, asked: Sequence[StatusAsked]) -> StatusAnswer:
    """The status of each, in the order asked.

    Somebody unknown, somebody out of reach and somebody a phone alone does not tell apart are
    answered alike. Who was told of is put on record, one by one.
    """
    sender = sender_of(desk.caller.client, EventKind.code_change)
    traces = [
        Traces.of(each, event_record(sender, str(place)), desk.keyring)
        for place, each in enumerate(asked)
    ]
    register = await register_of(desk.connection, traces)
    found = [_found(register, each) for each in traces]
    known = {each.id: each for each in found if each is not None}
    standings = await standing_of(desk.connection, known.keys(), clock.now())
    until = await _quarantined(desk, known.keys())
    notes = [Note(person.id, person.reach, {}) for person in known.values()]
    await note_all(desk.connection, desk.caller, "status.query", notes)
    told = {key: _told(standings[key], until.get(key)) for key in known}
    return StatusAnswer(items=[told[each.id] if each else _UNKNOWN for each in found])


def _found(register: Register, traces: Traces) -> Known | None:
    try:
        return register.find(traces)
    except SeveralPeople:
        return None


_QUARANTINED = """
    SELECT resident_id, planned_end_on FROM quarantines
    WHERE resident_id = ANY ($1) AND status = 'active'
"""


async def _quarantined(desk: Desk, residents: Collection[UUID]) -> dict[UUID, date]:
    rows = await desk.connection.fetch(_QUARANTINED, list(residents))
    return {row["resident_id"]: row["planned_end_on"] for row in rows}


def _told(standing: Standing, until: date | None) -> StatusTold:
    code, negative = standing.code, standing.negative_test
    return StatusTold(
        known=True,
        code=CodeTold.model_validate(code) if code else None,
        in_quarantine=until is not None,
        quarantined_until=until,
        last_negative=NegativeTold.model_validate(negative) if negative else None,
    )
