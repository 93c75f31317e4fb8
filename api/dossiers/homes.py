"""Chapters of where somebody lives: registered, moved, left, and visited there."""

from api.access.permissions import Permission
from api.dossiers.chapter import Chapter, EntryKind
from api.foundation.local_days import midnight
from api.registry.models import Registration
from api.visits.models import VisitMode, VisitOutcome

# Whoever moved was visited where they lived then: each former version of the register names a home.
_LIVED = """
    SELECT :household AS household_id, max(replaced_at) AS since, NULL::timestamptz AS until
    FROM revisions WHERE kind = 'residents' AND record_id = :resident
    UNION ALL
    SELECT (body ->> 'household_id')::uuid, lag(replaced_at) OVER (ORDER BY version), replaced_at
    FROM revisions WHERE kind = 'residents' AND record_id = :resident
"""

HOMES: tuple[Chapter, ...] = (
    Chapter(
        kind=EntryKind.registered,
        permission=Permission.households_read,
        sql="""
            SELECT recorded_at AS at, id AS record_id, performed_by AS by,
                jsonb_build_object('registration', registration) AS said
            FROM residents WHERE id = :resident
        """,
        sentence="登记为{registration}",
        words={"registration": Registration},
    ),
    Chapter(
        kind=EntryKind.moved,
        permission=Permission.households_read,
        sql="""
            SELECT moved.at, CAST(:resident AS uuid), moved.by, '{}'::jsonb
            FROM (
                SELECT replaced_at AS at, replaced_by AS by,
                    (body ->> 'household_id')::uuid AS was,
                    lead((body ->> 'household_id')::uuid, 1, CAST(:household AS uuid))
                        OVER (ORDER BY version) AS became
                FROM revisions WHERE kind = 'residents' AND record_id = :resident
            ) AS moved
            WHERE moved.was <> moved.became
        """,
        sentence="迁到另一户",
    ),
    Chapter(
        kind=EntryKind.left,
        permission=Permission.households_read,
        sql=f"""
            SELECT {midnight("left_on")}, id, NULL::uuid,
                jsonb_build_object('what', CASE WHEN died THEN '去世' ELSE '离开本地' END)
            FROM residents WHERE id = :resident AND left_on IS NOT NULL
        """,
        sentence="{what}",
    ),
    Chapter(
        kind=EntryKind.visit,
        permission=Permission.visits_read,
        sql=f"""
            SELECT visited_at, v.id, v.performed_by,
                jsonb_build_object('mode', mode, 'outcome', outcome)
            FROM visits AS v
            JOIN ({_LIVED}) AS home ON home.household_id = v.household_id
                AND (home.since IS NULL OR v.visited_at >= home.since)
                AND (home.until IS NULL OR v.visited_at < home.until)
            JOIN residents AS r ON r.id = :resident
                AND (r.left_on IS NULL OR v.visited_at < {midnight("r.left_on + 1")})
            WHERE v.discarded_at IS NULL
        """,
        sentence="{mode}走访所在的户：{outcome}",
        words={"mode": VisitMode, "outcome": VisitOutcome},
    ),
)
