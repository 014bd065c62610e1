"""CRC-8 as Maxim's 1-Wire devices compute it."""

POLYNOMIAL = 0x8C  # x^8 + x^5 + x^4 + 1, bits reversed


def crc8(octets: bytes, start: int = 0) -> int:
    """Return the checksum; with `start` 0 that of nothing but zeros is 0, which is why a scratchpad is judged twice."""
    crc = start
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ POLYNOMIAL if crc & 1 else crc >> 1
    return crc
