"""A batch of 273 leads comes from above and is worked off by 160 grids (domain 4.2, R10, R11).

Another system delivers it, every grid's worker verifies their own, the villages review, the
township feeds back in time what is done; five are late and known as late; the feedback table says
line by line what the town's report said.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
from python_calamine import CalamineWorkbook

from api.foundation import clock
from api.foundation.problems import NotFound, NotPermitted
from api.foundation.records import new_id
from api.leads.problems import LeadBatchClosed, LeadNotReady, NothingToFeedBack
from tests.builders import household_body, somebody, synthetic_resident
from tests.cast import Town
from tests.machines import a_client, ask_token
from tests.place import RISKY, township_rules
from tests.stories.net import Net, Place, all_created, at_once
from tests.stories.phone import Phone, Story, at

RISKY_COUNTY, HUBEI, PREFECTURES = "岭边县", "武汉市或湖北省", "省内7个地市"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the town's report: how many, and what they turned out to be."""

    count: int
    outcome: str
    origin: str | None
    note: str


REPORT = (
    Line(98, "already_registered", None, "前期已排查登记"),
    Line(47, "info_error", None, "号码为空号，查无此人"),
    Line(12, "missed_now_registered", RISKY_COUNTY, "漏排，已补登记"),
    Line(29, "not_in_jurisdiction", None, "不在本地居住"),
    Line(16, "beyond_window", None, "离开已超过排查时限"),
    Line(25, "transit_only", HUBEI, "在武汉市或湖北省停留、中转"),
    Line(38, "transit_only", PREFECTURES, "在省内7个地市停留、中转"),
    Line(8, "no_risk", None, "未在重点地区停留"),
)
WHOLE = 273
BY_HAND, SLOW = 13, 5
"""So many come without an address; in so many grids nobody gets to it before the deadline."""

ANSWERED = ("already_registered", "missed_now_registered", "no_risk")
"""The outcomes that rest on all four answers."""


@dataclass(slots=True)
class Case:
    """One lead: what will be found, where, and in which household."""

    line: Line
    place: Place
    lead: dict[str, Any]
    home: dict[str, Any] | None = None


class Batch:
    """The batch as it is sent, and every case in it."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.id = str(new_id())
        self.cases = list(_cases(net.grids))
        self.by_lead = {each.lead["id"]: each for each in self.cases}
        self.sent = {
            "id": self.id,
            "issuer": "县疫情防控指挥部",
            "batch_number": "2020-02-15大数据比对",
            "deadline_at": at(0, 18).isoformat(),
            "instructions": "逐人核实行程，查验行程卡、健康码、核酸和疫苗。",
        }

    @property
    def path(self) -> str:
        return f"/v1/lead-batches/{self.id}"

    async def numbers(self, phone: Phone, **query: str) -> dict[str, Any]:
        return await phone.get("/v1/lead-progress", batch_id=self.id, **query)


def _cases(grids: Sequence[Place]) -> Iterator[Case]:
    lines = [line for line in REPORT for _ in range(line.count)]
    nameless = BY_HAND
    for nth, line in enumerate(lines):
        place = grids[nth % len(grids)]
        person, lead = somebody(), {"id": str(new_id()), "row_number": nth + 1}
        lead |= {"name": person["name"], "phone": person["phone"], "lead_source": "big_data"}
        lead |= {"claimed": "returnee", "origin_place": line.origin}
        case = Case(line, place, lead)
        if line.outcome == "already_registered":
            known = synthetic_resident(relation="head")
            case.home = household_body(grid=UUID(place.id), residents=[known])
            numbers = ("document_kind", "document") if nth % 2 else ("phone",)
            lead |= {name: known[name] for name in ("name", *numbers)}
            lead |= {"phone": known["phone"] if "phone" in numbers else None}
        elif line.outcome == "info_error" and nameless:
            nameless -= 1
        else:
            lead["address"] = f"{place.name}{nth}号"
        if line.outcome == "missed_now_registered":
            lead |= {"origin_code": RISKY, "claim": "2月3日至5日漫游地为岭边县"}
            relatives = [synthetic_resident(relation="head")]
            case.home = household_body(grid=UUID(place.id), residents=relatives)
        yield case


class County:
    """The county's system, let in for leads; for every delivery it asks for a token, as they do."""

    def __init__(self, town: Town, client: dict[str, Any]) -> None:
        self._town, self._client = town, client

    async def deliver(self, batch: Batch, leads: Sequence[dict[str, Any]]) -> httpx.Response:
        token = (await ask_token(self._town, self._client)).json()["access_token"]
        delivery = {"batch": batch.sent, "items": leads}
        answer = await self._town.client(token).post("/v1/inbound/lead-batches", json=delivery)
        batch.net.story.heard.append(answer.text)
        return answer


