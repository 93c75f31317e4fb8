"""By when leads are to be answered: after they were issued, and within the quarter of a year."""

from datetime import datetime, timedelta

from api.foundation import clock
from api.foundation.problems import InvalidInput

_LONGEST = timedelta(days=90)
"""Issuers give hours or days; what is due a year ahead, by a year mistyped, is late for nobody."""


def refuse_odd_deadline(deadline: datetime, issued_at: datetime, *, pointer: str) -> None:
    """Raise `InvalidInput` for a deadline before the batch was issued, or far ahead of now."""
    if deadline <= issued_at:
        raise InvalidInput("反馈时限须晚于下发时间。", pointer=pointer)
    refuse_far_deadline(deadline, pointer=pointer)


def refuse_far_deadline(deadline: datetime, *, pointer: str) -> None:
    """Raise `InvalidInput` for a deadline far ahead of now."""
    if deadline > clock.now() + _LONGEST:
        raise InvalidInput("反馈时限在三个月以后，请核对日期。", pointer=pointer)
