"""Temperatures read by hand: which rounds are due and which were missed, and taking one down."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, select

from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.cold_chain.upkeep.appliances import in_service, service_turns
from clinic_server.cold_chain.upkeep.in_force import profile_at
from clinic_server.cold_chain.upkeep.rules import (
    MISSED_SHOWN_DAYS,
    READ_BY_HAND,
    ActionNeeded,
    Half,
    NotReadByHand,
    Round,
    RoundState,
    missed_last,
    round_to_read,
    rounds_since,
    typed_milli_celsius,
    was_in_service,
)
from clinic_server.cold_chain.upkeep.tables import HandReading, hand_reading
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.staff.tables import staff
from clinic_server.stock.places import places, require_place
from clinic_server.stock.tables import place
from clinic_server.stock.whereabouts import PlaceFacts

_NOT_READ = {Half.MORNING: Phrase.MORNING_NOT_READ, Half.AFTERNOON: Phrase.AFTERNOON_NOT_READ}


@dataclass(frozen=True, slots=True)
class Days:
    """From one day of the site to another, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class NewHandReading:
    """A temperature as somebody typed it, and what they did about one that is out of range."""

    place_code: str
    typed: str
    action_taken: str | None = None


@dataclass(frozen=True, slots=True)
class HandReadingRef:
    """A reading that was taken down, and the round it counts for."""

    reading_id: UUID
    on: date
    half: Half


@dataclass(frozen=True, slots=True)
class HandReadingLine:
    """One reading by hand; ``reader_number`` is the staff number of whoever read it."""

    place_code: str
    on: date
    half: Half
    milli_celsius: int
    is_in_range: bool
    action_taken: str | None
    reader_number: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class PlaceRounds:
    """What a place asks for today, what was read there of late, and which rounds nobody read."""

    place: PlaceFacts
    today: Sequence[Round]
    missed: Sequence[Round]
    readings: Sequence[HandReadingLine]
    missed_last: Round | None

    @property
    def is_due(self) -> bool:
        """Whether somebody has to go there now."""
        return any(one.state is RoundState.DUE for one in self.today)


def take_reading(tx: Tx, new: NewHandReading) -> HandReadingRef:
    """Take a reading down for the round it belongs to.

    Raises TemperatureUnreadable, ActionNeeded, NotReadByHand, ReadingTooSoon or NoReadingNow.
    """
    read_by = require_signed_in(tx)
    where = require_place(tx.connection, new.place_code)
    milli_celsius = typed_milli_celsius(new.typed)
    if not _is_read(tx.connection, where):
        raise NotReadByHand
    limits = profile_at(tx.connection, where.place_id, tx.now)
    is_in_range = limits.low_milli_celsius <= milli_celsius <= limits.high_milli_celsius
    if not is_in_range and not new.action_taken:
        raise ActionNeeded
    rounds = _rounds(tx.connection, where, tx.now, tx.site.zone, days=0)
    mine = round_to_read(rounds, tx.now, tx.site.zone)
    reading_id = tx.append(
        HandReading,
        place_id=where.place_id,
        on=mine.on,
        half=mine.half,
        milli_celsius=milli_celsius,
        is_in_range=is_in_range,
        action_taken=new.action_taken,
        read_by=read_by,
        read_at=tx.now,
    )
    tx.journal("hand_reading_taken", reading_id, COLD_CHAIN)
    return HandReadingRef(reading_id, mine.on, mine.half)


def hand_rounds(connection: Connection, now: datetime, zone: ZoneInfo) -> Sequence[PlaceRounds]:
    """Return what every place that is read by hand asks for, by its code."""
    return [_place_rounds(connection, one, now, zone) for one in places(connection) if _is_read(connection, one)]


def hand_readings_of(connection: Connection, place_id: UUID, since: date) -> Sequence[HandReadingLine]:
    """Return a place's readings by hand from a day on, the latest first."""
    wanted = (hand_reading.c.place_id == place_id, hand_reading.c.on >= since)
    rows = connection.execute(_lines().where(*wanted).order_by(hand_reading.c.journal_seq.desc()))
    return [HandReadingLine(*row) for row in rows]


