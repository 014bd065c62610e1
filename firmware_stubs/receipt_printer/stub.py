"""A receipt printer on a plug. It reads ESC/POS by itself and keeps what would stand on the paper."""

import argparse
import threading
import time
from dataclasses import dataclass, field
from functools import partial

from firmware_stubs.orders import befall, say, take_orders
from firmware_stubs.plugs import Plug, PtyPlug, TcpPlug

REAL_TIME = b"\x10\x04"
# How many bytes a command has, its two first included; those with a body count it themselves.
LENGTHS = {
    b"\x1b@": 2,
    b"\x1ba": 3,
    b"\x1bd": 3,
    b"\x1c&": 2,
    b"\x1c.": 2,
    b"\x1c!": 3,
    b"\x1d!": 3,
    b"\x1da": 3,
    b"\x1dr": 3,
    b"\x1dV": 4,
}


@dataclass(frozen=True)
class Mark:
    """What stands on one strip of the paper: a line, or the rows of a picture, `across` bytes each."""

    content: str | bytes
    align: int = 0
    across: int = 1
    down: int = 1


@dataclass
class Printout:
    """One piece of paper: its lines, the contents of its QR codes, the sizes (GS !) used, and its pictures.

    `marks` holds the same once more as `paper.py` draws it, from top to bottom.
    """

    lines: list[str] = field(default_factory=list)
    qr_codes: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list, compare=False)


class ReceiptPrinterStub:
    """Prints into `printouts`. Its faults: no paper, now or in so many lines; cover open; slow; silent; no GS r."""

    def __init__(self, plug: Plug) -> None:
        self.plug = plug
        self.printouts: list[Printout] = []
        self.is_paper_out = False
        self.is_cover_open = False
        self.is_silent = False
        self.tells_progress = True
        self.lines_left: int | None = None
        self.seconds_per_line = 0.0
        self._received = b""
        self._line = b""
        self._page = Printout()
        self._stored_qr = b""
        self._align = 0
        self._is_busy = False
        self._lock = threading.RLock()
        plug.connect(self._receive)

    def load_paper(self) -> None:
        """Put a new roll in: what was received meanwhile is printed now."""
        with self._lock:
            self.is_paper_out = False
            self.lines_left = None
            self._work_off()

    def _receive(self, received: bytes) -> None:
        with self._lock:
            self._received += received
            while (at := self._received.find(REAL_TIME)) >= 0 and len(self._received) > at + 2:
                self._answer(self._real_time_status(self._received[at + 2]))
                self._received = self._received[:at] + self._received[at + 3 :]
            self._work_off()

    def _real_time_status(self, question: int) -> int:
        if question == 2:  # noqa: PLR2004 - why it is off line
            return 0x12 | 0x04 * self.is_cover_open | 0x20 * self.is_paper_out
        return 0x12 | 0x60 * self.is_paper_out

    def _answer(self, status: int) -> None:
        if not self.is_silent:
            self.plug.send(bytes([status]))

    def _work_off(self) -> None:
        while self._received and self._may_print() and (length := self._next_length()):
            command, self._received = self._received[:length], self._received[length:]
            self._do(command)

    def _may_print(self) -> bool:
        return not (self.is_paper_out or self.is_cover_open or self._is_busy)

    def _rest(self) -> None:
        """Take the time a line takes; questions are answered meanwhile."""
        self._is_busy = True
        rest = threading.Timer(self.seconds_per_line, self._go_on)
        rest.daemon = True
        rest.start()

    def _go_on(self) -> None:
        with self._lock:
            self._is_busy = False
            self._work_off()

    def _next_length(self) -> int:
        """Return the length of the first command or character, 0 while it is not all there."""
        head = self._received[:2]
        length = 1
        if head in (b"\x1d(", b"\x1dv"):
            length = self._length_with_body(head)
        elif head[:1] in (b"\x1b", b"\x1c", b"\x1d", b"\x10"):
            length = LENGTHS.get(head, 1) if len(head) == 2 else 2  # noqa: PLR2004 - what is unknown is skipped
        elif head[0] >= 0x81:  # noqa: PLR2004 - the first of two bytes, or of four when a digit follows
            length = 4 if head[1:].isdigit() else 2
        return length if len(self._received) >= length else 0

    def _length_with_body(self, head: bytes) -> int:
        number = [int.from_bytes(self._received[at : at + 2], "little") for at in (3, 4, 6)]
        if head == b"\x1d(":
            return 5 + number[0] if len(self._received) >= 5 else 5  # noqa: PLR2004 - its header
        return 8 + number[1] * number[2] if len(self._received) >= 8 else 8  # noqa: PLR2004 - its header

    def _do(self, command: bytes) -> None:
        match command[:2]:
            case b"\x1dr":
                self._answer_progress()
            case b"\x1dV" | b"\x1bd":  # cut, or fed to the edge where it is torn off
                self.printouts.append(self._page)
                self._page = Printout()
            case b"\n":
                self._end_line()
            case b"\x1d(":
                self._do_qr(command[5:])
            case b"\x1dv":
                self._do_picture(command)
            case b"\x1ba" | b"\x1d!":
                self._do_setting(command)
            case _ if command[0] >= 0x20:  # noqa: PLR2004 - no control character
                self._line += command

    def _do_setting(self, command: bytes) -> None:
        if command[:2] == b"\x1ba":
            self._align = command[2]
        else:
            self._page.sizes.append(command[2])

    def _do_picture(self, command: bytes) -> None:
        rows, width_bytes = command[8:], int.from_bytes(command[4:6], "little")
        self._page.pictures.append(rows)
        self._page.marks.append(Mark(rows, self._align, width_bytes))

    def _answer_progress(self) -> None:
        if self.tells_progress:
            self._answer(0)

    def _end_line(self) -> None:
        text = self._line.decode("gb18030", "replace")
        size = self._page.sizes[-1] if self._page.sizes else 0
        self._page.lines.append(text)
        self._page.marks.append(Mark(text, self._align, (size >> 4) + 1, (size & 0x0F) + 1))
        self._line = b""
        if self.seconds_per_line:
            self._rest()
        if self.lines_left is not None:
            self.lines_left -= 1
            self.is_paper_out = self.lines_left <= 0

    def _do_qr(self, function: bytes) -> None:
        if function[:2] == b"1P":
            self._stored_qr = function[3:]
        elif function[:2] == b"1Q":
            self._page.qr_codes.append(self._stored_qr.decode("ascii"))
            self._page.marks.append(Mark(f"[QR {self._page.qr_codes[-1]}]", self._align))


