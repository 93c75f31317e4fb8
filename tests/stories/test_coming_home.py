"""A family comes home: 21 days of the Guangxi notice of 18 January 2022 (S1, M3.1).

Arrival, classification, team, twice-daily rounds, a fever that climbs until somebody answers,
hospital and back, tests, the change of stages, release, follow-ups, and what was missed.
"""

from typing import Any

from api.access.two_people import NeedsAnotherPerson
from api.foundation import clock
from api.foundation.problems import NotFound, NotPermitted
from api.foundation.records import new_id
from api.quarantines.problems import ReleaseConditionsUnmet
from tests.builders import household_body, synthetic_resident, team_of
from tests.cast import grid_id, id_of
from tests.stories.phone import Phone, Story, at, on

HOME = "t.01.01.01"
TEAM = ("ming", "pang", "mei", "he")
RISKY = "459901101"
CENTRAL, ALL = 14, 21
FOLLOW_UPS = (1, 2, 3, 7, 14)
TEST_DAYS = (1, 4, 7, 10, 14, 14 + 2, 14 + 4, 14 + 7)
"""Days of control on which a sample is due: 1, 4, 7, 10, 14 of the first stage, 2, 4, 7 after."""


class Family:
    """Four people, how they came, and their quarantines."""

    def __init__(self, home: dict[str, Any]) -> None:
        self.home = home
        self.people: list[dict[str, Any]] = home["residents"]
        self.arrivals = [str(new_id()) for _ in self.people]
        self.quarantines = [str(new_id()) for _ in self.people]

    @property
    def father(self) -> str:
        return self.quarantines[0]

    @property
    def mother(self) -> str:
        return self.quarantines[1]

    @property
    def child(self) -> str:
        return self.quarantines[3]


async def test_a_family_comes_home_and_is_served_for_three_weeks(story: Story):
    await _the_township_adopts_the_rule_and_the_list(story)
    family = await _four_arrive_from_a_place_at_risk(story)
    await _a_leader_confirms_what_the_rule_proposes(story, family)
    await _two_quiet_days(story, family)
    alert = await _a_fever_climbs_until_the_health_centre_answers(story, family)
    await _the_father_goes_to_hospital_and_comes_back(story, family, alert)
    await _one_evening_is_missed_and_stays_missed(story, family)
    await _the_first_stage_runs_its_course(story, family)
    await _they_are_brought_home_and_watched_for_a_week(story, family)
    await _nobody_is_released_before_the_last_test(story, family)
    await _the_township_releases_them_with_a_notice(story, family)
    await _they_are_followed_up(story, family)
    await _what_was_missed_is_known_exactly(story, family)


async def _the_township_adopts_the_rule_and_the_list(story: Story) -> None:
    gu, zhou = await story.phone("gu"), await story.phone("zhou")
    medic = {"id": str(new_id()), "name": "颜医师", "grid_id": str(grid_id("t"))}
    await gu.send("/v1/workers", medic)
    post = {"worker_id": medic["id"], "grid_id": medic["grid_id"], "role": "medic"}
    await gu.send("/v1/posts", {"id": str(new_id()), **post})
    account = {"name": "yan", "initial_password": "Weishengyuan-2022"}
    await gu.send(f"/v1/workers/{medic['id']}/account", account)
    adoption = {"id": str(new_id()), "effective_from": str(on(-1)), "activate": True}
    protocol = await zhou.send("/v1/protocol-presets/gx_2022_0118", adoption)
    assert protocol["status"] == "active"
    listed = {
        "id": str(new_id()),
        "code_prefix": RISKY[:6],
        "name": "岭边县",
        "level": "medium",
        "from_on": str(on(-3)),
        "announcement": "县防控指挥部2022年第5号公告",
    }
    await zhou.send("/v1/risk-areas", listed)


