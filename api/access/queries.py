"""What the gate reads: accounts by login, posts in every cell, own sessions, the audit record.

The tree and its posts belong to rooms above this one, so they are asked for by SQL and by the
cell's own function `posts_of`.
"""

from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.caller import entry_of
from api.access.models import Account, AuditEntry, Membership, RefreshToken, Session
from api.access.permissions import Role, permitted
from api.access.schemas import AuditEntryRead, Me, PostHeld, SessionRead
from api.access.tokens import Claims
from api.foundation import clock
from api.foundation.database import Database, Entry, keyring_of
from api.foundation.pages import Page, PageRequest, read_page
from api.foundation.problems import PostingChanged


class Person(NamedTuple):
    """A name, as one cell knows it, and the posts held now, the highest first."""

    name: str
    posts: list[PostHeld]


class Staff(NamedTuple):
    """A worker within the caller's reach, as far as their account is concerned."""

    id: UUID
    reach: str
    phone_lookup: bytes | None
    has_left: bool


async def account_of_login(session: AsyncSession, login: str) -> tuple[Account | None, list[str]]:
    """The account a normalised login names, and the cells it has, or had, posts in."""
    phone = keyring_of(session).lookup(login, context="phone")
    cells = (
        select(func.array_agg(col(Membership.cell)))
        .where(col(Membership.account_id) == col(Account.id))
        .scalar_subquery()
    )
    statement = select(Account, cells).where(
        or_(col(Account.name) == login, col(Account.phone_lookup) == phone)
    )
    found = (await session.execute(statement)).first()
    return (found[0], found[1] or []) if found else (None, [])


async def cells_of(session: AsyncSession, account: UUID) -> list[str]:
    statement = select(Membership.cell).where(col(Membership.account_id) == account)
    return list((await session.scalars(statement)).all())


async def person_in(session: AsyncSession, cell: str, worker: UUID) -> Person:
    """The posts a worker holds now in the cell that was entered, whatever the caller's reach."""
    statement = text("SELECT * FROM posts_of(:worker, :at)")
    rows = (await session.execute(statement, {"worker": worker, "at": clock.now()})).all()
    posts = [
        PostHeld(
            id=row.post_id,
            role=Role(row.role),
            role_label=Role(row.role).label,
            title=row.title,
            grid_id=row.grid_id,
            grid_code=row.grid_code,
            grid_name=row.grid_name,
            level=row.level,
            cell=cell,
        )
        for row in rows
    ]
    return Person(rows[0].worker_name if rows else "", posts)


async def posts_in(database: Database, cells: list[str], worker: UUID) -> list[PostHeld]:
    """The posts held now in these cells, each entered in a transaction of its own."""
    posts: list[PostHeld] = []
    for cell in sorted(cells):
        async with database.session(Entry.without_reach(cell)) as session:
            posts += (await person_in(session, cell, worker)).posts
    return posts


async def session_of_refresh_token(session: AsyncSession, digest: bytes) -> Session | None:
    statement = (
        select(Session)
        .join(RefreshToken, col(RefreshToken.session_id) == col(Session.id))
        .where(col(RefreshToken.digest) == digest)
    )
    return (await session.scalars(statement)).first()


async def own_sessions(
    session: AsyncSession, caller: Claims, page: PageRequest
) -> Page[SessionRead]:
    """The caller's sessions that have not ended, the newest first."""

    def present(row: Session) -> SessionRead:
        is_current = row.id == caller.session
        return SessionRead.model_validate({**row.model_dump(), "is_current": is_current})

    statement = select(Session).where(
        col(Session.account_id) == caller.worker,
        col(Session.ended_at).is_(None),
        col(Session.expires_at) > clock.now(),
    )
    keys = (col(Session.created_at), col(Session.id))
    return await read_page(session, statement, keys, page, present=present, descending=True)


async def staff_in_reach(session: AsyncSession, worker: UUID) -> Staff | None:
    """The worker, if row security shows them to the caller."""
    statement = text(
        "SELECT id, reach, phone_lookup, left_at IS NOT NULL AS has_left "
        "FROM workers WHERE id = :worker"
    )
    row = (await session.execute(statement, {"worker": worker})).first()
    return Staff(*row) if row else None


async def posts_in_reach(session: AsyncSession, worker: UUID) -> set[UUID]:
    """Those posts of a worker that row security shows to the caller."""
    statement = text("SELECT id FROM posts WHERE worker_id = :worker")
    return set((await session.scalars(statement, {"worker": worker})).all())


async def own_reach(session: AsyncSession) -> str:
    """The path that the entry gave to the caller."""
    return str(await session.scalar(text("SELECT current_setting('onegrid.reach_from')")))


class AuditFilter(NamedTuple):
    """Which audit entries are wanted."""

    subject_id: UUID | None
    worker_id: UUID | None
    day: date | None


async def audit_entries(
    session: AsyncSession, wanted: AuditFilter, page: PageRequest
) -> Page[AuditEntryRead]:
    """The audit record within reach, the newest first."""
    statement = select(AuditEntry)
    if wanted.subject_id is not None:
        statement = statement.where(col(AuditEntry.subject_id) == wanted.subject_id)
    if wanted.worker_id is not None:
        statement = statement.where(col(AuditEntry.worker_id) == wanted.worker_id)
    if wanted.day is not None:
        begin, end = clock.day_bounds(wanted.day)
        statement = statement.where(col(AuditEntry.at) >= begin, col(AuditEntry.at) < end)
    return await read_page(
        session,
        statement,
        (col(AuditEntry.at), col(AuditEntry.id)),
        page,
        present=AuditEntryRead.model_validate,
        descending=True,
    )


async def me(database: Database, caller: Claims) -> Me:
    """The caller: name, account, permissions, and the posts to choose from, in every own cell."""
    async with database.session(entry_of(caller, writing=False)) as session:
        account = (await session.scalars(select(Account).where(Account.id == caller.worker))).one()
        cells = await cells_of(session, caller.worker)
        here = await person_in(session, caller.cell, caller.worker)
    elsewhere = [cell for cell in cells if cell != caller.cell]
    posts = here.posts + await posts_in(database, elsewhere, caller.worker)
    post = next((post for post in posts if post.id == caller.post), None)
    if post is None:
        raise PostingChanged
    return Me(
        worker_id=caller.worker,
        name=here.name,
        account=account.name,
        post=post,
        permissions=sorted(permitted(caller.role, caller.level)),
        other_posts=[other for other in posts if other.id != caller.post],
        must_change_password=account.must_change_password,
    )
