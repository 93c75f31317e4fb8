"""Knocking on doors: who may see and say what, and what is refused."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.access.colleagues import NotAColleague
from api.foundation import clock
from api.foundation.database import Database, Entry
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from api.settings import Settings
from api.visits.problems import NotYourVisit, VisitDiscarded
from tests.builders import a_household, a_visit, visit_body
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of

VISITS = "/v1/visits"
FINDINGS = "𠮷祥在家，')； DROP TABLE visits; -- 体温正常\n第二行"


@pytest.fixture(scope="module")
async def home(town: Town) -> dict[str, Any]:
    """A household in ming's grid."""
    return await a_household(await town.as_("ming"), grid="t.01.01.01")


async def test_nobody_sees_and_records_no_visits(town: Town, home: dict[str, Any]):
    nobody = town.nobody()
    assert_problem(await nobody.get(VISITS), NotSignedIn)
    assert_problem(await nobody.post(VISITS, json=visit_body(home)), NotSignedIn)
    assert_problem(await nobody.get("/v1/follow-ups"), NotSignedIn)


async def test_the_neighbour_neither_sees_nor_records_a_visit(town: Town, home: dict[str, Any]):
    visit = await a_visit(await town.as_("ming"), home)
    mei = await town.as_("mei")
    assert_problem(await mei.get(f"{VISITS}/{visit['id']}"), NotFound)
    assert_problem(await mei.get(f"{VISITS}/{visit['id']}/history"), NotFound)
    assert visit["id"] not in _ids(await mei.get(VISITS))
    told = assert_problem(await mei.post(VISITS, json=visit_body(home)), NotFound)
    assert told["errors"][0]["pointer"] == "/body/household_id"
    again = assert_problem(await mei.post(VISITS, json=visit_body(home, id=visit["id"])), NotFound)
    assert again["errors"][0]["pointer"] == "/body/household_id"


async def test_an_id_of_the_neighbour_cannot_be_taken_and_is_not_revealed(
    town: Town, home: dict[str, Any]
):
    visit = await a_visit(await town.as_("ming"), home)
    mei = await town.as_("mei")
    own = await a_household(mei, grid="t.01.01.02")
    taken = await mei.post(VISITS, json=visit_body(own, id=visit["id"]))
    assert assert_problem(taken, RecordDiffers)["fields"] == []
    patch = await mei.patch(
        f"{VISITS}/{visit['id']}",
        json={"outcome": "absent", "reason": "看看"},
        headers={"If-Match": '"1"'},
    )
    assert_problem(patch, NotFound)


async def test_another_township_sees_nothing(town: Town, home: dict[str, Any]):
    visit = await a_visit(await town.as_("ming"), home)
    bai = await town.as_("bai")
    assert_problem(await bai.get(f"{VISITS}/{visit['id']}"), NotFound)
    assert (await bai.get(VISITS)).json()["items"] == []


async def test_the_line_above_sees_the_visit_and_the_next_village_does_not(
    town: Town, home: dict[str, Any]
):
    visit = await a_visit(await town.as_("ming"), home)
    for above in ("lin", "li", "zhou"):
        seen = await (await town.as_(above)).get(f"{VISITS}/{visit['id']}")
        assert seen.json() == visit
    for beside in ("wei", "he", "han"):
        assert_problem(await (await town.as_(beside)).get(f"{VISITS}/{visit['id']}"), NotFound)


