"""What is on people's phones and in the books of the health centre: codes, cards, doses (M2.7)."""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from api.demo.bodies import Body
from api.demo.chance import Chance
from api.demo.days import at
from api.demo.diary import Deed
from api.demo.families import Resident
from api.demo.sign_ins import MEDIC
from api.demo.township import Township
from api.health_records.models import CodeState, VaccinationOutcome

_MOST, _GROWN = 300, 12
_DAY = timedelta(days=1)
_STATES = {7: CodeState.yellow, 23: CodeState.popup, 41: CodeState.grey}
"""Of so many the one whose number is this; everybody else's code is green."""

_OF_SO_MANY, _BOOSTED, _EXEMPT = 50, 0.4, 0.02
_DOSES_AGO = (230, 200, 30)
_VACCINE = {
    "technology": "inactivated",
    "product": "新型冠状病毒灭活疫苗（Vero细胞）",
    "manufacturer": "虚构生物",
    "unit": "青竹乡卫生院",
    "body_site": "左上臂三角肌",
}


def proofs(township: Township, taken: Collection[UUID]) -> Iterator[Deed]:
    """As seen on a round through the first village the day before, and copied from the books."""
    chance = township.chance
    homes = township.villages[0].households
    people = [each for home in homes for each in home.residents if each.age >= _GROWN]
    seen = [each for each in people if each.phone and each.id not in taken][:_MOST]
    told_at = at(chance.as_of - _DAY, 14)
    codes = [_code(chance, number, each) for number, each in enumerate(seen)]
    yield Deed(told_at, MEDIC, "/v1/code-states/batch", {"items": codes})
    cards = [_card(chance, each) for each in seen[::10]]
    yield Deed(told_at, MEDIC, "/v1/travel-cards/batch", {"items": cards})
    for dose, days_ago in enumerate(_DOSES_AGO, start=1):
        items = list(_doses(chance, people[:_MOST], dose, days_ago))
        yield Deed(told_at, MEDIC, "/v1/vaccinations/batch", {"items": items})


def _code(chance: Chance, number: int, person: Resident) -> Body:
    seen_at = at(chance.as_of - _DAY, 8 + number % 5, number % 60)
    state = _STATES.get(number % _OF_SO_MANY, CodeState.green)
    return {
        "id": str(chance.id("code", person.id)),
        "resident_id": str(person.id),
        "state": state,
        "changed_at": (seen_at - timedelta(hours=14)).isoformat(),
        "fetched_at": seen_at.isoformat(),
        "reason": None if state is CodeState.green else "行程涉及有疫情的县",
    }


def _card(chance: Chance, person: Resident) -> Body:
    seen_at = at(chance.as_of - _DAY, 9)
    at_risk = chance.of("card", person.id).random() < _EXEMPT * 5
    return {
        "id": str(chance.id("card", person.id)),
        "resident_id": str(person.id),
        "seen_at": seen_at.isoformat(),
        "updated_at": (seen_at - timedelta(minutes=3)).isoformat(),
        "colour": "green",
        "cities": [{"name": "县城"}, *([{"name": "百岭市", "at_risk": True}] if at_risk else [])],
        "window_days": 14,
    }


def _doses(chance: Chance, people: Sequence[Resident], dose: int, days_ago: int) -> Iterator[Body]:
    """Nearly everybody has had two; the third goes to the grown, and some must not have any."""
    for person in people:
        luck = chance.of("doses", person.id).random()
        given_on = chance.as_of - (days_ago + int(luck * 20)) * _DAY
        body: Body = {
            "id": str(chance.id("dose", person.id, dose)),
            "resident_id": str(person.id),
            "given_on": str(given_on),
        }
        if luck < _EXEMPT:
            if dose == 1:
                yield body | {"outcome": VaccinationOutcome.contraindicated}
        elif dose < len(_DOSES_AGO) or luck < _BOOSTED:
            yield body | _VACCINE | {"dose_number": dose}
