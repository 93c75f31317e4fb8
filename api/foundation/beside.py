"""Two processes at work at once: PostgreSQL answers while Python does what comes next."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")
Done = TypeVar("Done")


async def beside(
    asked: Coroutine[Any, Any, Answer], work: Callable[[], Done]
) -> tuple[Answer, Done]:
    """What is asked of PostgreSQL, and what was worked out while it was at it.

    The work holds up everything else in this process, as it would anywhere, so let it be short.
    """
    asking = asyncio.create_task(asked)
    try:
        # In the first turn of the loop the statement is sent, in the second it is on the wire.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done = work()
    finally:
        answer = await asking  # also where the work fails: a connection answers one at a time
    return answer, done
