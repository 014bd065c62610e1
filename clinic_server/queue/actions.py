"""Calling people to stations, and deciding who stands where in line."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.queue.lookup import counter_at, counters, head_start, in_hand, lanes, line
from clinic_server.queue.rules import (
    SERVED,
    LaneUnknown,
    NoBatches,
    NobodyWaiting,
    NotInHand,
    Place,
    PriorityReason,
    Spot,
    StationBusy,
    StationServesNot,
    batch_of,
    lane_to_join,
    least_loaded,
    next_for,
    place_after_pass,
    priority_by_age,
)
from clinic_server.queue.tables import (
    BatchAdmitted,
    StationLane,
    VisitGroup,
    VisitInGroup,
    VisitLane,
    VisitPriority,
    batch_admitted,
    visit_lane,
)
from clinic_server.settings import Settings, SiteSettings
from clinic_server.staff.actions import require_signed_in, stations
from clinic_server.staff.rules import StationUnknown
from clinic_server.visits.flow import Stage, StepOutOfOrder
from clinic_server.visits.lookup import standing
from clinic_server.visits.rules import CallEnd
from clinic_server.visits.steps import VISITS, call_visit, end_call
from clinic_server.visits.tables import IS_OPEN, visit_now


@dataclass(frozen=True, slots=True)
class Called:
    """Who was called where."""

    visit_id: UUID
    station: str


def call_next(tx: Tx, settings: Settings, stage: Stage, station: str) -> UUID:
    """Call whoever is first in line for a station; refused while it has somebody in hand, or when nobody is for it."""
    busy_with = in_hand(tx.connection, station)
    if busy_with:
        raise StationBusy(ticket=busy_with[0].ticket_number)
    here = counter_at(tx.connection, settings.site, station)
    waiting = line(tx.connection, settings.site, stage)
    chosen = next_for(here, waiting, counters(tx.connection, settings, stage), head_start(settings.site))
    if chosen is None:
        raise NobodyWaiting
    call_visit(tx, chosen.visit_id, station)
    return chosen.visit_id


def recall(tx: Tx, visit_id: UUID, station: str) -> Called:
    """Call the visit in hand once more."""
    _require_in_hand(tx, visit_id, station)
    call_visit(tx, visit_id, station)
    return Called(visit_id, station)


def pass_over(tx: Tx, site: SiteSettings, visit_id: UUID, station: str) -> Stage:
    """Let the visit in hand, who did not come, stand behind the next few in line; return the stage they wait at."""
    stage = _require_in_hand(tx, visit_id, station)
    waiting = line(tx.connection, site, stage)
    passed = next(place for place in waiting if place.visit_id == visit_id)
    others = [place for place in waiting if _are_together(place, passed)]
    stands_from_at = place_after_pass(passed, others, site.passed_behind, head_start(site), tx.now)
    end_call(tx, visit_id, CallEnd.PASSED, stands_from_at)
    return stage


def return_to_line(tx: Tx, visit_id: UUID, station: str | None = None) -> Stage:
    """End a call and keep the person's place in line; ``station`` is whose call it must be, None: anybody's."""
    found = standing(tx.connection, visit_id)
    if found.called_to is None or station not in {None, found.called_to} or found.stage not in SERVED:
        raise NotInHand
    end_call(tx, visit_id, CallEnd.RETURNED)
    return found.stage


def transfer(tx: Tx, visit_id: UUID, station: str) -> Called:
    """Call a visit to another station where its stage is done."""
    kind = next((one.kind for one in stations(tx.connection) if one.code == station), None)
    if kind is None:
        raise StationUnknown
    service = SERVED.get(standing(tx.connection, visit_id).stage)
    if service is None or kind not in service.kinds:
        raise StationServesNot
    call_visit(tx, visit_id, station)
    return Called(visit_id, station)


def send_on(tx: Tx, settings: Settings, visit_id: UUID) -> Called:
    """Call a visit to the open station that has the fewest people, of those of its lane with its vaccine."""
    stage = _require_served(tx, visit_id)
    waiting = line(tx.connection, settings.site, stage)
    place = next(one for one in waiting if one.visit_id == visit_id)
    is_open = counters(tx.connection, settings, stage)
    load = {counter.code: len(in_hand(tx.connection, counter.code)) for counter in is_open}
    chosen = least_loaded(place, is_open, load)
    call_visit(tx, visit_id, chosen.code)
    return Called(visit_id, chosen.code)


def set_priority(tx: Tx, visit_id: UUID, reason: PriorityReason | None) -> None:
    """Let somebody go first for a reason, or like everybody else without one."""
    _require_served(tx, visit_id)
    _append_priority(tx, visit_id, reason)
    tx.journal("visit_priority_set", visit_id, VISITS)


def go_first_by_age(tx: Tx, site: SiteSettings, visit_id: UUID, age_years: int) -> None:
    """Let a new ticket go first where its age says so, under the journal line of its check-in."""
    reason = priority_by_age(age_years, site.elderly_from_years, site.infants_below_years)
    if reason is not None:
        _append_priority(tx, visit_id, reason)


def put_station_in_lane(tx: Tx, station: str, lane: str | None) -> None:
    """Let a station belong to a lane, or to none."""
    staff_id = require_signed_in(tx)
    if station not in {one.code for one in stations(tx.connection)}:
        raise StationUnknown
    tx.append(StationLane, station=station, lane=lane, decided_by=staff_id, decided_at=tx.now)
    tx.journal("station_lane_set", station, VISITS)


def spot_for(tx: Tx, site: SiteSettings, business_on: date) -> Spot | None:
    """Return where the next ticket of the actor's desk stands, None at a site without lanes."""
    of_stations = lanes(tx.connection)
    known = frozenset(of_stations.values())
    lane = lane_to_join(of_stations.get(tx.actor.station or ""), known, _people_in_lanes(tx) if known else {})
    if lane is None:
        return None
    return Spot(lane, batch_of(_tickets_of(tx, business_on, lane), site.batch_size))


