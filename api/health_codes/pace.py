"""How many requests a second go out to one system: a token bucket that is waited for in order."""

import asyncio
from collections.abc import Callable


class Pace:
    """At most `per_second` on average, and never more than a second's worth at once."""

    def __init__(self, per_second: float, now: Callable[[], float]) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._tokens = self._most
        self._at = now()
        self._now = now
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until a request may go out; who came first goes first."""
        async with self._turn:
            missing = 1 - self._filled()
            if missing > 0:
                await asyncio.sleep(missing / self._per_second)
                self._filled()
            self._tokens -= 1

    def _filled(self) -> float:
        now = self._now()
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        return self._tokens
