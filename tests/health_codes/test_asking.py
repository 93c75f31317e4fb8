"""Asking a real server over a real socket, on good days and on bad ones."""

import asyncio

import httpx
import pytest

from api.foundation.identity import DocumentKind
from api.health_codes.answers import Answer, Asked, Trouble
from api.health_codes.asking import ask, recall
from api.health_codes.shelf import Systems
from api.health_records.models import CodeState
from tests.health_codes.conftest import PRESETS, Province, a_system
from tests.health_codes.people import number_of, somebody


@pytest.mark.parametrize("dialect", PRESETS)
async def test_every_shipped_dialect_tells_the_colours(
    gu: httpx.AsyncClient, province: Province, systems: Systems, dialect: str
):
    code = await a_system(gu, province, dialect)
    for colour in (CodeState.green, CodeState.yellow, CodeState.red, CodeState.not_found):
        person = somebody()
        province.turns(number_of(person), colour.value)
        answer = await ask(systems, code, person)
        assert (answer.state, answer.reason) == (colour, None)
        if colour is not CodeState.not_found:
            assert answer.state_changed_at is not None
    assert all(seen.signature_holds for seen in province.known.seen)
    assert province.asked == 4


@pytest.mark.parametrize(
    ("dialect", "colour"),
    [
        ("gate", CodeState.expired),
        ("national", CodeState.popup),
        ("bus", CodeState.grey),
    ],
)
async def test_each_dialect_tells_what_only_it_knows(
    gu: httpx.AsyncClient,
    province: Province,
    systems: Systems,
    dialect: str,
    colour: CodeState,
):
    person = somebody()
    province.turns(number_of(person), colour.value)
    assert (await ask(systems, await a_system(gu, province, dialect), person)).state is colour


@pytest.mark.parametrize("dialect", PRESETS)
async def test_a_colour_that_is_not_mapped_is_unavailable_and_never_green(
    gu: httpx.AsyncClient, province: Province, systems: Systems, dialect: str
):
    person = somebody()
    province.turns(number_of(person), "unheard_of")
    answer = await ask(systems, await a_system(gu, province, dialect), person)
    assert (answer.state, answer.reason) == (CodeState.unavailable, Trouble.unreadable)


@pytest.mark.parametrize("colour", ["yellow", "red", "grey", "popup", "expired", "not_found"])
@pytest.mark.parametrize("dialect", PRESETS)
async def test_whoever_is_not_green_is_green_in_no_dialect(
    gu: httpx.AsyncClient, province: Province, systems: Systems, dialect: str, colour: str
):
    person = somebody()
    province.turns(number_of(person), colour)
    answer = await ask(systems, await a_system(gu, province, dialect), person)
    assert answer.state in (CodeState(colour), CodeState.unavailable)


