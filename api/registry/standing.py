"""Who may stand for a household: the one party member and the one grid worker of 1+1+1+N (M1.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from api.access.permissions import Role
from api.foundation import clock
from api.foundation.problems import NotFound
from api.foundation.records import new_id
from api.grids.models import Post, Worker
from api.registry.models import BondKind
from api.registry.problems import NotOfThisGrid, NotPartyMember

ANSWERABLE = (Role.grid_worker, Role.grid_leader, Role.cadre)
"""The roles that can be the grid worker of a household."""


class Door(NamedTuple):
    """A household as a bond needs it, and the kind of bond."""

    household: UUID
    reach: str
    kind: BondKind


class Person(NamedTuple):
    """Who stands for a household: a worker, or for its representative a resident."""

    id: UUID
    name: str


def bond_values(door: Door, person: Person, *, began_at: datetime) -> dict[str, Any]:
    """The columns of a bond that begins, with the name of who stands for the household."""
    represents = door.kind is BondKind.representative
    return {
        "id": new_id(),
        "version": 1,
        "reach": door.reach,
        "household_id": door.household,
        "kind": door.kind,
        "worker_id": None if represents else person.id,
        "resident_id": person.id if represents else None,
        "name": person.name,
        "began_at": began_at,
        "ended_at": None,
        "ended_reason": None,
    }


@dataclass(frozen=True, slots=True)
class Candidates:
    """Workers within the caller's reach, and where they hold an answerable post now."""

    workers: dict[UUID, Worker]
    serving: dict[UUID, list[str]]

    def choose(self, worker: UUID, kind: BondKind, *, reach: str, pointer: str) -> Person:
        """The worker, fit to stand for the household at `reach`.

        Raises `NotFound` for one who is not seen or serves no more, `NotPartyMember` and
        `NotOfThisGrid` for one who does not fit, each pointing at the field.
        """
        chosen = self.workers.get(worker)
        if chosen is None or chosen.left_at is not None:
            raise NotFound("没有找到该人员，或不在您的网格范围内。", pointer=pointer)
        if kind is BondKind.party_member and not chosen.is_party_member:
            raise NotPartyMember(pointer=pointer)
        if kind is BondKind.grid_worker and not self._covers(worker, reach):
            raise NotOfThisGrid(pointer=pointer)
        return Person(chosen.id, chosen.name)

    def _covers(self, worker: UUID, reach: str) -> bool:
        return any(reach.startswith(f"{grid}.") for grid in self.serving.get(worker, ()))


async def candidates(session: AsyncSession, ids: Iterable[UUID]) -> Candidates:
    """Look up all the workers that a request names, in two statements."""
    named = set(ids)
    if not named:
        return Candidates({}, {})
    workers = (await session.scalars(select(Worker).where(col(Worker.id).in_(named)))).all()
    posts = await session.execute(
        select(col(Post.worker_id), col(Post.reach)).where(
            col(Post.worker_id).in_(named),
            col(Post.role).in_(ANSWERABLE),
            col(Post.began_at) <= clock.now(),
            or_(col(Post.ended_at).is_(None), col(Post.ended_at) > clock.now()),
        )
    )
    serving: dict[UUID, list[str]] = {}
    for worker, reach in posts:
        serving.setdefault(worker, []).append(reach)
    return Candidates({worker.id: worker for worker in workers}, serving)
