"""What keys say: records typed by hand from linux/input.h and linux/input-event-codes.h."""

from collections.abc import Iterable

import pytest

from devices.barcode_scanner import wire
from devices.barcode_scanner.code import Gs1, TraceCode, what_was_typed
from devices.errors import BadFrame
from devices.links.keymap import KEYPAD, PLAIN, RECORD, SHIFTED, Keymap

SHIFT, RIGHT_SHIFT, CTRL, ALT, RIGHT_ALT = 42, 54, 29, 56, 100
DIGITS = dict(zip("1234567890", range(2, 12), strict=True))
ENTER, F1, CAPS_LOCK = 28, 59, 58


def record(kind: int, code: int, value: int) -> bytes:
    return RECORD.pack(1_772_413_200, 5, kind, code, value)


def press(code: int) -> bytes:
    """A key as the kernel reports it: scan code, press, sync, release, sync."""
    sync = record(0, 0, 0)
    return record(4, 4, 0x7001E) + record(1, code, 1) + sync + record(1, code, 0) + sync


def held(code: int, *keys: bytes) -> bytes:
    return record(1, code, 1) + b"".join(keys) + record(1, code, 0)


def digits(text: str) -> bytes:
    return b"".join(press(DIGITS[digit]) for digit in text)


def typed(*keys: bytes) -> bytes:
    return Keymap().feed(b"".join(keys))


def test_a_record_is_the_kernels() -> None:
    """On 64-bit Linux: 16 bytes of time, type, code, value; the vector is what `hexdump /dev/input/event4` shows."""
    vector = bytes.fromhex("1018A56900000000 4A2F060000000000 0100 0900 01000000")
    assert RECORD.size == 24
    assert Keymap().feed(vector) == b"8"


def test_digits_letters_and_the_end_of_a_code() -> None:
    assert typed(digits("81000001000000000001"), press(ENTER)) == b"81000001000000000001\r"
    assert typed(press(30), held(SHIFT, press(30)), press(15)) == b"aA\t"
    assert typed(press(96)) == b"\r"


@pytest.mark.parametrize("shift", [SHIFT, RIGHT_SHIFT])
def test_shift_gives_the_signs_of_a_us_keyboard(shift: int) -> None:
    assert typed(held(shift, *map(press, range(2, 14)))) == b"!@#$%^&*()_+"
    assert typed(held(shift, press(26), press(27), press(43), press(12))) == b"{}|_"


def test_every_printable_character_can_be_typed() -> None:
    said = {*PLAIN.values(), *SHIFTED.values(), *KEYPAD.values()}
    assert said == {chr(code) for code in range(0x20, 0x7F)}


def test_caps_lock_changes_nothing() -> None:
    assert typed(press(CAPS_LOCK), press(30), held(SHIFT, press(30))) == b"aA"


@pytest.mark.parametrize(
    "separator",
    [
        held(CTRL, press(27)),
        held(97, press(27)),
        press(66),
        held(ALT, press(82), press(80), press(73)),
        held(RIGHT_ALT, press(82), press(82), press(80), press(73)),
    ],
    ids=["Ctrl+]", "right Ctrl+]", "F8", "Alt+029", "right Alt+0029"],
)
def test_the_separator_of_gs1_comes_in_three_ways(separator: bytes) -> None:
    line = typed(digits("010690123456000810"), press(30), separator, digits("211"))
    assert line == b"010690123456000810a\x1d211"
    assert what_was_typed(wire.decode(line).text) == Gs1("06901234560008", lot="a", serial="1")


@pytest.mark.parametrize(
    "lost",
    [
        press(F1),
        held(ALT, press(80), press(82), press(82)),
        held(ALT, press(30)),
        held(CTRL, press(2)),
        record(0, 3, 0),
    ],
    ids=["a key without a character", "Alt beyond ASCII", "Alt with a letter", "Ctrl with a digit", "records dropped"],
)
def test_a_line_of_which_something_is_missing_is_refused(lost: bytes) -> None:
    with pytest.raises(BadFrame, match="not_text"):
        wire.decode(typed(digits("8100"), lost, digits("0001")))


def test_a_key_held_down_types_once() -> None:
    assert typed(record(1, 9, 1), record(1, 9, 2), record(1, 9, 2), record(1, 9, 0)) == b"8"


def test_records_that_were_dropped_leave_no_shift_behind() -> None:
    assert typed(record(1, SHIFT, 1), record(0, 3, 0), press(30)) == b"\x1aa"


def test_keys_come_through_in_slices_of_any_size() -> None:
    stream, keymap = digits("81000001000000000001") + press(ENTER), Keymap()
    assert b"".join(_one_by_one(keymap, stream)) == b"81000001000000000001\r"
    assert what_was_typed("81000001000000000001") == TraceCode("81000001000000000001")


def _one_by_one(keymap: Keymap, stream: bytes) -> Iterable[bytes]:
    return (keymap.feed(bytes([byte])) for byte in stream)
