"""Every place as somebody at the door sees it: how warm, since when, what it was in a day, and what is wrong."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, union_all

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertFacts
from clinic_server.cold_chain.actions import Overview, overview
from clinic_server.cold_chain.course.lookup import numbers_of
from clinic_server.cold_chain.course.rules import HOUR_MS
from clinic_server.cold_chain.course.tables import IS_JUDGED, reading_hour
from clinic_server.cold_chain.rules import Condition, Limits, PlaceNow, ProbeNow, Reach, rank_of, worst_first
from clinic_server.cold_chain.tables import from_unix_ms, reading, to_unix_ms

A_DAY = timedelta(days=1)
Extremes = tuple[int, int]
_SPEAKING = frozenset({Condition.IN_RANGE, Condition.TOO_WARM, Condition.TOO_COLD})


@dataclass(frozen=True, slots=True)
class ProbeSeen:
    """A probe now; ``reach`` is None while nobody can say, ``since`` None where it has been so for longer than a day.

    ``lowest`` and ``highest`` are of the last 24 hours, in milli-Celsius.
    """

    now: ProbeNow
    reach: Reach | None
    since: datetime | None
    lowest: int | None
    highest: int | None


@dataclass(frozen=True, slots=True)
class Tile:
    """A place now, its worst probe first, and its alerts that are not over."""

    place: PlaceNow
    probes: Sequence[ProbeSeen]
    alerts: Sequence[AlertFacts]

    @property
    def is_failing(self) -> bool:
        """Whether somebody has to look at it; a place without a probe waits for one, and is not failing."""
        return bool(self.alerts) or (bool(self.probes) and self.place.condition is not Condition.IN_RANGE)


@dataclass(frozen=True, slots=True)
class Glance:
    """Every place at one instant, those that fail first."""

    seen: Overview
    tiles: Sequence[Tile]

    @property
    def at(self) -> datetime:
        """When it was looked."""
        return self.seen.at


def glance(connection: Connection, now: datetime) -> Glance:
    """Look at every place."""
    seen = overview(connection, now)
    alerts, past = open_alerts(connection), _Past.of(connection, seen, now)
    tiles = [
        Tile(
            place,
            [past.seen(probe, place.limits) for probe in worst_first(place.probes)],
            [alert for alert in alerts if alert.place_code == place.code],
        )
        for place in seen.places
    ]
    return Glance(seen, sorted(tiles, key=_failing_first))


def _failing_first(tile: Tile) -> tuple[bool, int]:
    """Put those that fail first, the worst of them before the others; all else stays as places are told."""
    return (False, rank_of(tile.place.condition)) if tile.is_failing else (True, 0)


@dataclass(frozen=True, slots=True)
class _Past:
    """What the day before an instant was like for every probe."""

    connection: Connection
    began_at: datetime
    numbers: Mapping[str, int]
    extremes: Mapping[int, Extremes]

    @classmethod
    def of(cls, connection: Connection, seen: Overview, now: datetime) -> "_Past":
        numbers = numbers_of(connection)
        placed = {numbers[one.probe_id] for place in seen.places for one in place.probes if one.probe_id in numbers}
        return cls(connection, now - A_DAY, numbers, _extremes(connection, placed, now - A_DAY))

    def seen(self, probe: ProbeNow, limits: Limits) -> ProbeSeen:
        reach = _reach_now(probe, limits)
        extremes = self.extremes.get(self.numbers.get(probe.probe_id, 0))
        return ProbeSeen(probe, reach, self._since(probe, reach, extremes, limits), *(extremes or (None, None)))

    def _since(
        self, probe: ProbeNow, reach: Reach | None, extremes: Extremes | None, limits: Limits
    ) -> datetime | None:
        if reach is None or extremes is None:
            return probe.reading.at if probe.reading and not probe.reading.is_last_known else None
        if {limits.reach_of(one) for one in extremes} == {reach}:
            return None
        return _since(self.connection, self.numbers[probe.probe_id], reach, limits, self.began_at)


def _reach_now(probe: ProbeNow, limits: Limits) -> Reach | None:
    if probe.condition not in _SPEAKING or probe.reading is None or probe.reading.milli_celsius is None:
        return None
    return limits.reach_of(probe.reading.milli_celsius)


def _extremes(connection: Connection, numbers: Collection[int], since: datetime) -> Mapping[int, Extremes]:
    """Return the lowest and highest of each probe since an instant: of hours, and of what is left of the first."""
    since_ms = to_unix_ms(since)
    hour, said, at = reading_hour.c, reading.c.milli_celsius, reading.c.at_unix_ms
    whole = select(hour.probe, hour.min_milli_celsius, hour.max_milli_celsius).where(
        hour.probe.in_(numbers), hour.hour > since_ms // HOUR_MS
    )
    cut = select(reading.c.probe, said, said).where(
        reading.c.probe.in_(numbers), IS_JUDGED, at >= since_ms, at < (since_ms // HOUR_MS + 1) * HOUR_MS
    )
    both = union_all(whole, cut).subquery().c
    figures = select(both.probe, func.min(both.min_milli_celsius), func.max(both.max_milli_celsius))
    return {row[0]: (row[1], row[2]) for row in connection.execute(figures.group_by(both.probe))}


def _since(connection: Connection, number: int, reach: Reach, limits: Limits, since: datetime) -> datetime | None:
    """Return the first reading of those that have been where the latest is, as far back as ``since``."""
    said, at = reading.c.milli_celsius, reading.c.at_unix_ms
    elsewhere = {
        Reach.ABOVE: said <= limits.high_milli_celsius,
        Reach.BELOW: said >= limits.low_milli_celsius,
        Reach.WITHIN: ~said.between(limits.low_milli_celsius, limits.high_milli_celsius),
    }
    judged = (reading.c.probe == number, IS_JUDGED)
    before = select(func.max(at)).where(*judged, at >= to_unix_ms(since), elsewhere[reach]).scalar_subquery()
    first = connection.execute(select(func.min(at)).where(*judged, at > before)).scalar_one()
    return None if first is None else from_unix_ms(first)
