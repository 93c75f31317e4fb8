"""Reach is enforced by the database: the catalogue is asked for any table that is not guarded."""

import re

import asyncpg
import pytest

from api import tables
from api.foundation.database import cell_schema
from api.foundation.embedded import Addresses
from tests.cast import TOWNSHIP

FOR_ALL_OF_THE_TOWNSHIP = {
    "alembic_version",
    "alert_policies",
    "care_team_policies",
    "checkpoint_rules",
    "event_cursors",
    "health_code_systems",
    "monitoring_policies",
    "protocols",
    "retired_codes",
    "risk_areas",
    "sweeps",
    "validity_policies",
    "workload_policies",
}
"""Tables about no place and no person; one more must be argued for here."""

_GUARDED = """
    SELECT c.relname AS name, c.relrowsecurity AS secured,
        p.polname AS policy, p.polcmd::text AS command,
        pg_get_expr(p.polqual, p.polrelid) AS reading,
        pg_get_expr(p.polwithcheck, p.polrelid) AS writing,
        array(
            SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
        ) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_policy p ON p.polrelid = c.oid
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
"""
_SETTING = r"NULLIF\(current_setting\('onegrid\.%s'::text, true\), ''::text\)"
_IN_JURISDICTION = (
    rf"\(\((?:reach|path) >= {_SETTING % 'reach_from'}\)"
    rf" AND \((?:reach|path) < {_SETTING % 'reach_to'}\)\)"
)
_DUTIES = rf"\(string_to_array\({_SETTING % 'duties'}, ','::text\)\)::uuid\[\]"
_ON_DUTY = rf"\((?:id|\w+_id) = ANY \({_DUTIES}\)\)"
_IN_PERSON = rf"\(worker_id = \({_SETTING % 'worker'}\)::uuid\)"
_OWN_ON_DUTY = rf"\({_ON_DUTY} AND \(entered_by = \({_SETTING % 'worker'}\)::uuid\)\)"
"""Of a household served from elsewhere, what was told by oneself."""
_WRITTEN = re.compile(_IN_JURISDICTION)
_READABLE = re.compile(
    rf"{_IN_JURISDICTION}|\({_IN_JURISDICTION} OR {_ON_DUTY}( OR {_IN_PERSON})?\)"
    rf"|\({_IN_JURISDICTION} OR {_OWN_ON_DUTY}\)"
)
_SERVED_BELOW = re.compile(
    rf"\(\({_SETTING % 'reach_from'} >= reach\)"
    rf" AND \({_SETTING % 'reach_from'} < \(reach \|\| '/'::text\)\)\)"
)
"""What is ordered from above may be read by whoever serves below."""
_ENTERED = re.compile(rf"\({_SETTING % 'reach_from'} IS NOT NULL\)")
_EVERY_COMMAND, _READ, _ADD = "*", "r", "a"


@pytest.fixture(scope="module")
async def policies(addresses: Addresses) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(addresses.owner)
    found = await connection.fetch(_GUARDED, cell_schema(TOWNSHIP))
    await connection.close()
    return found


async def test_every_table_of_a_cell_is_guarded_or_about_no_place_and_no_person(
    policies: list[asyncpg.Record],
):
    unguarded = {row["name"] for row in policies if not row["secured"] or row["policy"] is None}
    assert unguarded == FOR_ALL_OF_THE_TOWNSHIP


async def test_a_table_with_a_reach_or_a_path_is_guarded(policies: list[asyncpg.Record]):
    placed = {row["name"] for row in policies if {"reach", "path"} & set(row["columns"])}
    assert placed.isdisjoint(FOR_ALL_OF_THE_TOWNSHIP)
    named = {table.name for table in tables.metadata.tables.values() if "reach" in table.columns}
    assert named <= placed


async def test_a_policy_compares_columns_with_settings_of_the_transaction_and_nothing_else(
    policies: list[asyncpg.Record],
):
    odd = [
        (row["name"], row["policy"], row["reading"], row["writing"])
        for row in policies
        if row["policy"] is not None and not _is_of_a_known_form(row)
    ]
    assert odd == []


def _is_of_a_known_form(row: asyncpg.Record) -> bool:
    if row["command"] == _ADD:
        # What was done is put on record wherever it was done; it can only be added.
        return bool(_ENTERED.fullmatch(row["writing"]))
    if row["policy"] == "below":
        return row["command"] == _READ and bool(_SERVED_BELOW.fullmatch(row["reading"]))
    known = row["command"] in {_EVERY_COMMAND, _READ} and _READABLE.fullmatch(row["reading"])
    return bool(known and (row["writing"] is None or _WRITTEN.fullmatch(row["writing"])))
