"""The receiver that the integrators' guide shows is the one that works."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from standardwebhooks import Webhook

GUIDE = Path("openapi/integration-guide.md")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
BODY = '{"type": "ping", "data": {}}'


def shown(name: str) -> str:
    """The program of that name in the guide."""
    blocks = re.findall(r"```\w+\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    (found,) = (each for each in blocks if name in each.splitlines()[0])
    return found


@pytest.fixture
def receiver() -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with closing(create_server(("127.0.0.1", 0))) as free:
        port: int = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", shown("receiver.py")],
        env={**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        yield f"http://127.0.0.1:{port}/onegrid", running
        running.terminate()


def delivered(url: str, body: str, *, signed_for: str) -> int:
    at = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", at, signed_for),
    }
    request = Request(url, body.encode(), headers)
    while True:
        try:
            with urlopen(request) as answer:
                return answer.status
        except HTTPError as refused:
            refused.close()
            return refused.code
        except URLError:
            time.sleep(0.05)  # it is still starting


def test_the_receiver_of_the_guide_takes_what_is_signed_once_and_refuses_what_was_altered(receiver):
    url, running = receiver
    assert delivered(url, BODY, signed_for=BODY) == 204
    assert delivered(url, BODY.replace("ping", "pong"), signed_for=BODY) == 400
    assert delivered(url, BODY, signed_for=BODY) == 204
    running.terminate()
    assert running.communicate()[0].splitlines() == ["{'type': 'ping', 'data': {}}"]
