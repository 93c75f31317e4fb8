"""A round of sampling in the first village: the site, its hours, its tubes, and who cannot come."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, timedelta
from uuid import UUID

from api.access.permissions import Role
from api.alerts.models import AlertVerb, Cause
from api.demo.bodies import Body
from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Answer, Deed, Step
from api.demo.families import Resident
from api.demo.sign_ins import MEDIC, OFFICE, SECRETARY
from api.demo.township import Hamlet, Township, Worker
from api.sites.models import HomeReason, SiteKind, SiteRole, TroubleKind

POSITIVE = 4
"""The tube of yesterday in which something was found."""

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_OPENS, _CLOSES = 7, 11
_POOL, _TUBES = 10, 12
_STAFFING = {SiteRole.sampler: 2, SiteRole.entry_guidance: 2, SiteRole.order_keeping: 1}
_AT_HOME, _YOUNGEST = 4, 3


def campaign(township: Township, taken: Collection[UUID]) -> Iterator[Answer | Deed | Step]:
    """Two mornings, one of which may be still to come, and some who are sampled at home."""
    yield from _announced(township)
    pools = _pools(township, taken)
    for number in range(2):
        day = township.chance.as_of - (1 - number) * _DAY
        yield from _morning(township, day)
        for place, members in enumerate(pools[number * _TUBES : (number + 1) * _TUBES]):
            yield from _tube(township, day, place, members)
    yield from _at_home(township)


def _announced(township: Township) -> Iterator[Deed]:
    chance, village = township.chance, township.villages[0]
    told_at = at(chance.as_of - 2 * _DAY, 16)
    site = {
        "id": str(_site(chance)),
        "grid_id": str(village.grid.id),
        "name": f"{village.grid.name}采样点",
        "kind": SiteKind.sampling,
        "address": f"{village.grid.name}文化楼前",
        "hours": "每日 7:00—11:00",
        "capacity_per_hour": 200,
        "opened_at": told_at.isoformat(),
    }
    yield Deed(told_at, SECRETARY, "/v1/sites", site)
    round_ = {
        "id": str(_campaign(chance)),
        "grid_id": str(village.grid.id),
        "name": "第一轮全员核酸",
        "kind": SiteKind.sampling,
        "from_on": str(chance.as_of - _DAY),
        "to_on": str(chance.as_of),
        "target": {"min_age": _YOUNGEST},
    }
    yield Deed(told_at, SECRETARY, "/v1/sampling-campaigns", round_)


def _site(chance: Chance) -> UUID:
    return chance.id("site")


def _campaign(chance: Chance) -> UUID:
    return chance.id("campaign")


def _session(chance: Chance, day: date) -> UUID:
    return chance.id("site session", day)


def _pools(township: Township, taken: Collection[UUID]) -> list[Sequence[Resident]]:
    """Tubes of the first hamlet and the second in turn; nobody shares one across them."""

    def of(hamlet: Hamlet) -> list[Sequence[Resident]]:
        people = [each for home in hamlet.households for each in home.residents]
        fit = [each for each in people if each.age >= _YOUNGEST and each.id not in taken]
        return [fit[begin : begin + _POOL] for begin in range(0, len(fit), _POOL)]

    first, second = (of(hamlet) for hamlet in township.villages[0].hamlets[:2])
    return [pool for both in zip(first, second, strict=False) for pool in both]


def _morning(township: Township, day: date) -> Iterator[Deed | Step]:
    """Who is to be there, the doors open and shut, how many came by the hour."""
    chance, id_ = township.chance, _session(township.chance, day)
    record, begins, ends = f"/v1/site-sessions/{id_}", at(day, _OPENS), at(day, _CLOSES)
    planned = {
        "id": str(id_),
        "site_id": str(_site(chance)),
        "campaign_id": str(_campaign(chance)),
        "starts_at": begins.isoformat(),
        "ends_at": ends.isoformat(),
        "staffing": _STAFFING,
    }
    planned_at = at(chance.as_of - 2 * _DAY, 17)
    yield Deed(planned_at, SECRETARY, "/v1/site-sessions", planned)
    roster = {"items": list(_roster(township, day))}
    yield Deed(planned_at, SECRETARY, "/v1/duty-shifts/batch", roster)
    yield Step(begins, OFFICE, record, _is("planned"), "/open")
    for hour in range(_OPENS, _CLOSES):
        yield _counted(township, day, hour)
    yield _trouble(township, day)
    yield Step(ends + 5 * _MINUTE, OFFICE, record, _is("open"), "/close")
    yield Step(at(day, 20, 30), OFFICE, record, _is("closed"), "/results-in")


def _is(status: str) -> Callable[[Body], bool]:
    return lambda kept: kept["status"] == status


def _roster(township: Township, day: date) -> Iterator[Body]:
    """To the point and to the person; nobody has been found yet to keep order."""
    nurses = [post.worker for post in township.posts if post.role is Role.medic][-2:]
    helpers = [_holder(township, role) for role in (Role.village_doctor, Role.volunteer)]
    roles = (SiteRole.sampler, SiteRole.sampler, *[SiteRole.entry_guidance] * 2)
    for worker, role in zip((*nurses, *helpers), roles, strict=True):
        yield {
            "id": str(township.chance.id("site shift", day, worker.id)),
            "place_id": str(_site(township.chance)),
            "worker_id": str(worker.id),
            "role": role.label,
            "starts_at": at(day, _OPENS).isoformat(),
            "ends_at": at(day, _CLOSES).isoformat(),
        }


def _holder(township: Township, role: Role) -> Worker:
    posts = township.villages[0].posts
    return next(post.worker for post in posts if post.role is role)


def _counted(township: Township, day: date, hour: int) -> Deed:
    chance, told_at = township.chance, at(day, hour + 1, 2)
    body = {
        "id": str(chance.id("tally", day, hour)),
        "hour_at": at(day, hour).isoformat(),
        "people": 30 + chance.of("tally", day, hour).randrange(25),
        "tubes": _TUBES // (_CLOSES - _OPENS),
        "recorded_at": told_at.isoformat(),
        "performed_by": str(_holder(township, Role.volunteer).id),
    }
    return Deed(told_at, OFFICE, f"/v1/site-sessions/{_session(chance, day)}/tallies", body)


def _trouble(township: Township, day: date) -> Deed:
    chance, told_at = township.chance, at(day, 9, 20)
    body = {
        "id": str(chance.id("trouble", day)),
        "kind": TroubleKind.crowding,
        "note": "九点后集中到点，排队约四十人，已请村干部分时段通知。",
        "recorded_at": told_at.isoformat(),
        "performed_by": str(_holder(township, Role.volunteer).id),
    }
    return Deed(told_at, OFFICE, f"/v1/site-sessions/{_session(chance, day)}/problems", body)


def _tube(
    township: Township, day: date, place: int, members: Sequence[Resident]
) -> Iterator[Answer | Deed | Step]:
    """Closed at the site; in the evening the laboratory says what was found."""
    chance, sampled_at = township.chance, at(day, _OPENS) + (15 + 18 * place) * _MINUTE
    id_ = chance.id("tube", day, place)
    body = {
        "id": str(id_),
        "code": f"QZ{day:%m%d}-{place + 1:04d}",
        "pool_size": _POOL,
        "site_session_id": str(_session(chance, day)),
        "laboratory": "县疾控中心",
        "sampled_at": sampled_at.isoformat(),
        "members": [
            {"id": str(chance.id("pooled", day, each.id)), "resident_id": str(each.id)}
            for each in members
        ],
        "recorded_at": sampled_at.isoformat(),
        "performed_by": str(_holder(township, Role.village_doctor).id),
    }
    yield Deed(sampled_at + _MINUTE, MEDIC, "/v1/sample-tubes", body)
    found = place == POSITIVE and day < chance.as_of
    reported_at = at(day, 19, 40 if found else 55)
    told = {"outcome": "positive" if found else "negative", "reported_at": reported_at.isoformat()}
    yield Step(reported_at + 3 * _MINUTE, MEDIC, f"/v1/sample-tubes/{id_}", _pending, "", told)
    if found:
        yield Answer(
            reported_at + 9 * _MINUTE,
            MEDIC,
            f"grid_id={township.villages[0].hamlets[0].grid.id}",
            Cause.positive_test,
            AlertVerb.acknowledge,
        )


def _pending(kept: Body) -> bool:
    return kept["outcome"] == "pending"


def _at_home(township: Township) -> Iterator[Deed | Step]:
    """Some cannot come; of every other it is settled who goes there today."""
    chance, asked_at = township.chance, at(township.chance.as_of - _DAY, 16)
    hamlets = township.villages[0].hamlets
    frail = [
        (hamlet, person)
        for hamlet in hamlets
        for home in hamlet.households
        for person in home.residents
        if person.mobility_limited
    ]
    for number, (hamlet, person) in enumerate(frail[:_AT_HOME]):
        id_, worker = chance.id("home sampling", number), str(hamlet.worker.id)
        body = {
            "id": str(id_),
            "resident_id": str(person.id),
            "campaign_id": str(_campaign(chance)),
            "reason": HomeReason.mobility,
            "wanted_on": str(chance.as_of),
            "recorded_at": asked_at.isoformat(),
            "performed_by": worker,
        }
        yield Deed(asked_at, OFFICE, "/v1/home-samplings", body)
        if number % 2 == 0:
            told, record = {"worker_id": worker}, f"/v1/home-samplings/{id_}"
            yield Step(asked_at + 40 * _MINUTE, OFFICE, record, _unassigned, "/assign", told)


def _unassigned(kept: Body) -> bool:
    return kept["assigned_to"] is None
