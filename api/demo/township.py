"""The township itself: its grids, the doors in them, who serves where, and who stands for whom."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from api.access.permissions import Role
from api.demo.chance import Chance
from api.demo.families import Household, Registrar
from api.demo.names import AREAS, VILLAGES, hamlet_names
from api.grids.models import GridKind

FEWEST_HAMLETS, MOST_HAMLETS = 4, 10
_DOORS = (34, 63)
_DIVISION = 9


@dataclass(frozen=True, slots=True)
class Grid:
    """A place in the tree."""

    id: UUID
    parent_id: UUID | None
    code: str
    name: str
    kind: GridKind

    @property
    def sequence(self) -> str:
        """What distinguishes the code within the township."""
        return self.code[_DIVISION:]


@dataclass(slots=True)
class Worker:
    """A person who serves in the net; `age` is not kept by the service, only told at sign-in."""

    id: UUID
    grid_id: UUID
    name: str
    phone: str
    age: int
    is_party_member: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """What a worker does at a grid, and what it is called there."""

    id: UUID
    worker: Worker
    grid_id: UUID
    role: Role
    title: str


@dataclass(slots=True)
class Hamlet:
    """A natural hamlet: the basic grid, level 4."""

    grid: Grid
    households: list[Household]
    posts: list[Post] = field(default_factory=list[Post])

    @property
    def worker(self) -> Worker:
        """The head of the hamlet, its grid worker."""
        return next(post.worker for post in self.posts if post.role is Role.grid_worker)


@dataclass(slots=True)
class Village:
    """An administrative village, level 3."""

    grid: Grid
    hamlets: list[Hamlet]
    posts: list[Post] = field(default_factory=list[Post])

    @property
    def households(self) -> Iterator[Household]:
        return (household for hamlet in self.hamlets for household in hamlet.households)


@dataclass(slots=True)
class Area:
    """The villages that one member of the township's leadership answers for, level 2."""

    grid: Grid
    villages: list[Village]
    posts: list[Post] = field(default_factory=list[Post])


@dataclass(slots=True)
class Township:
    """The whole net; what is served at the township itself stands in `posts`."""

    chance: Chance
    registrar: Registrar
    grid: Grid
    areas: list[Area]
    posts: list[Post] = field(default_factory=list[Post])

    @property
    def division(self) -> str:
        """The nine digits that every code in the township begins with (GB/T 10114)."""
        return self.grid.code[:_DIVISION]

    @property
    def villages(self) -> list[Village]:
        return [village for area in self.areas for village in area.villages]

    @property
    def hamlets(self) -> list[Hamlet]:
        return [hamlet for village in self.villages for hamlet in village.hamlets]

    @property
    def households(self) -> list[Household]:
        return [household for hamlet in self.hamlets for household in hamlet.households]

    @property
    def places(self) -> list["Place"]:
        """Every grid's place, level by level from the top."""
        return [self, *self.areas, *self.villages, *self.hamlets]

    @property
    def all_posts(self) -> list[Post]:
        return [post for place in self.places for post in place.posts]

    @property
    def workers(self) -> list[Worker]:
        """Everybody who serves, once, however many posts they hold."""
        return list({post.worker.id: post.worker for post in self.all_posts}.values())


Place = Township | Area | Village | Hamlet


def settle(chance: Chance, root: Grid, *, villages: int = len(VILLAGES)) -> Township:
    """The grids below a township and the families in them, nobody appointed; 1 to 27 villages."""
    township = Township(chance, Registrar(chance), root, areas=[])
    count = min(len(AREAS), villages)
    for number, name in enumerate(AREAS[:count]):
        code = f"{township.division}{number + 1:03d}"
        grid = Grid(chance.id("grid", code), root.id, code, f"{root.name}{name}", GridKind.area)
        mine = range(number * villages // count, (number + 1) * villages // count)
        township.areas.append(Area(grid, [_village(township, grid, each) for each in mine]))
    return township


def _village(township: Township, area: Grid, number: int) -> Village:
    chance, name = township.chance, VILLAGES[number]
    code = f"{township.division}{200 + number:03d}"
    grid = Grid(chance.id("grid", code), area.id, code, name, GridKind.village)
    rolls = chance.of("village", number)
    count = rolls.randint(FEWEST_HAMLETS, MOST_HAMLETS)
    hamlets = [
        _hamlet(township, grid, f"{code}{each + 1:03d}", place)
        for each, place in enumerate(hamlet_names(rolls, count))
    ]
    return Village(grid, hamlets)


def _hamlet(township: Township, village: Grid, code: str, name: str) -> Hamlet:
    chance, address = township.chance, f"{township.grid.name}{village.name}{name}"
    grid = Grid(chance.id("grid", code), village.id, code, name, GridKind.basic)
    doors = chance.of("hamlet", address).randint(*_DOORS)
    households = [
        township.registrar.household(grid.id, f"{address}{number + 1}号") for number in range(doors)
    ]
    return Hamlet(grid, households)
