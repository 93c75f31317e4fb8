"""Appoints the people of the net, and gives every household its three: 1+1+1+N (S1; M1.4)."""

from collections.abc import Callable
from uuid import UUID

from api.access.permissions import Role
from api.demo.chance import happens
from api.demo.families import ADULT, Household, Resident
from api.demo.names import VILLAGES, given_name, surname
from api.demo.township import Area, Grid, Hamlet, Place, Post, Township, Village, Worker
from api.foundation.identity import Sex

PARTY_MEMBERS = 560
OLDER = 58
_SERVES_UNTIL = 68

# At the township: role, what it is called, how many, how many of them party members.
_OFFICES = (
    (Role.grid_leader, "乡党委书记", 1, 1),
    (Role.cadre, "乡长", 1, 1),
    (Role.cadre, "乡防控办干部", 4, 3),
    (Role.medic, "乡卫生院医护人员", 5, 2),
    (Role.police_officer, "派出所民警", 3, 2),
    (Role.auxiliary_police, "派出所辅警", 4, 0),
)


def appoint(township: Township) -> None:
    """Fill every post, from the township's secretary down to the volunteers of a hamlet."""
    staff = _Staff(township)
    staff.serve_at_the_township()
    for area in township.areas:
        staff.serve_in_an_area(area)
    for village in township.villages:
        staff.serve_in_a_village(village)
        for hamlet in village.hamlets:
            staff.serve_in_a_hamlet(hamlet)
    staff.send_party_members()
    for hamlet in township.hamlets:
        for number, household in enumerate(hamlet.households):
            _bind(township, hamlet, household, number)


class _Staff:
    """Who can still be asked: the adults of each hamlet, in an order that chance decided."""

    def __init__(self, township: Township) -> None:
        self.township = township
        self.chance = township.chance
        self.free: dict[UUID, list[Resident]] = {}
        for hamlet in township.hamlets:
            people = [
                person
                for household in hamlet.households
                for person in household.residents
                if ADULT <= person.age <= _SERVES_UNTIL
            ]
            self.chance.of("free", hamlet.grid.sequence).shuffle(people)
            self.free[hamlet.grid.id] = people

    def serve_at_the_township(self) -> None:
        for role, title, count, party_members in _OFFICES:
            for number in range(count):
                worker = self._official(self.township.grid, f"{title}{number + 1}")
                worker.is_party_member = number < party_members
                self._appoint(self.township, worker, role, title)

    def serve_in_an_area(self, area: Area) -> None:
        member = self._official(area.grid, "乡党委委员")
        member.is_party_member = True
        self._appoint(area, member, Role.grid_worker, "乡党委委员（二级网格员）")

    def serve_in_a_village(self, village: Village) -> None:
        """A secretary, a doctor, volunteers, and a committee whose members lead the hamlets."""
        home = village.hamlets[0]
        secretary = self._hired(home, village.grid, party=True)
        self._appoint(village, secretary, Role.grid_leader, "村党总支书记（三级网格长）")
        committee = [
            self._hired(home, village.grid, party=True)
            for _ in range(2 + (len(village.hamlets) > 6))  # noqa: PLR2004 - a large village
        ]
        for member in committee:
            self._appoint(village, member, Role.cadre, "村“两委”委员")
        for number, hamlet in enumerate(village.hamlets):
            leader = committee[number % len(committee)]
            self._appoint(hamlet, leader, Role.grid_leader, "四级网格长")
        clerk = self._hired(home, village.grid, party=True)
        self._appoint(village, clerk, Role.cadre, "村文书")
        doctor = self._hired(home, village.grid)
        self._appoint(village, doctor, Role.village_doctor, "村医")
        volunteer = self._hired(home, village.grid)
        self._appoint(village, volunteer, Role.volunteer, "平安志愿者")

    def serve_in_a_hamlet(self, hamlet: Hamlet) -> None:
        """The hamlet's head; every third one is an older worker (S2: 年长网格员)."""
        rolls = self.chance.of("head", hamlet.grid.sequence)
        older = happens(rolls, 0.35)
        head = self._hired(
            hamlet, hamlet.grid, party=happens(rolls, 0.3), fit=lambda age: (age >= OLDER) == older
        )
        self._appoint(hamlet, head, Role.grid_worker, "屯小组长（四级网格员）")

    def send_party_members(self) -> None:
        """Party members to the hamlets in turn, until the township has its 560 (S2)."""
        wanted = round(PARTY_MEMBERS * len(self.township.villages) / len(VILLAGES))
        wanted -= sum(worker.is_party_member for worker in self.township.workers)
        hamlets = self.township.hamlets
        for number in range(wanted):
            hamlet = hamlets[number % len(hamlets)]
            member = self._hired(hamlet, hamlet.grid, party=True)
            self._appoint(hamlet, member, Role.party_member, "党员志愿服务队队员")

    def _hired(
        self,
        hamlet: Hamlet,
        grid: Grid,
        *,
        party: bool = False,
        fit: Callable[[int], bool] = lambda _: True,
    ) -> Worker:
        """The next free adult of a hamlet who is fit for it, by age in years."""
        free = self.free[hamlet.grid.id]
        person = next(each for each in free if fit(each.age))
        free.remove(person)
        rolls = self.chance.of("phone", person.id)
        person.phone = person.phone or self.township.registrar.numbers.phone(rolls)
        person.is_party_member = party
        identity = self.chance.id("worker", person.id)
        return Worker(identity, grid.id, person.name, person.phone, person.age, party)

    def _official(self, grid: Grid, key: str) -> Worker:
        """Somebody who serves in the township and lives elsewhere."""
        rolls = self.chance.of("official", grid.sequence, key)
        sex, age = rolls.choice((Sex.male, Sex.female)), rolls.randint(27, 57)
        name = surname(rolls) + given_name(rolls, sex, age)
        phone = self.township.registrar.numbers.phone(rolls)
        return Worker(self.chance.id("worker", grid.code, key), grid.id, name, phone, age)

    def _appoint(self, place: Place, worker: Worker, role: Role, title: str) -> None:
        identity = self.chance.id("post", worker.id, place.grid.id, role)
        place.posts.append(Post(identity, worker, place.grid.id, role, title))


def _bind(township: Township, hamlet: Hamlet, household: Household, number: int) -> None:
    """Give a household its party member, grid worker and representative; some lack one still."""
    rolls = township.chance.of("bonds", household.id)
    party = [post.worker for post in hamlet.posts if post.worker.is_party_member]
    adults = [person for person in household.residents if person.age >= ADULT]
    if not happens(rolls, 0.02):
        household.party_member = party[number % len(party)].id
    if not happens(rolls, 0.005):
        household.grid_worker = hamlet.worker.id
    if not happens(rolls, 0.015):
        household.representative = adults[0].id
