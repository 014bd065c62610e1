"""What is due by hand and when, what certificates and appliances are worth, how long readings are kept."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic_server.alerts.rules import Alarm, AlertFacts, AlertKind
from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.staff.rules import Role
from clinic_server.stock.whereabouts import PlaceKind

READERS: Final = frozenset({Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.VACCINATOR, Role.PHYSICIAN})
KEEPERS: Final = frozenset({Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD})
READ_BY_HAND: Final = frozenset({PlaceKind.FRIDGE, PlaceKind.FREEZER})
LEAST_APART: Final = timedelta(hours=6)
MISSED_SHOWN_DAYS: Final = 14
DUE_SOON: Final = timedelta(days=30)
MOST_DEVIATION_MILLI_CELSIUS: Final = 500  # what the norm bears of an automatic monitor
KEPT_YEARS: Final = 5
_MINUSES: Final = str.maketrans(dict.fromkeys("−–—‐‑‒﹣", "-") | dict.fromkeys(",。·", "."))
_TYPED: Final = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]{1,3})(?:\.(?P<tenth>[0-9]))?(?:°C|C|度)?")
_PLAUSIBLE_MILLI_CELSIUS: Final = range(-95_000, 60_001)


class Half(StrEnum):
    """Which of a day's two readings by hand."""

    MORNING = "morning"
    AFTERNOON = "afternoon"


_WINDOWS: Final = {Half.MORNING: (time(6), time(11)), Half.AFTERNOON: (time(12), time(18))}  # until, not including


class RoundState(StrEnum):
    """Whether somebody has to go and look."""

    DONE = "done"
    DUE = "due"
    NOT_YET = "not_yet"
    MISSED = "missed"


class ServiceKind(StrEnum):
    """What was done to a fridge or a cold box."""

    SERVICED = "serviced"
    REPAIRED = "repaired"
    DEFROSTED = "defrosted"
    OUT_OF_SERVICE = "out_of_service"
    BACK_IN_SERVICE = "back_in_service"


class CertificateState(StrEnum):
    """Whether a probe's calibration counts today."""

    VALID = "valid"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    NONE = "none"


class NoReadingNow(Refused):
    """Temperatures are read by hand in the morning and in the afternoon."""

    code = "no_reading_now"


class ReadingTooSoon(Refused):
    """The afternoon's reading comes six hours after the morning's; ``at`` says from when."""

    code = "reading_too_soon"


class TemperatureUnreadable(Refused):
    """A temperature is a number of degrees Celsius with one decimal at most."""

    code = "temperature_unreadable"


class ActionNeeded(Refused):
    """Whoever reads a temperature out of range says what they did about it."""

    code = "reading_needs_action"


class NotReadByHand(Refused):
    """Nobody reads this kind of place by hand, or it is out of service."""

    code = "not_read_by_hand"


class CertificateUnknown(NotFound):
    """No certificate has this id."""

    code = "certificate_unknown"


class CertificateDatesWrong(Refused):
    """A certificate is of a day that was, and is valid beyond it."""

    code = "certificate_dates_wrong"


class CertificateStands(Conflict):
    """Two people have signed this certificate already."""

    code = "certificate_stands"


class UpkeepNeedsSecond(Refused):
    """Who entered it does not confirm it as well."""

    code = "upkeep_needs_second"


class ApplianceUnknown(NotFound):
    """No appliance is entered for this place."""

    code = "appliance_unknown"


class PlaceHoldsVaccine(Refused):
    """A place that vaccine stands in stays in service."""

    code = "place_holds_vaccine"


@dataclass(frozen=True, slots=True)
class Round:
    """One of the two readings a place needs on a day; ``opens_at`` and ``closes_at`` bound when it counts."""

    on: date
    half: Half
    state: RoundState
    opens_at: datetime
    closes_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Tell whether a reading taken now belongs to it."""
        return self.opens_at <= now < self.closes_at


@dataclass(frozen=True, slots=True)
class Certificate:
    """A calibration of a probe that two people signed; the deviation is stated here and applied nowhere."""

    certificate_id: UUID
    probe_id: str
    certificate_number: str
    laboratory: str
    calibrated_on: date
    valid_until: date
    deviation_milli_celsius: int

    @property
    def is_beyond_norm(self) -> bool:
        """Whether the probe is further off than the norm bears."""
        return abs(self.deviation_milli_celsius) > MOST_DEVIATION_MILLI_CELSIUS


def typed_milli_celsius(typed: str) -> int:
    """Return a temperature as people type it: full-width digits, a comma, any of the minus signs, with or without °C.

    Raises TemperatureUnreadable.
    """
    plain = "".join(unicodedata.normalize("NFKC", typed).split()).translate(_MINUSES)
    found = _TYPED.fullmatch(plain)
    if found is None:
        raise TemperatureUnreadable
    size = int(found["whole"]) * 1000 + int(found["tenth"] or 0) * 100
    milli_celsius = -size if found["sign"] == "-" else size
    if milli_celsius not in _PLAUSIBLE_MILLI_CELSIUS:
        raise TemperatureUnreadable
    return milli_celsius


def rounds_of_day(on: date, now: datetime, read_at: Mapping[Half, Sequence[datetime]], zone: ZoneInfo) -> list[Round]:
    """Return the two rounds of a day as they stand; the afternoon opens six hours after the morning's first reading."""
    rounds = []
    for half, (starts, ends) in _WINDOWS.items():
        opens_at, closes_at = (datetime.combine(on, at, zone).astimezone(UTC) for at in (starts, ends))
        if half is Half.AFTERNOON and read_at.get(Half.MORNING):
            opens_at = max(opens_at, min(read_at[Half.MORNING]) + LEAST_APART)
        rounds.append(Round(on, half, _state(now, opens_at, closes_at, read_at.get(half, ())), opens_at, closes_at))
    return rounds


