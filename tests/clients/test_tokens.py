"""Tokens of other systems: asked for by the book, refused by the book, gone when they should be."""

import asyncio
import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
import time_machine
from sqlmodel import col, select

from api.clients.caller import ClientClaims, client_entry
from api.clients.problems import AddressRefused, ClientNotValid
from api.foundation import clock
from api.foundation.problems import NotSignedIn, TooMany
from api.foundation.records import new_id
from api.grids.models import Grid
from tests.cast import Town, assert_problem, grid_id
from tests.clients.keys import KeyPair, a_key_pair, an_rsa_key, claims_of
from tests.machines import a_client, ask_token, client_body

HEALTH = "health_codes:write"
STATUS = "status:read"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def refused(answer: httpx.Response, error: str) -> None:
    """The refusal of RFC 6749, whole: status, media type, code, never stored."""
    assert answer.json()["error"] == error, answer.text
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error_description"].isascii()
    if error == "invalid_client":
        assert answer.headers["www-authenticate"].startswith("Basic")


def from_address(town: Town, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(town.app, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def claims_in(town: Town, token: str) -> ClientClaims:
    return ClientClaims.model_validate(await town.app.state.keys.read_for_machines(token))


async def paths_seen(town: Town, token: str, address: str | None = None) -> list[str]:
    """The grids that a token opens, entered as a request from this address does."""
    entry = client_entry(await claims_in(town, token), address=address, writing=True)
    async with town.database.session(entry) as session:
        return list((await session.scalars(select(Grid.path).order_by(col(Grid.path)))).all())


async def a_token(town: Town, client: dict[str, Any]) -> str:
    answer = await ask_token(town, client)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def test_a_secret_in_the_form_gets_a_token_for_all_scopes(town: Town):
    client = await a_client(town, HEALTH, STATUS, grid="t.01.01")
    answer = await ask_token(town, client)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 900)
    assert told["scope"] == f"{HEALTH} {STATUS}"
    assert await paths_seen(town, told["access_token"]) == ["t.01.01", "t.01.01.01", "t.01.01.02"]
    claims = await claims_in(town, told["access_token"])
    assert (str(claims.client), claims.level, claims.cell) == (client["id"], 3, "451422201")
    shown = await (await town.as_("gu")).get(f"/v1/machine-clients/{client['id']}")
    assert shown.json()["credentials"][0]["used_at"] is not None


async def test_a_secret_by_http_basic_gets_a_token_for_fewer_scopes(town: Town):
    client = await a_client(town, HEALTH, STATUS)
    pair = f"{quote_plus(client['id'])}:{quote_plus(client['secret'])}"
    header = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    form = {"grant_type": "client_credentials", "scope": STATUS, "extension": "ignored"}
    answer = await town.nobody().post("/v1/oauth/token", data=form, headers=header)
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == STATUS
    more = form | {"scope": f"{STATUS} webhooks:manage"}
    refused(await town.nobody().post("/v1/oauth/token", data=more, headers=header), "invalid_scope")


async def test_what_is_asked_wrongly_is_refused_by_the_book(town: Town):
    client = await a_client(town, HEALTH)
    nobody, path = town.nobody(), "/v1/oauth/token"
    refused(await ask_token(town, client, grant_type="password"), "unsupported_grant_type")
    refused(await ask_token(town, client, grant_type=""), "invalid_request")
    refused(await ask_token(town, client, scope="everything"), "invalid_scope")
    refused(await ask_token(town, client, client_secret="x" * 4001), "invalid_request")
    refused(await nobody.post(path), "invalid_request")
    refused(await nobody.post(path, json={"grant_type": "client_credentials"}), "invalid_request")
    twice = f"grant_type=client_credentials&scope=a&scope=b&client_id={client['id']}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(await nobody.post(path, content=twice, headers=form), "invalid_request")
    pair = base64.b64encode(f"{client['id']}:{client['secret']}".encode()).decode()
    basic = {"Authorization": f"Basic {pair}"}
    both = {"grant_type": "client_credentials", "client_secret": client["secret"]}
    refused(await nobody.post(path, data=both, headers=basic), "invalid_request")
    for header in ("Basic !!!", "Basic aGFsbG8=", "Bearer abc", "Basic"):
        told = await nobody.post(
            path, data={"grant_type": "client_credentials"}, headers={"Authorization": header}
        )
        refused(told, "invalid_client")


async def test_who_is_not_proven_is_told_the_same_as_who_does_not_exist(town: Town):
    client = await a_client(town, HEALTH)
    wrong = await ask_token(town, client, client_secret="ogs_wrong")
    none = await ask_token(town, client, client_secret="")
    stranger = await ask_token(town, client, client_id=str(new_id()))
    nonsense = await ask_token(town, client, client_id="'; DROP TABLE machine_clients; --")
    for answer in (wrong, none, stranger, nonsense):
        refused(answer, "invalid_client")
        assert answer.json() == wrong.json()


async def test_guessing_is_slowed_down_from_where_it_comes_alone(town: Town):
    client = await a_client(town, HEALTH)
    form = {"grant_type": "client_credentials", "client_id": client["id"]}
    async with from_address(town, "198.51.100.4") as guesser:
        for _ in range(5):
            answer = await guesser.post("/v1/oauth/token", data=form | {"client_secret": "guess"})
            refused(answer, "invalid_client")
        right = form | {"client_secret": client["secret"]}
        blocked = await guesser.post("/v1/oauth/token", data=right)
        assert_problem(blocked, TooMany)
        assert int(blocked.headers["retry-after"]) > 0
    assert await a_token(town, client)


async def test_many_tokens_at_the_same_moment_are_no_guessing(town: Town):
    client = await a_client(town, HEALTH)
    answers = await asyncio.gather(*(ask_token(town, client) for _ in range(12)))
    assert {each.status_code for each in answers} == {200}


async def test_a_token_ends_with_its_client(town: Town):
    gu, client = await town.as_("gu"), await a_client(town, HEALTH)
    token = await a_token(town, client)
    await gu.post(f"/v1/machine-clients/{client['id']}/disable", json={"reason": "停"})
    with pytest.raises(ClientNotValid):
        await paths_seen(town, token)
    refused(await ask_token(town, client), "invalid_client")


async def test_a_client_ends_by_itself_on_its_day(town: Town):
    soon = (clock.now() + timedelta(minutes=5)).isoformat()
    client = await a_client(town, HEALTH, expires_at=soon)
    token = await a_token(town, client)
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=False):
        with pytest.raises(ClientNotValid):
            await paths_seen(town, token)
        refused(await ask_token(town, client), "invalid_client")
        listed = await (await _gu_now(town)).get(f"/v1/machine-clients/{client['id']}")
        assert listed.json()["status"] == "expired"


