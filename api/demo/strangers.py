"""People whom the register does not know: passing by, or on a list that takes them for ours."""

from dataclasses import dataclass
from datetime import timedelta

from api.demo.names import given_name, surname
from api.demo.township import Township
from api.foundation.identity import Sex


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody from elsewhere, with numbers that are nobody's."""

    name: str
    phone: str
    identity_number: str
    plate: str


def stranger(township: Township, *key: object) -> Stranger:
    """The stranger of this key; asked for again, they would have new numbers."""
    rolls, numbers = township.chance.of("stranger", *key), township.registrar.numbers
    sex, age = rolls.choice((Sex.male, Sex.female)), rolls.randint(19, 62)
    born = township.chance.as_of - timedelta(days=int(age * 365.25) + rolls.randrange(365))
    return Stranger(
        name=surname(rolls) + given_name(rolls, sex, age),
        phone=numbers.phone(rolls),
        identity_number=numbers.identity(rolls, sex=sex, born=born),
        plate=f"桂F{rolls.randrange(10**5):05d}",
    )
