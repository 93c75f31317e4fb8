"""The people of the tests, by place and duty, in a township invented for them.

青竹乡 (t) — zhou 周书记, level-1 leader; gu, administrator
└── 东片 (t.01) — li, level-2 worker of the township's leadership
    ├── 柳村 (t.01.01) — lin, secretary; shan, village cadre
    │   ├── 柳村一组 (t.01.01.01) — ming, young grid worker; pang, party member; ba, volunteer
    │   └── 柳村二组 (t.01.01.02) — mei, grid worker of 58; fan, party member
    └── 榕村 (t.01.02) — wei, secretary; he, village doctor
        └── 榕村一组 (t.01.02.01) — han, grid worker; qin, party member

白水乡, another cell — bai, its administrator. Nobody has no token.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID, uuid5

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.models import Account, Membership, Session
from api.access.passwords import hash_password
from api.access.permissions import Role
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.embedded import Addresses
from api.foundation.problems import Problem
from api.foundation.records import new_id
from api.foundation.sealed import Keyring
from api.grids.models import Grid, GridKind, Post, Worker
from api.operations import Operator

TOWNSHIP = "451422201"
OTHER_TOWNSHIP = "451422202"
PASSWORD = "Qingzhu-2022"
_IDS = UUID("01900000-0000-7000-8000-000000000000")


def id_of(name: str) -> UUID:
    """The stable id of a grid (by path), a person or a post of the cast."""
    return UUID(bytes=uuid5(_IDS, name).bytes, version=4)


@dataclass(frozen=True)
class Character:
    """One person: where, as what, and of which party."""

    name: str
    said: str
    path: str
    role: Role
    is_party_member: bool = False
    phone: str | None = None


GRIDS: tuple[tuple[str, str, GridKind, str], ...] = (
    ("t", "451422201000", GridKind.township, "青竹乡"),
    ("t.01", "451422201001", GridKind.area, "东片"),
    ("t.01.01", "451422201201", GridKind.village, "柳村"),
    ("t.01.01.01", "451422201201001", GridKind.basic, "柳村一组"),
    ("t.01.01.02", "451422201201002", GridKind.basic, "柳村二组"),
    ("t.01.02", "451422201202", GridKind.village, "榕村"),
    ("t.01.02.01", "451422201202001", GridKind.basic, "榕村一组"),
)

CAST: tuple[Character, ...] = (
    Character("gu", "顾管理", "t", Role.administrator),
    Character("zhou", "周书记", "t", Role.grid_leader, is_party_member=True),
    Character("li", "李委员", "t.01", Role.grid_worker, is_party_member=True),
    Character("lin", "林支书", "t.01.01", Role.grid_leader, is_party_member=True),
    Character("shan", "单干部", "t.01.01", Role.cadre, is_party_member=True),
    Character("ming", "小明", "t.01.01.01", Role.grid_worker, phone="13800000001"),
    Character("pang", "庞党员", "t.01.01.01", Role.party_member, is_party_member=True),
    Character("ba", "巴志愿", "t.01.01.01", Role.volunteer),
    Character("mei", "梅大姐", "t.01.01.02", Role.grid_worker),
    Character("fan", "范党员", "t.01.01.02", Role.party_member, is_party_member=True),
    Character("wei", "韦支书", "t.01.02", Role.grid_leader, is_party_member=True),
    Character("he", "何医生", "t.01.02", Role.village_doctor),
    Character("han", "韩网格", "t.01.02.01", Role.grid_worker),
    Character("qin", "覃党员", "t.01.02.01", Role.party_member, is_party_member=True),
)


class Town:
    """The running service and the clients of its people."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    @property
    def database(self) -> Database:
        return self.app.state.database

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    def nobody(self) -> httpx.AsyncClient:
        return self._clients.setdefault("", self.client())

    async def as_(self, name: str) -> httpx.AsyncClient:
        """The client of a character, signed in at their post with a real token."""
        if name not in self._clients:
            self._clients[name] = self.client(await self.token_of(name))
        return self._clients[name]

    async def token_of(self, name: str) -> str:
        cell = OTHER_TOWNSHIP if name == "bai" else TOWNSHIP
        person = next((each for each in CAST if each.name == name), None)
        path, role = (person.path, person.role) if person else ("t", Role.administrator)
        grid = id_of(f"{cell} {path}")
        return await self.token_at(
            id_of(name), cell, id_of(f"post {name}"), grid, path.count(".") + 1, role
        )

    async def token_at(
        self, worker: UUID, cell: str, post: UUID, grid: UUID, level: int, role: Role
    ) -> str:
        """Open a session at a post, as sign-in does, and issue its token."""
        now = clock.now()
        session = Session(
            id=new_id(),
            account_id=worker,
            cell=cell,
            post_id=post,
            device="pytest",
            created_at=now,
            used_at=now,
            expires_at=now + timedelta(days=30),
        )
        async with self.database.session(Entry.outside()) as opened:
            opened.add(session)
        return self.app.state.keys.tokens.issue(
            {
                "sub": str(worker),
                "sid": str(session.id),
                "cell": cell,
                "post": str(post),
                "grid": str(grid),
                "level": level,
                "role": role.value,
            }
        )