async def _four_arrive_from_a_place_at_risk(story: Story) -> Family:
    people = [synthetic_resident(relation=each) for each in ("head", "spouse", "child", "child")]
    home = household_body(grid=HOME, residents=people, grid_worker_id=str(id_of("ming")))
    family, ming = Family(home), await story.phone("ming")
    await (await story.phone("lin")).send("/v1/households", home)
    party = str(new_id())
    came = [
        {
            "id": arrival,
            "household_id": home["id"],
            "resident_id": person["id"],
            "party_id": party,
            "arrived_at": at(0, 7).isoformat(),
            "transport": "train",
            "origin_code": RISKY,
            "stays": [{"code": RISKY, "from_on": str(on(-40)), "to_on": str(on(-1))}],
        }
        for arrival, person in zip(family.arrivals, family.people, strict=True)
    ]
    for created in (4, 0):  # the phone sends them again, having heard no answer
        outcome = await ming.send("/v1/arrivals/batch", {"items": came})
        assert (outcome["created"], outcome["refused"]) == (created, 0)
    for arrival, person in zip(family.arrivals, family.people, strict=True):
        await ming.send(f"/v1/arrivals/{arrival}/verify", {"resident_id": person["id"]})
    file = await ming.get(f"/v1/arrivals/{family.arrivals[0]}")
    told = file["arrival"]
    assert (told["risk_level"], told["awaits_decision"]) == ("medium", True)
    assert (told["left_risk_area_on"], told["reported_in_time"]) == (str(on(-1)), True)
    assert "岭边县" in file["classifications"][0]["explanation"]
    return family


async def _a_leader_confirms_what_the_rule_proposes(story: Story, family: Family) -> None:
    ming, lin = await story.phone("ming"), await story.phone("lin")
    proposal = await lin.get(f"/v1/arrivals/{family.arrivals[0]}/proposal")
    stages = proposal["plan"]["stages"]
    assert [(each["starts_on"], each["ends_on"]) for each in stages] == [
        (str(on(0)), str(on(CENTRAL - 1))),
        (str(on(CENTRAL)), str(on(ALL - 1))),
    ]
    days = [test["on"] for stage in stages for test in stage["tests"]]
    assert days == [str(on(day - 1)) for day in TEST_DAYS]
    assert await _kinds(lin) >= {"arrival"}
    for arrival, quarantine in zip(family.arrivals, family.quarantines, strict=True):
        confirmed = {
            "quarantine_id": quarantine,
            "control_started_on": str(on(0)),
            "place": "县职校集中隔离点",
            "team": team_of(*TEAM),
        }
        path = f"/v1/arrivals/{arrival}/confirm"
        await ming.refused(NotPermitted, "POST", path, confirmed)
        for _ in range(2):
            assert (await lin.send(path, confirmed))["quarantine_id"] == quarantine
    begun = await ming.get(f"/v1/quarantines/{family.father}")
    assert (begun["category"], begun["team_complete"]) == ("centralized_quarantine", True)
    assert "arrival" not in await _kinds(lin)
    han = await story.phone("han")
    await han.refused(NotFound, "GET", f"/v1/quarantines/{family.father}")


async def _kinds(phone: Phone) -> set[str]:
    """What kinds of duties somebody has today."""
    day = await phone.get("/v1/my-day")
    return {duty["kind"] for stop in day["stops"] for duty in stop["duties"]}


async def _round(phone: Phone, people: list[str]) -> None:
    normal = {"value_c": 36.5, "quarantine_ids": people}
    outcome = await phone.send("/v1/rounds", {"id": str(new_id()), "normal": normal})
    assert (outcome["created"], outcome["refused"]) == (len(people), 0)