def round_to_read(rounds: Iterable[Round], now: datetime, zone: ZoneInfo) -> Round:
    """Return the round a reading taken now belongs to, or raise ReadingTooSoon or NoReadingNow."""
    ours = list(rounds)
    for one in ours:
        if one.is_open(now):
            return one
    for one in ours:
        if one.half is Half.AFTERNOON and _window_opened(one, now, zone):
            raise ReadingTooSoon(at=one.opens_at.astimezone(zone).strftime("%H:%M"))
    raise NoReadingNow


def rounds_since(
    since: datetime, now: datetime, read_at: Mapping[tuple[date, Half], Sequence[datetime]], zone: ZoneInfo
) -> Iterator[Round]:
    """Yield the rounds since an instant, oldest first; one that had opened before may be read and is never missed."""
    day, last = since.astimezone(zone).date(), now.astimezone(zone).date()
    while day <= last:
        told = {half: read_at.get((day, half), ()) for half in Half}
        rounds = rounds_of_day(day, now, told, zone)
        yield from (one for one in rounds if one.opens_at >= since or one.state is not RoundState.MISSED)
        day += timedelta(days=1)


def missed_last(rounds: Iterable[Round]) -> Round | None:
    """Return the round that was missed and not made up for: nobody has read since."""
    settled = [one for one in rounds if one.state in {RoundState.DONE, RoundState.MISSED}]
    return settled[-1] if settled and settled[-1].state is RoundState.MISSED else None


def was_in_service(turns: Iterable[tuple[datetime, ServiceKind]], at: datetime) -> bool:
    """Tell whether an appliance was in service at an instant, by the entries about it, oldest first."""
    told = [kind for told_at, kind in turns if told_at <= at and kind in _TURNS]
    return not told or told[-1] is ServiceKind.BACK_IN_SERVICE


def refuse_dates(calibrated_on: date, valid_until: date, today: date) -> None:
    """Raise CertificateDatesWrong unless a calibration lies behind us and its validity beyond it."""
    if calibrated_on > today or valid_until <= calibrated_on:
        raise CertificateDatesWrong


def valid_a_year(calibrated_on: date) -> date:
    """Return until when a certificate counts that does not say it itself."""
    return _years_later(calibrated_on, 1)


def certificate_state(valid_until: date | None, today: date) -> CertificateState:
    """Return what a probe's latest certificate is worth; it counts on its last day."""
    if valid_until is None:
        return CertificateState.NONE
    if valid_until < today:
        return CertificateState.OVERDUE
    return CertificateState.DUE_SOON if valid_until - today <= DUE_SOON else CertificateState.VALID


def refuse_same_person(entered_by: UUID, confirmed_by: UUID) -> None:
    """Raise UpkeepNeedsSecond where one person would be both."""
    if entered_by == confirmed_by:
        raise UpkeepNeedsSecond


def kept_until(latest_expiry: date | None) -> date | None:
    """Return until when a place's readings are kept at least: five years beyond the last expiry that stood there."""
    return None if latest_expiry is None else _years_later(latest_expiry, KEPT_YEARS)


def to_raise(wanted: Mapping[str, Alarm], standing: Iterable[AlertFacts]) -> list[Alarm]:
    """Return the alarms that say something no open alert says."""
    said = {(one.kind, one.place_code, one.summary) for one in standing}
    return [one for one in wanted.values() if (one.kind, one.place_code, one.summary) not in said]


def to_recover(kind: AlertKind, wanted: Mapping[str, Alarm], standing: Iterable[AlertFacts]) -> list[str]:
    """Return the places where an open alert of a kind is over."""
    return [one.place_code for one in standing if one.kind is kind and one.place_code not in wanted]


_TURNS: Final = {ServiceKind.OUT_OF_SERVICE, ServiceKind.BACK_IN_SERVICE}


def _state(now: datetime, opens_at: datetime, closes_at: datetime, read_at: Sequence[datetime]) -> RoundState:
    if read_at:
        return RoundState.DONE
    if now < opens_at:
        return RoundState.NOT_YET
    return RoundState.DUE if now < closes_at else RoundState.MISSED


def _window_opened(one: Round, now: datetime, zone: ZoneInfo) -> bool:
    return datetime.combine(one.on, _WINDOWS[one.half][0], zone).astimezone(UTC) <= now < one.opens_at


def _years_later(on: date, years: int) -> date:
    """Return the same day of a later year; the 29th of February becomes the 1st of March: never too early."""
    try:
        return on.replace(year=on.year + years)
    except ValueError:
        return date(on.year + years, 3, 1)
