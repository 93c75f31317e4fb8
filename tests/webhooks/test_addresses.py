"""Nothing is sent where it could reach what is not public, however the address is dressed up."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

from api.webhooks.addresses import AddressNotAllowed, Fence
from api.webhooks.courier import Courier, Letter, signed
from api.webhooks.models import Failure
from tests.webhooks.receiver import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
FENCE = Fence(plain_http=True)
LOOPBACK = Fence(private=(ip_network("127.0.0.0/8"),), plain_http=True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a00:1]",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1:a00:1:0:808:808]",
        "[::10.0.0.1]",
        "[::ffff:0:10.0.0.1]",
        "[fec0::1]",
        "[5f00::1]",
        "192.88.99.1",
        "[2002:7f00:1::]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "localhost",
        "db.localhost",
        "LOCALHOST.",
        "127.0.0.1.",
        "１２７.0.0.1",
        "",
    ],
)
async def test_no_form_of_a_private_address_passes(host: str):
    with pytest.raises(AddressNotAllowed):
        FENCE.check(f"http://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "http://user:pass@hooks.example.com/",
        "http://hooks.example.com@127.0.0.1/",
        "http://hooks.example.com:25/",
        "http://hooks.example.com:99999/",
        "http://hooks.example.com/#part",
        "http://hooks.example.com\\@127.0.0.1/",
        "http://hooks.example.com/a b",
        "http://hooks.example.com/\r\nHost:%20other",
        "http://hooks..example.com/",
        "hooks.example.com/hook",
        "http://钩子.example.com/",
    ],
)
async def test_what_is_no_plain_address_is_refused(url: str):
    with pytest.raises(AddressNotAllowed):
        FENCE.check(url)


async def test_http_is_for_an_operator_to_allow():
    with pytest.raises(AddressNotAllowed):
        Fence().check("http://hooks.example.com/hook")
    FENCE.check("http://hooks.example.com/hook")
    Fence().check("https://hooks.example.com:8443/hook?of=%E6%9D%91")


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("10.20.0.0/16", "10.20.3.4", "10.21.0.1"),
        ("fd12::/16", "fd12::1", "fd13::1"),
        ("10.20.0.0/16", "::ffff:10.20.3.4", "::ffff:10.21.0.1"),
        ("10.20.0.0/16", "64:ff9b::10.20.3.4", "64:ff9b::10.21.0.1"),
        ("fec0::/16", "fec0::1", "fec1::1"),
        ("fd12::/16", "2606:4700::1111", "fec0::1"),
    ],
)
async def test_an_operator_opens_a_network_and_no_more(network: str, inside: str, outside: str):
    fence = Fence(private=(ip_network(network),))
    assert fence.lets(ip_address(inside))
    assert not fence.lets(ip_address(outside))
    assert fence.lets(ip_address("8.8.8.8"))


Answers = list[list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What the name `hooks.example.com` stands for, asked the first time, the second …"""
    answers: Answers = []
    ordinary = socket.getaddrinfo

    def told(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "hooks.example.com":
            return ordinary(host, port, *rest, **more)
        found = answers.pop(0)
        kinds = (socket.AF_INET6 if ":" in each else socket.AF_INET for each in found)
        named = zip(kinds, found, strict=True)
        return [(kind, socket.SOCK_STREAM, 6, "", (each, port)) for kind, each in named]

    monkeypatch.setattr(socket, "getaddrinfo", told)
    return answers


def _letter(url: str) -> Letter:
    return Letter("msg_1", url, b'{"type":"ping"}', [SECRET])


async def test_a_name_is_asked_once_and_no_private_address_behind_it_is_connected_to(
    receiver: Receiver, names: Answers
):
    names += [["127.0.0.1"], ["::1", "10.0.0.1"], ["::ffff:127.0.0.1"]]
    async with Courier(FENCE) as courier:
        for _ in range(3):
            answer = await courier.send(_letter(f"http://hooks.example.com:{receiver.port}/"))
            assert answer.failure is Failure.address_refused
    assert names == []
    assert receiver.heard == []


async def test_a_name_that_changes_its_mind_after_it_was_checked_changes_nothing(
    receiver: Receiver, names: Answers
):
    # Asked twice, the second answer would be connected to: nothing listens on the first.
    names += [["127.0.0.9"], ["127.0.0.1"]]
    async with Courier(LOOPBACK) as courier:
        answer = await courier.send(_letter(f"http://hooks.example.com:{receiver.port}/"))
    assert answer.failure is Failure.unreachable
    assert names == [["127.0.0.1"]]
    assert receiver.heard == []


async def test_of_several_addresses_the_allowed_one_is_taken(receiver: Receiver, names: Answers):
    names += [["10.0.0.1", "127.0.0.1"]]
    receiver.secrets.append(SECRET)
    async with Courier(LOOPBACK) as courier:
        answer = await courier.send(_letter(f"http://hooks.example.com:{receiver.port}/x?y=1"))
    assert answer.status_code == 204
    assert answer.failure is None
    [heard] = receiver.heard
    assert heard.path == "/x?y=1"
    assert heard.headers["host"] == f"hooks.example.com:{receiver.port}"


async def test_a_name_server_that_does_not_answer_holds_up_nobody_else(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    ordinary, answers = socket.getaddrinfo, threading.Event()

    def told(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "slow.example.com":
            answers.wait(30)
        return ordinary("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", told)
    slow = f"http://slow.example.com:{receiver.port}/slow"
    async with Courier(LOOPBACK) as courier:
        waiting = [asyncio.create_task(courier.send(_letter(slow))) for _ in range(100)]
        await asyncio.sleep(0.1)
        assert (await courier.send(_letter(receiver.url))).failure is None
        assert not any(each.done() for each in waiting)
        answers.set()
        assert {(await each).failure for each in waiting} == {None}
    assert len(receiver.heard) == 101


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    with Receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with Courier(LOOPBACK) as courier:
            assert (await courier.send(_letter(receiver.url))).failure is None
        assert proxy.heard == []


async def test_what_goes_wrong_has_a_name(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    async with Courier(LOOPBACK) as courier:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            closed = silent.getsockname()[1]
        refused = await courier.send(_letter(f"http://127.0.0.1:{closed}/"))
        assert refused.failure is Failure.unreachable
        unknown = await courier.send(_letter("http://nobody.invalid/"))
        assert unknown.failure is Failure.unresolved
        plain = await courier.send(_letter(f"https://127.0.0.1:{receiver.port}/"))
        assert plain.failure is Failure.insecure
        receiver.judge = lambda _: 302
        elsewhere = await courier.send(_letter(receiver.url))
        assert (elsewhere.status_code, elsewhere.failure) == (302, Failure.status)


async def test_every_secret_signs_and_the_library_of_others_verifies_each():
    other = "whsec_" + "QUJD" * 8
    letter = Letter("msg_1", "https://hooks.example.com/", '{"名":"𠮷"}'.encode(), [SECRET, other])
    headers = signed(letter, datetime.now(UTC))
    for secret in letter.secrets:
        assert Webhook(secret).verify(letter.body, headers) == {"名": "𠮷"}


@pytest.fixture
async def self_signed(tmp_path: Path) -> AsyncGenerator[int]:
    """The port of a server whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    kept = tmp_path / "server.pem"
    pem = serialization.Encoding.PEM
    kept.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kept)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_certificate_that_nobody_vouches_for_is_refused(self_signed: int):
    async with Courier(LOOPBACK) as courier:
        answer = await courier.send(_letter(f"https://127.0.0.1:{self_signed}/"))
    assert (answer.status_code, answer.failure) == (None, Failure.insecure)
