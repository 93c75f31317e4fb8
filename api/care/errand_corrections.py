"""Putting an errand right, or letting it count no more: openly, the former version is kept."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.colleagues import NotAColleague, strangers
from api.access.tokens import Claims
from api.care.errand_models import Errand, ErrandKind
from api.care.errand_queries import WANTED, present
from api.care.errand_requests import due_at, refuse_unfit, refuse_unpaid, tell_who_runs
from api.care.errand_schemas import ErrandCorrect, ErrandDiscard
from api.care.errand_steps import standing
from api.foundation import clock
from api.foundation.corrections import Correction, correct, told_in
from api.foundation.problems import InvalidInput
from api.quarantines.queries import sealed

_OF_THE_DELIVERY = ("contact_free", "amount_fen", "payer", "receipt_number")


async def correct_errand(
    session: AsyncSession, caller: Claims, errand_id: UUID, said: ErrandCorrect, *, version: int
) -> Errand:
    """Put right what was told of an errand; what it came to is another step's.

    Raises `NotFound`, `ErrandDiscarded`, `NotAColleague`, `VersionMismatch`, and `InvalidInput`
    where nothing is to be put right or it would not hold.
    """
    errand = await standing(session, errand_id)
    changes = await _changes(session, errand, said)
    await correct(
        session, errand, changes, Correction(version, by=caller.worker, reason=said.reason)
    )
    fields = {"fields": sorted(said.model_fields_set - {"reason"})}
    audit(session, caller, "errands.correct", subject=errand.id, reach=errand.reach, details=fields)
    await tell_who_runs(session, errand)
    return errand


async def discard_errand(
    session: AsyncSession, caller: Claims, errand_id: UUID, said: ErrandDiscard, *, version: int
) -> Errand:
    """Let an errand count no more; raises `NotFound`, `ErrandDiscarded`, `VersionMismatch`."""
    errand = await standing(session, errand_id)
    correction = Correction(version, by=caller.worker, reason=said.reason)
    await correct(session, errand, {"discarded_at": clock.now()}, correction)
    audit(session, caller, "errands.discard", subject=errand.id, reach=errand.reach)
    await tell_who_runs(session, errand)
    return errand


async def _changes(session: AsyncSession, errand: Errand, said: ErrandCorrect) -> dict[str, Any]:
    """The columns that change, with their new values; what stays must still fit them."""
    told = told_in(said)
    if "performed_by" in told and await strangers(session, {said.performed_by}):
        raise NotAColleague
    changes = said.model_dump(include=told)
    after = {**present(session, errand).model_dump(), **changes}
    if (after["kind"] is ErrandKind.none_needed) is not (errand.kind is ErrandKind.none_needed):
        raise InvalidInput("不需代办的与要办的不能互改，请作废后重新登记。", pointer="/body/kind")
    refuse_unfit(after, asked_at=errand.recorded_at)
    _refuse_undelivered(errand, told)
    refuse_unpaid(after["amount_fen"], after["payer"])
    if "wanted" in told:
        changes["wanted_sealed"] = sealed(session, changes.pop("wanted"), context=WANTED)
    return changes | {"due_at": due_at(after["needed_by"], errand.recorded_at)}


def _refuse_undelivered(errand: Errand, told: set[str]) -> None:
    """Of what was not brought nothing was paid yet; raises `InvalidInput`."""
    if errand.delivered_at is None:
        for name in _OF_THE_DELIVERY:
            if name in told:
                raise InvalidInput("送达以后才可更正这一项。", pointer=f"/body/{name}")
