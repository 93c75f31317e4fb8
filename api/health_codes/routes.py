"""Health-code systems over HTTP: set up and tried by the township, asked by who records health."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.health_codes import code_checks, queries, service, shipped, trying
from api.health_codes.check_schemas import (
    CodeCheckAsk,
    CodeCheckRead,
    HealthCodeCheckRead,
    HealthCodeSystemState,
    PersonToCheck,
)
from api.health_codes.desk import AtDesk, House
from api.health_codes.documents import system_schema
from api.health_codes.problems import (
    HostNotAllowed,
    NoDocumentKnown,
    SignerNotInstalled,
    SystemCodeTaken,
    WhichSystem,
)
from api.health_codes.schemas import (
    HealthCodePresets,
    HealthCodeSystemChange,
    HealthCodeSystemListed,
    HealthCodeSystemRead,
    HealthCodeSystemRecord,
    SystemCode,
    VersionOf,
)

router = room("health_codes")

Integrator = Annotated[Claims, permits(Permission.integrations_manage)]
HealthRecorder = Annotated[Claims, permits(Permission.health_records_record)]
Code = Annotated[SystemCode, Path(description="系统代码")]


async def version_of(code: Code, version: IfMatch) -> VersionOf:
    return VersionOf(code, version)


Which = Annotated[VersionOf, Depends(version_of)]

_UNFIT = (HostNotAllowed, SignerNotInstalled)
_MAKING = writes(NotFound, RecordDiffers, SystemCodeTaken, *_UNFIT)
_CHANGING = writes(NotFound, VersionMissing, VersionMismatch, *_UNFIT)
_ASKING = writes(NotFound, RecordDiffers, WhichSystem, NoDocumentKnown)


@router.get("/health-code-systems", response_model=Page[HealthCodeSystemListed])
async def list_health_code_systems(
    _: Integrator,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
) -> Page[HealthCodeSystemListed]:
    """列出接入的健康码系统。

    按代码排列；密钥只列名称，不能读出。
    """
    return await queries.systems(session, page)


@router.post(
    "/health-code-systems",
    status_code=201,
    responses={
        200: {"model": HealthCodeSystemRead, "description": "同一编号、同一内容此前已提交"},
        **_MAKING,
    },
    response_model=HealthCodeSystemRead,
)
async def set_up_health_code_system(
    system: HealthCodeSystemRecord,
    integrator: Integrator,
    session: ScopedSession,
    house: House,
    response: Response,
) -> HealthCodeSystemRead:
    """接入一个健康码系统。

    采用预置配置，或自行写明请求、签名、答复的对应关系；密钥加密保存，只能写入（domain 2.4）。
    """
    kept, created = await service.set_up_system(session, integrator, house, system)
    address = f"/v1/health-code-systems/{kept.code}"
    tell_created(response, address, version=kept.version, created=created)
    return queries.present(session, kept)


@router.get("/health-code-systems/schema")
async def read_health_code_system_schema(_: Integrator) -> dict[str, Any]:
    """查看系统配置的 JSON Schema。

    2020-12 版；与 `openapi/health-code-system.schema.json` 相同。
    """
    return system_schema()


@router.get("/health-code-presets", response_model=HealthCodePresets)
async def list_health_code_presets(_: Integrator) -> HealthCodePresets:
    """列出随服务提供的系统配置。

    根据公开的接口说明整理，各注明出处和须与对方核对之处（domain 2.4）。
    """
    return HealthCodePresets(items=list(shipped.presets().values()))


@router.get("/health-code-systems/{code}", response_model=HealthCodeSystemRead, responses=found())
async def read_health_code_system(
    code: Code, _: Integrator, session: ScopedSession, response: Response
) -> HealthCodeSystemRead:
    """查看一个健康码系统及其配置。"""
    system = await queries.system_of(session, code)
    response.headers["ETag"] = f'"{system.version}"'
    return queries.present(session, system)


@router.patch(
    "/health-code-systems/{code}", response_model=HealthCodeSystemRead, responses=_CHANGING
)
async def change_health_code_system(
    which: Which,
    change: HealthCodeSystemChange,
    integrator: Integrator,
    session: ScopedSession,
    house: House,
    response: Response,
) -> HealthCodeSystemRead:
    """更改、启用、停用一个健康码系统。

    只更改所填的各项；密钥逐个更换，填 null 为删除。数秒内在各处生效，原配置留存备查。
    """
    system = await service.change_system(session, integrator, house, which, change)
    response.headers["ETag"] = f'"{system.version}"'
    return queries.present(session, system)


@router.get(
    "/health-code-systems/{code}/state", response_model=HealthCodeSystemState, responses=found()
)
async def read_health_code_system_state(
    code: Code, _: Integrator, desk: AtDesk
) -> HealthCodeSystemState:
    """查看一个健康码系统的运行情况。

    是否暂停查询、最近一次得到答复的时间、排队人数等，为答复本请求的进程所见。
    """
    return await trying.state_of(desk, code)


@router.post(
    "/health-code-systems/{code}/checks",
    response_model=HealthCodeCheckRead,
    responses=writes(NotFound),
)
async def try_health_code_system(
    code: Code, person: PersonToCheck, _: Integrator, desk: AtDesk
) -> HealthCodeCheckRead:
    """以所给的人试查一次。

    给出发送的内容（密钥、身份信息已遮盖）和对答复的解读；停用的系统也可试查，结果不保存。
    """
    return await trying.try_system(desk, code, person)


@router.post(
    "/residents/{resident_id}/code-checks", response_model=CodeCheckRead, responses=_ASKING
)
async def check_resident_code(
    resident_id: UUID, check: CodeCheckAsk, _: HealthRecorder, desk: AtDesk
) -> CodeCheckRead:
    """现在查询一名居民的健康码。

    查到的保存为码状态，红码的同时上报异常；查不到的如实回答 unavailable 和原因，不保存，也不是绿
    码。同一编号再次提交，回答已保存的结果。
    """
    return await code_checks.check_code(desk, resident_id, check)