def hand_readings_between(
    connection: Connection, place_id: UUID, from_at: datetime, until_at: datetime
) -> Sequence[HandReadingLine]:
    """Return a place's readings by hand from one instant until before another, the earliest first."""
    columns = hand_reading.c
    wanted = (columns.place_id == place_id, columns.read_at >= from_at, columns.read_at < until_at)
    return [HandReadingLine(*row) for row in connection.execute(_lines().where(*wanted).order_by(columns.read_at))]


def settled_rounds(
    connection: Connection, where: PlaceFacts, on: Days, now: datetime, zone: ZoneInfo
) -> Sequence[Round]:
    """Return a place's rounds of some days that were read or missed; none of a place that is not read by hand."""
    days_ago = (now.astimezone(zone).date() - on.first).days
    if where.kind not in READ_BY_HAND or days_ago < 0:
        return ()
    rounds = _rounds(connection, where, now, zone, days=days_ago)
    return [one for one in rounds if one.on <= on.last and one.state in {RoundState.DONE, RoundState.MISSED}]


def missed_alarms(connection: Connection, now: datetime, zone: ZoneInfo) -> Mapping[str, Alarm]:
    """Return what is to be said of places whose last round was missed and where nobody has read since."""
    return {
        one.place.code: Alarm(
            AlertKind.MANUAL_READING_MISSED,
            Severity.WARNING,
            tell(_NOT_READ[one.missed_last.half], day=f"{one.missed_last.on}"),
            one.place.code,
        )
        for one in hand_rounds(connection, now, zone)
        if one.missed_last
    }


def _place_rounds(connection: Connection, where: PlaceFacts, now: datetime, zone: ZoneInfo) -> PlaceRounds:
    rounds = _rounds(connection, where, now, zone, days=MISSED_SHOWN_DAYS)
    today = now.astimezone(zone).date()
    return PlaceRounds(
        where,
        [one for one in rounds if one.on == today],
        [one for one in rounds if one.state is RoundState.MISSED],
        hand_readings_of(connection, where.place_id, today - timedelta(days=MISSED_SHOWN_DAYS)),
        missed_last(rounds),
    )


def _rounds(connection: Connection, where: PlaceFacts, now: datetime, zone: ZoneInfo, *, days: int) -> list[Round]:
    """Return a place's rounds of the last days and of today, but for those while it was out of service."""
    local = now.astimezone(zone)
    since = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    added_at = connection.execute(select(place.c.added_at).where(place.c.id == where.place_id)).scalar_one()
    turns = service_turns(connection, where.place_id)
    told = _read_at(connection, where.place_id, since.date())
    rounds = rounds_since(max(since, added_at), now, told, zone)
    return [one for one in rounds if one.is_open(now) or was_in_service(turns, min(one.closes_at, now))]


def _lines() -> Select[Any]:
    columns = hand_reading.c
    return (
        select(
            place.c.code,
            columns.on,
            columns.half,
            columns.milli_celsius,
            columns.is_in_range,
            columns.action_taken,
            staff.c.number,
            columns.read_at,
        )
        .join(place, place.c.id == columns.place_id)
        .join(staff, staff.c.id == columns.read_by)
    )


def _read_at(connection: Connection, place_id: UUID, since: date) -> Mapping[tuple[date, Half], Sequence[datetime]]:
    columns = hand_reading.c
    found: dict[tuple[date, Half], list[datetime]] = defaultdict(list)
    wanted: Any = (columns.place_id == place_id, columns.on >= since)
    for row in connection.execute(select(columns.on, columns.half, columns.read_at).where(*wanted)):
        found[row.on, row.half].append(row.read_at)
    return found


def _is_read(connection: Connection, where: PlaceFacts) -> bool:
    return where.kind in READ_BY_HAND and in_service(connection, where.place_id)