async def _sampled(story: Story, family: Family, outcome: str = "negative") -> None:
    """Everybody gives a sample now, and the result comes in the evening."""
    tests = [
        {
            "id": str(new_id()),
            "resident_id": person["id"],
            "kind": "nucleic_acid",
            "sampled_at": clock.now().isoformat(),
            "reported_at": clock.now().isoformat(),
            "outcome": outcome,
            "laboratory": "县疾控中心",
        }
        for person in family.people
    ]
    kept = await (await story.phone("ming")).send("/v1/tests/batch", {"items": tests})
    assert (kept["created"], kept["refused"]) == (4, 0)


async def _a_day(
    story: Story, family: Family, day: int, *, morning: list[str] | None = None,
    evening: list[str] | None = None,
) -> None:  # fmt: skip
    """A day as it should be: everybody measured in both windows, sampled where a test is due."""
    ming = await story.phone("ming")
    await story.pass_to(day, 8)
    await _round(ming, family.quarantines if morning is None else morning)
    if day + 1 in TEST_DAYS:
        await _sampled(story, family)
    await story.pass_to(day, 16, 30)
    await _round(ming, family.quarantines if evening is None else evening)


async def _two_quiet_days(story: Story, family: Family) -> None:
    ming = await story.phone("ming")
    today = await ming.get("/v1/my-day")
    due = [duty["kind"] for stop in today["stops"] for duty in stop["duties"]]
    assert (due.count("reading"), due.count("test")) == (8, 4)
    assert today["stops"][0]["household"]["id"] == family.home["id"]
    await _a_day(story, family, 0)
    assert await _kinds(ming) == set()
    await _a_day(story, family, 1)
    lin = await story.phone("lin")
    board = await lin.get("/v1/duties/board", day=str(on(1)), grid_id=str(grid_id(HOME)))
    [line] = [each for each in board["lines"] if each["id"] == family.home["id"]]
    tallies = {(each["kind"], each["window"]): each for each in line["tallies"]}
    assert tallies["reading", "morning"]["done"] == tallies["reading", "evening"]["done"] == 4


async def _a_fever_climbs_until_the_health_centre_answers(
    story: Story, family: Family
) -> dict[str, Any]:
    ming, lin, zhou = [await story.phone(name) for name in ("ming", "lin", "zhou")]
    await story.pass_to(2, 8)
    await _round(ming, family.quarantines[1:])
    fever = {"id": str(new_id()), "quarantine_id": family.father, "value_c": 38.1}
    kept = await (await story.phone("he")).send("/v1/readings", fever)
    assert kept["abnormal"]
    [alert] = await lin.items("/v1/alerts", quarantine_id=family.father)
    assert (alert["cause"], alert["status"], alert["hop"]) == ("fever", "open", 1)
    path = f"/v1/alerts/{alert['id']}"
    await lin.send(f"{path}/seen", {})  # sees it on the road, and is called away
    for minutes, hop in ((14, 1), (15, 2), (44, 2), (45, 3)):
        await story.pass_to(2, 8, minutes)
        assert (await zhou.get(path))["hop"] == hop
    yan = await story.phone("yan", "Weishengyuan-2022")
    assert "alert" in await _kinds(yan)
    await yan.send(f"{path}/acknowledge", {})
    answered = await yan.send(f"{path}/acknowledge", {})  # sent again, having heard no answer
    assert (answered["status"], answered["climbs_at"]) == ("acknowledged", None)
    await story.pass_to(2, 11)
    detail = await zhou.get(path)
    told = [[each["worker_name"] for each in hop["told"]] for hop in detail["hops"]]
    assert told == [["林支书"], ["周书记"], ["颜医师"]]
    [first, _, last] = detail["hops"]
    assert first["told"][0]["seen_at"] is not None
    assert first["told"][0]["acknowledged_at"] is None
    assert last["told"][0]["acknowledged_at"] is not None
    return alert


