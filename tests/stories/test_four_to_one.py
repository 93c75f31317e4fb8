"""四包一: a returnee is served by four until the period is over, and nothing of it is lost (S2)."""

from typing import Any

from api.foundation.problems import NotFound, NotPermitted, PostingChanged
from api.foundation.records import new_id
from api.quarantines.problems import ReleaseConditionsUnmet, TeamBreaksPolicy
from api.readings.problems import ImplausibleValue
from tests.builders import household_body, quarantine_body
from tests.cast import grid_id, id_of
from tests.stories.phone import Phone, Story, at, on

HOME = "t.01.01.01"
TEAM = ("ming", "pang", "mei", "he")
"""Young and old, one party member, and the village doctor of the next village."""
DAYS = 14
FIRST_PASSWORD = "Chuci-mima-2022"


class Served:
    """The returnee, their household and quarantine, and what was measured."""

    def __init__(self, home: dict[str, Any]) -> None:
        self.home = home
        self.person: dict[str, Any] = home["residents"][0]
        self.begun = quarantine_body(resident=self.person["id"], days=DAYS)
        self.id: str = self.begun["id"]
        self.path = f"/v1/quarantines/{self.id}"
        self.readings: list[str] = []
        self.successor = str(new_id())


async def test_four_serve_one_until_the_period_is_over(story: Story):
    served = await _a_returnee_is_put_under_home_quarantine(story)
    await _without_a_team_it_is_visible_at_once_above(story, served)
    await _four_are_seated(story, served)
    await _the_doctor_of_the_next_village_sees_this_person_and_nothing_else(story, served)
    await _the_first_day_is_measured_twice(story, served)
    await _a_fever_is_asked_about_and_goes_to_hospital(story, served)
    await _back_at_home_a_window_is_missed_and_stays_missed(story, served)
    await _the_sheet_reads_like_the_paper_form(story, served)
    await _a_change_that_would_break_the_team_is_refused(story, served)
    await _ming_leaves_and_hands_over(story, served)
    await _the_grid_moves_to_the_next_village(story, served)
    await _what_was_abnormal_is_closed_by_two(story, served)
    await _the_period_is_over_and_the_team_sees_no_more(story, served)
    await _everything_is_on_record(story, served)
    _nothing_of_the_person_was_said_in_plain(story, served)


async def _a_returnee_is_put_under_home_quarantine(story: Story) -> Served:
    lin = await story.phone("lin")
    home = household_body(grid=HOME, address="柳村一组27号后院", grid_worker_id=str(id_of("ming")))
    served = Served(home)
    await lin.send("/v1/households", home)
    await (await story.phone("ming")).refused(NotPermitted, "POST", "/v1/quarantines", served.begun)
    kept = await lin.send("/v1/quarantines", served.begun)
    assert (kept["day_number"], kept["whereabouts"]["kind"]) == (1, "at_home")
    return served


async def _without_a_team_it_is_visible_at_once_above(story: Story, served: Served) -> None:
    for name in ("lin", "li", "zhou"):
        phone = await story.phone(name)
        gaps = await phone.get("/v1/quarantines/team-gaps")
        assert (gaps["running"], gaps["incomplete"]) == (1, 1)
        [lacking] = await phone.items("/v1/quarantines", team="incomplete")
        assert lacking["id"] == served.id
    missing = (await (await story.phone("lin")).get(f"{served.path}/team"))["missing"]
    assert {each["kind"] for each in missing} == {"too_few", "party_members"}
    for name in ("wei", "he", "mei"):
        assert await (await story.phone(name)).items("/v1/quarantines") == []


def _members(*names: str) -> dict[str, Any]:
    return {"members": [{"worker_id": str(id_of(name))} for name in names]}


async def _four_are_seated(story: Story, served: Served) -> None:
    lin = await story.phone("lin")
    four_without_a_party_member = _members("ming", "ba", "mei", "he")
    refused = await lin.refused(
        TeamBreaksPolicy, "PUT", f"{served.path}/team", four_without_a_party_member
    )
    assert [each["kind"] for each in refused["missing"]] == ["party_members"]
    team = await lin.send(f"{served.path}/team", _members(*TEAM), "PUT")
    assert team["complete"]
    assert {seat["worker_id"] for seat in team["seats"]} == {str(id_of(name)) for name in TEAM}
    zhou = await story.phone("zhou")
    assert (await zhou.get("/v1/quarantines/team-gaps"))["incomplete"] == 0


