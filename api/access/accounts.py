"""Accounts of workers: opened, reset and disabled by those above them; passwords by themselves.

Whoever sets a password could enter with it. So nobody sets one for a person whose posts lie beyond
the own level, reach or permissions, nor for one who also serves in another township.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import queries, throttle
from api.access.audit import audit
from api.access.caller import entry_of
from api.access.models import Account, Membership
from api.access.passwords import hash_password, is_password, is_weak
from api.access.permissions import Permission, Role, permitted
from api.access.problems import (
    AccountAboveYou,
    AccountExists,
    PasswordTooWeak,
    PasswordWrong,
    ServesElsewhere,
)
from api.access.queries import Staff
from api.access.schemas import AccountOpen, PasswordChange, PasswordReset, PostHeld
from api.access.sessions import Gate, end_sessions
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import keyring_of
from api.foundation.identity import normalise_phone
from api.foundation.problems import NotFound, NotPermitted


class NewSecret(NamedTuple):
    """A password about to be set: as said, hashed, and the field it was said in."""

    said: str
    hashed: str
    pointer: str


async def open_account(gate: Gate, opener: Claims, worker: UUID, said: AccountOpen) -> Account:
    """Let a worker sign in, by a name or their phone, with a first password they must change.

    An account that was disabled is opened again. Raises `AccountExists`, `AccountNameTaken`,
    `PhoneHasAccount`, `PasswordTooWeak`, and what `_entrusted` raises.
    """
    secret = await _secret(said.initial_password.get_secret_value(), "/body/initial_password")
    async with gate.database.session(entry_of(opener, writing=True)) as session:
        staff = await _entrusted(session, opener, worker)
        if staff.has_left:
            raise NotFound("该人员已离任，不能开通账号。")
        account = await _made(session, staff, opener.cell, said.name)
        account.phone_lookup = staff.phone_lookup
        _set_password(session, account, secret, must_change=True)
        audit(session, opener, "accounts.open", subject=worker, reach=staff.reach)
    return account


async def reset_password(
    gate: Gate, resetter: Claims, worker: UUID, said: PasswordReset
) -> Account:
    """Give a worker who forgot it a first password again; every session of theirs ends."""
    secret = await _secret(said.initial_password.get_secret_value(), "/body/initial_password")
    async with gate.database.session(entry_of(resetter, writing=True)) as session:
        staff = await _entrusted(session, resetter, worker)
        account = await account_in_use(session, worker)
        _set_password(session, account, secret, must_change=True)
        await session.flush()
        await end_sessions(session, worker, "password_reset")
        await throttle.forgive(session, account)
        audit(session, resetter, "accounts.reset_password", subject=worker, reach=staff.reach)
    return account


async def follow_phone(session: AsyncSession, worker: UUID, phone_lookup: bytes | None) -> None:
    """Let a worker whose phone was put right sign in with the new one, and no more with the old.

    Who has left signs in no more, and leaves the number to whoever has it next (None).

    Raises `PhoneHasAccount` where somebody else signs in with it.
    """
    account = await session.get(Account, worker)
    if account is not None:
        account.phone_lookup = phone_lookup
        await session.flush()


async def disable_account(session: AsyncSession, disabler: Claims, worker: UUID) -> None:
    """Let a worker sign in no more; what they hold open ends with their next request."""
    staff = await _entrusted(session, disabler, worker)
    account = await account_in_use(session, worker)
    account.disabled_at = clock.now()
    await session.flush()
    await end_sessions(session, worker, "account_disabled")
    audit(session, disabler, "accounts.disable", subject=worker, reach=staff.reach)


async def change_password(gate: Gate, caller: Claims, said: PasswordChange) -> None:
    """Replace one's own password; the other sessions end, this one goes on.

    Raises `PasswordWrong`, `PasswordTooWeak`, and `TooMany` when the present one is being guessed.
    """
    current, new = said.current.get_secret_value(), said.new.get_secret_value()
    suspect = throttle.by_holder(gate.database.keyring, caller.worker)
    async with gate.database.session(entry_of(caller, writing=True)) as session:
        former = (await account_in_use(session, caller.worker)).password_hash
        await throttle.count(session, suspect)
    if not await is_password(current, former):
        raise PasswordWrong
    secret = await _secret(new, "/body/new")
    async with gate.database.session(entry_of(caller, writing=True)) as session:
        account = await account_in_use(session, caller.worker)
        if account.password_hash != former:
            raise PasswordWrong
        if new == current:
            raise PasswordTooWeak("新密码不能与原密码相同。", pointer=secret.pointer)
        _set_password(session, account, secret, must_change=False)
        await session.flush()
        await end_sessions(session, caller.worker, "password_changed", sparing=caller.session)
        await throttle.forgive(session, account)
        reach = await queries.own_reach(session)
        audit(session, caller, "accounts.change_password", subject=caller.worker, reach=reach)


async def account_in_use(session: AsyncSession, worker: UUID) -> Account:
    """A worker's account, held until the transaction ends; raises `NotFound` without one."""
    account = await session.get(Account, worker, with_for_update=True)
    if account is None or account.disabled_at is not None:
        raise NotFound("该人员没有登录账号。")
    return account


