"""A barcode scanner on a plug."""

import argparse
from functools import partial

from firmware_stubs.orders import befall, take_orders
from firmware_stubs.plugs import Plug, PtyPlug


class BarcodeScannerStub:
    """Sends codes as scanners do: an AIM identifier if it was switched on, the text, and an end if it has one.

    `heard` is what the host sent it; `answer` is what it says to each such transmission.
    """

    def __init__(self, plug: Plug, *, end: bytes = b"\r\n", sends_aim: bool = True, encoding: str = "utf-8") -> None:
        self.plug = plug
        self._end = end
        self._sends_aim = sends_aim
        self._encoding = encoding
        self.heard = b""
        self.answer = b""
        plug.connect(self._hear)

    def scan(self, text: str, symbology: str = "") -> None:
        """Send one code; `symbology` is its AIM identifier, "]C1"."""
        identifier = symbology if self._sends_aim else ""
        self.send_raw(identifier.encode("ascii") + text.encode(self._encoding) + self._end)

    def send_raw(self, payload: bytes) -> None:
        """Send bytes as they are: noise, a half code, a wrong speed."""
        self.plug.send(payload)

    def _hear(self, received: bytes) -> None:
        self.heard += received
        if self.answer:
            self.send_raw(self.answer)


def main() -> None:
    """Print the port, then take one order a line."""
    parser = argparse.ArgumentParser(description="A barcode scanner on a pseudo-terminal.")
    parser.add_argument("--name", default="barcode-scanner", help="name of the port's link")
    parser.add_argument("--aim", default="]C0", help="AIM identifier put before every code")
    arguments = parser.parse_args()
    with PtyPlug(arguments.name) as plug:
        scanner = BarcodeScannerStub(plug)
        print(plug.url, flush=True)
        take_orders(partial(obey, scanner, arguments.aim), "scan CODE")


def obey(scanner: BarcodeScannerStub, aim: str, words: list[str]) -> bool:
    """Do what one line of the command says; whether it was understood."""
    match words:
        case ["scan", code, *more]:
            scanner.scan(" ".join([code, *more]), aim)
        case _:
            return befall(words, scanner.plug.spoil_next, scanner.plug.plug_in, scanner.plug.unplug)
    return True


if __name__ == "__main__":
    main()
