"""Outside witnesses: a second file, and each desk PC, remember the last line of the journal and tell what is gone.

A disk that drops a write, a log that was deleted or an older copy of the database leave a database that is whole in
itself: only somebody else can know that it once held more.
"""

import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, select

from clinic_server.kit.journal import Head, head_of, journal

_SLOT_BYTES: Final = 512  # a disk writes a sector whole or not at all
_DOMAIN: Final = b"clinic witness\n"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MissingRecords:
    """What a journal that ends at line ``there`` does not hold: the line ``known``, and perhaps others."""

    known: Head
    there: int

    @property
    def lines(self) -> int:
        """How many lines are gone for certain; none where others stand in their place."""
        return max(self.known.seq - self.there, 0)


class Witness:
    """The file of one server, which holds it from its start to its end; two slots, so that a torn write costs one.

    On another file system than ``records`` it is brought to the disk before anybody is answered. On the same one that
    would vouch for nothing more: there it outlives the process, not the disk.
    """

    def __init__(self, path: Path, key: bytes, records: Path | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._key = key
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        number = self._file.fileno()
        self._is_elsewhere = records is None or os.fstat(number).st_dev != records.parent.stat().st_dev
        slots = [_read(os.pread(number, _SLOT_BYTES, at), key) for at in (0, _SLOT_BYTES)]
        self._next = min((0, 1), key=lambda at: _order(slots[at]))
        self._known = max(filter(None, slots), key=_order, default=None)

    @property
    def known(self) -> Head | None:
        """The last line it remembers, or None when it is new."""
        return self._known

    def remember(self, head: Head) -> None:
        """Remember a line that is committed; a witness that cannot write falls behind, and the log says so."""
        if head == self._known:
            return
        try:
            os.pwrite(self._file.fileno(), _written(head, self._key), self._next * _SLOT_BYTES)
            if self._is_elsewhere:
                os.fdatasync(self._file.fileno())
        except OSError as error:
            _log.error("witness_failed", reason=error.strerror)
            return
        self._known, self._next = head, 1 - self._next

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        self._file.close()


def known_by(path: Path, key: bytes) -> Head | None:
    """Return what a witness remembers, without holding it."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    slots = [_read(content[at : at + _SLOT_BYTES], key) for at in (0, _SLOT_BYTES)]
    return max(filter(None, slots), key=_order, default=None)


def sealed(head: Head, key: bytes) -> str:
    """Return a line for a witness that is not trusted to make one up."""
    said = f"{head.epoch} {head.seq} {head.hash.hex()}"
    return f"{said} {_seal(said.encode(), key)}"


def unsealed(told: str, key: bytes) -> Head | None:
    """Return the line a witness was given; None for what this site never sealed."""
    said, _, seal = told.rpartition(" ")
    if not said or not told.isascii() or not hmac.compare_digest(seal, _seal(said.encode(), key)):
        return None
    epoch, seq, digest = said.split(" ")
    return Head(int(seq), bytes.fromhex(digest), int(epoch))


def missing_from(connection: Connection, known: Head | None) -> MissingRecords | None:
    """Compare what a witness remembers with the journal; None when nothing is missing.

    A later epoch than the witness knows began with a restore, which told what it would lose.
    """
    if known is None or not known.seq:  # a site that has recorded nothing has no line to miss
        return None
    there = head_of(connection)
    if there.epoch > known.epoch:
        return None
    kept: bytes | None = connection.execute(select(journal.c.hash).where(journal.c.seq == known.seq)).scalar()
    return None if kept == known.hash else MissingRecords(known, there.seq)


def _order(head: Head | None) -> tuple[int, int]:
    return (head.epoch, head.seq) if head else (0, 0)


def _written(head: Head, key: bytes) -> bytes:
    line = f"{sealed(head, key)}\n".encode()
    return line + bytes(_SLOT_BYTES - len(line))


def _read(slot: bytes, key: bytes) -> Head | None:
    return unsealed(slot.partition(b"\n")[0].decode("ascii", errors="replace"), key)


def _seal(said: bytes, key: bytes) -> str:
    return hmac.digest(key, _DOMAIN + said, "sha256").hex()
