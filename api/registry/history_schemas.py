"""The wire of what the register said before: of residents and of households."""

from pydantic import Field

from api.foundation.corrections import Replaced
from api.foundation.fields import Wire
from api.registry.resident_schemas import ResidentRead
from api.registry.schemas import HouseholdSaid


class ResidentRevision(Replaced, Wire):
    """What a resident's record said before a correction, masked as it is itself."""

    resident: ResidentRead = Field(description="更改前的内容；年龄按今天计算")


class ResidentHistory(Wire):
    """Every former version, oldest first."""

    items: list[ResidentRevision]


class HouseholdFormer(HouseholdSaid):
    """A household as it was told once; who lived there then, their own records say."""

    note: str | None = Field(description="备注")


class HouseholdRevision(Replaced, Wire):
    """What a household's record said before a correction."""

    household: HouseholdFormer = Field(description="更改前的内容")


class HouseholdHistory(Wire):
    """Every former version, oldest first."""

    items: list[HouseholdRevision]
