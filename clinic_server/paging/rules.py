"""How far a page has to get, when it is tried again, when the weekly test is due, and what makes a site deaf."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.staff.rules import Role
from devices.pagers.page import Reached

PAGING: Final = "paging"  # the topic of the pages that show channels, attempts and tests
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHANNEL_CODE: Final = r"^[a-z0-9][a-z0-9-]{0,31}$"
KEEPERS: Final = frozenset({Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER})
TRIED_AGAIN_AFTER_S: Final = (30.0, 120.0, 300.0)
BETWEEN_TESTS: Final = timedelta(days=6)
LATEST_TEST: Final = timedelta(hours=12)
TEST_OVERDUE_AFTER: Final = timedelta(days=8)
REHEARSED_FOR: Final = timedelta(minutes=15)
ANSWER_WITHIN: Final = timedelta(hours=2)
TAKEN: Final = frozenset({Reached.ACCEPTED, Reached.QUEUED, Reached.DELIVERED, Reached.READ, Reached.REPLIED})
_STILL_OPEN: Final = frozenset({Reached.ACCEPTED, Reached.QUEUED, Reached.DELIVERED, Reached.READ})


class Deafness(StrEnum):
    """Why an alarm might wake nobody."""

    NO_CHANNEL = "no_channel"
    NOBODY_TO_PAGE = "nobody_to_page"
    CHANNELS_FAIL = "channels_fail"
    PAGES_UNDELIVERED = "pages_undelivered"
    TEST_OVERDUE = "test_overdue"
    TEST_UNANSWERED = "test_unanswered"


class HowAnswered(StrEnum):
    """How somebody answered the weekly test."""

    PAGER = "pager"
    NOTED = "noted"


class ChannelUnknown(NotFound):
    """No channel of this site has this code, or it was taken out of use."""

    code = "channel_unknown"


class ChannelRefused(Refused):
    """A description through which no page can go; ``reason`` is the driver's own sentence."""

    code = "channel_refused"


class NoSuchTest(NotFound):
    """No weekly test has this number."""

    code = "page_test_unknown"


class RehearsalRunning(Conflict):
    """A rehearsal is under way already."""

    code = "rehearsal_running"


@dataclass(frozen=True, slots=True)
class ChannelStanding:
    """What is known of one channel: how far its last page got, None where none was sent."""

    code: str
    last: Reached | None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What decides whether an alarm would be heard."""

    channels: Sequence[ChannelStanding]
    people: int
    undelivered: int
    tested_at: datetime | None
    unanswered: int


def is_taken(reached: Reached) -> bool:
    """Tell whether the service at least took the page; of most services no more can be known."""
    return reached in TAKEN


def is_final(reached: Reached) -> bool:
    """Tell whether no more news is to be expected of a page that can be followed."""
    return reached not in _STILL_OPEN


def tried_again_after_s(tries: int) -> float | None:
    """Return how long to wait after so many vain tries, or None where it is given up."""
    return TRIED_AGAIN_AFTER_S[tries - 1] if 0 < tries <= len(TRIED_AGAIN_AFTER_S) else None


def test_slot(now: datetime, weekday: str, at: time, begun: Collection[datetime]) -> date | None:
    """Return the day whose weekly test is due at a local time, or None.

    None too while another test lies less than six days off, before or after: a clock that was set, or a new weekday,
    never makes two in a week.
    """
    back = (now.weekday() - WEEKDAYS.index(weekday)) % 7
    slot = datetime.combine(now.date() - timedelta(days=back), at, now.tzinfo)
    if not slot <= now < slot + LATEST_TEST:
        return None
    return None if any(abs(now - other) < BETWEEN_TESTS for other in begun) else slot.date()


def deafness(hearing: Hearing, now: datetime) -> tuple[Deafness, ...]:
    """Return every reason why an alarm might wake nobody, the worst first."""
    if not hearing.channels:
        return (Deafness.NO_CHANNEL,)
    used = [one.last for one in hearing.channels if one.last is not None]
    is_tested = hearing.tested_at is not None and now - hearing.tested_at < TEST_OVERDUE_AFTER
    said = {
        Deafness.NOBODY_TO_PAGE: hearing.people == 0,
        Deafness.CHANNELS_FAIL: bool(used) and not any(is_taken(reached) for reached in used),
        Deafness.PAGES_UNDELIVERED: hearing.undelivered > 0,
        Deafness.TEST_OVERDUE: not is_tested,
        Deafness.TEST_UNANSWERED: hearing.unanswered > 0,
    }
    return tuple(reason for reason, is_so in said.items() if is_so)
