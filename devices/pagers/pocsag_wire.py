"""POCSAG (ITU-R M.584): a page as the bits of a transmission, and as samples for a transmitter. Pure.

A transmission is a preamble and batches; a batch is a word of synchronisation and eight frames of two words each. A
pager listens to the frame that its number ends in, and to no other.
"""

import struct
from typing import Final

MOST_NUMBER: Final = 2_097_151
PREAMBLE: Final = "10" * 288
SYNC: Final = 0x7CD215D8
IDLE: Final = 0x7A89C197
SAMPLE_RATE: Final = 22_050
LOUD: Final = 12_000
_BATCH: Final = 16
_GENERATOR: Final = 0x769
_IS_MESSAGE: Final = 1 << 20
_MESSAGE_BITS: Final = 20
_END: Final = "\x03"


def codeword(content: int) -> int:
    """Return a word: 21 bits, ten bits of check and one of parity."""
    rest = content << 10
    for place in range(30, 9, -1):
        if rest >> place & 1:
            rest ^= _GENERATOR << (place - 10)
    checked = (content << 10 | rest) << 1
    return checked | checked.bit_count() & 1


def page(number: int, text: str, function: int) -> str:
    """Return the bits of a page on air, as "0" and "1". Raises ValueError for what no pager is sent."""
    if not 0 < number <= MOST_NUMBER or not 0 <= function <= 3:  # noqa: PLR2004 - two bits
        raise ValueError(f"a pager's number is 1..{MOST_NUMBER}, its function 0..3")
    if not text.isascii() or not text.isprintable():
        raise ValueError("a page holds printable ASCII")
    frame, address = number & 7, number >> 3
    words = [IDLE] * (2 * frame) + [codeword(address << 2 | function), *_message(text)]
    words += [IDLE] * (-len(words) % _BATCH)
    batches = ([SYNC, *words[at : at + _BATCH]] for at in range(0, len(words), _BATCH))
    return PREAMBLE + "".join(f"{word:032b}" for batch in batches for word in batch)


def samples(bits: str, baud: int) -> bytes:
    """Return 16-bit samples at 22,050 a second; a 1 is the lower level."""
    levels = {"0": struct.pack("<h", LOUD), "1": struct.pack("<h", -LOUD)}
    ends = [(place + 1) * SAMPLE_RATE // baud for place in range(len(bits))]
    return b"".join(levels[bit] * (end - start) for bit, start, end in zip(bits, [0, *ends], ends, strict=False))


def octets(bits: str) -> bytes:
    """Return bits as bytes, the first bit highest: a transmission is whole words."""
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _message(text: str) -> list[int]:
    """Return the words of a text: seven bits a letter, the lowest first, in a row over all words."""
    bits = "".join(f"{ord(letter):07b}"[::-1] for letter in text + _END)
    bits += "0" * (-len(bits) % _MESSAGE_BITS)
    return [codeword(_IS_MESSAGE | int(bits[at : at + _MESSAGE_BITS], 2)) for at in range(0, len(bits), _MESSAGE_BITS)]
