"""Households as they live there: the old alone, couples, three generations, the left behind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from uuid import UUID

from api.demo.chance import Chance, happens
from api.demo.names import Numbers, given_name, surname
from api.foundation.identity import Sex
from api.registry.models import Registration, Relation

ADULT = 18
_PHONE_FROM, _ALONE_FROM, _FRAIL_FROM = 12, 60, 75
_GENERATION = 21


@dataclass(slots=True)
class Resident:
    """A person of a household; appointed to the net as a party member, they are one here too."""

    id: UUID
    household_id: UUID
    name: str
    sex: Sex
    born: date
    age: int
    identity_number: str
    phone: str | None
    relation: Relation
    registration: Registration
    mobility_limited: bool
    lives_alone: bool
    is_party_member: bool = False


@dataclass(slots=True)
class Household:
    """One door: its people, the head first, and the three who stand for it, as far as there are."""

    id: UUID
    grid_id: UUID
    address: str
    residents: list[Resident] = field(default_factory=list[Resident])
    party_member: UUID | None = None
    grid_worker: UUID | None = None
    representative: UUID | None = None

    @property
    def name(self) -> str:
        return f"{self.residents[0].name}户"


@dataclass(frozen=True, slots=True)
class Member:
    """One place in a family, before anybody with a name has it."""

    relation: Relation
    sex: Sex
    age: int


class Registrar:
    """Registers families one after another; nobody's number is given out twice."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.numbers = Numbers()

    def household(self, grid_id: UUID, address: str) -> Household:
        """The family behind a door, with plausible ages, relations and surnames."""
        rolls = self.chance.of("household", address)
        household = Household(self.chance.id("household", address), grid_id, address)
        family, line = make_family(rolls), surname(rolls)
        registration = rolls.choices(list(Registration), (90, 6, 4))[0]
        for member in family:
            own = _keeps_her_father_s_name(member, family)
            person = self._resident(rolls, household, member, surname(rolls) if own else line)
            person.registration = registration
            person.lives_alone = len(family) == 1 and member.age >= _ALONE_FROM
            household.residents.append(person)
        return household

    def _resident(self, rolls: Random, household: Household, member: Member, line: str) -> Resident:
        born = self.chance.as_of - timedelta(days=int(member.age * 365.25) + rolls.randrange(365))
        has_phone = member.age >= _PHONE_FROM and happens(rolls, 0.9)
        return Resident(
            id=self.chance.id("resident", household.address, len(household.residents)),
            household_id=household.id,
            name=line + given_name(rolls, member.sex, member.age),
            sex=member.sex,
            born=born,
            age=member.age,
            identity_number=self.numbers.identity(rolls, sex=member.sex, born=born),
            phone=self.numbers.phone(rolls) if has_phone else None,
            relation=member.relation,
            registration=Registration.registered,
            mobility_limited=happens(rolls, 0.2 if member.age >= _FRAIL_FROM else 0.004),
            lives_alone=False,
        )


def _keeps_her_father_s_name(member: Member, family: list[Member]) -> bool:
    married = any(each.relation is Relation.spouse for each in family)
    wives = (Relation.head, Relation.spouse) if married else ()
    return member.sex is Sex.female and member.relation in (*wives, Relation.parent)


def make_family(rolls: Random) -> list[Member]:
    """The members of one family; in the long run three and a third to a door."""
    return rolls.choices(list(_KINDS), list(_KINDS.values()))[0](rolls)


def _alone(rolls: Random) -> list[Member]:
    old = happens(rolls, 0.65)
    return [Member(Relation.head, _sex(rolls), rolls.randint(*(62, 92) if old else (22, 58)))]


def _couple(rolls: Random, youngest: int, oldest: int) -> list[Member]:
    age = rolls.randint(youngest, oldest)
    sex = Sex.male if happens(rolls, 0.85) else Sex.female
    other = Sex.female if sex is Sex.male else Sex.male
    spouse = Member(Relation.spouse, other, max(age + rolls.randint(-5, 4), 22))
    return [Member(Relation.head, sex, age), spouse]


def _elderly_couple(rolls: Random) -> list[Member]:
    return _couple(rolls, 60, 86)


def _young_couple(rolls: Random) -> list[Member]:
    return _couple(rolls, 25, 58)


def _with_children(rolls: Random) -> list[Member]:
    couple = _couple(rolls, 27, 55)
    return couple + _below(rolls, couple, Relation.child, _GENERATION)


def _three_generations(rolls: Random) -> list[Member]:
    family = _with_children(rolls)
    head = family[0]
    mother = Member(Relation.parent, Sex.female, head.age + rolls.randint(21, 32))
    father = Member(Relation.parent, Sex.male, mother.age + rolls.randint(0, 4))
    return family + ([mother, father] if happens(rolls, 0.5) else [rolls.choice((mother, father))])


def _left_behind(rolls: Random) -> list[Member]:
    couple = _couple(rolls, 56, 74)
    return couple + _below(rolls, couple, Relation.grandchild, 42)


def _one_parent(rolls: Random) -> list[Member]:
    parent = Member(Relation.head, _sex(rolls), rolls.randint(26, 50))
    return [parent, *_below(rolls, [parent], Relation.child, _GENERATION)]


def _below(rolls: Random, elders: list[Member], relation: Relation, years: int) -> list[Member]:
    """One to three children or grandchildren, at least so many years younger than their elders."""
    oldest = min(min(each.age for each in elders) - years, 15 if years > _GENERATION else 30)
    age, members = rolls.randint(0, max(oldest, 0)), list[Member]()
    for _ in range(rolls.choices((1, 2, 3), (38, 48, 14))[0]):
        if age >= 0:
            members.append(Member(relation, _sex(rolls), age))
        age -= rolls.randint(2, 5)
    return members


def _sex(rolls: Random) -> Sex:
    return rolls.choice((Sex.male, Sex.female))


_KINDS: dict[Callable[[Random], list[Member]], int] = {
    _alone: 10,
    _elderly_couple: 12,
    _young_couple: 8,
    _with_children: 32,
    _three_generations: 27,
    _left_behind: 8,
    _one_parent: 3,
}
