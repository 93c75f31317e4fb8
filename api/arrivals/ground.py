"""What arrivals stand on, read at once for all of them: households, residents, list and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.arrivals.classification import Area, Classified, areas_of, classify, listed
from api.arrivals.coming_schemas import ArrivalRecord
from api.arrivals.models import PRESENT, Arrival
from api.arrivals.problems import AlreadyAnArrival, RegisteredElsewhere
from api.arrivals.reclassification import areas, comes_on, stays_of
from api.arrivals.rules import Rules, driver_of, keep_list, rules_of
from api.foundation.database import keyring_of
from api.foundation.identity import document_lookup
from api.foundation.problems import NotFound
from api.foundation.sealed import Keyring
from api.registry.models import Household, Resident
from api.registry.problems import HouseholdLeft


class Sent(NamedTuple):
    """An arrival as it was sent, and where in the body it stands."""

    said: ArrivalRecord
    within: str = "/body"


@dataclass(frozen=True, slots=True)
class Law:
    """The list of risk areas and the rules in force: all that an arrival is classed by."""

    rules: Rules
    by_prefix: Mapping[str, list[Area]]

    def classify(self, arrival: Arrival) -> Classified:
        """How an arrival is classed by where it was and when it comes."""
        stays, day = stays_of(arrival.stays), comes_on(arrival)
        look_back = self.rules.on(day).look_back_days
        return classify(stays, areas_of(stays, self.by_prefix), look_back, day)


async def law_of(session: AsyncSession, caller: Claims) -> Law:
    """The list and the rules as they are now, in two statements."""
    connection = await driver_of(session)
    rules = await rules_of(connection, caller.cell)
    return Law(rules, listed(await areas(connection)))


@dataclass(frozen=True, slots=True)
class Ground:
    """Who records, with which keys, and all that what is sent refers to."""

    caller: Claims
    keyring: Keyring
    law: Law
    households: Mapping[UUID, Household]
    residents: Mapping[UUID, Resident]
    known: set[UUID]
    present: dict[UUID | bytes, UUID]
    strangers: set[UUID]

    def household(self, sent: Sent) -> Household:
        """Where somebody comes to; raises `NotFound`, `HouseholdLeft`."""
        household = self.households.get(sent.said.household_id)
        pointer = f"{sent.within}/household_id"
        if household is None:
            raise NotFound("没有找到该户，或不在您的网格范围内。", pointer=pointer)
        if household.left_on is not None and sent.said.id not in self.known:
            raise HouseholdLeft(pointer=pointer)
        return household

    def resident(self, sent: Sent) -> Resident | None:
        """Who it is, where that is told; raises `NotFound`, `RegisteredElsewhere`."""
        said, pointer = sent.said, f"{sent.within}/resident_id"
        if said.resident_id is None:
            return None
        resident = self.residents.get(said.resident_id)
        if resident is None:
            raise NotFound("没有找到该居民，或不在您的网格范围内。", pointer=pointer)
        if resident.household_id != said.household_id and said.id not in self.known:
            household = str(resident.household_id)
            raise RegisteredElsewhere(pointer=pointer, household_id=household)
        return resident

    def refuse_strangers(self, sent: Sent) -> None:
        """Raise `NotAColleague` where the deed is told of somebody who is not known here."""
        if sent.said.performed_by in self.strangers:
            raise NotAColleague(pointer=f"{sent.within}/performed_by")

    def refuse_second(self, row: Arrival, *, within: str) -> None:
        """Raise `AlreadyAnArrival` where the person is on the way or here by another record."""
        for name in ("resident_id", "document_lookup"):
            other = self.present.get(getattr(row, name), row.id)
            if other != row.id and row.id not in self.known:
                field = name.removesuffix("_lookup")
                raise AlreadyAnArrival(pointer=f"{within}/{field}", arrival_id=str(other))

    def take(self, row: Arrival) -> None:
        """Count an arrival that will be kept: what follows in the request stands on it too."""
        self.known.add(row.id)
        for person in (row.resident_id, row.document_lookup):
            if person is not None:
                self.present.setdefault(person, row.id)


async def survey(session: AsyncSession, caller: Claims, told: Sequence[ArrivalRecord]) -> Ground:
    """Look up everything that these arrivals refer to, in a handful of statements."""
    await keep_list(await driver_of(session))
    keyring = keyring_of(session)
    people = {said.resident_id for said in told if said.resident_id}
    lookups = {document_lookup(keyring, said.document_kind, said.document) for said in told}
    documents = {lookup for lookup in lookups if lookup}
    known, present = await _kept_already(session, {said.id for said in told}, people, documents)
    others = {said.performed_by for said in told if said.performed_by} - {caller.worker}
    return Ground(
        caller=caller,
        keyring=keyring,
        law=await law_of(session, caller),
        households=await _by_id(session, Household, {said.household_id for said in told}),
        residents=await _by_id(session, Resident, people),
        known=known,
        present=present,
        strangers=await strangers(session, others),
    )


Row = TypeVar("Row", Household, Resident)


async def _by_id(session: AsyncSession, kind: type[Row], ids: set[UUID]) -> dict[UUID, Row]:
    """Those of the rows that are in reach and count."""
    if not ids:
        return {}
    statement = select(kind).where(col(kind.id).in_(ids), col(kind.discarded_at).is_(None))
    return {row.id: row for row in await session.scalars(statement)}


async def _kept_already(
    session: AsyncSession, ids: set[UUID], people: set[UUID], documents: set[bytes]
) -> tuple[set[UUID], dict[UUID | bytes, UUID]]:
    """Which of the ids are kept already, and who of the people is on the way or here."""
    resident, document = col(Arrival.resident_id), col(Arrival.document_lookup)
    statement = select(
        Arrival.id, Arrival.resident_id, Arrival.document_lookup, Arrival.status
    ).where(or_(col(Arrival.id).in_(ids), resident.in_(people), document.in_(documents)))
    found = (await session.execute(statement)).all()
    present: dict[UUID | bytes, UUID] = {}
    for id_, person, lookup, status in found:
        if status in PRESENT:
            present |= {each: id_ for each in (person, lookup) if each is not None}
    return {id_ for id_, *_ in found if id_ in ids}, present
