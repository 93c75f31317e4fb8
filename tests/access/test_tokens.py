"""Access tokens: everything that is not one of ours, tried at the door."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jwt
from sqlmodel import select
from time_machine import travel

from api.access.models import SigningKey
from api.foundation import clock
from api.foundation.database import Entry, keyring_of
from api.foundation.problems import NotSignedIn
from tests.cast import Town, assert_problem


async def _true_key(town: Town) -> tuple[dict[str, Any], dict[str, Any]]:
    async with town.database.session(Entry.outside()) as session:
        row = (await session.scalars(select(SigningKey))).one()
        private = keyring_of(session).open(row.private_sealed, context="signing_keys.private")
    return orjson.loads(private), row.public_jwk


async def _claims(town: Town) -> dict[str, Any]:
    return jwt.get_unverified_claims(await town.token_of("ming"))


def _signed(claims: dict[str, Any], key: dict[str, Any], **headers: Any) -> str:
    constructed = jwk.construct(key, "ES256")
    return jwt.encode(
        claims, constructed, algorithm="ES256", headers={"kid": key["kid"], **headers}
    )


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def _ask(town: Town, *headers: tuple[str, str | bytes]) -> httpx.Response:
    async with town.client() as client:
        return await client.get("/v1/me", headers=[*headers])  # pyright: ignore[reportArgumentType]


async def _refused(town: Town, token: str) -> None:
    assert_problem(await _ask(town, ("Authorization", f"Bearer {token}")), NotSignedIn)


async def test_a_genuine_token_opens_the_door(town: Town):
    private, _ = await _true_key(town)
    token = _signed(await _claims(town), private)
    assert (await _ask(town, ("Authorization", f"Bearer {token}"))).status_code == 200


async def test_a_token_signed_with_another_key_of_the_same_name_is_refused(town: Town):
    _, public = await _true_key(town)
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    forged = {
        **public,
        **{
            name: base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
            for name, number in (
                ("x", numbers.public_numbers.x),
                ("y", numbers.public_numbers.y),
                ("d", numbers.private_value),
            )
        },
    }
    await _refused(town, _signed(await _claims(town), forged))
    await _refused(town, _signed(await _claims(town), forged, jwk=public))


async def test_a_token_without_a_signature_is_refused(town: Town):
    claims, (_, public) = await _claims(town), await _true_key(town)
    for algorithm in ("none", "None", "NONE", "", None):
        head = _part({"alg": algorithm, "typ": "JWT", "kid": public["kid"]})
        await _refused(town, f"{head}.{_part(claims)}.")
        await _refused(town, f"{head}.{_part(claims)}")


async def test_the_public_key_does_not_serve_as_a_shared_secret(town: Town):
    claims, (_, public) = await _claims(town), await _true_key(town)
    key = jwk.construct(public, "ES256")
    pem = key.to_pem() if isinstance(key.to_pem(), bytes) else str(key.to_pem()).encode()
    for secret in (pem, pem.strip(), orjson.dumps(public)):
        constructed = jwk.construct(secret.hex(), "HS256")
        constructed.prepared_key = secret  # pyright: ignore[reportAttributeAccessIssue]
        for algorithm in ("HS256", "ES256"):
            head = _part({"alg": algorithm, "typ": "JWT", "kid": public["kid"]})
            said = f"{head}.{_part(claims)}"
            mac = base64.urlsafe_b64encode(constructed.sign(said.encode())).decode().rstrip("=")
            await _refused(town, f"{said}.{mac}")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "somebody-else"},
        {"aud": ["somebody-else"]},
        {"iss": "https://example.com"},
        {"cell": "public"},
        {"cell": "451422201; DROP SCHEMA public"},
        {"role": "emperor"},
        {"level": 0},
        {"sid": "not an id"},
        {"exp": 1},
    ],
)
async def test_a_claim_that_is_not_meant_for_this_door_is_refused(
    town: Town, changed: dict[str, Any]
):
    private, _ = await _true_key(town)
    await _refused(town, _signed({**await _claims(town), **changed}, private))


@pytest.mark.parametrize(
    "missing",
    ["sub", "sid", "cell", "post", "grid", "level", "role", "iat", "exp", "jti", "iss", "aud"],
)
async def test_a_token_that_lacks_a_claim_is_refused(town: Town, missing: str):
    private, _ = await _true_key(town)
    claims = await _claims(town)
    del claims[missing]
    await _refused(town, _signed(claims, private))


async def test_a_token_that_names_no_known_key_is_refused(town: Town):
    private, _ = await _true_key(town)
    claims = await _claims(town)
    for kid in ("", "unknown", None, 7, ["a"], "' OR 1=1 --", "../../etc/passwd"):
        await _refused(town, _signed(claims, {**private, "kid": kid}))
    constructed = jwk.construct(private, "ES256")
    await _refused(town, jwt.encode(claims, constructed, algorithm="ES256"))


async def test_an_altered_token_is_refused(town: Town):
    head, _, mac = (await town.token_of("ming")).split(".")
    claims = await _claims(town)
    await _refused(town, f"{head}.{_part({**claims, 'role': 'administrator'})}.{mac}")
    await _refused(town, f"{head}.{_part(claims)}.{mac[:-4]}AAAA")


async def test_an_expired_token_is_refused_to_the_second(town: Town):
    with travel(clock.now().replace(microsecond=0), tick=False) as time:
        token = await town.token_of("ming")
        time.shift(timedelta(minutes=15) - timedelta(seconds=1))
        assert (await _ask(town, ("Authorization", f"Bearer {token}"))).status_code == 200
        time.shift(1)
        await _refused(town, token)


@pytest.mark.parametrize(
    "token", ["x", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30", "W10.W10.W10", "汉.字.串"]
)
async def test_what_is_no_token_at_all_is_refused(town: Town, token: str):
    assert_problem(await _ask(town, ("Authorization", f"Bearer {token}".encode())), NotSignedIn)


async def test_a_huge_token_is_refused_before_it_is_read(town: Town):
    head = _part({"alg": "ES256", "kid": "x" * 1_000_000})
    await _refused(town, f"{head}.{_part({})}.{'A' * 1_000_000}")


async def test_only_one_bearer_header_is_read(town: Town):
    token = await town.token_of("ming")
    for scheme in ("Basic ", "Token ", "", "Bearer", "Bearer: ", "Bearer  "):
        assert_problem(await _ask(town, ("Authorization", f"{scheme}{token}")), NotSignedIn)
    twice = ("Authorization", f"Bearer {token}")
    assert_problem(await _ask(town, twice, twice), NotSignedIn)
    assert_problem(await _ask(town), NotSignedIn)
    assert (await _ask(town, ("authorization", f"bearer {token}"))).status_code == 200


async def test_a_token_in_the_query_or_a_cookie_is_not_looked_at(town: Town):
    token = await town.token_of("ming")
    async with town.client() as client:
        assert_problem(await client.get(f"/v1/me?access_token={token}"), NotSignedIn)
        cookie = {"Cookie": f"access_token={token}"}
        assert_problem(await client.get("/v1/me", headers=cookie), NotSignedIn)
