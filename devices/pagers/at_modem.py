"""One talk with a mobile modem: wake it, open its card, wait for a network, hand messages over and fetch others."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from devices.errors import NoAnswer
from devices.links import Link
from devices.pagers import at_wire, sms_pdu
from devices.pagers.at_wire import Answer
from devices.pagers.sms_replies import Stored

CHUNK: Final = 1_024
KNOCKS: Final = 3
KNOCK_S: Final = 1.0
QUIET_S: Final = 0.2
ANSWER_S: Final = 5.0
SENT_WITHIN_S: Final = 25.0  # the network's time for one message
READY_WITHIN_S: Final = 15.0
LOOKS_EVERY_S: Final = 1.0
REGISTERED: Final = frozenset({1, 5, 6, 7})  # at home or abroad; the last two for messages alone
DENIED: Final = 3
NO_SIGNAL: Final = frozenset({0, 99})
PIN_TRIES: Final = 3
SIM_BUSY: Final = "cme_14"
REPORTS: Final = "SR"
REPORTS_ARE_STORED: Final = "AT+CNMI=2,1,0,2,0"
REPORTS_ARE_TOLD: Final = "AT+CNMI=2,1,0,1,0"  # at once, and to nobody where nobody listens


class ModemRefused(Exception):
    """The modem, its card or its network declined; nothing of this message was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Modem:
    """A modem on an open link. Every verb raises LinkLost or NoAnswer, and ModemRefused where it says so."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lines = at_wire.Lines()
        self._heard: list[str] = []
        self.told_reports: list[bytes] = []
        self.is_full = False
        self._tells_reports = False
        self._is_report_next = False

    async def wake(self) -> None:
        """Give up whatever was begun before us, and be answered in step."""
        await self._link.write(at_wire.ESCAPE)
        while await self._link.read(CHUNK, QUIET_S):
            pass
        for _ in range(KNOCKS):
            try:
                if (await self.ask("ATE0", KNOCK_S)).is_good:
                    break
            except NoAnswer:
                continue
        else:
            raise NoAnswer
        await self.ask("AT+CMEE=1")

    async def open_card(self, pin: str | None) -> None:
        """Give the card its PIN where it wants one, and never by one of the last tries. None refuses. May refuse."""
        state = await self._card_state()
        if state == "READY":
            return
        if state != "SIM PIN":
            raise ModemRefused("sim_locked")
        if not pin:
            raise ModemRefused("pin_refused" if pin is None else "pin_missing")
        left = at_wire.whole((await self.ask('AT+CPINR="SIM PIN"')).first("+CPINR"), 1)
        if left is not None and left < PIN_TRIES:
            raise ModemRefused("pin_refused")
        if not (await self.ask(f'AT+CPIN="{pin}"', READY_WITHIN_S)).is_good:
            raise ModemRefused("pin_refused")

    async def find_network(self) -> None:
        """Wait until the card is in a network. May refuse, with what is in the way."""
        await self.ask("AT+CREG=0")
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        while not (states := await self._states()) & REGISTERED:
            if asyncio.get_running_loop().time() > deadline:
                signal = at_wire.whole((await self.ask("AT+CSQ")).first("+CSQ"), 0)
                unheard = "no_signal" if signal in NO_SIGNAL else "not_registered"
                raise ModemRefused("registration_denied" if DENIED in states else unheard)
            await asyncio.sleep(LOOKS_EVERY_S)

    async def use_messages(self, *, wants_reports: bool) -> None:
        """Speak of messages as bytes, and have replies and reports kept. May refuse."""
        await self._must("AT+CMGF=0")
        if wants_reports and not (await self.ask(REPORTS_ARE_STORED)).is_good:
            self._tells_reports = (await self.ask(REPORTS_ARE_TOLD)).is_good

    async def submit(self, message: bytes) -> int | None:
        """Hand over a message and return its reference. May refuse; NoAnswer where it may have been sent."""
        await self._say(f"AT+CMGS={sms_pdu.length_told(message)}")
        lines = await self._until(lambda line: line == at_wire.PROMPT or at_wire.is_final(line), ANSWER_S)
        if lines is None:
            await self._link.write(at_wire.ESCAPE)
            raise ModemRefused("no_prompt")
        if lines[-1] != at_wire.PROMPT:
            raise ModemRefused(at_wire.answer_of(lines).refusal or "no_prompt")
        await self._link.write(message.hex().upper().encode() + at_wire.SUBSTITUTE)
        answer = await self._answer(SENT_WITHIN_S)
        if not answer.is_good:
            raise ModemRefused(answer.refusal)
        return at_wire.whole(answer.first("+CMGS"), 0)

    async def stored(self) -> Sequence[Stored]:
        """Return the messages in the memories where replies and reports arrive; learn whether the first is full."""
        arriving = (await self._must("AT+CPMS?")).first("+CPMS")[6:]
        used, total = (at_wire.whole(arriving, place) for place in (1, 2))
        self.is_full = used is not None and total is not None and used >= total > 0
        found = []
        for memory in dict.fromkeys([*arriving[:1], REPORTS]):
            if (await self.ask(f'AT+CPMS="{memory}"')).is_good:
                listed = await self.ask("AT+CMGL=4")
                found += [Stored(memory, place, raw) for place, raw in listed.stored()]
        return found

    async def delete(self, message: Stored) -> None:
        """Delete a message."""
        if (await self.ask(f'AT+CPMS="{message.memory}"')).is_good:
            await self.ask(f"AT+CMGD={message.place}")

    async def hear_reports(self, count: int, within_s: float) -> None:
        """Listen until as many reports were told, where the modem stores none."""
        if self._tells_reports and len(self.told_reports) < count:
            await self._until(lambda _: len(self.told_reports) >= count, within_s)

    async def ask(self, command: str, within_s: float | None = None) -> Answer:
        """Give a command and return what the modem says to it."""
        await self._say(command)
        return await self._answer(ANSWER_S if within_s is None else within_s)

    async def _card_state(self) -> str:
        deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
        while (answer := await self.ask("AT+CPIN?")).refusal == SIM_BUSY:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(LOOKS_EVERY_S)
        if not answer.is_good:
            raise ModemRefused(answer.refusal)
        return "".join(answer.first("+CPIN")[:1])

    async def _states(self) -> set[int | None]:
        """Return its registrations; a modem for newer networks may have one there alone."""
        return {at_wire.whole((await self.ask(f"AT{word}?")).first(word), 1) for word in ("+CREG", "+CEREG")}

    async def _must(self, command: str) -> Answer:
        answer = await self.ask(command)
        if not answer.is_good:
            raise ModemRefused(answer.refusal)
        return answer

    async def _say(self, command: str) -> None:
        await self._link.write(f"{command}\r".encode("ascii"))

    async def _answer(self, within_s: float) -> Answer:
        lines = await self._until(at_wire.is_final, within_s)
        if lines is None:
            raise NoAnswer
        return at_wire.answer_of(lines)

    async def _until(self, is_last: Callable[[str], bool], within_s: float) -> list[str] | None:
        """Return the lines up to the last one, or None where it does not come; reports told between are kept."""
        deadline = asyncio.get_running_loop().time() + within_s
        lines: list[str] = []
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            while self._heard:
                lines.append(self._heard.pop(0))
                self._keep_if_report(lines[-1])
                if is_last(lines[-1]):
                    return lines
            self._heard += self._lines.feed(await self._link.read(CHUNK, left_s))
        return None

    def _keep_if_report(self, line: str) -> None:
        if self._is_report_next:
            self.told_reports.append(at_wire.unhexed(line))
        self._is_report_next = line.startswith("+CDS:")