async def test_a_batch_of_273_leads_is_worked_off_by_160_grids(town: Town, story: Story):
    net, county = Net(story), County(town, await a_client(town, "leads:write"))
    await net.grow()
    await township_rules(await town.as_("zhou"))
    batch = Batch(net)
    await _most_families_were_screened_before(batch)
    await _the_county_delivers_the_batch_twice(batch, county)
    await _what_names_no_place_is_given_by_hand(batch)
    await _every_grid_has_its_own_and_no_other(batch)
    await _nothing_is_concluded_before_it_is_asked(batch)
    await _the_grids_work_it_off(batch, batch.net.grids[:-SLOW])
    await _those_missed_come_under_control(batch)
    await _somebody_else_reviews(batch, sent_back=1)
    await _what_is_done_is_fed_back_in_time(batch)
    await _five_are_late_and_told_upward(batch)
    await _the_rest_is_fed_back_and_the_batch_is_closed(batch)
    await _the_table_of_the_report_comes_out(batch)
    await _the_county_may_send_no_more(batch, county)
    _nobody_was_told_in_plain_whom_it_is_about(batch)


async def _most_families_were_screened_before(batch: Batch) -> None:
    zhou = await batch.net.story.phone("zhou")
    homes = [each.home for each in batch.cases if each.home is not None]
    await all_created(zhou, "/v1/households/batch", homes)


async def _the_county_delivers_the_batch_twice(batch: Batch, county: County) -> None:
    leads = [each.lead for each in batch.cases]
    for status, outcome in ((201, "created"), (200, "unchanged")):
        answer = await county.deliver(batch, leads)
        assert answer.status_code == status, answer.text
        told = answer.json()["leads"]
        assert {each["outcome"] for each in told["items"]} == {outcome}
        assert len(told["items"]) == WHOLE


async def _what_names_no_place_is_given_by_hand(batch: Batch) -> None:
    zhou = await batch.net.story.phone("zhou")
    whole = (await batch.numbers(zhou))["whole"]
    assert (whole["received"], whole["unassigned"], whole["open"]) == (WHOLE, BY_HAND, 260)
    left = await zhou.items("/v1/leads", batch_id=batch.id, assigned=False, limit=500)
    assert len(left) == BY_HAND
    given = [
        {"lead_id": each["id"], "grid_id": batch.by_lead[each["id"]].place.id} for each in left
    ]
    await all_created(zhou, f"{batch.path}/assign", given)


async def _every_grid_has_its_own_and_no_other(batch: Batch) -> None:
    net, received = batch.net, Counter[str]()
    expected = Counter(each.place.id for each in batch.cases)
    assert len(expected) == len(net.grids) == 160

    async def counted(village: Place) -> None:
        told = await batch.numbers(await net.phone(village), grid_id=village.id)
        received.update({each["grid_id"]: each["received"] for each in told["items"]})
        assert told["whole"]["received"] == sum(each["received"] for each in told["items"])

    await at_once(counted, net.villages)
    assert received == expected
    for place in net.grids[:3]:
        assert await net.leads_of_the_day(place) == dict.fromkeys(_given(batch, place), "due")
    zhou = await net.story.phone("zhou")
    known = await zhou.items("/v1/leads", batch_id=batch.id, matched=True, limit=500)
    assert {batch.by_lead[each["id"]].line.outcome for each in known} == {"already_registered"}
    assert len(known) == REPORT[0].count


def _given(batch: Batch, place: Place) -> list[str]:
    """Where the leads of a grid are worked on."""
    own = [each.lead["id"] for each in batch.cases if each.place is place]
    return [f"/v1/leads/{each}/attempts" for each in own]


async def _nothing_is_concluded_before_it_is_asked(batch: Batch) -> None:
    first, other = batch.cases[0], batch.cases[1]
    phone = await batch.net.phone(first.place)
    said = {"outcome": first.line.outcome}
    path = f"/v1/leads/{first.lead['id']}"
    refused = await phone.refused(LeadNotReady, "POST", f"{path}/conclude", said)
    assert len(refused["lacking"]) == 2
    await phone.refused(NotFound, "POST", f"/v1/leads/{other.lead['id']}/conclude", said)
    await phone.refused(NotPermitted, "POST", f"{path}/review", {"approved": True})
    await phone.refused(NotPermitted, "POST", f"{batch.path}/feedback", {"id": str(new_id())})


