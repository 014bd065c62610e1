"""A mobile modem with a SIM card, on a plug; it shares no code with the driver and reads messages by itself.

It keeps what it was given to send in `sent`, and what came for it in its memories until that is deleted.
"""

import argparse
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from firmware_stubs.orders import befall, say, take_orders
from firmware_stubs.plugs import Plug, PtyPlug

OK = "OK"
PROMPT = b"\r\n> "
UCS2 = 0x08


@dataclass
class Sent:
    """A message as its receiver sees it, in UCS-2 or plain letters of seven bits."""

    number: str
    text: str
    reference: int
    wants_report: bool
    part: str = ""


@dataclass
class Card:
    """What a modem says of its card and its network."""

    pin: str = ""
    tries_left: int = 3
    tells_tries: bool = True
    registered: int = 1
    signal: int = 20
    room: int = 10
    stores_reports: bool = True


class ModemStub:
    """Answers every command as modems do. `refuse_next` is what becomes of the next message: cms_38, silence."""

    def __init__(self, plug: Plug, card: Card | None = None) -> None:
        self.plug = plug
        self.card = card or Card()
        self.sent: list[Sent] = []
        self.asked: list[str] = []
        self.heard: Callable[[Sent], object] = lambda _: None
        self.memories: dict[str, dict[int, str]] = {"SM": {}, "SR": {}}
        self.refuse_next: deque[str] = deque()
        self._is_open = not self.card.pin
        self._memory = "SM"
        self._echoes = True
        self._heard = b""
        self._is_writing = False
        self._count = 0
        self._lock = threading.Lock()
        plug.connect(self._hear)

    # ---- what happens elsewhere ----

    def receive(self, sender: str, text: str) -> None:
        """Let a message come: from a number, international where it begins with "+", or from a name."""
        kind = "91" if sender.startswith("+") else "A1"
        data = text.encode("utf-16-be")
        number = _address(sender.removeprefix("+"), kind) if sender.strip("+").isdecimal() else "0BD04366D2991C02"
        self._store("SM", f"0004{number}0008{stamp()}{len(data):02X}{data.hex().upper()}", "+CMTI")

    def report(self, number: int, status: int = 0, ago: timedelta = timedelta()) -> None:
        """Let a report come of the message with this place in `sent`."""
        sent = self.sent[number]
        pdu = f"0006{sent.reference:02X}{_address(sent.number, '91')}{stamp(ago)}{stamp()}{status:02X}"
        if self.card.stores_reports:
            self._store("SR", pdu, "+CDSI")
        else:
            self.plug.send(f"\r\n+CDS: {len(pdu) // 2 - 1}\r\n{pdu}\r\n".encode())

    def _store(self, memory: str, pdu: str, notice: str) -> None:
        with self._lock:
            places = self.memories[memory]
            place = next(place for place in range(1, 256) if place not in places)
            if len(places) >= self.card.room:
                return
            places[place] = pdu
        self.plug.send(f'\r\n{notice}: "{memory}",{place}\r\n'.encode())

    # ---- what the host says ----

    def _hear(self, said: bytes) -> None:
        self._heard += said
        while ends := [at for at in map(self._heard.find, (b"\r", b"\x1a", b"\x1b")) if at >= 0]:
            end = min(ends)
            line, mark, self._heard = self._heard[:end], self._heard[end : end + 1], self._heard[end + 1 :]
            self._take(line.decode("ascii"), mark)

    def _take(self, line: str, mark: bytes) -> None:
        if self._is_writing:
            self._is_writing = False
            self._answer([OK] if mark == b"\x1b" else self._send(line))
        elif mark == b"\r" and line:
            if self._echoes:
                self.plug.send(line.encode() + b"\r")
            self.asked.append(line)
            self._obey(line)

    def _obey(self, line: str) -> None:
        word, mark, value = line.removeprefix("AT").partition("=" if "=" in line else "?")
        if word == "+CMGS" and (self._is_open or not self.card.pin):
            self._is_writing = True
            self.plug.send(PROMPT)
            return
        doing = {
            "E0": self._quiet,
            "+CPIN": self._pin,
            "+CPINR": lambda _: (
                [f"+CPINR: SIM PIN,{self.card.tries_left},3", OK] if self.card.tells_tries else ["ERROR"]
            ),
            "+CREG": lambda asked: [OK] if asked else [f"+CREG: 0,{self.card.registered}", OK],
            "+CEREG": lambda _: [f"+CEREG: 0,{self.card.registered}", OK],
            "+CSQ": lambda _: [f"+CSQ: {self.card.signal},99", OK],
            "+CNMI": self._notices,
            "+CPMS": self._memories,
            "+CMGL": lambda _: self._listed(),
            "+CMGD": self._delete,
        }.get(word, lambda _: [OK])
        self._answer(doing(value.strip('"') if mark == "=" else ""))

    def _answer(self, lines: list[str]) -> None:
        if lines:
            self.plug.send("".join(f"\r\n{line}\r\n" for line in lines).encode())

    def _quiet(self, _: str) -> list[str]:
        self._echoes = False
        return [OK]

    def _pin(self, given: str) -> list[str]:
        if not given:
            return [f"+CPIN: {'READY' if self._is_open else 'SIM PIN' if self.card.tries_left else 'SIM PUK'}", OK]
        self._is_open = given == self.card.pin
        self.card.tries_left = 3 if self._is_open else self.card.tries_left - 1
        return [OK] if self._is_open else ["+CME ERROR: 16"]

    def _notices(self, asked: str) -> list[str]:
        return [OK] if self.card.stores_reports or asked.split(",")[3] != "2" else ["+CMS ERROR: 303"]

    def _memories(self, wanted: str) -> list[str]:
        if not wanted:
            full = f'"SM",{len(self.memories["SM"])},{self.card.room}'
            return [f"+CPMS: {full},{full},{full}", OK]
        if wanted == "SR" and not self.card.stores_reports:
            return ["+CMS ERROR: 302"]
        self._memory = wanted
        return ["+CPMS: 1,10,1,10,1,10", OK]

    def _listed(self) -> list[str]:
        with self._lock:
            stored = sorted(self.memories[self._memory].items())
        lines = [line for place, pdu in stored for line in (f"+CMGL: {place},1,,{len(pdu) // 2 - 1}", pdu)]
        return [*lines, OK]

    def _delete(self, place: str) -> list[str]:
        with self._lock:
            return [OK] if self.memories[self._memory].pop(int(place), None) else ["+CMS ERROR: 321"]

    def _send(self, pdu: str) -> list[str]:
        refusal = self.refuse_next.popleft() if self.refuse_next else ""
        if refusal == "silence":
            return []
        if refusal:
            return [f"+{refusal.split('_')[0].upper()} ERROR: {refusal.split('_')[1]}"]
        self._count = (self._count + 1) % 256
        sent = read_submit(pdu, self._count)
        self.sent.append(sent)
        self.heard(sent)
        return [f"+CMGS: {self._count}", OK]


