"""A copy of everything kept of one person, plain, because they asked for it (PIPL art. 45).

It leaves out who else is named in a record: staff by their ids, and whoever was in contact.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from api.access.audit import audit
from api.access.tokens import Claims
from api.dossiers.chapters import CHAPTERS
from api.dossiers.models import AskedBy, DossierExport
from api.dossiers.problems import CopyNoLongerKept
from api.dossiers.schemas import DossierExportAsk, DossierExportRead
from api.dossiers.sources import KEPT, about
from api.dossiers.timeline import Entry, timeline
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.problems import InvalidInput, NotFound
from api.foundation.records import Proposal, Versioned, create_once, table_of
from api.foundation.sealed import Keyring
from api.registry.models import Household, Resident
from api.registry.queries import household_of, resident_of

HAD_FOR = timedelta(hours=24)
"""How long a copy may be fetched: long enough to print it, too short to forget it lying about."""

_LEFT_OUT = ("_lookup", "_by", "_xid")
_OF_OTHERS = {
    *("reach", "version", "linked_quarantine_id", "party_id", "medic_id", "approver_post"),
    *("assigned_to", "contact_name", "contact_phone_sealed"),
}

Copy = dict[str, Any]


async def make_copy(
    session: AsyncSession, caller: Claims, resident_id: UUID, ask: DossierExportAsk
) -> tuple[DossierExport, bool]:
    """Put on record that a copy was asked for; returns it and whether it is new.

    Raises `NotFound`, `InvalidInput` where somebody else asks without a name or a child is said to
    ask, `RecordDiffers`.
    """
    if (ask.asker is None) is not (ask.asked_by is AskedBy.self):
        raise InvalidInput("他人提出的须写明姓名，本人提出的不填。", pointer="/body/asker")
    resident = await resident_of(session, resident_id)
    if ask.asked_by in _OF_AGE_ALONE and _is_child(resident):
        raise InvalidInput("不满14周岁的，须由监护人提出。", pointer="/body/asked_by")
    keys, now = keyring_of(session), clock.now()
    row = DossierExport(
        id=ask.id,
        resident_id=resident.id,
        grid_id=resident.grid_id,
        reach=resident.reach,
        asked_by=ask.asked_by,
        asker_sealed=_sealed(keys, ask.asker),
        proof_sealed=keys.seal(ask.proof, context="dossier_exports.proof"),
        made_at=now,
        made_by=caller.worker,
        had_until=now + HAD_FOR,
    )
    kept, created = await create_once(session, Proposal(said=ask, row=row))
    if created:
        details = {"export": str(kept.id), "asked_by": kept.asked_by}
        home, action = resident.reach, "dossiers.export"
        audit(session, caller, action, subject=resident.id, reach=home, details=details)
    return kept, created


_CHILD = 14
_OF_AGE_ALONE = {AskedBy.self, AskedBy.entrusted}
"""For a child their guardians ask and consent (个人信息保护法 art. 31)."""


def _is_child(resident: Resident) -> bool:
    born, today = resident.birth_date, clock.today()
    if born is None:
        return False
    return (today.year - _CHILD, today.month, today.day) < (born.year, born.month, born.day)


def _sealed(keys: Keyring, asker: str | None) -> bytes | None:
    return None if asker is None else keys.seal(asker, context="dossier_exports.asker")


async def export_of(session: AsyncSession, export_id: UUID) -> DossierExport:
    """One copy; raises `NotFound`."""
    export = await session.get(DossierExport, export_id)
    if export is None:
        raise NotFound("没有找到该副本，或不在您的网格范围内。")
    return export


def present(session: AsyncSession, export: DossierExport) -> DossierExportRead:
    """A copy as the wire tells of it."""
    keys, sealed = keyring_of(session), export.asker_sealed
    return DossierExportRead(
        **export.model_dump(include=set(DossierExportRead.model_fields)),
        asker=None if sealed is None else keys.open(sealed, context="dossier_exports.asker"),
        proof=keys.open(export.proof_sealed, context="dossier_exports.proof"),
        pdf_url=f"/v1/dossier-exports/{export.id}/copy.pdf",
        json_url=f"/v1/dossier-exports/{export.id}/copy.json",
    )


async def copy_of(
    session: AsyncSession, caller: Claims, export_id: UUID
) -> tuple[Copy, list[Entry]]:
    """The copy as it is now, and its timeline; that it was fetched is put on record.

    Raises `NotFound`, `CopyNoLongerKept`.
    """
    export = await export_of(session, export_id)
    if export.had_until <= clock.now():
        raise CopyNoLongerKept
    resident = await resident_of(session, export.resident_id)
    audit(session, caller, "dossiers.fetch", subject=resident.id, reach=resident.reach)
    entries, _ = await timeline(session, resident, CHAPTERS)
    household = await household_of(session, resident.household_id)
    keys = keyring_of(session)
    return {
        "made_at": export.made_at,
        "person": {**_plain(keys, resident), "address": _address(keys, household)},
        "timeline": [entry._asdict() | {"by": None} for entry in entries],
        "records": await _records(session, resident.id),
    }, entries


async def _records(session: AsyncSession, resident: UUID) -> dict[str, list[Copy]]:
    keys = keyring_of(session)
    return {
        str(table_of(kind).name): [
            _plain(keys, row)
            for row in await session.scalars(select(kind).where(about(kind, resident)))
        ]
        for kind in KEPT
    }


def _address(keys: Keyring, household: Household) -> str | None:
    sealed = household.address_sealed
    return None if sealed is None else keys.open(sealed, context="households.address")


def _plain(keys: Keyring, row: Versioned) -> Copy:
    """A row with what is sealed opened, without what is not this person's to know."""
    table = table_of(type(row)).name
    told: Copy = {}
    for column in table_of(type(row)).columns:
        name, value = str(column.name), getattr(row, str(column.name))
        if name in _OF_OTHERS or name.endswith(_LEFT_OUT):
            continue
        if name.endswith("_sealed"):
            name = name.removesuffix("_sealed")
            value = None if value is None else keys.open(value, context=f"{table}.{name}")
        told[name] = value
    return told
