"""The contact whom a secondary contact follows, told later or put right (v8, v9).

A release waits for that contact's tests. Whose quarantine it is, is often known only afterwards.
"""

from uuid import UUID

from api.access.tokens import Claims
from api.foundation.corrections import Correction, correct
from api.protocols.proposing import Rulebook
from api.quarantines.models import Quarantine
from api.quarantines.plan_schemas import ContactFollowed
from api.quarantines.planned import plan_in
from api.quarantines.prescribed import refuse_oneself
from api.quarantines.problems import NoContactToFollow
from api.quarantines.queries import in_charge
from api.quarantines.stage_models import Link, QuarantinePlan
from api.quarantines.stages import plan_of
from api.quarantines.steps import note_step, refuse_ended
from api.quarantines.tested import warn_of_contact


async def follow_contact(
    book: Rulebook, caller: Claims, quarantine_id: UUID, said: ContactFollowed
) -> None:
    """Note whom they follow; told again it is no news, and who followed another before is kept.

    A contact may live out of sight; one found positive before is told upward at once. Raises
    `NotFound`, `OutsideYourGrid`, `QuarantineEnded`, `NoContactToFollow`, `InvalidInput`,
    `LinkedQuarantineUnknown`.
    """
    session = book.session
    quarantine = await in_charge(session, quarantine_id)
    refuse_ended(quarantine)
    followed = await plan_of(session, quarantine.id)
    if followed is None or not await _waits_for_contact(book, followed):
        raise NoContactToFollow
    if followed.linked_quarantine_id == said.linked_quarantine_id:
        return
    linked = await session.get(Quarantine, said.linked_quarantine_id)
    refuse_oneself(linked, quarantine.resident_id)
    told = {"linked_quarantine_id": said.linked_quarantine_id, "link": Link.secondary_contact}
    correction = Correction(followed.version, by=caller.worker, reason=said.reason)
    await correct(session, followed, told, correction)
    details = {"linked": str(said.linked_quarantine_id)}
    await note_step(session, caller, "quarantines.follow-contact", quarantine, details)
    await warn_of_contact(session, caller, quarantine.id)


async def _waits_for_contact(book: Rulebook, followed: QuarantinePlan) -> bool:
    if followed.link is not None:
        return followed.link is Link.secondary_contact
    document = await book.shelf.document(book.session, book.cell, followed.protocol_id)
    return bool(plan_in(document, followed.plan_code).release.linked_contact_tests)
