"""A siren behind a relay on a line of bytes; the bytes of the usual one-channel USB relay unless others are given."""

import asyncio
from typing import Final

from devices.errors import AddressRefused, NoAnswer, OptionRefused
from devices.links import Link, open_byte_link
from devices.links.address import LinkAddress
from devices.options import HasOptions, known_options_only, whole_number
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard, pinned_url
from devices.pagers.page import Outcome, Page, PagerSpec, Reached

ON: Final = "a00101a2"
OFF: Final = "a00100a1"
SOUNDS_S: Final = 10
ANSWER_S: Final = 2.0
MOST_ANSWER_BYTES: Final = 256
SCHEMES: Final = ("memory", "serial", "tcp")


class Siren:
    """One siren; the address is not used. It sounds for some seconds, and is switched off whatever happens."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None) -> None:
        known_options_only(spec, "on", "off", "answer", "sounds_s")
        if LinkAddress.parse(spec.url).scheme not in SCHEMES:
            raise AddressRefused("a siren hangs on serial:///dev/…?baud=9600 or tcp://host:port")
        self._url = spec.url
        self._on, self._off = _bytes(spec, "on", ON), _bytes(spec, "off", OFF)
        self._answer = _bytes(spec, "answer", "")
        self._sounds_s = whole_number(spec, "sounds_s", SOUNDS_S, low=0, high=20)
        self._guard = guard or Guard(spec.may_reach)

    async def send(self, address: str, page: Page) -> Outcome:  # noqa: ARG002 - a siren says one thing to everybody
        """See Pager."""
        return await attempted(self._sound())

    async def _sound(self) -> Outcome:
        async with await open_byte_link(await pinned_url(self._guard, self._url)) as link:
            try:
                await link.write(self._on)
                outcome = await self._outcome_told_by(link)
                await asyncio.sleep(self._sounds_s)
            finally:
                await link.write(self._off)
        return outcome

    async def _outcome_told_by(self, link: Link) -> Outcome:
        if not self._answer:
            return Outcome(Reached.ACCEPTED, "relay_does_not_answer")
        heard = b""
        while self._answer not in heard and len(heard) < MOST_ANSWER_BYTES:
            if not (told := await link.read(MOST_ANSWER_BYTES, ANSWER_S)):
                raise NoAnswer
            heard += told
        if self._answer not in heard:
            return Outcome(Reached.UNCONFIRMED, "other_answer")
        return Outcome(Reached.ACCEPTED)


def _bytes(spec: HasOptions, name: str, default: str) -> bytes:
    try:
        return bytes.fromhex(spec.options.get(name, default))
    except ValueError:
        raise OptionRefused(f"option {name} must be bytes in hexadecimal, such as {ON}") from None
