"""The gate's operations: sign-in, sessions, one's own posts and password, accounts, keys, audit."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.access import accounts, queries, sessions, sign_in
from api.access.caller import ScopedSession, SignedIn, permits
from api.access.models import Account
from api.access.permissions import Permission
from api.access.problems import (
    AccountAboveYou,
    AccountExists,
    AccountNameTaken,
    NoPost,
    PasswordTooWeak,
    PasswordWrong,
    PhoneHasAccount,
    PostChoiceNeeded,
    RefreshTokenUsed,
    ServesElsewhere,
    SignInRefused,
)
from api.access.queries import AuditFilter
from api.access.schemas import (
    AccountOpen,
    AccountRead,
    AuditEntryRead,
    KeySet,
    Me,
    PasswordChange,
    PasswordReset,
    PostSwitch,
    Refresh,
    SessionRead,
    SignIn,
    TokensRead,
)
from api.access.sessions import AtGate
from api.access.tokens import Claims
from api.foundation.contract import (
    WITH_ANY_PASSWORD,
    WITH_BODY,
    found,
    operation_name,
    problems,
    room,
    writes,
)
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, NotPermitted, NotSignedIn, PostingChanged, TooMany
from api.foundation.reading import ReadOnce

AccountOpener = Annotated[Claims, permits(Permission.accounts_open)]
AuditReader = Annotated[Claims, permits(Permission.audit_read)]


async def _never_stored(response: Response) -> None:
    """Tokens and secrets stay out of every cache on the way (RFC 6749 §5.1)."""
    response.headers["Cache-Control"] = "no-store"


_SECRET = [Depends(_never_stored)]


router = room("access")
own = room("access", refusing=WITH_ANY_PASSWORD)
gate = APIRouter(
    prefix="/v1",
    tags=["access"],
    generate_unique_id_function=operation_name,
    route_class=ReadOnce,
)
keys = APIRouter(tags=["access"], generate_unique_id_function=operation_name)


@gate.post(
    "/sign-in",
    dependencies=_SECRET,
    responses=problems(*WITH_BODY, SignInRefused, NoPost, PostChoiceNeeded, TooMany),
)
async def sign_in_to_post(said: SignIn, at: AtGate, request: Request) -> TokensRead:
    """登录。

    有多个任职而未选择时，回答 post-choice-needed 并列出任职，选定后带 post_id 再提交一次。
    连续输错密码会暂停尝试，须等待的秒数见 Retry-After。
    """
    address = request.client.host if request.client else ""
    return await sign_in.sign_in(at, said, address=address)


@gate.post(
    "/refresh",
    dependencies=_SECRET,
    responses=problems(*WITH_BODY, NotSignedIn, PostingChanged, RefreshTokenUsed),
)
async def refresh_tokens(said: Refresh, at: AtGate) -> TokensRead:
    """刷新登录。

    refresh_token 只能使用一次；同一凭证第二次使用，本次登录全部失效（RFC 9700）。
    """
    return await sessions.refresh(at, said.refresh_token.get_secret_value())


@own.post("/sign-out", status_code=204)
async def sign_out(caller: SignedIn, session: ScopedSession) -> None:
    """退出登录。"""
    await sessions.end_own_session(session, caller, caller.session)


@router.post(
    "/switch-post", dependencies=_SECRET, responses=writes(NotFound), response_model=TokensRead
)
async def switch_post(wanted: PostSwitch, caller: SignedIn, at: AtGate) -> TokensRead:
    """换到本人的另一个任职。

    登录保持不变，凭证全部换新，原任职的凭证立即失效。
    """
    return await sessions.switch_post(at, caller, wanted.post_id)


@own.get("/me", response_model=Me)
async def read_me(caller: SignedIn, at: AtGate) -> Me:
    """查看本人：姓名、当前任职、权限、其他任职。"""
    return await queries.me(at.database, caller)


@router.get("/sessions", response_model=Page[SessionRead])
async def list_sessions(
    caller: SignedIn, session: ScopedSession, page: Annotated[PageRequest, Depends(page_request)]
) -> Page[SessionRead]:
    """列出本人在各设备上的登录。"""
    return await queries.own_sessions(session, caller, page)


@router.delete("/sessions/{session_id}", status_code=204, responses=found())
async def end_session(session_id: UUID, caller: SignedIn, session: ScopedSession) -> None:
    """结束本人在某台设备上的登录。"""
    await sessions.end_own_session(session, caller, session_id)


@own.put(
    "/password",
    status_code=204,
    responses=problems(*WITH_BODY, *WITH_ANY_PASSWORD, PasswordWrong, PasswordTooWeak, TooMany),
)
async def change_password(change: PasswordChange, caller: SignedIn, at: AtGate) -> None:
    """修改本人密码；其他设备上的登录随之结束。

    改的是他人设定的初始密码时，改后刷新登录（/v1/refresh），即可办理其他事项。
    """
    await accounts.change_password(at, caller, change)


@router.post(
    "/workers/{worker_id}/account",
    status_code=201,
    responses=writes(
        NotFound,
        AccountAboveYou,
        AccountExists,
        AccountNameTaken,
        PhoneHasAccount,
        ServesElsewhere,
        PasswordTooWeak,
    ),
    response_model=AccountRead,
)
async def open_account(
    worker_id: UUID, wanted: AccountOpen, opener: AccountOpener, at: AtGate, response: Response
) -> AccountRead:
    """为工作人员开通登录账号，或重新启用已停用的账号。

    本人可用账号名或登记的电话登录，首次登录后应修改初始密码。
    """
    account = await accounts.open_account(at, opener, worker_id, wanted)
    response.headers["Location"] = f"/v1/workers/{worker_id}/account"
    return _present(account)


@router.get("/workers/{worker_id}/account", responses=found(), response_model=AccountRead)
async def read_account(
    worker_id: UUID, opener: AccountOpener, session: ScopedSession
) -> AccountRead:
    """查看工作人员的登录账号。"""
    return _present(await accounts.account_of(session, worker_id))


@router.post(
    "/workers/{worker_id}/account/reset-password",
    responses=writes(NotFound, AccountAboveYou, ServesElsewhere, PasswordTooWeak),
    response_model=AccountRead,
)
async def reset_password(
    worker_id: UUID, wanted: PasswordReset, resetter: AccountOpener, at: AtGate
) -> AccountRead:
    """重置工作人员的密码；该人员的登录全部结束。"""
    return _present(await accounts.reset_password(at, resetter, worker_id, wanted))


@router.delete(
    "/workers/{worker_id}/account",
    status_code=204,
    responses=found(NotPermitted, AccountAboveYou, ServesElsewhere),
)
async def disable_account(worker_id: UUID, disabler: AccountOpener, session: ScopedSession) -> None:
    """停用工作人员的登录账号；该人员的登录立即失效。"""
    await accounts.disable_account(session, disabler, worker_id)


@router.get("/audit-entries", response_model=Page[AuditEntryRead])
async def list_audit_entries(
    reader: AuditReader,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
    subject_id: Annotated[UUID | None, Query(description="操作对象的编号")] = None,
    worker_id: Annotated[UUID | None, Query(description="操作人编号")] = None,
    day: Annotated[Day | None, Query(description="当地日期")] = None,
) -> Page[AuditEntryRead]:
    """查看网格范围内的操作记录，最近的在前。"""
    return await queries.audit_entries(session, AuditFilter(subject_id, worker_id, day), page)


@keys.get("/.well-known/jwks.json", responses=problems())
async def read_signing_keys(at: AtGate, response: Response) -> KeySet:
    """验证访问凭证的公钥（RFC 7517）；新钥启用之前即已公布。"""
    fresh_for = int(at.keys.overlap.total_seconds()) // 2
    response.headers["Cache-Control"] = f"public, max-age={fresh_for}"
    return KeySet.model_validate({"keys": await at.keys.published()})


def _present(account: Account) -> AccountRead:
    return AccountRead.model_validate({**account.model_dump(), "worker_id": account.id})
