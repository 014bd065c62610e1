"""What every stub's command line understands: one order a line, and the same mishaps whatever the device is."""

import sys
from collections.abc import Callable
from typing import Final

from firmware_stubs.faults import Fault

MISHAPS: Final = " | ".join([*Fault, "plug"])

Obey = Callable[[list[str]], bool]
Deed = Callable[[], object]


def take_orders(obey: Obey, orders: str) -> None:
    """Say what is understood, then obey each line of the standard input; `obey` says whether it understood."""
    say(f"orders: {orders} | {MISHAPS}")
    for line in sys.stdin:
        if words := line.split():
            say("done" if obey(words) else "not understood")


def say(line: str) -> None:
    """Print a line as one piece: another thread's line never gets between the words and their end."""
    print(line + "\n", end="", flush=True)


def befall(words: list[str], spoil_next: Callable[[Fault], None], plug_in: Deed, unplug: Deed) -> bool:
    """Do what is a mishap: unplugging and plugging in are now, everything else befalls the next message."""
    match words:
        case ["plug"]:
            plug_in()
        case ["unplug"]:
            unplug()
        case [fault] if fault in map(str, Fault):
            spoil_next(Fault(fault))
        case _:
            return False
    return True