async def test_the_national_answer_brings_the_last_test_along(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    answer = await ask(systems, await a_system(gu, province, "national"), somebody())
    assert answer.extra["nucleic_acid_result"] == "阴性"
    assert answer.extra["nucleic_acid_laboratory"] == "县疾控中心"


async def test_within_its_validity_an_answer_is_remembered(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code, person = await a_system(gu, province), somebody()
    assert recall(systems, code, person) is None
    first = await ask(systems, code, person)
    province.turns(number_of(person), "red")
    assert await ask(systems, code, person) == first == recall(systems, code, person)
    assert province.asked == 1


async def test_without_validity_everybody_is_asked_about_each_time(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code, person = await a_system(gu, province, validity_minutes=0), somebody()
    await ask(systems, code, person)
    province.turns(number_of(person), "red")
    assert (await ask(systems, code, person)).state is CodeState.red
    assert province.asked == 2


async def test_the_same_question_at_the_same_moment_is_asked_once(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code, person = await a_system(gu, province), somebody()
    province.known.behave({"latency_ms": 100})
    answers = await asyncio.gather(*(ask(systems, code, person) for _ in range(20)))
    assert {answer.state for answer in answers} == {CodeState.green}
    assert province.asked == 1


async def test_who_has_no_patience_gets_the_answer_the_next_time(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code, person = await a_system(gu, province), somebody()
    province.known.behave({"latency_ms": 300})
    answer = await ask(systems, code, person, patience=0.05)
    assert (answer.state, answer.reason) == (CodeState.unavailable, Trouble.still_asking)
    assert (await ask(systems, code, person)).state is CodeState.green
    assert province.asked == 1


_DAYS: dict[str, tuple[dict[str, object], set[Trouble]]] = {
    "it hangs": ({"outage": "hang"}, {Trouble.timed_out}),
    "it is slower than we wait": ({"latency_ms": 5000}, {Trouble.timed_out}),
    "it breaks off in the middle": ({"outage": "cut"}, {Trouble.failed}),
    "it shows a page to people": ({"outage": "maintenance_page"}, {Trouble.unreadable}),
    "it sends us elsewhere": ({"outage": "redirect"}, {Trouble.refused}),
    "it talks without end": ({"outage": "flood"}, {Trouble.unreadable}),
    "it always errs": ({"error_rate": 1.0}, {Trouble.failed}),
    "it finds every signature wrong": ({"wrong_signatures": True}, {Trouble.signature_refused}),
    "it is throttled by 429": ({"per_second": 0}, {Trouble.throttled}),
    "it is throttled by 503": ({"per_second": 0, "throttle_status": 503}, {Trouble.throttled}),
}


@pytest.mark.parametrize("dialect", PRESETS)
@pytest.mark.parametrize("day", _DAYS)
async def test_on_a_bad_day_the_answer_is_unavailable_and_says_why(
    gu: httpx.AsyncClient, province: Province, systems: Systems, dialect: str, day: str
):
    conduct, reasons = _DAYS[day]
    code = await a_system(gu, province, dialect, answer_seconds=0.3, pause_seconds=0.01)
    province.known.behave(dict(conduct))
    answer = await ask(systems, code, somebody())
    assert answer.state is CodeState.unavailable
    assert answer.reason in reasons
    assert answer.valid_until is None


async def test_a_port_where_nobody_listens_is_unreachable(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(gu, province, pause_seconds=0.01)
    change = {"base_url": "http://127.0.0.1:9"}
    address = f"/v1/health-code-systems/{code}"
    assert (await gu.patch(address, json=change, headers={"If-Match": '"1"'})).status_code == 200
    answer = await ask(systems, code, somebody())
    assert answer.reason is Trouble.unreachable


async def test_a_wrong_secret_is_told_as_such(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(gu, province, "national")
    change = {"secrets": {"app_secret": "another"}}
    address = f"/v1/health-code-systems/{code}"
    assert (await gu.patch(address, json=change, headers={"If-Match": '"1"'})).status_code == 200
    answer = await ask(systems, code, somebody())
    assert answer.reason is Trouble.signature_refused
    assert not province.known.seen[-1].signature_holds


async def test_a_passing_error_is_tried_again(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(
        gu, province, attempts=5, pause_seconds=0.01, failures=1000, validity_minutes=0
    )
    province.known.behave({"error_rate": 0.5})
    answers = [await ask(systems, code, somebody()) for _ in range(30)]
    got = sum(answer.state is CodeState.green for answer in answers)
    assert got >= 25  # one in 32 fails five times in a row
    assert province.asked > 30


async def test_a_secret_that_was_changed_is_fetched_again(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(gu, province, "bus")
    assert (await ask(systems, code, somebody())).state is CodeState.green
    province.known.rotation += 1
    assert (await ask(systems, code, somebody())).state is CodeState.green
    assert [seen.signature_holds for seen in province.known.seen] == [True, False, True]


async def test_a_status_may_mean_something_of_the_person(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(gu, province)
    address = f"/v1/health-code-systems/{code}"
    document = (await gu.get(address)).json()["document"]
    document["call"]["path"] = "/nobody/of/that/number"
    document["reading"]["statuses"] = {"404": "not_found"}
    change = {"document": document}
    assert (await gu.patch(address, json=change, headers={"If-Match": '"1"'})).status_code == 200
    answer = await ask(systems, code, somebody())
    assert (answer.state, answer.reason) == (CodeState.not_found, None)


async def test_a_system_that_was_never_set_up_is_told_as_such(systems: Systems):
    answer = await ask(systems, "nowhere", somebody())
    assert (answer.state, answer.reason) == (CodeState.unavailable, Trouble.unknown_system)


async def test_who_is_known_by_too_little_is_not_asked_about(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(gu, province)
    household_book = Asked(document_kind=DocumentKind.household_book, document="1234567")
    for person in (Asked(phone="13900000000"), household_book):
        answer = await ask(systems, code, person)
        assert answer.reason is Trouble.too_little_known
    assert province.asked == 0
    assert (await ask(systems, code, somebody())).state is CodeState.green


async def test_no_more_go_out_at_once_than_the_system_bears(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(gu, province, at_once=2, waiting=4, per_second=1000)
    province.known.behave({"latency_ms": 200})
    answers = await asyncio.gather(*(ask(systems, code, somebody()) for _ in range(10)))
    told = [answer.reason for answer in answers]
    assert told.count(None) == 6
    assert told.count(Trouble.too_many_waiting) == 4


async def test_requests_keep_the_pace_that_the_system_allows(
    gu: httpx.AsyncClient, province: Province, systems: Systems
):
    code = await a_system(gu, province, per_second=10, at_once=50)
    people = [somebody() for _ in range(15)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers: list[Answer] = await asyncio.gather(*(ask(systems, code, each) for each in people))
    assert {answer.state for answer in answers} == {CodeState.green}
    seen = [each.at for each in province.known.seen]
    assert loop.time() > began
    first_second = [at for at in seen if (at - seen[0]).total_seconds() < 0.3]
    assert len(first_second) <= 13  # ten at once, and one every tenth of a second
