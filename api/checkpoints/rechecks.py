"""Asking again for the codes that nobody could tell at a gate: outside of every transaction (M2.8).

Each pass in the queue is taken for a while, asked about, and settled: answered, put off for ever
longer, or in the end given up, which the queue shows. What turns out red is told at once.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from api.alerts.opening import open_alerts
from api.checkpoints.gates import Resident, known_of, shown_as
from api.checkpoints.models import RecheckState
from api.checkpoints.pass_queries import Row, shown_in
from api.checkpoints.passes import shown_by_pass
from api.checkpoints.rules import RuleShelf
from api.checkpoints.verdicts import Code, Standing, reasons_told, verdict
from api.foundation import clock
from api.foundation.database import Connection, Database, Entry
from api.foundation.identity import DocumentKind
from api.foundation.jobs import errand
from api.foundation.records import new_id
from api.foundation.sealed import Keyring
from api.health_codes.answers import Answer, Asked, Trouble
from api.health_codes.asking import ask
from api.health_codes.shelf import Systems, systems_beside
from api.health_records.code_states import CodeStateTold, keep_code_states
from api.registry.masked import opened

_AT_ONCE = 50
_TAKEN_FOR = timedelta(minutes=2)
_LONGEST_PAUSE = timedelta(hours=4)

_TAKE = """
    WITH taken AS (
        UPDATE passes_to_check SET next_at = $1::timestamptz + $2::interval,
            changed_xid = pg_current_xact_id()
        WHERE id IN (
            SELECT id FROM passes_to_check WHERE state = 'waiting' AND next_at <= $1
            ORDER BY next_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        RETURNING id, systems, tries, give_up_at
    )
    SELECT p.*, t.systems, t.tries, t.give_up_at, r.document_kind AS known_kind,
        r.document_sealed AS known_document, r.phone_sealed AS known_phone, r.name AS known_name,
        CASE WHEN cardinality(t.systems) > 0 THEN t.systems ELSE ARRAY(
            SELECT code FROM health_code_systems WHERE enabled ORDER BY code
        ) END AS to_ask
    FROM taken AS t
    JOIN passes AS p ON p.id = t.id
    LEFT JOIN residents AS r ON r.id = p.person_id
"""


@errand(seconds=30, name="checkpoints.rechecks")
async def recheck(database: Database, cell: str, at: datetime) -> int:
    """Ask about those whose time has come; returns about how many something was learnt.

    Killed in between, it finds them again when the time for which they were taken is over.
    """
    async with database.connection(Entry.for_the_house(cell)) as connection:
        due = [dict(row) for row in await connection.fetch(_TAKE, at, _TAKEN_FOR, _AT_ONCE)]
    if not due:
        return 0
    desk = _Desk(database, cell, systems_beside(database).of(cell), RuleShelf())
    return sum(await asyncio.gather(*(_ask_and_settle(desk, row, at) for row in due)))


@dataclass(frozen=True, slots=True)
class _Desk:
    """What asking takes, in one township."""

    database: Database
    cell: str
    systems: Systems
    rules: RuleShelf


async def _ask_and_settle(desk: _Desk, row: Row, at: datetime) -> bool:
    asked = _asked_about(row, desk.database.keyring)
    answer: Answer | None = None
    for code in row["to_ask"]:
        answer = await ask(desk.systems, code, asked)
        if answer.known:
            break
    async with desk.database.connection(Entry.for_the_house(desk.cell)) as connection:
        if answer is not None and answer.known:
            return await _answered(desk, connection, row, answer)
        return await _put_off(connection, row, answer, at)


def _asked_about(row: Row, keyring: Keyring) -> Asked:
    """What the register knows of whom it is, and what was told at the gate beside it.

    The answer is kept as theirs: a number that was told wrong of them would be another's.
    """
    told = {
        name: opened(keyring, row[f"{name}_sealed"], context=f"passes.{name}")
        for name in ("document", "phone", "name")
    }
    known = {
        name: opened(keyring, row[f"known_{name}"], context=f"residents.{name}")
        for name in ("document", "phone")
    }
    kind = row["known_kind"] if known["document"] else row["document_kind"]
    return Asked(
        document_kind=DocumentKind(kind) if kind else None,
        document=known["document"] or told["document"],
        phone=known["phone"] or told["phone"],
        name=row["known_name"] or told["name"],
    )


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Whoever recorded the pass: what comes of it is noted in their name."""

    worker: UUID
    post: UUID
    session: UUID


_RECORDER = """
    SELECT worker_id, post_id, session_id FROM audit_entries
    WHERE subject_id = $1 AND action = 'passes.record' LIMIT 1
"""
_ANSWERED = """
    UPDATE passes_to_check SET state = $2, tries = tries + 1, tried_at = $3, last_answer = $4,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = $1 AND state = 'waiting' AND tries = $5 RETURNING id
"""
_LATER = """
    UPDATE passes SET later_verdict = $2, later_reasons = $3, rechecked_at = $4,
        version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = $1
"""
_WHO = """
    SELECT w.person_id, w.household_id, w.home_grid_id, w.home_reach, w.name, w.quarantine_id,
        w.codes::text, w.card::text, w.sample::text, w.doses, w.exempt
    FROM person_at_gate($1, NULL, NULL, NULL, $2, $3, NULL) AS w
"""


async def _answered(desk: _Desk, connection: Connection, row: Row, answer: Answer) -> bool:
    """Keep what was learnt: the pass's later verdict, the resident's code, an alert if it is red.

    What the system says now stands for what it would have said at the gate.
    """
    told = (row["id"], RecheckState.answered, answer.fetched_at, answer.state, row["tries"])
    if await connection.fetchval(_ANSWERED, *told) is None:
        return False
    passed_at: datetime = row["passed_at"]
    who = await connection.fetchrow(_WHO, row["person_id"], clock.local_day(passed_at), passed_at)
    later = Standing(codes=(Code(answer.system, answer.state, passed_at, answer.valid_until),))
    standing = known_of(who).with_(shown_as(shown_in(row), passed_at)).with_(later)
    rule = await desk.rules.rule(connection, desk.cell, row["rule_id"])
    judged = verdict(rule, standing, passed_at)
    reasons = orjson.dumps(reasons_told(judged)).decode()
    await connection.execute(_LATER, row["id"], judged.decision, reasons, answer.fetched_at)
    resident = Resident.of(who)
    await _keep_state(connection, row, resident, answer)
    if judged.red:
        # Whether they should have been at home was told when they passed.
        told_of = resident and replace(resident, quarantine_id=None)
        await open_alerts(connection, list(shown_by_pass(row, told_of, judged)))
    return True


async def _keep_state(
    connection: Connection, row: Row, resident: Resident | None, answer: Answer
) -> None:
    recorder = await connection.fetchrow(_RECORDER, row["id"])
    if resident is None or recorder is None:
        return
    state = CodeStateTold(
        id=new_id(),
        resident_id=resident.id,
        system=answer.system,
        state=answer.state,
        changed_at=answer.state_changed_at or answer.fetched_at,
        fetched_at=answer.fetched_at,
        valid_until=answer.valid_until,
    )
    await keep_code_states(connection, _Recorder(*recorder), [state])


_PUT_OFF = """
    UPDATE passes_to_check SET state = $2, tries = tries + 1, tried_at = $3, last_answer = $4,
        next_at = $5, version = version + 1, changed_xid = pg_current_xact_id()
    WHERE id = $1 AND state = 'waiting' AND tries = $6 RETURNING id
"""
_PAUSE = "SELECT recheck_minutes FROM checkpoint_rules WHERE id = $1"


async def _put_off(connection: Connection, row: Row, answer: Answer | None, at: datetime) -> bool:
    """Ask again after twice the time, until it is given up."""
    reason = answer.reason if answer is not None else Trouble.unknown_system
    minutes: int = await connection.fetchval(_PAUSE, row["rule_id"])
    pause = min(timedelta(minutes=minutes) * 2 ** min(row["tries"] + 1, 10), _LONGEST_PAUSE)
    over = at >= row["give_up_at"]
    state = RecheckState.given_up if over else RecheckState.waiting
    next_at = min(at + pause, row["give_up_at"])
    told = (row["id"], state, at, reason, next_at, row["tries"])
    await connection.execute(_PUT_OFF, *told)
    return over
