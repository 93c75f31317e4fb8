"""The checkpoint at the bridge: its rule, its roster, and who came by today (三码联查; M2.8)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from uuid import UUID

from api.access.permissions import Role
from api.checkpoints.models import GateDecision
from api.demo.bodies import Body
from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.families import Resident
from api.demo.quarantines import who_may_return
from api.demo.sign_ins import OFFICE, PARTY_MEMBER, SECRETARY, post_of
from api.demo.strangers import Stranger, stranger
from api.demo.township import Township, Worker
from api.foundation.fields import Datum
from api.foundation.identity import DocumentKind
from api.health_records.models import CodeState

PASSES, RED, WAITING = 60, 58, 59
"""How many come by; whose code is red, and whose nobody can tell."""

RULE = "county_road"
_NAME = "那竹大桥卡点"
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_LONGEST = timedelta(hours=10)
_FRESH = {RED: 12 * _MINUTE, WAITING: 4 * _MINUTE}
_SHIFTS, _SHIFT = (0, 8, 16), timedelta(hours=8)
_BY_TWOS = 2


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody at the bridge, a neighbour or a stranger."""

    id: UUID
    number: int
    at: datetime
    person: Resident | Stranger


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's hours at the bridge."""

    worker: Worker
    starts_at: datetime

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + _SHIFT


def come_by(township: Township, taken: Collection[UUID], *, now: datetime) -> list[Passage]:
    """Everybody who comes by until now, at night within what there is of the day."""
    began_at = max(at(township.chance.as_of, 0), now - _LONGEST)
    neighbours = _neighbours(township, taken)
    return [
        Passage(
            id=township.chance.id("pass", number),
            number=number,
            at=now - _FRESH.get(number, (now - began_at) * (PASSES - number) / PASSES),
            person=next(neighbours)
            if _is_neighbour(number)
            else stranger(township, "pass", number),
        )
        for number in range(PASSES)
    ]


def _is_neighbour(number: int) -> bool:
    return number == RED or (number % 2 == 0 and number != WAITING)


def _neighbours(township: Township, taken: Collection[UUID]) -> Iterator[Resident]:
    homes = township.villages[0].hamlets[1].households
    people = (each for home in homes for each in who_may_return(township, home))
    return cycle(each for each in people if each.id not in taken)


def rosters(township: Township, *, now: datetime) -> list[Shift]:
    """Two officers for eight hours, yesterday to tomorrow; for the last hours nobody is found.

    Whoever signs in as a party member is on duty this hour.
    """
    officers = [
        post.worker
        for post in township.posts
        if post.role in (Role.police_officer, Role.auxiliary_police)
    ]
    begins = [
        at(township.chance.as_of + days * _DAY, hour) for days in (-1, 0, 1) for hour in _SHIFTS
    ]
    made = [
        Shift(officers[(_BY_TWOS * number + place) % len(officers)], starts_at)
        for number, starts_at in enumerate(begins[:-1])
        for place in range(_BY_TWOS)
    ]
    current = max(each for each in begins if each <= now)
    return [*made, Shift(post_of(township, PARTY_MEMBER).worker, current)]


def set_up(township: Township, shifts: Sequence[Shift]) -> Iterator[Deed]:
    """The rule, the place, and the roster, some days before."""
    chance, day = township.chance, township.chance.as_of - 4 * _DAY
    yield Deed(at(day, 9), SECRETARY, "/v1/checkpoint-rules", _rule(chance))
    place = {
        "id": str(_checkpoint(chance)),
        "grid_id": str(township.villages[0].grid.id),
        "name": _NAME,
        "address": "县道217线那竹大桥西端",
        "authority": "青竹乡派出所",
        "place": {"latitude": 22.1391, "longitude": 107.0712, "datum": Datum.gcj02},
        "rule_code": RULE,
        "opened_at": at(day, 9, 30).isoformat(),
    }
    yield Deed(at(day, 9, 30), SECRETARY, "/v1/checkpoints", place)
    items = [_shift(chance, number, each) for number, each in enumerate(shifts)]
    yield Deed(at(day, 15), SECRETARY, "/v1/duty-shifts/batch", {"items": items})


def _checkpoint(chance: Chance) -> UUID:
    return chance.id("checkpoint", _NAME)


def _rule(chance: Chance) -> Body:
    return {
        "id": str(chance.id("checkpoint rule", RULE)),
        "code": RULE,
        "name": "县道卡点三码联查",
        "legal_basis": "青竹乡疫情防控指挥部〔演示〕6号",
        "effective_from": str(chance.as_of - 4 * _DAY),
        "proofs": [
            {"proof": "health_code", "means": {"red": "turn_back", "yellow": "hold"}},
            {"proof": "travel_card"},
            {"proof": "negative_test", "hours": 48},
        ],
    }


def _shift(chance: Chance, number: int, shift: Shift) -> Body:
    return {
        "id": str(chance.id("shift", _NAME, number)),
        "place_id": str(_checkpoint(chance)),
        "worker_id": str(shift.worker.id),
        "role": ("值班长", "查验")[number % _BY_TWOS],
        "starts_at": shift.starts_at.isoformat(),
        "ends_at": shift.ends_at.isoformat(),
    }


def passes(chance: Chance, coming: Sequence[Passage], shifts: Sequence[Shift]) -> Iterator[Deed]:
    """Each as the guards recorded it, on the minute."""
    path = f"/v1/checkpoints/{_checkpoint(chance)}/passes"
    for each in coming:
        guard = next(shift.worker for shift in shifts if shift.starts_at <= each.at < shift.ends_at)
        body = {
            "id": str(each.id),
            "person": {
                "name": each.person.name,
                "document_kind": DocumentKind.resident_identity,
                "document": each.person.identity_number,
                "phone": each.person.phone,
            },
            "vehicle_plate": each.person.plate if isinstance(each.person, Stranger) else None,
            "from_place": ("县城", "岭边县", "百岭市")[each.number % 3],
            "to_place": "那竹村",
            "shown": list(_shown(each)),
            **_decided(each),
            "passed_at": each.at.isoformat(),
            "recorded_at": each.at.isoformat(),
            "performed_by": str(guard.id),
        }
        yield Deed(each.at, OFFICE, path, body)


def _shown(passage: Passage) -> Iterator[Body]:
    """What was on the phone; one in a dozen has no test, some come from where it is not safe."""
    number = passage.number
    states = {RED: CodeState.red, WAITING: CodeState.unavailable}
    usual = CodeState.yellow if number % 17 == 4 else CodeState.green  # noqa: PLR2004
    yield {"proof": "health_code", "state": states.get(number, usual)}
    yield {"proof": "travel_card", "at_risk": number % 19 == 7}  # noqa: PLR2004
    if number % 12 != 5:  # noqa: PLR2004
        sampled_at = passage.at - timedelta(hours=6 + number % 36)
        tested = {"sampled_at": sampled_at.isoformat()}
        yield {"proof": "negative_test", "outcome": "negative", **tested}


def _decided(passage: Passage) -> Body:
    """Once the guard decided otherwise than the rule."""
    if passage.number != 17:  # noqa: PLR2004 - one who has no test
        return {}
    return {"decision": GateDecision.through, "decision_reason": "急救车辆随车家属，先行放行"}
