"""One person, one file: read by whom it concerns, copied only for the person themself."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from api.access.permissions import Role
from api.dossiers.problems import CopyNoLongerKept
from api.foundation import clock
from api.foundation.database import Database
from api.foundation.problems import InvalidInput, NotFound, NotPermitted, NotSignedIn, RecordDiffers
from api.foundation.records import new_id
from tests.access.posts import a_post
from tests.builders import a_household, a_visit, synthetic_resident
from tests.cast import TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.place import Hands, a_home, a_place, township_rules


@pytest.fixture(scope="module")
async def person(town: Town) -> str:
    """Somebody of the first group of Liu village of whom everything is kept."""
    await township_rules(await town.as_("zhou"))
    lin = await town.as_("lin")
    home = await a_home(lin, grid=grid_id("t.01.01.01"))
    await a_place(await Hands.of(town), home)
    return home["residents"][0]["id"]


def _asking(**told: Any) -> dict[str, Any]:
    said = {"id": str(new_id()), "asked_by": "self", "proof": "核对了身份证原件"}
    return said | told


async def test_nobody_reads_a_file(town: Town, person: str):
    nobody = town.nobody()
    assert_problem(await nobody.get(f"/v1/residents/{person}/dossier"), NotSignedIn)
    asked = await nobody.post(f"/v1/residents/{person}/dossier-exports", json=_asking())
    assert_problem(asked, NotSignedIn)


async def test_the_secretary_of_the_next_village_does_not_find_the_person(town: Town, person: str):
    wei = await town.as_("wei")
    assert_problem(await wei.get(f"/v1/residents/{person}/dossier"), NotFound)
    asked = await wei.post(f"/v1/residents/{person}/dossier-exports", json=_asking())
    assert_problem(asked, NotFound)


async def test_a_file_tells_everything_newest_first_in_sentences(town: Town, person: str):
    told = (await (await town.as_("lin")).get(f"/v1/residents/{person}/dossier?limit=500")).json()
    instants = [entry["at"] for entry in told["items"]]
    assert instants == sorted(instants, reverse=True)
    assert (told["withheld"], told["next_cursor"]) == ([], None)
    kinds = {entry["kind"] for entry in told["items"]}
    assert kinds >= {"registered", "arrival", "test", "quarantine", "stage", "reading", "alert"}
    for entry in told["items"]:
        assert entry["what"].strip("{}") == entry["what"] != "", entry


async def test_pages_of_a_file_meet_without_gap_or_double(town: Town, person: str):
    lin = await town.as_("lin")
    whole = (await lin.get(f"/v1/residents/{person}/dossier?limit=500")).json()["items"]
    parts: list[Any] = []
    cursor = None
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await lin.get(f"/v1/residents/{person}/dossier", params=query)).json()
        parts += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert parts == whole


async def test_a_strange_cursor_is_refused(town: Town, person: str):
    lin = await town.as_("lin")
    answer = await lin.get(f"/v1/residents/{person}/dossier?cursor=WyJ4Il0")
    assert_problem(answer, InvalidInput)


async def test_only_the_kinds_and_days_asked_for_are_told(town: Town, person: str):
    lin = await town.as_("lin")
    address = f"/v1/residents/{person}/dossier"
    told = (await lin.get(f"{address}?kind=reading&kind=test")).json()["items"]
    assert {entry["kind"] for entry in told} == {"reading", "test"}
    later = (await lin.get(f"{address}?from_on={clock.today() + timedelta(days=40)}")).json()
    assert later["items"] == []


async def test_what_a_reader_may_not_read_is_named_and_not_told(
    town: Town, person: str, owner: Database
):
    """A policeman answers alerts and reads files, but no test results."""
    post = await a_post(owner, "ba", "t.01.01.01", Role.police_officer)
    held = (id_of("ba"), TOWNSHIP, post, grid_id("t.01.01.01"), 4, Role.police_officer)
    officer = town.client(await town.token_at(*held))
    told = (await officer.get(f"/v1/residents/{person}/dossier?limit=500")).json()
    assert "test" in told["withheld"]
    assert "test" not in {entry["kind"] for entry in told["items"]}
    asked = await officer.post(f"/v1/residents/{person}/dossier-exports", json=_asking())
    assert_problem(asked, NotPermitted)


async def test_whoever_moved_was_visited_where_they_lived_then(town: Town):
    lin, group = await town.as_("lin"), grid_id("t.01.01.01")
    former, later = [
        await a_household(lin, grid=group, residents=[synthetic_resident()]) for _ in range(2)
    ]
    mover = former["residents"][0]
    before = (clock.now() - timedelta(hours=2)).isoformat()
    seen = await a_visit(lin, former, visited_at=before)
    await a_visit(lin, later, visited_at=before)  # they did not live there yet
    path = f"/v1/residents/{mover['id']}"
    moved = await lin.post(f"{path}/move", json={"household_id": later["id"]})
    assert moved.status_code == 200, moved.text
    with time_machine.travel(clock.now() + timedelta(hours=1), tick=False):
        late = town.client(await town.token_of("lin"))
        await a_visit(late, former)
        met = await a_visit(late, later)
        told = (await late.get(f"{path}/dossier?kind=visit")).json()["items"]
    assert [each["record_id"] for each in told] == [met["id"], seen["id"]]


async def test_a_move_to_another_household_is_told_and_a_correction_is_none(town: Town):
    lin = await town.as_("lin")
    homes = [await a_household(lin, grid="t.01.01.01") for _ in "123"]
    path = f"/v1/residents/{homes[0]['residents'][0]['id']}"
    right = await lin.patch(path, json={"lives_alone": True}, headers={"If-Match": '"1"'})
    assert right.status_code == 200, right.text
    for home in homes[1:]:
        moved = await lin.post(f"{path}/move", json={"household_id": home["id"]})
        assert moved.status_code == 200, moved.text
    told = (await lin.get(f"{path}/dossier", params={"kind": ["moved", "registered"]})).json()
    assert [each["kind"] for each in told["items"]] == ["moved", "moved", "registered"]
    assert {each["by"] for each in told["items"][:2]} == {str(id_of("lin"))}
    assert told["items"][0]["what"] == "迁到另一户"


async def test_a_volunteer_reads_no_file(town: Town, person: str):
    ba = await town.as_("ba")
    assert_problem(await ba.get(f"/v1/residents/{person}/dossier"), NotPermitted)


async def test_every_reading_and_fetching_is_put_on_record(town: Town, person: str):
    lin = await town.as_("lin")
    await lin.get(f"/v1/residents/{person}/dossier")
    asked = (await lin.post(f"/v1/residents/{person}/dossier-exports", json=_asking())).json()
    await lin.get(asked["pdf_url"])
    zhou = await town.as_("zhou")
    entries = (await zhou.get(f"/v1/audit-entries?subject_id={person}&limit=500")).json()["items"]
    assert {"dossiers.read", "dossiers.export", "dossiers.fetch"} <= {
        entry["action"] for entry in entries
    }


async def test_a_copy_is_whole_and_plain_and_names_nobody_else(town: Town, person: str):
    lin = await town.as_("lin")
    asked = await lin.post(f"/v1/residents/{person}/dossier-exports", json=_asking())
    assert asked.status_code == 201
    told = (await lin.get(asked.json()["json_url"])).json()
    assert len(told["person"]["document"]) == 18
    assert told["records"]["readings"]
    assert told["timeline"]
    for hidden in (str(id_of("lin")), "_lookup", "_sealed", "contact_name", "contact_phone"):
        assert hidden not in json.dumps(told)
    pdf = await lin.get(asked.json()["pdf_url"])
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["cache-control"] == "no-store"
    assert pdf.content.startswith(b"%PDF")


async def test_the_same_copy_asked_for_twice_is_one_copy(town: Town, person: str):
    lin = await town.as_("lin")
    address, asking = f"/v1/residents/{person}/dossier-exports", _asking()
    first, again = [await lin.post(address, json=asking) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await lin.post(address, json=asking | {"proof": "电话核实"})
    assert_problem(other, RecordDiffers)


@pytest.mark.parametrize(
    "wrong", [{"asked_by": "guardian"}, {"asker": "黄秀英"}], ids=["nameless", "self by name"]
)
async def test_who_asks_for_another_gives_a_name(town: Town, person: str, wrong: dict[str, Any]):
    lin = await town.as_("lin")
    asked = await lin.post(f"/v1/residents/{person}/dossier-exports", json=_asking(**wrong))
    assert "/body/asker" in json.dumps(assert_problem(asked, InvalidInput))


@pytest.mark.parametrize(
    ("years", "asked_by", "answered"),
    [(14, "self", 201), (13, "self", 422), (8, "entrusted", 422), (8, "guardian", 201)],
)
async def test_for_a_child_their_guardian_asks(
    town: Town, years: int, asked_by: str, answered: int
):
    lin, today = await town.as_("lin"), clock.today()
    born = today.replace(year=today.year - years, day=1).isoformat()
    child = synthetic_resident(birth_date=born, document_kind=None, document=None)
    home = await a_household(lin, grid=grid_id("t.01.01.01"), residents=[child])
    told = {} if asked_by == "self" else {"asker": "黄秀英"}
    address = f"/v1/residents/{home['residents'][0]['id']}/dossier-exports"
    asked = await lin.post(address, json=_asking(asked_by=asked_by, **told))
    assert asked.status_code == answered, asked.text
    if answered != 201:
        assert "/body/asked_by" in json.dumps(assert_problem(asked, InvalidInput))


async def test_a_copy_can_be_had_for_a_day(town: Town, person: str):
    lin = await town.as_("lin")
    asked = (await lin.post(f"/v1/residents/{person}/dossier-exports", json=_asking())).json()
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False):
        later = town.client(await town.token_of("lin"))
        assert_problem(await later.get(asked["pdf_url"]), CopyNoLongerKept)
        assert (await later.get(f"/v1/dossier-exports/{asked['id']}")).status_code == 200
