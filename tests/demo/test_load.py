"""A small demonstration township, loaded through the real service, tells its stories."""

from collections import Counter
from collections.abc import AsyncGenerator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from api.demo.clients import LABORATORY, Secrets, let_in
from api.demo.load import load_township
from api.demo.sign_ins import SIGN_INS
from api.foundation import clock
from api.settings import Settings
from tests.cast import Town
from tests.demo.callers import Callers, found_cell

CELL = "451422209"
Reports = list[tuple[str, int, int]]


@pytest.fixture(scope="module")
async def reports(town: Town, settings: Settings) -> Reports:
    """Two villages, loaded into a cell of their own; what was shown while they were."""
    await found_cell(settings, CELL)
    shown: Reports = []
    loaded = await load_township(town.app, lambda *told: shown.append(told), villages=2)
    assert loaded
    return shown


@pytest.fixture(scope="module")
async def people(town: Town, reports: Reports) -> AsyncGenerator[Callers]:
    callers = Callers(town)
    yield callers
    await callers.close()


async def test_progress_is_shown_and_every_stage_is_finished(reports: Reports):
    stages = {stage: (done, total) for stage, done, total in reports}
    assert list(stages) == [
        "网格",
        "人员",
        "任职",
        "户和居民",
        "登录账号",
        "每日工作",
        "走访",
        "户代表账号",
    ]
    assert all(done == total > 0 for done, total in stages.values())


async def test_a_second_load_finds_everything_there(town: Town, reports: Reports):
    shown: Reports = []
    assert not await load_township(town.app, lambda *told: shown.append(told), villages=2)
    assert shown == []


async def test_every_printed_sign_in_works_at_once(people: Callers):
    for account in SIGN_INS:
        me = await people.read(account.account, "/v1/me")
        assert me["post"]["role"] == account.role
        assert not me["must_change_password"]
        assert not me["other_posts"]


async def test_the_secretary_sees_four_levels(people: Callers):
    tree = (await people.read("shuji", "/v1/grids"))["items"]
    levels = [grid["level"] for grid in tree]
    assert [levels.count(level) for level in (1, 2, 3)] == [1, 2, 2]
    assert 8 <= levels.count(4) <= 20
    assert all(grid["leaders"] for grid in tree)


async def test_a_grid_worker_sees_the_own_hamlet_alone(people: Callers):
    mine = await people.all_("xiaozu", "/v1/households")
    everybody_s = await people.all_("zhishu", "/v1/households")
    assert 34 <= len(mine) <= 63
    assert len({household["grid_id"] for household in mine}) == 1
    assert len(everybody_s) > 4 * len(mine)


async def test_coverage_shows_who_lacks_one_of_the_three(people: Callers):
    township, *_ = (await people.read("shuji", "/v1/coverage"))["grids"]
    assert township["level"] == 1
    assert township["households"] > 500
    for kind in ("party_member", "grid_worker", "representative"):
        assert 0.95 < township[f"with_{kind}"] / township["households"] < 1
    lacking = await people.all_("shuji", "/v1/households", lacking="party_member")
    assert len(lacking) == township["households"] - township["with_party_member"]


async def test_everybody_is_registered_with_what_the_register_asks_for(people: Callers):
    residents = await people.all_("zhishu", "/v1/residents")
    assert len(residents) > 1_000
    assert all("*" in person["document"] for person in residents)
    assert any(person["is_party_member"] for person in residents)
    assert any(person["lives_alone"] for person in residents)
    assert any(person["mobility_limited"] for person in residents)


async def test_the_one_without_a_team_is_seen_at_once_by_those_above(people: Callers):
    gaps = await people.read("shuji", "/v1/quarantines/team-gaps")
    assert (gaps["running"], gaps["incomplete"]) == (22, 1)
    for leader in ("shuji", "weiyuan", "zhishu"):
        (incomplete,) = await people.all_(leader, "/v1/quarantines", team="incomplete")
        assert incomplete["team"] == []


