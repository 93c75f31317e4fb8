"""Who hears what, while they listen and when they ask."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from api.foundation.database import Entry
from api.foundation.live import tell
from api.foundation.problems import InvalidInput, NotSignedIn, PostingChanged
from api.foundation.records import new_id
from tests.builders import FOUR, a_quarantine
from tests.cast import OTHER_TOWNSHIP, TOWNSHIP, Town, assert_problem, grid_id, id_of
from tests.live.street import Ear, happens

Listening = Callable[[str], Awaitable[Ear]]
HOME = "t.01.01.01"
HOUSE = Entry.for_the_house(TOWNSHIP)


async def test_nobody_hears_nothing(town: Town, address: str):
    assert_problem(await town.nobody().get("/v1/events"), NotSignedIn)
    assert_problem(await town.nobody().get("/v1/events/poll"), NotSignedIn)
    async with httpx.AsyncClient(base_url=address) as nobody:
        assert_problem(await nobody.get("/v1/events"), NotSignedIn)


async def test_the_neighbour_hears_nothing_and_those_above_hear_it(town: Town, ear_of: Listening):
    names = ("ming", "lin", "zhou", "mei", "wei")
    ears = {name: await ear_of(name) for name in names}
    await asyncio.gather(*(ear.listen() for ear in ears.values()))
    ours = await happens(town.database, f"{HOME}.h7", grid=grid_id(HOME))
    theirs = await happens(town.database, "t.01.02.01")
    await ears["zhou"].hears(ours, theirs)
    await ears["lin"].hears(ours)
    await ears["ming"].hears(ours)
    await ears["wei"].hears(theirs)
    assert ears["ming"].subjects == ears["lin"].subjects == [ours]
    assert ears["wei"].subjects == [theirs]
    assert ears["mei"].heard == []


async def test_an_event_tells_ids_and_what_happened(town: Town, ear_of: Listening):
    ming = await ear_of("ming")
    await ming.listen()
    quarantine = new_id()
    subject = await happens(
        town.database, HOME, kind="alert.climbed", grid=grid_id(HOME), quarantine=quarantine
    )
    await ming.hears(subject)
    heard = ming.heard[0]
    assert heard.kind == "alert.climbed"
    assert heard.id
    assert heard.data.pop("at").endswith("Z")
    assert heard.data == {
        "event_id": heard.event_id,
        "kind": "alert.climbed",
        "subject_id": subject,
        "grid_id": str(grid_id(HOME)),
        "quarantine_id": str(quarantine),
    }


async def test_another_township_hears_nothing_even_of_the_same_place(town: Town, ear_of: Listening):
    bai, gu = await ear_of("bai"), await ear_of("gu")
    await bai.listen()
    await gu.listen()
    ours = await happens(town.database, "t.01.01")
    theirs = await happens(town.database, "t.01.01", cell=OTHER_TOWNSHIP)
    await gu.hears(ours)
    await bai.hears(theirs)
    assert gu.subjects == [ours]
    assert bai.subjects == [theirs]


async def test_who_cares_for_somebody_elsewhere_hears_of_that_person_only(
    town: Town, ear_of: Listening
):
    lin = await town.as_("lin")
    he = await ear_of("he")
    await he.listen()
    cared_for = await a_quarantine(lin, team=FOUR)  # while the doctor already listens
    other = await a_quarantine(lin)
    unheard = await happens(town.database, HOME, quarantine=UUID(other["id"]))
    heard = await happens(town.database, HOME, quarantine=UUID(cared_for["id"]))
    in_person = await happens(town.database, HOME, worker=id_of("he"))
    await he.hears(heard, in_person)
    assert unheard not in he.subjects


async def test_what_is_heard_is_what_row_security_lets_be_read(town: Town, ear_of: Listening):
    names = ("zhou", "lin", "ming", "mei", "he", "han")
    ears = [await ear_of(name) for name in names]
    clients = [await town.as_(name) for name in names]
    marks = [(await client.get("/v1/events/poll")).json()["next"] for client in clients]
    await asyncio.gather(*(ear.listen() for ear in ears))
    cared_for = UUID((await a_quarantine(await town.as_("lin"), team=FOUR))["id"])
    for reach in ("t", "t.01", "t.01.01", HOME, f"{HOME}.h1", "t.01.01.011", "t.01.02.01"):
        await happens(town.database, reach)
        await happens(town.database, reach, quarantine=cared_for)
        await happens(town.database, reach, worker=id_of("mei"))
    last = await happens(town.database, HOME, quarantine=cared_for, worker=id_of("mei"))
    await asyncio.gather(*(ear.hears(last) for ear in ears[:5]))
    for name, ear, client, mark in zip(names, ears, clients, marks, strict=True):
        page = (await client.get("/v1/events/poll", params={"after": mark})).json()
        assert [each["subject_id"] for each in page["items"]] == ear.subjects, name


async def test_what_is_rolled_back_is_never_heard(town: Town, ear_of: Listening):
    ming = await ear_of("ming")
    await ming.listen()
    with pytest.raises(ZeroDivisionError):
        async with town.database.session(HOUSE) as session:
            await tell(session, "alert.opened", subject=new_id(), reach=HOME)
            raise ZeroDivisionError
    heard = await happens(town.database, HOME)
    await ming.hears(heard)
    assert ming.subjects == [heard]


async def test_a_listener_may_ask_for_a_while_only(town: Town, ear_of: Listening):
    ming = await ear_of("ming")
    await ming.listen(seconds=0)
    await ming.until(lambda: not ming.is_open)
    assert ming.status == 200
    assert ming.last_id


async def test_polling_tells_what_happened_since(town: Town):
    ming = await town.as_("ming")
    begun = (await ming.get("/v1/events/poll")).json()
    assert begun["items"] == []
    assert begun["resync"] is False
    subjects = [await happens(town.database, HOME) for _ in range(3)]
    await happens(town.database, "t.01.02")
    page = (await ming.get("/v1/events/poll", params={"after": begun["next"]})).json()
    assert [each["subject_id"] for each in page["items"]] == subjects
    again = (await ming.get("/v1/events/poll", params={"after": page["next"]})).json()
    assert again["items"] == []


async def test_polling_waits_for_something_to_happen(town: Town):
    ming = await town.as_("ming")
    after = (await ming.get("/v1/events/poll")).json()["next"]
    asked = asyncio.create_task(ming.get("/v1/events/poll", params={"after": after, "wait": 25}))
    while not town.app.state.hub._cells:
        await asyncio.sleep(0.01)
    subject = await happens(town.database, HOME)
    page = (await asked).json()
    assert [each["subject_id"] for each in page["items"]] == [subject]


async def test_many_events_come_in_pages_and_none_is_left_out(town: Town):
    ming = await town.as_("ming")
    after = (await ming.get("/v1/events/poll")).json()["next"]
    subjects = [new_id() for _ in range(450)]
    async with town.database.connection(HOUSE) as connection:
        for subject in subjects:
            await tell(connection, "alert.opened", subject=subject, reach=HOME)
    pages: list[list[str]] = []
    while not pages or pages[-1]:
        page = (await ming.get("/v1/events/poll", params={"after": after})).json()
        pages.append([each["subject_id"] for each in page["items"]])
        after = page["next"]
    assert [len(page) for page in pages] == [200, 200, 50, 0]
    assert [each for page in pages for each in page] == [str(each) for each in subjects]


@pytest.mark.parametrize(
    "said", ["abc", "1", "1:2", "1:2:3~4:5:6", "-1:2:", "9" * 5000, "1:2:x", "١:٢:", "'; DROP"]
)
async def test_what_no_event_was_ever_called_is_refused(town: Town, said: str):
    ming = await town.as_("ming")
    refused = await ming.get("/v1/events/poll", params={"after": said})
    assert assert_problem(refused, InvalidInput)["errors"][0]["pointer"] == "/query/after"
    if said.isascii():
        refused = await ming.get("/v1/events", headers={"Last-Event-ID": said})
        problem = assert_problem(refused, InvalidInput)
        assert problem["errors"][0]["pointer"].lower() == "/header/last-event-id"


@pytest.mark.parametrize("query", [{"wait": 26}, {"wait": -1}, {"wait": "long"}])
async def test_nobody_waits_longer_than_a_line_is_kept(town: Town, query: dict[str, str]):
    assert_problem(
        await (await town.as_("ming")).get("/v1/events/poll", params=query), InvalidInput
    )


async def test_whoever_comes_from_another_database_is_told_to_read_everything_anew(
    town: Town, ear_of: Listening
):
    after = "999999999999:999999999999:"
    ming = await town.as_("ming")
    page = (await ming.get("/v1/events/poll", params={"after": after})).json()
    assert page["resync"] is True
    assert page["items"] == []
    ear = await ear_of("ming")
    ear.last_id = after
    await ear.listen()
    await ear.until(lambda: bool(ear.heard))
    assert ear.heard[0].kind == "resync"
    assert ear.last_id != after
    subject = await happens(town.database, HOME)
    await ear.hears(subject)


async def test_an_ended_session_neither_listens_nor_asks(town: Town, ear_of: Listening):
    ear = await ear_of("mei")
    assert (await ear.client.post("/v1/sign-out")).status_code == 204
    assert_problem(await ear.client.get("/v1/events"), PostingChanged)
    assert_problem(await ear.client.get("/v1/events/poll"), PostingChanged)


async def test_the_service_role_can_only_add_events(town: Town):
    await happens(town.database, HOME)
    for statement in ("UPDATE events SET kind = 'x'", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(Exception, match="网格"):
            async with town.database.connection(HOUSE) as connection:
                await connection.execute(statement)
