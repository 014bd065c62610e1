"""Whether two URLs lead to one device, whatever names they call it by."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from devices.errors import SpecRefused
from devices.links import LinkAddress

DEFAULT_PORTS: Final = {"mqtt": 1883}


def place_of(url: str) -> str:
    """Return the one name of where a URL leads: a port's real path, a broker's host and port, a reader's name.

    /dev/ttyUSB0 and its name under /dev/serial/by-id are one place; speed, user and password make no difference.
    """
    try:
        address = LinkAddress.parse(url)
    except SpecRefused:
        return url
    if not address.host and len(address.path) > 1:
        return place_of_path(address.path)
    port = address.port or DEFAULT_PORTS.get(address.scheme, 0)
    return f"{address.scheme}://{unquote(address.host)}:{port}{address.path.rstrip('/')}".casefold()


def place_of_path(path: str) -> str:
    """Return the one name of a port given by a path, or by its Windows name."""
    return os.path.realpath(path if path.startswith("/") else f"/{path}")


def places_of(urls: Iterable[str]) -> frozenset[str]:
    """Return the places of several URLs."""
    return frozenset(map(place_of, urls))


def may_read_and_write(path: str | Path) -> bool:
    """Return whether this process may open a port, without opening it."""
    return os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids)
