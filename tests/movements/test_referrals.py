"""To a hospital and back, or not back: whereabouts and quarantine follow (M3.4, domain 3.7)."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from api.foundation import clock
from api.foundation.field_records import RecordedInTheFuture
from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    OutsideYourGrid,
    RecordDiffers,
)
from api.foundation.records import new_id
from api.movements.problems import ReferralUnderWay
from api.quarantines.problems import QuarantineEnded
from tests.builders import FOUR, a_quarantine
from tests.cast import Town, assert_problem


def referral_body(**told: Any) -> dict[str, Any]:
    """The body of a referral to the county hospital just now."""
    return {
        "id": str(new_id()),
        "hospital": "县人民医院发热门诊",
        "reason": "体温38.2℃，𠮷祥干咳",
        **told,
    }


async def _referred(client: httpx.AsyncClient, quarantine: dict[str, Any], **told: Any) -> str:
    body = referral_body(**told)
    path = f"/v1/quarantines/{quarantine['id']}/hospital-referrals"
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return f"/v1/hospital-referrals/{body['id']}"


async def _now(town: Town, quarantine: dict[str, Any]) -> dict[str, Any]:
    return (await (await town.as_("lin")).get(f"/v1/quarantines/{quarantine['id']}")).json()


async def test_nobody_and_no_neighbour_refers_or_reads(town: Town):
    lin, mei = await town.as_("lin"), await town.as_("mei")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}/hospital-referrals"
    assert_problem(await town.nobody().post(path, json=referral_body()), NotSignedIn)
    assert_problem(await mei.post(path, json=referral_body()), NotFound)
    one = await _referred(lin, kept)
    assert_problem(await mei.get(one), NotFound)
    assert_problem(await mei.post(f"{one}/return", json={"outcome": "returned"}), NotFound)
    assert (await mei.get("/v1/hospital-referrals")).json()["items"] == []
    assert (await (await town.as_("zhou")).get(one)).json()["reason"] == "体温38.2℃，𠮷祥干咳"


async def test_to_the_hospital_and_back_by_the_one_on_duty_from_elsewhere(town: Town):
    lin, he = await town.as_("lin"), await town.as_("he")
    kept = await a_quarantine(lin, team=FOUR)
    one = await _referred(he, kept, escort="何医生")
    assert (await _now(town, kept))["whereabouts"]["kind"] == "in_hospital"
    mine = (await he.get("/v1/hospital-referrals", params={"under_way": "true"})).json()["items"]
    assert [each["quarantine_id"] for each in mine] == [kept["id"]]
    again = f"/v1/quarantines/{kept['id']}/hospital-referrals"
    assert_problem(await lin.post(again, json=referral_body()), ReferralUnderWay)
    back = {"outcome": "returned", "finding": "核酸阴性"}
    ended = await he.post(f"{one}/return", json=back)
    assert ended.status_code == 200, ended.text
    assert (await he.post(f"{one}/return", json=back)).json() == ended.json()
    assert ended.json()["finding"] == "核酸阴性"
    differs = await he.post(f"{one}/return", json=back | {"finding": "阳性"})
    assert assert_problem(differs, RecordDiffers)["fields"] == ["finding"]
    assert (await _now(town, kept))["whereabouts"]["kind"] == "at_home"
    assert (await _now(town, kept))["status"] == "active"
    ending = {"ended_on": str(clock.today()), "end_reason": "moved_away", "note": "回原籍"}
    assert (await lin.post(f"/v1/quarantines/{kept['id']}/terminate", json=ending)).is_success


async def test_who_is_admitted_is_quarantined_no_more_and_only_who_leads_says_so(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    wei = await town.as_("wei")
    kept = await a_quarantine(lin, team=("wei", "pang", "ba", "mei"))
    one = await _referred(ming, kept)
    sick = {"outcome": "confirmed", "finding": "核酸阳性"}
    assert_problem(await ming.post(f"{one}/return", json=sick), NotPermitted)
    assert_problem(await wei.post(f"{one}/return", json=sick), OutsideYourGrid)
    assert (await _now(town, kept))["status"] == "active"
    answers = await asyncio.gather(*(lin.post(f"{one}/return", json=sick) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    after = await _now(town, kept)
    assert (after["status"], after["end_reason"]) == ("terminated", "hospitalised")
    path = f"/v1/quarantines/{kept['id']}/hospital-referrals"
    assert_problem(await lin.post(path, json=referral_body()), QuarantineEnded)


async def test_a_referral_sent_twice_at_the_same_moment_is_one(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept = await a_quarantine(lin)
    path, body = f"/v1/quarantines/{kept['id']}/hospital-referrals", referral_body()
    sent = await asyncio.gather(*(client.post(path, json=body) for client in (lin, ming, lin)))
    assert sorted(answer.status_code for answer in sent) == [200, 200, 201]
    differs = await ming.post(path, json=body | {"hospital": "乡卫生院", "reason": "别的"})
    assert set(assert_problem(differs, RecordDiffers)["fields"]) == {"hospital", "reason"}


async def test_a_referral_names_only_an_alert_of_the_same_person(town: Town):
    lin, ming = await town.as_("lin"), await town.as_("ming")
    kept, other = await a_quarantine(lin), await a_quarantine(lin)
    reading = {"id": str(new_id()), "quarantine_id": kept["id"], "value_c": 38.2}
    assert (await ming.post("/v1/readings", json=reading)).status_code == 201
    alerts = await lin.get("/v1/alerts", params={"quarantine_id": kept["id"]})
    alert = alerts.json()["items"][0]["id"]
    for quarantine, named in ((other, alert), (kept, str(new_id()))):
        path = f"/v1/quarantines/{quarantine['id']}/hospital-referrals"
        refused = await ming.post(path, json=referral_body(alert_id=named))
        assert assert_problem(refused, NotFound)["errors"][0]["pointer"] == "/body/alert_id"
        assert (await _now(town, quarantine))["whereabouts"]["kind"] == "at_home"
    await _referred(ming, kept, alert_id=alert)


async def test_nobody_leaves_in_the_future_or_is_back_before_leaving(town: Town):
    lin = await town.as_("lin")
    kept = await a_quarantine(lin)
    path = f"/v1/quarantines/{kept['id']}/hospital-referrals"
    later = (clock.now() + timedelta(hours=1)).isoformat()
    refused = await lin.post(path, json=referral_body(left_at=later))
    assert assert_problem(refused, RecordedInTheFuture)["errors"][0]["pointer"] == "/body/left_at"
    one = await _referred(lin, kept)
    before = (clock.now() - timedelta(hours=1)).isoformat()
    for at, problem in ((later, RecordedInTheFuture), (before, InvalidInput)):
        said = {"outcome": "returned", "ended_at": at}
        early = assert_problem(await lin.post(f"{one}/return", json=said), problem)
        assert early["errors"][0]["pointer"] == "/body/ended_at"
