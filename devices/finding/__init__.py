"""What is plugged in here and not yet set up: each finder looks its own way and asks nothing of a device in use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """A device somebody may confirm: what it is, how it is opened, and what the system calls it.

    `kind` is UNKNOWN where nothing tells it. `identity` stays the same on whatever port it hangs (a SAM id, a serial
    number), or is empty where nothing does. `trouble` is the code of why it could not be opened, the reason of a
    LinkUnavailable. The URL may hold a broker's password, so it stays out of the repr.
    """

    kind: str
    url: str = field(repr=False)
    label: str
    identity: str = ""
    is_simulated: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


__all__ = ["UNKNOWN", "Found"]
