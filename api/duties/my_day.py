"""“My day”: everything that is due of one post, now and later today, in one statement."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import blake2b
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson

from api.access.caller import entering, entry_of
from api.access.permissions import DEEPEST, Permission, Role, permitted
from api.access.tokens import Claims
from api.duties import telling
from api.duties.asked import HERE, TO_SAMPLE, whose
from api.duties.due import care
from api.duties.matters import DECISIONS, MATTERS, RELEASES, turns
from api.duties.nearest import NEARER
from api.duties.remembered import LONGEST, Days, Told
from api.foundation import clock
from api.foundation.database import Database, cell_schema
from api.foundation.identity import mask_address
from api.foundation.sealed import Keyring
from api.readings.batches import Desk
from api.releases.queries import ready_among


@cache
def _care(*, samples: bool) -> str:
    return care(
        "q.id IN (SELECT id FROM mine)",
        # What was missed while they lived stays on record, and is nobody's to make up for.
        f"""d.{HERE} AND NOT EXISTS (
            SELECT FROM residents AS r WHERE r.id = d.resident_id AND r.died
        )""",
        tested=TO_SAMPLE if samples else "false",
        still=True,
        kept="duty.done_at IS NULL",
        errands=False,
    )


@cache
def _statement(*, releases: bool, manages: bool, samples: bool) -> str:
    nearer = f"{NEARER}, " if releases else ""
    decisions = f"UNION ALL {RELEASES}" if releases else ""
    decisions += f" UNION ALL {DECISIONS}" if manages else ""
    return f"""
        WITH {nearer}{whose(manages=manages)}, {_care(samples=samples)}
        SELECT seen.seen, seen.turns_at, item.kind, item.act, item.key, item.label,
            item.subject_id, item.quarantine_id, item.resident_id, item.household_id,
            coalesce(item.name, r.name) AS person, item.opens_at, item.due_at,
            h.name AS household_name, h.number, h.address_sealed, h.reach
        FROM (SELECT seen() AS seen, {turns(nearer=releases)} AS turns_at) AS seen
        LEFT JOIN (
            {MATTERS} {decisions}
            UNION ALL
            SELECT kind, 'do', key, label, quarantine_id, quarantine_id, resident_id, household_id,
                NULL, opens_at, due_at
            FROM care
        ) AS item ON true
        LEFT JOIN residents AS r ON r.id = item.resident_id
        LEFT JOIN households AS h ON h.id = item.household_id
    """


@cache
def _who_decides() -> tuple[list[str], list[int]]:
    """Which roles, each down to which level, may decide; an administrator's work is the system."""
    deepest = {
        role.value: max(
            (
                level
                for level in range(1, DEEPEST + 1)
                if Permission.quarantines_manage in permitted(role, level)
            ),
            default=0,
        )
        for role in Role
        if role is not Role.administrator
    }
    leaders = {role: level for role, level in deepest.items() if level}
    return list(leaders), list(leaders.values())


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose day is asked for, what was told before, and the desk where it is found out."""

    caller: Claims
    database: Database
    days: Days
    desk: Callable[[], AbstractAsyncContextManager[Desk]]


async def my_day(asked: Asked) -> tuple[bytes, str]:
    """The JSON of `MyDay`, and the tag of what it says whatever the hour."""
    now = clock.now()
    told = await _still_true(asked, now)
    if told is None:
        async with asked.desk() as desk:
            rows = await _rows(desk, now)
        told = await _told(asked, rows, now)
    as_of = orjson.dumps(now, option=orjson.OPT_UTC_Z)
    return b'{"as_of":' + as_of + b"," + told.body, told.tag


async def _still_true(asked: Asked, now: datetime) -> Told | None:
    """What was told before, if whoever enters now sees exactly what was seen then."""
    told = asked.days.told(asked.caller, now)
    if told is None:
        return None
    function = f"{cell_schema(asked.caller.cell)}.seen_by"
    (seen,) = await asked.database.at_once(function, *entering(asked.caller))
    return told if seen == told.seen else None


async def _told(asked: Asked, found: list[Any], now: datetime) -> Told:
    rows = [row for row in found if row["kind"] is not None]  # one says what was seen, if no other
    over = {row["quarantine_id"] for row in rows if row["kind"] == "release"}
    if over:
        rows = await _actionable(asked, rows, over)
    stops = list(_stops(rows, now, asked.database.keyring))
    # The driver's ids are a subclass of UUID, which orjson leaves to its caller.
    tag = blake2b(orjson.dumps(stops, default=str), digest_size=12).hexdigest()
    states = [duty["state"] for stop in stops for duty in stop["duties"]]
    counts = {state: states.count(state) for state in ("due", "later", "late")}
    day = {"day": clock.local_day(now), **counts, "stops": stops}
    body = orjson.dumps(day, default=str, option=orjson.OPT_UTC_Z).removeprefix(b"{")
    until = _until(rows, found[0]["turns_at"], now)
    told = Told(found[0]["seen"], now, until, body, f'W/"{tag}"')
    if not over:  # conditions of a release are weighed by a rule that is told neither
        asked.days.keep(asked.caller, told)
    return told


def _until(rows: Iterable[Mapping[str, Any]], turns_at: datetime | None, now: datetime) -> datetime:
    """When the clock next changes what was told, a minute from now at the latest."""
    edges = [turns_at, clock.day_bounds(clock.local_day(now))[1]]
    edges += [row[edge] for row in rows for edge in ("opens_at", "due_at")]
    return min([now + LONGEST, *(edge for edge in edges if edge is not None and edge > now)])


async def _rows(desk: Desk, now: datetime) -> list[Any]:
    caller, today = desk.caller, clock.local_day(now)
    asked = [today, today, now, caller.grid, caller.post, caller.worker, caller.role.value]
    leads = caller.role is not Role.administrator
    held = permitted(caller.role, caller.level)
    manages = leads and Permission.quarantines_manage in held
    releases = leads and Permission.health_records_read in held
    if releases:
        asked += [caller.level, *_who_decides(), manages]
    samples = Permission.health_records_record in held
    statement = _statement(releases=releases, manages=manages, samples=samples)
    return await desk.connection.fetch(statement, *asked)


async def _actionable(asked: Asked, rows: list[Any], over: set[UUID]) -> list[Any]:
    """Without the releases that still wait: a test, an alert, a transfer is a duty of its own.

    Their conditions are weighed by the one rule there is, and only where somebody's period is over.
    """
    async with asked.database.session(entry_of(asked.caller, writing=False)) as session:
        ready = await ready_among(session, over)
    return [row for row in rows if row["kind"] != "release" or row["quarantine_id"] in ready]


def _stops(
    rows: Iterable[Mapping[str, Any]], now: datetime, keyring: Keyring
) -> Iterator[dict[str, Any]]:
    """Door by door: where something is due soonest first, then along the path and the numbers."""
    by_door = sorted(rows, key=lambda row: (_door(row), *_order(row)))
    doors = [list(duties) for _, duties in groupby(by_door, key=_door)]
    for duties in sorted(doors, key=lambda each: (each[0]["due_at"], _door(each[0]))):
        yield {
            "household": _household(duties[0], keyring),
            "duties": [_duty(row, now) for row in duties],
        }


def _door(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["reach"] or "", row["number"] or 0


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    told = (row["kind"], row["act"], row["person"] or "", row["key"] or "", str(row["subject_id"]))
    return row["due_at"], row["opens_at"], *told


def _household(row: Mapping[str, Any], keyring: Keyring) -> dict[str, Any] | None:
    if row["household_name"] is None:
        return None
    sealed = row["address_sealed"]
    place = sealed and mask_address(keyring.open(sealed, context="households.address"))
    told = {"id": str(row["household_id"]), "name": row["household_name"]}
    return {**told, "number": row["number"], "place": place}


def _duty(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    resident, name = row["resident_id"], row["person"]
    return {
        "kind": row["kind"],
        "what": telling.what(row),
        "person": None if name is None else {"id": resident and str(resident), "name": name},
        "opens_at": row["opens_at"],
        "due_at": row["due_at"],
        "state": _state(row, now),
        "report": telling.report(row),
    }


def _state(row: Mapping[str, Any], now: datetime) -> str:
    if now < row["opens_at"]:
        return "later"
    return "due" if now < row["due_at"] else "late"
