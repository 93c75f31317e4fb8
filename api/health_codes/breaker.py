"""A circuit breaker: a system that keeps failing is left alone for a while, then tried once."""

from collections.abc import Callable
from dataclasses import dataclass, field

from api.foundation.labels import Labelled


class Circuit(Labelled):
    """Whether a system is being asked."""

    closed = "closed", "正常查询"
    open = "open", "暂停查询"
    half_open = "half_open", "试查一次"


@dataclass(slots=True)
class Breaker:
    """Opens after `failures` in a row; `open_seconds` later one request may try, and decides.

    `now` is any clock that only goes forward, in seconds.
    """

    failures: int
    open_seconds: float
    now: Callable[[], float]
    _in_a_row: int = field(default=0, init=False)
    _opened_at: float | None = field(default=None, init=False)
    _trying: bool = field(default=False, init=False)

    @property
    def circuit(self) -> Circuit:
        if self._opened_at is None:
            return Circuit.closed
        return Circuit.open if self.seconds_left else Circuit.half_open

    @property
    def seconds_left(self) -> float:
        """For how long nothing may be asked yet; 0 where something may."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self.open_seconds - self.now())

    def admits(self) -> bool:
        """Whether a request may go out now; whoever is let in tells how it went."""
        if self._opened_at is None:
            return True
        if self._trying or self.seconds_left:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        self._in_a_row = 0
        self._opened_at = None
        self._trying = False

    def failed(self) -> None:
        self._in_a_row += 1
        if self._trying or self._in_a_row >= self.failures:
            self._opened_at = self.now()
        self._trying = False

    def unknown(self) -> None:
        """A request that was let in ended without saying anything of the system."""
        self._trying = False
