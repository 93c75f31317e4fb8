"""How likely it is that a lead tells of a resident whom no number proves it to be.

An identity number, or a phone that only one resident has, needs no score (`matching`). Everything
else is weighed here and shown to a person, who confirms it or not: nobody is merged by a score.

    what                        agrees   contradicts
    phone                           50             0     families share one
    name                            40             0     without phone or name nothing is weighed
    birth date                      35           -30
    age, told in 周岁 or 虚岁        25           -30     beyond five years it contradicts
    place named in the address   20/10           -15     the grid itself / what it lies in
    sex                              5           -30
    identity document                -          none     another number is another person
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from api.foundation.identity import DocumentKind, Sex
from api.registry.masked import age_on

LIKELY = 40
"""From this score a resident may be meant: of one name, and nothing speaks against it."""


class Birth(Enum):
    """How what is told of somebody's age compares with what is known."""

    same_day = "same_day"
    same_age = "same_age"
    near = "near"
    unknown = "unknown"
    apart = "apart"


class Nearness(Enum):
    """How the place that is told compares with where the resident lives."""

    same_grid = "same_grid"
    around = "around"
    unknown = "unknown"
    elsewhere = "elsewhere"


_OF_BIRTH = {Birth.same_day: 35, Birth.same_age: 25, Birth.apart: -30}
_OF_PLACE = {Nearness.same_grid: 20, Nearness.around: 10, Nearness.elsewhere: -15}
_OF_SEX: dict[bool | None, int] = {True: 5, False: -30}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A lead beside a resident; None where one of the two does not tell."""

    same_phone: bool | None
    same_name: bool | None
    same_sex: bool | None
    birth: Birth
    place: Nearness
    other_document: bool

    @property
    def score(self) -> int:
        """0 to 100; what agrees never lowers it, what contradicts never raises it."""
        if self.other_document or not (self.same_phone or self.same_name):
            return 0
        points = 50 * bool(self.same_phone) + 40 * bool(self.same_name)
        points += _OF_SEX.get(self.same_sex, 0)
        points += _OF_BIRTH.get(self.birth, 0) + _OF_PLACE.get(self.place, 0)
        return max(0, min(100, points))

    @property
    def why(self) -> str:
        """What agrees and what does not, in words."""
        said = [
            _WORDS.get(("phone", self.same_phone)),
            _WORDS.get(("name", self.same_name)),
            _WORDS.get(("sex", self.same_sex)),
            _WORDS.get(("birth", self.birth)),
            _WORDS.get(("place", self.place)),
        ]
        return "、".join(word for word in said if word)


_WORDS: dict[tuple[str, object], str] = {
    ("phone", True): "电话相同",
    ("phone", False): "电话不同",
    ("name", True): "姓名相同",
    ("name", False): "姓名不同",
    ("sex", False): "性别不符",
    ("birth", Birth.same_day): "出生日期相同",
    ("birth", Birth.same_age): "年龄相符",
    ("birth", Birth.near): "年龄相近",
    ("birth", Birth.apart): "年龄不符",
    ("place", Nearness.same_grid): "住址在同一网格",
    ("place", Nearness.around): "住址在同一村（社区）",
    ("place", Nearness.elsewhere): "住址在别处",
}

_NOMINAL_YEARS = 2
"""虚岁 counts the year of birth, and one more from each new year: up to two above 周岁."""
_NEAR_YEARS = 5


def compare_birth(*, told: date | None, age: int | None, known: date | None, today: date) -> Birth:
    """Compare a told birth date, or else a told age, with the known birth date."""
    if known is None or (told is None and age is None):
        return Birth.unknown
    if told == known:
        return Birth.same_day
    years = age_on(today, known)
    older = (age_on(today, told) if told is not None else age or 0) - years
    if told is None and -1 <= older <= _NOMINAL_YEARS:
        return Birth.same_age
    return Birth.near if abs(older) <= _NEAR_YEARS else Birth.apart


def agree(told: object, known: object) -> bool | None:
    """Whether two say the same; None where one of them says nothing."""
    return None if told is None or known is None else told == known


def compare_sex(told: Sex | None, known: Sex | None) -> bool | None:
    """Whether the sex agrees; an unknown one does not contradict."""
    sure = (Sex.male, Sex.female)
    return told is known if told in sure and known in sure else None


@dataclass(frozen=True, slots=True)
class Paper:
    """The kind of a document and the keyed hash of its number."""

    kind: DocumentKind | None
    lookup: bytes | None


def other_document(told: Paper, known: Paper) -> bool:
    """Whether two hold documents of one kind with different numbers: two people, then."""
    both = told.lookup is not None and known.lookup is not None
    return both and told.kind is known.kind and told.lookup != known.lookup
