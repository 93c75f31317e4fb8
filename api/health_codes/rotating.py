"""A signing secret that the system hands out and changes: fetched when needed, kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from api.foundation import clock
from api.health_codes.answers import Trouble
from api.health_codes.calls import Rotation
from api.health_codes.composing import Composed, compose, of_the_moment
from api.health_codes.documents import SystemDocument
from api.health_codes.reading import as_said, values_at
from api.health_codes.sending import Told
from api.health_codes.signing import CannotSign

Send = Callable[[Composed], Awaitable[Told]]


class Rotating:
    """The secret of the moment beside those that stay; one request fetches it for all."""

    def __init__(self, document: SystemDocument, now: Callable[[], float]) -> None:
        self._document = document
        self._now = now
        self._fetching = asyncio.Lock()
        self._secret: str | None = None
        self._expires = 0.0

    @property
    def renewable(self) -> bool:
        return self._document.rotation is not None

    def forget(self) -> None:
        """Fetch it anew the next time: the system does not take it any more."""
        self._secret = None

    async def secrets(self, send: Send, kept: Mapping[str, str]) -> dict[str, str] | Trouble:
        """Every secret by its name, the rotating one fresh; or why it could not be had."""
        rotation = self._document.rotation
        if rotation is None:
            return dict(kept)
        async with self._fetching:
            if self._secret is None or self._now() >= self._expires:
                trouble = await self._fetch(rotation, send, kept)
                if trouble is not None:
                    return trouble
            return {**kept, rotation.secret: self._secret or ""}

    async def _fetch(
        self, rotation: Rotation, send: Send, kept: Mapping[str, str]
    ) -> Trouble | None:
        known = {f"secret.{name}": value for name, value in kept.items()}
        known |= of_the_moment(self._document.clock, clock.now())
        try:
            composed = compose(rotation.call, rotation.signature, known)
        except (KeyError, CannotSign):
            return Trouble.not_set_up
        told = await send(composed)
        if told.trouble is not None:
            return told.trouble
        found = values_at(told.body, rotation.secret_at)
        if len(found) != 1 or isinstance(found[0], dict | list) or not as_said(found[0]):
            return Trouble.signature_refused
        self._secret = as_said(found[0])
        self._expires = self._now() + rotation.lifetime_seconds
        return None