async def test_every_other_team_is_four_with_a_party_member(people: Callers):
    everybody = await people.all_("shuji", "/v1/quarantines", team="complete")
    complete = [each for each in everybody if each["team"]]
    assert len(complete) == 7 + 5
    assert {each["care_policy"] for each in complete} == {"four_to_one"}
    for quarantine in complete:
        assert len({seat["worker_id"] for seat in quarantine["team"]}) == 4
        assert any(seat["is_party_member"] for seat in quarantine["team"])


async def test_one_is_in_hospital_one_is_away_and_one_should_not_be(people: Callers):
    now = [
        quarantine["whereabouts"]["kind"]
        for quarantine in await people.all_("shuji", "/v1/quarantines", status="active")
    ]
    for kind in ("in_hospital", "away_approved", "away_breach"):
        assert now.count(kind) == 1
    assert now.count("transferred") == 5


async def test_a_fever_is_marked_abnormal(people: Callers):
    yesterday = clock.today() - timedelta(days=1)
    abnormal = await people.all_("shuji", "/v1/readings", day=str(yesterday), abnormal=True)
    assert len(abnormal) >= 3
    assert all(reading["value_c"] >= 37.3 or reading["symptoms"] for reading in abnormal)
    normal = await people.all_("shuji", "/v1/readings", day=str(yesterday), abnormal=False)
    assert all(reading["value_c"] < 37.3 for reading in normal)


async def test_the_temperature_sheet_shows_days_of_mornings_and_evenings(people: Callers):
    *_, first = await people.all_("xiaozu", "/v1/quarantines", status="active")
    sheet = await people.read("xiaozu", f"/v1/quarantines/{first['id']}/temperature-sheet")
    states = [cell["state"] for day in sheet["days"] for cell in day["cells"]]
    assert states.count("measured") >= 2
    assert all(len(day["cells"]) == 2 for day in sheet["days"])


async def test_doors_that_stayed_shut_wait_for_another_visit(people: Callers):
    open_ones = await people.all_("shuji", "/v1/follow-ups")
    assert {each["last_outcome"] for each in open_ones} == {"absent", "refused"}
    today = clock.today()
    assert all(clock.local_day(_instant(each["last_visited_at"])) <= today for each in open_ones)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_doctor_from_the_next_village_sees_one_household_there(people: Callers):
    (there,) = [
        quarantine
        for quarantine in await people.all_("xiaozu", "/v1/quarantines")
        if any(seat["role"] == "village_doctor" for seat in quarantine["team"])
        and quarantine["id"]
        in {each["id"] for each in await people.all_("cunyi", "/v1/quarantines")}
    ]
    doctor = await people.as_("cunyi")
    assert (await doctor.get(f"/v1/households/{there['household_id']}")).status_code == 200
    neighbours = await people.all_("xiaozu", "/v1/households")
    statuses = [
        (await doctor.get(f"/v1/households/{household['id']}")).status_code
        for household in neighbours[:10]
        if household["id"] != there["household_id"]
    ]
    assert set(statuses) == {404}


async def test_the_representative_sees_the_own_household_alone(people: Callers):
    (own,) = await people.all_("huzhu", "/v1/households")
    assert {each["household_id"] for each in await people.all_("huzhu", "/v1/residents")} == {
        own["id"]
    }
    quarantines = await people.all_("huzhu", "/v1/quarantines")
    assert {quarantine["household_id"] for quarantine in quarantines} == {own["id"]}
    visits = await people.all_("huzhu", "/v1/visits")
    assert visits
    assert {visit["household_id"] for visit in visits} == {own["id"]}
    representative = await people.as_("huzhu")
    (other, *_) = [
        household
        for household in await people.all_("xiaozu", "/v1/households")
        if household["id"] != own["id"]
    ]
    assert (await representative.get(f"/v1/households/{other['id']}")).status_code == 404


