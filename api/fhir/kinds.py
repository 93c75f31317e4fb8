"""Which resources there are: from which rows, by which permission, and by what they are found.

Each SELECT names its columns as FHIR's search parameters do and in FHIR's codes, so that a
parameter compares with a column of its own name (`parameters.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.access.permissions import Permission
from api.fhir.resources import (
    Resource,
    View,
    care_team,
    encounter,
    flag,
    immunization,
    location,
    observation,
    patient,
)
from api.fhir.words import ACT_CODE, LOINC, OBSERVATION_CATEGORY
from api.foundation.labels import Labelled
from api.foundation.local_days import midnight


class ResourceType(Labelled):
    """The resources of FHIR R4 that are told here."""

    Patient = "Patient", "居民"
    Observation = "Observation", "体温"
    Encounter = "Encounter", "走访"
    CareTeam = "CareTeam", "包保人员"
    Immunization = "Immunization", "接种"
    Location = "Location", "网格"
    Flag = "Flag", "隔离"


class SearchKind(Labelled):
    """How a search parameter is read (FHIR R4 §3.1.1.4)."""

    token = "token", "代码"
    reference = "reference", "引用"
    date = "date", "日期"
    period = "period", "起止日期"
    identifier = "identifier", "证件号"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource type.

    `systems` are those of its searched codes that are of one; `mandatory` is what FHIR lets no
    resource be without. `came` is what else is new since an instant: who moved into reach.
    """

    permission: Permission
    sql: str
    tell: Callable[[Any, View], Resource]
    searched: Mapping[str, SearchKind]
    systems: Mapping[str, str] = field(default_factory=dict[str, str])
    mandatory: frozenset[str] = frozenset()
    came: str = ""


def _came(record: str, *, home: bool = False) -> str:
    """Whether somebody's home, or their grid, moved since; their records followed unchanged."""
    people, household = ("households", "id") if home else ("residents", "household_id")
    return f"""EXISTS (
        SELECT FROM {people} AS p JOIN grids AS home ON home.id = p.grid_id
        WHERE p.id = found.{record} AND (home.moved_at >= {{0}} OR EXISTS (
            SELECT FROM revisions AS former WHERE former.record_id IN (p.id, p.{household})
                AND former.kind IN ('residents', 'households') AND former.replaced_at >= {{0}}
        ))
    )"""


def _changed(table: str, alias: str, *more: str) -> str:
    """Which record in which version since when; `more` is what also makes it another one."""
    instants = ", ".join([*(more or [f"{alias}.received_at"]), _replaced(table, alias)])
    return f"{alias}.id, {alias}.version, greatest({instants}) AS updated_at"


def _replaced(table: str, alias: str) -> str:
    return f"""(
        SELECT max(former.replaced_at) FROM revisions AS former
        WHERE former.record_id = {alias}.id AND former.kind = '{table}'
    )"""


# The day on which a grid was opened may have been told later than that.
_OPENED = """(
    SELECT min(entry.at) FROM audit_entries AS entry
    WHERE entry.subject_id = g.id AND entry.action = 'grids.open'
)"""
_GRID_INSTANTS = (midnight("g.opened_on"), _OPENED, "g.moved_at", "g.closed_at")
_WRONG = "discarded_at IS NOT NULL THEN 'entered-in-error'"
_PATIENT = {"patient": SearchKind.reference, "status": SearchKind.token}
_FOUND = {**_PATIENT, "date": SearchKind.date}
_LASTING = {**_PATIENT, "subject": SearchKind.reference, "date": SearchKind.period}

