"""A reading before it is kept: what it says, what its policy makes of it, and whether it may be."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from api.access.tokens import Claims
from api.foundation.field_records import fill_in
from api.foundation.records import Source
from api.foundation.sealed import Keyring
from api.protocols.policies import MonitoringRule, feverish, judge, plausible, window_of
from api.protocols.problems import UnknownWindow
from api.readings.problems import ImplausibleValue, NotNormal, QuarantineNotRunning
from api.readings.queries import Judged, Row
from api.readings.schemas import NOTE, ReadingRecord


@dataclass(frozen=True, slots=True)
class Sent:
    """A reading as it was sent, and where in the request it and its person stand (RFC 6901)."""

    said: ReadingRecord
    within: str = "/body"
    person: str = "/body/quarantine_id"
    as_normal: bool = False


def fields_of(sent: Sent, recorder: Claims, keyring: Keyring) -> dict[str, Any]:
    """The columns of a reading that neither its quarantine nor its policy decides.

    A reading that does not say when it was measured was measured when it was written down.
    Raises `RecordedInTheFuture`.
    """
    said = sent.said
    fields = fill_in(
        said,
        entered_by=recorder.worker,
        source=Source.visit,
        instants=("measured_at",),
        within=sent.within,
    )
    fields["quarantine_id"] = said.quarantine_id
    fields["value_c"] = said.value_c
    fields["method"] = said.method
    fields["site"] = said.site
    fields["symptoms"] = said.symptoms
    fields["note_sealed"] = said.note and keyring.seal(said.note, context=NOTE)
    fields["measured_at"] = said.measured_at or fields["recorded_at"]
    return fields


def judged_by(rule: MonitoringRule, sent: Sent, measured_at: datetime) -> Judged:
    """A reading as one policy sees it.

    Raises `ImplausibleValue`, `UnknownWindow`, and `NotNormal` for one told as normal that is not.
    """
    said = sent.said
    if not plausible(rule, said.value_c):
        raise ImplausibleValue.of(said.value_c, rule, pointer=f"{sent.within}/value_c")
    try:
        slot = window_of(rule, measured_at, said.window)
    except UnknownWindow as unknown:
        raise UnknownWindow(pointer=f"{sent.within}/window", **unknown.members) from None
    means = judge(rule, said.value_c, said.symptoms)
    if sent.as_normal and (means.abnormal or means.low):
        raise NotNormal
    fever = feverish(rule, said.value_c)
    return Judged(rule.id, slot.day, slot.window, slot.timing, means.abnormal, means.low, fever)


def refuse_unless_running(quarantine: Row, day: date, *, pointer: str) -> None:
    """Raise `QuarantineNotRunning` for a day outside the quarantine, or one entered in error."""
    begun = quarantine["counts"] and quarantine["started_on"] <= day
    ended_on = quarantine["ended_on"]
    if not begun or (ended_on is not None and ended_on < day):
        raise QuarantineNotRunning(pointer=pointer)
