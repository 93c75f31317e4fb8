"""Whether a record that is sent again says what it said the first time."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel

from api.foundation.sealed import Keyring


def differing_fields(
    said: BaseModel,
    row: Mapping[str, Any],
    first: Mapping[str, Any],
    *,
    table: str,
    keyring: Keyring,
) -> list[str]:
    """Compare what is said with what was kept first; sealed columns are opened for it.

    `row` is what would be kept now: what was not said and the service filled in is not compared.
    """
    differing: list[str] = []
    for name, part, value in _said_by_column(said, first):
        column = part if part in first else f"{part}_sealed"
        filled_in = value is None and row.get(column) is not None
        if column not in first or filled_in:
            continue
        kept = first[column]
        if column != part and kept is not None:
            kept = keyring.open(kept, context=f"{table}.{part}")
        if value != kept and name not in differing:
            differing.append(name)
    return differing


def _said_by_column(said: BaseModel, columns: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Each field with the column it is kept in; a nested one (a place) is kept in several."""
    for name, value in said.model_dump().items():
        if isinstance(value, dict) and name not in columns:
            yield from ((name, part, told) for part, told in cast("dict[str, Any]", value).items())
        else:
            yield name, name, value
