"""A machine client's token: who asks is proven by a secret or a signature, then let in or not."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import throttle
from api.access.keys import KeyRoom
from api.access.throttle import Suspect
from api.access.tokens import assertion_client, read_assertion
from api.clients import queries
from api.clients.caller import ClientClaims, client_entry
from api.clients.models import ClientCredential, MachineClient, UsedAssertion
from api.clients.problems import AddressRefused, ClientNotValid
from api.clients.refusals import TokenRefused
from api.clients.service import digest_of
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.problems import NotSignedIn

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants a token, by what they prove it, for what, and from where."""

    client: str
    secret: str | None
    assertion: str | None
    scopes: frozenset[str]
    address: str | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and what it may do."""

    access_token: str
    scopes: list[str]
    seconds: int


@dataclass(frozen=True, slots=True)
class _Proven:
    client: MachineClient
    credential: UUID


@dataclass(frozen=True, slots=True)
class TokenOffice:
    """What issuing works with; `audiences` are the names by which an assertion may call us."""

    database: Database
    keys: KeyRoom
    audiences: Collection[str]

    async def issue(self, asked: Asked) -> Issued:
        """A token of `client_credentials` (RFC 6749 §4.4) for a client that proves who it is.

        Raises `TokenRefused`, and `TooMany` where proofs are being guessed. What is refused is
        counted and told the same, whether or not there is such a client.
        """
        async with self.database.session(Entry.outside()) as session:
            suspects = _suspects(self.database, asked)
            await throttle.count(session, *suspects)
            proven = await self._proven(session, asked)
            if proven is not None:
                await throttle.forget(session, *(each.subject for each in suspects[:1]))
                await throttle.give_back(session, suspects[1])
        if proven is None:
            _log.warning("token refused", client_id=_known(asked.client))
            raise TokenRefused("invalid_client")
        scopes = asked.scopes or frozenset(proven.client.scopes)
        if not scopes.issubset(proven.client.scopes):
            raise TokenRefused("invalid_scope")
        return await self._issued(proven, asked, sorted(scopes))

    async def _proven(self, session: AsyncSession, asked: Asked) -> _Proven | None:
        identity = _known(asked.client)
        client = await session.get(MachineClient, identity) if identity else None
        if client is None:
            return None
        for credential in await queries.credentials_in_use(session, [client.id]):
            if await self._is_proof(session, credential, asked):
                credential.used_at = clock.now()
                return _Proven(client, credential.id)
        return None

    async def _is_proof(
        self, session: AsyncSession, credential: ClientCredential, asked: Asked
    ) -> bool:
        if credential.digest is not None and asked.secret is not None:
            return hmac.compare_digest(credential.digest, digest_of(asked.secret))
        if credential.jwks is None or asked.assertion is None:
            return False
        client = str(credential.client_id)
        try:
            said = read_assertion(
                asked.assertion, credential.jwks, client=client, audiences=self.audiences
            )
        except NotSignedIn:
            return False
        used = UsedAssertion(
            client_id=credential.client_id, jti=said.jti, expires_at=said.expires_at
        )
        return await _first_use(session, used)

    async def _issued(self, proven: _Proven, asked: Asked, scopes: list[str]) -> Issued:
        """Sign what was proven, once the database lets it in just as it will at each call."""
        client, now = proven.client, int(clock.now().timestamp())
        told: dict[str, str | int] = {
            "sub": str(client.id),
            "cid": str(proven.credential),
            "cell": client.cell,
            "grid": str(client.grid_id),
            "level": 1,
            "scope": " ".join(scopes),
        }
        claims = ClientClaims.model_validate({**told, "iat": now, "exp": now, "jti": ""})
        entry = client_entry(claims, address=asked.address, writing=False)
        try:
            async with self.database.session(entry) as session:
                told["level"] = (await queries.ground_of(session, client.grid_id)).level
        except (ClientNotValid, AddressRefused):
            _log.warning("token refused", client_id=client.id)
            raise TokenRefused("invalid_client") from None
        token = await self.keys.issue(told, for_machine=True)
        return Issued(token, scopes, int(self.keys.tokens.lifetime.total_seconds()))


def _suspects(database: Database, asked: Asked) -> tuple[Suspect, Suspect]:
    keyring, address = database.keyring, asked.address or ""
    return (
        throttle.by_client(keyring, asked.client, address),
        throttle.by_address(keyring, address),
    )


def _known(client: str) -> UUID | None:
    try:
        return UUID(client)
    except ValueError:
        return None


async def _first_use(session: AsyncSession, used: UsedAssertion) -> bool:
    """Whether an assertion came for the first time; of two at the same moment, one does."""
    kept = (
        insert(UsedAssertion)
        .values(client_id=used.client_id, jti=used.jti, expires_at=used.expires_at)
        .on_conflict_do_nothing()
        .returning(col(UsedAssertion.jti))
    )
    first = await session.scalar(kept) is not None
    expired = col(UsedAssertion.expires_at) < clock.now()
    await session.execute(
        delete(UsedAssertion).where(expired, col(UsedAssertion.client_id) == used.client_id)
    )
    return first


def client_named(client_id: str | None, assertion: str | None) -> str:
    """Who asks, by their own word; an assertion that names another one is refused with it."""
    about = assertion_client(assertion) if assertion else None
    if client_id and about and client_id != about:
        raise TokenRefused("invalid_client")
    named = client_id or about
    if not named:
        raise TokenRefused("invalid_client")
    return named
