"""The audit record: read by those above, within their reach, never changed."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from api.access.audit import audit
from api.access.caller import entry_of
from api.foundation import clock
from api.foundation.problems import InvalidInput, NotPermitted, NotSignedIn, OutsideYourGrid
from tests.cast import Town, assert_problem, id_of


@pytest.fixture(scope="module")
async def noted(town: Town) -> None:
    """Ming noted three things in the own grid, Han one in the other village."""
    for name, reach, times in (("ming", "t.01.01.01", 3), ("han", "t.01.02.01", 1)):
        claims = town.app.state.keys.tokens.read(await town.token_of(name))
        async with town.database.session(entry_of(claims, writing=True)) as session:
            for nth in range(times):
                subject = id_of(f"{name} {nth}")
                audit(session, claims, "visits.record", subject=subject, reach=reach)


async def test_nobody_reads_the_audit_record_without_permission(town: Town, noted: None):
    assert_problem(await town.nobody().get("/v1/audit-entries"), NotSignedIn)
    assert_problem(await (await town.as_("ming")).get("/v1/audit-entries"), NotPermitted)
    assert_problem(await (await town.as_("lin")).get("/v1/audit-entries"), NotPermitted)


async def test_another_township_has_another_record(town: Town, noted: None):
    answer = await (await town.as_("bai")).get("/v1/audit-entries")
    assert answer.json() == {"items": [], "next_cursor": None}


async def test_the_secretary_reads_the_newest_first_page_by_page(town: Town, noted: None):
    zhou = await town.as_("zhou")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (
            await zhou.get(
                "/v1/audit-entries", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
            )
        ).json()
        seen += [entry["subject_id"] for entry in page["items"]]
        cursor = page["next_cursor"]
    expected = ["han 0", "ming 2", "ming 1", "ming 0"]
    assert seen == [str(id_of(name)) for name in expected]


async def test_entries_are_found_by_person_subject_and_local_day(town: Town, noted: None):
    zhou = await town.as_("zhou")

    async def count(**wanted: str) -> int:
        answer = await zhou.get("/v1/audit-entries", params=wanted)
        assert answer.status_code == 200, answer.text
        return len(answer.json()["items"])

    today = clock.today()
    assert await count(worker_id=str(id_of("ming"))) == 3
    assert await count(subject_id=str(id_of("ming 1"))) == 1
    assert await count(worker_id=str(id_of("han")), subject_id=str(id_of("ming 1"))) == 0
    assert await count(day=str(today)) == 4
    assert await count(day=str(today - timedelta(days=1))) == 0


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("day=2022-02-30", "/query/day"),
        ("worker_id=1%20OR%201=1", "/query/worker_id"),
        ("cursor=abc", "/query/cursor"),
        ("limit=0", "/query/limit"),
    ],
)
async def test_a_filter_that_is_none_is_told_where(town: Town, query: str, pointer: str):
    answer = await (await town.as_("zhou")).get(f"/v1/audit-entries?{query}")
    problem = assert_problem(answer, InvalidInput)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


@pytest.mark.parametrize(
    "verb", ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"]
)
async def test_the_service_itself_cannot_change_what_was_noted(town: Town, verb: str):
    claims = town.app.state.keys.tokens.read(await town.token_of("gu"))
    with pytest.raises(OutsideYourGrid):
        async with town.database.session(entry_of(claims, writing=True)) as session:
            await session.execute(text(verb))
