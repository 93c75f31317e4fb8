"""Names for people and places that do not exist, as they sound between the karst hills."""

from collections.abc import Callable
from datetime import date
from random import Random

from api.demo.chance import happens
from api.foundation.identity import Sex, synthetic_identity_number

TOWNSHIP = "青竹乡"
TOWNSHIP_CODE = "451422201"
AREAS = ("东片区", "南片区", "西片区", "北片区")

_VILLAGES = zip(
    "那板陇岜百驮渠布叫" * 3, "竹榕桑茶渡柳禾楼枫练兰樟鹤梨鱼荔谷枧藕笋蕉月桐星莲云楠", strict=True
)
VILLAGES = tuple(f"{first}{second}村" for first, second in _VILLAGES)

_HAMLET_FIRST = "那板陇岜百驮渠布叫弄咘巴"
_HAMLET_SECOND = "竹榕江塘桑茶柳荔梅枫樟兰楼练凤鱼禾谷良利怀厚桐笋藕莲蕉梨鹤泉"

# Zhuang surnames of the south-west first; the weights are about as the field has them.
_SURNAMES = (
    "黄" * 16
    + "韦" * 14
    + "农" * 12
    + "覃陆" * 9
    + "蒙梁" * 7
    + "李" * 6
    + "何" * 4
    + "卢赵凌" * 3
    + "闭许零莫苏谭甘" * 2
    + "班岑冼玉滕祝"
)

_GIVEN = {
    (Sex.male, True): ("国文世德福有金学廷炳", "昌才生成安财光祥荣忠"),
    (Sex.male, False): ("志海永文小天宇子浩俊", "强勇明辉军鹏杰轩林毅"),
    (Sex.female, True): ("秀美玉月桂凤兰彩爱瑞", "英芳珍花莲香妹娥琼清"),
    (Sex.female, False): ("丽晓艳雪思梦诗雨欣小", "芬燕萍婷怡敏蓉慧琳妮"),
}
_ELDERLY = 45

# Ranges that no operator is known to have opened: nobody's phone rings.
_PHONE_RANGES = ("154", "160", "161", "163", "164", "168", "169", "179", "194")

# County codes that were never assigned: the numbers are valid and belong to nobody.
_HOME_COUNTY = "451499"
_OTHER_COUNTIES = ("450199", "451099", "440199")


def hamlet_names(chance: Random, count: int) -> list[str]:
    """So many different hamlets of one village."""
    places = [first + second for first in _HAMLET_FIRST for second in _HAMLET_SECOND]
    return [f"{place}屯" for place in chance.sample(places, count)]


def surname(chance: Random) -> str:
    return chance.choice(_SURNAMES)


def given_name(chance: Random, sex: Sex, age: int) -> str:
    """One or two characters, as the generation had them."""
    first, second = _GIVEN[(sex, age >= _ELDERLY)]
    # Household registers hold characters that few fonts have.
    last = "𠮷" if happens(chance, 0.0005) else chance.choice(second)
    return last if happens(chance, 0.12) else chance.choice(first) + last


class Numbers:
    """Phones and identity numbers of one township, none given out twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def phone(self, chance: Random) -> str:
        """A mobile number in a range that no operator is known to have opened."""
        return self._free(lambda: f"{chance.choice(_PHONE_RANGES)}{chance.randrange(10**8):08d}")

    def identity(self, chance: Random, *, sex: Sex, born: date) -> str:
        """A valid identity number of a county that never was; one in twenty came from elsewhere."""
        county = chance.choice(_OTHER_COUNTIES) if happens(chance, 0.05) else _HOME_COUNTY

        def number() -> str:
            sequence = chance.randrange(499) * 2 + 1 + (sex is Sex.female)
            return synthetic_identity_number(division=county, born=born, sequence=sequence)

        return self._free(number)

    def _free(self, make: Callable[[], str]) -> str:
        while (number := make()) in self._taken:
            pass
        self._taken.add(number)
        return number