def main() -> None:
    """Print the port, then everything that is printed, and take one order a line."""
    parser = argparse.ArgumentParser(description="A receipt printer on a pseudo-terminal, or on a TCP port.")
    parser.add_argument("--tcp", action="store_true", help="listen on a TCP port instead")
    parser.add_argument("--name", default="receipt-printer", help="name of the port's link")
    arguments = parser.parse_args()
    with TcpPlug() if arguments.tcp else PtyPlug(arguments.name) as plug:
        printer = ReceiptPrinterStub(plug)
        print(plug.url, flush=True)
        threading.Thread(target=_show_paper, args=(printer,), name="paper", daemon=True).start()
        take_orders(partial(obey, printer), "paper out | paper in | cover open | cover closed")
        threading.Event().wait()


def obey(printer: ReceiptPrinterStub, words: list[str]) -> bool:
    """Do what one line of the command says; whether it was understood."""
    match words:
        case ["paper", "out"]:
            printer.is_paper_out = True
        case ["paper", "in"]:
            printer.load_paper()
        case ["cover", "open" | "closed" as how]:
            printer.is_cover_open = how == "open"
        case _:
            return befall(words, printer.plug.spoil_next, printer.plug.plug_in, printer.plug.unplug)
    return True


def _show_paper(printer: ReceiptPrinterStub) -> None:
    while True:
        while printer.printouts:
            printout = printer.printouts.pop(0)
            say("\n".join([*printout.lines, *(f"[QR {content}]" for content in printout.qr_codes), "8<" + "-" * 30]))
        time.sleep(0.2)


if __name__ == "__main__":
    main()
