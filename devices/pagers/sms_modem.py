"""A mobile modem with a SIM card of its own, on `serial:///dev/…?baud=115200` or behind `tcp://`.

The one way to a person that needs neither the site's network nor its provider. The secret `pin` opens the card. Who was
paged acknowledges with an SMS that holds the page's number, such as "4711 ok"; it counts from the paged phone alone.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Final

from devices.errors import AddressRefused, LinkLost, NoAnswer, OptionRefused
from devices.links import open_byte_link
from devices.links.address import LinkAddress
from devices.options import known_options_only, one_of, whole_number
from devices.pagers import sms_pdu
from devices.pagers.at_modem import Modem, ModemRefused
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard, pinned_url
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.sms_replies import FINAL, Postbox, Sending, alone, mark_of

SCHEMES: Final = ("memory", "serial", "tcp")
WAITS_S: Final = 5
MAY_BE_SENT: Final = "cms_332"  # the network did not answer in time
BAD_PIN: Final = "pin_refused"
MOBILE: Final = re.compile(r"\+?[0-9]{7,15}")
PIN: Final = re.compile(r"([0-9]{4,8})?")
COUNTRY: Final = re.compile(r"[1-9][0-9]{0,2}")


class SmsModem:
    """One modem; the address is a mobile number, of the modem's country where it has no "+"."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None) -> None:
        known_options_only(spec, "country", "reports", "waits_s")
        if LinkAddress.parse(spec.url).scheme not in SCHEMES:
            raise AddressRefused("a modem hangs on serial:///dev/…?baud=115200 or tcp://host:port")
        self._country = spec.options.get("country", "86")
        if COUNTRY.fullmatch(self._country) is None:
            raise OptionRefused("option country is what is dialled before national numbers, such as 86")
        self._pin: str | None = spec.secrets.get("pin", "")
        if PIN.fullmatch(self._pin) is None:
            raise OptionRefused("the secret pin is 4 to 8 digits")
        self._url = spec.url
        self._wants_reports = one_of(spec, "reports", "yes", "yes", "no") == "yes"
        self._waits_s = whole_number(spec, "waits_s", WAITS_S, low=0, high=20)
        self._guard = guard or Guard(spec.may_reach)
        self._postbox = Postbox(self._country)
        self._talking = asyncio.Lock()
        self._texts = count()

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if MOBILE.fullmatch(address) is None:
            return Outcome(Reached.FAILED, "address_malformed")
        async with self._talking:
            return await attempted(self._send(sms_pdu.international(address, self._country), page))

    async def follow(self, ref: str) -> Outcome:
        """See TwoWayPager."""
        async with self._talking:
            return replace(await attempted(self._follow(ref)), ref=ref)

    async def _send(self, phone: str, page: Page) -> Outcome:
        texts = sms_pdu.submits(phone, text_of(page), next(self._texts) % 256, wants_report=self._wants_reports)
        sending = Sending(page.number, mark_of(phone), datetime.now(UTC))
        async with self._modem() as modem:
            try:
                await self._make_ready(modem)
                await modem.find_network()
            except ModemRefused as refused:
                return Outcome(Reached.FAILED, refused.reason)
            except (LinkLost, NoAnswer) as error:
                return Outcome(Reached.FAILED, error.code)  # nothing was said of a page yet
            return await self._submit(modem, sending, texts)

    async def _submit(self, modem: Modem, sending: Sending, texts: Sequence[bytes]) -> Outcome:
        try:
            references = [await modem.submit(text) for text in texts]
        except ModemRefused as refused:
            return Outcome(Reached.UNCONFIRMED if refused.reason == MAY_BE_SENT else Reached.FAILED, refused.reason)
        await modem.hear_reports(len(texts), self._waits_s)
        self._postbox.hear(modem.told_reports)
        return self._postbox.outcome(replace(sending, references=[one for one in references if one is not None]))

    async def _follow(self, ref: str) -> Outcome:
        sending = Sending.parse(ref)
        async with self._modem() as modem:
            try:
                await self._make_ready(modem)
                stored = await modem.stored()
            except ModemRefused as refused:
                return Outcome(Reached.UNCONFIRMED, refused.reason)
            for message in self._postbox.done_with(stored):
                await modem.delete(message)
            self._postbox.hear(modem.told_reports)
        outcome = self._postbox.outcome(sending, stored)
        return (
            replace(outcome, reason="message_store_full") if modem.is_full and outcome.reached not in FINAL else outcome
        )

    async def _make_ready(self, modem: Modem) -> None:
        """Open the card, with a PIN that was not refused before: the third refusal would lock it."""
        await modem.wake()
        try:
            await modem.open_card(self._pin)
        except ModemRefused as refused:
            self._pin = None if refused.reason == BAD_PIN else self._pin
            raise
        await modem.use_messages(wants_reports=self._wants_reports)

    @asynccontextmanager
    async def _modem(self) -> AsyncIterator[Modem]:
        async with await open_byte_link(await pinned_url(self._guard, self._url)) as link:
            yield Modem(link)


def text_of(page: Page) -> str:
    """Return what a phone shows: the page and its number, by which it is answered; the short form first if cut."""
    ending = "" if alone(page.number).search(page.text) else f" #{page.number}"
    if len(sms_pdu.parts_of(page.text + ending)) <= sms_pdu.MOST_PARTS:
        return page.text + ending
    return sms_pdu.fitted(f"{page.short}\n{page.text}", f" #{page.number}")
