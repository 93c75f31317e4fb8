"""What is known of a person when it is decided which rule applies."""

from dataclasses import dataclass
from datetime import date

from api.protocols.models import ExposureClass, RiskLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One person's facts. What is not known matches only rules that do not ask for it.

    `area_codes` are division codes of the places where the person was, at whatever depth they are
    known; days are the township's; `age` is in completed years.
    """

    exposure_class: ExposureClass
    risk_level: RiskLevel | None = None
    area_codes: tuple[str, ...] = ()
    last_exposure_on: date | None = None
    left_risk_area_on: date | None = None
    arrived_on: date | None = None
    age: int | None = None
    vaccinated: bool | None = None
    occupations: tuple[str, ...] = ()
