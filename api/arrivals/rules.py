"""What the protocols in force say of arrivals: how far back to look, and when they are reported."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.foundation import clock
from api.foundation.database import Connection

LONGEST_LOOK_BACK = 14
"""Days, where no protocol is in force: the longest that any edition has looked back (domain 3.2).

Who comes from a listed area shall be seen before the township has adopted its protocol.
"""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The widest look-back of all protocols in force on a day, and the strictest of their hours."""

    look_back_days: int
    pre_report: timedelta | None
    post_arrival_report: timedelta | None


@dataclass(frozen=True, slots=True)
class Term:
    """What one protocol says, and the days on which it is in force, both included."""

    effective_from: date
    effective_to: date | None
    look_back_days: int
    pre_report_hours: int | None
    post_arrival_report_hours: int | None

    def __contains__(self, day: date) -> bool:
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """All that ever was in force; an arrival is held to what was on the day it came."""

    terms: tuple[Term, ...]

    def on(self, day: date) -> Clocks:
        """The clocks of a local day; of two protocols the stricter counts."""
        terms = [term for term in self.terms if day in term]
        before = _told(term.pre_report_hours for term in terms)
        after = _told(term.post_arrival_report_hours for term in terms)
        return Clocks(
            look_back_days=max((term.look_back_days for term in terms), default=LONGEST_LOOK_BACK),
            pre_report=max(before, default=None),
            post_arrival_report=min(after, default=None),
        )


def _told(hours: Iterable[int | None]) -> list[timedelta]:
    return [timedelta(hours=each) for each in hours if each is not None]


_TERMS = """
    SELECT effective_from, effective_to,
        (document ->> 'look_back_days')::int AS look_back_days,
        (document ->> 'pre_report_hours')::int AS pre_report_hours,
        (document ->> 'post_arrival_report_hours')::int AS post_arrival_report_hours
    FROM protocols
    WHERE activated_at IS NOT NULL AND (region_code IS NULL OR starts_with($1, region_code))
"""


async def rules_of(connection: Connection, cell: str) -> Rules:
    """What protocols that bind the cell say of arrivals, in one statement."""
    rows = await connection.fetch(_TERMS, cell)
    return Rules(tuple(Term(**row) for row in rows))


async def driver_of(session: AsyncSession) -> Connection:
    """The connection behind a session, for statements on thousands of rows; writes what waits."""
    await session.flush()
    raw: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    return raw


_LIST = "hashtext('risk_areas'), hashtext(current_schema())"


async def keep_list(connection: Connection) -> None:
    """Let the list of risk areas stand until the transaction ends, beside others who read it.

    Taken before an arrival is: whoever changes the list waits, and then finds every arrival that
    was classed by the former one.
    """
    await connection.execute(f"SELECT pg_advisory_xact_lock_shared({_LIST})")


async def change_list(connection: Connection) -> None:
    """Nobody else classes an arrival or changes the list until the transaction ends."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LIST})")


@dataclass(frozen=True, slots=True)
class Reporting:
    """Whether an arrival was reported when it had to be; None where nothing asks or it is open."""

    pre_reported_in_time: bool | None
    arrival_report_due_at: datetime | None
    reported_in_time: bool | None


def reporting(
    rules: Rules,
    *,
    recorded_at: datetime,
    expected_on: date | None,
    arrived_at: datetime | None,
    told_at: datetime | None,
) -> Reporting:
    """How the reports of an arrival stand against the clocks of its day (domain 3.2: 24 h, 12 h).

    Until somebody has come, they may come from the first instant of the day expected.
    """
    comes_at = arrived_at or _earliest(expected_on)
    if comes_at is None:
        return Reporting(None, None, None)
    clocks = rules.on(clock.local_day(comes_at))
    before, after = clocks.pre_report, clocks.post_arrival_report
    due_at = arrived_at + after if arrived_at and after else None
    return Reporting(
        pre_reported_in_time=None if before is None else recorded_at + before <= comes_at,
        arrival_report_due_at=due_at,
        reported_in_time=told_at <= due_at if told_at and due_at else None,
    )


def _earliest(expected_on: date | None) -> datetime | None:
    return None if expected_on is None else clock.day_bounds(expected_on)[0]
