"""The caller of a request: who the token says it is, and the doors through which it enters."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.params import Security
from fastapi.security import HTTPBearer, SecurityScopes
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.keys import KeyRoom
from api.access.permissions import Permission, permitted
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import BareDoor, Database, Entry
from api.foundation.directory import refuse_unknown_filters
from api.foundation.logs import name_caller
from api.foundation.problems import NotPermitted, NotSignedIn, PasswordToBeChanged

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_WITH_ANY_PASSWORD = frozenset({"/v1/me", "/v1/password", "/v1/sign-out"})
_BEARER = HTTPBearer(
    scheme_name="worker_token",
    bearerFormat="JWT",
    description="POST /v1/sign-in 返回的 access_token",
    auto_error=False,
)


def bearer_token(request: Request) -> str:
    """The one bearer token of a request; raises `NotSignedIn` without it."""
    told = request.headers.getlist("authorization")
    scheme, _, token = told[0].partition(" ") if len(told) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn
    return token


async def caller_of(request: Request) -> Claims:
    """Read the bearer token; raises `NotSignedIn` for anything but a genuine, fresh one.

    Whoever signed in with a password that others know changes it before anything else, and then
    refreshes: until then, `PasswordToBeChanged`.
    """
    keys: KeyRoom = request.app.state.keys
    claims = await keys.read(bearer_token(request))
    name_caller(worker_id=claims.worker, post_id=claims.post)
    if claims.must_change_password and request.scope["path"] not in _WITH_ANY_PASSWORD:
        raise PasswordToBeChanged
    return claims


Caller = Annotated[Claims, Depends(caller_of)]


def entry_of(caller: Claims, *, writing: bool, alone: bool = False) -> Entry:
    """The entry of this caller's post, checked by the database on the way in."""
    return Entry.as_post(
        caller.cell,
        session=caller.session,
        post=caller.post,
        grid=caller.grid,
        level=caller.level,
        role=caller.role,
        issued_at=caller.issued_at,
        at=clock.now(),
        writing=writing,
        alone=alone,
    )


def entering(caller: Claims) -> tuple[Any, ...]:
    """What `enter()` is told of this caller, for a function that enters by itself."""
    held = caller.session, caller.post, caller.grid, caller.level, caller.role.value
    return *held, caller.issued_at, clock.now()


async def scoped_session(request: Request, caller: Caller) -> AsyncGenerator[AsyncSession]:
    """The request's one transaction, entered as the caller's post, as an ORM session."""
    database: Database = request.app.state.database
    async with database.session(
        entry_of(caller, writing=request.method not in _READING)
    ) as session:
        yield session


async def noting_session(request: Request, caller: Caller) -> AsyncGenerator[AsyncSession]:
    """The same transaction for a reading that is itself put on record, whatever the method."""
    database: Database = request.app.state.database
    async with database.session(entry_of(caller, writing=True)) as session:
        yield session


async def alone_session(request: Request, caller: Caller) -> AsyncGenerator[AsyncSession]:
    """The same transaction with nobody else writing in the cell: for changes of the tree itself."""
    database: Database = request.app.state.database
    async with database.session(entry_of(caller, writing=True, alone=True)) as session:
        yield session


# The scope makes the commit happen before the response leaves: a failed one must not answer 200.
ScopedSession = Annotated[AsyncSession, Depends(scoped_session, scope="function")]
NotingSession = Annotated[AsyncSession, Depends(noting_session, scope="function")]
AloneSession = Annotated[AsyncSession, Depends(alone_session, scope="function")]


Bearer = Annotated[Any, Security(_BEARER)]
"""The scheme as the contract names it; the token itself is read by `caller_of`."""


async def _permitted(request: Request, needed: SecurityScopes, caller: Caller, _: Bearer) -> Claims:
    return _checked(request, caller, needed)


async def admitted(request: Request, needed: SecurityScopes) -> Claims:
    """The caller, permitted; raises `NotSignedIn` and `NotPermitted`."""
    return _checked(request, await caller_of(request), needed)


def _checked(request: Request, caller: Claims, needed: SecurityScopes) -> Claims:
    if not permitted(caller.role, caller.level).issuperset(needed.scopes):
        raise NotPermitted(permission=needed.scopes[0])
    refuse_unknown_filters(request.scope)
    return caller


def permits(permission: Permission) -> Any:
    """What a route annotates its caller with: nobody else gets in, and the contract says so."""
    return Security(_permitted, scopes=[permission.value])


SignedIn = Annotated[Claims, Security(_permitted, scopes=[])]
"""The caller of what concerns nobody else: their own sessions, password and posts."""


def bare_door(request: Request, caller: Claims) -> BareDoor:
    """The bare connection, entered as the caller's post: what a hot room opens with."""
    database: Database = request.app.state.database
    return database.connection(entry_of(caller, writing=request.method not in _READING))


Opening = Callable[[Request, Any], AbstractAsyncContextManager[Any]]
"""What a hot room opens for an admitted caller; it holds the request's one transaction."""

Admitting = Callable[[Request, SecurityScopes], Awaitable[Any]]
"""How the caller of a hot room is admitted: who it is, once it has all scopes that are needed."""


@dataclass(frozen=True)
class Enters(Security):
    """The one dependency of a hot room: each further one costs more than a simple statement."""

    opening: Opening = field(kw_only=True)
    admitting: Admitting = field(kw_only=True, default=admitted)


def enters(opening: Opening, permission: Permission | None = None) -> Enters:
    """As `permits`, or without one as `SignedIn`, for what is opened with admitting the caller."""

    async def entering(request: Request, needed: SecurityScopes, _: Bearer) -> AsyncGenerator[Any]:
        async with opening(request, await admitted(request, needed)) as opened:
            yield opened

    scopes = [] if permission is None else [permission.value]
    return Enters(entering, scopes=scopes, scope="function", opening=opening)
