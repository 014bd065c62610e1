"""Spans of time as schedules write them, and the days they lead to."""

import re
from datetime import date, timedelta

_PART = r"(\d{1,4}) (day|week|month|year)s?"
_WHOLE = re.compile(rf"{_PART}(?: [+-] {_PART})*")
_SIGNED = re.compile(rf"(?:([+-]) )?{_PART}")
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


class Span:
    """A span of calendar months and days, such as "6 months" or "6 weeks - 4 days".

    No dataclass: msgspec would read one from a table, and a span is written in words.
    """

    __slots__ = ("days", "months")

    def __init__(self, months: int = 0, days: int = 0) -> None:
        self.months, self.days = months, days

    def after(self, day: date) -> date:
        """Return the day this span after another: months first; a month too short gives the first of the next."""
        return _months_after(day, self.months) + timedelta(days=self.days)


def span_from(words: str) -> Span:
    """Return the span that words such as "2 years + 6 months" or "6 weeks - 4 days" mean; raises ValueError."""
    if not _WHOLE.fullmatch(words):
        raise ValueError(f"“{words}” is no span of time, such as “21 days”, “6 months” or “6 weeks - 4 days”")
    months = days = 0
    for sign, count, unit in _SIGNED.findall(words):
        signed = -int(count) if sign == "-" else int(count)
        months += signed * _MONTHS.get(unit, 0)
        days += signed * _DAYS.get(unit, 0)
    return Span(months, days)


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:  # CDSi, logic specification, date rules: 31 March + 6 months is 1 October
        return date(year, month + 2, 1)  # never past the year: December has 31 days
