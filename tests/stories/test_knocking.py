"""A village is registered, its grid worker knocks at the doors, and nobody is forgotten."""

from typing import Any

from api.foundation.problems import NotFound
from api.foundation.records import new_id
from tests.builders import household_body, synthetic_resident, visit_body
from tests.cast import grid_id, id_of
from tests.stories.phone import Phone, Story, on

HOME = "t.01.01.01"
FIRST_PASSWORD = "Chuci-mima-2022"


def _bodies() -> list[dict[str, Any]]:
    """Three doors: one with all three to stand for it, one with its grid worker only, one bare."""
    worker, member = str(id_of("ming")), str(id_of("pang"))
    people = [
        synthetic_resident(relation="head", name=name) for name in ("黄秀英", "韦大山", "𠮷野凤")
    ]
    whole, part, bare = [
        household_body(grid=HOME, residents=[each], address=f"柳村一组{number}号里屋")
        for number, each in enumerate(people, start=1)
    ]
    whole |= {"grid_worker_id": worker, "party_member_id": member}
    whole |= {"representative_id": people[0]["id"]}
    return [whole, part | {"grid_worker_id": worker}, bare]


async def test_a_village_is_registered_and_every_door_is_knocked_at_until_it_opens(story: Story):
    homes = await _the_secretary_registers_three_households(story)
    await _coverage_shows_who_lacks_which_of_the_three(story, homes)
    await _nobody_opens_and_the_level_above_sees_it(story, homes[2])
    await _the_next_day_they_refuse(story, homes[2])
    await _the_third_day_they_are_met_and_the_follow_up_is_gone(story, homes[2])
    await _the_missing_people_are_found_and_coverage_is_whole(story, homes)
    await _the_household_itself_signs_in_and_sees_its_own_door_only(story, homes)
    await _everything_is_on_record(story, homes)
    _nothing_of_a_person_was_said_in_plain(story, homes)


async def _the_secretary_registers_three_households(story: Story) -> list[dict[str, Any]]:
    homes = _bodies()
    lin = await story.phone("lin")
    outcome = await lin.send("/v1/households/batch", {"items": homes})
    assert (outcome["created"], outcome["refused"]) == (3, 0)
    again = await lin.send("/v1/households/batch", {"items": homes})
    assert (again["created"], again["unchanged"]) == (0, 3)
    return homes


async def _coverage(phone: Phone, path: str) -> tuple[int, ...]:
    """Households, with party member, with grid worker, with representative, complete, lacking."""
    rows = (await phone.get("/v1/coverage"))["grids"]
    row = next(each for each in rows if each["grid_id"] == str(grid_id(path)))
    people = ("with_party_member", "with_grid_worker", "with_representative")
    return tuple(row[name] for name in ("households", *people, "complete", "lacking"))


async def _coverage_shows_who_lacks_which_of_the_three(
    story: Story, homes: list[dict[str, Any]]
) -> None:
    whole, part, bare = [each["id"] for each in homes]
    for name, path in (("ming", HOME), ("lin", "t.01.01"), ("zhou", "t")):
        phone = await story.phone(name)
        assert await _coverage(phone, path) == (3, 1, 2, 1, 1, 2)
    lin = await story.phone("lin")
    lacking = {
        kind: {each["id"] for each in await lin.items("/v1/households", lacking=kind)}
        for kind in ("party_member", "grid_worker", "representative")
    }
    assert lacking == {
        "party_member": {part, bare},
        "grid_worker": {bare},
        "representative": {part, bare},
    }
    wei = await story.phone("wei")
    assert await wei.items("/v1/households") == []
    await wei.refused(NotFound, "GET", f"/v1/households/{whole}")


async def _follow_ups(story: Story, *names: str) -> list[list[tuple[str, str, int]]]:
    """Household, last outcome and attempts, as each of these people sees them."""
    return [
        [
            (each["household_id"], each["last_outcome"], each["attempts"])
            for each in await (await story.phone(name)).items("/v1/follow-ups")
        ]
        for name in names
    ]


async def _nobody_opens_and_the_level_above_sees_it(story: Story, home: dict[str, Any]) -> None:
    story.move_to(0, 10)
    ming = await story.phone("ming")
    await ming.send("/v1/visits", visit_body(home, outcome="absent"))
    seen = [(home["id"], "absent", 1)]
    for told in await _follow_ups(story, "ming", "lin", "li", "zhou"):
        assert told == seen
    assert await _follow_ups(story, "mei", "wei") == [[], []]
    zhou = await story.phone("zhou")
    [counted] = await zhou.items("/v1/follow-ups/counts")
    assert (counted["grid_name"], counted["absent"], counted["refused"]) == ("柳村一组", 1, 0)