KINDS: Mapping[ResourceType, Kind] = {
    ResourceType.Patient: Kind(
        permission=Permission.households_read,
        sql=f"""
            SELECT {_changed("residents", "r")}, r.name, r.document_kind, r.document_lookup,
                CASE r.sex WHEN 'male' THEN 'male' WHEN 'female' THEN 'female'
                    ELSE 'unknown' END AS gender,
                (r.left_on IS NULL AND r.discarded_at IS NULL)::text AS active,
                CASE WHEN r.died THEN r.left_on END AS died_on,
                extract(year FROM r.birth_date)::integer AS born
            FROM residents AS r
        """,
        tell=patient,
        searched={
            "active": SearchKind.token,
            "gender": SearchKind.token,
            "identifier": SearchKind.identifier,
        },
        came=_came("id"),
    ),
    ResourceType.Observation: Kind(
        permission=Permission.readings_read,
        sql=f"""
            SELECT {_changed("readings", "r")}, r.resident_id AS patient, r.measured_at AS at,
                r.value_c, r.abnormal, r.low, '8310-5' AS code, 'vital-signs' AS category,
                CASE WHEN r.{_WRONG} WHEN r.version > 1 THEN 'corrected' ELSE 'final' END AS status
            FROM readings AS r
        """,
        tell=observation,
        searched={
            **_FOUND,
            "subject": SearchKind.reference,
            "code": SearchKind.token,
            "category": SearchKind.token,
        },
        systems={"code": LOINC, "category": OBSERVATION_CATEGORY},
        mandatory=frozenset({"status", "code"}),
        came=_came("patient"),
    ),
    ResourceType.Encounter: Kind(
        permission=Permission.visits_read,
        sql=f"""
            SELECT {_changed("visits", "v")}, v.visited_at AS at, v.grid_id AS location, v.outcome,
                v.household_id AS household,
                NULL::uuid AS patient, -- a household is visited: none is of one of them alone
                CASE WHEN v.mode = 'visit' THEN 'HH' ELSE 'VR' END AS act,
                CASE WHEN v.mode = 'visit' THEN 'HH' ELSE 'VR' END AS class,
                CASE WHEN v.{_WRONG} WHEN v.outcome = 'met' THEN 'finished' ELSE 'cancelled' END
                    AS status
            FROM visits AS v
        """,
        tell=encounter,
        searched={
            "patient": SearchKind.reference,
            "subject": SearchKind.reference,
            "status": SearchKind.token,
            "class": SearchKind.token,
            "date": SearchKind.date,
            "location": SearchKind.reference,
        },
        systems={"class": ACT_CODE},
        mandatory=frozenset({"status", "class"}),
        came=_came("household", home=True),
    ),
    ResourceType.CareTeam: Kind(
        permission=Permission.quarantines_read,
        sql=f"""
            SELECT {_changed("quarantines", "q", "q.received_at", "seats.changed_at")},
                q.resident_id AS patient, {midnight("q.started_on")} AS at, seats.seats,
                {midnight("q.ended_on + 1")} AS until,
                CASE WHEN q.{_WRONG} WHEN q.ended_on IS NULL THEN 'active' ELSE 'inactive' END
                    AS status
            FROM quarantines AS q CROSS JOIN LATERAL (
                SELECT max(greatest(s.began_at, s.ended_at)) AS changed_at, jsonb_agg(
                    jsonb_build_object('name', s.worker_name, 'role', s.role, 'from', s.began_at,
                        'to', s.ended_at) ORDER BY s.began_at, s.id) AS seats
                FROM care_seats AS s WHERE s.quarantine_id = q.id
            ) AS seats
            WHERE seats.seats IS NOT NULL
        """,
        tell=care_team,
        searched=_LASTING,
        came=_came("patient"),
    ),
    ResourceType.Immunization: Kind(
        permission=Permission.health_records_read,
        sql=f"""
            SELECT {_changed("vaccinations", "v")}, v.resident_id AS patient, v.given_on,
                {midnight("v.given_on")} AS at, v.technology, v.product, v.manufacturer,
                v.batch_number, v.unit, v.dose_number,
                CASE WHEN v.{_WRONG} WHEN v.outcome = 'given' THEN 'completed' ELSE 'not-done' END
                    AS status
            FROM vaccinations AS v
        """,
        tell=immunization,
        searched=_FOUND,
        mandatory=frozenset({"status", "vaccineCode", "patient", "occurrenceDateTime"}),
        came=_came("patient"),
    ),
    ResourceType.Location: Kind(
        permission=Permission.grids_read,
        sql=f"""
            SELECT {_changed("grids", "g", *_GRID_INSTANTS)},
                g.name, g.code, g.kind, g.parent_id AS partof,
                CASE WHEN g.closed_at IS NULL THEN 'active' ELSE 'inactive' END AS status
            FROM grids AS g
        """,
        tell=location,
        searched={"status": SearchKind.token, "partof": SearchKind.reference},
    ),
    ResourceType.Flag: Kind(
        permission=Permission.quarantines_read,
        sql=f"""
            SELECT {_changed("quarantines", "q")}, q.resident_id AS patient, q.category,
                q.started_on, q.ended_on, {midnight("q.started_on")} AS at,
                {midnight("q.ended_on + 1")} AS until,
                CASE WHEN q.{_WRONG} WHEN q.ended_on IS NULL THEN 'active' ELSE 'inactive' END
                    AS status
            FROM quarantines AS q
        """,
        tell=flag,
        searched=_LASTING,
        mandatory=frozenset({"status", "code", "subject"}),
        came=_came("patient"),
    ),
}
