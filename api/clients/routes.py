"""Machine clients over HTTP, as the township manages them."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.clients import queries, service
from api.clients.problems import ClientDisabled, ExpiryOutOfRange, KeysDoNotFit
from api.clients.schemas import (
    CredentialRotate,
    MachineClientChange,
    MachineClientDisable,
    MachineClientRead,
    MachineClientRegister,
    MachineClientWithSecret,
)
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created

router = room("clients")

Integrator = Annotated[Claims, permits(Permission.integrations_manage)]


async def _never_stored(response: Response) -> None:
    """Secrets stay out of every cache on the way (RFC 6749 §5.1)."""
    response.headers["Cache-Control"] = "no-store"


_SECRET = [Depends(_never_stored)]


@router.post(
    "/machine-clients",
    status_code=201,
    dependencies=_SECRET,
    response_model=MachineClientWithSecret,
    responses={
        200: {
            "model": MachineClientWithSecret,
            "description": "同一编号、同一内容此前已提交；不再显示密钥",
        },
        **writes(NotFound, RecordDiffers, ExpiryOutOfRange),
    },
)
async def register_machine_client(
    client: MachineClientRegister,
    integrator: Integrator,
    session: ScopedSession,
    response: Response,
) -> MachineClientWithSecret:
    """登记一个第三方系统的接入。

    该系统以 POST /v1/oauth/token 取得令牌（client_id 为此处的编号）。
    共享密钥只在本次回答中显示一次，请立即妥善保存；遗失的须轮换。
    """
    kept, created = await service.register_client(session, integrator, client)
    location = f"/v1/machine-clients/{kept.id}"
    tell_created(response, location, version=kept.version, created=created)
    return kept


@router.get("/machine-clients", response_model=Page[MachineClientRead])
async def list_machine_clients(
    integrator: Integrator,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Page[MachineClientRead]:
    """列出网格范围内的第三方系统。"""
    return await queries.clients_page(session, integrator, page)


@router.get("/machine-clients/{client_id}", responses=found(), response_model=MachineClientRead)
async def read_machine_client(
    client_id: UUID, integrator: Integrator, session: ScopedSession, response: Response
) -> MachineClientRead:
    """查看一个第三方系统。"""
    client = await queries.client_in_reach(session, integrator, client_id)
    response.headers["ETag"] = f'"{client.version}"'
    return await queries.present(session, client)


@router.patch(
    "/machine-clients/{client_id}",
    responses=writes(NotFound, ClientDisabled, ExpiryOutOfRange, VersionMismatch, VersionMissing),
    response_model=MachineClientRead,
)
async def change_machine_client(
    client_id: UUID,
    change: MachineClientChange,
    version: IfMatch,
    integrator: Integrator,
    session: ScopedSession,
) -> MachineClientRead:
    """修改一个第三方系统的名称、网格、权限、来源地址、到期时间。

    缩小权限、更换网格后，此前取得的令牌立即失效，须重新取得。
    """
    client = await service.change_client(session, integrator, client_id, change, version)
    return await queries.present(session, client)


@router.post(
    "/machine-clients/{client_id}/rotate",
    dependencies=_SECRET,
    responses=writes(NotFound, ClientDisabled, KeysDoNotFit),
    response_model=MachineClientWithSecret,
)
async def rotate_machine_client(
    client_id: UUID, wanted: CredentialRotate, integrator: Integrator, session: ScopedSession
) -> MachineClientWithSecret:
    """轮换密钥：产生新的共享密钥，或换上新的公钥。

    原密钥在 overlap_hours 小时内仍可使用；失效后，以其取得的令牌也立即失效。
    """
    return await service.rotate_credential(session, integrator, client_id, wanted)


@router.post(
    "/machine-clients/{client_id}/disable",
    responses=writes(NotFound),
    response_model=MachineClientRead,
)
async def disable_machine_client(
    client_id: UUID, wanted: MachineClientDisable, integrator: Integrator, session: ScopedSession
) -> MachineClientRead:
    """停用一个第三方系统；其密钥、令牌立即失效，不能恢复。"""
    client = await service.disable_client(session, integrator, client_id, wanted)
    return await queries.present(session, client)
