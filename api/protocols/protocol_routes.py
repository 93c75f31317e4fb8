"""Protocols over HTTP: drafted and activated by the township, read and tried out by everyone."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.foundation.contract import found, room, writes
from api.foundation.fields import Day, Name
from api.foundation.pages import Page
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import IfMatch, tell_created
from api.protocols import activation, drafting, queries, shipped
from api.protocols.documents import document_schema
from api.protocols.models import Protocol, ProtocolStatus
from api.protocols.problems import (
    DraftPending,
    PolicyOutOfOrder,
    PolicyRevisionTaken,
    ProtocolNotADraft,
    ProtocolRetired,
)
from api.protocols.proposing import Rulebook
from api.protocols.protocol_schemas import (
    PresetAdoption,
    Presets,
    ProtocolCopy,
    ProtocolDraft,
    ProtocolListed,
    ProtocolRead,
    ProtocolRetirement,
    ProtocolRewrite,
)
from api.protocols.routes import OfCode, Paged
from api.protocols.schemas import PolicyCode
from api.protocols.what_if import try_out
from api.protocols.what_if_schemas import WhatIf, WhatIfRead

router = room("protocols")

ProtocolReader = Annotated[Claims, permits(Permission.policies_read)]
ProtocolMaker = Annotated[Claims, permits(Permission.policies_manage)]

_KEPT = "同一编号、同一内容此前已提交"
_MAKING = writes(RecordDiffers, DraftPending, PolicyRevisionTaken)
_COPYING = writes(NotFound, RecordDiffers, DraftPending, PolicyRevisionTaken)
_ADOPTING = writes(NotFound, RecordDiffers, DraftPending, PolicyRevisionTaken, PolicyOutOfOrder)


async def protocols_of(request: Request) -> queries.ProtocolShelf:
    shelf: queries.ProtocolShelf = request.app.state.protocols
    return shelf


Protocols = Annotated[queries.ProtocolShelf, Depends(protocols_of)]
"""The shelf of documents, for this room and those above that lay out plans."""


async def wanted(
    code: OfCode = None,
    status: Annotated[ProtocolStatus | None, Query(description="只看这一状态的")] = None,
    disease: Annotated[Name | None, Query(description="只看这一疾病的")] = None,
    in_force_on: Annotated[Day | None, Query(description="只看该日施行的")] = None,
) -> queries.ProtocolsWanted:
    return queries.ProtocolsWanted(code, status, disease, in_force_on)


Filters = Annotated[queries.ProtocolsWanted, Depends(wanted)]


@router.get("/protocols", response_model=Page[ProtocolListed])
async def list_protocols(
    _: ProtocolReader, session: ScopedSession, filters: Filters, page: Paged
) -> Page[ProtocolListed]:
    """列出防控方案的各版。

    按代码、版次排列，不含方案内容（M3.1）。
    """
    return await queries.protocols(session, filters, page)


@router.post(
    "/protocols",
    status_code=201,
    response_model=ProtocolRead,
    responses={200: {"model": ProtocolRead, "description": _KEPT}, **_MAKING},
)
async def draft_protocol(
    draft: ProtocolDraft, maker: ProtocolMaker, session: ScopedSession, response: Response
) -> ProtocolRead:
    """拟一份防控方案草稿。

    新代码为第 1 版，已有代码为下一版；同一代码同时只有一份草稿。内容逐项核对，全部错处一次指出，
    指到方案内容中的位置（M3.1）。
    """
    kept, created = await drafting.draft_protocol(session, maker, draft)
    tell_created(response, f"/v1/protocols/{kept.id}", version=kept.version, created=created)
    return ProtocolRead.model_validate(kept)


@router.get("/protocol-presets", response_model=Presets)
async def list_presets(_: ProtocolReader) -> Presets:
    """列出随服务提供的预置方案。

    各注明出处；未经采用不生效（M3.1）。
    """
    return Presets(items=list(shipped.presets().values()))


@router.post(
    "/protocol-presets/{code}",
    status_code=201,
    response_model=ProtocolRead,
    responses={200: {"model": ProtocolRead, "description": _KEPT}, **_ADOPTING},
)
async def adopt_preset(
    code: PolicyCode,
    adoption: PresetAdoption,
    maker: ProtocolMaker,
    session: ScopedSession,
    response: Response,
) -> ProtocolRead:
    """采用一份预置方案。

    成为本乡镇的草稿，可先修改；`activate` 为 true 的同时批准施行（M3.1）。
    """
    kept, created = await drafting.adopt_preset(session, maker, code, adoption)
    tell_created(response, f"/v1/protocols/{kept.id}", version=kept.version, created=created)
    return ProtocolRead.model_validate(kept)


@router.get("/protocols/schema")
async def read_protocol_schema(_: ProtocolReader) -> dict[str, Any]:
    """查看方案内容的 JSON Schema。

    2020-12 版；与 `openapi/protocol.schema.json` 相同。
    """
    return document_schema()


@router.post("/protocols/what-if", response_model=WhatIfRead, responses=writes(NotFound))
async def try_protocols(
    question: WhatIf, reader: ProtocolReader, session: ScopedSession, shelf: Protocols
) -> WhatIfRead:
    """试算：某人在某日适用什么方案。

    逐阶段给出日期、检测日，指明作出决定的方案和条款，以及各条款不适用的原因；不保存任何内容。
    多份方案同时施行的，适用地区小的在先（M3.1）。
    """
    return await try_out(Rulebook(session, shelf, reader.cell), question)


@router.get("/protocols/{protocol_id}", response_model=ProtocolRead, responses=found())
async def read_protocol(
    protocol_id: UUID, _: ProtocolReader, session: ScopedSession, response: Response
) -> ProtocolRead:
    """查看防控方案的一版。"""
    return _shown(response, await queries.policy_of(session, Protocol, protocol_id))


@router.put(
    "/protocols/{protocol_id}",
    response_model=ProtocolRead,
    responses=writes(NotFound, ProtocolNotADraft, VersionMissing, VersionMismatch),
)
async def rewrite_protocol(
    protocol_id: UUID,
    rewrite: ProtocolRewrite,
    version: IfMatch,
    maker: ProtocolMaker,
    session: ScopedSession,
    response: Response,
) -> ProtocolRead:
    """改写一份草稿。

    整份替换，原内容保留备查；已施行的方案内容不变，须另拟新一版（M3.1）。
    """
    change = drafting.Rewriting(protocol_id, rewrite, version)
    return _shown(response, await drafting.rewrite_protocol(session, maker, change))


@router.post(
    "/protocols/{protocol_id}/activate",
    response_model=ProtocolRead,
    responses=found(
        InvalidInput, ProtocolNotADraft, PolicyOutOfOrder, VersionMissing, VersionMismatch
    ),
)
async def activate_protocol(
    protocol_id: UUID,
    version: IfMatch,
    maker: ProtocolMaker,
    session: ScopedSession,
    response: Response,
) -> ProtocolRead:
    """批准一份草稿施行。

    自其施行日期起生效，前一版于前一日止；正在执行的隔离仍按原来的一版（M3.1）。
    草稿按现行要求再核对一遍，有误的指出位置，更正后再批准。
    """
    protocol = await activation.activate_protocol(session, maker, protocol_id, version)
    return _shown(response, protocol)


@router.post(
    "/protocols/{protocol_id}/retire",
    response_model=ProtocolRead,
    responses=writes(NotFound, ProtocolRetired),
)
async def retire_protocol(
    protocol_id: UUID,
    retirement: ProtocolRetirement,
    maker: ProtocolMaker,
    session: ScopedSession,
    response: Response,
) -> ProtocolRead:
    """停用一版方案。

    自今日起不再适用于新的人员，前一版不自动恢复；正在执行的隔离仍按该版。草稿停用即作废（M3.1）。
    """
    retired = await activation.retire_protocol(session, maker, protocol_id, retirement.reason)
    return _shown(response, retired)


@router.post(
    "/protocols/{protocol_id}/copy",
    status_code=201,
    response_model=ProtocolRead,
    responses={200: {"model": ProtocolRead, "description": _KEPT}, **_COPYING},
)
async def copy_protocol(
    protocol_id: UUID,
    copy: ProtocolCopy,
    maker: ProtocolMaker,
    session: ScopedSession,
    response: Response,
) -> ProtocolRead:
    """以一版方案为底本，拟新一版草稿。"""
    kept, created = await drafting.copy_protocol(session, maker, protocol_id, copy)
    tell_created(response, f"/v1/protocols/{kept.id}", version=kept.version, created=created)
    return ProtocolRead.model_validate(kept)


def _shown(response: Response, protocol: Protocol) -> ProtocolRead:
    response.headers["ETag"] = f'"{protocol.version}"'
    return ProtocolRead.model_validate(protocol)