async def _the_father_goes_to_hospital_and_comes_back(
    story: Story, family: Family, alert: dict[str, Any]
) -> None:
    yan, zhou = await story.phone("yan"), await story.phone("zhou")
    path = f"/v1/alerts/{alert['id']}"
    await yan.send(f"{path}/handle", {"note": "送县医院发热门诊"})
    referral = {
        "id": str(new_id()),
        "hospital": "县人民医院发热门诊",
        "reason": "体温38.1℃",
        "alert_id": alert["id"],
    }
    await yan.send(f"/v1/quarantines/{family.father}/hospital-referrals", referral)
    await story.pass_to(2, 16, 30)
    await _round(await story.phone("ming"), family.quarantines[1:])
    others = family.quarantines[1:]
    await _a_day(story, family, 3, morning=others, evening=others)
    await story.pass_to(4, 8)
    await _round(await story.phone("ming"), others)
    await story.pass_to(4, 10)
    back = {"outcome": "returned", "finding": "普通感冒，核酸阴性"}
    await yan.send(f"/v1/hospital-referrals/{referral['id']}/return", back)
    await yan.send(f"{path}/resolve", {"note": "核酸阴性，已返回"})
    await yan.refused(NeedsAnotherPerson, "POST", f"{path}/verify", {})
    assert (await zhou.send(f"{path}/verify", {}))["status"] == "verified"
    await _round(await story.phone("ming"), [family.father])
    await story.pass_to(4, 16, 30)
    await _round(await story.phone("ming"), family.quarantines)


async def _one_evening_is_missed_and_stays_missed(story: Story, family: Family) -> None:
    lin, zhou = await story.phone("lin"), await story.phone("zhou")
    await _a_day(story, family, 5, evening=family.quarantines[:3])
    await story.pass_to(5, 21, 59)
    assert await lin.items("/v1/alerts", quarantine_id=family.child) == []
    await story.pass_to(5, 22, 1)
    await story.pass_to(5, 22, 2)
    [alert] = await lin.items("/v1/alerts", quarantine_id=family.child)
    assert alert["cause"] == "missed_reading"
    for verb in ("acknowledge", "handle", "resolve"):
        note = {} if verb == "acknowledge" else {"note": "外出采样，未及测"}
        await lin.send(f"/v1/alerts/{alert['id']}/{verb}", note)
    await zhou.send(f"/v1/alerts/{alert['id']}/verify", {})


async def _the_first_stage_runs_its_course(story: Story, family: Family) -> None:
    for day in range(6, CENTRAL):
        await _a_day(story, family, day)
    lin = await story.phone("lin")
    early = {"ended_on": str(on(CENTRAL - 1)), "reason": "十四天已满"}
    path = f"/v1/quarantines/{family.father}/release"
    refused = await lin.ask("POST", path, json=early)
    assert refused.status_code in (403, 409), refused.text


async def _they_are_brought_home_and_watched_for_a_week(story: Story, family: Family) -> None:
    ming, lin, zhou = [await story.phone(name) for name in ("ming", "lin", "zhou")]
    await story.pass_to(CENTRAL, 7)
    for quarantine in family.quarantines:
        order = {
            "id": str(new_id()),
            "kind": "to_home",
            "reason": "集中隔离期满，转居家健康监测",
            "destination": "柳村一组",
        }
        await lin.send(f"/v1/quarantines/{quarantine}/transfers", order)
        path = f"/v1/transfers/{order['id']}"
        await zhou.send(f"{path}/approve", {})
        car = {"vehicle": "dedicated", "plate": "桂F12345", "driver": "卢师傅"}
        await lin.send(f"{path}/dispatch", car)
        await ming.send(f"{path}/pick-up", {"check_c": 36.4, "check_symptoms": []})
        await ming.send(f"{path}/hand-over", {"taken_over_by": "小明"})
        assert (await ming.send(f"{path}/close", {}))["status"] == "closed"
    for day in range(CENTRAL, ALL):
        await _called(story, family, day)
        if day < ALL - 1:
            await _a_day(story, family, day)
    begun = await ming.get(f"/v1/quarantines/{family.father}")
    assert begun["whereabouts"]["kind"] == "at_home"


