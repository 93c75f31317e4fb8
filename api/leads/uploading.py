"""A sheet of leads uploaded: read, tried out or kept, and told row by row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from fastapi import Depends, File, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.patience import in_turns
from api.foundation.records import ItemOutcome, Outcome
from api.leads.cells import text_of
from api.leads.headings import Heading, find_heading
from api.leads.lead_rows import Reading, Wrong, is_no_lead, letter, read_row, shown_wrong
from api.leads.models import Lead, LeadBatch
from api.leads.places import places_below
from api.leads.problems import SheetNotRead
from api.leads.queries import standing_batch
from api.leads.receiving import receive_leads
from api.leads.schemas import LeadRecord
from api.leads.sheets import Sheet, Workbook, read_workbook
from api.leads.upload_shown import CellError, ColumnRead, LeadsUploaded, RowOutcome, RowRead


async def uploaded(
    file: Annotated[UploadFile, File(description="Excel（.xlsx、.xls）或 CSV（UTF-8、GBK）表格")],
) -> Workbook:
    """The file of the request, read before its transaction begins; raises `SheetNotRead`."""
    return await read_workbook(await file.read())


Uploaded = Annotated[Workbook, Depends(uploaded)]


@dataclass(slots=True)
class _Rows:
    """The rows of a sheet below its heading, by number: leads, what is wrong, what is none."""

    leads: dict[int, LeadRecord] = field(default_factory=dict[int, LeadRecord])
    wrong: dict[int, list[Wrong]] = field(default_factory=dict[int, list[Wrong]])
    ignored: list[int] = field(default_factory=list[int])


class Asked(NamedTuple):
    """Which sheet of a file is to be read, None for the first of people, and whether for good."""

    sheet: str | None
    dry_run: bool


async def upload_leads(
    session: AsyncSession, caller: Claims, batch_id: UUID, workbook: Workbook, asked: Asked
) -> LeadsUploaded:
    """Receive the leads of a sheet, each row for itself; tried out, everything is undone again.

    A row is known by what it says: the same sheet again changes nothing, wherever its rows stand.
    Raises `NotFound`, `LeadBatchDiscarded` for the batch, `SheetNotRead` where nobody is told of.
    """
    batch = await standing_batch(session, batch_id)
    sheet, heading = _chosen(workbook, asked.sheet)
    async with session.begin_nested() as trial:
        rows = await _read(session, batch, sheet, heading)
        outcome = await receive_leads(session, caller, batch_id, list(rows.leads.values()))
        outcomes = dict(zip(rows.leads, outcome.items, strict=True))
        told = await _told(session, heading, rows, outcomes)
        if asked.dry_run:
            await trial.rollback()
    count = Counter(row.outcome.value for row in told)
    return LeadsUploaded(
        dry_run=asked.dry_run,
        sheet=sheet.name,
        other_sheets=[each.name for each in workbook.sheets if each is not sheet] + workbook.hidden,
        columns=_columns(heading),
        **{kind.value: count[kind.value] for kind in RowOutcome},
        rows=told,
    )


def _chosen(workbook: Workbook, named: str | None) -> tuple[Sheet, Heading]:
    """The visible sheet of that name, or else the first that tells of people."""
    sheets = [each for each in workbook.sheets if named is None or each.name.strip() == named]
    if not sheets:
        there = "、".join(each.name for each in workbook.sheets)
        detail = f"文件中没有名为“{named}”的工作表，可读取的有：{there}。"
        raise SheetNotRead(detail, pointer="/query/sheet")
    for sheet in sheets:
        heading = find_heading(sheet.rows)
        if heading is not None:
            return sheet, heading
    raise SheetNotRead("没有找到表头，表头中至少要有姓名、电话、证件号码之一，可先下载模板。")


async def _read(session: AsyncSession, batch: LeadBatch, sheet: Sheet, heading: Heading) -> _Rows:
    places = await places_below(session, batch.reach)
    reading = Reading(heading, places, clock.local_day(batch.issued_at))
    rows = _Rows()
    async for at, row in in_turns(enumerate(sheet.rows[heading.first :])):
        number = heading.first + at + 1
        if not any(map(text_of, row)):
            continue
        if is_no_lead(reading, row, directly_below=at == 0):
            rows.ignored.append(number)
            continue
        found = read_row(reading, row, number=number)
        if isinstance(found, LeadRecord):
            rows.leads[number] = _named(session, batch, found)
        else:
            rows.wrong[number] = found
    await _as_before(session, rows)
    return rows


def _named(session: AsyncSession, batch: LeadBatch, said: LeadRecord) -> LeadRecord:
    """The lead under the id that its batch and its words give, by a hash that only we can make."""
    words = said.model_dump(mode="json", exclude={"id", "row_number"}, exclude_none=True)
    plain = orjson.dumps([str(batch.id), words], option=orjson.OPT_SORT_KEYS).decode()
    digest = keyring_of(session).lookup(plain, context="leads.row")
    # Of a form that a record's id has, so that the lead can be named like any other.
    return said.model_copy(update={"id": UUID(bytes=digest[:16], version=4)})


async def _as_before(session: AsyncSession, rows: _Rows) -> None:
    """Leave leads that are kept already at the row in which they first stood."""
    ids = {said.id for said in rows.leads.values()}
    statement = select(col(Lead.id), col(Lead.row_number)).where(col(Lead.id).in_(ids))
    first: dict[UUID, int | None] = {}
    for number, said in rows.leads.items():
        first.setdefault(said.id, number)
    first |= {row[0]: row[1] for row in await session.execute(statement)}
    for number, said in rows.leads.items():
        rows.leads[number] = said.model_copy(update={"row_number": first[said.id]})


def _columns(heading: Heading) -> list[ColumnRead]:
    return [
        ColumnRead(column=letter(at), title=title, field=heading.fields.get(at))
        for at, title in sorted(heading.titles.items())
    ]


async def _told(
    session: AsyncSession, heading: Heading, rows: _Rows, outcomes: Mapping[int, ItemOutcome]
) -> list[RowRead]:
    """What became of each row, in the order of the sheet."""
    ids = {each.id for each in outcomes.values() if each.outcome is not Outcome.refused}
    found = await session.scalars(select(Lead).where(col(Lead.id).in_(ids)))
    leads = {lead.id: lead for lead in found}
    told = {number: _ignored(number) for number in rows.ignored}
    for number, wrong in rows.wrong.items():
        told[number] = _refused(number, [shown_wrong(heading, each) for each in wrong])
    first: dict[UUID, int] = {}
    for number, outcome in outcomes.items():
        before = first.setdefault(outcome.id, number)
        same = before if before != number else None
        told[number] = _kept(number, outcome, leads.get(outcome.id), same)
    return [told[number] for number in sorted(told)]


_OF_LEAD = {
    "resident_id",
    "matched_how",
    "grid_id",
    "assigned_how",
    "duplicate_of_id",
    "duplicate",
}
_TAKEN_BACK = "该条线索此前已作废，没有恢复；确需恢复的，请另行逐条填入。"
_NOTHING: dict[str, Any] = dict.fromkeys(RowRead.model_fields)


def _ignored(number: int) -> RowRead:
    return _row(number, RowOutcome.ignored, [])


def _refused(number: int, errors: Sequence[CellError]) -> RowRead:
    return _row(number, RowOutcome.refused, errors)


def _kept(number: int, outcome: ItemOutcome, lead: Lead | None, same: int | None) -> RowRead:
    if lead is None:
        return _refused(number, _whole_row(outcome.problem or {}))
    if lead.discarded_at is not None:
        return _refused(number, [CellError(column=None, title=None, detail=_TAKEN_BACK)])
    told = lead.model_dump(include=_OF_LEAD)
    row = _row(number, RowOutcome(outcome.outcome.value), [])
    return row.model_copy(update={**told, "lead_id": lead.id, "same_as_row": same})


def _row(number: int, outcome: RowOutcome, errors: Sequence[CellError]) -> RowRead:
    told = {"row": number, "outcome": outcome, "errors": list(errors)}
    return RowRead.model_validate({**_NOTHING, **told})


def _whole_row(problem: Mapping[str, Any]) -> list[CellError]:
    """What the problem says of a row that could be read, and was not kept all the same."""
    found: list[dict[str, str]] = problem.get("errors") or [dict(problem)]
    return [CellError(column=None, title=None, detail=each["detail"]) for each in found]
