"""Which sample answers which due test, for any tests and any samples."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from api.foundation.records import new_id
from api.health_records.answers import answered
from api.health_records.models import DiagnosticOutcome
from api.protocols.models import DiagnosticKind

START = datetime(2022, 2, 8, 16, tzinfo=UTC)
PCR, ANTIGEN = DiagnosticKind.nucleic_acid, DiagnosticKind.antigen
NEGATIVE = DiagnosticOutcome.negative


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@dataclass(frozen=True)
class Due:
    opens: float
    hours: float = 24
    kind: DiagnosticKind = PCR
    samples: int = 1

    @property
    def opens_at(self) -> datetime:
        return at(self.opens)

    @property
    def due_at(self) -> datetime:
        return at(self.opens + self.hours)


@dataclass(frozen=True)
class Sample:
    sampled_at: datetime
    kind: DiagnosticKind = PCR
    outcome: DiagnosticOutcome = NEGATIVE
    samples: int = 1
    id: UUID = field(default_factory=new_id)


kinds = st.sampled_from(DiagnosticKind)
dues = st.lists(
    st.builds(
        Due,
        opens=st.integers(0, 96),
        hours=st.integers(1, 60),
        kind=kinds,
        samples=st.integers(1, 2),
    ),
    max_size=6,
)
samples = st.lists(
    st.builds(
        Sample,
        sampled_at=st.integers(-12, 180).map(at),
        kind=kinds,
        outcome=st.sampled_from(DiagnosticOutcome),
        samples=st.integers(1, 2),
    ),
    max_size=8,
)


def test_a_sample_on_its_day_answers_the_test_and_a_missed_one_is_made_up_for():
    first, fourth, seventh = Due(0), Due(72), Due(144)
    on_day_1, on_day_5, on_day_7 = Sample(at(9)), Sample(at(105)), Sample(at(150))
    found = answered([seventh, first, fourth], [on_day_7, on_day_5, on_day_1])
    assert [answer.samples for answer in found] == [[on_day_1], [on_day_5], [on_day_7]]
    assert [answer.late for answer in found] == [False, True, False]
    assert all(answer.negative for answer in found)


def test_what_was_not_taken_in_time_nor_later_stays_open():
    (answer,) = answered([Due(24)], [Sample(at(3))])
    assert not answer.complete
    assert not answer.negative


def test_two_samples_are_asked_for_and_may_come_from_two_laboratories():
    twice = Due(0, samples=2)
    one = Sample(at(2))
    assert not answered([twice], [one])[0].complete
    assert answered([twice], [one, Sample(at(3))])[0].negative
    assert answered([twice], [replace(one, samples=2)])[0].negative
    mixed = [one, Sample(at(3), outcome=DiagnosticOutcome.positive)]
    assert answered([twice], mixed)[0].complete
    assert not answered([twice], mixed)[0].negative


def test_another_kind_of_test_and_a_result_that_says_nothing_answer_none():
    spoilt = Sample(at(2), outcome=DiagnosticOutcome.invalid)
    unclear = Sample(at(3), outcome=DiagnosticOutcome.inconclusive)
    assert not answered([Due(0)], [Sample(at(1), kind=ANTIGEN), spoilt, unclear])[0].samples
    again = Sample(at(30))
    assert answered([Due(0)], [spoilt, again])[0].samples == [again]


def test_a_result_that_is_awaited_answers_without_being_negative():
    (answer,) = answered([Due(0)], [Sample(at(1), outcome=DiagnosticOutcome.pending)])
    assert answer.complete
    assert not answer.negative


@given(dues, samples)
def test_each_sample_answers_one_test_of_its_kind_in_its_time_or_afterwards(
    due: list[Due], taken: list[Sample]
):
    found = answered(due, taken)
    used = [sample.id for answer in found for sample in answer.samples]
    assert len(used) == len(set(used))
    assert sorted(answer.due.due_at for answer in found) == sorted(each.due_at for each in due)
    for answer in found:
        for sample in answer.samples:
            assert sample.kind is answer.due.kind
            assert sample.sampled_at >= answer.due.opens_at


@given(dues, samples, st.randoms(use_true_random=False))
def test_the_order_in_which_samples_are_told_changes_nothing(
    due: list[Due], taken: list[Sample], chance
):
    shuffled = list(taken)
    chance.shuffle(shuffled)
    assert answered(due, shuffled) == answered(due, taken)


@given(
    st.lists(st.builds(Due, opens=st.integers(0, 48), hours=st.integers(1, 48)), max_size=4),
    st.lists(st.builds(Sample, sampled_at=st.integers(0, 96).map(at)), max_size=4),
)
def test_as_many_tests_are_answered_in_time_as_can_be(due: list[Due], taken: list[Sample]):
    def in_time(each: Due, sample: Sample | None) -> bool:
        return sample is not None and each.opens_at <= sample.sampled_at <= each.due_at

    nobody: list[Sample | None] = [None] * len(due)
    best = max(
        sum(in_time(each, sample) for each, sample in zip(due, chosen, strict=True))
        for chosen in permutations([*taken, *nobody], len(due))
    )
    found = answered(due, taken)
    assert sum(bool(answer.samples) and not answer.late for answer in found) == best


@given(dues, samples, st.integers(0, 180).map(at))
def test_one_more_sample_leaves_no_fewer_tests_answered(
    due: list[Due], taken: list[Sample], later: datetime
):
    before = sum(answer.complete for answer in answered(due, taken))
    more = [*taken, Sample(later)]
    assert sum(answer.complete for answer in answered(due, more)) >= before