async def _called(story: Story, family: Family, day: int) -> None:
    """The care line calls everybody; on one day it forgets the mother."""
    await story.pass_to(day, 7, 30)
    ming = await story.phone("ming")
    for quarantine in family.quarantines:
        if quarantine != family.mother or day != CENTRAL + 1:
            call = {"id": str(new_id()), "outcome": "reached", "mood": "calm"}
            await ming.send(f"/v1/quarantines/{quarantine}/calls", call)


async def _nobody_is_released_before_the_last_test(story: Story, family: Family) -> None:
    zhou = await story.phone("zhou")
    await story.pass_to(ALL - 1, 8)
    await _round(await story.phone("ming"), family.quarantines)
    path = f"/v1/quarantines/{family.father}/release"
    state = await zhou.get(path)
    assert not state["ready"]
    ending = {"ended_on": str(on(ALL - 1)), "reason": "期满，核酸均为阴性"}
    refused = await zhou.refused(ReleaseConditionsUnmet, "POST", path, ending)
    assert [each["kind"] for each in refused["unmet"]] == ["tests_negative"]


async def _the_township_releases_them_with_a_notice(story: Story, family: Family) -> None:
    lin, zhou = await story.phone("lin"), await story.phone("zhou")
    await _sampled(story, family)
    await story.pass_to(ALL - 1, 16, 30)
    await _round(await story.phone("ming"), family.quarantines)
    await story.pass_to(ALL - 1, 18)
    proposed = await zhou.items("/v1/releases/proposed")
    assert {each["quarantine_id"] for each in proposed} == set(family.quarantines)
    assert "release" in await _kinds(zhou)
    ending = {"ended_on": str(on(ALL - 1)), "reason": "期满，核酸均为阴性"}
    for quarantine in family.quarantines:
        path = f"/v1/quarantines/{quarantine}"
        await lin.refused(NotPermitted, "POST", f"{path}/release", ending)
        for _ in range(2):
            assert (await zhou.send(f"{path}/release", ending))["status"] == "released"
    notice = await zhou.get(f"/v1/quarantines/{family.father}/notice")
    assert family.people[0]["name"] in notice["text"]
    assert family.people[0]["document"] not in notice["text"]
    printed = await zhou.ask("GET", f"/v1/quarantines/{family.father}/notice.pdf")
    assert printed.content.startswith(b"%PDF")
    await (await story.phone("he")).refused(NotFound, "GET", f"/v1/quarantines/{family.father}")


async def _they_are_followed_up(story: Story, family: Family) -> None:
    for after in FOLLOW_UPS:
        await story.pass_to(ALL - 1 + after, 9)
        story.sign_in_anew()
        ming = await story.phone("ming")
        assert await _kinds(ming) == {"follow_up"}
        for quarantine in family.quarantines:
            call = {"id": str(new_id()), "outcome": "reached", "mood": "calm"}
            await ming.send(f"/v1/quarantines/{quarantine}/calls", call)
        assert await _kinds(ming) == set()
    lin = await story.phone("lin")
    done = (await lin.get(f"/v1/quarantines/{family.father}/follow-ups"))["items"]
    assert [(each["day"], each["late"]) for each in done] == [(day, False) for day in FOLLOW_UPS]


async def _what_was_missed_is_known_exactly(story: Story, family: Family) -> None:
    lin = await story.phone("lin")
    asked = {"from": str(on(0)), "to": str(on(ALL - 1 + 5))}
    items = await lin.items("/v1/duties/missed", **asked, limit=500)
    missed = [(each["kind"], each["quarantine_id"], each["day"], each["window"]) for each in items]
    assert missed == [
        ("reading", family.child, str(on(5)), "evening"),
        ("call", family.mother, str(on(CENTRAL + 1)), None),
    ]
    assert {each["worker_id"] for each in items[0]["on_duty"]} == {
        str(id_of(name)) for name in TEAM
    }
