"""An operation is found by the beginning of its path, whatever stands beside it."""

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute

from api.foundation.directory import Directory, refuse_unknown_filters


async def _admit(request: Request) -> None:
    if "stranger" in request.headers:
        raise HTTPException(401)
    refuse_unknown_filters(request.scope)


router = APIRouter(dependencies=[Depends(_admit)])


@router.get("/v1/homes")
@router.post("/v1/homes")
@router.get("/v1/homes/near")
@router.get("/v1/homes/{name}")
@router.get("/v1/homesteads")
@router.get("/fhir/metadata")
@router.get("/fhir/{kind}")
@router.get("/fhir/{kind}/{name}")
@router.get("/livez")
async def tell() -> str:
    return "here"


@router.get("/v1/rooms")
async def tell_some(near: str | None = None) -> str | None:
    return near


@pytest.fixture(scope="module")
def client() -> httpx.AsyncClient:
    app = FastAPI()
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    app.router.routes.insert(0, Directory(routes))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/homes", "/v1/homes/near", "/v1/homes/green", "/v1/homesteads"),
        *("/fhir/metadata", "/fhir/Patient", "/fhir/Patient/1", "/livez"),
    ],
)
async def test_it_is_found(client: httpx.AsyncClient, path: str):
    assert (await client.get(path)).json() == "here"


@pytest.mark.parametrize("path", ["/v1", "/v1/home", "/v1/homes/1/2", "/v2/homes", "/fhir", "//"])
async def test_what_is_nowhere_is_not_found(client: httpx.AsyncClient, path: str):
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(("path", "allowed"), [("/v1/homes", "GET, POST"), ("/livez", "GET")])
async def test_another_method_is_not_allowed(client: httpx.AsyncClient, path: str, allowed: str):
    refused = await client.delete(path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)


async def test_a_filter_that_is_not_known_is_refused_and_not_passed_over(client: httpx.AsyncClient):
    assert (await client.get("/v1/rooms", params={"near": "绿"})).json() == "绿"
    query = {"near": "绿", "nere": "1"}
    refused = await client.get("/v1/rooms", params=query)
    assert refused.status_code == 422
    assert [each["loc"] for each in refused.json()["detail"]] == [["query", "nere"]]
    refused = await client.get("/v1/homes", params={"near": "绿"})
    assert refused.status_code == 422
    stranger = await client.get("/v1/rooms", params=query, headers={"stranger": "yes"})
    assert stranger.status_code == 401
    for said in (client.post("/v1/homes", params={"_": "1"}), client.get("/livez?_=1")):
        assert (await said).json() == "here"
