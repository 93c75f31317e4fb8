"""Administrative divisions on the wire, and the codes by which places are told."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from api.arrivals.codes import canonical, significant
from api.foundation.fields import DivisionCode, Wire

PlaceCode = Annotated[DivisionCode, AfterValidator(canonical)]
"""Where somebody was, as precisely as it is known; zeros that only fill up are dropped."""

AreaPrefix = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$",
        description="行政区划代码的前段：省2位、市4位、县6位、乡9位、村12位，末尾补的零可带可不带",
        examples=["4514"],
    ),
    AfterValidator(significant),
]
"""A division that is meant with all that lies in it."""


class DivisionRead(Wire):
    """An administrative division as it was imported."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "451422201",
                    "name": "青竹乡",
                    "full_name": "青岭省竹江市竹溪县青竹乡",
                    "parent_code": "451422",
                }
            ]
        }
    )

    code: str = Field(description="行政区划代码：县级及以上6位、乡级9位、村级12位")
    name: str = Field(description="名称")
    full_name: str = Field(description="全称")
    parent_code: str | None = Field(description="上级代码")
