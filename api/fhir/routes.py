"""FHIR R4 over HTTP, read only."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.fhir import bulk, parameters, searching
from api.fhir.caller import FhirReader, Reader
from api.fhir.capabilities import capability_statement
from api.fhir.formats import MEDIA_TYPE, NDJSON
from api.fhir.kinds import KINDS, ResourceType
from api.fhir.outcomes import FhirRoute, body, outcome
from api.fhir.parameters import Parameter
from api.foundation import clock
from api.foundation.contract import operation_name
from api.foundation.database import Database
from api.foundation.problems import MethodNotAllowed, NotAcceptable, NotFound

PUBLISHED = "2026-11-23"
_FORM = "application/x-www-form-urlencoded"

router = APIRouter(
    prefix="/fhir",
    tags=["fhir"],
    route_class=FhirRoute,
    generate_unique_id_function=operation_name,
    default_response_class=Response,
)


def _told(description: str, media_type: str = MEDIA_TYPE) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": {"type": "object"}}}}


_REFUSED: dict[int | str, dict[str, Any]] = {
    status: _told(f"OperationOutcome:{why}")
    for status, why in {
        400: "参数有误",
        401: "未登录，或凭证已失效",
        403: "没有权限，或不在允许的地址",
        404: "没有找到",
        406: "不支持该格式",
        422: "参数有误",
        500: "服务内部错误",
        503: "暂时不可用",
    }.items()
}
_SEARCHED: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": said,
            "schema": {"type": "string"},
        }
        for name, said in {
            "_count": "每页条数，最多 500；0 为只要总数",
            "_summary": "count 为只要总数",
            "_total": "accurate 或 estimate 为同时给出总数",
            "_elements": "只要这些元素，如 status,subject",
            "_sort": "次序，_lastUpdated 或 date 之一，前加 - 为倒序",
            "_id": "编号，可用逗号分隔多个",
            "_lastUpdated": "更新时间，如 ge2022-02-15",
            "date": "发生日期，如 ge2022-02-15",
            "patient": "居民，如 Patient/{id}",
            "status": "状态",
        }.items()
    ]
}
Prefer = Annotated[
    str | None,
    Header(
        description="handling=lenient 时，不支持的参数忽略；否则会缩小范围的被拒绝，"
        "handling=strict 时一律拒绝"
    ),
]
Leniently = Annotated[
    str | None,
    Header(alias="Prefer", description="handling=lenient 时，不支持的参数忽略；否则被拒绝"),
]
Types = Annotated[str | None, Query(alias="_type", description="资源类型，逗号分隔；不填为全部")]
Since = Annotated[str | None, Query(alias="_since", description="只要此时间之后更新的")]
Form = Annotated[
    str | None, Query(alias="_outputFormat", description="只支持 application/fhir+ndjson")
]
Kind = ResourceType


def _base(request: Request) -> str:
    return f"{request.app.state.settings.public_url.rstrip('/')}/fhir"


@router.get("/metadata", responses={200: _told("能力声明（CapabilityStatement）")})
async def read_capabilities(request: Request) -> Response:
    """支持的 FHIR R4 资源、查询参数和操作。"""
    cors = bool(request.app.state.settings.allowed_origins)
    return body(capability_statement(_base(request), PUBLISHED, cors=cors))


@router.get("/$export", status_code=202, responses={202: {"description": "已受理"}, **_REFUSED})
async def export_resources(
    request: Request,
    reader: FhirReader,
    types: Types = None,
    since: Since = None,
    output_format: Form = None,
    prefer: Leniently = None,
) -> Response:
    """批量导出（Bulk Data）。

    答 202,`Content-Location` 为查询状态的地址；其答复列出各类资源的 NDJSON 文件，每行一个资源。
    不支持的参数（如 `_typeFilter`）会被拒绝，除非 `Prefer: handling=lenient`。
    """
    if "handling=lenient" not in (prefer or ""):
        bulk.refuse_unknown(request.query_params)
    bulk.refuse_format(output_format)
    bulk.types_of(types, reader)
    bulk.since(since)
    address = f"{_base(request)}/$export-status"
    query = request.url.query
    return Response(
        status_code=202,
        headers={"Content-Location": f"{address}?{query}" if query else address},
    )


@router.get("/$export-status", responses={200: _told("导出清单"), **_REFUSED})
async def read_export_status(
    request: Request,
    reader: FhirReader,
    types: Types = None,
    since: Since = None,
) -> Response:
    """批量导出的清单。

    各文件在读取时生成，须带同样的凭证；下次以 `transactionTime` 作为 `_since` 增量导出。
    """
    bulk.since(since)
    asked = f"{_base(request)}/$export?{request.url.query}".rstrip("?")
    kinds = bulk.types_of(types, reader)
    told = bulk.manifest(asked, _base(request), kinds, since)
    expires = bulk.moment(clock.now() + bulk.KEPT)
    return body(told, Expires=expires)


@router.delete(
    "/$export-status", status_code=202, responses={202: {"description": "已取消"}, **_REFUSED}
)
async def end_export(_: FhirReader) -> Response:
    """结束一次批量导出。没有为它保存文件，不必清除。"""
    return Response(status_code=202)


@router.get(
    "/{resource_type}/$export-file",
    responses={200: _told("每行一个资源", NDJSON), **_REFUSED},
)
async def export_file(
    resource_type: Kind,
    request: Request,
    reader: FhirReader,
    since: Since = None,
) -> StreamingResponse:
    """导出一类资源，每行一个（NDJSON）。导出将被记录。"""
    wanted = bulk.since(since, resource_type)
    told = await bulk.lines(reader, _base(request), resource_type, wanted)
    return StreamingResponse(told, media_type=NDJSON)


@router.get(
    "/{resource_type}",
    responses={200: _told("一页资源（Bundle）"), **_REFUSED},
    openapi_extra=_SEARCHED,
)
async def search_resources(
    resource_type: Kind, request: Request, reader: FhirReader, prefer: Prefer = None
) -> Response:
    """查询一类资源。

    可用的参数见 /fhir/metadata；按 `Bundle.link` 中的 next 翻页。
    """
    return await _search(request, reader, resource_type, _in_address(request), prefer=prefer)


@router.post("/{resource_type}/_search", responses={200: _told("一页资源（Bundle）"), **_REFUSED})
async def search_resources_by_form(
    resource_type: Kind, request: Request, reader: FhirReader, prefer: Prefer = None
) -> Response:
    """以表单查询一类资源。

    参数与 GET 相同，写在 application/x-www-form-urlencoded 中，网址中的也算；证件号只能这样查询。
    """
    if not request.headers.get("content-type", _FORM).startswith(_FORM) and await request.body():
        raise NotAcceptable(f"请使用 {_FORM} 提交。")
    async with request.form(max_files=0) as form:
        told = [Parameter(name, str(value), in_body=True) for name, value in form.multi_items()]
    told += _in_address(request)
    return await _search(request, reader, resource_type, told, prefer=prefer)


@router.get("/{resource_type}/{resource_id}", responses={200: _told("一个资源"), **_REFUSED})
async def read_resource(
    resource_type: Kind, resource_id: UUID, request: Request, reader: FhirReader
) -> Response:
    """读取一个资源。"""
    found = await searching.read_one(reader, _base(request), resource_type, resource_id)
    return body(found, ETag=f'W/"{found["meta"]["versionId"]}"')


@router.api_route(
    "/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
)
async def refuse_the_rest(request: Request) -> Response:
    """Whatever else is asked below /fhir is refused in FHIR's own form, too."""
    if request.method == "GET":
        raise NotFound
    told = outcome(MethodNotAllowed("只读：不支持该操作。"))
    told.headers["Allow"] = "GET"
    return told


def _in_address(request: Request) -> list[Parameter]:
    return [Parameter(name, value) for name, value in request.query_params.multi_items()]


async def _search(
    request: Request,
    reader: Reader,
    kind: ResourceType,
    told: list[Parameter],
    *,
    prefer: str | None,
) -> Response:
    database: Database = request.app.state.database
    handling = parameters.Handling.of(prefer)
    asking = parameters.Asking(handling=handling, keyring=database.keyring)
    wanted = parameters.read(KINDS[kind], told, asking)
    return body(await searching.search(reader, _base(request), kind, wanted))
