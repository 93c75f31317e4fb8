"""What a quarantine that was entered in error leaves behind makes nobody real."""

from sqlalchemy import ColumnElement, exists, select
from sqlmodel import col

from api.alerts.models import BY_THE_CLOCK, Alert
from api.foundation.database import metadata
from api.quarantines.models import EndReason, Quarantine
from api.registry.discarding import never_was


@never_was(Quarantine)
def quarantines_in_error() -> ColumnElement[bool]:
    """Those entered in error under which nothing was done with anybody: no reading, call, leave."""
    return (col(Quarantine.end_reason) == EndReason.entered_in_error).is_(True) & ~_was_met()


@never_was(Alert)
def alerts_of_errors() -> ColumnElement[bool]:
    """Those that the clock opened for such a quarantine."""
    in_error = select(col(Quarantine.id)).where(quarantines_in_error())
    by_the_clock = col(Alert.cause).in_(BY_THE_CLOCK)
    return (by_the_clock & col(Alert.quarantine_id).in_(in_error)).is_(True)


def _was_met() -> ColumnElement[bool]:
    """Whether records of the person stand that were made under the quarantine."""
    met: ColumnElement[bool] | None = None
    for table in metadata.sorted_tables:
        if {"quarantine_id", "resident_id", "received_at"} <= set(table.columns.keys()):
            columns = table.columns
            of_it = columns["quarantine_id"] == col(Quarantine.id)
            kept = exists().where(of_it, columns["discarded_at"].is_(None))
            met = kept if met is None else met | kept
    assert met is not None  # noqa: S101 - a reading is one
    return met
