"""Setting systems up over HTTP, rightly and wrongly, and trying them out."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.foundation.problems import (
    InvalidInput,
    NotFound,
    NotPermitted,
    NotSignedIn,
    RecordDiffers,
    VersionMismatch,
    VersionMissing,
)
from api.foundation.records import new_id
from api.health_codes.problems import HostNotAllowed, SignerNotInstalled, SystemCodeTaken
from api.health_codes.simulated import CREDENTIALS
from tests.cast import TOWNSHIP, Town, assert_problem
from tests.health_codes.conftest import Province, system_body
from tests.health_codes.people import number_of, somebody

SYSTEMS = "/v1/health-code-systems"
FIRST = {"If-Match": '"1"'}


def _pointers(body: dict[str, Any]) -> set[str]:
    return {error["pointer"] for error in body["errors"]}


async def _set_up(gu: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    response = await gu.post(SYSTEMS, json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def test_nobody_sees_or_sets_up_a_system(town: Town, province: Province):
    body = system_body(province, "gate")
    assert_problem(await town.nobody().get(SYSTEMS), NotSignedIn)
    assert_problem(await town.nobody().post(SYSTEMS, json=body), NotSignedIn)
    assert_problem(await town.nobody().get("/v1/health-code-presets"), NotSignedIn)


@pytest.mark.parametrize("name", ["lin", "ming", "he"])
async def test_only_the_township_sees_and_sets_up_systems(
    town: Town, province: Province, gu: httpx.AsyncClient, name: str
):
    code = (await _set_up(gu, system_body(province, "gate")))["code"]
    client = await town.as_(name)
    assert_problem(await client.get(SYSTEMS), NotPermitted)
    assert_problem(await client.post(SYSTEMS, json=system_body(province, "gate")), NotPermitted)
    assert_problem(await client.get(f"{SYSTEMS}/{code}"), NotPermitted)
    change = {"enabled": False}
    answer = await client.patch(f"{SYSTEMS}/{code}", json=change, headers=FIRST)
    assert_problem(answer, NotPermitted)
    assert_problem(await client.get(f"{SYSTEMS}/{code}/state"), NotPermitted)
    assert_problem(await client.post(f"{SYSTEMS}/{code}/checks", json={}), NotPermitted)


async def test_another_township_has_systems_of_its_own(
    town: Town, province: Province, gu: httpx.AsyncClient
):
    code = (await _set_up(gu, system_body(province, "gate")))["code"]
    bai = await town.as_("bai")
    assert_problem(await bai.get(f"{SYSTEMS}/{code}"), NotFound)
    listed = (await bai.get(SYSTEMS)).json()["items"]
    assert code not in {each["code"] for each in listed}
    answer = await bai.post(SYSTEMS, json=system_body(province, "gate", code=code))
    assert answer.status_code == 201


async def test_a_system_is_set_up_read_listed_and_switched_off(
    gu: httpx.AsyncClient, province: Province
):
    body = system_body(province, "national", name="自治区健康码𠮷")
    kept = await _set_up(gu, body)
    code = body["code"]
    assert kept["secrets_set"] == ["app_id", "app_secret"]
    assert kept["secrets_missing"] == []
    assert kept["document"]["signature"]["over"]["kind"] == "parts"
    again = await gu.post(SYSTEMS, json=body)
    assert (again.status_code, again.json()) == (200, kept)
    listed = (await gu.get(SYSTEMS, params={"limit": 500})).json()["items"]
    assert next(each for each in listed if each["code"] == code)["name"] == "自治区健康码𠮷"

    change = {"enabled": False, "reason": "省平台检修"}
    changed = await gu.patch(f"{SYSTEMS}/{code}", json=change, headers=FIRST)
    assert (changed.status_code, changed.json()["enabled"]) == (200, False)
    assert changed.headers["ETag"] == '"2"'
    state = (await gu.get(f"{SYSTEMS}/{code}/state")).json()
    assert (state["usable"], state["trouble"]) == (False, "switched_off")
    # A late retry of the first message is still no news.
    assert (await gu.post(SYSTEMS, json=body)).status_code == 200


async def test_secrets_are_written_and_never_read(
    gu: httpx.AsyncClient, province: Province, town: Town
):
    secret = "s3cret-that-nobody-reads"
    body = system_body(province, "gate", secrets={"app_id": "onegrid", "secret_key": secret})
    answers = [await gu.post(SYSTEMS, json=body), await gu.post(SYSTEMS, json=body)]
    address = f"{SYSTEMS}/{body['code']}"
    answers.append(await gu.get(address))
    answers.append(await gu.patch(address, json={"name": "改名"}, headers=FIRST))
    answers.append(await gu.post(f"{address}/checks", json={"document": "451422199001010012"}))
    answers.append(await gu.get("/v1/audit-entries", params={"subject_id": body["id"]}))
    assert all(secret not in answer.text for answer in answers)
    async with town.database.connection(_owner_entry()) as connection:
        rows = await connection.fetch("SELECT * FROM health_code_systems")
        revisions = await connection.fetch("SELECT body::text FROM revisions")
    assert secret not in str([dict(row) for row in rows])
    assert secret not in str([dict(row) for row in revisions])


def _owner_entry() -> Any:
    from api.foundation.database import Entry

    return Entry.for_the_house(TOWNSHIP)


async def test_one_secret_is_changed_and_another_removed_without_the_rest(
    gu: httpx.AsyncClient, province: Province
):
    body = system_body(province, "bus")
    await _set_up(gu, body)
    address = f"{SYSTEMS}/{body['code']}"
    change = {"secrets": {"app_secret": "new", "request_area": None}}
    changed = await gu.patch(address, json=change, headers=FIRST)
    assert changed.json()["secrets_set"] == ["app_key", "app_secret", "request_department"]
    assert changed.json()["secrets_missing"] == ["request_area"]
    state = (await gu.get(f"{address}/state")).json()
    assert (state["usable"], state["trouble"]) == (False, "not_set_up")


async def test_a_change_needs_the_version_it_was_made_from(
    gu: httpx.AsyncClient, province: Province
):
    body = system_body(province, "gate")
    await _set_up(gu, body)
    address = f"{SYSTEMS}/{body['code']}"
    assert_problem(await gu.patch(address, json={"name": "甲"}), VersionMissing)
    tries = [gu.patch(address, json={"name": name}, headers=FIRST) for name in ("甲", "乙")]
    statuses = sorted(each.status_code for each in await asyncio.gather(*tries))
    assert statuses == [200, 412]
    assert_problem(await gu.patch(address, json={"name": "丙"}, headers=FIRST), VersionMismatch)
    assert_problem(await gu.patch(address, json={}, headers={"If-Match": '"2"'}), InvalidInput)
    missing = f"{SYSTEMS}/nowhere"
    assert_problem(await gu.patch(missing, json={"name": "丙"}, headers=FIRST), NotFound)


async def test_the_same_id_or_code_with_something_else_is_refused(
    gu: httpx.AsyncClient, province: Province
):
    body = system_body(province, "gate")
    await _set_up(gu, body)
    other = await gu.post(SYSTEMS, json={**body, "name": "另一个"})
    assert assert_problem(other, RecordDiffers)["fields"] == ["name"]
    secrets = {**CREDENTIALS["gate"], "secret_key": "another"}
    other = await gu.post(SYSTEMS, json={**body, "secrets": secrets})
    assert assert_problem(other, RecordDiffers)["fields"] == ["secrets"]
    taken = await gu.post(SYSTEMS, json={**body, "id": str(new_id())})
    assert _pointers(assert_problem(taken, SystemCodeTaken)) == {"/body/code"}


async def test_sent_twice_in_the_same_moment_it_is_set_up_once(
    gu: httpx.AsyncClient, province: Province
):
    body = system_body(province, "gate")
    answers = await asyncio.gather(*(gu.post(SYSTEMS, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]


_ADDRESSES = [
    "ftp://jkm.example.gov.cn",
    "file:///etc/passwd",
    "jkm.example.gov.cn",
    "http://",
    "http://user:password@jkm.example.gov.cn",
    "http://jkm.example.gov.cn/?a=b",
    "http://jkm.example.gov.cn/#x",
    "http://jkm.example.gov.cn:99999/",
    "http://jkm.example.gov.cn/../../x y",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("address", _ADDRESSES)
async def test_an_address_is_http_and_nothing_else(
    gu: httpx.AsyncClient, province: Province, address: str
):
    answer = await gu.post(SYSTEMS, json=system_body(province, "gate", base_url=address))
    assert _pointers(assert_problem(answer, InvalidInput)) == {"/body/base_url"}


async def test_an_operator_may_list_the_hosts_that_are_asked(
    gu: httpx.AsyncClient, province: Province, town: Town, monkeypatch: pytest.MonkeyPatch
):
    before = system_body(province, "gate")
    await _set_up(gu, before)
    house = town.app.state.health_codes
    monkeypatch.setattr(house, "hosts", frozenset({"jkm.example.gov.cn"}))
    answer = await gu.post(SYSTEMS, json=system_body(province, "gate"))
    assert _pointers(assert_problem(answer, HostNotAllowed)) == {"/body/base_url"}
    allowed = system_body(province, "gate", base_url="https://JKM.example.gov.cn/api")
    assert (await gu.post(SYSTEMS, json=allowed)).status_code == 201
    tried = await gu.post(
        f"{SYSTEMS}/{before['code']}/checks", json={"document": number_of(somebody())}
    )
    assert (tried.json()["reason"], tried.json()["sent"]) == ("not_set_up", None)
    assert province.asked == 0


def _document(**told: Any) -> dict[str, Any]:
    return {
        "document_kinds": {"resident_identity": "1"},
        "call": {"path": "/code", "fields": {"id": "{document_number}"}},
        "reading": {"state_at": "colour", "states": {"g": "green"}},
        **told,
    }


_FAULTS: list[tuple[dict[str, Any], str]] = [
    (_document(document_kinds={}), "/document_kinds"),
    (_document(call={"path": "code", "fields": {"id": "1"}}), "/call/path"),
    (_document(call={"path": "/../x", "fields": {"id": "1"}}), "/call/path"),
    (_document(call={"path": "/x", "fields": {"id": "{nothing}"}}), "/call/fields/id/text"),
    (_document(call={"path": "/x", "fields": {"id": {"in": "{"}}}), "/call/fields/id/object/in"),
    (_document(call={"path": "/c", "fields": {}}), "/call/fields"),
    (
        _document(call={"path": "/c", "method": "GET", "body": "json", "fields": {"a": "b"}}),
        "/call",
    ),
    (_document(call={"path": "/c", "fields": {"a": "b"}, "timeout": 3}), "/call/timeout"),
    (_document(signature={"over": {"kind": "sorted"}, "algorithm": "rot13"}), "/signature"),
    (_document(signature={"over": {"kind": "magic"}, "algorithm": "md5"}), "/signature/over"),
    (_document(signature={"over": {"kind": "sorted"}, "algorithm": "sm2"}), "/signature"),
    (_document(clock={"zone": "Asia/Nowhere"}), "/clock/zone"),
    (_document(reading={"state_at": "a", "states": {}}), "/reading/states"),
    (_document(reading={"state_at": "a", "states": {"g": "purple"}}), "/reading/states/g"),
    (
        _document(reading={"state_at": "a", "states": {"g": "green"}, "errors": {"5": "green"}}),
        "/reading",
    ),
    (
        _document(reading={"state_at": "a", "states": {"g": "green"}, "errors": {"5": "x"}}),
        "/reading/errors/5/trouble",
    ),
    (
        _document(reading={"state_at": "a", "states": {"g": "red"}, "statuses": {"404": "green"}}),
        "/reading",
    ),
    (
        _document(reading={"state_at": "a", "states": {"g": "green"}, "errors": {"5": []}}),
        "/reading/errors/5",
    ),
    (_document(limits={"attempts": 0}), "/limits/attempts"),
    (_document(limits={"answer_seconds": 1e9}), "/limits/answer_seconds"),
    (_document(validity_minutes=-1), "/validity_minutes"),
]


@pytest.mark.parametrize(("document", "pointer"), _FAULTS)
async def test_a_faulty_document_is_refused_where_it_is_faulty(
    gu: httpx.AsyncClient, province: Province, document: dict[str, Any], pointer: str
):
    body = system_body(province, "gate", document=document, preset=None, secrets={})
    answer = await gu.post(SYSTEMS, json=body)
    problem = assert_problem(answer, InvalidInput)
    assert any(each.startswith(f"/body/document{pointer}") for each in _pointers(problem)), problem
    assert_problem(await gu.get(f"{SYSTEMS}/{body['code']}"), NotFound)


async def test_a_system_is_asked_by_a_preset_or_by_a_document_and_not_by_both(
    gu: httpx.AsyncClient, province: Province
):
    both = system_body(province, "gate", document=_document())
    assert_problem(await gu.post(SYSTEMS, json=both), InvalidInput)
    neither = system_body(province, "gate", preset=None)
    assert_problem(await gu.post(SYSTEMS, json=neither), InvalidInput)
    unknown = system_body(province, "gate", preset="nowhere")
    assert _pointers(assert_problem(await gu.post(SYSTEMS, json=unknown), NotFound)) == {
        "/body/preset"
    }


async def test_sm2_without_its_library_is_refused_when_it_is_set_up(
    gu: httpx.AsyncClient, province: Province, monkeypatch: pytest.MonkeyPatch
):
    signature = {"over": {"kind": "sorted"}, "algorithm": "sm2", "secret": "key"}
    body = system_body(
        province, "gate", preset=None, document=_document(signature=signature), secrets={}
    )
    monkeypatch.setitem(__import__("sys").modules, "gmssl.sm2", None)
    assert_problem(await gu.post(SYSTEMS, json=body), SignerNotInstalled)
    monkeypatch.undo()
    assert (await gu.post(SYSTEMS, json=body)).status_code == 201


async def test_the_schema_reads_what_ships_and_is_the_one_that_is_published(gu: httpx.AsyncClient):
    schema = (await gu.get(f"{SYSTEMS}/schema")).json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"call", "reading", "document_kinds"} <= set(schema["required"])
    presets = (await gu.get("/v1/health-code-presets")).json()["items"]
    algorithms = {each["document"]["signature"]["algorithm"] for each in presets}
    assert algorithms == {"sha256", "md5"}
    assert all(each["source"] for each in presets)


async def test_a_try_shows_what_was_sent_without_secrets_and_the_person(
    gu: httpx.AsyncClient, province: Province
):
    body = system_body(province, "gate", enabled=False)
    await _set_up(gu, body)
    person = somebody()
    province.turns(number_of(person), "red")
    told = {"document": number_of(person), "name": "黄秀英"}
    answer = await gu.post(f"{SYSTEMS}/{body['code']}/checks", json=told)
    assert answer.status_code == 200, answer.text
    read = answer.json()
    assert (read["state"], read["reason"], read["http_status"]) == ("red", None, 200)
    assert read["extra"]["reason"] == "密切接触者"
    fields = read["sent"]["fields"]
    assert fields["secretKey"] == fields["appId"] == fields["sign"] == "***"
    assert fields["certificate_id"] == f"451***********{number_of(person)[-4:]}"
    assert fields["name"] == "黄*"
    assert read["sent"]["url"].endswith("/gate/health/code")
    sent = json.dumps(read, ensure_ascii=False)
    assert number_of(person) not in sent
    assert "黄秀英" not in sent
    assert CREDENTIALS["gate"]["secret_key"] not in sent


async def test_a_try_of_a_system_that_does_not_answer_says_so(
    gu: httpx.AsyncClient, province: Province
):
    body = system_body(province, "gate", base_url="http://127.0.0.1:9")
    await _set_up(gu, body)
    told = {"document": number_of(somebody())}
    read = (await gu.post(f"{SYSTEMS}/{body['code']}/checks", json=told)).json()
    assert (read["state"], read["reason"]) == ("unavailable", "unreachable")
    assert read["http_status"] is None
    nothing = (await gu.post(f"{SYSTEMS}/{body['code']}/checks", json={})).json()
    assert (nothing["reason"], nothing["sent"]) == ("too_little_known", None)
    assert_problem(await gu.post(f"{SYSTEMS}/nowhere/checks", json=told), NotFound)
    assert_problem(await gu.get(f"{SYSTEMS}/nowhere/state"), NotFound)
    assert_problem(await gu.get(f"{SYSTEMS}/No-Code/state"), InvalidInput)


async def test_what_was_set_up_and_tried_is_on_record(gu: httpx.AsyncClient, province: Province):
    body = system_body(province, "gate")
    kept = await _set_up(gu, body)
    await gu.patch(f"{SYSTEMS}/{body['code']}", json={"name": "乙"}, headers=FIRST)
    await gu.post(f"{SYSTEMS}/{body['code']}/checks", json={"document": number_of(somebody())})
    entries = (await gu.get("/v1/audit-entries", params={"subject_id": kept["id"]})).json()["items"]
    actions = {entry["action"] for entry in entries}
    assert actions == {"health_codes.set_up", "health_codes.change", "health_codes.try"}
