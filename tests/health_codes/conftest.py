"""A simulated province on a socket of its own, and the systems of the township that ask it."""

import asyncio
import threading
import time
from collections.abc import Generator
from typing import Any

import httpx
import pytest
import uvicorn

from api.foundation.records import new_id
from api.health_codes.shelf import Systems
from api.health_codes.simulated import CREDENTIALS, Coloured, Conduct, Simulated
from api.health_codes.simulator import simulator
from tests.cast import TOWNSHIP, Town

PRESETS = {"gate": "gate_vendor", "national": "national_style", "bus": "provincial_bus"}


class Province:
    """The simulator in a thread, on loopback, with everything that it has seen."""

    def __init__(self) -> None:
        self.known = Simulated()
        config = uvicorn.Config(
            simulator(self.known), port=0, log_level="critical", ws="none", lifespan="off"
        )
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=asyncio.run, args=(self._server.serve(),))

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> int:
        return len(self.known.seen)

    def turns(self, document: str, colour: Any) -> None:
        self.known.colour(Coloured(document=document, colour=colour))


@pytest.fixture(scope="session")
def province_of_the_run() -> Generator[Province]:
    province = Province()
    province.start()
    yield province
    province.stop()


@pytest.fixture
def province(province_of_the_run: Province) -> Province:
    """As good as new."""
    province_of_the_run.known.conduct = Conduct()
    province_of_the_run.known.people.clear()
    province_of_the_run.known.seen.clear()
    return province_of_the_run


def system_body(province: Province, dialect: str, **told: Any) -> dict[str, Any]:
    """The body of a system that is the simulator in one of its dialects."""
    said = {
        "id": str(new_id()),
        "code": f"{dialect}_{new_id().hex[-12:]}",
        "name": "模拟省平台",
        "base_url": f"{province.url}/{dialect}",
        "preset": PRESETS[dialect],
        "secrets": CREDENTIALS[dialect],
    }
    return {**said, **told}


async def a_system(
    gu: httpx.AsyncClient, province: Province, dialect: str = "gate", **limits: Any
) -> str:
    """Set up a system with these limits, and answer its code."""
    presets = (await gu.get("/v1/health-code-presets")).json()["items"]
    document = next(each["document"] for each in presets if each["code"] == PRESETS[dialect])
    document["validity_minutes"] = limits.pop("validity_minutes", 10)
    document["limits"] |= limits
    body = system_body(province, dialect, document=document)
    del body["preset"]
    response = await gu.post("/v1/health-code-systems", json=body)
    assert response.status_code == 201, response.text
    return body["code"]


@pytest.fixture
async def gu(town: Town) -> httpx.AsyncClient:
    return await town.as_("gu")


@pytest.fixture
async def systems(town: Town) -> Systems:
    """The township's systems beside the application, as background work and gates ask them."""
    return town.app.state.health_codes.of(TOWNSHIP)