async def _the_doctor_of_the_next_village_sees_this_person_and_nothing_else(
    story: Story, served: Served
) -> None:
    he, person, other = await story.phone("he"), *served.home["residents"]
    for path in ("/v1/quarantines", "/v1/residents", "/v1/households"):
        shown = {"/v1/quarantines": served.id, "/v1/residents": person["id"]}
        wanted = shown.get(path, served.home["id"])
        assert [each["id"] for each in await he.items(path)] == [wanted]
    home = await he.get(f"/v1/households/{served.home['id']}")
    assert [each["id"] for each in home["residents"]] == [person["id"]]
    await he.refused(NotFound, "GET", f"/v1/residents/{other['id']}")
    await he.refused(NotFound, "GET", f"/v1/grids/{grid_id(HOME)}")
    assert await he.items("/v1/visits") == []
    assert await he.items("/v1/workers") != []
    colleagues = {each["id"] for each in await he.items("/v1/workers", limit=500)}
    assert str(id_of("ming")) not in colleagues


async def _measured(phone: Phone, served: Served, **told: Any) -> dict[str, Any]:
    body = {"id": str(new_id()), "quarantine_id": served.id, "value_c": 36.5, **told}
    kept = await phone.send("/v1/readings", body)
    served.readings.append(kept["id"])
    return kept


async def _missing(story: Story, name: str, day: int) -> list[tuple[str, str]]:
    phone = await story.phone(name)
    items = await phone.items("/v1/readings/missing", day=str(on(day)))
    return [(each["window"], each["state"]) for each in items]


async def _the_first_day_is_measured_twice(story: Story, served: Served) -> None:
    assert await _missing(story, "lin", 0) == [("morning", "due")]
    ming = await story.phone("ming")
    everybody = {"value_c": 36.5, "grid_id": str(grid_id(HOME))}
    round_of_ming = {"id": str(new_id()), "normal": everybody}
    for created in (1, 0):  # the phone sends it again, having heard no answer
        outcome = await ming.send("/v1/rounds", round_of_ming)
        assert (outcome["created"], outcome["refused"]) == (created, 0)
    story.move_to(0, 16)
    assert await _missing(story, "lin", 0) == [("evening", "due")]
    for_mei = {"performed_by": str(id_of("mei"))}
    normal = {"value_c": 36.7, "quarantine_ids": [served.id]}
    round_of_mei = {"id": str(new_id()), "normal": normal, **for_mei}
    assert (await ming.send("/v1/rounds", round_of_mei))["created"] == 1
    evening, _ = await ming.items("/v1/readings", day=str(on(0)))
    assert evening["performed_by"] == str(id_of("mei"))
    assert evening["entered_by"] == str(id_of("ming"))
    assert await _missing(story, "lin", 0) == []


async def _a_fever_is_asked_about_and_goes_to_hospital(story: Story, served: Served) -> None:
    story.move_to(1, 9)
    he = await story.phone("he")
    mistyped = {"id": str(new_id()), "quarantine_id": served.id, "value_c": 73.6}
    asked = await he.refused(ImplausibleValue, "POST", "/v1/readings", mistyped)
    assert asked["errors"][0]["pointer"] == "/body/value_c"
    fever = await _measured(he, served, value_c=37.6, symptoms=["dry_cough"], note="夜里咳醒")
    assert (fever["abnormal"], fever["window"], fever["timing"]) == (True, "morning", "on_time")
    for name in ("lin", "zhou"):
        phone = await story.phone(name)
        [abnormal] = await phone.items("/v1/readings", day=str(on(1)), abnormal=True)
        assert abnormal["id"] == fever["id"]
    story.move_to(1, 10)
    gone = {"kind": "in_hospital", "destination": "宁县人民医院发热门诊"}
    await _noted(he, served, at(1, 10), **gone)
    story.move_to(1, 20)
    assert await _missing(story, "lin", 1) == []


async def _noted(phone: Phone, served: Served, since: Any, **told: Any) -> None:
    entry = {"id": str(new_id()), "since_at": since.isoformat(), **told}
    await phone.send(f"{served.path}/whereabouts", entry)


