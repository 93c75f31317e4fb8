"""The invented township is plausible, whatever the chance, and the same for everybody."""

import re
from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from api.demo.chance import Chance
from api.demo.families import ADULT, Household, Resident
from api.demo.names import TOWNSHIP, TOWNSHIP_CODE
from api.demo.quarantines import LACKS_A_TEAM, Quarantine, quarantine
from api.demo.readings import measure
from api.demo.sign_ins import STAFF, post_of
from api.demo.staff import OLDER, appoint
from api.demo.township import Grid, Township, settle
from api.demo.visits import visit
from api.foundation import clock
from api.foundation.fields import IdentityNumber, Name, Phone, RecordId
from api.foundation.identity import Sex, birth_date_of, sex_of
from api.grids.models import GridKind
from api.registry.models import Relation
from api.visits.models import VisitOutcome

DAY = date(2022, 2, 15)
NOON = datetime(2022, 2, 15, 12, 0, tzinfo=clock.TOWNSHIP_ZONE)
ROOT = Grid(
    UUID("01900000-0000-7000-8000-000000000001"),
    None,
    f"{TOWNSHIP_CODE}000",
    TOWNSHIP,
    GridKind.township,
)
THROUGH_THE_YEARS = st.dates(date(2012, 2, 29), date(2024, 12, 31))


def _township(day: date = DAY, seed: int = 55, villages: int = 2) -> Township:
    township = settle(Chance(day, seed), ROOT, villages=villages)
    appoint(township)
    return township


@cache
def _whole() -> Township:
    return _township(villages=27)


def _residents(township: Township) -> list[Resident]:
    return [person for household in township.households for person in household.residents]


def test_the_township_has_the_size_of_the_two_field_reports():
    township = _whole()
    assert len(township.villages) == 27
    assert all(4 <= len(village.hamlets) <= 10 for village in township.villages)
    assert 160 <= len(township.hamlets) <= 190
    assert 8_700 <= len(township.households) <= 9_300
    assert 29_000 <= len(_residents(township)) <= 31_000
    assert sum(worker.is_party_member for worker in township.workers) == 560
    assert len(quarantine(township)) == 31


def test_every_grid_code_lies_below_that_of_its_village_and_is_used_once():
    township = _whole()
    codes = [place.grid.code for place in township.places]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"451422201\d{3}(\d{3})?", code) for code in codes)
    for village in township.villages:
        assert all(each.grid.code.startswith(village.grid.code) for each in village.hamlets)
        assert len({each.grid.name for each in village.hamlets}) == len(village.hamlets)


