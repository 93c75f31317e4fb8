"""The other systems of the demonstration: each with a secret of its own, made on this machine."""

import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from fastapi import FastAPI

from api.clients.models import Proof
from api.clients.scopes import Scope
from api.demo.chance import Chance
from api.demo.load import settled
from api.demo.progress import Report
from api.demo.sign_ins import ADMINISTRATOR
from api.demo.telling import LoadRefused, Teller, client_of, signed_in
from api.webhooks.event_types import WebhookEventType

STAGE = "第三方系统"
_LIVES_FOR = timedelta(days=365)
_NOBODY_LISTENS = "https://hooks.example.com/onegrid"
_EVENTS = [
    WebhookEventType.alert_opened,
    WebhookEventType.quarantine_started,
    WebhookEventType.quarantine_released,
]


@dataclass(frozen=True, slots=True)
class OtherSystem:
    """A machine client by what it is for."""

    key: str
    name: str
    scopes: tuple[Scope, ...]


LABORATORY = OtherSystem(
    "laboratory",
    "县疾控中心检测和健康码推送（演示）",
    (Scope.health_codes_write, Scope.test_results_write, Scope.status_read),
)
COMMAND = OtherSystem("command", "县防控指挥部线索下发（演示）", (Scope.leads_write,))
PLATFORM = OtherSystem(
    "platform", "市全民健康信息平台（演示）", (Scope.fhir_read, Scope.persons_identify)
)
SCREEN = OtherSystem("screen", "县应急指挥大屏（演示）", (Scope.webhooks_manage, Scope.status_read))
SYSTEMS = (LABORATORY, COMMAND, PLATFORM, SCREEN)


@dataclass(frozen=True, slots=True)
class Credential:
    """What another system proves itself by."""

    system: OtherSystem
    client_id: UUID
    secret: str


@dataclass(frozen=True, slots=True)
class LetIn:
    """Who is let in, and the identity number of somebody invented of whom they can tell."""

    credentials: list[Credential]
    document: str


class Secrets:
    """A file readable by its owner only, with what is told once."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._kept: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}

    def of(self, client: UUID) -> str | None:
        return self._kept.get(str(client))

    def keep(self, client: UUID, secret: str) -> None:
        """Whole or not at all: a new file takes the place of the former one."""
        self._kept[str(client)] = secret
        new = self._place.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._kept, file)
        new.replace(self._place)


async def let_in(app: FastAPI, secrets: Secrets, report: Report) -> LetIn:
    """Register whoever is not registered yet, and keep the secrets.

    Where a secret was lost on the way, another is made; whom the township has disabled since stays
    out. The app must be open. Raises `LoadRefused` when the service refuses.
    """
    async with client_of(app) as client:
        answer = await signed_in(client, ADMINISTRATOR)
        if answer is None:
            raise LoadRefused(f"{ADMINISTRATOR.account} cannot sign in")
        teller = Teller(client, answer, report)
        township, began_at = await settled(teller, villages=1)
        office = _Office(teller, secrets, township.chance, began_at)
        credentials = [each async for each in office.credentials()]
        for each in credentials:
            if each.system is SCREEN:
                await _subscribe(client, each, township.chance.id("subscription"))
        report(STAGE, len(credentials), len(SYSTEMS))
    return LetIn(credentials, township.households[-1].residents[0].identity_number)


@dataclass(frozen=True, slots=True)
class _Office:
    """The administrator, who knows the secrets handed out so far."""

    teller: Teller
    secrets: Secrets
    chance: Chance
    began_at: datetime

    async def credentials(self) -> AsyncGenerator[Credential]:
        listed = await self.teller.read("/v1/machine-clients?limit=200")
        known = {each["id"]: each["status"] for each in listed["items"]}
        for system in SYSTEMS:
            id_ = self.chance.id("machine client", system.key)
            status = known.get(str(id_))
            if status is None or (status == "active" and self.secrets.of(id_) is None):
                self.secrets.keep(id_, await self._secret(system, id_, is_new=status is None))
            secret = self.secrets.of(id_)
            if secret is not None:
                yield Credential(system, id_, secret)

    async def _secret(self, system: OtherSystem, id_: UUID, *, is_new: bool) -> str:
        path = "/v1/machine-clients"
        if not is_new:
            told = await self.teller.tell(f"{path}/{id_}/rotate", {"overlap_hours": 0})
            return told["secret"]
        body = {
            "id": str(id_),
            "name": system.name,
            "grid_id": self.teller.root,
            "scopes": system.scopes,
            "expires_at": (self.began_at + _LIVES_FOR).isoformat(),
            "proof": Proof.secret,
        }
        return (await self.teller.tell(path, body))["secret"]


async def _subscribe(client: httpx.AsyncClient, screen: Credential, id_: UUID) -> None:
    """The screen asks for alerts and quarantines, and rests until somebody listens there."""
    token = await _token(client, screen)
    if token is None:
        return
    headers = {"Authorization": f"Bearer {token}"}
    body = {"id": str(id_), "url": _NOBODY_LISTENS, "event_types": _EVENTS}
    answer = await client.post("/v1/webhook-subscriptions", json=body, headers=headers)
    kept = answer.json()
    if answer.is_success and kept["version"] == 1:
        path, matching = f"/v1/webhook-subscriptions/{id_}", {**headers, "If-Match": '"1"'}
        await client.patch(path, json={"active": False}, headers=matching)


async def _token(client: httpx.AsyncClient, credential: Credential) -> str | None:
    """A token for another system; None where it is let in no more, or by another secret."""
    answer = await client.post(
        "/v1/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(str(credential.client_id), credential.secret),
    )
    return answer.json()["access_token"] if answer.is_success else None
