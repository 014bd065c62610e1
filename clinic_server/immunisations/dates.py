"""Spans of time as schedules write them, and the days they lead to."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

_PART = re.compile(r"(\d{1,4}) (day|week|month|year)s?")
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
    months = days = 0
    for sign, part in _signed_parts(words):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"“{words}” is no span of time, such as “21 days”, “6 months” or “6 weeks - 4 days”")
        months += sign * int(match[1]) * _MONTHS.get(match[2], 0)
        days += sign * int(match[1]) * _DAYS.get(match[2], 0)
    return Span(months, days)


def _signed_parts(words: str) -> Iterator[tuple[int, str]]:
    first, *rest = re.split(r" ([+-]) ", words)
    yield 1, first
    for sign, part in zip(rest[::2], rest[1::2], strict=True):
        yield (1 if sign == "+" else -1), part


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:  # CDSi, logic specification, date rules: 31 March + 6 months is 1 October
        return date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
