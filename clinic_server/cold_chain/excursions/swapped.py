"""Probes that have changed places, as a day of readings shows it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Final

from sqlalchemy import Connection, select

from clinic_server.alerts.rules import Alarm, AlertKind, AlertState, Severity
from clinic_server.alerts.tables import alert_now
from clinic_server.alerts.telling import Phrase, Told, tell
from clinic_server.cold_chain.judging import Point, Profile
from clinic_server.cold_chain.placements import Placement
from clinic_server.cold_chain.swaps import STEP_MS, Levels, exchanges, fit_each_other, is_swapped
from clinic_server.cold_chain.tables import to_unix_ms

KIND: Final = AlertKind.PROBES_SWAPPED


@dataclass(frozen=True, slots=True)
class _Said:
    """What was last said of a place: with which other it is swapped, None where it no longer is, and when."""

    summary: str | None
    at_unix_ms: int


@dataclass(frozen=True, slots=True)
class _Probe:
    placement: Placement
    levels: Levels
    profile: Profile


def swapped_alarms(
    connection: Connection, readings: Iterable[tuple[Placement, Sequence[Point]]], now: datetime
) -> Mapping[tuple[AlertKind, str], Alarm]:
    """Return what is to be said of places whose probes stand in each other's; the first of several others is named."""
    said = _said(connection)
    probes = [_Probe(one, Levels(points), one.limits.at(to_unix_ms(now))) for one, points in readings]
    wanted: dict[tuple[AlertKind, str], Alarm] = {}
    for one, other in combinations(probes, 2):
        if one.placement.place_code != other.placement.place_code and _are_swapped(one, other, said):
            for alarm in _alarms(one.placement.place_code, other.placement.place_code):
                wanted.setdefault((KIND, alarm.place_code), alarm)
    return wanted


def _are_swapped(one: _Probe, other: _Probe, said: Mapping[str, _Said]) -> bool:
    code, other_code = one.placement.place_code, other.placement.place_code
    earlier = [said[each] for each in (code, other_code) if each in said]
    since = max((each.at_unix_ms for each in earlier), default=0)
    moved = max(one.placement.from_unix_ms, other.placement.from_unix_ms)
    was_swapped = code in said and said[code].summary == _told(other_code).short and moved < said[code].at_unix_ms
    turns = sum(at >= since - STEP_MS for at in exchanges(one.levels, other.levels))
    is_misfit = fit_each_other(one.levels.latest, one.profile, other.levels.latest, other.profile)
    return is_swapped(was_swapped=was_swapped, turns=turns, is_misfit=is_misfit)


def _alarms(code: str, other_code: str) -> Iterator[Alarm]:
    yield Alarm(KIND, Severity.ALARM, _told(other_code), code)
    yield Alarm(KIND, Severity.ALARM, _told(code), other_code)


def _told(other_code: str) -> Told:
    return tell(Phrase.SWAPPED_WITH, other=other_code)


def _said(connection: Connection) -> Mapping[str, _Said]:
    rows = connection.execute(select(alert_now).where(alert_now.c.kind == KIND).order_by(alert_now.c.number))
    said = {}
    for row in rows:
        is_open = row.state is not AlertState.CLOSED
        said[row.place_code] = _Said(
            row.summary if is_open else None, to_unix_ms(max(row.opened_at, row.recovered_at or row.opened_at))
        )
    return said
