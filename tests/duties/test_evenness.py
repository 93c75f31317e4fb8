"""A suggested re-assignment keeps every team whole and never makes the largest load larger."""

from dataclasses import replace
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from api.access.permissions import Role
from api.duties.evenness import Bar, Bearer, Reassignment, Team, mean, suggest
from api.protocols.policies import CareTeamRule, Seat, lacking

_IDS = UUID("01900000-0000-7000-8000-000000000000")
ROLES = (Role.grid_worker, Role.party_member, Role.village_doctor)


def nth(what: str, number: int) -> UUID:
    return uuid5(_IDS, f"{what} {number}")


@st.composite
def bearers(draw: st.DrawFn) -> list[Bearer]:
    return [
        Bearer(
            worker_id=nth("worker", number),
            load=draw(st.integers(0, 40)) / 2,
            persons=draw(st.integers(0, 4)),
            roles=tuple(draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=2))),
            is_party_member=draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 7)))
    ]


@st.composite
def villages(draw: st.DrawFn) -> tuple[list[Bearer], list[Team]]:
    people = draw(bearers())
    minima: dict[Role, int] = draw(st.dictionaries(st.sampled_from(ROLES), st.integers(0, 1)))
    rule = CareTeamRule(
        id=nth("rule", 0),
        code="team",
        revision=1,
        size=draw(st.integers(1, 3)),
        min_party_members=draw(st.integers(0, 1)),
        role_minima=minima,
        max_persons_per_worker=draw(st.none() | st.integers(1, 4)),
    )
    teams = []
    for number in range(draw(st.integers(0, 5))):
        members = draw(st.lists(st.sampled_from(people), max_size=3, unique=True))
        seats = tuple(Seat(each.worker_id, each.roles[0], each.is_party_member) for each in members)
        loads = {each.worker_id: draw(st.floats(0, each.load)) for each in members}
        teams.append(Team(quarantine_id=nth("person", number), rule=rule, seats=seats, loads=loads))
    return people, teams


def _after(people: list[Bearer], way: Reassignment) -> dict[UUID, float]:
    loads = {each.worker_id: each.load for each in people}
    return loads | {way.out_worker_id: way.out_load, way.in_worker_id: way.in_load}


@given(villages())
def test_the_largest_load_never_grows_and_who_bore_it_bears_no_more_than_before(village):
    people, teams = village
    way = suggest(people, teams)
    if way is not None:
        before = {each.worker_id: each.load for each in people}
        after = _after(people, way)
        assert before[way.out_worker_id] == max(before.values())
        assert max(after.values()) <= max(before.values())
        assert max(way.out_load, way.in_load) <= before[way.out_worker_id]
        assert way.in_load < before[way.out_worker_id]


@given(villages())
def test_the_team_is_whole_afterwards_and_nobody_serves_too_many(village):
    people, teams = village
    way = suggest(people, teams)
    if way is not None:
        team = next(each for each in teams if each.quarantine_id == way.quarantine_id)
        joining = next(each for each in people if each.worker_id == way.in_worker_id)
        staying = [seat for seat in team.seats if seat.worker_id != way.out_worker_id]
        assert len(staying) == len(team.seats) - 1
        assert any(
            not lacking(
                team.rule, [*staying, Seat(joining.worker_id, role, joining.is_party_member)]
            )
            for role in joining.roles
        )
        cap = team.rule.max_persons_per_worker
        assert cap is None or joining.persons < cap


@given(villages(), st.randoms())
def test_the_order_in_which_people_and_teams_are_told_changes_nothing(village, random):
    people, teams = village
    shuffled = (list(people), list(teams))
    for each in shuffled:
        random.shuffle(each)
    assert suggest(*shuffled) == suggest(people, teams)


def _team(quarantine: int, *members: Bearer, load: float) -> Team:
    rule = CareTeamRule(
        id=nth("rule", 0),
        code="two",
        revision=1,
        size=2,
        min_party_members=1,
        role_minima={},
        max_persons_per_worker=None,
    )
    return Team(
        quarantine_id=nth("person", quarantine),
        rule=rule,
        seats=tuple(Seat(each.worker_id, each.roles[0], each.is_party_member) for each in members),
        loads={each.worker_id: load for each in members},
    )


def _bearer(number: int, load: float, *, party: bool = False) -> Bearer:
    return Bearer(
        worker_id=nth("worker", number),
        load=load,
        persons=1,
        roles=(Role.grid_worker,),
        is_party_member=party,
    )


def test_the_only_party_member_of_a_team_is_relieved_by_another_party_member():
    busy, partner = _bearer(1, 20, party=True), _bearer(2, 4)
    idle, idle_member = _bearer(3, 0), _bearer(4, 2, party=True)
    way = suggest([busy, partner, idle, idle_member], [_team(1, busy, partner, load=6)])
    assert way == Reassignment(
        nth("person", 1), busy.worker_id, idle_member.worker_id, out_load=14, in_load=8
    )
    assert suggest([busy, partner, idle], [_team(1, busy, partner, load=6)]) is None


def test_nothing_is_suggested_where_the_other_would_bear_as_much():
    busy, partner, other = _bearer(1, 10, party=True), _bearer(2, 9), _bearer(3, 5, party=True)
    assert suggest([busy, partner, other], [_team(1, busy, partner, load=5)]) is None
    lighter = replace(other, load=4.0)
    assert suggest([busy, partner, lighter], [_team(1, busy, partner, load=5)]) is not None


def test_uneven_is_over_the_ratio_of_the_mean_and_not_at_it():
    assert mean([]) == 0
    bar = Bar(ratio=1.5, least=0, beyond_villages=False)
    assert not bar.uneven(15, [15, 5])
    assert bar.uneven(16, [16, 4])
    assert not bar.uneven(0, [0, 0])


def test_a_load_too_small_to_matter_is_not_uneven_whatever_the_mean():
    bar = Bar(ratio=1.5, least=7, beyond_villages=False)
    assert not bar.uneven(6.5, [6.5, *[0] * 34])
    assert bar.uneven(7, [7, *[0] * 34])
