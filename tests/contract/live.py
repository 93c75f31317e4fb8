"""The service on a real socket with the people of the tests, for programs that are not Python's.

`python -m tests.contract.live COMMAND…` runs the command with ONEGRID_URL set, ends with its code.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.foundation import logs
from api.foundation.embedded import EmbeddedPostgres
from api.foundation.sealed import new_key
from api.settings import Settings
from tests.cast import PASSWORD, Town, build_towns


class Visitors(Town):
    """The people of the tests, who sign in and ask over the socket."""

    def __init__(self, app: FastAPI, url: str) -> None:
        super().__init__(app)
        self._url = url

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self._url, headers=headers)

    async def token_of(self, name: str) -> str:
        async with self.client() as client:
            answer = await client.post("/v1/sign-in", json={"login": name, "password": PASSWORD})
        answer.raise_for_status()
        return answer.json()["access_token"]


@contextmanager
def live_town() -> Generator[tuple[str, Visitors]]:
    """A fresh township on a free loopback port: its address, and its people."""
    logs.configure("WARNING")
    keys = f"live:{new_key()}", new_key()
    name = f"live_{secrets.token_hex(4)}"
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder), database=name, durable=False) as addresses,
    ):
        asyncio.run(build_towns(addresses, keys))
        settings = Settings.model_validate(
            {
                "database_url": addresses.service,
                "sealing_keys": keys[0],
                "lookup_key": keys[1],
                "access_token_minutes": 60,
                "health_code_hosts": "127.0.0.1",
            }
        )
        app = create_app(settings)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                while not server.started:
                    time.sleep(0.02)
                url = f"http://127.0.0.1:{port}"
                yield url, Visitors(app, url)
            finally:
                server.should_exit = True
                thread.join()


def main(command: list[str]) -> int:
    with live_town() as (url, _):
        return subprocess.run(
            command, env={**os.environ, "ONEGRID_URL": url}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