def read_submit(pdu: str, reference: int) -> Sent:
    """Take a message to be sent apart."""
    raw = bytes.fromhex(pdu)
    first, length = raw[1], raw[3]
    end = 5 + (length + 1) // 2
    number = "".join(f"{byte & 15}{byte >> 4:x}" for byte in raw[5:end])[:length]
    coding, count, data = raw[end + 1], raw[end + 3], raw[end + 4 :]
    header = data[: data[0] + 1] if first & 0x40 else b""
    if coding == UCS2:
        text = data[len(header) : count].decode("utf-16-be")
    else:
        bits = "".join(f"{byte:08b}" for byte in reversed(data))
        letters = [chr(int(bits[len(bits) - 7 * at - 7 : len(bits) - 7 * at], 2)) for at in range(count)]
        text = "".join(letters[-(-8 * len(header) // 7) :])
    part = f" ({header[5]}/{header[4]})" if header else ""
    return Sent(number, text, reference, bool(first & 0x20), part)


def stamp(ago: timedelta = timedelta()) -> str:
    """Return a time as service centres in China write it, eight hours or 32 quarters ahead."""
    local = f"{datetime.now(UTC) + timedelta(hours=8) - ago:%y%m%d%H%M%S}"
    return "".join(local[at + 1] + local[at] for at in range(0, 12, 2)) + "23"


def _address(digits: str, kind: str) -> str:
    even = digits + "F" * (len(digits) % 2)
    swapped = "".join(even[at + 1] + even[at] for at in range(0, len(even), 2))
    return f"{len(digits):02X}{kind}{swapped}"


def main() -> None:
    """Print the port, then each message; a line of the standard input is an order."""
    parser = argparse.ArgumentParser(description="A mobile modem on a pseudo-terminal.")
    parser.add_argument("--name", default="modem", help="name of the port's link")
    parser.add_argument("--pin", default="")
    words = parser.parse_args()
    with PtyPlug(words.name) as plug:
        modem = ModemStub(plug, Card(pin=words.pin))
        modem.heard = lambda sent: say(f"to {sent.number}{sent.part}: {sent.text}")
        say(plug.url)
        take_orders(partial(obey, modem), "reply NUMBER TEXT | report PLACE STATUS | refuse cms_38 | network 0..5")


def obey(modem: ModemStub, words: list[str]) -> bool:
    """Do what one line of the command says; whether it was understood."""
    match words:
        case ["reply", number, *text]:
            modem.receive(number, " ".join(text))
        case ["report", place, status] if place.isdecimal() and int(place) < len(modem.sent):
            modem.report(int(place), int(status, 16))
        case ["refuse", what]:
            modem.refuse_next.append(what)
        case ["network", state] if state.isdecimal():
            modem.card.registered = int(state)
        case _:
            return befall(words, modem.plug.spoil_next, modem.plug.plug_in, modem.plug.unplug)
    return True


if __name__ == "__main__":
    main()
