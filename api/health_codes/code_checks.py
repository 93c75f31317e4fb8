"""Asking about a resident now, as a worker at the door does; what comes back is kept as a state."""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.foundation.database import keyring_of
from api.foundation.problems import NotFound, RecordDiffers
from api.foundation.records import Outcome, Source
from api.health_codes.answers import Answer, Asked
from api.health_codes.asking import ask
from api.health_codes.check_schemas import CodeCheckAsk, CodeCheckRead
from api.health_codes.desk import Desk
from api.health_codes.problems import NoDocumentKnown, WhichSystem
from api.health_codes.queries import codes_in_use
from api.health_records.code_states import REASON, CodeStateTold, keep_code_states
from api.health_records.models import HealthCodeState
from api.registry.masked import opened
from api.registry.models import Resident
from api.registry.queries import resident_of

OF_THE_STATE = "reason"
"""The extra that says why the code is what it is; it is kept with the state, sealed."""


async def check_code(desk: Desk, resident_id: UUID, said: CodeCheckAsk) -> CodeCheckRead:
    """What a system says of a resident now, kept under the given id; unavailable keeps nothing.

    Sent again, it answers what was kept and asks nobody. Raises `NotFound`, `WhichSystem`,
    `NoDocumentKnown`, and `RecordDiffers` where the id was used for something else.
    """
    async with desk.transaction() as session:
        kept = await session.get(HealthCodeState, said.id)
        if kept is not None:
            return _kept_before(kept, resident_id, said)
        resident = await resident_of(session, resident_id)
        system = await _system(session, said.system)
        asked = _known_of(session, resident)
        details = {"system": system}
        caller, reach = desk.caller, resident.reach
        audit(
            session, caller, "health_codes.ask", subject=resident_id, reach=reach, details=details
        )
    answer = await ask(desk.systems, system, asked)
    if not answer.known:
        return CodeCheckRead(**asdict(answer), resident_id=resident_id, code_state_id=None)
    async with desk.transaction() as session:
        await _keep(session, desk, resident_id, said.id, answer)
    return CodeCheckRead(**asdict(answer), resident_id=resident_id, code_state_id=said.id)


def _kept_before(kept: HealthCodeState, resident_id: UUID, said: CodeCheckAsk) -> CodeCheckRead:
    differing = ["resident_id"] if kept.resident_id != resident_id else []
    differing += ["system"] if said.system not in {None, kept.system} else []
    if differing:
        raise RecordDiffers(fields=differing)
    return CodeCheckRead(
        state=kept.state,
        system=kept.system,
        state_changed_at=kept.changed_at,
        fetched_at=kept.fetched_at,
        valid_until=kept.valid_until,
        reason=None,
        extra={},
        resident_id=resident_id,
        code_state_id=kept.id,
    )


async def _system(session: AsyncSession, told: str | None) -> str:
    """The system that is meant: of several in use, or of none, one must be named."""
    codes = await codes_in_use(session)
    if told is None and len(codes) != 1:
        raise WhichSystem(systems=codes)
    if told is not None and told not in codes:
        raise NotFound("没有接入这一健康码系统，或该系统已停用。", pointer="/body/system")
    return told or codes[0]


def _known_of(session: AsyncSession, resident: Resident) -> Asked:
    keyring = keyring_of(session)
    document = opened(keyring, resident.document_sealed, context="residents.document")
    phone = opened(keyring, resident.phone_sealed, context="residents.phone")
    if document is None and phone is None:
        raise NoDocumentKnown
    return Asked(
        document_kind=resident.document_kind, document=document, name=resident.name, phone=phone
    )


async def _keep(
    session: AsyncSession, desk: Desk, resident_id: UUID, identity: UUID, answer: Answer
) -> None:
    reason = answer.extra.get(OF_THE_STATE)
    told = CodeStateTold(
        id=identity,
        resident_id=resident_id,
        system=answer.system,
        state=answer.state,
        changed_at=answer.state_changed_at or answer.fetched_at,
        fetched_at=answer.fetched_at,
        valid_until=answer.valid_until,
        reason_sealed=keyring_of(session).seal(reason, context=REASON) if reason else None,
    )
    (outcome,) = await keep_code_states(session, desk.caller, [told], source=Source.device)
    if outcome.outcome is Outcome.refused:
        raise RecordDiffers(fields=[])
