"""What every driver is given and what it answers: a page, an address, and how far the page got."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

MOST_TITLE: Final = 120


class Reached(StrEnum):
    """How far a page got, as far as the service itself says; each but the first three is final for one attempt."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    DELIVERED = "delivered"
    READ = "read"
    REPLIED = "replied"
    FAILED = "failed"
    EXPIRED = "expired"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Page:
    """One message to one person: short, whole in itself, without a patient's data.

    ``number`` is the page's own, the same in every repetition, so that a doubled one is recognised; ``text`` may be
    cut to the service's bytes, ``short`` (ASCII, 80 characters at most) is what a pager shows. ``reply_code`` is what
    a two-way pager offers as its answer.
    """

    number: str
    short: str
    text: str
    is_urgent: bool = True
    reply_code: str | None = None

    @property
    def title(self) -> str:
        """The heading and the first alert, for a service that shows one line before all others."""
        return " ".join(" · ".join(self.text.split("\n")[:2]).split())[:MOST_TITLE]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far one attempt got. ``reason`` is a stable lower_snake word with the service's code, never a secret.

    ``ref`` lets a two-way driver be asked again; ``wait_s`` is how long the service asked to be left alone.
    """

    reached: Reached
    reason: str = ""
    ref: str | None = None
    reply: str | None = None
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class PagerSpec:
    """One channel as an administrator set it up; ``secrets`` and the URL stay out of the repr and out of logs.

    ``may_reach`` holds the networks beside the public internet that the site's settings file, not a page, opens to it.
    """

    code: str
    kind: str
    url: str = field(repr=False)
    options: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    may_reach: Sequence[str] = ()


class Pager(Protocol):
    """A driver. Built once per channel; serves one page at a time; bounded in time by itself."""

    async def send(self, address: str, page: Page) -> Outcome:
        """Send a page to an address of this channel. Never raises for what the other side did."""


@runtime_checkable
class TwoWayPager(Pager, Protocol):
    """A driver whose pages can be followed until they were read or answered."""

    async def follow(self, ref: str) -> Outcome:
        """Ask how far an earlier page got by now."""
