"""A receiver of webhooks as a third party writes one: with the public library, over real HTTP.

As a program it appends what it verified to a file before it answers, and may be killed at any time.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

Judge = Callable[["Message"], int]


@dataclass(frozen=True)
class Message:
    """What came in, as it was verified."""

    id: str
    body: dict[str, Any]
    path: str
    headers: dict[str, str]
    signed_by: tuple[str, ...]

    @property
    def type(self) -> str:
        return self.body["type"]

    @property
    def data(self) -> dict[str, Any]:
        return self.body["data"]

    @property
    def subject(self) -> str:
        return self.data["subject_id"]


def _accepts(_: Message) -> int:
    return 204


@dataclass
class Receiver:
    """Listens on this machine; `judge` says with which status a message is answered."""

    judge: Judge = _accepts
    secrets: list[str] = field(default_factory=list[str])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    heard: list[Message] = field(default_factory=list[Message])
    refused: list[str] = field(default_factory=list[str])
    port: int = 0

    def __enter__(self) -> Self:
        self._server = _listening(self, self.port)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [each.type for each in self.heard]

    def of(self, subject: str) -> list[str]:
        """The types heard of one subject, in the order in which they came."""
        return [each.type for each in self.heard if each.subject == subject]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Verify, keep and judge; what nobody signed is refused."""
        signed_by = tuple(each for each in self.secrets if _verified(each, headers, body))
        if self.secrets and not signed_by:
            self.refused.append(path)
            return 401
        message = Message(headers["webhook-id"], json.loads(body), path, headers, signed_by)
        status = self.judge(message)
        self.heard.append(message)
        return status


def _verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def _listening(receiver: Receiver, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(self.path, headers, body))
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            return

    return Server(("127.0.0.1", port), Handler)


def main() -> None:
    """Arguments: the port, the secret, the file."""
    port, secret, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    kept = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def keep(message: Message) -> int:
        line = json.dumps([message.id, message.type, message.subject, message.data.get("version")])
        os.write(kept, f"{line}\n".encode())
        return 200

    with Receiver(judge=keep, secrets=[secret], port=port):
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main()
