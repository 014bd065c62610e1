"""A paging gateway that speaks SNPP, levels 1 to 3: it asks for the most a gateway offers and makes do with less.

`snpp://host:444`, or `snpps://` with TLS. Whatever answer does not fit ends the connection: one reply too many or too
few would put every later one beside the wrong command.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Final, Self

from devices.errors import AddressRefused, BadFrame, LinkLost, LinkUnavailable, NoAnswer
from devices.links.address import LinkAddress
from devices.options import known_options_only, one_of, whole_number
from devices.pagers import snpp_wire as wire
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.pager_text import MOST_CHARACTERS, pager_text
from devices.pagers.snpp_wire import Reply

PORT: Final = 444
ANSWER_S: Final = 8.0
CONNECT_S: Final = 5.0
STRAY_S: Final = 0.1
SCHEMES: Final = ("snpp", "snpps")
LEVELS: Final = ("auto", "1", "2", "3")
ACKNOWLEDGED: Final = "ACKNOWLEDGED"


class Refused(Exception):
    """The gateway declined; ``reason`` has its code."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.code)
        self.reason = f"snpp_{reply.code}"


class SnppPager:
    """One gateway; the address is a pager's id. The log-in's words are the secrets `login` and `password`."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None, trust: ssl.SSLContext | None = None) -> None:
        known_options_only(spec, "level", "most_characters")
        self._address = LinkAddress.parse(spec.url)
        if self._address.scheme not in SCHEMES or not self._address.host:
            raise AddressRefused("a gateway's URL is snpp://host:444 or snpps://host:444; the log-in is a secret")
        self._level = one_of(spec, "level", "auto", *LEVELS)
        self._most = whole_number(spec, "most_characters", MOST_CHARACTERS, low=40, high=900)
        self._login = [word for word in (spec.secrets.get("login"), spec.secrets.get("password")) if word]
        self._guard = guard or Guard(spec.may_reach)
        self._trust = (trust or ssl.create_default_context()) if self._address.scheme == "snpps" else None
        self._lacking: set[str] = set()  # some gateways hang up after a few commands they do not know
        self._told_final: set[str] = set()

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if not wire.is_pager_id(address):
            return Outcome(Reached.FAILED, "address_malformed")
        return await attempted(self._send(address, page))

    async def follow(self, ref: str) -> Outcome:
        """See TwoWayPager."""
        return await attempted(self._follow(ref))

    async def _send(self, address: str, page: Page) -> Outcome:
        async with await self._open() as gateway:
            text = pager_text(page, self._most)
            try:
                await self._log_in(gateway)
                if not (self._level in {"auto", "3"} and await _begun_two_way(gateway, address)):
                    await self._begin(gateway, address, page)
                await self._fill(gateway, text, page)
            except Refused as refused:
                return Outcome(Reached.FAILED, refused.reason)
            except (LinkLost, NoAnswer, BadFrame) as error:
                return Outcome(Reached.FAILED, error.code)  # nothing is sent before SEND
            return await _sent(gateway)

    async def _follow(self, ref: str) -> Outcome:
        async with await self._open() as gateway:
            try:
                await self._log_in(gateway)
            except Refused as refused:
                return Outcome(Reached.UNCONFIRMED, refused.reason, ref)
            reply = await gateway.ask("MSTA", *ref.split(" "))
            await self._drop_told(gateway)
        if reply.code in wire.FINAL:
            self._told_final.add(ref)
        return wire.fate_of(reply, ref)

    async def _drop_told(self, gateway: "Gateway") -> None:
        """Drop what a final answer was given for before: whoever asks again has kept it."""
        told, self._told_final = self._told_final, set()
        with suppress(LinkLost, NoAnswer, BadFrame):  # the answer that was asked for is there
            for ref in told:
                await gateway.accepts("KTAG", *ref.split(" "))

    async def _log_in(self, gateway: "Gateway") -> None:
        if self._login:
            await gateway.must("LOGI", *self._login)

    async def _begin(self, gateway: "Gateway", address: str, page: Page) -> None:
        """Begin a one-way page; its options hold for the next pager alone."""
        if self._level != "1":
            await gateway.accepts("LEVE", "0" if page.is_urgent else "1")
            await gateway.accepts("ALER", "1" if page.is_urgent else "0")
        await gateway.must("PAGE", address)

    async def _fill(self, gateway: "Gateway", text: str, page: Page) -> None:
        """Give the message by DATA where the gateway has it, by MESS where not, and what may be answered."""
        if self._level == "1" or not await gateway.tells(text):
            await gateway.must("MESS", text)
        if gateway.is_two_way and page.reply_code and await gateway.accepts("RTYP", "MULTICHOICE"):
            await gateway.accepts("MCRE", page.reply_code, ACKNOWLEDGED)

    async def _open(self) -> "Gateway":
        port = self._address.port or PORT
        host = self._address.host
        addresses = await self._guard.addresses(host, port, is_plain=self._trust is None)
        for pinned in addresses:
            gateway = await Gateway.at(pinned, port, host, self._trust, self._lacking)
            if gateway is not None:
                return gateway
        raise LinkUnavailable("not_reached")


async def _begun_two_way(gateway: "Gateway", address: str) -> bool:
    """Begin a page that can be followed, or leave the talk as it was: not every gateway and pager has two ways."""
    if not await gateway.accepts("2WAY"):
        return False
    reply = await gateway.ask("PAGE", address)
    if reply.code not in wire.WILL_PAGE:
        await gateway.must("RESE")
        return False
    gateway.is_two_way = True
    await gateway.accepts("ACKR", "1")
    return True


async def _sent(gateway: "Gateway") -> Outcome:
    if await gateway.says_more():  # its answer to SEND would be taken for another's
        return Outcome(Reached.FAILED, "out_of_step")
    reply = await gateway.ask("SEND")
    if reply.code not in wire.SENT:
        return Outcome(Reached.FAILED, f"snpp_{reply.code}")
    if (ref := wire.ticket_of(reply)) is None:
        return Outcome(Reached.ACCEPTED)
    return wire.fate_of(reply, ref)


class Gateway:
    """One connection; used as ``async with``, it says goodbye or is torn down."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lacking: set[str]) -> None:
        self._reader = reader
        self._writer = writer
        self._lacking = lacking
        self._is_sound = True
        self.is_two_way = False

    @classmethod
    async def at(
        cls, pinned: str, port: int, host: str, trust: ssl.SSLContext | None, lacking: set[str]
    ) -> Self | None:
        """Connect, or return None where nobody answers. `lacking` is learnt. Raises BadFrame for what is no gateway."""
        try:
            async with asyncio.timeout(CONNECT_S):
                streams = await asyncio.open_connection(
                    pinned, port, limit=wire.MOST_LINE_BYTES, ssl=trust, server_hostname=host if trust else None
                )
        except (OSError, TimeoutError):
            return None
        gateway = cls(*streams, lacking)
        if (await gateway._reply()).code != wire.GREETING:  # its own class
            await gateway.close()
            raise LinkUnavailable("no_greeting")
        return gateway

    async def ask(self, *words: str) -> Reply:
        """Send a command and return its answer. Raises LinkLost, NoAnswer or BadFrame."""
        self._write(wire.command(*words))
        return await self._reply()

    async def must(self, *words: str, codes: frozenset[int] = frozenset({wire.OK})) -> None:
        """Send a command that has to succeed, or raise Refused."""
        reply = await self.ask(*words)
        if reply.code not in codes:
            raise Refused(reply)

    async def accepts(self, *words: str) -> bool:
        """Send a command that a gateway may not know, and tell whether it took it; what it lacks it is spared."""
        if words[0] in self._lacking:
            return False
        reply = await self.ask(*words)
        if reply.code == wire.NOT_IMPLEMENTED:
            self._lacking.add(words[0])
        return reply.code == wire.OK

    async def tells(self, text: str) -> bool:
        """Send the message by DATA, or return False where the gateway has no such command."""
        if "DATA" in self._lacking:
            return False
        reply = await self.ask("DATA")
        if reply.code == wire.NOT_IMPLEMENTED:
            self._lacking.add("DATA")
            return False
        if reply.code != wire.GO_AHEAD:
            raise Refused(reply)
        self._write(wire.data(text))
        reply = await self._reply()
        if reply.code != wire.OK:
            raise Refused(reply)
        return True

    async def says_more(self) -> bool:
        """Tell whether a line came that nobody asked for."""
        try:
            async with asyncio.timeout(STRAY_S):
                self._is_sound = not await self._reader.read(1)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Say goodbye where the talk is sound, and let go."""
        if self._is_sound:
            self._write(wire.command("QUIT"))
        self._writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _write(self, line: bytes) -> None:
        self._writer.write(line)

    async def _reply(self) -> Reply:
        """Read one answer. A talk that is out of step is not gone on with."""
        self._is_sound = False
        while True:
            reply = wire.reply_of(await self._line())
            if not reply.has_more:
                self._is_sound = True
                return reply

    async def _line(self) -> bytes:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._reader.readuntil(b"\n")
        except TimeoutError:
            raise NoAnswer from None
        except asyncio.LimitOverrunError:
            raise BadFrame("line_too_long") from None
        except (asyncio.IncompleteReadError, OSError):
            raise LinkLost("closed_by_gateway") from None
