"""Whom a decision waits for: the nearest who may take it, and nobody above them.

SQL as in `matters`: it speaks of `$3` (now) and `$6` (the worker), and by `$9` and `$10` of the
roles that decide, each down to which level. Who manages quarantines manages leads and sites too
(`access.permissions`).
"""

from collections.abc import Sequence
from typing import Final

# A leader's day is not everybody's: it is asked of the nearest who may, and of those above only
# where nobody nearer may (of two people who must differ, the other one).
NEARER: Final = """
    nearer AS MATERIALIZED (
        SELECT p.reach AS path, p.worker_id, p.role, g.level,
            EXISTS (
                SELECT FROM unnest($9::text[], $10::integer[]) AS may (role, level)
                WHERE may.role = p.role AND g.level <= may.level
            ) AS may_decide
        FROM posts AS p JOIN grids AS g ON g.id = p.grid_id
        WHERE p.began_at <= $3::timestamptz AND (p.ended_at IS NULL OR p.ended_at > $3::timestamptz)
            AND p.household_id IS NULL AND p.role <> 'administrator'
            AND p.reach > current_setting('onegrid.reach_from')
    )
"""

POSTS_TURN: Final = """
    SELECT unnest(ARRAY[p.began_at, p.ended_at]) FROM posts AS p
    WHERE p.began_at > $3::timestamptz OR p.ended_at > $3::timestamptz
"""
"""When, by the clock alone, others are the nearest."""


def nearest(place: str, *, but: Sequence[str] = (), who: str = "n.may_decide") -> str:
    """Within the caller's reach, and nobody nearer to `place` is one of `who`, apart from `but`.

    Those have had their part in it already: it is neither asked of them nor held up by them.
    """
    others = "".join(f" AND n.worker_id IS DISTINCT FROM {each}" for each in but)
    asked = "".join(f" AND $6::uuid IS DISTINCT FROM {each}" for each in but)
    return f"""{place} >= current_setting('onegrid.reach_from')
        AND {place} < current_setting('onegrid.reach_to')
        AND NOT EXISTS (
            SELECT FROM nearer AS n
            WHERE ({place} = n.path OR starts_with({place}, n.path || '.')) AND {who}{others}
        ){asked}"""
