"""What the site lead looks at: sums asked of the database, never the list of a day's visits."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, extract, func, select

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertState
from clinic_server.floor.rules import (
    LATELY,
    QUARTER_S,
    Bench,
    Needle,
    Pace,
    Quarter,
    ToNeedle,
    benches_of,
    over_at,
    quarters_of,
    to_needle,
)
from clinic_server.kit.call import Call
from clinic_server.settings import Settings
from clinic_server.staff.lookup import staff_at
from clinic_server.staff.rules import StationKind
from clinic_server.stock.usable import usable_lots
from clinic_server.visits.chain import counts_its_person, is_further, waiting_for_more
from clinic_server.visits.doses import in_error
from clinic_server.visits.flow import STEPS, Stage
from clinic_server.visits.lookup import count_by_stage
from clinic_server.visits.tables import IS_OPEN, dose, visit, visit_now
from clinic_server.visits.watch import watched


@dataclass(frozen=True, slots=True)
class AtStage:
    """How many stand at a stage, of any day, and since when the first of them does.

    Whoever is watched and waits for a further vaccine stands where they wait; ``Floor.watched`` has them all.
    """

    stage: Stage
    people: int
    first_since_at: datetime | None


@dataclass(frozen=True, slots=True)
class DosesLeft:
    """The usable doses of a vaccine in all places."""

    product_name: str
    doses: int


@dataclass(frozen=True, slots=True)
class Floor:
    """The site at one instant; ``over_at`` is None while it cannot be foreseen."""

    at: datetime
    stages: Sequence[AtStage]
    ended: Mapping[Stage, int]
    given_lately: int
    to_needle: ToNeedle | None
    benches: Sequence[Bench]
    over_at: datetime | None
    doses_left: Sequence[DosesLeft]
    watched: int
    due: int
    alerts: int
    unanswered: int
    quarters: Sequence[Quarter]


async def look(call: Call) -> Floor:
    """Look at the whole site now."""
    now = call.house.db.clock.now()
    today, settings = call.business_day(now), call.house.settings
    return await call.read(lambda connection: floor_seen(connection, settings, today, now))


def floor_seen(connection: Connection, settings: Settings, today: date, now: datetime) -> Floor:
    """Look at the whole site."""
    stages, needles, sitting = _stages(connection), _needles(connection, today, now), watched(connection)
    alerts, stay_on = open_alerts(connection), waiting_for_more(connection)
    quarters = _quarters(connection, today, now)
    at_work = _vaccinators(connection, now, timedelta(minutes=settings.security.idle_minutes))
    return Floor(
        at=now,
        stages=stages,
        ended=_ended(connection, today),
        given_lately=len(needles),
        to_needle=to_needle(needles),
        benches=benches_of(at_work, needles, now, is_waited_for=_waits_for(stages, Stage.WAITING_FOR_INJECTION)),
        over_at=over_at(
            now,
            sum(one.people for one in stages if one.stage is not Stage.OBSERVED),
            Pace(len(needles), _within(quarters, now)),
            max((one.due_at for one in sitting), default=now),
            timedelta(minutes=settings.site.observation_minutes),
        ),
        doses_left=_doses_left(connection, today),
        watched=len(sitting),
        due=sum(not one.minutes_left and one.visit_id not in stay_on for one in sitting),
        alerts=len(alerts),
        unanswered=sum(one.state is AlertState.OPEN for one in alerts),
        quarters=quarters,
    )


def _stages(connection: Connection) -> Sequence[AtStage]:
    rows = connection.execute(
        select(visit_now.c.stage, func.count(), func.min(visit_now.c.since_at))
        .where(IS_OPEN, counts_its_person())
        .group_by(visit_now.c.stage)
    )
    known = {Stage(stage): AtStage(Stage(stage), people, since_at) for stage, people, since_at in rows}
    return [known.get(stage, AtStage(stage, 0, None)) for stage in STEPS]


def _ended(connection: Connection, today: date) -> Mapping[Stage, int]:
    return {stage: count for stage, count in count_by_stage(connection, today).items() if not stage.is_open}


def _waits_for(stages: Sequence[AtStage], stage: Stage) -> bool:
    return any(one.people for one in stages if one.stage is stage)


def _needles(connection: Connection, today: date, now: datetime) -> Sequence[Needle]:
    """Return the doses given lately: no more than the benches can give in that time."""
    rows = connection.execute(
        select(dose.c.vaccinator_id, visit.c.opened_at, dose.c.given_at, is_further(visit.c.id).label("is_further"))
        .join(visit, visit.c.id == dose.c.visit_id)
        .where(visit.c.business_on == today, dose.c.given_at > now - LATELY, ~in_error())
    )
    return [Needle(str(row.vaccinator_id), row.opened_at, row.given_at, row.is_further) for row in rows]


def _vaccinators(connection: Connection, now: datetime, idle: timedelta) -> Mapping[str, Sequence[str]]:
    at: dict[str, list[str]] = defaultdict(list)
    for station, staff_id in staff_at(connection, StationKind.INJECTION, now, idle):
        at[station].append(str(staff_id))
    return at


def _within(quarters: Sequence[Quarter], now: datetime) -> timedelta:
    """Return how much of the time looked back over belongs to this day: in its first hour it is less than that."""
    begun_s = now.timestamp() - quarters[0].begins_unix_s if quarters else 0.0
    return min(LATELY, timedelta(seconds=max(begun_s, QUARTER_S)))


def _doses_left(connection: Connection, today: date) -> Sequence[DosesLeft]:
    left: Counter[str] = Counter()
    for one in usable_lots(connection, today):
        left[one.product_name] += one.doses
    return [DosesLeft(name, doses) for name, doses in sorted(left.items())]


def _quarters(connection: Connection, today: date, now: datetime) -> Sequence[Quarter]:
    of_today = visit.c.business_on == today
    given = (select_by_quarter(dose.c.given_at).join(visit, visit.c.id == dose.c.visit_id)).where(of_today, ~in_error())
    over = (visit_now.c.business_on == today, ~visit_now.c.is_open, counts_its_person())
    return quarters_of(
        _counted(connection, select_by_quarter(visit.c.opened_at).where(of_today, ~is_further(visit.c.id))),
        _counted(connection, given),
        _counted(connection, select_by_quarter(visit_now.c.since_at).where(*over)),
        int(now.timestamp()),
    )


def select_by_quarter(at: ColumnElement[datetime]) -> Any:
    """Count rows by the quarter of an hour, since 1970, in which an instant lies."""
    quarter = cast(extract("epoch", at), BigInteger) // QUARTER_S
    return select(quarter, func.count()).select_from(at.table).group_by(quarter)


def _counted(connection: Connection, asked: Any) -> Mapping[int, int]:
    return {int(quarter): count for quarter, count in connection.execute(asked)}
