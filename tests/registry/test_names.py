"""Names that were kept spread over their cells before are put right by a migration."""

import importlib.util
from pathlib import Path
from typing import Any

from api.foundation.database import Database, Entry
from tests.builders import a_household, synthetic_resident
from tests.cast import TOWNSHIP, Town

VERSIONS = Path(__file__).parents[2] / "alembic/versions/cell"


async def test_names_of_before_are_put_right_once(town: Town, owner: Database):
    ming = await town.as_("ming")
    was = {"张三": "张\u3000 三", "阿依·买提": "阿依\u2022买提", "MARIA LOPEZ": "MARIA LOPEZ"}
    people = [synthetic_resident(name=right) for right in was]
    await a_household(ming, grid="t.01.01.01", residents=people)
    (path,) = VERSIONS.glob("*_names_without_spaces.py")
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    async with owner.connection(Entry.without_reach(TOWNSHIP)) as connection:
        for right, spread in was.items():
            ids = [each["id"] for each in people if each["name"] == right]
            update = "UPDATE residents SET name = $1 WHERE id::text = ANY ($2)"
            await connection.execute(update, spread, ids)
        for statement in module.UP:
            await connection.execute(statement)
    for person in people:
        kept = (await ming.get(f"/v1/residents/{person['id']}")).json()
        assert kept["name"] == person["name"]
