"""Keeping readings, one or five hundred: each has its own outcome, none is lost for another."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.access.colleagues import NotAColleague
from api.access.tokens import Claims
from api.alerts.opening import open_alerts
from api.foundation import clock
from api.foundation.database import Connection, Database
from api.foundation.problems import NotFound, Problem, RecordDiffers
from api.foundation.records import Outcome, differing_fields
from api.foundation.sealed import Keyring
from api.protocols.policies import MonitoringRule
from api.protocols.queries import PolicyShelf
from api.readings import queries
from api.readings.alarms import shown_by_reading, tell_abnormal
from api.readings.judging import Sent, fields_of, judged_by, refuse_unless_running
from api.readings.problems import WindowAlreadyMeasured
from api.readings.queries import Judged, Row, Slot

_FILLED_IN = ("recorded_at", "performed_by", "source", "measured_at", "window")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where readings are kept: who sits there, the open transaction, the rules, the notes' keys."""

    caller: Claims
    connection: Connection
    policies: PolicyShelf
    keyring: Keyring


@dataclass(frozen=True, slots=True)
class Counter:
    """Where one reading is handed in: who by, the rules, and a desk where it is asked about."""

    caller: Claims
    database: Database
    policies: PolicyShelf
    desk: Callable[[], AbstractAsyncContextManager[Desk]]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one reading: the row if it is kept, the problem if it is refused."""

    sent: Sent
    outcome: Outcome
    row: Row | None = None
    problem: Problem | None = None


Proposal = dict[str, Any] | Problem
"""The row a reading would be, or why it cannot be one."""


async def keep_all(desk: Desk, sent: Sequence[Sent]) -> list[Fate]:
    """Keep what can be kept, in one insert, and say of every other reading why not, in order."""
    proposals = await _proposals(desk, sent)
    rows = [each for each in proposals if not isinstance(each, Problem)]
    created = await queries.keep_all(desk.connection, desk.caller.worker, rows)
    abnormal = [row for row in rows if row["abnormal"] and row["id"] in created]
    shown = [finding for row in abnormal for finding in shown_by_reading(row)]
    await open_alerts(desk.connection, shown)
    await tell_abnormal(desk.connection, abnormal)
    fates: dict[int, Fate] = {}
    left: dict[int, Proposal] = {}
    for place, (each, proposal) in enumerate(zip(sent, proposals, strict=True)):
        if isinstance(proposal, Problem) or each.said.id not in created:
            left[place] = proposal
        else:
            created.remove(each.said.id)  # the same id further on in this call is a repetition
            fates[place] = Fate(each, Outcome.created, row=proposal)
    why_not = await _why_not(desk, [(sent[place], each) for place, each in left.items()])
    fates |= dict(zip(left, why_not, strict=True))
    return [fates[place] for place in range(len(sent))]


async def _proposals(desk: Desk, sent: Sequence[Sent]) -> list[Proposal]:
    wanted = list({each.said.quarantine_id for each in sent})
    found = await queries.quarantines(desk.connection, wanted)
    needed = queries.policies_of(found.values())
    rules = await desk.policies.monitoring(desk.connection, desk.caller.cell, needed)
    told = {each.said.performed_by or desk.caller.worker for each in sent}
    strangers = await queries.strangers(desk.connection, told - {desk.caller.worker})
    proposals: list[Proposal] = []
    judge = _judge(rules)
    for each in sent:
        try:
            if each.said.performed_by in strangers:
                raise NotAColleague(pointer=f"{each.within}/performed_by")
            fields = fields_of(each, desk.caller, desk.keyring)
            proposals.append(_proposal(each, fields, found.get(each.said.quarantine_id), judge))
        except Problem as problem:
            proposals.append(problem)
    return proposals


def _judge(rules: Mapping[UUID, MonitoringRule]) -> Callable[[UUID, Sent, datetime], Judged]:
    """Judges by the policy named; what most of a round have in common is judged once."""
    known: dict[tuple[object, ...], Judged] = {}

    def judge(policy: UUID, sent: Sent, measured_at: datetime) -> Judged:
        said = sent.said
        alike = (policy, measured_at, said.window, said.value_c, sent.as_normal, *said.symptoms)
        judged = known.get(alike)
        if judged is None:
            judged = known[alike] = judged_by(rules[policy], sent, measured_at)
        return judged

    return judge


def _proposal(
    sent: Sent,
    fields: dict[str, Any],
    quarantine: Row | None,
    judge: Callable[[UUID, Sent, datetime], Judged],
) -> dict[str, Any]:
    if quarantine is None:
        raise not_found(sent.person)
    measured_at: datetime = fields["measured_at"]
    policy = queries.policy_on(quarantine, clock.local_day(measured_at))
    judged = judge(policy, sent, measured_at)
    refuse_unless_running(quarantine, judged.day, pointer=sent.person)
    place = {name: quarantine[name] for name in ("resident_id", "grid_id", "reach")}
    return fields | place | judged._asdict()


def not_found(pointer: str) -> NotFound:
    """There is no such quarantine, or not within the caller's reach."""
    return NotFound("没有找到该隔离记录，或不在您的网格范围内。", pointer=pointer)


async def _why_not(desk: Desk, left: Sequence[tuple[Sent, Proposal]]) -> list[Fate]:
    """What stood against these: they are kept already, the window is taken, or their problem."""
    if not left:
        return []
    ids = [sent.said.id for sent, _ in left]
    known = await queries.readings(desk.connection, ids)
    first = await queries.first_said(desk.connection, list(known))
    slots = [_slot(proposal) for _, proposal in left if not isinstance(proposal, Problem)]
    taken = await queries.taken(desk.connection, slots)
    return [
        _known_before(desk, sent, known[sent.said.id], first[sent.said.id])
        if sent.said.id in known
        else Fate(sent, Outcome.refused, problem=_refusal(proposal, taken))
        for sent, proposal in left
    ]


def _known_before(desk: Desk, sent: Sent, kept: Row, first: Row) -> Fate:
    """As `create_once`: the same id and body again is no news, another body is refused."""
    filled_in = {name: first[name] for name in _FILLED_IN}
    fields = differing_fields(sent.said, filled_in, first, table="readings", keyring=desk.keyring)
    if fields:
        return Fate(sent, Outcome.refused, problem=RecordDiffers(fields=fields))
    return Fate(sent, Outcome.unchanged, row=kept)


def _refusal(proposal: Proposal, taken: Mapping[Slot, UUID]) -> Problem:
    if isinstance(proposal, Problem):
        return proposal
    reading = taken.get(_slot(proposal))
    # An id that was used out of the caller's reach is told without saying for what.
    return WindowAlreadyMeasured(reading_id=str(reading)) if reading else RecordDiffers(fields=[])


def _slot(row: Row) -> Slot:
    return row["quarantine_id"], row["day"], row["window"]
