"""A transmitter of the site's own for POCSAG pagers: it is handed samples or bits and answers nothing.

On `serial:///dev/…?baud=921600`, `tcp://host:port`, or `file://` for what plays samples from a FIFO. The address is the
pager's number (RIC, cap code); a letter behind it, 1234567C, is another function than the channel's.
"""

import asyncio
import re
from typing import Final

from devices.errors import AddressRefused
from devices.links import open_byte_link
from devices.links.address import LinkAddress
from devices.options import known_options_only, one_of, whole_number
from devices.pagers import pocsag_wire as wire
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard, pinned_url
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.pager_text import MOST_CHARACTERS, pager_text

SCHEMES: Final = ("file", "memory", "serial", "tcp")
BAUDS: Final = ("512", "1200", "2400")
AHEAD_S: Final = 0.5  # what is handed over at once: a transmitter's own store may be small
INVERTED: Final = str.maketrans("01", "10")
ADDRESS: Final = re.compile(r"([0-9]{1,7})([A-D]?)")


class PocsagPager:
    """One transmitter. Nobody says that a page was received: it counts as accepted, and why no more is said."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None) -> None:
        known_options_only(spec, "baud", "form", "function", "inverted", "most_characters")
        if LinkAddress.parse(spec.url).scheme not in SCHEMES:
            raise AddressRefused("a transmitter hangs on serial:///dev/…?baud=921600, tcp://host:port or file:///path")
        self._url = spec.url
        self._baud = int(one_of(spec, "baud", "1200", *BAUDS))
        self._is_sampled = one_of(spec, "form", "samples", "samples", "bits") == "samples"
        self._is_inverted = one_of(spec, "inverted", "no", "yes", "no") == "yes"
        self._function = whole_number(spec, "function", 3, low=0, high=3)
        self._most = whole_number(spec, "most_characters", MOST_CHARACTERS, low=40, high=240)
        self._guard = guard or Guard(spec.may_reach)

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        pager = ADDRESS.fullmatch(address)
        if pager is None or not 0 < int(pager[1]) <= wire.MOST_NUMBER:
            return Outcome(Reached.FAILED, "address_malformed")
        function = "ABCD".index(pager[2]) if pager[2] else self._function
        bits = wire.page(int(pager[1]), pager_text(page, self._most), function)
        return await attempted(self._transmit(bits))

    async def _transmit(self, bits: str) -> Outcome:
        """Hand a page over as fast as it is sent, and let go of the line when the last of it is on air."""
        payload, airtime_s = self._payload(bits), len(bits) / self._baud
        at_once = int(len(payload) / airtime_s * AHEAD_S)
        async with await open_byte_link(await pinned_url(self._guard, self._url)) as link:
            began = asyncio.get_running_loop().time()
            for start in range(0, len(payload), at_once):
                await link.write(payload[start : start + at_once])
                await _sleep_until(began + start / len(payload) * airtime_s)
            await _sleep_until(began + airtime_s)
        return Outcome(Reached.ACCEPTED, "transmitter_does_not_answer")

    def _payload(self, bits: str) -> bytes:
        told = bits.translate(INVERTED) if self._is_inverted else bits
        return wire.samples(told, self._baud) if self._is_sampled else wire.octets(told)


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
