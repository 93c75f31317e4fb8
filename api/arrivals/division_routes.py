"""Administrative divisions over HTTP."""

from typing import Annotated

from fastapi import Depends, Query

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission
from api.access.tokens import Claims
from api.arrivals import divisions
from api.arrivals.division_schemas import AreaPrefix, DivisionRead, PlaceCode
from api.foundation.contract import room
from api.foundation.fields import Name
from api.foundation.pages import Page, PageRequest, page_request

router = room("arrivals")

Reader = Annotated[Claims, permits(Permission.arrivals_read)]


@router.get("/divisions")
async def list_divisions(
    _: Reader,
    session: ScopedSession,
    page: Annotated[PageRequest, Depends(page_request)],
    prefix: Annotated[AreaPrefix | None, Query(description="只列该区划及其全部下级")] = None,
    parent: Annotated[PlaceCode | None, Query(description="只列该区划的直接下级")] = None,
    q: Annotated[Name | None, Query(description="全称中的任意几个字")] = None,
) -> Page[DivisionRead]:
    """列出行政区划。

    由管理员导入，各乡镇共用；按代码排列，可按代码前段、上级、名称查找（M2.4）。
    """
    return await divisions.page_of_divisions(session, page, prefix=prefix, parent=parent, name=q)
