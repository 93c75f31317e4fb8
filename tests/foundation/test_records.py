"""Records sent twice, at once, late and with mistakes, over two real connections."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.caller import entry_of
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, Revision, correct
from api.foundation.field_records import (
    CLOCK_SKEW,
    FromTheField,
    RecordedInTheFuture,
    fill_in,
    refuse_the_future,
)
from api.foundation.problems import RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import (
    Outcome,
    Proposal,
    Source,
    create_all,
    create_once,
    if_match,
    new_id,
)
from api.visits.models import Visit, VisitOutcome
from api.visits.schemas import VisitRecord
from api.visits.service import propose, survey
from tests.builders import a_household, visit_body
from tests.cast import Town, id_of


@pytest.fixture(scope="module")
async def ming(town: Town) -> Claims:
    return town.app.state.keys.tokens.read(await town.token_of("ming"))


@pytest.fixture(scope="module")
async def home(town: Town) -> dict[str, Any]:
    return await a_household(await town.as_("ming"), grid="t.01.01.01")


@asynccontextmanager
async def writing(town: Town, caller: Claims) -> AsyncGenerator[AsyncSession]:
    async with town.database.session(entry_of(caller, writing=True)) as session:
        yield session


def said_of(home: dict[str, Any], **told: Any) -> VisitRecord:
    return VisitRecord.model_validate(visit_body(home, **told))


async def proposal_of(session: AsyncSession, caller: Claims, said: VisitRecord) -> Proposal[Visit]:
    return propose(await survey(session, caller, [said]), caller, said, within="/body")


async def keep(town: Town, caller: Claims, said: VisitRecord) -> tuple[Visit, bool]:
    async with writing(town, caller) as session:
        return await create_once(session, await proposal_of(session, caller, said))


async def test_the_second_of_two_at_once_waits_and_finds_the_first(
    town: Town, ming: Claims, home: dict[str, Any]
):
    said = said_of(home, findings="在家")
    async with writing(town, ming) as session:
        first = await create_once(session, await proposal_of(session, ming, said))
        second = asyncio.create_task(keep(town, ming, said))
        await asyncio.sleep(0.1)
        assert not second.done()
    kept, new = await second
    assert (first[1], new) == (True, False)
    assert kept.id == first[0].id


async def test_another_body_under_the_same_id_at_once_is_told_by_its_fields(
    town: Town, ming: Claims, home: dict[str, Any]
):
    said = said_of(home, outcome="met")
    other = said.model_copy(update={"outcome": VisitOutcome.refused})
    async with writing(town, ming) as session:
        await create_once(session, await proposal_of(session, ming, said))
        second = asyncio.create_task(keep(town, ming, other))
        await asyncio.sleep(0.1)
    with pytest.raises(RecordDiffers) as differs:
        await second
    assert differs.value.members["fields"] == ["outcome"]


async def test_the_second_is_new_when_the_first_is_taken_back(
    town: Town, ming: Claims, home: dict[str, Any]
):
    said = said_of(home)
    second: asyncio.Task[tuple[Visit, bool]] | None = None
    with pytest.raises(ZeroDivisionError):
        async with writing(town, ming) as session:
            await create_once(session, await proposal_of(session, ming, said))
            second = asyncio.create_task(keep(town, ming, said))
            await asyncio.sleep(0.1)
            raise ZeroDivisionError
    assert second is not None
    assert (await second)[1]


async def test_what_the_service_filled_in_may_be_left_out_or_null_in_the_repeat(
    town: Town, ming: Claims, home: dict[str, Any]
):
    said = said_of(home)
    assert (await keep(town, ming, said))[1]
    assert not (await keep(town, ming, said))[1]
    empty = {"recorded_at": None, "performed_by": None, "source": None}
    body = said.model_dump(exclude_unset=True) | empty
    assert not (await keep(town, ming, VisitRecord.model_validate(body)))[1]


async def test_what_was_told_first_may_not_be_left_out_in_the_repeat(
    town: Town, ming: Claims, home: dict[str, Any]
):
    body = visit_body(home, findings="在家", source="paper", performed_by=str(id_of("pang")))
    await keep(town, ming, VisitRecord.model_validate(body))
    del body["findings"]
    with pytest.raises(RecordDiffers) as differs:
        await keep(town, ming, VisitRecord.model_validate(body))
    assert differs.value.members["fields"] == ["findings"]


async def test_a_correction_keeps_what_was_said_before_and_a_late_retry_compares_with_that(
    town: Town, ming: Claims, home: dict[str, Any]
):
    said = said_of(
        home,
        outcome="absent",
        findings="无人",
        place={"latitude": 22.1372, "longitude": 107.0689, "datum": "gcj02", "accuracy_m": 3.5},
    )
    visit, _ = await keep(town, ming, said)
    async with writing(town, ming) as session:
        row = await session.get_one(Visit, visit.id)
        for version, outcome in ((1, VisitOutcome.refused), (2, VisitOutcome.met)):
            changes = {"outcome": outcome, "findings_sealed": None, "latitude": 22.5}
            correction = Correction(version, by=ming.worker, reason="更正")
            await correct(session, row, changes, correction)
    async with writing(town, ming) as session:
        kept, new = await create_once(session, await proposal_of(session, ming, said))
        assert (new, kept.version, kept.outcome) == (False, 3, VisitOutcome.met)
        former = select(Revision).where(col(Revision.record_id) == visit.id)
        revisions = (await session.scalars(former.order_by(col(Revision.version)))).all()
        assert [(each.version, each.body["outcome"]) for each in revisions] == [
            (1, "absent"),
            (2, "refused"),
        ]
        assert {(each.replaced_by, each.reason) for each in revisions} == {(ming.worker, "更正")}
    with pytest.raises(RecordDiffers) as differs:
        await keep(town, ming, said.model_copy(update={"outcome": VisitOutcome.met}))
    assert differs.value.members["fields"] == ["outcome"]


async def test_a_correction_of_an_older_version_is_refused_and_changes_nothing(
    town: Town, ming: Claims, home: dict[str, Any]
):
    visit, _ = await keep(town, ming, said_of(home))
    with pytest.raises(VersionMismatch) as stale:
        async with writing(town, ming) as session:
            row = await session.get_one(Visit, visit.id)
            changes = {"outcome": VisitOutcome.refused}
            await correct(session, row, changes, Correction(2, by=ming.worker))
    assert stale.value.members["version"] == 1
    async with writing(town, ming) as session:
        assert (await session.get_one(Visit, visit.id)).outcome is VisitOutcome.met


async def test_an_item_that_the_database_refuses_costs_the_others_nothing(
    town: Town, ming: Claims, home: dict[str, Any]
):
    sayings = [said_of(home) for _ in range(3)]
    async with writing(town, ming) as session:
        proposals = [await proposal_of(session, ming, said) for said in sayings]
        proposals[1].row.household_id = new_id()
        outcomes = await create_all(session, proposals)
    assert [each.outcome for each in outcomes] == [
        Outcome.created,
        Outcome.refused,
        Outcome.created,
    ]
    assert outcomes[1].problem is not None
    assert outcomes[1].problem["type"] == "/problems/conflict"
    async with writing(town, ming) as session:
        kept = select(Visit).where(col(Visit.id).in_([said.id for said in sayings]))
        assert len((await session.scalars(kept)).all()) == 2


async def test_an_empty_batch_keeps_nothing(town: Town, ming: Claims):
    async with writing(town, ming) as session:
        assert await create_all(session, []) == []


async def test_the_clock_of_a_phone_may_run_ahead_by_the_skew_and_no_further():
    ahead = FromTheField(id=new_id(), recorded_at=clock.now() + CLOCK_SKEW / 2)
    filled = fill_in(ahead, entered_by=id_of("ming"), source=Source.visit)
    assert filled["recorded_at"] == ahead.recorded_at
    far = FromTheField(id=new_id(), recorded_at=clock.now() + CLOCK_SKEW + timedelta(seconds=9))
    with pytest.raises(RecordedInTheFuture) as told:
        fill_in(far, entered_by=id_of("ming"), source=Source.visit, within="/body/items/3")
    assert told.value.members["errors"][0]["pointer"] == "/body/items/3/recorded_at"
    refuse_the_future(clock.now() - timedelta(days=900), pointer="/body/visited_at")


async def test_what_is_not_told_is_filled_in():
    filled = fill_in(FromTheField(id=new_id()), entered_by=id_of("ming"), source=Source.phone)
    assert filled["performed_by"] == filled["entered_by"] == id_of("ming")
    assert filled["recorded_at"] == filled["received_at"]
    assert (filled["version"], filled["source"], filled["discarded_at"]) == (1, "phone", None)


@pytest.mark.parametrize(
    ("header", "version"), [('"3"', 3), ('W/"3"', 3), ("3", 3), (' "12" ', 12)]
)
async def test_the_version_is_read_from_if_match(header: str, version: int):
    assert await if_match(header) == version


@pytest.mark.parametrize("header", [None, "", "*", '"x"', '"-1"', '"²"', '"9999999999"'])
async def test_a_header_that_names_no_version_is_no_version(header: str | None):
    with pytest.raises(VersionMissing):
        await if_match(header)


async def test_records_of_two_kinds_that_share_an_id_each_keep_their_own_history(town: Town):
    lin = await town.as_("lin")
    home = await a_household(lin, grid="t.01.01.01")
    visit = visit_body(home, id=home["id"])
    assert (await lin.post("/v1/visits", json=visit)).status_code == 201
    for url, change in (
        (f"/v1/households/{home['id']}", {"name": "改名户"}),
        (f"/v1/visits/{home['id']}", {"outcome": "refused", "reason": "当时听错"}),
    ):
        told = await lin.patch(url, json=change, headers={"If-Match": '"1"'})
        assert told.status_code == 200, told.text
    history = (await lin.get(f"/v1/visits/{home['id']}/history")).json()
    assert len(history["items"]) == 1
    assert (await lin.post("/v1/visits", json=visit)).status_code == 200
