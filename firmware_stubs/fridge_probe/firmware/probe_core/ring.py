"""Readings kept until the broker has confirmed them: a ring of slots that no power cut can make lie.

A slot is the record, its CRC-8, and one byte of state that is cleared before and set after the rest is written: a slot
written in part is void, whatever stood there before. That a record was sent changes the state alone.
"""

import random
import struct

from .crc import crc8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Store(Protocol):
        """Bytes that survive a power cut, in the order they were written."""

        def read(self, offset: int, length: int) -> bytes: ...

        def write(self, offset: int, octets: bytes) -> None: ...


BODY = "<IIIIiB"  # boot, seq, unix seconds (0: unknown), minutes up, millidegrees, flags
BODY_BYTES = struct.calcsize(BODY)
STATE_AT = BODY_BYTES + 1
SLOT_BYTES = BODY_BYTES + 2
CRC_START = 0xFF  # so that neither zeros nor erased flash pass for a record
SENSOR_ERROR = 1
VOID, UNSENT, SENT = 0x00, 0x5A, 0x33


class Record:
    """One reading; (boot, seq) is its name for ever. `milli_celsius` is None when the sensor did not answer."""

    __slots__ = ("boot", "milli_celsius", "minutes_up", "seq", "unix_s")

    def __init__(self, boot: int, seq: int, unix_s: int, minutes_up: int, milli_celsius: "int | None") -> None:
        self.boot = boot
        self.seq = seq
        self.unix_s = unix_s
        self.minutes_up = minutes_up
        self.milli_celsius = milli_celsius

    def packed(self) -> bytes:
        """Return body and checksum."""
        is_error = self.milli_celsius is None
        degrees, flags = (0, SENSOR_ERROR) if is_error else (self.milli_celsius, 0)
        body = struct.pack(BODY, self.boot, self.seq, self.unix_s, self.minutes_up, degrees, flags)
        return body + bytes([crc8(body, CRC_START)])


def record_in(slot: bytes) -> "Record | None":
    """Return the record of a whole slot, or None."""
    if len(slot) != SLOT_BYTES or slot[STATE_AT] not in (UNSENT, SENT):
        return None
    if crc8(slot[:BODY_BYTES], CRC_START) != slot[BODY_BYTES]:
        return None
    boot, seq, unix_s, minutes_up, degrees, flags = struct.unpack(BODY, slot[:BODY_BYTES])
    return Record(boot, seq, unix_s, minutes_up, None if flags & SENSOR_ERROR else degrees)


class Ring:
    """A probe's readings. `seq` goes on counting from start to start, and seq mod slots is the place of a record.

    Each opening is a new boot: one more than the newest record's, or a random one where no record is left, so that a
    probe with a new memory does not use its old names again.
    """

    def __init__(self, store: "Store", slots: int) -> None:
        self._store = store
        self._slots = slots
        self._states = bytearray(slots)
        newest: Record | None = None
        self._last_sent = -1
        for place in range(slots):
            record = self._opened(place)
            if record is not None and self._states[place] == SENT:
                self._last_sent = max(self._last_sent, record.seq)
            if record is not None and (newest is None or record.seq > newest.seq):
                newest = record
        self.newest = newest
        self.lost = 0
        self.boot = random.getrandbits(24) + 1 if newest is None else newest.boot + 1
        self._next_seq = 0 if newest is None else newest.seq + 1
        self._first_seq = max(0, self._next_seq - slots)

    def append(self, unix_s: int, minutes_up: int, milli_celsius: "int | None") -> Record:
        """Store a reading and return it. Raises OSError, and then nothing was stored."""
        record = Record(self.boot, self._next_seq, unix_s, minutes_up, milli_celsius)
        place = record.seq % self._slots
        if self._states[place] == UNSENT:
            self.lost += 1
        self._set_state(place, VOID)
        self._store.write(place * SLOT_BYTES, record.packed())
        self._set_state(place, UNSENT)
        self.newest = record
        self._next_seq += 1
        self._first_seq = max(self._first_seq, self._next_seq - self._slots)
        return record

    def oldest_unsent(self) -> "Record | None":
        """Return the record to send next."""
        while self._first_seq < self._next_seq:
            place = self._first_seq % self._slots
            if self._states[place] == UNSENT:
                record = self._opened(place)
                if record is not None:
                    return record
            self._first_seq += 1
        return None

    def mark_sent(self, record: Record) -> None:
        """Note that the broker has a record, unless a newer one has taken its place meanwhile."""
        if record.seq >= self._first_seq:
            self._set_state(record.seq % self._slots, SENT)
            self._last_sent = max(self._last_sent, record.seq)

    def distrust(self, count: int) -> None:
        """Take the records that were sent last for unsent once more, as many as that."""
        first = max(0, self._next_seq - self._slots, self._last_sent - count + 1)
        for seq in range(first, self._last_sent + 1):
            if self._states[seq % self._slots] == SENT:
                self._set_state(seq % self._slots, UNSENT)
        self._first_seq = min(self._first_seq, first)

    @property
    def unsent(self) -> int:
        """How many records wait."""
        return sum(1 for state in self._states if state == UNSENT)

    def _opened(self, place: int) -> "Record | None":
        slot = self._store.read(place * SLOT_BYTES, SLOT_BYTES)
        record = record_in(slot)
        if record is None or record.seq % self._slots != place:
            self._states[place] = VOID
            return None
        self._states[place] = slot[STATE_AT]
        return record

    def _set_state(self, place: int, state: int) -> None:
        self._states[place] = VOID
        self._store.write(place * SLOT_BYTES + STATE_AT, bytes([state]))
        self._states[place] = state


class FileStore:
    """A file of fixed size. On littlefs a flush is what makes it durable."""

    def __init__(self, path: str, size: int) -> None:
        try:
            self._file = open(path, "r+b")  # noqa: SIM115  # open for the life of the probe
        except OSError:
            self._file = open(path, "w+b")  # noqa: SIM115
        missing = size - self._file.seek(0, 2)
        if missing > 0:
            self._file.write(bytes(missing))
            self._file.flush()

    def read(self, offset: int, length: int) -> bytes:
        """See Store."""
        self._file.seek(offset)
        return self._file.read(length)

    def write(self, offset: int, octets: bytes) -> None:
        """See Store."""
        self._file.seek(offset)
        self._file.write(octets)
        self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