async def _the_grids_work_it_off(batch: Batch, places: Sequence[Place]) -> None:
    async def work(place: Place) -> None:
        phone = await batch.net.phone(place)
        own = await phone.items("/v1/leads", batch_id=batch.id)
        here = {each.lead["id"] for each in batch.cases if each.place is place}
        assert {each["id"] for each in own} == here
        for lead in own:
            await _verified(phone, batch.by_lead[lead["id"]])

    await at_once(work, places)


async def _verified(phone: Phone, case: Case) -> None:
    """Called, looked for at the door where the call found nobody, asked, and concluded."""
    path = f"/v1/leads/{case.lead['id']}"
    missed = case.line.outcome == "missed_now_registered"
    found_at_once = not missed and case.line.outcome != "info_error"
    await phone.send(f"{path}/attempts", _attempt("phone", reached=found_at_once))
    if missed:
        await phone.send(f"{path}/attempts", _attempt("visit", reached=True))
    if case.line.outcome in ANSWERED:
        for said in _four_answers():
            await phone.send(f"{path}/answers", said)
    concluded = await phone.send(f"{path}/conclude", _conclusion(case))
    assert (concluded["status"], concluded["outcome"]) == ("under_review", case.line.outcome)


def _attempt(kind: str, *, reached: bool) -> dict[str, Any]:
    return {"id": str(new_id()), "kind": kind, "reached": reached}


def _four_answers() -> Iterator[dict[str, Any]]:
    now = clock.now()
    card = {"updated_at": now.isoformat(), "colour": "green", "window_days": 14}
    sampled = (now - timedelta(hours=9)).isoformat()
    seen: dict[str, dict[str, Any]] = {
        "travel_card": card | {"cities": [{"name": "广西崇左市"}]},
        "health_code": {"state": "green"},
        "diagnostic_test": {
            "kind": "nucleic_acid", "outcome": "negative", "sampled_at": sampled,
        },
        "vaccination": {"doses": 2, "last_on": "2021-08-01", "technology": "inactivated"},
    }  # fmt: skip
    for question, said in seen.items():
        yield {"id": str(new_id()), "question": question, "shown": "shown", question: said}


def _conclusion(case: Case) -> dict[str, Any]:
    said: dict[str, Any] = {"outcome": case.line.outcome, "note": case.line.note}
    if case.line.outcome == "missed_now_registered" and case.home is not None:
        last = str(clock.today() - timedelta(days=1))
        stays = [{"code": RISKY, "from_on": last, "to_on": last}]
        said["arrival"] = {"id": str(new_id()), "household_id": case.home["id"], "stays": stays}
    return said


async def _those_missed_come_under_control(batch: Batch) -> None:
    """What the lead told is what the arrival says; the grid registers them, the village decides."""
    net = batch.net
    zhou = await net.story.phone("zhou")
    query = {"batch_id": batch.id, "outcome": "missed_now_registered"}
    missed = await zhou.items("/v1/leads", **query, limit=500)
    assert len(missed) == 10
    village_of = {each.name: each for each in net.villages}
    for lead in missed:
        place = batch.by_lead[lead["id"]].place
        worker, path = await net.phone(place), f"/v1/arrivals/{lead['arrival_id']}"
        arrival = (await worker.get(path))["arrival"]
        assert (arrival["name"], arrival["origin_code"]) == (lead["name"], RISKY)
        assert arrival["risk_level"] == "medium"
        await worker.send(f"{path}/verify", {"register_as": {"id": str(new_id())}})
        plan = {"quarantine_id": str(new_id()), "control_started_on": str(clock.today())}
        leader = await net.phone(village_of[place.village])
        await leader.send(f"{path}/confirm", plan)
        begun = await worker.get(f"/v1/quarantines/{plan['quarantine_id']}")
        assert begun["status"] == "active"


async def _somebody_else_reviews(batch: Batch, *, sent_back: int = 0) -> None:
    """Each village reviews its own; what it sends back is concluded again and passes."""
    back = [each for each in batch.cases if each.line.outcome == "info_error"][:sent_back]

    async def review(village: Place) -> None:
        phone = await batch.net.phone(village)
        query = {"batch_id": batch.id, "status": "under_review"}
        for lead in await phone.items("/v1/leads", **query, limit=500):
            case, path = batch.by_lead[lead["id"]], f"/v1/leads/{lead['id']}"
            if case in back:
                said = {"approved": False, "reason": "换一个时间再打一次"}
                assert (await phone.send(f"{path}/review", said))["status"] == "contacting"
                await _verified(await batch.net.phone(case.place), case)
            assert (await phone.send(f"{path}/review", {"approved": True}))["reviewed_by"]

    await at_once(review, batch.net.villages)