async def _kinds(people: Callers, account: str) -> Counter[str]:
    """What is due of somebody today, and how often."""
    day = await people.read(account, "/v1/my-day")
    return Counter(duty["kind"] for stop in day["stops"] for duty in stop["duties"])


_MAY_BE_OVER = {"call": time(10, 25), "visit": time(17, 35)}


async def test_a_grid_worker_has_a_whole_day_before_them(people: Callers):
    # Whoever began before today is called in the morning; a temperature taken at the door is a
    # visit, and in the evening there may be no other left to make.
    now = clock.local_time(clock.now())
    over = {kind for kind, until in _MAY_BE_OVER.items() if now >= until}
    assert set(await _kinds(people, "xiaozu")) | over >= {
        "reading",
        "visit",
        "call",
        "site_check",
        "follow_up",
        "arrival",
        "directive",
    }


async def test_a_village_secretary_finds_a_fever_and_what_to_decide(people: Callers):
    kinds = await _kinds(people, "zhishu")
    assert set(kinds) >= {"alert", "release", "directive"}
    assert kinds["alert"] >= 2
    alerts = await people.all_("zhishu", "/v1/alerts", closed=False)
    assert {(each["cause"], each["status"]) for each in alerts} >= {
        ("fever", "open"),
        ("reported", "acknowledged"),
        ("symptom", "resolved"),
    }


async def test_what_was_abnormal_climbed_and_was_answered(people: Callers):
    alerts = await people.all_("shuji", "/v1/alerts")
    closed = [each for each in alerts if each["status"] == "verified"]
    by_people = [each for each in closed if each["verified_by"]]
    assert len(by_people) >= 5
    assert all(each["verified_by"] != each["resolved_by"] for each in by_people)
    assert any(each["hop"] >= 2 for each in alerts)
    assert len(alerts) - len(closed) <= 25
    assert {each["cause"] for each in alerts} >= {
        "fever",
        "symptom",
        "missed_reading",
        "breach",
        "incomplete_team",
        "overdue_directive",
        "reported",
    }


async def test_arrivals_stand_at_every_step(people: Callers):
    coming = await people.all_("shuji", "/v1/arrivals")
    assert {each["status"] for each in coming} == {
        "expected",
        "arrived",
        "verified",
        "departed",
        "transferred",
        "invalid",
    }
    assert {each["risk_level"] for each in coming} == {
        "none",
        "high",
        "affected_county",
        "affected_prefecture",
    }
    assert any(each["awaits_decision"] for each in coming)
    assert any(each["overdue"] for each in coming)
    assert {each["pre_reported_in_time"] for each in coming} == {True, False}


async def test_the_protocols_decided_and_their_plans_run(people: Callers):
    everybody = await people.all_("shuji", "/v1/quarantines")
    plans = {each["protocol"]["plan_code"] for each in everybody if each["protocol"]}
    assert plans == {
        "central_14_home_7",
        "central_7",
        "prefecture_home_7",
        "three_days_two_tests",
    }
    ready = (await people.read("shuji", "/v1/releases/proposed"))["items"]
    waiting = (await people.read("shuji", "/v1/releases/proposed", ready=False))["items"]
    assert ready
    assert any("漏检" in str(each["conditions"]) for each in waiting)
    fit = [
        check["fit"]
        for each in everybody
        if each["protocol"]
        for check in (await people.read("shuji", f"/v1/quarantines/{each['id']}/site-checks"))[
            "items"
        ]
    ]
    assert sorted(set(fit)) == [False, True]


async def test_the_released_have_a_notice_and_a_follow_up_due_today(people: Callers):
    released = await people.all_("xiaozu", "/v1/quarantines", status="released")
    assert released
    path = f"/v1/quarantines/{released[0]['id']}"
    assert "解除" in (await people.read("xiaozu", f"{path}/notice"))["text"]
    xiaozu = await people.as_("xiaozu")
    assert (await xiaozu.get(f"{path}/notice.pdf")).content.startswith(b"%PDF")
    calls = (await people.read("xiaozu", f"{path}/follow-ups"))["items"]
    assert [each["call_id"] is not None for each in calls] == [True, False]


