"""Links, opened by URL. A new transport is one line in one of the three tables."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from devices.errors import AddressRefused
from devices.links.address import LinkAddress, public_url
from devices.links.file import open_file, wait_for_file
from devices.links.keyboard import open_keyboard, wait_for_keyboard
from devices.links.memory import MemoryPort, open_memory
from devices.links.memory_broker import MemoryBroker, open_memory_messages
from devices.links.memory_cards import open_memory_cards
from devices.links.mqtt import open_mqtt
from devices.links.pcsc import open_pcsc, wait_for_reader
from devices.links.port import Card, CardLink, Link, Message, MessageLink, Subscription
from devices.links.presence import wait_for_another
from devices.links.serial_line import open_serial, wait_for_port
from devices.links.tcp import open_tcp

BYTE_LINKS: Final[Mapping[str, Callable[[LinkAddress], Awaitable[Link]]]] = MappingProxyType(
    {"evdev": open_keyboard, "file": open_file, "memory": open_memory, "serial": open_serial, "tcp": open_tcp}
)
MESSAGE_LINKS: Final[Mapping[str, Callable[[LinkAddress, Subscription], Awaitable[MessageLink]]]] = MappingProxyType(
    {"memory": open_memory_messages, "mqtt": open_mqtt}
)
CARD_LINKS: Final[Mapping[str, Callable[[LinkAddress], Awaitable[CardLink]]]] = MappingProxyType(
    {"memory": open_memory_cards, "pcsc": open_pcsc}
)


async def wait_for_memory(address: LinkAddress) -> None:
    """Return once a port or a broker of this process has come back."""
    name = address.host
    await wait_for_another(lambda: MemoryPort.stamp(name) or MemoryBroker.stamp(name))


PORT_WATCHES: Final[Mapping[str, Callable[[LinkAddress], Awaitable[None]]]] = MappingProxyType(
    {
        "evdev": wait_for_keyboard,
        "file": wait_for_file,
        "memory": wait_for_memory,
        "pcsc": wait_for_reader,
        "serial": wait_for_port,
    }
)


async def open_byte_link(url: str) -> Link:
    """Open a line of bytes. Raises LinkUnavailable, or SpecRefused for a URL that can never work."""
    address = LinkAddress.parse(url)
    return await BYTE_LINKS[_known(address.scheme, BYTE_LINKS)](address)


async def open_message_link(url: str, subscription: Subscription) -> MessageLink:
    """Open a subscription. Raises LinkUnavailable, or SpecRefused for a URL that can never work."""
    address = LinkAddress.parse(url)
    return await MESSAGE_LINKS[_known(address.scheme, MESSAGE_LINKS)](address, subscription)


async def open_card_link(url: str) -> CardLink:
    """Open a chip card reader. Raises LinkUnavailable, or SpecRefused for a URL that can never work."""
    address = LinkAddress.parse(url)
    return await CARD_LINKS[_known(address.scheme, CARD_LINKS)](address)


async def wait_until_present(url: str) -> None:
    """Return when the port named by a URL appears; a link whose other end cannot be watched waits for ever."""
    address = LinkAddress.parse(url)
    watch = PORT_WATCHES.get(address.scheme)
    if watch is None:
        await asyncio.Event().wait()
    else:
        await watch(address)


def _known(scheme: str, table: Mapping[str, object]) -> str:
    if scheme not in table:
        raise AddressRefused(f"unknown scheme {scheme!r}, expected one of {', '.join(sorted(table))}")
    return scheme


__all__ = [
    "Card",
    "CardLink",
    "Link",
    "LinkAddress",
    "Message",
    "MessageLink",
    "Subscription",
    "open_byte_link",
    "open_card_link",
    "open_message_link",
    "public_url",
    "wait_until_present",
]