async def _what_is_done_is_fed_back_in_time(batch: Batch) -> None:
    batch.net.story.move_to(0, 17, 30)
    zhou = await batch.net.story.phone("zhou")
    fed_back = await zhou.send(f"{batch.path}/feedback", {"id": str(new_id())})
    assert (fed_back["number"], fed_back["late"], fed_back["batch_closed"]) == (1, False, False)
    assert sum(fed_back["counts"].values()) == WHOLE - SLOW
    again = {"id": str(new_id())}
    await zhou.refused(NothingToFeedBack, "POST", f"{batch.path}/feedback", again)


async def _five_are_late_and_told_upward(batch: Batch) -> None:
    story, slow = batch.net.story, batch.net.grids[-SLOW:]
    zhou = await story.phone("zhou")
    await story.pass_to(0, 17, 59)
    assert await zhou.items("/v1/alerts", cause="overdue_lead") == []
    for minute in (1, 2):
        await story.pass_to(0, 18, minute)
    alerts = await zhou.items("/v1/alerts", cause="overdue_lead")
    assert Counter(each["grid_id"] for each in alerts) == Counter(each.id for each in slow)
    whole = (await batch.numbers(zhou))["whole"]
    assert (whole["fed_back"], whole["open"], whole["late"]) == (WHOLE - SLOW, SLOW, SLOW)
    late = await zhou.items("/v1/leads", batch_id=batch.id, late=True)
    assert {batch.by_lead[each["id"]].place for each in late} == set(slow)
    for place in slow:
        day = await batch.net.leads_of_the_day(place)
        assert day == dict.fromkeys(_given(batch, place), "late")
    village = next(each for each in batch.net.villages if each.name == slow[-1].village)
    leader = await batch.net.phone(village)
    for alert in await leader.items("/v1/alerts", cause="overdue_lead"):
        [first] = (await leader.get(f"/v1/alerts/{alert['id']}"))["hops"]
        assert [each["worker_name"] for each in first["told"]] == [f"{village.name[:2]}某"]


async def _the_rest_is_fed_back_and_the_batch_is_closed(batch: Batch) -> None:
    batch.net.story.move_to(0, 19)
    await _the_grids_work_it_off(batch, batch.net.grids[-SLOW:])
    await _somebody_else_reviews(batch)
    zhou = await batch.net.story.phone("zhou")
    body = {"id": str(new_id())}
    for _ in range(2):
        fed_back = await zhou.send(f"{batch.path}/feedback", body)
        assert (fed_back["number"], fed_back["late"], fed_back["batch_closed"]) == (2, True, True)
    whole = (await batch.numbers(zhou))["whole"]
    assert (whole["fed_back"], whole["open"], whole["late"]) == (WHOLE, 0, SLOW)


async def _the_table_of_the_report_comes_out(batch: Batch) -> None:
    zhou = await batch.net.story.phone("zhou")
    table = await zhou.get(f"{batch.path}/feedback")
    assert (table["received"], table["answered"], table["open"]) == (WHOLE, WHOLE, 0)
    assert [row["count"] for row in table["rows"]] == [98, 63, 47, 29, 16, 12, 8]
    lines = {
        (row["outcome"], origin["place"]): origin["count"]
        for row in table["rows"]
        for origin in row["origins"]
    }
    assert lines == {(each.outcome, each.origin or "未注明"): each.count for each in REPORT}
    sheet = await zhou.ask("GET", f"{batch.path}/feedback.xlsx")
    book = CalamineWorkbook.from_filelike(BytesIO(sheet.content))
    printed = book.get_sheet_by_index(0).to_python()
    for row in table["rows"]:
        at_line = printed.index([row["label"], "合计", float(row["count"])])
        below = printed[at_line + 1 : at_line + 1 + len(row["origins"])]
        assert below == [["", each["place"], float(each["count"])] for each in row["origins"]]


async def _the_county_may_send_no_more(batch: Batch, county: County) -> None:
    answer = await county.deliver(batch, [{"id": str(new_id()), "name": "黄小妹"}])
    [refused] = answer.json()["leads"]["items"]
    assert refused["problem"]["type"] == f"/problems/{LeadBatchClosed.slug()}"


def _nobody_was_told_in_plain_whom_it_is_about(batch: Batch) -> None:
    everything = "".join(batch.net.story.heard)
    for case in batch.cases:
        for member in ("phone", "document"):
            number = case.lead.get(member)
            assert number is None or number not in everything