async def account_of(session: AsyncSession, worker: UUID) -> Account:
    """The account of a worker within reach, disabled or not; raises `NotFound`."""
    account = await session.get(Account, worker)
    if account is None or await queries.staff_in_reach(session, worker) is None:
        raise NotFound("没有找到该人员的登录账号。")
    return account


async def _entrusted(session: AsyncSession, caller: Claims, worker: UUID) -> Staff:
    """The worker, if their account is the caller's to decide about.

    Raises `NotFound` beyond the reach, `NotPermitted` for oneself, `AccountAboveYou` for a person
    with a post that is above the caller, outside the caller's reach, or may do more, and for an
    administrator unless the caller is one; `ServesElsewhere` for one whose account opens another
    township, too.
    """
    staff = await queries.staff_in_reach(session, worker)
    if staff is None:
        raise NotFound("没有找到该人员，或不在您的网格范围内。")
    if worker == caller.worker:
        raise NotPermitted("不能办理本人的账号；修改密码请使用修改密码功能。")
    posts = (await queries.person_in(session, caller.cell, worker)).posts
    seen = await queries.posts_in_reach(session, worker)
    below = all(post.id in seen and _is_below(caller, post) for post in posts)
    theirs = frozenset[Permission]().union(*(permitted(post.role, post.level) for post in posts))
    if not below or not theirs <= permitted(caller.role, caller.level):
        raise AccountAboveYou
    if set(await queries.cells_of(session, worker)) - {caller.cell}:
        raise ServesElsewhere
    return staff


def _is_below(caller: Claims, post: PostHeld) -> bool:
    """Not above the caller; nor an administrator's, whom only administrators make (M1.2)."""
    is_peer = post.role is not Role.administrator or caller.role is Role.administrator
    return is_peer and post.level >= caller.level


async def _made(session: AsyncSession, staff: Staff, cell: str, name: str) -> Account:
    """A new account without a password yet, or the disabled one of former days."""
    account = await session.get(Account, staff.id, with_for_update=True)
    if account is None:
        account = Account(id=staff.id, name=name, password_hash="", created_at=clock.now())
        session.add(account)
        await session.flush()
        session.add(Membership(account_id=staff.id, cell=cell))
    elif account.disabled_at is None:
        raise AccountExists
    account.name, account.disabled_at = name, None
    return account


async def _secret(said: str, pointer: str) -> NewSecret:
    return NewSecret(said, await hash_password(said), pointer)


def _set_password(
    session: AsyncSession, account: Account, secret: NewSecret, *, must_change: bool
) -> None:
    if is_weak(secret.said, login=account.name) or _is_own_phone(session, account, secret.said):
        raise PasswordTooWeak(pointer=secret.pointer)
    account.password_hash = secret.hashed
    account.must_change_password = must_change


def _is_own_phone(session: AsyncSession, account: Account, said: str) -> bool:
    try:
        phone = normalise_phone(said)
    except ValueError:
        return False
    return keyring_of(session).lookup(phone, context="phone") == account.phone_lookup