def grid_id(path: str) -> UUID:
    return id_of(f"{TOWNSHIP} {path}")


def assert_problem(response: httpx.Response, kind: type[Problem]) -> dict[str, Any]:
    """The response is this problem, whole: status, media type, type and a Chinese detail."""
    assert response.status_code == kind.status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = response.json()
    assert body["type"] == f"/problems/{kind.slug()}", body
    assert any("一" <= character <= "鿿" for character in body["detail"])
    return body


async def build_towns(addresses: Addresses, keys: tuple[str, str]) -> None:
    """Migrate a database and people two townships in it."""
    operator = Operator(addresses.owner, "onegrid_service")
    await operator.migrate()
    await operator.create_cell(TOWNSHIP, "青竹乡")
    await operator.create_cell(OTHER_TOWNSHIP, "白水乡")
    database = Database(addresses.owner, Keyring.parse(*keys))
    await database.open()
    hashed = await hash_password(PASSWORD)
    async with database.session(Entry.without_reach(TOWNSHIP)) as session:
        await _add_people(session, TOWNSHIP, GRIDS, CAST, hashed)
    async with database.session(Entry.without_reach(OTHER_TOWNSHIP)) as session:
        bai = Character("bai", "白管理", "t", Role.administrator)
        root = ("t", "451422202000", GridKind.township, "白水乡")
        await _add_people(session, OTHER_TOWNSHIP, (root,), (bai,), hashed)
    await database.close()


async def _add_people(
    session: AsyncSession,
    cell: str,
    grids: tuple[tuple[str, str, GridKind, str], ...],
    cast: tuple[Character, ...],
    hashed: str,
) -> None:
    now = clock.now() - timedelta(days=60)
    for path, code, kind, name in grids:
        parent = path.rpartition(".")[0]
        session.add(
            Grid(
                id=id_of(f"{cell} {path}"),
                code=code,
                name=name,
                kind=kind,
                level=path.count(".") + 1,
                path=path,
                parent_id=id_of(f"{cell} {parent}") if parent else None,
                next_segment=50,
                opened_on=now.date(),
            )
        )
        await session.flush()
    for person in cast:
        _add_person(session, cell, person, hashed)
    await session.flush()
    for person in cast:
        session.add(Membership(account_id=id_of(person.name), cell=cell))
        session.add(
            Post(
                id=id_of(f"post {person.name}"),
                worker_id=id_of(person.name),
                grid_id=id_of(f"{cell} {person.path}"),
                role=person.role,
                began_at=now,
                reach=person.path,
            )
        )


def _add_person(session: AsyncSession, cell: str, person: Character, hashed: str) -> None:
    keyring: Keyring = session.info["keyring"]
    phone = person.phone
    session.add(
        Account(
            id=id_of(person.name),
            name=person.name,
            phone_lookup=keyring.lookup(phone, context="phone") if phone else None,
            password_hash=hashed,
            created_at=clock.now(),
        )
    )
    session.add(
        Worker(
            id=id_of(person.name),
            grid_id=id_of(f"{cell} {person.path}"),
            name=person.said,
            phone_sealed=keyring.seal(phone, context="workers.phone") if phone else None,
            phone_lookup=keyring.lookup(phone, context="phone") if phone else None,
            is_party_member=person.is_party_member,
            reach=person.path,
        )
    )
