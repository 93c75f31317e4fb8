"""How likely a lead means a resident: what agrees never lowers it, what contradicts never helps."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.foundation.identity import DocumentKind, Sex
from api.leads.scoring import (
    LIKELY,
    Birth,
    Comparison,
    Nearness,
    Paper,
    compare_birth,
    compare_sex,
    other_document,
)

MAYBE = st.sampled_from((True, False, None))
COMPARISONS = st.builds(
    Comparison,
    same_phone=MAYBE,
    same_name=MAYBE,
    same_sex=MAYBE,
    birth=st.sampled_from(Birth),
    place=st.sampled_from(Nearness),
    other_document=st.booleans(),
)
UNKNOWN = Comparison(None, None, None, Birth.unknown, Nearness.unknown, other_document=False)
BORN = date(1980, 6, 15)
TODAY = date(2022, 2, 15)


@given(COMPARISONS)
def test_a_score_lies_between_nothing_and_a_hundred(compared: Comparison):
    assert 0 <= compared.score <= 100


@given(COMPARISONS)
def test_without_phone_or_name_nothing_is_likely(compared: Comparison):
    assert replace(compared, same_phone=None, same_name=False).score == 0


@given(COMPARISONS)
def test_another_identity_number_is_another_person(compared: Comparison):
    assert replace(compared, other_document=True).score == 0


@given(COMPARISONS, st.sampled_from(("same_phone", "same_name", "same_sex")))
def test_what_agrees_is_worth_no_less_than_what_is_unknown_and_that_no_less_than_what_differs(
    compared: Comparison, name: str
):
    scores = [replace(compared, **{name: told}).score for told in (False, None, True)]
    assert scores == sorted(scores)


@given(COMPARISONS)
def test_the_closer_an_age_or_a_place_the_higher_the_score(compared: Comparison):
    ages = (Birth.apart, Birth.unknown, Birth.near, Birth.same_age, Birth.same_day)
    by_age = [replace(compared, birth=age).score for age in ages]
    assert by_age == sorted(by_age)
    places = (Nearness.elsewhere, Nearness.unknown, Nearness.around, Nearness.same_grid)
    by_place = [replace(compared, place=place).score for place in places]
    assert by_place == sorted(by_place)


@given(COMPARISONS)
def test_whatever_counts_is_told_in_words(compared: Comparison):
    assert bool(compared.score) <= bool(compared.why)
    assert len(compared.why) <= 100


def test_a_name_alone_is_likely_until_something_speaks_against_it():
    namesake = replace(UNKNOWN, same_name=True)
    assert namesake.score >= LIKELY
    assert namesake.why == "姓名相同"
    for against in (
        replace(namesake, birth=Birth.apart),
        replace(namesake, same_sex=False),
        replace(namesake, place=Nearness.elsewhere),
    ):
        assert against.score < LIKELY


@pytest.mark.parametrize(
    ("told", "age", "birth"),
    [
        (BORN, None, Birth.same_day),
        (date(1980, 6, 16), None, Birth.near),
        (date(1970, 6, 15), None, Birth.apart),
        (None, 41, Birth.same_age),
        (None, 42, Birth.same_age),
        (None, 43, Birth.same_age),
        (None, 40, Birth.same_age),
        (None, 44, Birth.near),
        (None, 50, Birth.apart),
        (None, None, Birth.unknown),
    ],
)
def test_an_age_may_be_counted_from_birth_or_by_new_years(
    told: date | None, age: int | None, birth: Birth
):
    assert compare_birth(told=told, age=age, known=BORN, today=TODAY) is birth
    assert compare_birth(told=told, age=age, known=None, today=TODAY) is Birth.unknown


def test_sex_and_papers_contradict_only_where_both_are_told():
    assert compare_sex(Sex.male, Sex.female) is False
    assert compare_sex(Sex.male, Sex.not_stated) is None
    assert compare_sex(None, Sex.male) is None
    card, passport = DocumentKind.resident_identity, DocumentKind.passport
    assert other_document(Paper(card, b"1"), Paper(card, b"2"))
    assert not other_document(Paper(card, b"1"), Paper(passport, b"2"))
    assert not other_document(Paper(card, b"1"), Paper(card, None))
