"""Asking a health-code system about a person: always an answer, never an exception, never held up.

Not for use within a transaction: a system that is down would keep it open.
"""

import structlog

from api.foundation import clock
from api.foundation.logs import fault_of
from api.health_codes.answers import Answer, Asked, Trouble, nothing_known
from api.health_codes.shelf import Systems

_log = structlog.get_logger()


async def ask(
    systems: Systems, system_code: str, asked: Asked, *, patience: float | None = None
) -> Answer:
    """What a system says of a person now; `unavailable` with a reason whatever goes wrong.

    An answer within its validity is given from memory, and the same question at the same moment is
    asked once. After `patience` seconds the answer is `still_asking`, while the asking goes on: the
    next who asks finds what came of it.
    """
    try:
        line = await systems.line(system_code)
        if isinstance(line, Trouble):
            return nothing_known(system_code, line, at=clock.now())
        return await line.ask(asked, patience=patience)
    except Exception as error:  # noqa: BLE001 - a fault of ours is no reason to let anybody through
        _log.error("health_code_fault", system=system_code, **fault_of(error))
        return nothing_known(system_code, Trouble.failed, at=clock.now())


def recall(systems: Systems, system_code: str, asked: Asked) -> Answer | None:
    """The answer that is still valid, if one is remembered; nobody is asked and nothing awaited."""
    line = systems.known_line(system_code)
    return None if line is None else line.recall(asked)