async def test_one_is_about_to_be_brought_away_and_one_asks_to_leave(people: Callers):
    ridden = await people.all_("shuji", "/v1/transfers", under_way=True)
    assert [each["status"] for each in ridden] == ["dispatched"]
    asked = await people.all_("shuji", "/v1/leaves")
    assert {each["status"] for each in asked} == {"requested", "out"}
    assert len(await people.all_("shuji", "/v1/hospital-referrals")) == 1


async def test_errands_stand_at_every_step_and_somebody_was_not_asked(people: Callers):
    errands = await people.all_("shuji", "/v1/errands")
    steps = {"requested", "accepted", "purchasing", "confirmed", "cancelled", "none_needed"}
    assert steps <= {each["status"] for each in errands}
    whole = (await people.read("shuji", "/v1/errands/coverage"))["whole"]
    assert 0 < whole["covered"] < whole["persons"]
    assert (whole["open"] >= 3, whole["late"]) == (True, 1)
    assert (await people.read("shuji", "/v1/errands/uncovered"))["items"]


async def test_of_three_directives_one_is_late_and_one_is_new(people: Callers):
    stand = {
        each["title"]: (await people.read("shuji", f"/v1/directives/{each['id']}/progress"))[
            "total"
        ]
        for each in await people.all_("shuji", "/v1/directives")
    }
    assert len(stand) == 3
    assert sorted(each["answered"] > 0 for each in stand.values()) == [False, True, True]
    assert [each["late"] > 0 for each in stand.values()].count(True) == 1


async def test_what_was_missed_and_the_work_of_the_week_are_known(people: Callers):
    missed = await people.all_("shuji", "/v1/duties/missed")
    assert {each["kind"] for each in missed} >= {"reading", "call", "test"}
    view = await people.read("shuji", "/v1/live-view")
    assert sum(each["quarantined"] for each in view["grids"]) == 22
    assert sum(each["waiting_releases"] for each in view["grids"]) >= 3
    yesterday = str(clock.today() - timedelta(days=1))
    board = await people.read("shuji", "/v1/duties/board", day=yesterday)
    tallies = [tally for line in board["lines"] for tally in line["tallies"]]
    assert sum(each["done"] for each in tallies) > sum(each["missed"] for each in tallies) > 0
    workload = await people.read("shuji", "/v1/workload")
    assert any(each["uneven"] for each in workload["villages"])


async def test_a_list_of_leads_was_worked_off_and_some_of_it_is_late(people: Callers):
    (batch,) = await people.all_("shuji", "/v1/lead-batches")
    leads = await people.all_("fangkong", "/v1/leads", batch_id=batch["id"])
    assert Counter(each["status"] for each in leads) == {
        "fed_back": 33,
        "transferred": 2,
        "under_review": 2,
        "contacting": 2,
        "assigned": 2,
        "imported": 1,
    }
    assert len({each["outcome"] for each in leads if each["outcome"]}) == 11
    assert sum(each["late"] for each in leads) == 3
    table = await people.read("shuji", f"/v1/lead-batches/{batch['id']}/feedback")
    assert (table["received"], table["answered"], table["sent"]) == (42, 35, 1)
    assert (table["rows"][0]["outcome"], table["rows"][0]["count"]) == ("already_registered", 11)
    assert {"overdue_lead", "refusal"} <= {
        each["cause"] for each in await people.all_("shuji", "/v1/alerts")
    }


async def test_at_the_bridge_one_was_red_and_one_waits_to_be_asked_about_again(people: Callers):
    (bridge,) = (await people.read("zhishu", "/v1/checkpoints"))["items"]
    path = f"/v1/checkpoints/{bridge['id']}"
    passes = await people.all_("zhishu", f"{path}/passes")
    assert len(passes) == 60
    assert Counter(each["verdict"] for each in passes)["turn_back"] == 1
    assert any(each["decision_reason"] for each in passes)
    waiting = await people.all_("zhishu", f"{path}/re-checks", state="waiting")
    assert len(waiting) == 1
    (alert,) = await people.all_("zhishu", "/v1/alerts", cause="red_code")
    assert (alert["status"], alert["grid_id"] != bridge["grid_id"]) == ("open", True)