async def test_a_visit_is_kept_as_it_was_told(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    place = {"latitude": 22.1372, "longitude": 107.0689, "datum": "gcj02", "accuracy_m": 12.5}
    said = visit_body(
        home,
        mode="phone",
        needs=["medicine", "medicine", "masks"],
        findings=FINDINGS,
        visited_at="2022-02-15T08:30:00+08:00",
        recorded_at="2022-02-15T08:31:00+08:00",
        place=place,
    )
    made = await ming.post(VISITS, json=said)
    assert made.status_code == 201
    assert made.headers["Location"] == f"{VISITS}/{said['id']}"
    assert made.headers["ETag"] == '"1"'
    visit = made.json()
    assert visit == {
        **said,
        "version": 1,
        "grid_id": str(grid_id("t.01.01.01")),
        "needs": ["medicine", "masks"],
        "visited_at": "2022-02-15T00:30:00Z",
        "recorded_at": "2022-02-15T00:31:00Z",
        "received_at": visit["received_at"],
        "performed_by": str(id_of("ming")),
        "entered_by": str(id_of("ming")),
        "source": "phone",
        "discarded_at": None,
    }
    assert (await ming.get(f"{VISITS}/{said['id']}")).json() == visit


async def test_findings_lie_sealed_in_the_database(
    town: Town, home: dict[str, Any], settings: Settings
):
    visit = await a_visit(await town.as_("ming"), home, findings=FINDINGS)
    assert settings.owner_database_url is not None
    owner = Database(settings.owner_database_url.get_secret_value(), settings.keyring())
    async with owner.session(Entry.without_reach(TOWNSHIP)) as session:
        row = await session.execute(
            text("SELECT findings_sealed FROM visits WHERE id = :id"), {"id": visit["id"]}
        )
        assert "体温".encode() not in row.scalar_one()
    await owner.close()


async def test_one_may_enter_for_another_of_the_township_but_not_for_a_stranger(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    visit = await a_visit(ming, home, performed_by=str(id_of("mei")))
    assert (visit["performed_by"], visit["entered_by"]) == (str(id_of("mei")), str(id_of("ming")))
    for stranger in (id_of("bai"), new_id()):
        said = visit_body(home, performed_by=str(stranger))
        told = assert_problem(await ming.post(VISITS, json=said), NotAColleague)
        assert told["errors"][0]["pointer"] == "/body/performed_by"


async def test_a_phone_that_runs_a_little_ahead_is_believed_and_one_far_ahead_is_not(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    ahead = (clock.now() + timedelta(seconds=240)).isoformat()
    visit = await a_visit(ming, home, visited_at=ahead, recorded_at=ahead)
    assert visit["visited_at"] > visit["received_at"]
    far = (clock.now() + timedelta(seconds=360)).isoformat()
    for field in ("visited_at", "recorded_at"):
        said = visit_body(home, **{field: far})
        told = assert_problem(await ming.post(VISITS, json=said), RecordedInTheFuture)
        assert told["errors"][0]["pointer"] == f"/body/{field}"


@pytest.mark.parametrize("began", ["1970-01-01T00:00:12Z", "0002-01-01T00:00:00+08:00"])
async def test_a_phone_whose_clock_began_anew_is_not_believed(
    town: Town, home: dict[str, Any], began: str
):
    """Absent in 1970 would have waited the longest of all, and met then would have met nobody."""
    ming = await town.as_("ming")
    for field in ("visited_at", "recorded_at"):
        said = visit_body(home, **{field: began})
        told = assert_problem(await ming.post(VISITS, json=said), InvalidInput)
        assert told["errors"][0]["pointer"] == f"/body/{field}"
    visit = await a_visit(ming, home)
    corrected = await ming.patch(
        f"{VISITS}/{visit['id']}",
        json={"visited_at": began, "reason": "记错时间"},
        headers={"If-Match": '"1"'},
    )
    told = assert_problem(corrected, InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/visited_at"


async def test_a_leader_lists_the_visits_of_a_village_with_those_of_its_grids(
    town: Town, home: dict[str, Any]
):
    """The village itself has no doors: asked for it, the list was empty."""
    lin = await town.as_("lin")
    visit = await a_visit(lin, home)
    for path, there in (("t.01.01.01", True), ("t.01.01", True), ("t.01.01.02", False)):
        params = {"grid_id": str(grid_id(path)), "limit": 500}
        listed = _ids(await lin.get(VISITS, params=params))
        assert (visit["id"] in listed) is there, path
    elsewhere = {"grid_id": str(grid_id("t.01.02"))}
    assert _ids(await lin.get(VISITS, params=elsewhere)) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"outcome": "gone"}, "/body/outcome"),
        ({"mode": None}, "/body/mode"),
        ({"visited_at": "2022-02-15T08:30:00"}, "/body/visited_at"),
        ({"visited_at": 1644885000}, "/body/visited_at"),
        ({"purposes": ["screening", "gossip"]}, "/body/purposes/1"),
        ({"needs": "masks"}, "/body/needs"),
        ({"place": {"latitude": 22.1, "longitude": 107.0}}, "/body/place/datum"),
        ({"place": {"latitude": 91, "longitude": 107.0, "datum": "wgs84"}}, "/body/place/latitude"),
        ({"findings": "   "}, "/body/findings"),
        ({"findings": "坏\u0000字"}, "/body/findings"),
        ({"household_id": "1"}, "/body/household_id"),
        ({"id": "3a7c2f1e-0000-1000-8000-000000000000"}, "/body/id"),
        ({"reach": "t"}, "/body/reach"),
        ({"entered_by": str(id_of("mei"))}, "/body/entered_by"),
    ],
)
async def test_what_is_filled_in_wrongly_is_pointed_at_and_nothing_is_kept(
    town: Town, home: dict[str, Any], changes: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    said = visit_body(home) | changes
    told = assert_problem(await ming.post(VISITS, json=said), InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert said["id"] not in _ids(await ming.get(VISITS, params={"limit": 500}))


async def test_a_visit_sent_twice_at_the_same_moment_is_one_visit(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    said = visit_body(home, findings="在家")
    answers = await asyncio.gather(*(ming.post(VISITS, json=said) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1


async def test_the_same_id_with_another_body_differs_by_field(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    said = visit_body(home, findings="在家", place=None)
    assert (await ming.post(VISITS, json=said)).status_code == 201
    place = {"latitude": 22.1, "longitude": 107.0, "datum": "wgs84"}
    for other, fields in (
        (said | {"outcome": "refused", "findings": "不在"}, ["outcome", "findings"]),
        (said | {"needs": ["masks"]}, ["needs"]),
        (said | {"place": place}, ["place"]),
        ({name: told for name, told in said.items() if name != "findings"}, ["findings"]),
    ):
        differs = assert_problem(await ming.post(VISITS, json=other), RecordDiffers)
        assert sorted(differs["fields"]) == sorted(fields)


async def test_a_correction_keeps_the_former_version_and_a_late_retry_is_still_no_news(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    said = visit_body(home, outcome="absent", findings="无人应答")
    assert (await ming.post(VISITS, json=said)).status_code == 201
    corrected = await ming.patch(
        f"{VISITS}/{said['id']}",
        json={
            "outcome": "met",
            "mode": "wechat",
            "purposes": ["care", "other"],
            "needs": ["masks"],
            "visited_at": "2022-02-15T10:00:00+08:00",
            "findings": None,
            "place": {"latitude": 22.1, "longitude": 107.0, "datum": "wgs84"},
            "performed_by": str(id_of("pang")),
            "reason": "户主说当天在家",
        },
        headers={"If-Match": '"1"'},
    )
    assert corrected.status_code == 200, corrected.text
    assert corrected.headers["ETag"] == '"2"'
    visit = corrected.json()
    assert (visit["version"], visit["outcome"], visit["findings"]) == (2, "met", None)
    assert (visit["purposes"], visit["needs"]) == (["care", "other"], ["masks"])
    assert (visit["mode"], visit["visited_at"]) == ("wechat", "2022-02-15T02:00:00Z")
    assert visit["place"]["datum"] == "wgs84"
    assert visit["performed_by"] == str(id_of("pang"))

    (former,) = (await ming.get(f"{VISITS}/{said['id']}/history")).json()["items"]
    assert former["reason"] == "户主说当天在家"
    assert former["replaced_by"] == str(id_of("ming"))
    kept = former["visit"]
    assert (kept["version"], kept["outcome"], kept["findings"]) == (1, "absent", "无人应答")

    late = await ming.post(VISITS, json=said)
    assert late.status_code == 200
    assert late.json() == visit
    other = await ming.post(VISITS, json=said | {"outcome": "met"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["outcome"]


async def test_a_correction_says_which_version_it_is_made_from(town: Town, home: dict[str, Any]):
    ming = await town.as_("ming")
    visit = await a_visit(ming, home)
    address, said = f"{VISITS}/{visit['id']}", {"outcome": "absent", "reason": "看错"}
    assert_problem(await ming.patch(address, json=said), VersionMissing)
    stale = await ming.patch(address, json=said, headers={"If-Match": '"2"'})
    assert assert_problem(stale, VersionMismatch)["version"] == 1
    answers = await asyncio.gather(
        *(ming.patch(address, json=said, headers={"If-Match": '"1"'}) for _ in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"reason": "没有什么"}, "/body"),
        ({"outcome": "met"}, "/body/reason"),
        ({"outcome": None, "reason": "空"}, "/body/outcome"),
        ({"household_id": str(new_id()), "reason": "换户"}, "/body/household_id"),
    ],
)
async def test_a_correction_that_corrects_nothing_or_too_much_is_refused(
    town: Town, home: dict[str, Any], said: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    visit = await a_visit(ming, home)
    address = f"{VISITS}/{visit['id']}"
    refused = await ming.patch(address, json=said, headers={"If-Match": '"1"'})
    told = assert_problem(refused, InvalidInput)
    assert pointer in [each["pointer"] for each in told["errors"]]
    assert (await ming.get(address)).json() == visit


async def test_a_volunteer_corrects_own_visits_only_and_the_grid_worker_all(
    town: Town, home: dict[str, Any]
):
    ming, ba = await town.as_("ming"), await town.as_("ba")
    of_ming, of_ba = await a_visit(ming, home), await a_visit(ba, home)
    entered = await a_visit(ming, home, performed_by=str(id_of("ba")))
    said, from_first = {"outcome": "absent", "reason": "看错"}, {"If-Match": '"1"'}

    async def patched(client: Any, visit: dict[str, Any]) -> Any:
        return await client.patch(f"{VISITS}/{visit['id']}", json=said, headers=from_first)

    assert_problem(await patched(ba, of_ming), NotYourVisit)
    assert (await patched(ba, entered)).status_code == 200
    assert (await patched(ming, of_ba)).status_code == 200


async def test_a_discarded_visit_stays_readable_and_is_not_corrected(
    town: Town, home: dict[str, Any]
):
    ming = await town.as_("ming")
    visit = await a_visit(ming, home)
    address, why = f"{VISITS}/{visit['id']}", {"reason": "登记到了别人家"}
    discarded = await ming.post(f"{address}/discard", json=why, headers={"If-Match": '"1"'})
    assert discarded.status_code == 200
    assert discarded.json()["discarded_at"] is not None
    assert (await ming.get(address)).json() == discarded.json()
    assert visit["id"] not in _ids(await ming.get(VISITS))
    assert visit["id"] in _ids(await ming.get(VISITS, params={"discarded": True}))
    again = await ming.post(f"{address}/discard", json=why, headers={"If-Match": '"2"'})
    assert_problem(again, VisitDiscarded)


async def test_visits_are_listed_by_day_grid_household_person_and_outcome(town: Town):
    ming, lin = await town.as_("ming"), await town.as_("lin")
    home = await a_household(ming, grid="t.01.01.01")
    late = await a_visit(ming, home, visited_at="2022-02-15T23:59:59+08:00", outcome="refused")
    next_day = await a_visit(ming, home, visited_at="2022-02-16T00:00:00+08:00")
    by_pang = await a_visit(
        ming, home, visited_at="2022-02-15T00:00:00+08:00", performed_by=str(id_of("pang"))
    )
    of_day = {"household_id": home["id"], "day": "2022-02-15"}
    assert _ids(await lin.get(VISITS, params=of_day)) == [late["id"], by_pang["id"]]
    assert _ids(await lin.get(VISITS, params={**of_day, "outcome": "refused"})) == [late["id"]]
    by = {"household_id": home["id"], "performed_by": str(id_of("pang"))}
    assert _ids(await lin.get(VISITS, params=by)) == [by_pang["id"]]
    elsewhere = {"household_id": home["id"], "grid_id": str(grid_id("t.01.01.02"))}
    assert _ids(await lin.get(VISITS, params=elsewhere)) == []

    first = await lin.get(VISITS, params={"household_id": home["id"], "limit": 2})
    assert _ids(first) == [next_day["id"], late["id"]]
    cursor = first.json()["next_cursor"]
    rest = await lin.get(VISITS, params={"household_id": home["id"], "cursor": cursor})
    assert _ids(rest) == [by_pang["id"]]
    assert rest.json()["next_cursor"] is None


async def test_a_village_doctor_visits_too(town: Town):
    wei, he = await town.as_("wei"), await town.as_("he")
    home = await a_household(wei, grid="t.01.02.01")
    assert (await a_visit(he, home))["entered_by"] == str(id_of("he"))


def _ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]
