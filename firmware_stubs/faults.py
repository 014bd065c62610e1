"""What can befall a message on its way from a device, the same for every stub."""

from enum import StrEnum
from typing import Final

LATE_S: Final = 0.5  # later than a find or select may take


class Fault(StrEnum):
    """One mishap: lost, one bit turned, late, cut in half, and cut in half by unplugging, gently or abruptly."""

    DROP = "drop"
    GARBLE = "garble"
    DELAY = "delay"
    HALVE = "halve"
    UNPLUG = "unplug"
    PULL_OUT = "pull_out"


def spoilt(payload: bytes, fault: Fault | None) -> bytes:
    """Return what reaches the host; an unplugging lets half of the message through."""
    if fault is Fault.DROP:
        return b""
    if fault is Fault.GARBLE and payload:
        middle = len(payload) // 2
        return payload[:middle] + bytes([payload[middle] ^ 0x01]) + payload[middle + 1 :]
    if fault in {Fault.HALVE, Fault.UNPLUG, Fault.PULL_OUT}:
        return payload[: len(payload) // 2]
    return payload