def take_spot(tx: Tx, visit_id: UUID, business_on: date, spot: Spot | None) -> None:
    """Put a new ticket where it stands, under the journal line of its check-in."""
    if spot is not None:
        _join(tx, visit_id, business_on, spot.lane, spot.batch)


def form_group(tx: Tx, label: str, business_on: date) -> UUID:
    """Begin a group, under the journal line of whoever of it is checked in first."""
    return tx.append(
        VisitGroup, label=label, business_on=business_on, formed_by=require_signed_in(tx), formed_at=tx.now
    )


def join_group(tx: Tx, group_id: UUID, visit_id: UUID) -> None:
    """Let a visit belong to a group, under a journal line of the group's check-in."""
    tx.append(VisitInGroup, visit_id=visit_id, group_id=group_id)


def move_to_lane(tx: Tx, site: SiteSettings, visit_id: UUID, lane: str) -> None:
    """Let somebody wait in another lane; they come in with no batch, so at once."""
    require_signed_in(tx)
    _require_served(tx, visit_id)
    _require_lane(tx, lane)
    _join(tx, visit_id, business_date(tx.now, site.zone, site.day_starts_at), lane, None)
    tx.journal("visit_moved_to_lane", visit_id, VISITS)


def admit_batch(tx: Tx, site: SiteSettings, lane: str) -> int:
    """Let the next batch of a lane in, and return its number."""
    staff_id = require_signed_in(tx)
    if not site.batch_size:
        raise NoBatches
    _require_lane(tx, lane)
    business_on = business_date(tx.now, site.zone, site.day_starts_at)
    of_today = (batch_admitted.c.business_on == business_on, batch_admitted.c.lane == lane)
    upto = (tx.execute(select(func.max(batch_admitted.c.upto_batch)).where(*of_today)).scalar() or 1) + 1
    record = {"business_on": business_on, "lane": lane, "upto_batch": upto}
    admitted_id = tx.append(BatchAdmitted, **record, admitted_by=staff_id, admitted_at=tx.now)
    tx.journal("batch_admitted", admitted_id, VISITS)
    return upto


def _append_priority(tx: Tx, visit_id: UUID, reason: PriorityReason | None) -> None:
    staff_id = require_signed_in(tx)
    tx.append(VisitPriority, visit_id=visit_id, reason=reason, decided_by=staff_id, decided_at=tx.now)


def _require_in_hand(tx: Tx, visit_id: UUID, station: str) -> Stage:
    found = standing(tx.connection, visit_id)
    if found.called_to != station or found.stage not in SERVED:
        raise NotInHand
    return found.stage


def _require_served(tx: Tx, visit_id: UUID) -> Stage:
    stage = standing(tx.connection, visit_id).stage
    if stage not in SERVED:
        raise StepOutOfOrder(stage=stage.value, outcome="called")
    return stage


def _require_lane(tx: Tx, lane: str) -> None:
    if lane not in lanes(tx.connection).values():
        raise LaneUnknown


def _are_together(place: Place, passed: Place) -> bool:
    """Tell whether the same stations call both, as far as lanes go."""
    return passed.lane is None or place.lane in {None, passed.lane}


def _join(tx: Tx, visit_id: UUID, business_on: date, lane: str, batch: int | None) -> None:
    joined = {"business_on": business_on, "lane": lane, "batch": batch, "joined_at": tx.now}
    tx.append(VisitLane, visit_id=visit_id, **joined)


def _tickets_of(tx: Tx, business_on: date, lane: str) -> int:
    given = (visit_lane.c.business_on == business_on, visit_lane.c.lane == lane)
    return int(tx.execute(select(func.count()).select_from(visit_lane).where(*given)).scalar_one())


def _people_in_lanes(tx: Tx) -> dict[str, int]:
    """Return how many wait for the questions in each lane; one who was moved counts where they came from as well."""
    rows = tx.execute(
        select(visit_lane.c.lane, func.count().label("people"))
        .join(visit_now, visit_now.c.visit_id == visit_lane.c.visit_id)
        .where(IS_OPEN, visit_now.c.stage == Stage.WAITING_FOR_SCREENING)
        .group_by(visit_lane.c.lane)
    )
    return {row.lane: row.people for row in rows}
