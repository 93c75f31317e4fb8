"""Whether the process lives, and whether it can serve: what containers and balancers ask."""

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.foundation import clock
from api.foundation.contract import operation_name, problems
from api.foundation.database import Database, Entry
from api.foundation.migrations import unmigrated
from api.foundation.problems import DatabaseUnavailable, Problem
from api.foundation.refusals import refused_of_late

_PATIENCE_SECONDS = 5


class NotMigrated(Problem):
    """The database is not at the version of this code; `schemas` names what is behind or ahead."""

    status = 503
    title = "数据库版本不符"
    detail = "数据库版本与程序不一致，请管理员执行 onegrid migrate。"


class Health(BaseModel):
    """服务状态。"""

    status: str = Field(description="正常时为 ok", examples=["ok"])


class Readiness(Health):
    """能否服务，以及供监视的各项情况。"""

    oldest_job_seconds: float | None = Field(
        description="到时未办的后台任务中，最久的已等多少秒；没有则为 null", examples=[0.4]
    )
    worker_silent_seconds: float | None = Field(
        description="后台进程（onegrid worker）已多少秒没有动静；从未运行则为 null", examples=[1.2]
    )
    clock_ahead_seconds: float = Field(
        description="本机时钟比数据库的快多少秒，慢则为负", examples=[0.0]
    )
    database_refused: str | None = Field(
        description=(
            "本进程最近一分钟内，数据库因何拒绝办理（DiskFullError 为磁盘已满）；没有则为 null"
        ),
        examples=[None],
    )


router = APIRouter(tags=["health"], generate_unique_id_function=operation_name)


@router.head("/livez", include_in_schema=False)
@router.get("/livez", response_model=Health)
async def livez() -> Health:
    """进程是否存活。

    不访问数据库，供容器平台判断是否需要重启。
    """
    return Health(status="ok")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", response_model=Readiness, responses=problems(NotMigrated))
async def readyz(request: Request) -> Readiness:
    """服务是否就绪。

    数据库可用，且公共库和每个乡镇的表结构与程序版本一致；否则返回 503，供负载均衡摘除本实例。
    其余各项只供监视，不影响是否就绪。
    """
    database: Database = request.app.state.database
    try:
        async with (
            asyncio.timeout(_PATIENCE_SECONDS),
            database.connection(Entry.outside()) as connection,
        ):
            behind = await unmigrated(connection)
            state = None if behind else await connection.fetchrow(_STATE, clock.now())
    except TimeoutError:
        raise DatabaseUnavailable from None
    if behind:
        raise NotMigrated(schemas=behind)
    return Readiness(status="ok", database_refused=refused_of_late(), **dict(state or {}))


# By the database's clock, as the queue itself is kept.
_STATE = """
    SELECT (
        SELECT extract(epoch FROM now() - min(execute_after))::float8 FROM public.pgqueuer
        WHERE status = 'queued' AND execute_after <= now()
    ) AS oldest_job_seconds, (
        SELECT extract(epoch FROM now() - max(created))::float8 FROM public.pgqueuer_log
    ) AS worker_silent_seconds,
        extract(epoch FROM $1::timestamptz - clock_timestamp())::float8 AS clock_ahead_seconds
"""
