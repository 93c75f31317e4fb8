"""What every request passes on its way in and out, whatever it asks for."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.access.problems import SignInRefused
from api.app import create_app
from api.foundation import handlers
from api.foundation.edge import Edge
from api.foundation.fields import Input, Name
from api.foundation.problems import (
    BodyTooLarge,
    InternalError,
    InvalidInput,
    MalformedBody,
    NotAcceptable,
    NotFound,
)
from api.settings import Settings
from tests.cast import Town, assert_problem

JSON = {"Content-Type": "application/json"}
IDENTITY_NUMBER = "11010519491231002X"  # the example printed in GB 11643 itself
TEN_MEGABYTES = 10 * 1024 * 1024


class Said(Input):
    name: Name


@pytest.fixture
async def faulty() -> AsyncGenerator[httpx.AsyncClient]:
    """An edge around two routes: one that fails, quoting what it was told, and one that reads."""
    app = FastAPI()

    @app.post("/fail/{name}")
    async def fail(name: str) -> None:
        raise ValueError(name)

    @app.post("/read")
    async def read(said: Said) -> Said:
        return said

    handlers.install(app)
    app.add_middleware(Edge, body_limit=1000)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
    ) as client:
        yield client


@pytest.mark.parametrize(
    "sane",
    ["abc-1", "01a20467-9c32-773a-9e94-7b7c84919a83", "0123456789abcdef0123456789abcdef"],
)
async def test_a_sane_request_id_is_kept(town: Town, sane: str):
    answer = await town.nobody().get("/livez", headers={"X-Request-Id": sane})
    assert answer.headers["x-request-id"] == sane


@pytest.mark.parametrize("insane", [IDENTITY_NUMBER, "13800000001", "a b", "x" * 65, "é", "\\n"])
async def test_a_request_id_that_could_carry_personal_data_or_worse_is_replaced(
    town: Town, insane: str
):
    headers = {"X-Request-Id": insane.encode()}
    answer = await town.nobody().get("/livez", headers=headers)  # pyright: ignore[reportArgumentType]
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


async def test_a_fault_is_a_problem_with_the_id_that_finds_it_in_the_log(faulty: httpx.AsyncClient):
    with capture_logs() as lines:
        answer = await faulty.post(f"/fail/{IDENTITY_NUMBER}", headers={"X-Request-Id": "fault-1"})
    body = assert_problem(answer, InternalError)
    assert body["request_id"] == answer.headers["x-request-id"] == "fault-1"
    fault, request = lines
    assert fault["error"] == "builtins.ValueError"
    assert fault["trace"][-1].endswith(" fail")
    assert request["status"] == 500
    assert request["route"] == "/fail/{name}"
    assert IDENTITY_NUMBER not in str(lines)


async def test_a_body_of_ten_megabytes_is_refused(town: Town):
    answer = await town.nobody().post("/v1/sign-in", content=b" " * TEN_MEGABYTES, headers=JSON)
    assert_problem(answer, BodyTooLarge)
    assert answer.headers["x-request-id"]


async def test_a_body_of_ten_megabytes_that_hides_its_length_is_refused(town: Town):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(TEN_MEGABYTES // 65536):
            yield b" " * 65536

    answer = await town.nobody().post("/v1/sign-in", content=chunks(), headers=JSON)
    assert_problem(answer, BodyTooLarge)


async def test_a_body_just_within_the_limit_is_read(faulty: httpx.AsyncClient):
    said = b'{"name": "' + "韦".encode() + b'"}'
    assert (await faulty.post("/read", content=said.ljust(1000), headers=JSON)).status_code == 200
    assert_problem(await faulty.post("/read", content=said.ljust(1001), headers=JSON), BodyTooLarge)


@pytest.mark.parametrize(
    "malformed",
    [
        b'{"login": "\xff\xfe", "password": "x"}',
        '{"login": "周", "password": "x"}'.encode("gb18030"),
        b'{"login": ',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5_000,
    ],
)
async def test_a_body_that_is_not_utf_8_json_is_refused_as_malformed(town: Town, malformed: bytes):
    answer = await town.nobody().post("/v1/sign-in", content=malformed, headers=JSON)
    assert answer.status_code in {400, 422}
    assert_problem(answer, MalformedBody if answer.status_code == 400 else InvalidInput)


@pytest.mark.parametrize(
    "content",
    [
        b'{"\\ud800": 1, "login": "ming", "password": "x"}',
        b'{"login": "\\ud800", "password": "x"}',
        b'{"login": {"\\udfff": 1}, "password": "x"}',
    ],
)
async def test_half_a_surrogate_pair_is_refused_as_any_wrong_input(town: Town, content: bytes):
    answer = await town.nobody().post("/v1/sign-in", content=content, headers=JSON)
    assert_problem(answer, InvalidInput)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused_by_its_type(town: Town, kind: str):
    content = b'{"login": "ming", "password": "x"}'
    answer = await town.nobody().post(
        "/v1/sign-in", content=content, headers={"Content-Type": kind} if kind else {}
    )
    assert_problem(answer, NotAcceptable)


async def test_no_body_at_all_is_told_as_a_missing_one(town: Town):
    assert_problem(await town.nobody().post("/v1/sign-in"), InvalidInput)


async def test_json_with_a_charset_is_json(town: Town):
    answer = await town.nobody().post(
        "/v1/sign-in",
        content='{"login": "没有这个人", "password": "x"}'.encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert_problem(answer, SignInRefused)


async def test_an_address_that_is_not_there_is_a_problem_too(town: Town):
    assert_problem(await town.nobody().get(f"/v1/{IDENTITY_NUMBER}"), NotFound)


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield client


async def test_web_pages_of_other_origins_may_call_only_where_that_is_configured(
    town: Town, settings: Settings
):
    headers = {"Origin": "https://desk.example"}
    answer = await town.nobody().get("/livez", headers=headers)
    assert "access-control-allow-origin" not in answer.headers
    origins = settings.model_copy(update={"allowed_origins": ("https://desk.example",)})
    async with _serving(origins) as client:
        answer = await client.get("/livez", headers=headers)
        assert answer.headers["access-control-allow-origin"] == "https://desk.example"
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
        # Before these a browser asks first, and would send nothing where they are not named.
        for told in ("If-Match", "If-None-Match", "Last-Event-ID", "Authorization"):
            asking = {**headers, "Access-Control-Request-Method": "GET"}
            asking["Access-Control-Request-Headers"] = told
            assert (await client.options("/v1/my-day", headers=asking)).status_code == 200, told
        stranger = await client.get("/livez", headers={"Origin": "https://stranger.example"})
        assert "access-control-allow-origin" not in stranger.headers


async def test_what_is_told_of_people_is_kept_by_no_browser(town: Town):
    ming = await town.as_("ming")
    for answer in (await ming.get("/v1/residents"), await ming.get("/v1/residents/nobody")):
        assert answer.headers["cache-control"] == "no-store"
    day = await ming.get("/v1/my-day")
    assert day.headers["cache-control"] == "private, no-cache", "which is asked for anew by its tag"
    assert "cache-control" not in (await town.nobody().get("/docs")).headers


def test_origins_are_split_at_commas(secrets_of_the_run: tuple[str, str], monkeypatch):
    monkeypatch.setenv("ONEGRID_ALLOWED_ORIGINS", "https://a.example, https://b.example")
    sealing, lookup = map(SecretStr, secrets_of_the_run)
    settings = Settings(sealing_keys=sealing, lookup_key=lookup)
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_documentation_loads_nothing_from_elsewhere(town: Town, page: str):
    html = (await town.nobody().get(page)).text
    assert not re.search(r"""(src|href)=["'](https?:)?//""", html)
    for asset in re.findall(r"""(?:src|href)=["'](/[^"']+)""", html):
        answer = await town.nobody().get(asset)
        assert answer.status_code == 200, asset


async def test_while_the_contract_is_first_put_together_others_are_served(settings: Settings):
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        first = asyncio.create_task(client.get("/openapi.json"))
        served = 0
        while not first.done():
            assert (await client.get("/livez")).status_code == 200
            served += 1
            await asyncio.sleep(0.01)
        assert served > 20, "it takes seconds, and would have been one or two"
        assert (await first).json() == app.openapi()
        assert (await client.get("/openapi.json")).content == (await first).content


async def test_what_is_long_travels_small_to_whoever_can_read_it(town: Town):
    lin = await town.as_("lin")
    plain = await lin.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    small = await lin.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) * 5 < len(plain.content)
    assert small.json() == plain.json()
    for cannot in ("gzip;q=0", "gzip; q=0.0, br", "br, GZIP;q=0,identity"):
        told = await lin.get("/openapi.json", headers={"Accept-Encoding": cannot})
        assert "content-encoding" not in told.headers
    told = await lin.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0.5"})
    assert told.headers["content-encoding"] == "gzip"
    short = await lin.get("/v1/me", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers
