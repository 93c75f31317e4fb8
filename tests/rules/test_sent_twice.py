"""A record sent twice is one record, whoever sends it, at whatever moment, by whatever clock."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.foundation import clock
from api.foundation.field_records import CLOCK_SKEW, RecordedInTheFuture
from api.foundation.problems import RecordDiffers
from tests.cast import Town, assert_problem
from tests.rules.operations import Operation
from tests.rules.records import MAKERS, Sending, a_sending

TROUBLE = "𠮷'); DROP TABLE residents; --%s{0}$1\"\\"
TRIED_AT_HOME = {
    "feed_back_batch",
    "record_dose_at_site",
    "record_tube_at_site",
    "register_machine_client",
}
"""A secret is shown only once, a feedback says nothing but its id, and whom somebody looked up at a
site no other can tell of: their rooms try them."""
TEXTS = ("name", "title", "note", "findings", "address", "legal_basis", "destination")
INSTANTS = (
    "recorded_at",
    "visited_at",
    "measured_at",
    "since_at",
    "sampled_at",
    "reported_at",
    "called_at",
    "checked_at",
    "arrived_at",
    "left_at",
)


def _members(contract: list[Operation], name: str) -> dict[str, Any]:
    body = next(each for each in contract if each.name == name).body
    assert body is not None
    return body["properties"]


async def _at_once(
    town: Town, sending: Sending, *bodies: dict[str, Any]
) -> tuple[list[int], list[httpx.Response]]:
    """The bodies sent by two people over two connections in the same moment."""
    gu, zhou = await town.as_("gu"), await town.as_("zhou")
    answers = await asyncio.gather(
        *(
            client.post(sending.path, json=body)
            for client, body in zip((gu, zhou), bodies, strict=True)
        )
    )
    answers = sorted(answers, key=lambda answer: answer.status_code)
    return [answer.status_code for answer in answers], answers


async def test_every_operation_that_keeps_a_record_is_tried_here(contract: list[Operation]):
    assert {each.name for each in contract if each.creates} == MAKERS.keys() | TRIED_AT_HOME


@pytest.mark.parametrize("name", MAKERS)
async def test_the_same_body_twice_at_the_same_moment_is_one_record(town: Town, name: str):
    sending = await a_sending(town, name)
    statuses, (again, new) = await _at_once(town, sending, sending.body, sending.body)
    assert statuses == [200, 201], (again.text, new.text)
    assert again.json()["id"] == new.json()["id"] == sending.body["id"]
    assert again.headers["location"] == new.headers["location"]
    late = await (await town.as_("gu")).post(sending.path, json=sending.body)
    assert (late.status_code, late.json()) == (200, new.json())


@pytest.mark.parametrize("name", MAKERS)
async def test_another_body_under_the_same_id_at_the_same_moment_is_refused(town: Town, name: str):
    sending = await a_sending(town, name)
    statuses, (kept, refused) = await _at_once(town, sending, sending.body, sending.another)
    assert statuses[0] == 201, (kept.text, refused.text)
    fields = assert_problem(refused, RecordDiffers)["fields"]
    assert fields == list(sending.change)


@pytest.mark.parametrize("name", MAKERS)
async def test_an_id_used_out_of_reach_is_refused_without_telling_of_what(town: Town, name: str):
    """Wei, of the next village, sends the same record: what it names is not found there."""
    sending = await a_sending(town, name)
    kept = await (await town.as_("gu")).post(sending.path, json=sending.body)
    assert kept.status_code == 201, kept.text
    refused = await (await town.as_("wei")).post(sending.path, json=sending.body)
    assert refused.status_code in (403, 404), refused.text
    assert sending.body["id"] not in refused.text


@pytest.mark.parametrize("name", MAKERS)
async def test_a_phone_may_run_five_minutes_ahead_and_no_more(
    town: Town, contract: list[Operation], name: str
):
    gu = await town.as_("gu")
    for told in _members(contract, name).keys() & {*INSTANTS}:
        sending = await a_sending(town, name)
        ahead = clock.now() + CLOCK_SKEW + timedelta(seconds=60)
        refused = await gu.post(sending.path, json=sending.body | {told: ahead.isoformat()})
        problem = assert_problem(refused, RecordedInTheFuture)
        assert [each["pointer"] for each in problem["errors"]] == [f"/body/{told}"]
        within = clock.now() + CLOCK_SKEW - timedelta(seconds=60)
        kept = await gu.post(sending.path, json=sending.body | {told: within.isoformat()})
        assert kept.status_code == 201, (told, kept.text)


@pytest.mark.parametrize("name", MAKERS)
async def test_rare_characters_and_sql_are_only_text(
    town: Town, contract: list[Operation], name: str
):
    sending = await a_sending(town, name)
    texts = dict.fromkeys(_members(contract, name).keys() & {*TEXTS}, TROUBLE)
    kept = await (await town.as_("gu")).post(sending.path, json=sending.body | texts)
    assert kept.status_code == 201, kept.text
    for text in texts:
        shown = kept.json().get(text)
        assert shown in (TROUBLE, None) or "*" in shown, (text, shown)
    again = await (await town.as_("gu")).post(sending.path, json=sending.body | texts)
    assert again.status_code == 200, again.text
