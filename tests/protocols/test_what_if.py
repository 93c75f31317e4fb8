"""“What if” over HTTP: the plan that would apply, the clause that decides, and nothing stored."""

from typing import Any

import httpx
import pytest

from api.foundation.problems import InvalidInput, NotFound, NotSignedIn
from api.foundation.records import new_id
from api.protocols.documents import EXAMPLE
from tests.builders import a_preset_in_force
from tests.cast import Town, assert_problem

WHAT_IF = "/v1/protocols/what-if"
RETURNEE = {
    "exposure_class": "returnee",
    "risk_level": "medium",
    "arrived_on": "2022-02-09",
    "left_risk_area_on": "2022-02-08",
}


@pytest.fixture(scope="module")
async def adopted(town: Town) -> dict[str, str]:
    """The township as it stood in February 2022, with a disease of another year beside it."""
    gu = await town.as_("gu")
    days = {
        "gx_2022_0118": "2022-01-18",
        "cn_v8": "2021-05-11",
        "ebola_contacts_21d": "2014-10-01",
    }
    return {
        code: (await a_preset_in_force(gu, code, since=day))["id"] for code, day in days.items()
    }


def question(**told: Any) -> dict[str, Any]:
    return {
        "facts": RETURNEE,
        "on": "2022-02-10",
        "disease": "新型冠状病毒肺炎",
    } | told


