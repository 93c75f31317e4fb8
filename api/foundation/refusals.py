"""What the database refuses, as the problem that a caller understands, and as the log tells it."""

from time import monotonic

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneGivenBack

from api.foundation.logs import Sparing
from api.foundation.problems import (
    CONSTRAINTS,
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
    OutsideYourGrid,
    PostingChanged,
    Problem,
)

_log = structlog.get_logger()


class as_problems:  # noqa: N801 - read as a sentence where it is used
    """Turn what the database says into the problem that a caller understands."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, Problem):
            return
        problem = problem_of(error)
        if isinstance(problem, DatabaseUnavailable):
            _tell_why(error)
        if problem is not None:
            raise problem from error


def _tell_why(error: BaseException) -> None:
    """Its disk is full, it has no connection left, it is away: callers are told only to wait."""
    said = _driver_error(error)
    kind = type(said)
    _met[kind] = monotonic()
    if _sparing.may_tell(kind):
        named = f"{kind.__module__}.{kind.__qualname__}"
        _log.error("database_refused", error=named, sqlstate=getattr(said, "sqlstate", None))


def refused_of_late() -> str | None:
    """What the database refused this process last, within a minute: the name of the error."""
    if not _met:
        return None
    last, met_at = max(_met.items(), key=lambda each: each[1])
    return last.__qualname__ if monotonic() - met_at < _LATE_SECONDS else None


_LATE_SECONDS = 60
_sparing = Sparing(seconds=10)  # every request under way meets the same
_met: dict[type[BaseException], float] = {}


def problem_of(error: BaseException) -> Problem | None:
    """The problem behind a database error, or None where the fault is the service's own."""
    said = _driver_error(error)
    if isinstance(said, asyncpg.PostgresError):
        return _problem_of_state(said)
    return DatabaseUnavailable() if isinstance(said, LOST) else None


# asyncpg calls it an internal error when the connection dies while it reads the answer.
LOST = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    NoneGivenBack,
    TimeoutError,
    OSError,
)


def _driver_error(error: BaseException) -> BaseException:
    """Below SQLAlchemy's wrapping lies the driver's own error, with its constraint's name."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


_BY_STATE: dict[str, type[Problem]] = {
    "25006": DatabaseUnavailable,  # made read-only before its disk is full, or no longer the first
    "OG401": PostingChanged,
    "42501": OutsideYourGrid,
    "55000": DatabaseUnavailable,
    "57014": DatabaseUnavailable,
    "40001": Conflict,
    "40P01": Conflict,
}
_BY_CLASS: dict[str, type[Problem]] = {
    "08": DatabaseUnavailable,
    "28": DatabaseUnavailable,  # as 3D and 55000: refuses a connection, never a statement of ours
    "3D": DatabaseUnavailable,
    "22": InvalidInput,
    "23": Conflict,
    "53": DatabaseUnavailable,
    "57": DatabaseUnavailable,
}


def _problem_of_state(said: asyncpg.PostgresError) -> Problem | None:
    state: str = said.sqlstate or ""
    named = CONSTRAINTS.get(getattr(said, "constraint_name", None) or "")
    kind = named or _BY_STATE.get(state) or _BY_CLASS.get(state[:2])
    return kind() if kind is not None else None