async def _back_at_home_a_window_is_missed_and_stays_missed(story: Story, served: Served) -> None:
    story.move_to(2, 9)
    pang = await story.phone("pang")
    await _noted(pang, served, at(2, 9), kind="at_home")
    story.move_to(2, 10, 59)
    assert await _missing(story, "lin", 2) == [("morning", "due")]
    story.move_to(2, 11)
    assert await _missing(story, "lin", 2) == [("morning", "late")]
    story.move_to(2, 17)
    await _measured(pang, served, value_c=36.8)
    story.move_to(3, 10)
    await _measured(pang, served, value_c=36.6)
    assert await _missing(story, "zhou", 2) == [("morning", "late")]
    lin = await story.phone("lin")
    counts = await lin.items("/v1/readings/missing/counts", day=str(on(2)))
    assert [
        tuple(each[name] for name in ("window", "expected", "done", "due", "late"))
        for each in counts
    ] == [("morning", 1, 0, 0, 1), ("evening", 1, 1, 0, 0)]


async def _the_sheet_reads_like_the_paper_form(story: Story, served: Served) -> None:
    story.move_to(3, 12)
    sheet = await (await story.phone("he")).get(f"{served.path}/temperature-sheet")
    assert [[cell["state"] for cell in day["cells"]] for day in sheet["days"]] == [
        ["measured", "measured"],
        ["measured", "exempt"],
        ["late", "measured"],
        ["measured", "not_yet"],
    ]
    measured = [cell["reading"] for day in sheet["days"] for cell in day["cells"]]
    assert [each["performed_by_name"] for each in measured if each] == [
        "小明",
        "梅大姐",
        "何医生",
        "庞党员",
        "庞党员",
    ]


def _change(out: str, into: str) -> dict[str, str]:
    return {"out_worker_id": out, "in_worker_id": into, "reason": "轮换"}


async def _a_change_that_would_break_the_team_is_refused(story: Story, served: Served) -> None:
    lin, pang = await story.phone("lin"), str(id_of("pang"))
    change = _change(pang, str(id_of("ba")))
    refused = await lin.refused(TeamBreaksPolicy, "POST", f"{served.path}/team/replace", change)
    assert [each["kind"] for each in refused["missing"]] == ["party_members"]
    refused = await lin.refused(TeamBreaksPolicy, "DELETE", f"{served.path}/team/{pang}")
    assert {each["kind"] for each in refused["missing"]} == {"too_few", "party_members"}
    assert (await lin.get(served.path))["team_complete"]


async def _ming_leaves_and_hands_over(story: Story, served: Served) -> None:
    lin, ming, successor = await story.phone("lin"), await story.phone("ming"), served.successor
    person = {"id": successor, "name": "覃新手", "grid_id": str(grid_id(HOME))}
    await lin.send("/v1/workers", person)
    account = {"name": "qinxinshou", "initial_password": FIRST_PASSWORD}
    await lin.send(f"/v1/workers/{successor}/account", account)
    assert await ming.items("/v1/quarantines") != []
    handover = {"successor_worker_id": successor, "new_post_id": str(new_id()), "reason": "调县里"}
    done = await lin.send(f"/v1/posts/{id_of('post ming')}/hand-over", handover)
    assert done["passed_on"] == {"bonds": 1, "care_seats": 1, "directives": 0}
    await ming.refused(PostingChanged, "GET", served.path)
    follower = await story.phone("qinxinshou", FIRST_PASSWORD)
    assert served.successor in {
        seat["worker_id"] for seat in (await follower.get(served.path))["team"]
    }
    [bond] = (await follower.get(f"/v1/households/{served.home['id']}"))["bonds"]
    assert (bond["kind"], bond["worker_id"]) == ("grid_worker", successor)
    story.move_to(3, 16)
    await _measured(follower, served, value_c=36.4)


