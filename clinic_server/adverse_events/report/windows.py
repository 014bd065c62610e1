"""Whether an event began when its kind is expected to after a dose; outside of it, it is reported none the less."""

from datetime import datetime, timedelta
from enum import StrEnum

from clinic_server.adverse_events.kinds import Kind, OnsetUnit
from clinic_server.immunisations.dates import Span


class OnsetFinding(StrEnum):
    """What is unexpected about an event after a dose."""

    ONSET_TOO_SOON = "onset_too_soon"
    ONSET_TOO_LATE = "onset_too_late"
    NOT_AFTER_THIS_VACCINE = "not_after_this_vaccine"


def onset_findings(
    kind: Kind, onset_at: datetime, given_at: datetime, antigens: tuple[str, ...] | None
) -> tuple[OnsetFinding, ...]:
    """Return what is unexpected about a kind of event after one dose; both instants by the site's clock.

    Hours are counted to the minute, days, weeks and months by the calendar. ``antigens`` is None of a dose given
    elsewhere, of which nobody knows what it was against.
    """
    found = []
    if kind.unit is not None and kind.onset_until is not None:
        if onset_at < _after(given_at, kind.unit, kind.onset_from):
            found.append(OnsetFinding.ONSET_TOO_SOON)
        if onset_at >= _end_of(_after(given_at, kind.unit, kind.onset_until), kind.unit):
            found.append(OnsetFinding.ONSET_TOO_LATE)
    if kind.only_after and antigens is not None and not set(kind.only_after) & set(antigens):
        found.append(OnsetFinding.NOT_AFTER_THIS_VACCINE)
    return tuple(found)


def _after(given_at: datetime, unit: OnsetUnit, count: int) -> datetime:
    if unit is OnsetUnit.HOURS:
        return given_at + timedelta(hours=count)
    span = {
        OnsetUnit.DAYS: Span(days=count),
        OnsetUnit.WEEKS: Span(days=7 * count),
        OnsetUnit.MONTHS: Span(months=count),
    }[unit]
    if not count:
        return given_at
    return datetime.combine(span.after(given_at.date()), datetime.min.time(), given_at.tzinfo)


def _end_of(last: datetime, unit: OnsetUnit) -> datetime:
    """Return the first instant that is too late: the last day, or the last minute, counts whole."""
    return last + (timedelta(minutes=1) if unit is OnsetUnit.HOURS else timedelta(days=1))
