"""Which addresses may be sent to: public ones, and those of private networks that are allowed.

An address that is told is read as whoever connects reads it, and a name is judged by what it stands
for at the moment of connecting (`courier`): what looks harmless here may not be so there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from api.settings import Settings

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_LOWEST_FREE_PORT = 1024
_WEB_PORTS = frozenset({80, 443})
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]*[a-z][a-z0-9-]*")
_LOCALHOST = re.compile(r"(.+\.)?localhost\.?")
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64: the last four bytes are an IPv4 address that is connected to."""

_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that was ever given out to the public. Beside it lie the networks of a site
(fec0::/10), and forms that a translator on the way turns into an IPv4 address nobody checked:
::10.0.0.1, ::ffff:0:10.0.0.1, and whatever a network of one's own writes after 64:ff9b:1::/48."""

_SURROUNDINGS = (
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
)
"""Public by their numbers, and yet where clouds tell a machine its own secrets, or a relay of one's
own takes what is sent."""


class AddressNotAllowed(Exception):
    """Nothing is sent there; the message says why, in Chinese, for whoever told the address."""


@dataclass(frozen=True, slots=True)
class Fence:
    """What an operator lets events be sent to, beside public addresses by https."""

    private: Sequence[Network] = ()
    plain_http: bool = False

    def lets(self, address: Address) -> bool:
        """Whether it is public, or of a network that is allowed."""
        meant = _meant(address)
        if any(meant in network for network in self.private if network.version == meant.version):
            return True
        return _is_public(meant)

    def check(self, url: str) -> None:
        """Raise `AddressNotAllowed` for what is never sent to, whatever its name stands for."""
        parts = _split(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self.plain_http):
            raise AddressNotAllowed("接收地址须以 https:// 开头。")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise AddressNotAllowed("接收地址不能带用户名、密码或 # 片段。")
        port = parts.port
        if port is not None and port not in _WEB_PORTS and port < _LOWEST_FREE_PORT:
            raise AddressNotAllowed("接收地址的端口须为 80、443 或不小于 1024。")
        self._check_host(parts.hostname or "")

    def _check_host(self, host: str) -> None:
        try:
            address = ip_address("127.0.0.1" if _LOCALHOST.fullmatch(host) else host)
        except ValueError:
            # 127.1, 0x7f000001 and 2130706433 are no names: their last part holds no letter, or x.
            if _NAME.fullmatch(host) and not host.rpartition(".")[2].startswith("0x"):
                return
            raise AddressNotAllowed("接收地址的主机名不对。") from None
        if getattr(address, "scope_id", None) or not self.lets(address):
            raise AddressNotAllowed("不能向内部网络的地址推送。")


def fence_of(settings: Settings) -> Fence:
    """As the operator set it."""
    return Fence(settings.webhook_private_addresses, settings.webhook_plain_http)


def _split(url: str) -> SplitResult:
    if not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise AddressNotAllowed("接收地址只能含 ASCII 字符，不能含空格和反斜杠。")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise AddressNotAllowed("接收地址不对。") from None
    return parts


def _meant(address: Address) -> Address:
    """The address that is really connected to, where one stands in another."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if any(address in network for network in _SURROUNDINGS):
        return False
    if isinstance(address, IPv4Address):
        return True
    # Tunnels lead to an IPv4 address that nobody checked.
    return address in _UNICAST and (address.sixtofour or address.teredo) is None
