"""The file a watch is started with: which server, how long it may be silent, who is woken by which way."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Final

import msgspec

from devices.errors import DeviceError
from devices.pagers.page import Pager, PagerSpec
from devices.pagers.registry import pager_for

SHORTEST_SECRET: Final = 16
MOST_SITE: Final = 20
_OTHERS: Final = stat.S_IRGRP | stat.S_IROTH


class OrdersUnusable(Exception):
    """The file cannot be used; the message is for a person and tells no value, which may be a secret."""


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to page, as the server's channels are told."""

    code: str
    kind: str
    url: str
    options: dict[str, str] = {}
    secrets: dict[str, str] = {}
    may_reach: list[str] = []


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who is woken; ``address`` is of the channel named."""

    name: str
    channel: str
    address: str


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a watch does. The server calls ``http://THIS-PC:PORT/beat/SECRET`` every minute."""

    site: str
    secret: str
    people: list[Person]
    channels: list[Channel]
    listen: str = "0.0.0.0"  # noqa: S104  # the server is on another machine
    port: int = 8471
    silent_after_s: int = 180
    repeats_after_s: int = 1800


def read_orders(path: Path) -> Orders:
    """Read the file, or raise OrdersUnusable."""
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise OrdersUnusable(f"Others can read {path}, which holds secrets. Try: chmod 600 {path}")
        orders = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Orders)
    except OSError as error:
        raise OrdersUnusable(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise OrdersUnusable(f"{path} is not TOML.") from None
    except msgspec.ValidationError as error:
        raise OrdersUnusable(f"{path}: {error}.") from None
    _check(orders)
    return orders


def pagers_of(orders: Orders) -> dict[str, Pager]:
    """Build the driver of each channel, or raise OrdersUnusable."""
    pagers = {}
    for one in orders.channels:
        try:
            pagers[one.code] = pager_for(
                PagerSpec(one.code, one.kind, one.url, one.options, one.secrets, tuple(one.may_reach))
            )
        except DeviceError as error:
            raise OrdersUnusable(f"The channel {one.code} cannot be used: {error}.") from None
    return pagers


def _check(orders: Orders) -> None:
    known = {one.code for one in orders.channels}
    if len(orders.secret) < SHORTEST_SECRET or not orders.secret.isascii() or not orders.secret.isalnum():
        raise OrdersUnusable(f"The secret needs {SHORTEST_SECRET} letters and digits or more.")
    if not orders.site.isascii() or not 0 < len(orders.site) <= MOST_SITE:
        raise OrdersUnusable(f"The site is named by {MOST_SITE} ASCII characters at most: pagers show nothing else.")
    if not orders.people:
        raise OrdersUnusable("There is nobody to be woken.")
    if strangers := sorted({one.channel for one in orders.people} - known):
        raise OrdersUnusable(f"There is no channel {strangers[0]}.")
    if orders.silent_after_s < 60 or orders.repeats_after_s < 60:  # noqa: PLR2004  # a beat comes every minute
        raise OrdersUnusable("A server tells itself every minute: no time may be shorter than 60 seconds.")
