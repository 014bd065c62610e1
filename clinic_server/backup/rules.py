"""What a backup is called and tells, how long it is kept, and when the last one is too old. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

KEPT: Final[Sequence[tuple[int, Callable[[datetime], object]]]] = (
    (24, lambda at: (at.date(), at.hour)),
    (14, lambda at: at.date()),
    (12, lambda at: (at.year, at.month)),
)  # the last one of so many hours, days and months
TOO_OLD_AFTER = timedelta(hours=2)
SUFFIX = ".age"
_NAME = re.compile(r"clinic-(?P<site>[A-Za-z0-9-]+)-(?P<made>\d{8}T\d{6}Z)\.age")
_MADE = "%Y%m%dT%H%M%SZ"


class BackupFailed(Exception):
    """No backup was made, or none can be restored from this file; ``code`` says why, ``about`` names what."""

    def __init__(self, code: str, about: str = "") -> None:
        super().__init__(code, about)
        self.code = code
        self.about = about


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, in its first bytes once opened; ``journal_hash`` is hexadecimal."""

    site: str
    made_at: datetime
    engine: str
    schema: str
    journal_seq: int
    journal_hash: str
    epoch: int
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup as it lies in its folder."""

    name: str
    made_at: datetime
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """What a restore would lose against what is there: lines of the same history, or all of another."""

    lines: int
    is_another_history: bool = False


def name_of(site: str, made_at: datetime) -> str:
    """Return what a backup is called: by its site and its moment in UTC."""
    return f"clinic-{site}-{made_at.astimezone(UTC).strftime(_MADE)}{SUFFIX}"


def made_at_of(name: str, site: str) -> datetime | None:
    """Return the moment of a site's backup from its name; None for any other file."""
    found = _NAME.fullmatch(name)
    if found is None or found["site"] != site:
        return None
    try:
        return datetime.strptime(found["made"], _MADE).replace(tzinfo=UTC)
    except ValueError:
        return None


def to_prune(kept: Iterable[Kept], known_good: datetime) -> Sequence[Kept]:
    """Return the backups that no schedule asks for any more; none is younger than the latest known to be good."""
    latest_first = sorted(kept, key=lambda one: one.made_at, reverse=True)
    wanted = {one.name for one in latest_first if one.made_at >= known_good}
    for count, span_of in KEPT:
        spans: dict[object, str] = {}
        for one in latest_first:
            spans.setdefault(span_of(one.made_at), one.name)
        wanted |= set(list(spans.values())[:count])
    return [one for one in latest_first if one.name not in wanted]


def is_too_old(last_at: datetime | None, now: datetime) -> bool:
    """Tell whether more would be lost with this machine than a site should bear."""
    return last_at is None or now - last_at > TOO_OLD_AFTER


def lost_by(backup: Manifest, present_seq: int, hash_there: str | None) -> Lost:
    """Compare a backup with a journal: its last line, and the hash of its line with the backup's number."""
    if hash_there == backup.journal_hash:
        return Lost(present_seq - backup.journal_seq)
    return Lost(present_seq, is_another_history=present_seq > 0)
