"""What systems answered lately, by a keyed hash of whom they were asked about: in memory only."""

from collections import OrderedDict
from datetime import datetime

from api.foundation.sealed import Keyring
from api.health_codes.answers import Answer, Asked

MOST = 20_000
"""As many as pass a busy gate in a day; the one that was not needed longest goes first."""


class Memory:
    """The answers of one system that need not be asked for again yet."""

    def __init__(self, keyring: Keyring, most: int = MOST) -> None:
        self._keyring = keyring
        self._most = most
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def key_of(self, asked: Asked) -> bytes:
        """By what a person is remembered: a hash that nobody without the key can make."""
        told = (asked.document_kind, asked.document, asked.name, asked.phone, asked.shown)
        plain = "\0".join("" if each is None else each for each in told)
        return self._keyring.lookup(plain, context="health_codes.asked")

    def recall(self, key: bytes, *, at: datetime) -> Answer | None:
        """The answer under this key, unless it is to be asked for again at this instant."""
        answer = self._answers.get(key)
        if answer is None:
            return None
        if answer.asked_again_at is None or answer.asked_again_at <= at:
            del self._answers[key]
            return None
        self._answers.move_to_end(key)
        return answer

    def keep(self, key: bytes, answer: Answer) -> None:
        """Remember an answer that says something of the person, until it is to be asked for."""
        if not answer.known or answer.asked_again_at is None:
            return
        if answer.asked_again_at <= answer.fetched_at:
            return
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)
