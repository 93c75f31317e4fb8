"""Places told too broadly to be classed by: the list names a part of them, or no day was told.

Whoever says only the prefecture may have been in the one district of it that is at risk. Classing
them by the whole would control thousands for nothing; saying that they were nowhere at risk would
be untrue. So it is shown what to ask them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from api.arrivals.classification import SEVERITY, Area, Stay, classify
from api.arrivals.codes import significant
from api.arrivals.models import PRESENT, Arrival
from api.arrivals.reclassification import area_of, comes_on, stays_of
from api.arrivals.rules import Rules
from api.foundation.database import Connection

# Those right inside a place that was told, and those that a place lies in of which no day was told.
_ABOUT = """
    SELECT id, code_prefix AS prefix, name, level, from_on, to_on FROM risk_areas
    WHERE discarded_at IS NULL AND EXISTS (
        SELECT FROM unnest($1::text[]) AS told
        WHERE starts_with(code_prefix, told) OR starts_with(told, code_prefix)
    )
"""


async def unclear_codes(
    connection: Connection, rules: Rules, arrivals: Sequence[Arrival]
) -> dict[UUID, list[str]]:
    """The codes of each arrival that have to be told closer, as the list stands now.

    Who has gone again is asked no more.
    """
    places = {significant(stay.code) for each in arrivals for stay in _told(each)}
    rows = await connection.fetch(_ABOUT, list(places)) if places else []
    areas = [area_of(row) for row in rows]
    here = (each for each in arrivals if each.status in PRESENT)
    unclear = {each.id: _unclear(each, areas, rules) for each in here}
    return {each.id: unclear.get(each.id, []) for each in arrivals}


def _told(arrival: Arrival) -> list[Stay]:
    """Every stay, and where they come from if no stay lies there: until the day they came."""
    stays, origin = stays_of(arrival.stays), arrival.origin_code
    if origin is None or any(_within(stay.code, origin) for stay in stays):
        return stays
    day = comes_on(arrival)
    return [*stays, Stay(origin, day, day)]


def _within(code: str, wider: str) -> bool:
    return significant(code).startswith(significant(wider))


def _unclear(arrival: Arrival, areas: Collection[Area], rules: Rules) -> list[str]:
    day = comes_on(arrival)
    look_back = rules.on(day).look_back_days
    graver = [area for area in areas if SEVERITY[area.level] > SEVERITY[arrival.risk_level]]

    def may_be_at_risk(stay: Stay) -> bool:
        there = [area for area in graver if _within(area.prefix, stay.code)]
        known = [area for area in graver if _within(stay.code, area.prefix)]
        return any(
            classify([replace(stay, code=area.prefix)], [area], look_back, day).area is not None
            for area in (*there, *known)
        )

    return _once(stay.code for stay in _told(arrival) if may_be_at_risk(stay))


def _once(codes: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(codes))
