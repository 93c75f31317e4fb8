"""Events that name a household book: its number is a family's, and tells of nobody."""

import importlib.util
from pathlib import Path
from typing import Any

import asyncpg

from api.foundation.sealed import Keyring
from api.settings import Settings
from tests.builders import synthetic_resident
from tests.cast import Town
from tests.inbound.events import a_change, fates, send
from tests.inbound.test_changes import CODES, PATH, codes_of, resident
from tests.machines import a_machine

VERSIONS = Path(__file__).parents[2] / "alembic/versions/cell"


def _book(number: str) -> dict[str, Any]:
    return {"document_kind": "household_book", "document": number}


async def test_an_event_by_the_number_of_a_book_finds_only_who_else_it_names(town: Town):
    mother = await resident(town)
    named = {"phone": mother["phone"], "name": mother["name"]}
    own = {"document": mother["document"]}
    told = [_book("100012345"), _book("100012345") | named, _book("1") | own]
    async with await a_machine(town, CODES) as machine:
        said = await send(machine, PATH, [a_change(mother, "yellow", **each) for each in told])
    assert fates(said)[0] == "refused"
    refused = said["items"][0]["problem"]
    assert refused["type"] == "/problems/number-of-a-family"
    assert refused["errors"][0]["pointer"] == "/body/items/0/document"
    assert len(await codes_of(town, mother)) == 2


async def test_who_was_found_by_a_book_before_is_not_any_more(
    town: Town, owner: asyncpg.Connection, settings: Settings
):
    keyring = Keyring.parse(
        settings.sealing_keys.get_secret_value(), settings.lookup_key.get_secret_value()
    )
    own = synthetic_resident()["document"]
    child, baby = await resident(town, **_book("100067890")), await resident(town, **_book(own))
    hashed = keyring.lookup("100067890", context="document")
    was = "UPDATE residents SET document_lookup = $1 WHERE id::text = $2"
    await owner.execute(was, hashed, child["id"])
    (path,) = VERSIONS.glob("*_books_find_nobody.py")
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for statement in module.UP:
        await owner.execute(statement)
    found = "SELECT id::text FROM residents WHERE document_lookup = ANY ($1)"
    hashes = [hashed, keyring.lookup(own, context="document")]
    assert await owner.fetch(found, hashes) == [(baby["id"],)]