@given(day=THROUGH_THE_YEARS, seed=st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_everybody_is_of_a_plausible_age_and_has_numbers_of_their_own(day: date, seed: int):
    people = _residents(_township(day, seed, villages=1))
    identity, phone, name = TypeAdapter(IdentityNumber), TypeAdapter(Phone), TypeAdapter(Name)
    for person in people:
        assert identity.validate_python(person.identity_number) == person.identity_number
        assert birth_date_of(person.identity_number) == person.born
        assert sex_of(person.identity_number) is person.sex
        assert day - timedelta(days=365.25 * 105) < person.born <= day
        assert name.validate_python(person.name) == person.name
        assert person.phone is None or phone.validate_python(person.phone) == person.phone
    numbers = Counter(person.identity_number for person in people)
    phones = Counter(person.phone for person in people if person.phone)
    assert max(numbers.values()) == max(phones.values()) == 1


@given(seed=st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_families_are_families(seed: int):
    for household in _township(seed=seed, villages=1).households:
        _assert_a_family(household)


def _assert_a_family(household: Household) -> None:
    by_relation: dict[Relation, list[Resident]] = {}
    for person in household.residents:
        by_relation.setdefault(person.relation, []).append(person)
    (head,) = by_relation.pop(Relation.head)
    assert household.residents[0] is head
    assert head.age >= ADULT
    spouses = by_relation.pop(Relation.spouse, [])
    assert all(each.sex is not head.sex and abs(each.age - head.age) <= 8 for each in spouses)
    for elder in [head, *spouses]:
        assert all(elder.age - each.age >= 18 for each in by_relation.get(Relation.child, []))
        assert all(elder.age - each.age >= 36 for each in by_relation.get(Relation.grandchild, []))
    parents = by_relation.pop(Relation.parent, [])
    assert all(each.age - head.age >= 18 for each in parents)
    assert len({each.sex for each in parents}) == len(parents) <= 2
    assert set(by_relation) <= {Relation.child, Relation.grandchild}
    assert len(household.residents) == 1 or not head.lives_alone


def test_nobody_s_number_could_be_a_real_person_s():
    counties = {person.identity_number[:6] for person in _residents(_whole())}
    assert all(county[4:] == "99" for county in counties), "an assigned county"


def test_no_number_is_given_out_twice_in_the_whole_township():
    township = _whole()
    people = _residents(township)
    assert len({person.identity_number for person in people}) == len(people)
    workers = township.workers
    assert len({worker.phone for worker in workers}) == len(workers)
    ids = [each.id for each in (*people, *township.households, *workers, *township.all_posts)]
    assert len(set(ids)) == len(ids)
    for each in ids[:100]:
        TypeAdapter(RecordId).validate_python(str(each))


@given(day=THROUGH_THE_YEARS, seed=st.integers(0, 10**6))
@settings(max_examples=4, deadline=None)
def test_every_team_is_four_different_people_one_of_them_a_party_member(day: date, seed: int):
    quarantines = quarantine(_township(day, seed))
    assert len({each.resident.id for each in quarantines}) == len(quarantines) >= 8
    for each in quarantines:
        if each.number == LACKS_A_TEAM:
            assert not each.team
            continue
        assert len({post.worker.id for post in each.team}) == len(each.team) == 4
        assert any(post.worker.is_party_member for post in each.team)
        assert each.resident.phone not in {post.worker.phone for post in each.team}
        assert each.started_on <= day < each.last_on


def test_now_and_then_a_team_has_somebody_from_another_village():
    from_elsewhere = [each for each in quarantine(_whole()) if _holds_a_foreign_post(each)]
    assert 3 <= len(from_elsewhere) <= 12


def _holds_a_foreign_post(each: Quarantine) -> bool:
    own = each.hamlet.grid.parent_id
    villages = {village.grid.id for village in _whole().villages}
    return any(post.grid_id in villages - {own} for post in each.team)


def test_most_households_have_their_three_and_some_lack_one():
    households = _whole().households
    for who in ("party_member", "grid_worker", "representative"):
        lacking = sum(getattr(each, who) is None for each in households)
        assert 0 < lacking < len(households) * 0.04


def test_everybody_of_the_staff_who_signs_in_holds_one_post():
    township = _whole()
    held = Counter(post.worker.id for post in township.all_posts)
    for account in STAFF:
        assert held[post_of(township, account).worker.id] == 1, account.who
    workers = {account.account: post_of(township, account).worker for account in STAFF}
    assert len(workers) == len(STAFF) == len({worker.id for worker in workers.values()})
    assert workers["laozu"].age >= OLDER > workers["xiaozu"].age


def test_the_printed_sign_ins_tell_true_stories():
    township = _whole()
    workers = {account.account: post_of(township, account).worker for account in STAFF}
    first = quarantine(township)[0]
    team = {post.worker.id for post in first.team}
    assert {workers[name].id for name in ("xiaozu", "dangyuan", "cunyi")} <= team
    assert first.hamlet.grid.name == "渠凤屯"
    assert first.household.representative not in (None, first.resident.id)


def test_every_third_hamlet_or_so_has_an_older_grid_worker():
    hamlets = _whole().hamlets
    older = sum(hamlet.worker.age >= OLDER for hamlet in hamlets)
    assert 0.2 < older / len(hamlets) < 0.5


@given(seed=st.integers(0, 10**6), hour=st.integers(0, 23))
@settings(max_examples=4, deadline=None)
def test_nothing_is_done_before_its_quarantine_or_later_than_now(seed: int, hour: int):
    township = _township(seed=seed)
    quarantines, now = quarantine(township), NOON.replace(hour=hour)
    for each in measure(township, quarantines, now=now):
        assert each.quarantine.started_on <= each.day <= DAY
        assert clock.local_day(each.at) == each.day
        assert each.at <= now
    assert all(each.at <= now for each in visit(township, quarantines, now=now))
    assert all(each.stay.since < now for each in quarantines if each.stay)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=4, deadline=None)
def test_what_an_interrupted_load_sends_again_later_the_same_day_is_the_same(seed: int):
    first, second = _township(seed=seed), _township(seed=seed)
    early, late = NOON.replace(hour=8), NOON
    for make in (measure, visit):
        before = make(first, quarantine(first), now=early)
        after = {each.id: each for each in make(second, quarantine(second), now=late)}
        assert all(_plain(each) == _plain(after[each.id]) for each in before)
    assert [each.id for each in first.households] == [each.id for each in second.households]


def _plain(made: object) -> str:
    return re.sub(r"0x[0-9a-f]+", "", repr(made))


@pytest.mark.parametrize("hour", [12, 23])
def test_there_are_fevers_gaps_refusals_and_closed_doors(hour: int):
    township = _whole()
    quarantines, now = quarantine(township), NOON.replace(hour=hour)
    measured = measure(township, quarantines, now=now)
    assert 3 <= sum(each.value_c >= 37.3 for each in measured) <= 8
    assert {each.not_taken.value for each in measured if each.not_taken} >= {"refused", "absent"}
    this_morning = [each for each in measured if (each.day, each.window) == (DAY, "morning")]
    assert 10 <= len(this_morning) < len(quarantines)
    outcomes = Counter(each.outcome for each in visit(township, quarantines, now=now))
    assert outcomes[VisitOutcome.met] > 5_000
    assert all(outcomes[outcome] > 0 for outcome in VisitOutcome)
    assert {person.sex for person in _residents(township)} == {Sex.male, Sex.female}
