"""Who stands in line in which order, which stations are open, who is in hand there, and how long a stage takes."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from clinic_server.kit.clock import business_date
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.ids import least_key_of
from clinic_server.kit.moments import Due
from clinic_server.kit.turns import moment_of, turns_after
from clinic_server.queue.pace import LOOKED_BACK, pace, wait_minutes
from clinic_server.queue.rules import SERVED, Counter, Place, front_of, in_order, people_ahead
from clinic_server.queue.tables import (
    batch_admitted,
    station_lane,
    visit_group,
    visit_in_group,
    visit_lane,
    visit_priority,
)
from clinic_server.settings import Settings, SiteSettings
from clinic_server.staff.lookup import stations_open
from clinic_server.stock.usable import products_at_stations
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.line import InLine, in_line
from clinic_server.visits.lookup import Standing, called_to, standing, standing_at
from clinic_server.visits.orders import products_ordered
from clinic_server.visits.rules import CallEnd
from clinic_server.visits.tables import IS_OPEN, visit_call_ended, visit_now, visit_step

STAGES = tuple(SERVED)
_MOST_STEPS = 400  # so many of the last hour tell the pace of every stage, whatever the size of the site

_lanes = select(station_lane.c.station, station_lane.c.lane).order_by(station_lane.c.journal_seq)


@dataclass(frozen=True, slots=True)
class Wait:
    """A stage's line: how many wait to be called, and the time between two people served, None while not known."""

    people: int
    per_person: timedelta | None

    @property
    def minutes(self) -> int | None:
        """The wait of whoever comes now, None while it is not known."""
        return wait_minutes(self.people, self.per_person)


@dataclass(frozen=True, slots=True)
class Listed:
    """A line as a page lists it, and how many stand behind whom it lists."""

    places: Sequence[Place]
    more: int


@dataclass(frozen=True, slots=True)
class ListedWithNames:
    """The same with who they are."""

    people: Sequence[InLine]
    more: int


@dataclass(frozen=True, slots=True)
class Hall:
    """Everyone who waits before the needle, in the order of the calls, and how long each stage takes."""

    line: Sequence[Place]
    waits: Mapping[Stage, Wait]

    def at(self, stage: Stage) -> Sequence[Place]:
        """Return the line of one stage."""
        return [place for place in self.line if place.stage is stage]


def head_start(site: SiteSettings) -> timedelta:
    """Return by how much longer somebody with priority counts as waiting."""
    return timedelta(minutes=site.priority_minutes)


def line(connection: Connection, site: SiteSettings, *stages: Stage) -> Sequence[Place]:
    """Return everyone at these stages, the first to be called first."""
    carried = _carrying(connection)
    lanes = _latest(connection, select(visit_lane.c.visit_id, visit_lane.c.lane, visit_lane.c.batch), visit_lane)
    reasons = _latest(connection, select(visit_priority.c.visit_id, visit_priority.c.reason), visit_priority)
    passes = _latest(connection, _passes(), visit_call_ended)
    products = products_ordered(connection) if Stage.WAITING_FOR_INJECTION in stages else {}
    admitted, groups = _admitted(connection, site), groups_of_open(connection)

    def placed(one: Standing) -> Place:
        lane, batch = lanes.get(one.visit_id, (None, None))
        passed_to_at, passed_seq = passes.get(one.visit_id, (None, 0))
        return Place(
            visit_id=one.visit_id,
            ticket_number=one.ticket_number,
            stage=one.stage,
            since_at=carried(one.since_at, one.since_seq),
            called_to=one.called_to,
            called_at=one.called_at,
            lane=lane,
            batch=batch,
            is_held=one.stage is Stage.WAITING_FOR_SCREENING and (batch or 1) > admitted.get(lane, 1),
            priority=reasons.get(one.visit_id, (None,))[0],
            passed_to_at=carried(passed_to_at, passed_seq) if passed_to_at else None,
            passed_seq=passed_seq,
            product_code=products.get(one.visit_id),
            group=groups.get(one.visit_id),
        )

    return in_order([placed(one) for one in standing_at(connection, *stages)], head_start(site))


def listed(connection: Connection, site: SiteSettings, *stages: Stage, is_whole: bool = False) -> Listed:
    """Return a line as a page lists it: its front, or the whole of it where that is asked for."""
    whole = line(connection, site, *stages)
    shown = whole if is_whole else front_of(whole)
    return Listed(shown, len(whole) - len(shown))


def listed_with_names(
    connection: Connection, keyring: Keyring, site: SiteSettings, *stages: Stage, is_whole: bool = False
) -> ListedWithNames:
    """Return the same with who they are, for the desks that may know."""
    found = listed(connection, site, *stages, is_whole=is_whole)
    return ListedWithNames(in_line(connection, keyring, [one.visit_id for one in found.places]), found.more)


def counters(connection: Connection, settings: Settings, stage: Stage) -> Sequence[Counter]:
    """Return the stations that serve a stage now: somebody who may do it is signed in there."""
    now = moment_of(connection).at
    service, idle = SERVED[stage], timedelta(minutes=settings.security.idle_minutes)
    codes = stations_open(connection, service.kinds, service.roles, now, idle)
    return [counter_at(connection, settings.site, code) for code in codes]


