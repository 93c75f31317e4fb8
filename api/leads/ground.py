"""What leads that come in are held against: places, residents, earlier leads, looked up at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.colleagues import strangers
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import document_lookup
from api.foundation.sealed import Keyring
from api.grids.queries import within
from api.leads.batches import Receiver
from api.leads.matching import Alike
from api.leads.models import ANSWERED, Lead, LeadBatch
from api.leads.places import Places, places_below
from api.leads.queries import among
from api.leads.schemas import LeadRecord
from api.registry.models import Resident

DOUBLES_WITHIN = timedelta(days=14)
"""An answered lead counts as the same for as long as what it found is still looked back on."""

K = TypeVar("K", bytes, str)


class Wanted(NamedTuple):
    """What leads name: keyed hashes of documents and phones, and names."""

    documents: set[bytes]
    phones: set[bytes]
    names: set[str]


@dataclass(frozen=True, slots=True)
class Ground:
    """Who receives which batch, and all that its leads may refer to."""

    entered_by: UUID
    keyring: Keyring
    batch: LeadBatch
    places: Places
    known: set[UUID]
    strangers: set[UUID]
    by_document: dict[bytes, list[Resident]] = field(default_factory=dict[bytes, list[Resident]])
    by_phone: dict[bytes, list[Resident]] = field(default_factory=dict[bytes, list[Resident]])
    by_name: dict[str, list[Resident]] = field(default_factory=dict[str, list[Resident]])
    earlier: dict[bytes, list[Lead]] = field(default_factory=lambda: defaultdict(list))

    def alike(self, lead: Lead) -> Alike:
        """The residents who share document, phone or name with a lead."""
        return Alike(
            by_document=self.by_document.get(lead.document_lookup or b"", []),
            by_phone=self.by_phone.get(lead.phone_lookup or b"", []),
            by_name=self.by_name.get(lead.name or "", []),
        )

    def before(self, lead: Lead) -> list[Lead]:
        """The earlier leads that share a number with this one."""
        found = [self.earlier.get(key, []) for key in numbers_of(lead)]
        return [lead for same in found for lead in same]

    def take(self, lead: Lead) -> None:
        """Count a lead that will be kept: what follows in the request may be its double."""
        for number in numbers_of(lead):
            self.earlier[number].append(lead)


def numbers_of(lead: Lead) -> list[bytes]:
    """What makes two leads one person's: the document, the phone, as keyed hashes."""
    return [each for each in (lead.document_lookup, lead.phone_lookup) if each is not None]


async def survey(
    session: AsyncSession, caller: Receiver, batch: LeadBatch, told: Sequence[LeadRecord]
) -> Ground:
    """Look up everything that these leads may refer to, in a handful of statements."""
    keyring = keyring_of(session)
    lookups = {document_lookup(keyring, each.document_kind, each.document) for each in told}
    wanted = Wanted(
        documents={lookup for lookup in lookups if lookup},
        phones={keyring.lookup(each.phone, context="phone") for each in told if each.phone},
        names={each.name for each in told if each.name},
    )
    known = select(col(Lead.id)).where(col(Lead.id).in_({each.id for each in told}))
    others = {each.performed_by for each in told if each.performed_by} - {caller.worker}
    return await _look_up(
        session,
        Ground(
            entered_by=caller.worker,
            keyring=keyring,
            batch=batch,
            places=await places_below(session, batch.reach),
            known=set(await session.scalars(known)),
            strangers=await strangers(session, others),
        ),
        wanted,
    )


async def survey_again(session: AsyncSession, batch: LeadBatch, lead: Lead) -> Ground:
    """The same for a lead that is kept already, by what it says now."""
    wanted = Wanted(
        documents=_told(lead.document_lookup),
        phones=_told(lead.phone_lookup),
        names=_told(lead.name),
    )
    ground = Ground(
        entered_by=lead.entered_by,
        keyring=keyring_of(session),
        batch=batch,
        places=await places_below(session, batch.reach),
        known={lead.id},
        strangers=set(),
    )
    return await _look_up(session, ground, wanted)


async def _look_up(session: AsyncSession, ground: Ground, wanted: Wanted) -> Ground:
    numbered = await _with_numbers(session, ground.batch, wanted.documents, wanted.phones)
    ground.by_document.update(_grouped((each.document_lookup, each) for each in numbered))
    present = [each for each in numbered if each.left_on is None]
    ground.by_phone.update(_grouped((each.phone_lookup, each) for each in present))
    ground.by_name.update(await _by_name(session, ground.batch, wanted.names))
    for lead in await sharing(session, wanted.documents | wanted.phones):
        ground.take(lead)
    return ground


async def _with_numbers(
    session: AsyncSession, batch: LeadBatch, documents: set[bytes], phones: set[bytes]
) -> Sequence[Resident]:
    """Who has one of these numbers; who has left is known by document only."""
    document, phone = col(Resident.document_lookup), col(Resident.phone_lookup)
    which = or_(document.in_(documents), phone.in_(phones) & _present())
    return await _residents(session, batch, which)


async def _by_name(
    session: AsyncSession, batch: LeadBatch, names: set[str]
) -> dict[str, list[Resident]]:
    found = await _residents(session, batch, col(Resident.name).in_(names) & _present())
    return _grouped((each.name, each) for each in found)


def _present() -> ColumnElement[bool]:
    return col(Resident.left_on).is_(None)


async def _residents(
    session: AsyncSession, batch: LeadBatch, which: ColumnElement[bool]
) -> Sequence[Resident]:
    """Residents of the grid that received the batch."""
    statement = select(Resident).where(
        which, within(col(Resident.reach), batch.reach), col(Resident.discarded_at).is_(None)
    )
    return (await session.scalars(statement.order_by(col(Resident.id)))).all()


async def sharing(session: AsyncSession, numbers: set[bytes]) -> Sequence[Lead]:
    """Leads with one of these numbers that are open, or came within the time that counts."""
    if not numbers:
        return []
    counts = or_(
        col(Lead.status).not_in(ANSWERED), col(Lead.received_at) >= clock.now() - DOUBLES_WITHIN
    )
    statement = select(Lead).where(
        or_(among(col(Lead.document_lookup), numbers), among(col(Lead.phone_lookup), numbers)),
        col(Lead.discarded_at).is_(None),
        counts,
    )
    return (await session.scalars(statement)).all()


def _told(value: K | None) -> set[K]:
    return set() if value is None else {value}


def _grouped(pairs: Iterable[tuple[K | None, Resident]]) -> dict[K, list[Resident]]:
    groups: dict[K, list[Resident]] = defaultdict(list)
    for key, resident in pairs:
        if key is not None:
            groups[key].append(resident)
    return groups
