"""Over HTTP: the contact whom a secondary contact follows."""

from typing import Annotated
from uuid import UUID

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import room, writes
from api.foundation.problems import NotFound
from api.protocols.proposing import Rulebook
from api.protocols.protocol_routes import Protocols
from api.quarantines.contacts import follow_contact
from api.quarantines.course_queries import course_of
from api.quarantines.plan_schemas import ContactFollowed
from api.quarantines.problems import (
    LinkedQuarantineUnknown,
    NoContactToFollow,
    QuarantineEnded,
)
from api.quarantines.stage_schemas import StagesRead

router = room("quarantines")

Manager = Annotated[Claims, permits(Permission.quarantines_manage)]


@router.put(
    "/quarantines/{quarantine_id}/linked-contact",
    responses=writes(NotFound, QuarantineEnded, NoContactToFollow, LinkedQuarantineUnknown),
)
async def tell_linked_contact(
    quarantine_id: UUID,
    contact: ContactFollowed,
    manager: Manager,
    session: ScopedSession,
    shelf: Protocols,
) -> StagesRead:
    """登记次密接所跟随的密接。

    解除前须等该密接的检测结果；开始时不知道的，事后补登或更正，须写明理由，原来的保留备查。密接可以在别的
    网格；此前已检测阳性的，立即上报（八版、九版方案）。
    """
    book = Rulebook(session, shelf, manager.cell)
    await follow_contact(book, manager, quarantine_id, contact)
    return await course_of(session, quarantine_id)