def counter_at(connection: Connection, site: SiteSettings, station: str) -> Counter:
    """Return a station as the line knows it."""
    today = moment_of(connection).at.astimezone(site.zone).date()
    products = products_at_stations(connection, today, station).get(station, frozenset())
    return Counter(station, lanes(connection).get(station), products)


def lanes(connection: Connection) -> Mapping[str, str]:
    """Return the lane of every station that belongs to one."""
    latest: dict[str, str | None] = {row.station: row.lane for row in connection.execute(_lanes)}
    return {station: lane for station, lane in latest.items() if lane is not None}


def hall(connection: Connection, site: SiteSettings) -> Hall:
    """Return everyone who waits before the needle, and for how long."""
    waiting = line(connection, site, *STAGES)
    return Hall(waiting, waits(connection, waiting))


def waits(connection: Connection, waiting: Sequence[Place]) -> Mapping[Stage, Wait]:
    """Return how long each stage takes, told from the people it served in the last hour."""
    now, served = moment_of(connection).at, _served(connection)
    uncalled = [place.stage for place in waiting if place.called_to is None]
    return {stage: Wait(uncalled.count(stage), pace(served[stage], now)) for stage in STAGES}


def in_hand(connection: Connection, station: str) -> Sequence[Standing]:
    """Return who is called to a station and has not gone on, whoever was called last first."""
    return [one for one in called_to(connection, station) if one.stage in SERVED]


def groups_of_open(connection: Connection) -> Mapping[UUID, str]:
    """Return the name of the group of each open visit that came with one."""
    rows = connection.execute(
        select(visit_in_group.c.visit_id, visit_group.c.label)
        .join(visit_group, visit_group.c.id == visit_in_group.c.group_id)
        .join(visit_now, visit_now.c.visit_id == visit_in_group.c.visit_id)
        .where(IS_OPEN)
    )
    return {row.visit_id: row.label for row in rows}


def place_of(connection: Connection, site: SiteSettings, visit_id: UUID) -> Place | None:
    """Return where a visit stands in line, None when it waits for no call."""
    stage = standing(connection, visit_id).stage
    found = line(connection, site, stage) if stage in SERVED else ()
    return next((place for place in found if place.visit_id == visit_id), None)


def minutes_to_wait(connection: Connection, site: SiteSettings, visit_id: UUID) -> int | None:
    """Return the minutes until a visit's ticket is called, None once it is, or while that is not known."""
    stage = standing(connection, visit_id).stage
    if stage not in SERVED:
        return None
    waiting = line(connection, site, stage)
    ahead = people_ahead(waiting).get(visit_id)
    return None if ahead is None else wait_minutes(ahead, waits(connection, waiting)[stage].per_person)


def _carrying(connection: Connection) -> Callable[[datetime, int], datetime]:
    """Return what carries an instant recorded under a journal line over every turn of the clock since."""
    now_seq = moment_of(connection).seq
    turns = turns_after(connection, 0)
    return lambda at, seq: Due(at, at).carried(seq, now_seq, turns).at


def _latest(connection: Connection, asked: Select[Any], table: Any) -> Mapping[UUID, tuple[Any, ...]]:
    """Return the newest row of each open visit."""
    rows = connection.execute(
        asked.join(visit_now, visit_now.c.visit_id == table.c.visit_id).where(IS_OPEN).order_by(table.c.journal_seq)
    )
    return {visit_id: tuple(values) for visit_id, *values in rows}


def _passes() -> Select[Any]:
    of_this_stage = visit_call_ended.c.journal_seq > visit_now.c.since_seq
    columns = (visit_call_ended.c.visit_id, visit_call_ended.c.stands_from_at, visit_call_ended.c.journal_seq)
    return select(*columns).where(visit_call_ended.c.how == CallEnd.PASSED, of_this_stage)


def _admitted(connection: Connection, site: SiteSettings) -> Mapping[str | None, int]:
    today = business_date(moment_of(connection).at, site.zone, site.day_starts_at)
    rows = connection.execute(
        select(batch_admitted.c.lane, func.max(batch_admitted.c.upto_batch).label("upto"))
        .where(batch_admitted.c.business_on == today)
        .group_by(batch_admitted.c.lane)
    )
    return {row.lane: row.upto for row in rows}


def _served(connection: Connection) -> Mapping[Stage, Sequence[datetime]]:
    """Return when people went on from each stage in the last hour; who went away was not served."""
    earlier = visit_step.alias()
    left = (
        select(earlier.c.stage)
        .where(earlier.c.visit_id == visit_step.c.visit_id, earlier.c.journal_seq < visit_step.c.journal_seq)
        .order_by(earlier.c.journal_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(left, visit_step.c.stage, visit_step.c.taken_at)
        .where(visit_step.c.id >= least_key_of(moment_of(connection).at - LOOKED_BACK))
        .where(visit_step.c.outcome != Outcome.ABANDONED)
        .order_by(visit_step.c.id.desc())
        .limit(_MOST_STEPS)
    )
    served: dict[Stage, list[datetime]] = defaultdict(list)
    for stage, following, taken_at in rows:
        if stage is not None and stage is not following:
            served[stage].append(taken_at)
    return served
