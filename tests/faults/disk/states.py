"""Every disk a power cut may leave: what was synced is there; of the rest nothing, a beginning, parts, torn sectors."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from tests.faults.disk.trace import Answer, Event, Sync, Truncate, Write

SECTOR_BYTES = 512


class Left(Enum):
    """What a cut leaves of the writes no fsync vouches for."""

    NOTHING = "nothing"
    BEGINNING = "beginning"
    ANY_PART = "any part"
    TORN = "torn"


@dataclass(frozen=True, slots=True)
class Crash:
    """One disk as a cut leaves it, and the last line somebody had been told is recorded by then."""

    files: Mapping[str, bytes]
    told: Answer | None
    left: Left
    at: int


@dataclass(slots=True)
class _File:
    on_disk: bytearray = field(default_factory=bytearray)
    pending: list[Write | Truncate] = field(default_factory=list)


def crashes(
    events: Sequence[Event], before: Mapping[str, bytes], chance: Random, each: int, lying: Collection[str] = ()
) -> Iterator[Crash]:
    """Yield ``each`` crashes at every event after which something is not on the disk yet, and one at every other.

    ``before`` is what the files held; an fsync of a file in ``lying`` is answered and does nothing.
    """
    files = {name: _File(bytearray(content)) for name, content in before.items()}
    told: Answer | None = None
    for at, event in enumerate(events):
        if isinstance(event, Answer):
            told = event if told is None or event.seq > told.seq else told
        else:
            file = files.setdefault(event.file, _File())
            if not isinstance(event, Sync):
                file.pending.append(event)
            elif event.file not in lying:
                _apply(file.on_disk, file.pending)
                file.pending.clear()
        is_pending = any(file.pending for file in files.values())
        for _ in range(each if is_pending else 1):
            left = chance.choice(list(Left))
            yield Crash({name: _cut(file, left, chance) for name, file in files.items()}, told, left, at)


def _cut(file: _File, left: Left, chance: Random) -> bytes:
    if left is Left.NOTHING or not file.pending:
        return bytes(file.on_disk)
    content = bytearray(file.on_disk)
    if left is Left.BEGINNING:
        _apply(content, file.pending[: chance.randint(0, len(file.pending))])
        return bytes(content)
    kept = [change for change in file.pending if chance.random() < 0.5]  # either way
    if left is Left.TORN:
        kept = [_torn(change, chance) if isinstance(change, Write) else change for change in kept]
    chance.shuffle(kept)
    _apply(content, kept)
    return bytes(content)


def _torn(change: Write, chance: Random) -> Write:
    """Return a part of a write: whole sectors from its beginning or its end."""
    sectors = max(len(change.data) // SECTOR_BYTES, 1)
    at = chance.randint(0, sectors) * SECTOR_BYTES
    if chance.random() < 0.5:  # either way
        return Write(change.file, change.offset, change.data[:at])
    return Write(change.file, change.offset + at, change.data[at:])


def _apply(content: bytearray, changes: Sequence[Write | Truncate]) -> None:
    for change in changes:
        if isinstance(change, Truncate):
            del content[change.size :]
            continue
        end = change.offset + len(change.data)
        if len(content) < end:
            content.extend(bytes(end - len(content)))
        content[change.offset : end] = change.data
