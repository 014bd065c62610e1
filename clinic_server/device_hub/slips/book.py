"""What became of each slip, as far as memory goes: lost at a restart, and said so."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from clinic_server.device_hub.slips.rules import SlipKind, SlipState

MOST_REMEMBERED: Final = 30_000  # of a day of 12,000 people, every slip
GIVEN_UP_AFTER_S: Final = 120.0  # beyond a slip's own patience: whoever was to tell us is gone


@dataclass(frozen=True, slots=True)
class SlipShown:
    """What a desk sees of one slip."""

    kind: SlipKind
    state: SlipState
    is_copy: bool = False
    device_id: str | None = None
    ordered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A visit's last slip of a kind: the job its printer knows it by, and until when it may still say something."""

    visit_id: UUID
    shown: SlipShown
    job_id: str
    told_by_s: float


class Book:
    """The last slip of each kind of each visit; ``changed`` is told whose page should look again."""

    def __init__(self, monotonic: Callable[[], float], changed: Callable[[UUID], None]) -> None:
        self._monotonic = monotonic
        self._changed = changed
        self._entries: OrderedDict[tuple[UUID, SlipKind], _Entry] = OrderedDict()
        self._by_job: dict[str, _Entry] = {}

    def write(self, visit_id: UUID, shown: SlipShown, job_id: str = "", keep_s: float = 0.0) -> None:
        """Note a slip instead of the one before it, and forget the oldest of too many."""
        place = (visit_id, shown.kind)
        self._forget(self._entries.pop(place, None))
        entry = _Entry(visit_id, shown, job_id, self._monotonic() + keep_s + GIVEN_UP_AFTER_S)
        self._entries[place] = entry
        if job_id:
            self._by_job[job_id] = entry
        if len(self._entries) > MOST_REMEMBERED:
            self._forget(self._entries.popitem(last=False)[1])
        self._changed(visit_id)

    def settle(self, job_id: str, state: SlipState) -> None:
        """Note what was said of a job; of the slip before a copy nothing is noted any more."""
        if (entry := self._by_job.get(job_id)) is not None:
            self.write(entry.visit_id, replace(entry.shown, state=state))

    def shown(self, visit_id: UUID, kind: SlipKind) -> SlipShown | None:
        """Return what is known of a slip, or None where nothing is."""
        entry = self._entries.get((visit_id, kind))
        if entry is None:
            return None
        if entry.shown.state is SlipState.WAITING and self._monotonic() > entry.told_by_s:
            return replace(entry.shown, state=SlipState.UNKNOWN)
        return entry.shown

    def _forget(self, entry: _Entry | None) -> None:
        if entry is not None:
            self._by_job.pop(entry.job_id, None)