async def ask(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    answer = await client.post(WHAT_IF, json=question(**told))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_nobody_asks_what_would_apply(town: Town):
    assert_problem(await town.nobody().post(WHAT_IF, json=question()), NotSignedIn)


async def test_a_disease_that_nothing_in_force_concerns_is_no_answer_that_all_is_well(
    town: Town,
    adopted: dict[str, str],
):
    told = await (await town.as_("ming")).post(WHAT_IF, json=question(disease="新冠"))
    refused = assert_problem(told, InvalidInput)
    assert refused["errors"][0]["pointer"] == "/body/disease"
    assert "埃博拉病毒病" in refused["detail"]


async def test_another_township_asks_by_its_own_protocols(town: Town, adopted: dict[str, str]):
    bai = await town.as_("bai")
    assert (await ask(bai))["plan"] is None
    told = await bai.post(WHAT_IF, json=question(protocol_id=adopted["cn_v8"]))
    assert_problem(told, NotFound)


async def test_a_grid_worker_sees_the_plan_its_dates_and_the_clause_that_decided(
    town: Town, adopted: dict[str, str]
):
    told = await ask(await town.as_("ming"))
    plan = told["plan"]
    assert plan["protocol"]["id"] == adopted["gx_2022_0118"]
    assert (plan["code"], plan["rule_index"]) == ("central_14_home_7", 0)
    assert "不足7天" in plan["clause"]
    assert (plan["proven"], plan["already_served"], plan["served"]) == (True, False, [])
    central, home = plan["stages"]
    assert (central["starts_on"], central["ends_on"]) == ("2022-02-10", "2022-02-23")
    assert (home["starts_on"], home["ends_on"]) == ("2022-02-24", "2022-03-02")
    assert home["rule"]["care_team_policy"] == "four_to_one"
    assert [test["on"] for test in home["tests"]] == ["2022-02-25", "2022-02-27", "2022-03-02"]
    assert home["tests"][0]["opens_at"] == "2022-02-24T16:00:00Z"
    assert home["tests"][0]["due_at"] == "2022-02-25T16:00:00Z"
    assert plan["follow_ups_on"] == [
        "2022-03-03",
        "2022-03-04",
        "2022-03-05",
        "2022-03-09",
        "2022-03-16",
    ]


async def test_every_rule_considered_says_why_it_did_not_apply(town: Town, adopted: dict[str, str]):
    told = await ask(await town.as_("ming"))
    considered = told["considered"]
    assert [each["decided"] for each in considered].count(True) == 1
    assert considered[0]["decided"]
    assert considered[1]["unmet"] == ["抵达后天数须为满7不满14，现为1。"]
    assert considered[3]["unmet"] == [
        "来源地风险等级须为低风险区、疫情所在县（区），现为中风险区。"
    ]
    assert considered[6]["protocol_id"] == adopted["cn_v8"]
    assert considered[6]["unmet"] == ["接触类别须为密切接触者，现为返（来）乡人员。"]
    unknown = await ask(await town.as_("ming"), facts={"exposure_class": "returnee"})
    assert unknown["plan"] is None
    assert not any(each["decided"] for each in unknown["considered"])
    level, days = unknown["considered"][0]["unmet"]
    assert level.endswith("现不清楚。")
    assert days == "抵达后天数须为不满7，现不清楚。"


async def test_the_national_protocol_decides_where_the_local_one_has_no_clause(
    town: Town, adopted: dict[str, str]
):
    contact = {"exposure_class": "close_contact", "last_exposure_on": "2022-02-08"}
    plan = (await ask(await town.as_("he"), facts=contact))["plan"]
    assert plan["protocol"]["id"] == adopted["cn_v8"]
    assert plan["stages"][0]["credited_days"] == 2
    served = await ask(await town.as_("he"), facts=contact, control_starts_on="2022-02-25")
    assert [stage["index"] for stage in served["plan"]["served"]] == [0]
    late = await ask(await town.as_("he"), facts=contact, control_starts_on="2022-03-25")
    assert (late["plan"]["already_served"], late["plan"]["stages"]) == (True, [])
    assert late["plan"]["follow_ups_on"] == []


async def test_on_another_day_what_was_in_force_then_decides(town: Town, adopted: dict[str, str]):
    ming = await town.as_("ming")
    before = await ask(ming, on="2022-01-17", facts=RETURNEE | {"arrived_on": "2022-01-16"})
    assert before["plan"] is None
    assert {each["protocol_id"] for each in before["considered"]} == {adopted["cn_v8"]}


async def test_where_several_diseases_have_protocols_the_disease_must_be_told(
    town: Town, adopted: dict[str, str]
):
    ming = await town.as_("ming")
    told = assert_problem(await ming.post(WHAT_IF, json=question(disease=None)), InvalidInput)
    assert told["errors"][0]["pointer"] == "/body/disease"
    contact = {"exposure_class": "close_contact", "last_exposure_on": "2022-02-08"}
    plan = (await ask(ming, facts=contact, disease="埃博拉病毒病"))["plan"]
    assert plan["protocol"]["code"] == "ebola_contacts_21d"
    assert plan["stages"][0]["ends_on"] == "2022-03-01"


async def test_a_draft_can_be_tried_before_it_binds_anybody(town: Town):
    zhou, ming = await town.as_("zhou"), await town.as_("ming")
    body = {
        "id": str(new_id()),
        "code": "to_be_tried",
        "name": "试算",
        "disease": "新型冠状病毒肺炎",
        "issuing_body": "青竹乡防控指挥部",
        "legal_basis": "拟稿",
        "source": "拟稿",
        "effective_from": "2022-07-01",
        "document": EXAMPLE,
    }
    assert (await zhou.post("/v1/protocols", json=body)).status_code == 201
    tried = await ask(ming, protocol_id=body["id"], disease=None)
    assert tried["plan"]["code"] == "home_7"
    assert tried["plan"]["stages"][0]["ends_on"] == "2022-02-14"
    changed = body | {"document": EXAMPLE | {"plans": [EXAMPLE["plans"][0] | {"name": "改"}]}}
    rewrite = {name: told for name, told in changed.items() if name not in ("id", "code")}
    path = f"/v1/protocols/{body['id']}"
    assert (await zhou.put(path, json=rewrite, headers={"If-Match": '"1"'})).status_code == 200
    again = await ask(ming, protocol_id=body["id"])
    assert again["plan"]["name"] == "改"


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"on": "9998-12-31"}, "/body/on"),
        ({"control_starts_on": "0002-01-01"}, "/body/control_starts_on"),
        ({"facts": {}}, "/body/facts/exposure_class"),
        ({"facts": RETURNEE | {"age": -1}}, "/body/facts/age"),
        ({"facts": RETURNEE | {"area_codes": ["45"]}}, "/body/facts/area_codes/0"),
        ({"facts": RETURNEE | {"name": "𠮷"}}, "/body/facts/name"),
        ({"protocol_id": "gx"}, "/body/protocol_id"),
        ({"facts": RETURNEE | {"last_exposure_on": "2122-02-10"}}, "/body/facts/last_exposure_on"),
        ({"facts": RETURNEE | {"arrived_on": "2122-02-10"}}, "/body/facts/arrived_on"),
        (
            {"facts": RETURNEE | {"left_risk_area_on": "2122-02-11"}, "on": "2122-02-10"},
            "/body/facts/left_risk_area_on",
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_a_pointer(
    town: Town, told: dict[str, Any], pointer: str
):
    ming = await town.as_("ming")
    refused = assert_problem(await ming.post(WHAT_IF, json=question(**told)), InvalidInput)
    assert pointer in [each["pointer"] for each in refused["errors"]]


async def test_asking_stores_nothing(town: Town, adopted: dict[str, str]):
    ming, zhou = await town.as_("ming"), await town.as_("zhou")
    before = (await zhou.get("/v1/audit-entries")).json(), (await zhou.get("/v1/protocols")).json()
    await ask(ming)
    assert (
        (await zhou.get("/v1/audit-entries")).json(),
        (await zhou.get("/v1/protocols")).json(),
    ) == before
