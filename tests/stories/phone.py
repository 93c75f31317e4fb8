"""A person of the township with a phone: signed in by password, kept signed in by refreshing."""

from datetime import date, datetime, time, timedelta
from typing import Any

import httpx
import time_machine

from api import background
from api.foundation import clock
from api.foundation.jobs import SWEEPS, sweep
from api.foundation.problems import NotSignedIn, Problem
from tests.cast import PASSWORD, TOWNSHIP, Town, assert_problem

assert background.__all__, "importing it makes all background work known"

DAY = clock.today() + timedelta(days=1)
"""The first day of every story, in Beijing."""


def on(day: int) -> date:
    """The date of a day of the story, counted from 0."""
    return DAY + timedelta(days=day)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of a day of the story, on the township's clock."""
    return datetime.combine(on(day), time(hour, minute), clock.TOWNSHIP_ZONE)


class Phone:
    """What one person asks and is answered; whatever was said stays in `heard`."""

    def __init__(self, client: httpx.AsyncClient, tokens: dict[str, Any], heard: list[str]) -> None:
        self._client = client
        self._tokens = tokens
        self._heard = heard

    async def ask(self, method: str, path: str, **told: Any) -> httpx.Response:
        """Ask once; an expired token is refreshed as every phone does, and nothing else is."""
        answer = await self._send(method, path, told)
        expired = answer.status_code == 401 and _type(answer) == _type_of(NotSignedIn)
        if not expired:
            return answer
        await self.refresh()
        return await self._send(method, path, told)

    async def change_first_password(self, first: str) -> str:
        """Make the password one that nobody else knows, as every phone asks for; what it is now."""
        own = f"{first}-own"
        changed = await self.ask("PUT", "/v1/password", json={"current": first, "new": own})
        assert changed.status_code == 204, changed.text
        await self.refresh()
        return own

    @property
    def must_change_password(self) -> bool:
        return self._tokens["must_change_password"]

    async def refresh(self) -> None:
        told = {"refresh_token": self._tokens["refresh_token"]}
        answer = await self._client.post("/v1/refresh", json=told)
        assert answer.status_code == 200, answer.text
        self._tokens = answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        """What is read there; it must be there."""
        answer = await self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return (await self.get(path, **query))["items"]

    async def send(self, path: str, body: dict[str, Any], method: str = "POST") -> dict[str, Any]:
        """What came of it; it must be accepted."""
        answer = await self.ask(method, path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def refused(
        self, kind: type[Problem], method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The problem with which it is refused; it must be this one."""
        return assert_problem(await self.ask(method, path, json=body), kind)

    async def _send(self, method: str, path: str, told: dict[str, Any]) -> httpx.Response:
        signed = {"Authorization": f"Bearer {self._tokens['access_token']}"}
        answer = await self._client.request(method, path, headers=signed, **told)
        self._heard.append(answer.text)
        return answer


class Story:
    """The people of one story, the clock they live by, and everything they were told."""

    def __init__(self, town: Town, clock_of_the_story: time_machine.Traveller) -> None:
        self._town = town
        self._clock = clock_of_the_story
        self._phones: dict[str, Phone] = {}
        self._own_passwords: dict[str, str] = {}
        self.heard: list[str] = []

    async def phone(self, login: str, password: str = PASSWORD) -> Phone:
        """The phone of whoever signs in so; the same one each time."""
        if login not in self._phones:
            password = self._own_passwords.get(login, password)
            told = {"login": login, "password": password, "device": f"{login}的手机"}
            answer = await self._town.nobody().post("/v1/sign-in", json=told)
            assert answer.status_code == 200, answer.text
            phone = self._phones[login] = Phone(self._town.nobody(), answer.json(), self.heard)
            if phone.must_change_password:
                self._own_passwords[login] = await phone.change_first_password(password)
        return self._phones[login]

    def sign_in_anew(self) -> None:
        """After thirty days everybody signs in again."""
        self._phones.clear()

    async def pass_to(self, day: int, hour: int, minute: int = 0) -> None:
        """Let time pass until then, and the background work do what has fallen due."""
        self.move_to(day, hour, minute)
        for name in SWEEPS:
            await sweep(self._town.database, name, TOWNSHIP)

    def move_to(self, day: int, hour: int, minute: int = 0) -> None:
        self._clock.move_to(at(day, hour, minute))


def _type(answer: httpx.Response) -> str:
    return answer.json().get("type", "")


def _type_of(kind: type[Problem]) -> str:
    return f"/problems/{kind.slug()}"
