"""The simulator as it ships: a program of its own, told over HTTP how to behave."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from api.health_codes.simulated import CREDENTIALS
from tests.health_codes.conftest import Province
from tests.health_codes.people import number_of, somebody


@pytest.fixture
def client(province: Province) -> Generator[httpx.Client]:
    with httpx.Client(base_url=province.url, trust_env=False) as client:
        yield client


def test_it_does_as_it_is_told_and_says_how_it_behaves(client: httpx.Client, province: Province):
    told = {"latency_ms": 5, "error_rate": 0.25, "outage": "cut"}
    conduct = client.post("/_control", json=told).json()
    assert {name: conduct[name] for name in told} == told
    assert client.get("/_control").json() == conduct
    assert province.known.conduct.outage == "cut"
    assert client.post("/_control/reset").status_code == 204
    assert client.get("/_control").json()["outage"] is None


@pytest.mark.parametrize(
    "told", [{"colour": "green"}, {"error_rate": 2}, {"outage": "strike"}, {"latency_ms": "x"}, []]
)
def test_what_it_does_not_understand_it_refuses(client: httpx.Client, told: object):
    before = client.get("/_control").json()
    assert client.post("/_control", json=told).status_code == 422
    assert client.get("/_control").json() == before


def test_it_colours_people_and_shows_who_asked_masked(client: httpx.Client, province: Province):
    number = number_of(somebody())
    said = {"document": number, "colour": "red"}
    assert client.post("/_control/people", json=said).status_code == 204
    assert client.post("/_control/people", json={"document": number}).status_code == 422
    asked = client.post("/gate/health/code", data={"certificate_id": number, "sign": "guessed"})
    assert asked.json()["code"] == "40101"
    (seen,) = client.get("/_control/requests").json()["items"]
    assert (seen["dialect"], seen["signature_holds"]) == ("gate", False)
    assert "*" in seen["person"]
    assert client.delete("/_control/requests").json() == {"items": []}


@pytest.mark.parametrize(
    "path",
    [
        "/gate/health/code",
        "/national/hbjkm/userHealth/validateInfo",
        "/bus/gateway/api/healthCode",
    ],
)
def test_a_request_that_is_none_of_its_dialects_is_refused(client: httpx.Client, path: str):
    assert client.post(path, data={"a": "b"}).status_code == 400


def test_it_ships_as_a_command():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sys.executable).with_name("onegrid")
    with subprocess.Popen(
        (command, "simulate", "health-codes", "--port", str(port)),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            conduct = _answer_of(f"http://127.0.0.1:{port}/_control")
            assert conduct.json()["outage"] is None
        finally:
            process.terminate()
            told, _ = process.communicate(timeout=30)
    secrets = dict(line.split("\t") for line in told.splitlines())
    assert secrets.keys() == {f"http://127.0.0.1:{port}/{each}" for each in CREDENTIALS}
    assert [json.loads(each) for each in secrets.values()] == [*CREDENTIALS.values()]


def _answer_of(address: str) -> httpx.Response:
    deadline = time.monotonic() + 60
    while True:
        try:
            return httpx.get(address, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
