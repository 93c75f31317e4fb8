"""The whole net of a township, made over HTTP: 27 villages, 160 grids, somebody signed in at each.

The cast's two villages and three grids are part of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from api.foundation.records import new_id
from tests.cast import grid_id
from tests.stories.phone import Phone, Story

VILLAGES = (
    *("柳村", "榕村", "竹山村", "石桥村", "那蒙村", "板亮村", "岜荷村", "派台村", "浦东村"),
    *("松林村", "白马村", "梅坡村", "龙潭村", "凤岭村", "双井村", "河口村", "高坪村", "红岩村"),
    *("大塘村", "新圩村", "古磨村", "平岸村", "上屯村", "下屯村", "那楠村", "百合村", "云岩村"),
)
GROUPS = "一二三四五六"
FEWER = ("下屯村", "云岩村")
"""Villages of five groups; the others have six, which makes 160."""
T = TypeVar("T")
PASSWORD = "Wangge-yuan-2022"

_THERE = {"柳村": (grid_id("t.01.01"), "lin"), "榕村": (grid_id("t.01.02"), "wei")}
_THERE |= {"柳村一组": (grid_id("t.01.01.01"), "ming"), "柳村二组": (grid_id("t.01.01.02"), "mei")}
_THERE |= {"榕村一组": (grid_id("t.01.02.01"), "han")}


@dataclass(frozen=True, slots=True)
class Place:
    """A village or a grid, who answers for it, and the village it lies in."""

    id: str
    name: str
    login: str
    village: str

    @property
    def is_village(self) -> bool:
        return self.name == self.village


class Net:
    """The villages and grids, and the phones of who answers for them."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.villages = [_place(f"cun{n:02d}", name, name) for n, name in enumerate(VILLAGES)]
        names = [(each, f"{each}{group}组") for each in VILLAGES for group in _groups(each)]
        self.grids = [_place(f"zu{n:03d}", name, of) for n, (of, name) in enumerate(names)]

    async def phone(self, place: Place) -> Phone:
        """The phone of the village's secretary or the grid's worker."""
        if place.name in _THERE:
            return await self.story.phone(place.login)
        return await self.story.phone(place.login, PASSWORD)

    async def leads_of_the_day(self, place: Place) -> dict[str, str]:
        """The leads that stand in the day of who answers for a place, and how they stand."""
        day = await (await self.phone(place)).get("/v1/my-day")
        duties = [duty for stop in day["stops"] for duty in stop["duties"]]
        return {each["report"]["path"]: each["state"] for each in duties if each["kind"] == "lead"}

    async def grow(self) -> None:
        """Open, staff and sign in to all that is not there yet."""
        zhou = await self.story.phone("zhou")
        above = {each.name: each.id for each in self.villages}
        for places in (self.villages, self.grids):
            new = [each for each in places if each.name not in _THERE]
            await at_once(lambda each: _open(zhou, each, above), new)
            await _staff(zhou, new)
            await at_once(self.phone, places)


def _groups(village: str) -> str:
    return GROUPS[:5] if village in FEWER else GROUPS


def _place(login: str, name: str, village: str) -> Place:
    there, who = _THERE.get(name, (new_id(), login))
    return Place(str(there), name, who, village)


async def _open(zhou: Phone, place: Place, above: dict[str, str]) -> None:
    told = {"id": place.id, "name": place.name}
    if place.is_village:
        number = 201 + VILLAGES.index(place.village)
        told |= {"parent_id": str(grid_id("t.01")), "kind": "village", "code": f"451422201{number}"}
    else:
        told |= {"parent_id": above[place.village], "kind": "basic"}
    await zhou.send("/v1/grids", told)


async def _staff(zhou: Phone, places: list[Place]) -> None:
    workers = [
        {"id": str(new_id()), "name": f"{place.name[:2]}某", "grid_id": place.id}
        for place in places
    ]
    posts = [
        {
            "id": str(new_id()),
            "worker_id": worker["id"],
            "grid_id": place.id,
            "role": "grid_leader" if place.is_village else "grid_worker",
        }
        for place, worker in zip(places, workers, strict=True)
    ]
    await all_created(zhou, "/v1/workers/batch", workers)
    await all_created(zhou, "/v1/posts/batch", posts)

    async def let_in(one: tuple[Place, dict[str, str]]) -> None:
        place, worker = one
        account = {"name": place.login, "initial_password": PASSWORD}
        await zhou.send(f"/v1/workers/{worker['id']}/account", account)

    await at_once(let_in, zip(places, workers, strict=True))


async def all_created(phone: Phone, path: str, items: list[dict[str, Any]]) -> None:
    """Send a list of which nothing is refused."""
    outcome = await phone.send(path, {"items": items})
    refused = [each["problem"] for each in outcome["items"] if each["problem"]]
    assert (outcome["created"], refused) == (len(items), [])


async def at_once(work: Callable[[T], Awaitable[Any]], each_of: Iterable[T]) -> None:
    """Do it for each, four at a time."""
    free = asyncio.Semaphore(4)

    async def alone(one: T) -> None:
        async with free:
            await work(one)

    async with asyncio.TaskGroup() as group:
        for one in each_of:
            group.create_task(alone(one))
