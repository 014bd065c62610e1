"""Where a channel may connect to: a name is resolved once, its addresses judged, and only those are dialled.

Whoever sets up a channel could otherwise make the server speak to itself, to the machines of its LAN, or to what a
cloud tells only its own machines. The site's settings file names the networks that are meant to be reached.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from devices.errors import AddressRefused, LinkUnavailable
from devices.links.address import LinkAddress

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

RESOLVED_WITHIN_S: Final = 5.0
MOST_ADDRESSES: Final = 4
# No setting opens these: addresses of nobody or of many, and those where clouds keep the secrets of their machines.
NEVER: Final[Sequence[Network]] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",
        "ff00::/8",
    )
)
# IPv6 addresses that stand for an IPv4 address in their last 32 bits.
_DISGUISES: Final[Sequence[IPv6Network]] = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96", "::ffff:0:0:0/96")))
_OLD_DISGUISE: Final = IPv6Network("::/96")
_SITE_LOCAL: Final = IPv6Network("fec0::/10")
_LOOPBACK: Final = IPv6Address("::1")
_UNSPECIFIED: Final = IPv6Address("::")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return what the system's resolver says. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Guard:
    """Judges the addresses of names; `may_reach` holds the networks beside the public internet."""

    def __init__(self, may_reach: Sequence[str] = (), resolve: Resolve = resolve) -> None:
        try:
            self._near: Sequence[Network] = tuple(map(ip_network, may_reach))
        except ValueError:
            raise AddressRefused("a network that may be reached is written 10.0.0.0/8") from None
        self._resolve = resolve

    async def addresses(self, host: str, port: int, *, is_plain: bool = False) -> Sequence[str]:
        """Return where a name may be dialled, at most four. Raises LinkUnavailable: one bad address condemns it.

        `is_plain` is speech without TLS, which stays within the networks named.
        """
        try:
            async with asyncio.timeout(RESOLVED_WITHIN_S):
                told = await self._resolve(host, port)
            found = [ip_address(one) for one in dict.fromkeys(told)]
        except (OSError, ValueError):  # TimeoutError is an OSError; UnicodeError of a senseless name a ValueError
            found = []
        if not found:
            raise LinkUnavailable("name_not_found")
        for address in found:
            self._refuse(meant_by(address), is_plain=is_plain)
        return [str(address) for address in found[:MOST_ADDRESSES]]

    def _refuse(self, address: Address, *, is_plain: bool) -> None:
        if any(address in network for network in NEVER):
            raise LinkUnavailable("address_not_permitted")
        if any(address in network for network in self._near):
            return
        if not address.is_global or (isinstance(address, IPv6Address) and address in _SITE_LOCAL):
            raise LinkUnavailable("address_not_permitted")
        if is_plain:
            raise LinkUnavailable("tls_missing")


def meant_by(address: Address) -> Address:
    """Return the IPv4 address an IPv6 address carries in it, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    last_32_bits = IPv4Address(int(address) & 0xFFFF_FFFF)
    if any(address in network for network in _DISGUISES):
        return last_32_bits
    if address in _OLD_DISGUISE and address not in (_LOOPBACK, _UNSPECIFIED):
        return last_32_bits
    return address if address.sixtofour is None else address.sixtofour


async def pinned_url(guard: Guard, url: str) -> str:
    """Return the URL of a line of bytes with its name judged and replaced by an address; other lines have no name."""
    address = LinkAddress.parse(url)
    if address.scheme != "tcp" or address.port is None:
        return url
    pinned = (await guard.addresses(address.host, address.port, is_plain=True))[0]
    return f"tcp://{f'[{pinned}]' if ':' in pinned else pinned}:{address.port}"
