"""Machine clients registered, changed, rotated and disabled; a secret is told once, kept hashed.

SHA-256 alone is right for secrets of 256 random bits: there is nothing to guess, and a slow hash
would only make the gate easier to clog.
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.audit import audit
from api.access.tokens import Claims
from api.clients import queries
from api.clients.models import ClientCredential, MachineClient, Proof
from api.clients.problems import ClientDisabled, ExpiryOutOfRange, KeysDoNotFit
from api.clients.schemas import (
    ClientPublicKey,
    CredentialRotate,
    MachineClientChange,
    MachineClientDisable,
    MachineClientRegister,
    MachineClientWithSecret,
)
from api.foundation import clock
from api.foundation.corrections import Correction, correct
from api.foundation.problems import RecordDiffers
from api.foundation.records import Proposal, create_once, new_id

_LONGEST_LIFE = timedelta(days=366)


async def register_client(
    session: AsyncSession, registrar: Claims, said: MachineClientRegister
) -> tuple[MachineClientWithSecret, bool]:
    """Let another system in; the answer to the first sending alone carries its secret.

    Raises `NotFound` for a grid out of reach, `ExpiryOutOfRange`, `RecordDiffers`.
    """
    ground = await queries.ground_of(session, said.grid_id)
    _refuse_expiry(said.expires_at)
    kept, created = await create_once(session, Proposal(said, _row(registrar, said)))
    if not created:
        await _refuse_other_keys(session, kept, said.keys)
        return await _shown(session, kept, None), False
    secret = _add_credential(session, registrar, kept, said.keys)
    await session.flush()
    audit(
        session,
        registrar,
        "machine_clients.register",
        subject=kept.id,
        reach=ground.path,
        details={"scopes": list(kept.scopes), "expires_at": kept.expires_at.isoformat()},
    )
    return await _shown(session, kept, secret), True


async def change_client(
    session: AsyncSession, changer: Claims, client: UUID, said: MachineClientChange, version: int
) -> MachineClient:
    """Change what a client may do, where, from where, until when; tokens that say more end.

    Raises `NotFound`, `ClientDisabled`, `ExpiryOutOfRange`, `VersionMismatch`.
    """
    kept = await _in_use(session, changer, client)
    changes = {name: getattr(said, name) for name in said.model_fields_set - {"reason"}}
    if "expires_at" in changes:
        _refuse_expiry(changes["expires_at"])
    if "scopes" in changes:
        changes["scopes"] = [scope.value for scope in changes["scopes"]]
    ground = await queries.ground_of(session, changes.get("grid_id", kept.grid_id))
    correction = Correction(version, by=changer.worker, reason=said.reason, reach=ground.path)
    await correct(session, kept, changes, correction)
    _note(session, changer, "change", kept, {"reach": ground.path, "changed": sorted(changes)})
    return kept


async def rotate_credential(
    session: AsyncSession, rotator: Claims, client: UUID, said: CredentialRotate
) -> MachineClientWithSecret:
    """Give a client a new secret or new keys; the former ones live on for the overlap.

    Raises `NotFound`, `ClientDisabled`, `KeysDoNotFit`.
    """
    kept = await _in_use(session, rotator, client)
    if (kept.proof is Proof.private_key_jwt) != bool(said.keys):
        raise KeysDoNotFit
    ground = await queries.path_of(session, kept.grid_id)
    now = clock.now()
    await _end_credentials(session, client, now + timedelta(hours=said.overlap_hours))
    secret = _add_credential(session, rotator, kept, said.keys)
    await session.flush()
    _note(session, rotator, "rotate", kept, {"reach": ground, "overlap_hours": said.overlap_hours})
    return await _shown(session, kept, secret)


async def disable_client(
    session: AsyncSession, disabler: Claims, client: UUID, said: MachineClientDisable
) -> MachineClient:
    """Let a client call no more, from this moment on; its tokens and credentials end.

    Raises `NotFound`; disabled twice is no news.
    """
    kept = await queries.client_in_reach(session, disabler, client)
    await session.refresh(kept, with_for_update=True)
    if kept.disabled_at is not None:
        return kept
    ground = await queries.path_of(session, kept.grid_id)
    now = clock.now()
    changes = {"disabled_at": now, "disabled_reason": said.reason}
    correction = Correction(kept.version, by=disabler.worker, reason=said.reason, reach=ground)
    await correct(session, kept, changes, correction)
    await _end_credentials(session, client, now)
    _note(session, disabler, "disable", kept, {"reach": ground})
    return kept


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def _row(registrar: Claims, said: MachineClientRegister) -> MachineClient:
    return MachineClient(
        id=said.id,
        cell=registrar.cell,
        grid_id=said.grid_id,
        name=said.name,
        scopes=[scope.value for scope in said.scopes],
        allowed_addresses=said.allowed_addresses,
        proof=said.proof,
        created_at=clock.now(),
        created_by=registrar.worker,
        expires_at=said.expires_at,
    )


def _refuse_expiry(told: datetime) -> None:
    now = clock.now()
    if not now < told <= now + _LONGEST_LIFE:
        raise ExpiryOutOfRange


async def _in_use(session: AsyncSession, caller: Claims, client: UUID) -> MachineClient:
    """The client, held until the transaction ends, so that two changes come one after the other."""
    kept = await queries.client_in_reach(session, caller, client)
    await session.refresh(kept, with_for_update=True)
    if kept.disabled_at is not None:
        raise ClientDisabled
    return kept


async def _refuse_other_keys(
    session: AsyncSession, kept: MachineClient, keys: list[ClientPublicKey]
) -> None:
    """The same id with other keys is another body, though keys lie in a table of their own."""
    statement = (
        select(ClientCredential)
        .where(col(ClientCredential.client_id) == kept.id)
        .order_by(col(ClientCredential.made_at), col(ClientCredential.id))
        .limit(1)
    )
    first = (await session.scalars(statement)).one()
    if (first.jwks or []) != _jwks(keys):
        raise RecordDiffers(fields=["keys"])


def _jwks(keys: list[ClientPublicKey]) -> list[dict[str, Any]]:
    return [key.model_dump(exclude_none=True) for key in keys]


def _add_credential(
    session: AsyncSession, by: Claims, client: MachineClient, keys: list[ClientPublicKey]
) -> str | None:
    """A new credential; returns its secret where it has one, for the only time."""
    secret = None if keys else f"ogs_{secrets.token_urlsafe(32)}"
    session.add(
        ClientCredential(
            id=new_id(),
            client_id=client.id,
            digest=digest_of(secret) if secret else None,
            jwks=_jwks(keys) or None,
            made_at=clock.now(),
            made_by=by.worker,
        )
    )
    return secret


async def _end_credentials(session: AsyncSession, client: UUID, at: datetime) -> None:
    """Let what there is end at `at`; what ends earlier anyway is not given longer."""
    credential = ClientCredential
    await session.execute(
        update(credential)
        .where(
            col(credential.client_id) == client,
            or_(col(credential.ends_at).is_(None), col(credential.ends_at) > at),
        )
        .values(ends_at=at)
    )


def _note(
    session: AsyncSession, by: Claims, verb: str, client: MachineClient, told: Mapping[str, Any]
) -> None:
    details = {name: value for name, value in told.items() if name != "reach"}
    action = f"machine_clients.{verb}"
    audit(session, by, action, subject=client.id, reach=told["reach"], details=details)


async def _shown(
    session: AsyncSession, client: MachineClient, secret: str | None
) -> MachineClientWithSecret:
    shown = await queries.present(session, client)
    return MachineClientWithSecret.model_validate({**shown.model_dump(), "secret": secret})
