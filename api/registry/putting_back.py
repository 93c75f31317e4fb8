"""Taking back what one correction of a resident said, where the correction itself was untrue."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct
from api.foundation.database import keyring_of
from api.foundation.records import former
from api.registry.departures import leave_resident
from api.registry.discarding import known_of
from api.registry.masked import opened
from api.registry.models import Resident
from api.registry.problems import NotAMistake
from api.registry.queries import resident_of
from api.registry.resident_schemas import Departure

_SAID_TOGETHER = (
    ("document_kind", "document_sealed", "document_lookup"),
    ("phone_sealed", "phone_lookup"),
    ("sex",),
    ("birth_date",),
)
_SEEN_SINCE = "核实之后该居民已有检测、走访等记录，可见确已返回；现已离开的，请办理离开。"


class Untrue(NamedTuple):
    """A correction that was untrue: the version it made of whom, when, and why it is taken back."""

    resident_id: UUID
    version: int
    at: datetime
    reason: str


async def put_back(session: AsyncSession, caller: Claims, untrue: Untrue) -> None:
    """Let a resident be as before an untrue correction; what was said anew since stays said.

    Who is said to be back by it has left as before, unless they are known by more since: then
    raises `NotAMistake`.
    """
    resident = await resident_of(session, untrue.resident_id, locked=True, discarded=True)
    said = {each.said["version"]: each.said for each in await former(session, resident)}
    before, now = said.get(untrue.version - 1), resident.model_dump()
    if before is None or resident.discarded_at is not None:
        return
    after = said.get(untrue.version, now)
    changes: dict[str, Any] = {}
    for names in _SAID_TOGETHER:
        stands = all(now[name] == after[name] for name in names)
        if stands and any(before[name] != after[name] for name in names):
            changes |= {name: before[name] for name in names}
    if changes:
        correction = Correction(resident.version, by=caller.worker, reason=untrue.reason)
        await correct(session, resident, changes, correction)
        subject, reach, details = resident.id, resident.reach, {"fields": sorted(changes)}
        action = "residents.correct"
        audit(session, caller, action, subject=subject, reach=reach, details=details)
    if before["left_on"] is not None and after["left_on"] is None and resident.left_on is None:
        await _leave_as_before(session, caller, Resident(**before), untrue)


async def _leave_as_before(
    session: AsyncSession, caller: Claims, before: Resident, untrue: Untrue
) -> None:
    if known := await known_of(session, "resident_id", before.id, since=untrue.at):
        raise NotAMistake(_SEEN_SINCE, records=known)
    assert before.left_on is not None  # noqa: S101 - asked by the caller
    to = opened(keyring_of(session), before.destination_sealed, context="residents.destination")
    gone = Departure(left_on=before.left_on, destination=to)
    await leave_resident(session, caller, before.id, gone)
