"""One record about to be sent, and what makes such."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from api.foundation.records import new_id

HOME = "t.01.01.01"


@dataclass(frozen=True)
class Sending:
    """One record about to be sent; `change` makes another body of it under the same id.

    `before` is what somebody else has to say first, by its path.
    """

    path: str
    body: dict[str, Any]
    change: dict[str, Any] = field(default_factory=dict[str, Any])
    before: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def another(self) -> dict[str, Any]:
        return self.body | self.change


Maker = Callable[[httpx.AsyncClient], Awaitable[Sending]]


def policy() -> dict[str, Any]:
    """What every policy says of itself."""
    name = new_id()
    told = {"id": str(name), "code": f"rule_{name.hex[-12:]}", "name": "试行办法"}
    return told | {"legal_basis": "青竹乡防控指挥部", "effective_from": "2022-02-10"}
