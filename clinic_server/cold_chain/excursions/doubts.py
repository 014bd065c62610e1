"""What only hours of readings show: a probe that repeats one value, one whose clock is wrong, two that are swapped."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from clinic_server.alerts.raising import open_alerts, raise_alarm, recover
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, Told, tell
from clinic_server.cold_chain.conditions import flat_since, is_clock_wrong
from clinic_server.cold_chain.excursions.swapped import swapped_alarms
from clinic_server.cold_chain.judging import Point
from clinic_server.cold_chain.placements import placements
from clinic_server.cold_chain.rules import COLD_CHAIN, Fault, is_judged
from clinic_server.cold_chain.stretches import SAME_CLOCK
from clinic_server.cold_chain.tables import IS_SET_ASIDE, from_unix_ms, reading, to_unix_ms
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.moments import TurnKind
from clinic_server.kit.turns import turns_since
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S: Final = 600.0
LOOKS_BACK: Final = timedelta(days=1)
NEWEST: Final = 10  # of a clock that was put right, the day before says nothing
WATCHED: Final = (AlertKind.FLAT_LINE, AlertKind.CLOCK_WRONG, AlertKind.PROBES_SWAPPED)
_PROBES = system_actor("probe doubts")


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is to be said of the places' probes, and what is over."""

    alarms: Sequence[Alarm]
    over: Sequence[tuple[AlertKind, str]]


class ProbeDoubts(Watcher):
    """Looks at a day of every probe's readings between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("probe doubts", every_s)
        self._house = house

    async def look(self) -> None:
        """Say which probes cannot be relied on, and which can again."""
        db = self._house.db
        found = await db.read(lambda connection: doubts(connection, db.clock.now(), db.site.zone))
        if found.alarms or found.over:
            await db.write(say_doubts, _PROBES)


def say_doubts(tx: Tx) -> None:
    """Raise what nobody has said yet and end what is over, under one line."""
    found = doubts(tx.connection, tx.now, tx.site.zone)
    for alarm in found.alarms:
        raise_alarm(tx, alarm)
    for kind, place_code in found.over:
        recover(tx, kind, place_code)
    if found.alarms or found.over:
        tx.journal("probes_doubted", None, COLD_CHAIN)


def doubts(connection: Connection, now: datetime, zone: ZoneInfo) -> Doubts:
    """Return what a day of readings shows and nobody has said; a place whose probes said nothing stays as it is."""
    heard = _heard_since(connection, to_unix_ms(now - LOOKS_BACK))
    here = [one for one in placements(connection) if one.until_unix_ms is None and one.probe in heard]
    wanted = {
        (kind, one.place_code): Alarm(kind, Severity.WARNING, told, one.place_code)
        for one in here
        for kind, told in _doubts_of(heard[one.probe], one.from_unix_ms, zone)
    }
    if _was_clock_set(connection, now - LOOKS_BACK):
        wanted |= dict(_set_aside(one.place_code) for one in here if any(row.is_set_aside for row in heard[one.probe]))
    measured = [(one, _points_of(heard[one.probe], one.from_unix_ms)) for one in here]
    wanted |= swapped_alarms(connection, measured, now)
    standing = {(one.kind, one.place_code) for one in open_alerts(connection) if one.kind in WATCHED}
    spoken_for = {one.place_code for one in here}
    return Doubts(
        [alarm for key, alarm in wanted.items() if key not in standing],
        [(kind, code) for kind, code in sorted(standing) if code in spoken_for and (kind, code) not in wanted],
    )


def _was_clock_set(connection: Connection, since: datetime) -> bool:
    return any(turn.kind is TurnKind.SET and abs(turn.span) > SAME_CLOCK for turn in turns_since(connection, since))


def _set_aside(place_code: str) -> tuple[tuple[AlertKind, str], Alarm]:
    kind = AlertKind.CLOCK_WRONG
    return (kind, place_code), Alarm(kind, Severity.WARNING, tell(Phrase.READINGS_SET_ASIDE), place_code)


def _doubts_of(heard: Sequence[Any], placed_unix_ms: int, zone: ZoneInfo) -> Iterator[tuple[AlertKind, Told]]:
    flat_from = flat_since(_points_of(heard, placed_unix_ms))
    if flat_from is not None:
        since = f"{from_unix_ms(flat_from).astimezone(zone):%H:%M}"
        yield AlertKind.FLAT_LINE, tell(Phrase.SAME_VALUE, since=since)
    newest = [row for row in heard if not row.is_set_aside][-NEWEST:]
    told = [(row.measured_unix_ms, row.received_unix_ms) for row in newest if row.measured_unix_ms is not None]
    if (newest and newest[-1].fault is Fault.CLOCK_WRONG) or is_clock_wrong(told):
        yield AlertKind.CLOCK_WRONG, tell(Phrase.PROBE_CLOCK)


def _points_of(heard: Sequence[Any], placed_unix_ms: int) -> Sequence[Point]:
    """Return what a probe measured since it was set where it is and may be judged."""
    return [
        Point(row.at_unix_ms, row.milli_celsius)
        for row in heard
        if row.at_unix_ms >= placed_unix_ms and not row.is_set_aside and is_judged(row.milli_celsius, row.fault)
    ]


def _heard_since(connection: Connection, since_unix_ms: int) -> Mapping[int | None, Sequence[Any]]:
    """Return what was received of each probe, in the order it came."""
    heard: dict[int | None, list[Any]] = defaultdict(list)
    said = reading.c
    told = (said.probe, said.at_unix_ms, said.measured_unix_ms, said.received_unix_ms, said.milli_celsius, said.fault)
    asked = select(*told, IS_SET_ASIDE.label("is_set_aside")).where(said.received_unix_ms > since_unix_ms)
    for row in connection.execute(asked.order_by(said.received_unix_ms, said.boot, said.seq)):
        heard[row.probe].append(row)
    return heard
