"""What tests need before their own story begins, made through the service's own doors."""

from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from api.foundation.identity import synthetic_identity_number
from api.foundation.records import new_id
from tests.cast import grid_id

_SEQUENCE = count()
_SURNAMES = "黄韦农梁覃陆莫蒙罗周李林"
_GIVEN = ("秀英", "建国", "美兰", "志强", "𠮷祥", "阿依古丽·买买提", "小凤", "大山")


def synthetic_resident(**told: Any) -> dict[str, Any]:
    """The body of a resident who does not exist, each with another identity number and phone."""
    nth = next(_SEQUENCE)
    born = date(1940 + nth // 500 % 60, nth % 12 + 1, nth % 28 + 1)
    number = synthetic_identity_number(
        division=f"4514{nth // 30_000 + 22:02d}", born=born, sequence=nth % 500
    )
    return {
        "id": str(new_id()),
        "name": f"{_SURNAMES[nth % len(_SURNAMES)]}{_GIVEN[nth % len(_GIVEN)]}",
        "document_kind": "resident_identity",
        "document": number,
        "phone": f"139{nth:08d}",
        "relation": "other",
        "registration": "registered",
        **told,
    }


def household_body(
    *, grid: str | UUID, residents: list[dict[str, Any]] | None = None, **told: Any
) -> dict[str, Any]:
    """The body of a household in a grid, told by its path or id; two residents unless told."""
    if residents is None:
        residents = [synthetic_resident(relation="head"), synthetic_resident(relation="spouse")]
    name = f"{residents[0]['name']}户" if residents else "空户"
    place = grid if isinstance(grid, UUID) else grid_id(grid)
    said = {"id": str(new_id()), "grid_id": str(place), "name": name, "residents": residents}
    return {**said, **told}


async def a_household(
    client: httpx.AsyncClient,
    *,
    grid: str | UUID,
    residents: list[dict[str, Any]] | None = None,
    **told: Any,
) -> dict[str, Any]:
    """Register a household and answer what the service says of it."""
    body = household_body(grid=grid, residents=residents, **told)
    response = await client.post("/v1/households", json=body)
    assert response.status_code == 201, response.text
    return response.json()
