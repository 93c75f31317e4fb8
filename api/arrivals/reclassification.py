"""Classing arrivals anew where the list or the rules have changed: never silently, set by set."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from api.arrivals.classification import Area, Classified, Stay, areas_of, classify, listed
from api.arrivals.models import Arrival, ClassifiedBecause
from api.arrivals.rules import Rules, change_list, rules_of
from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.jobs import every
from api.foundation.records import new_id
from api.protocols.models import RiskLevel


@dataclass(frozen=True, slots=True)
class Occasion:
    """What made somebody look again, when, and who; None where the service did by itself."""

    because: ClassifiedBecause
    at: datetime
    by: UUID | None


_SOMEBODY = """
    SELECT a.id, a.stays::text AS stays, a.risk_level, a.risk_area_id, a.left_risk_area_on,
        c.stay_code, c.explanation, coalesce(
            (a.arrived_at AT TIME ZONE 'Asia/Shanghai')::date, a.expected_on
        ) AS comes_on
    FROM arrivals a JOIN arrival_classifications c ON c.id = a.classification_id
    WHERE a.status IN ('expected', 'arrived', 'verified') AND a.discarded_at IS NULL
"""
_BEEN_THERE = f"""
    {_SOMEBODY} AND EXISTS (
        SELECT FROM jsonb_array_elements(a.stays) AS stay
        WHERE stay ->> 'code' LIKE ANY ($1::text[])
    )
    ORDER BY a.id FOR UPDATE OF a
"""
# Whoever was classed in the minute in which the rules changed may not have seen the change.
_CLASSED_BEFORE = f"""
    {_SOMEBODY} AND a.classified_at < (
        SELECT max(greatest(activated_at, retired_at)) + interval '2 minutes' FROM protocols
        WHERE activated_at IS NOT NULL
    )
    ORDER BY a.classified_at, a.id LIMIT 2000 FOR UPDATE OF a
"""

_AREAS = """
    SELECT id, code_prefix AS prefix, name, level, from_on, to_on FROM risk_areas
    WHERE discarded_at IS NULL
"""

_KEEP = """
    WITH told AS (
        SELECT * FROM json_to_recordset($1::json) AS t (
            id uuid, arrival_id uuid, risk_level text, risk_area_id uuid, stay_code text,
            left_risk_area_on date, explanation text, in_words boolean
        )
    ), kept AS (
        INSERT INTO arrival_classifications (
            id, version, reach, arrival_id, at, by, because, risk_level, risk_area_id, stay_code,
            left_risk_area_on, exposure_class, last_exposure_on, explanation
        )
        SELECT t.id, 1, a.reach, a.id, $2, $3, $4, t.risk_level, t.risk_area_id, t.stay_code,
            t.left_risk_area_on, a.exposure_class, a.last_exposure_on, t.explanation
        FROM told t JOIN arrivals a ON a.id = t.arrival_id
    )
    UPDATE arrivals a SET risk_level = t.risk_level, risk_area_id = t.risk_area_id,
        left_risk_area_on = t.left_risk_area_on, classification_id = t.id, classified_at = $2,
        decided_classification_id = CASE
            WHEN t.in_words AND a.decided_classification_id = a.classification_id THEN t.id
            ELSE a.decided_classification_id
        END,
        changed_xid = pg_current_xact_id()
    FROM told t WHERE a.id = t.arrival_id
    RETURNING tell('duties.changed', a.id, a.grid_id, NULL, NULL, a.reach, $2)
"""
_LOOKED_AT = "UPDATE arrivals SET classified_at = $2 WHERE id = ANY ($1)"


IN_WORDS = {"explanation"}
"""What differs where somebody is classed as before and for another reason, such as an area's days.

That is told, and what was decided of the former stays decided.
"""


async def reclassify_places(
    connection: Connection, cell: str, prefixes: Collection[str], occasion: Occasion
) -> int:
    """Class anew who was at these places and is on the way or here; returns how many changed.

    Whoever is under a plan stays under it: that another classification stands than the one it was
    decided of is shown until somebody has looked (`decided_classification_id`).
    """
    patterns = [f"{prefix}%" for prefix in set(prefixes)]
    touched = await connection.fetch(_BEEN_THERE, patterns)
    return await _class_anew(connection, cell, touched, occasion)


@every(seconds=60, name="arrivals.reclassify")
async def reclassify_by_rules(connection: Connection, cell: str, at: datetime) -> int:
    """Class anew who was classed before a protocol was adopted or retired; how many changed."""
    await change_list(connection)
    touched = await connection.fetch(_CLASSED_BEFORE)
    occasion = Occasion(ClassifiedBecause.rules_changed, at, None)
    changed = await _class_anew(connection, cell, touched, occasion)
    await connection.execute(_LOOKED_AT, [row["id"] for row in touched], at)
    return changed


async def _class_anew(
    connection: Connection, cell: str, touched: Sequence[Any], occasion: Occasion
) -> int:
    if not touched:
        return 0
    rules, by_prefix = await rules_of(connection, cell), listed(await areas(connection))
    changed: list[dict[str, Any]] = []
    for row in touched:
        classified = _class(row, rules, by_prefix)
        told = columns_of(classified)
        differs = {name for name, value in told.items() if row[name] != value}
        if differs:
            named = {"id": new_id(), "arrival_id": row["id"]}
            changed.append({**named, **told, "in_words": differs == IN_WORDS})
    if changed:
        body = orjson.dumps(changed, default=str).decode()
        await connection.execute(_KEEP, body, occasion.at, occasion.by, occasion.because)
    return len(changed)


def _class(row: Mapping[str, Any], rules: Rules, by_prefix: Mapping[str, list[Area]]) -> Classified:
    stays, comes_on = stays_of(orjson.loads(row["stays"])), row["comes_on"]
    look_back = rules.on(comes_on).look_back_days
    return classify(stays, areas_of(stays, by_prefix), look_back, comes_on)


async def areas(connection: Connection) -> list[Area]:
    """Every area of the list, also of past days."""
    rows = await connection.fetch(_AREAS)
    return [area_of(row) for row in rows]


def area_of(row: Any) -> Area:
    """An area as its row keeps it."""
    return replace(Area(**row), level=RiskLevel(row["level"]))


def stays_of(kept: Sequence[Mapping[str, str]]) -> list[Stay]:
    """The stays of an arrival, as its row keeps them."""
    return [
        Stay(each["code"], *(date.fromisoformat(each[day]) for day in ("from_on", "to_on")))
        for each in kept
    ]


def comes_on(arrival: Arrival) -> date:
    """The local day on which somebody came, or is expected."""
    if arrival.arrived_at is not None:
        return clock.local_day(arrival.arrived_at)
    assert arrival.expected_on is not None  # noqa: S101 - the table has one or the other
    return arrival.expected_on


def columns_of(classified: Classified) -> dict[str, Any]:
    """What a classification says, column by column."""
    return {
        "risk_level": classified.level,
        "risk_area_id": classified.area and classified.area.id,
        "stay_code": classified.stay and classified.stay.code,
        "left_risk_area_on": classified.left_on,
        "explanation": classified.explanation,
    }
