"""What the keys of a keyboard say, as a scanner presses them that plays one. Pure: the kernel's records in, bytes out.

Sources: linux/input.h (struct input_event: seconds, microseconds, type, code, value) and linux/input-event-codes.h
(the codes; value 1 pressed, 0 released, 2 held). The scanner is set to a US keyboard.
"""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RECORD: Final = struct.Struct("@llHHi")
SYNC, KEY = 0, 1
DROPPED: Final = 3  # of SYNC: the kernel had no room, and keys are missing
RELEASED, PRESSED = 0, 1

SHIFTS: Final = frozenset({42, 54})
CONTROLS: Final = frozenset({29, 97})
ALTS: Final = frozenset({56, 100})
LOCKS: Final = frozenset({58, 69, 70})  # a scanner does not know of Caps Lock, and presses Shift for a capital
F8: Final = 66
SEPARATOR: Final = b"\x1d"
ENDS: Final[Mapping[int, bytes]] = MappingProxyType({28: b"\r", 96: b"\r", 15: b"\t"})
NO_CHARACTER: Final = b"\x1a"  # SUB: whoever reads the line refuses it, for something of it is missing
LAST_ASCII: Final = 0x7F

_ROWS: Final = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
)
PLAIN: Final[Mapping[int, str]] = MappingProxyType(
    {first + place: sign for first, signs, _ in _ROWS for place, sign in enumerate(signs)} | {57: " "}
)
SHIFTED: Final[Mapping[int, str]] = MappingProxyType(
    {first + place: sign for first, _, signs in _ROWS for place, sign in enumerate(signs)} | {57: " "}
)
KEYPAD: Final[Mapping[int, str]] = MappingProxyType(
    dict(zip((82, 79, 80, 81, 75, 76, 77, 71, 72, 73), "0123456789", strict=True))
    | {55: "*", 74: "-", 78: "+", 83: ".", 98: "/"}
)


class Keymap:
    """Turns the kernel's records, in whatever slices, into what was typed.

    The separator of GS1 may come as Ctrl and ], as F8, or as Alt with 029 on the keypad.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._held: set[int] = set()
        self._alt_number = ""

    def feed(self, received: bytes) -> bytes:
        """Take what arrived and return what was typed."""
        self._pending += received
        whole = len(self._pending) - len(self._pending) % RECORD.size
        records, self._pending = self._pending[:whole], self._pending[whole:]
        return b"".join(self._said(*record[2:]) for record in RECORD.iter_unpack(records))

    def _said(self, kind: int, code: int, value: int) -> bytes:
        if (kind, code) == (SYNC, DROPPED):
            self._held.clear()
            self._alt_number = ""
            return NO_CHARACTER
        if kind != KEY or code in LOCKS:
            return b""
        if code in SHIFTS | CONTROLS | ALTS:
            return self._modified(code, value)
        return self._pressed(code) if value == PRESSED else b""

    def _modified(self, code: int, value: int) -> bytes:
        if value != RELEASED:
            self._held.add(code)
            return b""
        self._held.discard(code)
        number, self._alt_number = (self._alt_number, "") if code in ALTS else ("", self._alt_number)
        return _of_number(int(number)) if number else b""

    def _pressed(self, code: int) -> bytes:
        if self._held & ALTS:
            if (digit := KEYPAD.get(code, "")).isdigit():
                self._alt_number = (self._alt_number + digit)[-8:]
                return b""
            return NO_CHARACTER
        if code in ENDS:
            return ENDS[code]
        if code == F8:
            return SEPARATOR
        return self._sign(code)

    def _sign(self, code: int) -> bytes:
        sign = KEYPAD.get(code) or (SHIFTED if self._held & SHIFTS else PLAIN).get(code)
        if sign is None:
            return NO_CHARACTER
        if self._held & CONTROLS:
            return bytes([ord(sign.upper()) & 0x1F]) if "@" <= sign.upper() <= "_" else NO_CHARACTER
        return sign.encode("ascii")


def _of_number(number: int) -> bytes:
    """Return the character of Alt with its number; beyond ASCII it would depend on the system's code page."""
    return bytes([number]) if 0 < number <= LAST_ASCII else NO_CHARACTER