async def _gu_now(town: Town) -> httpx.AsyncClient:
    return town.client(await town.token_of("gu"))


async def test_a_token_does_not_outlive_its_quarter_of_an_hour(town: Town):
    token = await a_token(town, await a_client(town, HEALTH))
    with (
        time_machine.travel(clock.now() + timedelta(minutes=16), tick=False),
        pytest.raises(NotSignedIn),
    ):
        await claims_in(town, token)


async def test_a_secret_rotated_out_ends_after_the_overlap_with_its_tokens(town: Town):
    gu, client = await town.as_("gu"), await a_client(town, HEALTH)
    former = await a_token(town, client)
    path = f"/v1/machine-clients/{client['id']}/rotate"
    secret = (await gu.post(path, json={"overlap_hours": 1})).json()["secret"]
    assert await paths_seen(town, former)
    assert await a_token(town, client | {"secret": secret})
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        refused(await ask_token(town, client), "invalid_client")
        assert await a_token(town, client | {"secret": secret})
    await gu.post(path, json={"overlap_hours": 0})
    with pytest.raises(ClientNotValid):
        await paths_seen(town, former)


@pytest.mark.parametrize(
    "change", [{"scopes": [STATUS]}, {"grid_id": str(grid_id("t.01"))}], ids=["scopes", "grid"]
)
async def test_a_token_that_says_more_than_is_left_ends_at_once(town: Town, change: dict[str, Any]):
    gu, client = await town.as_("gu"), await a_client(town, HEALTH, STATUS)
    token = await a_token(town, client)
    path = f"/v1/machine-clients/{client['id']}"
    changed = await gu.patch(path, json=change, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    with pytest.raises(ClientNotValid):
        await paths_seen(town, token)
    assert await paths_seen(town, await a_token(town, client))


async def test_an_address_list_holds_at_the_token_and_at_each_call(town: Town):
    networks = ["203.0.113.0/24", "2001:db8::/32"]
    client = await a_client(town, HEALTH, allowed_addresses=networks)
    form = {
        "grant_type": "client_credentials",
        "client_id": client["id"],
        "client_secret": client["secret"],
    }
    async with from_address(town, "198.51.100.77") as outside:
        refused(await outside.post("/v1/oauth/token", data=form), "invalid_client")
        told = {"X-Forwarded-For": "203.0.113.8"}
        forged = await outside.post("/v1/oauth/token", data=form, headers=told)
        refused(forged, "invalid_client")
    async with from_address(town, "::ffff:203.0.113.9") as inside:
        answer = await inside.post("/v1/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert await paths_seen(town, token, "2001:db8::1")
    for address in ("198.51.100.77", None):
        with pytest.raises(AddressRefused):
            await paths_seen(town, token, address)


async def test_neither_token_is_taken_for_the_other(town: Town):
    token = await a_token(town, await a_client(town, HEALTH))
    assert_problem(await town.client(token).get("/v1/me"), NotSignedIn)
    with pytest.raises(NotSignedIn):
        await claims_in(town, await town.token_of("gu"))


async def test_whatever_a_token_claims_the_database_says_where(town: Town):
    claims = await claims_in(town, await a_token(town, await a_client(town, HEALTH, grid="t.01")))
    forged: list[dict[str, Any]] = [
        {"grid": grid_id("t")},
        {"session": new_id()},
        {"client": new_id()},
        {"scope": f"{HEALTH} {STATUS}"},
        {"cell": "451422202"},
    ]
    for change in forged:
        entry = client_entry(claims.model_copy(update=change), address=None, writing=False)
        with pytest.raises(ClientNotValid):
            async with town.database.session(entry):
                pass


async def _signing(town: Town, *pairs: KeyPair, **told: Any) -> dict[str, Any]:
    keys = [pair.public for pair in pairs]
    return await a_client(town, HEALTH, proof="private_key_jwt", keys=keys, **told)


async def _ask_signed(town: Town, assertion: str, **form: str) -> httpx.Response:
    told = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
        **form,
    }
    return await town.nobody().post("/v1/oauth/token", data=told)


async def test_a_signed_assertion_gets_one_token(town: Town):
    pair, second = a_key_pair(), a_key_pair("next")
    client = await _signing(town, pair, second)
    assert client["secret"] is None
    assertion = pair.sign(claims_of(client["id"]))
    answer = await _ask_signed(town, assertion)
    assert answer.status_code == 200, answer.text
    assert await paths_seen(town, answer.json()["access_token"])
    refused(await _ask_signed(town, assertion), "invalid_client")
    by_second = second.sign(claims_of(client["id"], aud=["https://else", "http://127.0.0.1:8000"]))
    assert (await _ask_signed(town, by_second, client_id=client["id"])).status_code == 200


async def test_an_assertion_sent_twice_in_the_same_moment_gets_one_token(town: Town):
    pair = a_key_pair()
    assertion = pair.sign(claims_of((await _signing(town, pair))["id"]))
    answers = await asyncio.gather(*(_ask_signed(town, assertion) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [200, 401, 401]


async def test_an_assertion_that_does_not_hold_is_refused(town: Town):
    pair = a_key_pair()
    identity = (await _signing(town, pair))["id"]
    now = int(clock.now().timestamp())
    wrong: list[dict[str, Any]] = [
        {"exp": now - 1},
        {"exp": now + 3600},
        {"exp": None},
        {"exp": 1e300},
        {"exp": "soon"},
        {"iat": now + 3600},
        {"nbf": now + 3600},
        {"aud": "https://elsewhere.example/token"},
        {"aud": None},
        {"jti": None},
        {"jti": "x" * 129},
        {"jti": ["a"]},
        {"iss": str(new_id())},
        {"sub": None},
    ]
    others = [pair.sign(claims_of(identity, **change)) for change in wrong]
    others += [
        a_key_pair().sign(claims_of(identity)),
        pair.sign(claims_of(identity), kid="unknown"),
        pair.sign(claims_of(identity), alg="none"),
        pair.sign(claims_of(identity), alg="HS256"),
        pair.sign(claims_of(identity), crit=["exp"]),
        "a.b.c",
        "abc",
    ]
    for assertion in others:
        async with from_address(town, f"192.0.2.{others.index(assertion) + 1}") as client:
            form = {"grant_type": "client_credentials", "client_id": identity}
            signed = {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}
            refused(await client.post("/v1/oauth/token", data=form | signed), "invalid_client")


async def test_an_assertion_by_another_client_or_of_another_type_is_refused(town: Town):
    pair = a_key_pair()
    signing, other = await _signing(town, pair), await a_client(town, HEALTH)
    assertion = pair.sign(claims_of(signing["id"]))
    refused(await _ask_signed(town, assertion, client_id=other["id"]), "invalid_client")
    refused(await _ask_signed(town, assertion, client_assertion_type="saml"), "invalid_request")
    about_other = pair.sign(claims_of(other["id"]))
    refused(await _ask_signed(town, about_other), "invalid_client")
    assert (await _ask_signed(town, assertion)).status_code == 200


async def test_an_rsa_key_of_fair_size_signs_too(town: Town):
    gu, key = await town.as_("gu"), an_rsa_key()
    body = client_body(HEALTH, proof="private_key_jwt", keys=[key.public])
    assert (await gu.post("/v1/machine-clients", json=body)).status_code == 201
    answer = await _ask_signed(town, key.sign(claims_of(body["id"])))
    assert answer.status_code == 200, answer.text


async def test_a_library_finds_out_how_tokens_are_had(town: Town):
    answer = await town.nobody().get("/.well-known/oauth-authorization-server")
    told = answer.json()
    assert told["token_endpoint"] == "http://127.0.0.1:8000/v1/oauth/token"
    assert told["grant_types_supported"] == ["client_credentials"]
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert HEALTH in told["scopes_supported"]
