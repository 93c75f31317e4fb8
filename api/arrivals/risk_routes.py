"""The list of risk areas over HTTP: read by who records arrivals, kept by the township."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.arrivals import risk_areas, risk_import
from api.arrivals.division_schemas import AreaPrefix
from api.arrivals.problems import RiskAreaDiscarded, RiskAreaOverlaps
from api.arrivals.risk_schemas import (
    RiskAreaCorrect,
    RiskAreaDiscard,
    RiskAreaImport,
    RiskAreaRead,
    RiskAreaRecord,
    RiskAreasImported,
)
from api.foundation.contract import found, room, writes
from api.foundation.fields import Day
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import IfMatch, tell_created
from api.protocols.models import RiskLevel

router = room("arrivals")

Reader = Annotated[Claims, permits(Permission.arrivals_read)]
Keeper = Annotated[Claims, permits(Permission.risk_areas_manage)]

_AGAIN = "同一编号、同一内容此前已提交"
_CHANGING = (NotFound, RiskAreaDiscarded, VersionMissing, VersionMismatch)


async def wanted(
    on: Annotated[Day | None, Query(description="只列该日在名单内的")] = None,
    prefix: Annotated[AreaPrefix | None, Query(description="只列该区划及其下级的")] = None,
    level: Annotated[RiskLevel | None, Query(description="只列这一等级的")] = None,
    discarded: Annotated[bool, Query(description="true 为只列已作废的")] = False,
) -> risk_areas.Wanted:
    return risk_areas.Wanted(on=on, prefix=prefix, level=level, discarded=discarded)


@router.post(
    "/risk-areas",
    status_code=201,
    responses={
        200: {"model": RiskAreaRead, "description": _AGAIN},
        **writes(RecordDiffers, RiskAreaOverlaps),
    },
)
async def list_risk_area(
    area: RiskAreaRecord, keeper: Keeper, session: ScopedSession, response: Response
) -> RiskAreaRead:
    """列入一个风险地区。

    按行政区划代码的前段，含其全部下级；到过该地的在途、在乡人员随即重新判定（M2.5）。
    """
    kept, created = await risk_areas.list_area(session, keeper, area)
    tell_created(response, f"/v1/risk-areas/{kept.id}", version=kept.version, created=created)
    return RiskAreaRead.model_validate(kept)


@router.post("/risk-areas/import", responses=writes())
async def import_risk_areas(
    published: RiskAreaImport, keeper: Keeper, session: ScopedSession
) -> RiskAreasImported:
    """导入公布的风险地区名单。

    最多 500 条，逐条给出结果；按地区、等级、起始日期认定为同一条，名单写明截止日期的随之截止；
    同一名单再次导入没有变化。名单未提到的各条不受影响（M2.5）。
    """
    return await risk_import.import_areas(session, keeper, published.items)


@router.get("/risk-areas")
async def list_risk_areas(
    _: Reader,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
    filters: Annotated[risk_areas.Wanted, Depends(wanted)],
) -> Page[RiskAreaRead]:
    """列出风险地区名单。

    含以往的；可按日期、地区、等级查找（M2.5）。
    """
    return await risk_areas.page_of_risk_areas(session, filters, page)


@router.get("/risk-areas/{risk_area_id}", responses=found())
async def read_risk_area(
    risk_area_id: UUID, _: Reader, session: ScopedSession, response: Response
) -> RiskAreaRead:
    """查看名单中的一条。"""
    area = await risk_areas.risk_area_of(session, risk_area_id)
    response.headers["ETag"] = f'"{area.version}"'
    return RiskAreaRead.model_validate(area)


@router.patch("/risk-areas/{risk_area_id}", responses=writes(*_CHANGING, RiskAreaOverlaps))
async def correct_risk_area(
    risk_area_id: UUID,
    correction: RiskAreaCorrect,
    version: IfMatch,
    keeper: Keeper,
    session: ScopedSession,
    response: Response,
) -> RiskAreaRead:
    """截止或更正名单中的一条。

    须写明原因，原内容保留备查；受影响的人员随即重新判定（M2.5）。地区、等级有误的，作废后重新列入。
    """
    area = await risk_areas.correct_area(session, keeper, risk_area_id, correction, version=version)
    response.headers["ETag"] = f'"{area.version}"'
    return RiskAreaRead.model_validate(area)


@router.post("/risk-areas/{risk_area_id}/discard", responses=writes(*_CHANGING))
async def discard_risk_area(
    risk_area_id: UUID,
    discard: RiskAreaDiscard,
    version: IfMatch,
    keeper: Keeper,
    session: ScopedSession,
    response: Response,
) -> RiskAreaRead:
    """作废名单中的一条。

    如同未曾列入，受影响的人员随即重新判定；内容留存可查（M2.5）。
    """
    area = await risk_areas.discard_area(session, keeper, risk_area_id, discard, version=version)
    response.headers["ETag"] = f'"{area.version}"'
    return RiskAreaRead.model_validate(area)
