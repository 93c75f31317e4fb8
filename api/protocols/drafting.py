"""Drafting protocols: anew, as the next revision, rewritten, copied, or adopted from a preset."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.records import Proposal, create_once
from api.protocols.activation import activate_protocol, locked, refuse_faults
from api.protocols.models import WHOLE_CELL, Protocol, ProtocolStatus
from api.protocols.problems import ProtocolNotADraft
from api.protocols.protocol_schemas import (
    PresetAdoption,
    ProtocolCopy,
    ProtocolDraft,
    ProtocolRewrite,
)
from api.protocols.queries import latest, policy_of
from api.protocols.shipped import preset_of

_COPIED = {"code", "name", "disease", "issuing_body", "legal_basis", "source", "region_code"}


async def draft_protocol(
    session: AsyncSession, caller: Claims, draft: ProtocolDraft
) -> tuple[Protocol, bool]:
    """Keep a draft; returns it and whether it is new.

    Raises `InvalidInput` with every fault of the document, `DraftPending`, `PolicyRevisionTaken`,
    `RecordDiffers`.
    """
    await refuse_faults(session, draft.document)
    row = Protocol(**_row(draft), revision=1)
    return await _keep(session, caller, Proposal(said=draft, row=row))


async def copy_protocol(
    session: AsyncSession, caller: Claims, protocol_id: UUID, copy: ProtocolCopy
) -> tuple[Protocol, bool]:
    """Keep the next revision of a protocol, as a draft that says the same.

    Raises `NotFound`, `DraftPending`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    former = await policy_of(session, Protocol, protocol_id)
    row = Protocol(
        **former.model_dump(include={*_COPIED, "document"}), **copy.model_dump(), revision=1
    )
    return await _keep(session, caller, Proposal(said=copy, row=row))


async def adopt_preset(
    session: AsyncSession, caller: Claims, code: str, adoption: PresetAdoption
) -> tuple[Protocol, bool]:
    """Keep a preset as the township's draft, and activate it where that is asked for.

    Raises `NotFound`, `DraftPending`, `PolicyOutOfOrder`, `PolicyRevisionTaken`, `RecordDiffers`.
    """
    row = Protocol(
        **preset_of(code).model_dump(mode="json"),
        id=adoption.id,
        effective_from=adoption.effective_from or clock.today(),
        revision=1,
    )
    kept, created = await _keep(session, caller, Proposal(said=adoption, row=row))
    if adoption.activate and kept.status is ProtocolStatus.draft:
        kept = await activate_protocol(session, caller, kept.id, kept.version)
    return kept, created


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Which draft is rewritten, from which version of it, and how it shall read."""

    protocol_id: UUID
    rewrite: ProtocolRewrite
    version: int


async def rewrite_protocol(session: AsyncSession, caller: Claims, change: Rewriting) -> Protocol:
    """Replace what a draft says; the former version is kept on record.

    Raises `NotFound`, `ProtocolNotADraft`, `VersionMismatch`, `InvalidInput`.
    """
    protocol = await locked(session, change.protocol_id)
    if protocol.status is not ProtocolStatus.draft:
        raise ProtocolNotADraft
    await refuse_faults(session, change.rewrite.document)
    correction = Correction(change.version, by=caller.worker)
    await correct(session, protocol, _row(change.rewrite), correction)
    audit(session, caller, "protocols.rewrite", subject=protocol.id, reach=WHOLE_CELL)
    return protocol


async def _keep(
    session: AsyncSession, caller: Claims, proposal: Proposal[Protocol]
) -> tuple[Protocol, bool]:
    row = proposal.row
    if not await session.get(Protocol, row.id):
        former = await latest(session, Protocol, row.code)
        row.revision = former.revision + 1 if former else 1
    kept, created = await create_once(session, proposal)
    if created:
        details = {"code": row.code, "revision": row.revision}
        audit(session, caller, "protocols.draft", subject=row.id, reach=WHOLE_CELL, details=details)
    return kept, created


def _row(said: ProtocolDraft | ProtocolRewrite) -> dict[str, Any]:
    return {**said.model_dump(), "document": said.document.model_dump(mode="json")}
