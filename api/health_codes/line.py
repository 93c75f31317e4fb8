"""The line to one system: its pace, its breaker, its memory, and what is under way on it."""

import asyncio
import random
from datetime import timedelta

import structlog

from api.foundation import clock
from api.foundation.logs import fault_of
from api.foundation.sealed import Keyring
from api.health_codes.answers import Answer, Asked, Trouble, nothing_known
from api.health_codes.breaker import Breaker, Circuit
from api.health_codes.composing import Composed, compose, known_of
from api.health_codes.configured import Configured, Record, named
from api.health_codes.memory import Memory
from api.health_codes.pace import Pace
from api.health_codes.reading import read, read_status
from api.health_codes.rotating import Rotating
from api.health_codes.sending import Told, client_for, send
from api.health_codes.signing import CannotSign

_log = structlog.get_logger()

SAYS_NOTHING_OF_THE_SYSTEM = frozenset(
    {Trouble.too_little_known, Trouble.not_set_up, Trouble.too_many_waiting}
)
"""Troubles that are ours: the breaker does not count them."""

LONGEST_RETRY_AFTER = 2.0
"""Seconds. A system that asks for a longer pause is not asked again for this person."""


class Line:
    """Everything between the service and one system, in one process."""

    def __init__(self, system: Configured, keyring: Keyring) -> None:
        limits = system.document.limits
        now = asyncio.get_running_loop().time
        self.system = system
        self.record = Record()
        self.breaker = Breaker(limits.failures, limits.open_seconds, now)
        self._client = client_for(system.base_url, limits)
        self._memory = Memory(keyring)
        self._pace = Pace(limits.per_second, now)
        self._at_once = asyncio.Semaphore(limits.at_once)
        self._under_way: dict[bytes, asyncio.Task[Answer]] = {}
        self._rotating = Rotating(system.document, now)

    @property
    def under_way(self) -> int:
        """How many questions are being asked or wait to be."""
        return len(self._under_way)

    @property
    def kept(self) -> int:
        """How many answers are remembered."""
        return len(self._memory)

    def recall(self, asked: Asked) -> Answer | None:
        """The answer that is still valid, if one is remembered."""
        return self._memory.recall(self._memory.key_of(asked), at=clock.now())

    async def ask(self, asked: Asked, *, patience: float | None = None) -> Answer:
        """As `asking.ask`, of this system."""
        key = self._memory.key_of(asked)
        remembered = self._memory.recall(key, at=clock.now())
        if remembered is not None:
            self.record.from_memory += 1
            return remembered
        task = self._under_way.get(key) or self._begin(key, asked)
        if isinstance(task, Trouble):
            return self._nothing(task)
        await asyncio.wait({task}, timeout=patience)
        if not task.done():
            return self._nothing(Trouble.still_asking)
        # Cancelled is what was under way when the system was changed, or the process ended.
        return self._nothing(Trouble.unread) if task.cancelled() else task.result()

    def _begin(self, key: bytes, asked: Asked) -> asyncio.Task[Answer] | Trouble:
        if self.breaker.circuit is Circuit.open:
            return Trouble.circuit_open
        limits = self.system.document.limits
        if len(self._under_way) >= limits.at_once + limits.waiting:
            return Trouble.too_many_waiting
        task = asyncio.create_task(self._find_out(key, asked))
        self._under_way[key] = task
        task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _find_out(self, key: bytes, asked: Asked) -> Answer:
        async with self._at_once:
            if not self.breaker.admits():
                return self._nothing(Trouble.circuit_open)
            self.record.asked += 1
            try:
                answer, _ = await self.try_now(asked)
            except Exception as error:  # noqa: BLE001 - a fault of ours says nothing of the person
                _log.error("health_code_fault", system=self.system.code, **fault_of(error))
                self.breaker.unknown()
                return self._nothing(Trouble.failed)
            except asyncio.CancelledError:
                self.breaker.unknown()
                raise
        self._memory.keep(key, answer)
        return answer

    async def try_now(self, asked: Asked) -> tuple[Answer, Told | None]:
        """Ask at once, whatever is remembered and whether or not the circuit is open."""
        told = await self._told(asked)
        if isinstance(told, Trouble):
            answer, told = self._nothing(told), None
        else:
            answer = self._answer(told)
        self._note(answer, told)
        return answer, told

    async def _told(self, asked: Asked) -> Told | Trouble:
        """What the system says after as many attempts as are safe and allowed."""
        limits = self.system.document.limits
        told = await self._once(asked)
        for attempt in range(1, limits.attempts):
            if isinstance(told, Trouble) or not self._worth_repeating(told):
                break
            await asyncio.sleep(_pause(told, limits.pause_seconds * 2 ** (attempt - 1)))
            told = await self._once(asked)
        return told

    async def _once(self, asked: Asked) -> Told | Trouble:
        told = await self._send(asked)
        if isinstance(told, Told) and self._rotating.renewable and self._refused(told):
            self._rotating.forget()
            told = await self._send(asked)
        return told

    def _refused(self, told: Told) -> bool:
        return self._answer(told).reason is Trouble.signature_refused

    async def _send(self, asked: Asked) -> Told | Trouble:
        document, limits = self.system.document, self.system.document.limits
        rotated = await self._rotating.secrets(self._sent, self.system.secrets)
        if not isinstance(rotated, dict):
            return rotated
        known = known_of(document, asked, clock.now()) | named(rotated)
        try:
            composed = compose(document.call, document.signature, known)
        except KeyError as gap:
            ours = str(gap.args[0]).startswith("secret.")
            return Trouble.not_set_up if ours else Trouble.too_little_known
        except CannotSign:
            return Trouble.not_set_up
        try:
            async with asyncio.timeout(limits.answer_seconds):
                await self._pace.turn()
        except TimeoutError:
            return Trouble.too_many_waiting
        return await self._sent(composed)

    async def _sent(self, composed: Composed) -> Told:
        return await send(self._client, composed, self.system.document.limits)

    def _worth_repeating(self, told: Told) -> bool:
        answer = self._answer(told)
        if not told.arrived:
            return answer.reason is Trouble.unreachable
        passing = answer.reason in {Trouble.timed_out, Trouble.failed, Trouble.throttled}
        soon = (told.retry_after or 0) <= LONGEST_RETRY_AFTER
        return passing and soon and self.system.document.call.repeatable

    def _answer(self, told: Told) -> Answer:
        at, document = clock.now(), self.system.document
        if told.trouble is None:
            found = read(document.reading, told.body, zone=document.clock.zone)
        else:
            found = read_status(document.reading, told.status, told.trouble)
        if isinstance(found.state, Trouble):
            return self._nothing(found.state)
        lasts = at + timedelta(minutes=document.validity_minutes)
        return Answer(
            state=found.state,
            system=self.system.code,
            state_changed_at=found.changed_at,
            fetched_at=at,
            valid_until=found.valid_until,
            asked_again_at=min(lasts, found.valid_until or lasts),
            reason=None,
            extra=found.extra,
        )

    def _note(self, answer: Answer, told: Told | None) -> None:
        if answer.reason is None:
            self.breaker.succeeded()
            self.record.answered += 1
            self.record.last_answer_at = answer.fetched_at
            return
        self.record.in_trouble += 1
        self.record.last_trouble = answer.reason
        self.record.last_trouble_at = answer.fetched_at
        if answer.reason in SAYS_NOTHING_OF_THE_SYSTEM:
            self.breaker.unknown()
        elif answer.reason is Trouble.refused:
            self.breaker.succeeded()
        else:
            self.breaker.failed()
        _log.warning(
            "health_code_trouble",
            system=self.system.code,
            cell=self.system.cell,
            trouble=answer.reason.value,
            status=told.status if told else None,
            milliseconds=told.milliseconds if told else None,
            circuit=self.breaker.circuit.value,
        )

    def _nothing(self, trouble: Trouble) -> Answer:
        return nothing_known(self.system.code, trouble, at=clock.now())

    async def close(self) -> None:
        """Let go of the system; whoever still waits for an answer gets none."""
        tasks = [*self._under_way.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._client.aclose()


def _pause(told: Told, longest: float) -> float:
    """Full jitter, so that many who failed together do not come back together."""
    return max(told.retry_after or 0.0, random.uniform(0, longest))  # noqa: S311 - no secret
