"""A paging terminal that speaks TAP, on a serial line (`serial:///dev/…?baud=1200&frame=7E1`) or behind `tcp://`."""

import asyncio
from typing import Final

from devices.errors import AddressRefused, NoAnswer
from devices.links import Link, open_byte_link
from devices.links.address import LinkAddress
from devices.options import known_options_only, whole_number
from devices.pagers import tap_wire as wire
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard, pinned_url
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.pager_text import MOST_CHARACTERS, pager_text
from devices.pagers.tap_wire import Sign

SCHEMES: Final = ("memory", "serial", "tcp")
KNOCKS: Final = 5
KNOCKS_EVERY_S: Final = 1.0
ANSWER_S: Final = 8.0
TRIES: Final = 3
CHUNK: Final = 256
MOST_ID: Final = 30


class TapPager:
    """One terminal; the address is a pager's id."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None) -> None:
        known_options_only(spec, "most_characters")
        if LinkAddress.parse(spec.url).scheme not in SCHEMES:
            raise AddressRefused("a terminal hangs on serial:///dev/…?baud=1200&frame=7E1 or tcp://host:port")
        self._url = spec.url
        self._most = whole_number(spec, "most_characters", MOST_CHARACTERS, low=40, high=wire.MOST_MESSAGE_BYTES)
        self._guard = guard or Guard(spec.may_reach)

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if not address or len(address) > MOST_ID or not address.isascii() or not address.isalnum():
            return Outcome(Reached.FAILED, "address_malformed")
        return await attempted(self._send(wire.block(address, pager_text(page, self._most))))

    async def _send(self, block: bytes) -> Outcome:
        async with await open_byte_link(await pinned_url(self._guard, self._url)) as link:
            terminal = Terminal(link)
            try:
                refusal = await terminal.log_in()
            except NoAnswer:
                return Outcome(Reached.FAILED, "no_answer")  # nothing was said of a page yet
            if refusal:
                return Outcome(Reached.FAILED, refusal)
            outcome = await terminal.give(block)
            await link.write(wire.END)
            return outcome


class Terminal:
    """One call to a terminal."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._signs = wire.Signs()
        self._heard: list[Sign] = []

    async def log_in(self) -> str | None:
        """Wake it and log in; return why it would not have us. Raises NoAnswer."""
        for _ in range(KNOCKS):
            await self._link.write(wire.CR)
            if await self._next(KNOCKS_EVERY_S) is Sign.WHO:
                break
        else:
            raise NoAnswer
        for _ in range(TRIES):
            await self._link.write(wire.LOG_IN)
            while (sign := await self._next(ANSWER_S)) is not Sign.AGAIN:
                if sign is Sign.GO_AHEAD:
                    return None
                if sign is None:
                    raise NoAnswer
                if sign in {Sign.HANGS_UP, Sign.REJECTED}:
                    return f"tap_{sign}"
        return "tap_again"

    async def give(self, block: bytes) -> Outcome:
        """Give it one block, again where it was garbled on the way."""
        for _ in range(TRIES):
            await self._link.write(block)
            sign = await self._next(ANSWER_S)
            if sign is Sign.TAKEN:
                return Outcome(Reached.ACCEPTED)
            if sign is None:
                return Outcome(Reached.UNCONFIRMED, "no_answer")
            if sign is not Sign.AGAIN:
                return Outcome(Reached.FAILED, f"tap_{sign}")
        return Outcome(Reached.FAILED, "tap_again")

    async def _next(self, within_s: float) -> Sign | None:
        deadline = asyncio.get_running_loop().time() + within_s
        while not self._heard:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return None
            self._heard += self._signs.feed(await self._link.read(CHUNK, left_s))
        return self._heard.pop(0)
