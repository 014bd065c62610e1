"""The nine bytes of a DS18B20: whether they are a measurement, and which. Source: Maxim's data sheet."""

from .crc import crc8

LENGTH = 9
POWER_ON = 0x0550  # 85 degrees, which a sensor shows until it has measured
POWER_ON_COUNT = 0x0C  # byte 6 of a sensor that has not measured since its reset
FIXED_CONFIG_BITS = 0x9F
CONFIG_PATTERN = 0x1F
RESERVED = 0xFF  # byte 5
UNUSED_BITS = (0x7, 0x3, 0x1, 0x0)  # of 9 to 12 bits of resolution


def milli_celsius(scratchpad: bytes) -> "int | None":
    """Return integer millidegrees, ties to even, or None for what no sensor measured.

    A bus that is shorted reads as zeros, whose checksum is right; one that nobody drives reads as ones.
    """
    if len(scratchpad) != LENGTH or crc8(scratchpad) != 0:
        return None
    low, high, _, _, config, reserved, count = scratchpad[:7]
    if reserved != RESERVED or config & FIXED_CONFIG_BITS != CONFIG_PATTERN:
        return None
    raw = high << 8 | low
    if raw == POWER_ON and count == POWER_ON_COUNT:
        return None
    raw &= ~UNUSED_BITS[config >> 5]
    half_millidegrees = (raw - 0x10000 if raw & 0x8000 else raw) * 125
    whole, is_tie = divmod(half_millidegrees, 2)
    return whole + (is_tie and whole & 1)