async def _the_next_day_they_refuse(story: Story, home: dict[str, Any]) -> None:
    story.move_to(1, 10)
    ming = await story.phone("ming")
    said = "隔着门说')； DROP TABLE visits; -- 不见"
    kept = await ming.send("/v1/visits", visit_body(home, outcome="refused", findings=said))
    assert kept["findings"] == said
    assert await _follow_ups(story, "ming", "lin") == [[(home["id"], "refused", 2)]] * 2


async def _the_third_day_they_are_met_and_the_follow_up_is_gone(
    story: Story, home: dict[str, Any]
) -> None:
    story.move_to(2, 19)
    ming = await story.phone("ming")
    needs = {"outcome": "met", "needs": ["medicine"], "purposes": ["screening", "care"]}
    await ming.send("/v1/visits", visit_body(home, **needs))
    assert await _follow_ups(story, "ming", "lin", "zhou") == [[], [], []]
    lin = await story.phone("lin")
    visits = await lin.items("/v1/visits", household_id=home["id"])
    assert [each["outcome"] for each in visits] == ["met", "refused", "absent"]
    assert {each["performed_by"] for each in visits} == {str(id_of("ming"))}


async def _the_missing_people_are_found_and_coverage_is_whole(
    story: Story, homes: list[dict[str, Any]]
) -> None:
    lin = await story.phone("lin")
    _, part, bare = homes
    both = {"household_ids": [part["id"], bare["id"]]}
    for kind, name in (("party_member", "pang"), ("grid_worker", "ming")):
        person = {"kind": kind, "worker_id": str(id_of(name))}
        outcome = await lin.send("/v1/bonds/batch", both | person)
        assert outcome["refused"] == 0
    for home in (part, bare):
        person = {"resident_id": home["residents"][0]["id"]}
        await lin.send(f"/v1/households/{home['id']}/bonds/representative", person, "PUT")
    assert await _coverage(await story.phone("zhou"), "t") == (3, 3, 3, 3, 3, 0)


async def _the_household_itself_signs_in_and_sees_its_own_door_only(
    story: Story, homes: list[dict[str, Any]]
) -> None:
    lin, (home, next_door, _) = await story.phone("lin"), homes
    worker, grid = str(new_id()), str(grid_id(HOME))
    person = {"name": "黄秀英", "resident_id": home["residents"][0]["id"]}
    await lin.send("/v1/workers", {"id": worker, "grid_id": grid, **person})
    post = {"id": str(new_id()), "worker_id": worker, "grid_id": grid}
    post |= {"role": "household_representative", "household_id": home["id"]}
    await lin.send("/v1/posts", post)
    account = {"name": "huangxiuying", "initial_password": FIRST_PASSWORD}
    await lin.send(f"/v1/workers/{worker}/account", account)
    own = await story.phone("huangxiuying", FIRST_PASSWORD)
    assert [each["id"] for each in await own.items("/v1/households")] == [home["id"]]
    assert not (await own.get("/v1/me"))["must_change_password"]
    await own.refused(NotFound, "GET", f"/v1/households/{next_door['id']}")


async def _everything_is_on_record(story: Story, homes: list[dict[str, Any]]) -> None:
    zhou = await story.phone("zhou")
    entries = await zhou.items("/v1/audit-entries", limit=500)
    assert {each["action"] for each in entries} >= {
        "households.register-many",
        "visits.record",
        "bonds.assign-many",
        "workers.register",
        "posts.appoint",
        "accounts.open",
    }
    yesterday = await zhou.items("/v1/audit-entries", day=str(on(1)))
    assert [(each["action"], each["worker_id"]) for each in yesterday] == [
        ("visits.record", str(id_of("ming")))
    ]


def _nothing_of_a_person_was_said_in_plain(story: Story, homes: list[dict[str, Any]]) -> None:
    people = [person for home in homes for person in home["residents"]]
    hidden = [home["address"] for home in homes]
    hidden += [person[name] for person in people for name in ("phone", "document")]
    for said in story.heard:
        assert not [each for each in hidden if each in said], said