async def _the_grid_moves_to_the_next_village(story: Story, served: Served) -> None:
    story.move_to(4, 8)
    zhou, lin, wei = [await story.phone(name) for name in ("zhou", "lin", "wei")]
    inside = [await story.phone("pang"), await story.phone("qinxinshou", FIRST_PASSWORD)]
    for phone in (*inside, lin):
        await phone.get("/v1/me")  # a token of the minute before
    story.move_to(4, 8, 1)
    move = {"new_parent_id": str(grid_id("t.01.02")), "reason": "片区调整"}
    await zhou.send(f"/v1/grids/{grid_id(HOME)}/move", move)
    for phone in inside:
        await phone.refused(PostingChanged, "GET", served.path)
        await phone.refresh()
        above = await phone.items(f"/v1/grids/{grid_id(HOME)}/ancestors")
        assert [place["name"] for place in above] == ["青竹乡", "东片", "榕村"]
    everything = [
        served.path,
        f"{served.path}/temperature-sheet",
        f"/v1/households/{served.home['id']}",
        *(f"/v1/residents/{each['id']}" for each in served.home["residents"]),
        *(f"/v1/readings/{each}" for each in served.readings),
    ]
    for path in everything:
        await wei.get(path)
        await lin.refused(NotFound, "GET", path)
    assert (await (await story.phone("mei")).get(served.path))["id"] == served.id


async def _what_was_abnormal_is_closed_by_two(story: Story, served: Served) -> None:
    wei, zhou = await story.phone("wei"), await story.phone("zhou")
    alerts = await zhou.items("/v1/alerts", quarantine_id=served.id)
    assert {"fever", "symptom"} <= {alert["cause"] for alert in alerts}
    for alert in alerts:
        path = f"/v1/alerts/{alert['id']}"
        await wei.send(f"{path}/acknowledge", {})
        await wei.send(f"{path}/handle", {"note": "送医检查"})
        await wei.send(f"{path}/resolve", {"note": "已送医排除，体温恢复正常"})
        await zhou.send(f"{path}/verify", {"note": "属实"})


async def _the_period_is_over_and_the_team_sees_no_more(story: Story, served: Served) -> None:
    wei, mei = await story.phone("wei"), await story.phone("mei")
    release = {"ended_on": str(on(4)), "reason": "核酸均为阴性"}
    await wei.refused(ReleaseConditionsUnmet, "POST", f"{served.path}/release", release)
    story.move_to(DAYS - 1, 18)
    [due] = await wei.items("/v1/quarantines", due_on=str(on(DAYS - 1)))
    assert (due["id"], due["day_number"]) == (served.id, DAYS)
    assert (await mei.get(served.path))["status"] == "active"
    release["ended_on"] = str(on(DAYS - 1))
    released = await wei.send(f"{served.path}/release", release)
    assert (released["status"], released["team"]) == ("released", [])
    await mei.refused(NotFound, "GET", served.path)
    await mei.refused(NotFound, "GET", f"/v1/residents/{served.person['id']}")
    assert (await wei.get(f"{served.path}/temperature-sheet"))["days"][-1]["day_number"] == DAYS
    assert await _missing(story, "wei", 2) == [("morning", "late")]


async def _everything_is_on_record(story: Story, served: Served) -> None:
    zhou = await story.phone("zhou")
    entries = await zhou.items("/v1/audit-entries", limit=500)
    done = {(each["action"], each["worker_id"]) for each in entries}
    assert done >= {
        (action, str(id_of(name)))
        for name, action in (
            ("lin", "households.register"),
            ("lin", "quarantines.begin"),
            ("lin", "teams.arrange"),
            ("ming", "readings.round"),
            ("he", "readings.record"),
            ("he", "whereabouts.record"),
            ("pang", "whereabouts.record"),
            ("pang", "readings.record"),
            ("lin", "workers.register"),
            ("lin", "accounts.open"),
            ("lin", "posts.hand-over"),
            ("zhou", "grids.move"),
            ("wei", "quarantines.release"),
        )
    }
    assert ("readings.record", served.successor) in done
    of_this = await zhou.items("/v1/audit-entries", subject_id=served.id)
    assert of_this[0]["action"] == "quarantines.release"
    assert of_this[-1]["action"] == "quarantines.begin"


def _nothing_of_the_person_was_said_in_plain(story: Story, served: Served) -> None:
    hidden = [served.home["address"], "宁县人民医院发热门诊", "夜里咳醒", "13800000001"]
    for person in served.home["residents"]:
        hidden += [person["phone"], person["document"], person["document"][6:14]]
    for said in story.heard:
        assert not [each for each in hidden if each in said], said