async def test_whoever_is_on_duty_at_the_bridge_sees_it_and_a_night_is_unmanned(people: Callers):
    (bridge,) = (await people.read("dangyuan", "/v1/checkpoints"))["items"]
    midnight, next_midnight = clock.day_bounds(clock.today() + timedelta(days=1))
    gaps = await people.read(
        "zhishu",
        "/v1/duty-shifts/gaps",
        place_id=bridge["id"],
        **{"from": midnight.isoformat(), "to": next_midnight.isoformat()},
    )
    assert gaps["minutes"] == 8 * 60


async def test_a_round_of_sampling_is_under_way_and_one_tube_calls_ten_back(people: Callers):
    (campaign,) = (await people.read("zhishu", "/v1/sampling-campaigns"))["items"]
    path = f"/v1/sampling-campaigns/{campaign['id']}"
    covered = (await people.read("zhishu", f"{path}/coverage"))["whole"]
    assert covered["done"] >= 110
    assert covered["not_yet"] > 0
    yesterday = str(clock.today() - timedelta(days=1))
    (morning,) = await people.all_("zhishu", "/v1/site-sessions", day=yesterday)
    assert morning["status"] == "results_in"
    path = f"/v1/site-sessions/{morning['id']}"
    assert (await people.read("zhishu", f"{path}/tally"))["total"]["people"] > 100
    assert (await people.read("zhishu", f"{path}/staffing"))["missing"] == 1
    assert len(await people.all_("xiaozu", "/v1/retests")) == 10
    at_home = await people.all_("zhishu", "/v1/home-samplings")
    assert [each["assigned_to"] is not None for each in at_home].count(True) == len(at_home) / 2


async def test_codes_cards_and_doses_of_the_first_village_are_known(people: Callers):
    states = await people.all_("zhishu", "/v1/code-states")
    assert {each["state"] for each in states} == {"green", "yellow", "popup", "grey"}
    assert {each["outcome"] for each in await people.all_("zhishu", "/v1/vaccinations")} == {
        "given",
        "contraindicated",
    }
    assert await people.all_("zhishu", "/v1/travel-cards")


async def test_two_health_code_systems_wait_for_the_simulator(people: Callers):
    systems = (await people.read("guanli", "/v1/health-code-systems"))["items"]
    assert len(systems) == 2
    assert all(each["enabled"] and not each["secrets_missing"] for each in systems)
    assert {each["base_url"].rpartition("/")[0] for each in systems} == {"http://127.0.0.1:8900"}


async def test_what_the_laboratory_tells_of_the_printed_person_reaches_their_village(
    town: Town, people: Callers, tmp_path: Path
):
    others = await let_in(town.app, Secrets(tmp_path / "machine-clients"), lambda *_: None)
    (laboratory,) = [each for each in others.credentials if each.system is LABORATORY]
    asked = {"grant_type": "client_credentials"}
    proof = (str(laboratory.client_id), laboratory.secret)
    answer = await town.nobody().post("/v1/oauth/token", data=asked, auth=proof)
    before = await people.all_("zhishu", "/v1/alerts", cause="red_code")
    change = {
        "event_id": "demo-1",
        "document_kind": "resident_identity",
        "document": others.document,
        "state": "red",
        "changed_at": clock.now().isoformat(),
    }
    async with town.client(answer.json()["access_token"]) as client:
        told = await client.post("/v1/health-codes/changes", json={"items": [change]})
    assert [each["outcome"] for each in told.json()["items"]] == ["created"]
    after = await people.all_("zhishu", "/v1/alerts", cause="red_code")
    assert len(after) == len(before) + 1
