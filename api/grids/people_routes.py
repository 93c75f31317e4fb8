"""The people of the net over HTTP: workers, their posts, and how posts change hands."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from api.access.caller import ScopedSession, permits
from api.access.permissions import Permission, Role
from api.access.problems import PhoneHasAccount
from api.access.tokens import Claims
from api.foundation.batches import read_or_unread
from api.foundation.contract import found, room, writes
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.fields import Name, Phone
from api.foundation.pages import Page, PageRequest, page_request
from api.foundation.problems import NotFound, RecordDiffers, VersionMismatch, VersionMissing
from api.foundation.records import BatchOutcome, IfMatch, tell_created
from api.grids import people, posts, succession, workers
from api.grids.people_schemas import (
    HandoverDone,
    PostAppoint,
    PostAppointBatch,
    PostEnd,
    PostHandOver,
    PostRead,
    WorkerCorrect,
    WorkerRead,
    WorkerRegister,
    WorkerRegisterBatch,
    WorkerWithPosts,
)
from api.grids.problems import (
    AboveYourRank,
    GridClosed,
    HouseholdNotNamed,
    LastAdministrator,
    OpenDuties,
    PhoneTaken,
    PostEnded,
    PostHeld,
    SuccessorIsHolder,
    WorkerLeft,
    WorkerStillServes,
)
from api.grids.routes import AGAIN

router = room("grids")

PeopleReader = Annotated[Claims, permits(Permission.posts_read)]
Appointer = Annotated[Claims, permits(Permission.posts_appoint)]
Paged = Annotated[PageRequest, Depends(page_request)]


async def workers_wanted(
    name: Annotated[Name | None, Query(description="姓名中含有的字")] = None,
    phone: Annotated[Phone | None, Query(description="完整的电话号码")] = None,
    grid_id: Annotated[UUID | None, Query(description="登记在该网格及其下级的人员")] = None,
    role: Annotated[Role | None, Query(description="现任职务")] = None,
    is_party_member: Annotated[bool | None, Query(description="是否党员")] = None,
) -> people.WorkersWanted:
    return people.WorkersWanted(
        name=name, phone=phone, grid_id=grid_id, role=role, is_party_member=is_party_member
    )


async def posts_wanted(
    grid_id: Annotated[UUID | None, Query(description="任职网格")] = None,
    below: Annotated[bool, Query(description="是否包括该网格的下级")] = False,
    worker_id: Annotated[UUID | None, Query(description="任职人")] = None,
    role: Annotated[Role | None, Query(description="职务")] = None,
    current: Annotated[
        bool | None, Query(description="true 只看现任，false 只看已结束或尚未开始的")
    ] = None,
) -> people.PostsWanted:
    return people.PostsWanted(
        grid_id=grid_id, below=below, worker_id=worker_id, role=role, current=current
    )


@router.get("/workers", responses=found())
async def list_workers(
    _: PeopleReader,
    session: ScopedSession,
    page: Paged,
    wanted: Annotated[people.WorkersWanted, Depends(workers_wanted)],
) -> Page[WorkerRead]:
    """列出本人范围内登记的人员。

    按姓名排列；电话已脱敏，可按完整号码查找（M1.2、M6.6）。
    """
    return await people.list_workers(session, wanted, page)


@router.post(
    "/workers",
    status_code=201,
    responses={
        200: {"model": WorkerRead, **AGAIN},
        **writes(NotFound, RecordDiffers, GridClosed, PhoneTaken),
    },
)
async def register_worker(
    worker: WorkerRegister, appointer: Appointer, session: ScopedSession, response: Response
) -> WorkerRead:
    """登记一名工作人员。

    登记在本人范围内的一个网格；任职另行任命（M1.2）。
    """
    kept, created = await workers.register_worker(session, appointer, worker)
    tell_created(response, f"/v1/workers/{kept.id}", version=kept.version, created=created)
    return people.worker_read(session, kept)


@router.post("/workers/batch", responses=writes())
async def register_workers(
    batch: WorkerRegisterBatch, appointer: Appointer, session: ScopedSession
) -> BatchOutcome:
    """一次登记多名工作人员。

    每一条各有结果，一条有误不影响其他（最多500条）。
    """
    return await workers.register_workers(session, appointer, read_or_unread(batch.items))


@router.get("/workers/{worker_id}", responses=found())
async def read_worker(
    worker_id: UUID, _: PeopleReader, session: ScopedSession, response: Response
) -> WorkerWithPosts:
    """查看一名工作人员及其任职。

    现任在前；不在本人范围内的任职不列出（M1.2）。
    """
    worker = await people.worker_in_reach(session, worker_id)
    response.headers["ETag"] = f'"{worker.version}"'
    return await people.worker_with_posts(session, worker)


@router.patch(
    "/workers/{worker_id}",
    responses=writes(
        NotFound,
        VersionMissing,
        VersionMismatch,
        GridClosed,
        PhoneTaken,
        PhoneHasAccount,
        RecordedInTheFuture,
        WorkerStillServes,
    ),
)
async def correct_worker(
    worker_id: UUID,
    correction: WorkerCorrect,
    appointer: Appointer,
    session: ScopedSession,
    version: IfMatch,
    response: Response,
) -> WorkerRead:
    """更正工作人员的登记。

    只改提交的项目，原内容保留在历史中；仍有责任须由党员承担的，不能改为非党员（M3.2）。登记离任后，
    其电话可由他人登记、登录。
    """
    worker = await workers.correct_worker(
        session, appointer, worker_id, correction, version=version
    )
    response.headers["ETag"] = f'"{worker.version}"'
    return people.worker_read(session, worker)


@router.get("/posts", responses=found())
async def list_posts(
    _: PeopleReader,
    session: ScopedSession,
    page: Paged,
    wanted: Annotated[people.PostsWanted, Depends(posts_wanted)],
) -> Page[PostRead]:
    """列出本人范围内的任职。

    最近开始的在前（M1.2）。
    """
    return await people.list_posts(session, wanted, page)


@router.post(
    "/posts",
    status_code=201,
    responses={
        200: {"model": PostRead, **AGAIN},
        **writes(
            NotFound,
            RecordDiffers,
            AboveYourRank,
            GridClosed,
            PostHeld,
            WorkerLeft,
            HouseholdNotNamed,
        ),
    },
)
async def appoint_post(
    appointment: PostAppoint, appointer: Appointer, session: ScopedSession, response: Response
) -> PostRead:
    """任命：某人在某网格担任某职务。

    只能任命本人范围内、本级以下的职务，不能任命与自己同级或更高的；系统管理员只能由系统管理员任命（M1.2）。
    """
    post, created = await posts.appoint(session, appointer, appointment)
    tell_created(response, f"/v1/posts/{post.id}", version=post.version, created=created)
    return (await people.post_reads(session, [post]))[0]


@router.get("/posts/{post_id}", responses=found())
async def read_post(
    post_id: UUID, _: PeopleReader, session: ScopedSession, response: Response
) -> PostRead:
    """查看一项任职。

    已结束的仍可查看（M1.2）。
    """
    post = await people.post_in_reach(session, post_id)
    response.headers["ETag"] = f'"{post.version}"'
    return (await people.post_reads(session, [post]))[0]


@router.post("/posts/batch", responses=writes())
async def appoint_posts(
    batch: PostAppointBatch, appointer: Appointer, session: ScopedSession
) -> BatchOutcome:
    """一次任命多人。

    每一条各有结果，一条有误不影响其他（最多500条）。
    """
    return await posts.appoint_all(session, appointer, read_or_unread(batch.items))


@router.post(
    "/posts/{post_id}/end",
    responses=writes(NotFound, AboveYourRank, OpenDuties, LastAdministrator),
)
async def end_post(
    post_id: UUID, ending: PostEnd, appointer: Appointer, session: ScopedSession
) -> PostRead:
    """免职：结束一项任职。

    从下一个请求起即失效，不论令牌如何写；还有未了责任的须改为交接（M1.3、M1.7）。
    """
    post = await succession.end_post(session, appointer, post_id, ending.reason)
    return (await people.post_reads(session, [post]))[0]


@router.post(
    "/posts/{post_id}/hand-over",
    responses=writes(
        NotFound,
        AboveYourRank,
        GridClosed,
        PostEnded,
        WorkerLeft,
        LastAdministrator,
        SuccessorIsHolder,
        RecordDiffers,
    ),
)
async def hand_over_post(
    post_id: UUID, handover: PostHandOver, appointer: Appointer, session: ScopedSession
) -> HandoverDone:
    """交接：结束任职，由接任人担任同一职务并接手全部未了责任。

    联户、包保等责任一并移交，返回各移交了多少（M1.7）；任职尚未开始的，接任人也从那时开始。
    """
    done = await succession.hand_over(session, appointer, post_id, handover)
    ended, successor = await people.post_reads(session, [done.ended, done.successor])
    return HandoverDone(ended=ended, successor=successor, passed_on=done.passed_on)
