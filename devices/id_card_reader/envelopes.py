"""What some makers put around a question to the SAM. Pure.

Answers need no unwrapping: the frame inside is found by its preamble and proved by its check byte, and what lies around
it is skipped like any noise.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

NO_ENVELOPE: Final = "none"
PASS_THROUGH_PREFIX: Final = b"D&C00040101"


def handheld(frame: bytes) -> bytes:
    """AA, two length bytes, A0 10, the frame, the sum of everything behind the AA."""
    inside = b"\xa0\x10" + frame
    counted = (len(inside) + 1).to_bytes(2, "big") + inside
    return b"\xaa" + counted + bytes([sum(counted) % 256])


def pass_through(frame: bytes) -> bytes:
    """Put the words in front that make a network reader hand the frame to its SAM."""
    return PASS_THROUGH_PREFIX + frame


def bare(frame: bytes) -> bytes:
    """Return the frame as it is."""
    return frame


ENVELOPES: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {NO_ENVELOPE: bare, "handheld": handheld, "pass_through": pass_through}
)
