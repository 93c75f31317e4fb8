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

import uvicorn

from api.app import create_app
from api.foundation import logs
from api.foundation.embedded import EmbeddedPostgres
from api.foundation.sealed import new_key
from api.settings import Settings
from tests.cast import Town, build_towns


@contextmanager
def live_town() -> Generator[tuple[str, Town]]:
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
                yield f"http://127.0.0.1:{port}", Town(app)
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
