"""How much each worker bore, by weights that are data, and where it is uneven (M5.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from api.access.permissions import Permission, permitted
from api.duties.evenness import Bar, mean
from api.duties.reassigning import Arranged, arranged_below
from api.duties.standing import Asked, Period, place_of
from api.duties.work_done import POSTS, WORKED
from api.duties.workload_schemas import (
    VillageLoad,
    WorkerLoad,
    Workload,
    WorkPost,
)
from api.foundation import clock
from api.grids.models import GridKind
from api.protocols.problems import NoPolicyInForce
from api.readings.batches import Desk

WORKLOAD: Final = "workload"
"""The policy that every cell begins with."""

_IN_COMMON = {"reading", "visit", "call", "test"}
_COUNTS = ("expected", "done", "late", "missed", "performed")
_IN_FORCE = """
    SELECT code, revision, weights::text AS weights, uneven_ratio::float8 AS uneven_ratio,
        least_daily_load::float8 AS least_daily_load, beyond_villages
    FROM workload_policies WHERE code = $1 AND effective_from <= $2
    ORDER BY revision DESC LIMIT 1
"""


@dataclass(slots=True)
class _Share:
    """What one worker bore in one village, as it is added up."""

    name: str
    posts: list[WorkPost] = field(default_factory=list[WorkPost])
    load: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTS, 0))
    persons: set[UUID] = field(default_factory=set[UUID])
    care: dict[UUID, float] = field(default_factory=dict[UUID, float])
    """By quarantine, the daily care that a team has in common."""


class _Village(NamedTuple):
    """A village, or the grid asked about where it is none, or lies within one."""

    id: UUID
    name: str
    kind: str

    @property
    def beyond_villages(self) -> bool:
        """Whether those who serve it belong to no village."""
        return self.kind in {GridKind.township, GridKind.area}


Shares = dict[_Village, dict[UUID, _Share]]
"""By village, by worker."""


def _bar(policy: Any, days: Period) -> Bar:
    """As a policy says of one day, for those of the period that have begun."""
    begun = max((min(days.until, clock.today()) - days.since).days + 1, 1)
    least = policy["least_daily_load"] * begun
    return Bar(policy["uneven_ratio"], least, policy["beyond_villages"])


async def workload(desk: Desk, days: Period, *, grid_id: UUID | None) -> Workload:
    """Load and completion of everybody who served below a grid, from one local day to another.

    Where that is more than one village, those of each are summed up; asked by itself, it tells all.

    Raises `NotFound` for a grid out of reach, `InvalidInput` for days in the wrong order or more
    than a month, `NoPolicyInForce`.
    """
    days.refuse_wrong()
    place = await place_of(desk, Asked(grid_id=grid_id))
    policy = await desk.connection.fetchrow(_IN_FORCE, WORKLOAD, days.until)
    if policy is None:
        raise NoPolicyInForce
    shares = await _shares(desk, days, place, weights=orjson.loads(policy["weights"]))
    arranged = await arranged_below(desk, place, shares) if _arranges(desk) else None
    listed = (
        {grid_id or desk.caller.grid} if len(shares) > 1 else {village.id for village in shares}
    )
    bar = _bar(policy, days)
    return Workload(
        since=days.since,
        until=days.until,
        policy=policy["code"],
        revision=policy["revision"],
        villages=[
            _told(_village(village, workers, arranged, bar=bar), by_name=village.id in listed)
            for village, workers in shares.items()
        ],
    )


def _told(village: VillageLoad, *, by_name: bool) -> VillageLoad:
    """One village with everybody in it; of many, each in sum, so that an answer stays small."""
    return village if by_name else village.model_copy(update={"workers": None})


def _arranges(desk: Desk) -> bool:
    return Permission.teams_arrange in permitted(desk.caller.role, desk.caller.level)


async def _shares(desk: Desk, days: Period, place: str, *, weights: Mapping[str, float]) -> Shares:
    now = clock.now()
    end = min(now, clock.day_bounds(days.until)[1])
    shares: Shares = {}
    for row in await desk.connection.fetch(POSTS, place, end):
        share = _share(shares, row)
        told = {name: row[name] for name in ("post_id", "role", "grid_id", "grid_name")}
        share.posts.append(WorkPost(**told))
    for row in await desk.connection.fetch(WORKED, *days, now, place):
        share, load = _share(shares, row), weights[row["kind"]] * row["share"]
        share.load += load
        for name in _COUNTS:
            share.counts[name] += row[name]
        if (person := row["quarantine_id"]) is not None:
            share.persons.add(person)
            if row["kind"] in _IN_COMMON:
                share.care[person] = share.care.get(person, 0.0) + load
    return shares


def _share(shares: Shares, row: Any) -> _Share:
    place = _Village(row["village_id"], row["village_name"], row["village_kind"])
    village = shares.setdefault(place, {})
    return village.setdefault(row["worker_id"], _Share(row["name"]))


def _village(
    village: _Village,
    workers: Mapping[UUID, _Share],
    arranged: Arranged | None,
    *,
    bar: Bar,
) -> VillageLoad:
    loads = [share.load for share in workers.values()]
    compared = bar.beyond_villages or not village.beyond_villages
    shown = [
        _worker(worker, share, uneven=compared and bar.uneven(share.load, loads))
        for worker, share in workers.items()
    ]
    shown.sort(key=lambda each: (-each.load, each.name, each.worker_id))
    uneven = sum(each.uneven for each in shown)
    return VillageLoad(
        grid_id=village.id,
        grid_name=village.name,
        load=round(sum(loads), 2),
        serving=len(shown),
        mean=round(mean(loads), 2),
        compared=compared,
        uneven=uneven,
        workers=shown,
        suggestion=arranged.suggestion(workers, bar) if arranged and uneven else None,
    )


def _worker(worker: UUID, share: _Share, *, uneven: bool) -> WorkerLoad:
    return WorkerLoad(
        worker_id=worker,
        name=share.name,
        posts=share.posts,
        load=round(share.load, 2),
        uneven=uneven,
        persons=len(share.persons),
        **share.counts,
    )
