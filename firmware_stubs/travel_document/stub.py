"""A reader of machine readable zones on a plug. Its lines are its own: it shares no codec with the server."""

import argparse
import sys

from firmware_stubs.plugs import Plug, PtyPlug
from firmware_stubs.travel_document.documents import (
    SyntheticDocument,
    synthetic_passport,
    synthetic_permit,
    synthetic_taiwan_permit,
)

KINDS = {"passport": synthetic_passport, "permit": synthetic_permit, "taiwan": synthetic_taiwan_permit}


class TravelDocumentReaderStub:
    """Sends a zone as readers do: lines with an end, or none, or all lines as one."""

    def __init__(self, plug: Plug, *, end: bytes = b"\r\n", is_joined: bool = False) -> None:
        self.plug = plug
        self._end = end
        self._is_joined = is_joined

    def show(self, document: SyntheticDocument) -> None:
        """Send a document's zone."""
        self.show_lines(document.lines())

    def show_lines(self, lines: list[str]) -> None:
        """Send these lines as a zone."""
        sent = ["".join(lines)] if self._is_joined else lines
        self.plug.send(b"".join(line.encode("ascii") + self._end for line in sent))


def main() -> None:
    """Print the port, then show one document a line."""
    parser = argparse.ArgumentParser(description="A reader of travel documents on a pseudo-terminal.")
    parser.add_argument("--name", default="travel-document-reader", help="name of the port's link")
    with PtyPlug(parser.parse_args().name) as plug:
        reader = TravelDocumentReaderStub(plug)
        print(plug.url, flush=True)
        print(f"orders: {' | '.join(f'{kind} NUMBER' for kind in KINDS)}", flush=True)
        for line in sys.stdin:
            print(obey(reader, line.split()), flush=True)


def obey(reader: TravelDocumentReaderStub, words: list[str]) -> str:
    """Do what one line of the command says, and say whether it was understood."""
    match words:
        case [kind, seed] if kind in KINDS and seed.isdecimal():
            reader.show(KINDS[kind](int(seed)))
            return "done"
        case _:
            return "not understood"


if __name__ == "__main__":
    main()
