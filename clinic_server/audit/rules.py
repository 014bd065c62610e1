"""What is a look at somebody's data, when it is one more (once a minute per person and page), and when one too many."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from clinic_server.kit.errors import ClinicError

AGAIN_AFTER: Final = timedelta(minutes=1)
_MOST_REMEMBERED: Final = 20_000


class Subject(StrEnum):
    """What of somebody was looked at."""

    VISIT = "visit"
    PERSON = "person"
    DOSE = "dose"
    ADVERSE_EVENT = "adverse_event"
    SEARCH = "search"


class TooManySearches(ClinicError):
    """Somebody searched for more people than anybody has at their desk; ``minutes`` says for how long it is refused."""

    code = "too_many_searches"
    status = 429

    def __init__(self, wait: timedelta) -> None:
        super().__init__(minutes=math.ceil(wait / timedelta(minutes=1)))
        self.retry_after_s = math.ceil(wait.total_seconds())


@dataclass(frozen=True, slots=True)
class SearchLimit:
    """How often one person may search for somebody within a time."""

    most: int
    within: timedelta

    def refusal(self, begun_at: Collection[datetime], now: datetime) -> TooManySearches | None:
        """Return why one more search is refused, after those begun then; it goes again once the oldest is past."""
        counted = sorted((at for at in begun_at if now - self.within < at <= now), reverse=True)
        return TooManySearches(counted[self.most - 1] + self.within - now) if len(counted) >= self.most else None


_BY_PARAMETER: Final = {"visit_id": Subject.VISIT, "person_id": Subject.PERSON, "dose_id": Subject.DOSE}
_EVENT_PAGES: Final = ("/adverse-events/{number}", "/api/v1/adverse-events/{number}")


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody saw a page of one person's; ``page`` is its route, never an address with what was typed."""

    staff_id: UUID
    subject: Subject
    subject_id: str
    page: str
    looked_at: datetime
    station: str | None = None

    @property
    def same(self) -> tuple[UUID, str, str]:
        """What makes two looks one within the minute."""
        return self.staff_id, self.subject_id, self.page


@dataclass(slots=True)
class LatelySeen:
    """Remembers who looked at what within the last minute."""

    _last: dict[tuple[UUID, str, str], datetime] = field(default_factory=dict)

    def is_one_more(self, look: Look) -> bool:
        """Tell whether a look is one more, and remember it; the refresh of an open page within the minute is not."""
        last = self._last.get(look.same)
        if last is not None and timedelta(0) <= look.looked_at - last < AGAIN_AFTER:
            return False
        if len(self._last) >= _MOST_REMEMBERED:
            self._last = {same: at for same, at in self._last.items() if look.looked_at - at < AGAIN_AFTER}
        self._last[look.same] = look.looked_at
        return True


def subject_of(page: str, parameters: Mapping[str, object]) -> tuple[Subject, str] | None:
    """Return whose data a page's route shows, or None where it is no one person's."""
    if page.startswith(_EVENT_PAGES):
        return Subject.ADVERSE_EVENT, str(parameters["number"])
    for name, subject in _BY_PARAMETER.items():
        if name in parameters:
            return subject, str(UUID(str(parameters[name])))
    return None
