"""Finding out who an arrival is: a resident who is known, or somebody to be registered."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.tokens import Claims
from api.arrivals.coming_schemas import ArrivalVerification, NewResident
from api.arrivals.models import Arrival, ArrivalStatus
from api.arrivals.problems import RegisteredElsewhere
from api.arrivals.queries import arrival_of, locked
from api.arrivals.same_person import refuse_another
from api.arrivals.schemas import Candidate, Candidates
from api.arrivals.steps import note, refuse_standing
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.problems import InvalidInput
from api.registry.masked import masked_resident, opened
from api.registry.models import Resident
from api.registry.problems import ResidentAlreadyRegistered
from api.registry.queries import resident_of
from api.registry.resident_schemas import ResidentCorrect, ResidentRecord
from api.registry.residents import correct_resident, register_resident

_MOST_CANDIDATES = 20


class _Likeness(NamedTuple):
    """What an arrival and a resident have in common, the strongest first."""

    same_document: bool
    same_phone: bool
    same_name: bool
    same_household: bool

    @property
    def told(self) -> list[str]:
        labels = ("证件号相同", "电话相同", "姓名相同", "登记在所到的户")
        return [label for label, same in zip(labels, self, strict=True) if same]


async def candidates(session: AsyncSession, arrival_id: UUID) -> Candidates:
    """The residents in reach who it may be, each with why: by document, by phone, by name there.

    Raises `NotFound`.
    """
    arrival = await arrival_of(session, arrival_id)
    found = [(_likeness(arrival, each), each) for each in await _alike(session, arrival)]
    found.sort(key=lambda pair: (*(not same for same in pair[0]), str(pair[1].id)))
    return Candidates(
        items=[_candidate(session, resident, likeness) for likeness, resident in found]
    )


async def _alike(session: AsyncSession, arrival: Arrival) -> Sequence[Resident]:
    at_home = col(Resident.household_id) == arrival.household_id
    alike = [
        at_home & (col(Resident.name) == arrival.name),
        col(Resident.id) == arrival.resident_id,
    ]
    for name in ("document_lookup", "phone_lookup"):
        sought = getattr(arrival, name)
        if sought is not None:
            alike.append(col(getattr(Resident, name)) == sought)
    statement = select(Resident).where(col(Resident.discarded_at).is_(None), or_(*alike))
    ordered = statement.order_by(col(Resident.id)).limit(_MOST_CANDIDATES)
    return (await session.scalars(ordered)).all()


def _likeness(arrival: Arrival, resident: Resident) -> _Likeness:
    def same(name: str) -> bool:
        told = getattr(arrival, name)
        return told is not None and told == getattr(resident, name)

    return _Likeness(*(same(name) for name in _COMPARED))


_COMPARED = ("document_lookup", "phone_lookup", "name", "household_id")


def _candidate(session: AsyncSession, resident: Resident, likeness: _Likeness) -> Candidate:
    shown = masked_resident(session, resident)
    told = shown.model_dump(include=set(Candidate.model_fields))
    return Candidate(**told, resident_id=resident.id, because=likeness.told)


async def verify(
    session: AsyncSession, caller: Claims, arrival_id: UUID, said: ArrivalVerification
) -> Arrival:
    """Somebody has met them and says who it is; sent twice, done once.

    Who had left the place lives there again, and the register learns a document or phone number
    that it did not know. Raises `NotFound`, `ArrivalNotSo`, `InvalidInput`,
    `RegisteredElsewhere`, `DocumentsDiffer`, `ResidentAlreadyRegistered`, `AlreadyAnArrival`,
    `HouseholdLeft`.
    """
    arrival, who = await locked(session, arrival_id), _named(said)
    if arrival.verified_at is not None and arrival.resident_id == who:
        return arrival
    refuse_standing(arrival, ArrivalStatus.arrived)
    resident = await _resident(session, caller, arrival, said)
    changes = {
        "status": ArrivalStatus.verified,
        "resident_id": resident.id,
        "sex": arrival.sex or resident.sex,
        "birth_date": arrival.birth_date or resident.birth_date,
        "verified_at": clock.now(),
        "verified_by": caller.worker,
        "registered_anew": said.register_as is not None,
    }
    await correct(session, arrival, changes, Correction(arrival.version, by=caller.worker))
    arrival.learnt_version = await _let_learn(session, caller, arrival, resident)
    await note(session, caller, "arrivals.verify", arrival)
    return arrival


def _named(said: ArrivalVerification) -> UUID:
    """Who it is said to be, known or new; raises `InvalidInput` unless it is one of the two."""
    named = [said.resident_id, said.register_as and said.register_as.id]
    known = [each for each in named if each is not None]
    if len(known) != 1:
        detail = "请选择该户的居民，或登记为新居民，二者选一。"
        raise InvalidInput(detail, pointer="/body/resident_id")
    return known[0]


async def _resident(
    session: AsyncSession, caller: Claims, arrival: Arrival, said: ArrivalVerification
) -> Resident:
    if said.register_as is not None:
        return await _registered(session, caller, arrival, said.register_as)
    assert said.resident_id is not None  # noqa: S101 - one of the two was told
    resident = await resident_of(session, said.resident_id, pointer="/body/resident_id")
    if resident.household_id != arrival.household_id:
        home = str(resident.household_id)
        raise RegisteredElsewhere(pointer="/body/resident_id", household_id=home)
    if resident.died:
        detail = "该居民已登记为去世，请核对是谁；登记有误的，请先更正。"
        raise InvalidInput(detail, pointer="/body/resident_id")
    refuse_another(arrival, resident, pointer="/body/resident_id")
    return resident


async def _let_learn(
    session: AsyncSession, caller: Claims, arrival: Arrival, resident: Resident
) -> int | None:
    """The version of the resident that this makes; None where there was nothing to learn."""
    learnt = _learnt(session, arrival, resident)
    if not learnt:
        return None
    put_right = ResidentCorrect.model_validate(learnt | {"reason": "返（来）乡核实"})
    with _held_by_another("/body/resident_id"):
        await correct_resident(session, caller, resident.id, put_right, resident.version)
    return resident.version


def _learnt(session: AsyncSession, arrival: Arrival, resident: Resident) -> dict[str, Any]:
    """What the register did not know: that they are back, and a document or number they told."""
    keyring, learnt = keyring_of(session), dict[str, Any]()
    if resident.left_on is not None:
        learnt["left_on"] = None
    if resident.document_lookup is None and arrival.document_lookup is not None:
        learnt["document_kind"] = arrival.document_kind
        document = arrival.document_sealed
        learnt["document"] = opened(keyring, document, context="arrivals.document")
    if resident.phone_lookup is None and arrival.phone_lookup is not None:
        learnt["phone"] = opened(keyring, arrival.phone_sealed, context="arrivals.phone")
    return learnt


@contextmanager
def _held_by_another(pointer: str) -> Generator[None]:
    """Let the refusal of a document that another resident has point at who was said to be it."""
    try:
        yield
    except ResidentAlreadyRegistered as refusal:
        holder: str = refusal.members["resident_id"]
        raise ResidentAlreadyRegistered(refusal.said, pointer=pointer, resident_id=holder) from None


async def _registered(
    session: AsyncSession, caller: Claims, arrival: Arrival, new: NewResident
) -> Resident:
    """A resident registered by what the arrival told, by the registry's own verb."""
    keyring = keyring_of(session)
    told = {
        **new.model_dump(),
        "document": opened(keyring, arrival.document_sealed, context="arrivals.document"),
        "phone": opened(keyring, arrival.phone_sealed, context="arrivals.phone"),
        **arrival.model_dump(include={"name", "document_kind", "sex", "birth_date"}),
    }
    record = ResidentRecord.model_validate(told)
    with _held_by_another("/body/register_as"):
        return (await register_resident(session, caller, arrival.household_id, record))[0]
