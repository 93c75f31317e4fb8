"""The machine client of a request: what its token says, and the doors through which it enters."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.params import Security
from fastapi.routing import APIRoute
from fastapi.security import OAuth2, SecurityScopes
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.caller import Enters, Opening, bearer_token
from api.access.keys import KeyRoom
from api.clients.problems import AddressRefused, ClientNotValid, ScopeMissing
from api.clients.scopes import Scope
from api.foundation import clock
from api.foundation.contract import WITH_BODY, operation_name, problems
from api.foundation.database import Database, Entry
from api.foundation.directory import refuse_unknown_filters
from api.foundation.logs import name_caller
from api.foundation.problems import InvalidInput, NotSignedIn, Problem
from api.foundation.reading import ReadOnce

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_SCHEME = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/v1/oauth/token", scopes=Scope.labels()
        )
    ),
    scheme_name="machine_client",
    description="第三方系统以 client_credentials 取得的令牌",
    auto_error=False,
)


class ClientClaims(BaseModel):
    """What a client's token says; the database is asked again whether it still holds.

    `worker`, `post` and `session` are there for the record of who did what: the client stands for
    the person and the post, its credential for the session.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    client: UUID = Field(alias="sub")
    session: UUID = Field(alias="cid")
    cell: str = Field(pattern=r"^[0-9]{6,12}$")
    grid: UUID
    level: int = Field(ge=1)
    scope: str = Field(pattern=r"^([a-z_]+:[a-z_]+( |$))+$")
    iat: int
    exp: int
    jti: str

    @property
    def worker(self) -> UUID:
        return self.client

    @property
    def post(self) -> UUID:
        return self.client

    @property
    def issued_at(self) -> datetime:
        return datetime.fromtimestamp(self.iat, UTC)

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split())


async def client_of(request: Request) -> ClientClaims:
    """Read the bearer token of a client; raises `NotSignedIn` for any other, a worker's too."""
    keys: KeyRoom = request.app.state.keys
    told = await keys.read_for_machines(bearer_token(request))
    try:
        claims = ClientClaims.model_validate(told)
    except ValidationError:
        raise NotSignedIn from None
    name_caller(client_id=claims.client)
    return claims


ClientCaller = Annotated[ClientClaims, Depends(client_of)]


def address_of(request: Request) -> str | None:
    """Where the call comes from, as the server believes it; None where that is no IP address.

    Of IPv6 the zone is left out: it names an interface of ours, in any characters.
    """
    try:
        known = ip_address(request.client.host if request.client else "")
    except ValueError:
        return None
    if isinstance(known, IPv6Address):
        known = known.ipv4_mapped or IPv6Address(int(known))
    return str(known)


def client_entry(caller: ClientClaims, *, address: str | None, writing: bool) -> Entry:
    """The entry of a client into the grid it was let in for, checked by the database.

    Fails with `ClientNotValid` when its claims no longer hold, with `AddressRefused` from outside
    its address list.
    """
    told = "NULL" if address is None else f"'{address}'"
    return Entry(
        f"{Entry.without_reach(caller.cell).opening}; "
        f"SELECT enter_client('{caller.client}', '{caller.session}', '{caller.grid}', "
        f"'{caller.scope}', {told}, '{caller.issued_at.isoformat()}', "
        f"'{clock.now().isoformat()}', {writing})"
    )


def enter_as_client(request: Request, caller: ClientClaims, *, writing: bool) -> Entry:
    """As `client_entry`, from the address of this request."""
    return client_entry(caller, address=address_of(request), writing=writing)


async def client_session(request: Request, caller: ClientCaller) -> AsyncGenerator[AsyncSession]:
    """The request's one transaction, entered as the client, as an ORM session."""
    database: Database = request.app.state.database
    writing = request.method not in _READING
    async with database.session(enter_as_client(request, caller, writing=writing)) as session:
        yield session


async def noting_client_session(
    request: Request, caller: ClientCaller
) -> AsyncGenerator[AsyncSession]:
    """The same transaction for a reading that is itself put on record, whatever the method."""
    database: Database = request.app.state.database
    async with database.session(enter_as_client(request, caller, writing=True)) as session:
        yield session


ClientSession = Annotated[AsyncSession, Depends(client_session, scope="function")]
NotingClientSession = Annotated[AsyncSession, Depends(noting_client_session, scope="function")]

Token = Annotated[Any, Security(_SCHEME)]
"""The scheme as the contract names it; the token itself is read by `client_of`."""


async def _allowed(
    request: Request, needed: SecurityScopes, caller: ClientCaller, _: Token
) -> ClientClaims:
    return _checked(request, caller, needed)


def _checked(request: Request, caller: ClientClaims, needed: SecurityScopes) -> ClientClaims:
    for scope in needed.scopes:
        if scope not in caller.scopes:
            raise ScopeMissing(scope=scope)
    refuse_unknown_filters(request.scope)
    return caller


def client_permits(scope: Scope) -> Any:
    """What a route annotates its client with: no other gets in, and the contract says so."""
    return Security(_allowed, scopes=[scope.value])


async def admitted_client(request: Request, needed: SecurityScopes) -> ClientClaims:
    """The client, with the scopes that are needed; raises `NotSignedIn` and `ScopeMissing`."""
    return _checked(request, await client_of(request), needed)


def enters_client(opening: Opening, scope: Scope) -> Enters:
    """As `client_permits`, for what is opened with admitting the client; also for a hot route."""

    async def entering(request: Request, needed: SecurityScopes, _: Token) -> AsyncGenerator[Any]:
        async with opening(request, await admitted_client(request, needed)) as opened:
            yield opened

    return Enters(
        entering,
        scopes=[scope.value],
        scope="function",
        opening=opening,
        admitting=admitted_client,
    )


CLIENT_CALLS: tuple[type[Problem], ...] = (
    NotSignedIn,
    ClientNotValid,
    AddressRefused,
    ScopeMissing,
    InvalidInput,
)
"""The problems that every operation of a machine client may answer."""


def client_room(tag: str, *, route_class: type[APIRoute] = ReadOnce) -> APIRouter:
    """As `contract.room`, for operations that machine clients call."""
    return APIRouter(
        prefix="/v1",
        tags=[tag],
        route_class=route_class,
        responses=problems(*CLIENT_CALLS),
        generate_unique_id_function=operation_name,
    )


def client_writes(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """As `contract.writes`, for operations that machine clients call."""
    return problems(*WITH_BODY, *CLIENT_CALLS, *kinds)
