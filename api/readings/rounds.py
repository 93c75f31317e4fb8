"""A whole round in one call: who was normal, who was not, and who was not measured (M5.6)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

from api.access.audit import noted
from api.foundation import clock
from api.foundation.field_records import refuse_the_future
from api.foundation.problems import InvalidInput, NotFound
from api.readings import queries
from api.readings.batches import Desk, Fate, keep_all
from api.readings.judging import Sent
from api.readings.not_taken import Untaken, keep_untaken
from api.readings.round_schemas import LARGEST, Normal, RoundItem, RoundOutcome, RoundRecord
from api.readings.schemas import ReadingRecord

_SAID_FOR_ALL = ("measured_at", "window", "recorded_at", "performed_by", "source")


def id_in_round(round_id: UUID, quarantine_id: UUID) -> UUID:
    """The id of one person's reading in a round: the same round sent twice makes the same ids."""
    return UUID(bytes=uuid5(round_id, str(quarantine_id)).bytes, version=4)


async def record_round(desk: Desk, said: RoundRecord) -> RoundOutcome:
    """Keep every temperature of a round that can be kept, and tell of each what became of it.

    Raises `NotFound` for a grid out of reach, `RecordedInTheFuture`, and `InvalidInput` for more
    people than one round can have; whatever concerns one person is told in that person's item.
    """
    for name in ("recorded_at", "measured_at"):
        told = getattr(said, name)
        if told is not None:
            refuse_the_future(told, pointer=f"/body/{name}")
    sent = [*await _normal(desk, said), *_exceptional(said), *_one_by_one(said)]
    untaken = list(_untaken(said))
    if len(sent) + len(untaken) > LARGEST:
        raise InvalidInput(f"一次最多登记{LARGEST}人，请分次提交。", pointer="/body")
    fates = await keep_all(desk, sent)
    items = [_item(fate) for fate in fates]
    items += await keep_untaken(desk, said, untaken)
    outcome = RoundOutcome.of(said.id, items)
    await _note(desk, fates, outcome)
    return outcome


async def _normal(desk: Desk, said: RoundRecord) -> list[Sent]:
    """Everybody meant by “all normal”, without those of whom something else is said."""
    if said.normal is None:
        return []
    others = {each.quarantine_id for each in (*said.exceptions, *said.readings)}
    people = await _people(desk, said, said.normal)
    return [
        Sent(
            _reading(said, quarantine_id, value_c=said.normal.value_c),
            within="/body/normal",
            person=pointer,
            as_normal=True,
        )
        for quarantine_id, pointer in people
        if quarantine_id not in others
    ]


async def _people(desk: Desk, said: RoundRecord, normal: Normal) -> list[tuple[UUID, str]]:
    if normal.grid_id is None:
        named = normal.quarantine_ids or []
        return [(each, f"/body/normal/quarantine_ids/{at}") for at, each in enumerate(named)]
    pointer = "/body/normal/grid_id"
    path = await queries.path_of(desk.connection, normal.grid_id)
    if path is None:
        raise NotFound("没有找到该网格，或不在您的网格范围内。", pointer=pointer)
    at = said.measured_at or said.recorded_at or clock.now()
    found = await queries.in_grid(desk.connection, path, at=at, limit=LARGEST + 1)
    return [(each, pointer) for each in found]


def _exceptional(said: RoundRecord) -> Iterator[Sent]:
    for place, each in enumerate(said.exceptions):
        if each.value_c is not None:
            within = f"/body/exceptions/{place}"
            told = {"value_c": each.value_c, "symptoms": each.symptoms, "note": each.note}
            reading = _reading(said, each.quarantine_id, **told)
            yield Sent(reading, within, f"{within}/quarantine_id")


def _untaken(said: RoundRecord) -> Iterator[Untaken]:
    for place, each in enumerate(said.exceptions):
        if each.not_measured is not None:
            pointer = f"/body/exceptions/{place}/quarantine_id"
            identity = id_in_round(said.id, each.quarantine_id)
            yield Untaken(identity, each.quarantine_id, each.not_measured, pointer)


def _one_by_one(said: RoundRecord) -> Iterator[Sent]:
    told = {name: getattr(said, name) for name in _SAID_FOR_ALL}
    for_all = {name: value for name, value in told.items() if value is not None}
    for place, each in enumerate(said.readings):
        unsaid = {name: for_all[name] for name in for_all if getattr(each, name) is None}
        within = f"/body/readings/{place}"
        reading = each.model_copy(update=unsaid) if unsaid else each
        yield Sent(reading, within, f"{within}/quarantine_id")


def _reading(said: RoundRecord, quarantine_id: UUID, **told: Any) -> ReadingRecord:
    return ReadingRecord.model_construct(
        id=id_in_round(said.id, quarantine_id),
        quarantine_id=quarantine_id,
        method=said.method,
        site=said.site,
        **{name: getattr(said, name) for name in _SAID_FOR_ALL},
        **told,
    )


def _item(fate: Fate) -> RoundItem:
    said = fate.sent.said
    return RoundItem(
        id=said.id,
        quarantine_id=said.quarantine_id,
        outcome=fate.outcome,
        problem=fate.problem.body() if fate.problem else None,
        abnormal=fate.row["abnormal"] if fate.row else None,
        not_measured=None,
    )


async def _note(desk: Desk, fates: list[Fate], outcome: RoundOutcome) -> None:
    """One audit row for the round, where the smallest grid that holds all its people is."""
    reaches = [fate.row["reach"] for fate in fates if fate.row and "reach" in fate.row]
    if reaches and outcome.created:
        await queries.note(
            desk.connection,
            noted(desk.caller, "readings.round"),
            subject=outcome.id,
            reach=_common(reaches),
            details={"created": outcome.created, "abnormal": outcome.abnormal},
        )


def _common(reaches: list[str]) -> str:
    first, last = min(reaches).split("."), max(reaches).split(".")
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return ".".join(first[:shared])
