"""How many doses the coming days need, and how far the stock goes: every figure is made of figures that are shown."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_UP, Decimal
from uuid import UUID

from clinic_server.immunisations.terms import Forecast, SeriesStanding, SeriesStatus

DAYS_AHEAD = 14
DAYS_BACK = 28  # whole weeks, so that every weekday counts alike
_BEGUN = frozenset({SeriesStatus.UNDER_WAY, SeriesStatus.BOOSTER_OPEN, SeriesStatus.COMPLETE})


@dataclass(frozen=True, slots=True)
class Due:
    """When somebody's next dose of a vaccine may be given, should be, and is late."""

    earliest_on: date
    recommended_on: date
    past_due_on: date | None


@dataclass(frozen=True, slots=True)
class Need:
    """What a day needs: (due + walk-ins) × (1 + loss), rounded up to whole doses."""

    on: date
    due: int
    walk_ins: Decimal
    doses: int


@dataclass(frozen=True, slots=True)
class LotOnHand:
    """The usable doses of a lot; it is good through its day of expiry."""

    lot_id: UUID
    expires_on: date
    doses: int


@dataclass(frozen=True, slots=True)
class DayAhead:
    """A day to come: what it needs, what the days before leave it of the stock, and how many doses are missing."""

    need: Need
    usable: int
    short: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The days to come, and what they leave of each lot."""

    days: tuple[DayAhead, ...]
    left_over: Mapping[UUID, int]

    @property
    def days_of_cover(self) -> int | None:
        """How many days from the first on have all they need before one does not; None: all have."""
        return next((place for place, day in enumerate(self.days) if day.short), None)


def next_doses(standings: Iterable[SeriesStanding], had: Sequence[str], stocked: Collection[str]) -> Mapping[str, Due]:
    """Return what somebody will need next, by vaccine; ``had`` is what they had before, the latest last.

    A vaccine against several things serves several series and is needed once, on the first of their days.
    """
    found: dict[str, Due] = {}
    for standing in standings:
        told = standing.forecast
        if told.status not in _BEGUN or told.earliest_on is None or told.recommended_on is None:
            continue
        vaccine_code = vaccine_for(told, had, stocked)
        known = found.get(vaccine_code or "")
        if vaccine_code and (known is None or told.recommended_on < known.recommended_on):
            found[vaccine_code] = Due(told.earliest_on, told.recommended_on, told.past_due_on)
    return found


def vaccine_for(told: Forecast, had: Sequence[str], stocked: Collection[str]) -> str | None:
    """Return the vaccine a next dose will be of: the one they had, else one that the site has, else the first."""
    choices = told.preferable or told.allowable
    again = (code for code in reversed(had) if code in choices)
    here = (code for code in choices if code in stocked)
    return next(again, None) or next(here, None) or next(iter(choices), None)


def walk_ins_on(on: date, past: Mapping[date, int], days_open: Collection[date]) -> Decimal:
    """Return the mean of the past days of the same weekday, or of all where none of them is among the days."""
    alike = [day for day in days_open if day.weekday() == on.weekday()] or list(days_open)
    if not alike:
        return Decimal(0)
    return _rounded_up(Decimal(sum(past.get(day, 0) for day in alike)) / len(alike), "0.1")


def days_known(past: Iterable[date], today: date) -> Sequence[date]:
    """Return the days before today from the first that anything is known of, closed ones among them."""
    first = min((day for day in past if day < today), default=today)
    return [first + timedelta(days=count) for count in range((today - first).days)]


def loss_factor(written_off: int, given: int) -> Decimal:
    """Return the doses written off for each that was given: Σ written-off doses ÷ doses administered."""
    return _rounded_up(Decimal(written_off) / given, "0.001") if given else Decimal(0)


def need_on(on: date, due: int, walk_ins: Decimal, loss: Decimal) -> Need:
    """Return what a day needs."""
    return Need(on, due, walk_ins, math.ceil((due + walk_ins) * (1 + loss)))


def planned(needs: Iterable[Need], lots: Iterable[LotOnHand]) -> Plan:
    """Let the days use the lots up, what expires first first (近效期先出)."""
    in_order = sorted(lots, key=lambda lot: lot.expires_on)
    left = {lot.lot_id: lot.doses for lot in in_order}
    days = []
    for need in needs:
        good = [lot.lot_id for lot in in_order if lot.expires_on >= need.on]
        usable = sum(left[lot_id] for lot_id in good)
        _take(left, good, need.doses)
        days.append(DayAhead(need, usable, max(0, need.doses - usable)))
    return Plan(tuple(days), left)


def _take(left: dict[UUID, int], lots: Iterable[UUID], doses: int) -> None:
    for lot_id in lots:
        taken = min(doses, left[lot_id])
        left[lot_id] -= taken
        doses -= taken


def _rounded_up(figure: Decimal, step: str) -> Decimal:
    return figure.quantize(Decimal(step), ROUND_UP)
