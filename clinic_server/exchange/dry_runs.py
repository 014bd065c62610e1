"""Files that were looked through and wait to be confirmed; kept in memory, for a file that is lost is sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from clinic_server.exchange.reading import lines_of
from clinic_server.exchange.rows import CodeOf, Told, told_by
from clinic_server.exchange.rules import COLUMNS_IN, DryRunUnknown, Fault, ImportKind, table_of
from clinic_server.exchange.words import headings
from clinic_server.kit.clock import Clock

VALID_FOR: Final = timedelta(minutes=30)
_MOST_KEPT = 20
_MOST_NAME = 120


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody sent it."""

    kind: ImportKind
    name: str
    content: bytes
    sent_by: UUID


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a file says, and what is wrong with it whatever the site knows."""

    kind: ImportKind
    sha256: str
    file_name: str
    sent_by: UUID
    rows: int
    told: Sequence[Told]
    faults: Sequence[Fault]
    valid_until: datetime


class DryRuns:
    """The files that wait, each for whoever sent it; lives on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[tuple[UUID, ImportKind, str], DryRun] = {}

    def keep(self, run: DryRun) -> None:
        """Keep a file until it is confirmed, expires, or too many others came after it."""
        place = (run.sent_by, run.kind, run.sha256)
        self._waiting.pop(place, None)
        self._waiting[place] = run
        for oldest in list(self._waiting)[:-_MOST_KEPT]:
            del self._waiting[oldest]

    def require(self, sent_by: UUID | None, kind: ImportKind, digest: str) -> DryRun:
        """Return the file with this digest, or raise DryRunUnknown."""
        found = self._waiting.get((sent_by, kind, digest)) if sent_by else None
        if found is None or found.valid_until < self._clock.now():
            raise DryRunUnknown
        return found


def dry_run_of(upload: Upload, code_of: CodeOf, now: datetime) -> DryRun:
    """Return what a file says row by row, or raise what is wrong with it as a whole."""
    known = headings()
    table = table_of(lines_of(upload.content, known), known, COLUMNS_IN[upload.kind])
    told, faults = told_by(upload.kind, table, code_of)
    return DryRun(
        upload.kind,
        sha256(upload.content).hexdigest(),
        _shown_name(upload.name),
        upload.sent_by,
        len(table.rows),
        told,
        faults,
        now + VALID_FOR,
    )


def _shown_name(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:_MOST_NAME] or "?"
