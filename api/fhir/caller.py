"""Who reads FHIR: a machine client that may, or a worker by the permissions of their post."""

from typing import Annotated

from fastapi import Depends, Request

from api.access.caller import Bearer, caller_of, entry_of
from api.access.permissions import permitted
from api.access.tokens import Claims
from api.clients.caller import ClientClaims, Token, client_of, enter_as_client
from api.clients.problems import ScopeMissing
from api.clients.scopes import Scope
from api.fhir.kinds import KINDS, ResourceType
from api.foundation.database import BareDoor, Database
from api.foundation.problems import NotPermitted, NotSignedIn


class Reader:
    """A caller and the doors through which they read."""

    def __init__(self, request: Request, claims: Claims | ClientClaims) -> None:
        self.claims = claims
        self._request = request

    @property
    def identify(self) -> bool:
        """Whether names may be told."""
        return isinstance(self.claims, Claims) or Scope.persons_identify in self.claims.scopes

    def may_read(self, kind: ResourceType) -> bool:
        """Whether a resource is theirs to read; which rows of it, the database decides."""
        if isinstance(self.claims, ClientClaims):
            return True
        held = permitted(self.claims.role, self.claims.level)
        return KINDS[kind].permission in held

    def admit(self, kind: ResourceType) -> None:
        """Raises `NotPermitted` for a resource that is not theirs to read."""
        if not self.may_read(kind):
            raise NotPermitted(permission=KINDS[kind].permission)

    def door(self, *, noting: bool = False) -> BareDoor:
        """The bare connection, entered as the caller; `noting` to put the reading on record."""
        database: Database = self._request.app.state.database
        if isinstance(self.claims, ClientClaims):
            entry = enter_as_client(self._request, self.claims, writing=noting)
        else:
            entry = entry_of(self.claims, writing=noting)
        return database.connection(entry)


async def _reader(request: Request, _: Bearer, __: Token) -> Reader:
    try:
        client = await client_of(request)
    except NotSignedIn:
        return Reader(request, await caller_of(request))
    if Scope.fhir_read not in client.scopes:
        raise ScopeMissing(scope=Scope.fhir_read)
    return Reader(request, client)


FhirReader = Annotated[Reader, Depends(_reader)]
