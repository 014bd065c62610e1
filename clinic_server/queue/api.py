"""Calls and the line over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import Body, Call, allows
from clinic_server.kit.errors import NotPermitted
from clinic_server.queue import actions
from clinic_server.queue.lookup import hall, in_hand, minutes_to_wait
from clinic_server.queue.rules import AT_DESKS, LANE_PATTERN, ON_FLOOR, SERVED, PriorityReason, StationServesNot
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import Standing

router = APIRouter(prefix="/api/v1", tags=["queue"])
Desk = Annotated[Call, allows(*AT_DESKS)]
Floor = Annotated[Call, allows(*ON_FLOOR)]
DeskOrFloor = Annotated[Call, allows(*AT_DESKS, *ON_FLOOR)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]


class NextBody(Body):
    """The stage whose next person shall come to the actor's own station."""

    stage: Stage


class StationBody(Body):
    """Where somebody shall go instead."""

    station: str = Field(max_length=32)


class LaneBody(Body):
    """A lane."""

    lane: str = Field(pattern=LANE_PATTERN)


class StationLaneBody(Body):
    """The lane of a station, null: none."""

    lane: str | None = Field(None, pattern=LANE_PATTERN)


class PriorityBody(Body):
    """Why somebody goes first, null: not any more."""

    reason: PriorityReason | None = None


@dataclass(frozen=True, slots=True)
class InLine:
    """Somebody in line: no name, and nothing of their health."""

    visit_id: UUID
    ticket_number: int
    stage: Stage
    since_at: datetime
    called_to: str | None
    lane: str | None
    batch: int | None
    is_held: bool
    priority: PriorityReason | None
    group: str | None


@dataclass(frozen=True, slots=True)
class StageWait:
    """How many wait at a stage, and how long whoever comes now will; null while that is not known."""

    stage: Stage
    people: int
    minutes: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """Everyone who waits before the needle, in the order of the calls."""

    line: Sequence[InLine]
    waits: Sequence[StageWait]


def require_server_of(call: Call, stage: Stage) -> None:
    """Refuse whoever may not do what is done at a stage."""
    if stage not in SERVED:
        raise StationServesNot
    if not SERVED[stage].roles & call.actor.roles:
        raise NotPermitted


@router.get("/queue")
async def the_line(call: Floor) -> Line:
    """Return who waits where, in the order of the calls."""
    seen = await call.read(lambda connection: hall(connection, call.house.settings.site))
    people = [InLine(**{one.name: getattr(place, one.name) for one in fields(InLine)}) for place in seen.line]
    return Line(people, [StageWait(stage, wait.people, wait.minutes) for stage, wait in seen.waits.items()])


@router.get("/queue/hand")
async def hand(call: Desk) -> Sequence[Standing]:
    """Return who is called to the actor's own station and has not gone on."""
    station = call.station()
    return await call.read(lambda connection: in_hand(connection, station))


@router.post("/queue/next", status_code=201)
async def call_next(call: Desk, body: NextBody) -> Response:
    """Call the next person to the actor's own station."""
    require_server_of(call, body.stage)
    station, settings = call.station(), call.house.settings
    return await call.record(lambda tx: actions.call_next(tx, settings, body.stage, station))


@router.get("/visits/{visit_id}/wait")
async def wait(call: DeskOrFloor, visit_id: UUID) -> int | None:
    """Return the minutes until a ticket is called, null while that is not known or once it is."""
    site = call.house.settings.site

    def question(connection: Connection) -> int | None:
        return minutes_to_wait(connection, site, visit_id)

    return await call.read(question)


@router.post("/visits/{visit_id}/recall", status_code=201)
async def recall(call: Desk, visit_id: UUID) -> Response:
    """Call the person in hand once more."""
    station = call.station()
    return await call.record(lambda tx: actions.recall(tx, visit_id, station))


@router.post("/visits/{visit_id}/pass", status_code=201)
async def pass_over(call: Desk, visit_id: UUID) -> Response:
    """Let the person in hand, who did not come, stand behind the next few."""
    station, site = call.station(), call.house.settings.site
    return await call.record(lambda tx: actions.pass_over(tx, site, visit_id, station))


@router.post("/visits/{visit_id}/return", status_code=201)
async def return_to_line(call: DeskOrFloor, visit_id: UUID) -> Response:
    """Let the person in hand wait on in their place; who leads the floor may do so for every station."""
    station = None if Role.SITE_LEAD in call.actor.roles or Role.ORDER_KEEPER in call.actor.roles else call.station()
    return await call.record(lambda tx: actions.return_to_line(tx, visit_id, station))


@router.post("/visits/{visit_id}/transfer", status_code=201)
async def transfer(call: DeskOrFloor, visit_id: UUID, body: StationBody) -> Response:
    """Call somebody to another station."""
    return await call.record(lambda tx: actions.transfer(tx, visit_id, body.station))


@router.post("/visits/{visit_id}/send-on", status_code=201)
async def send_on(call: DeskOrFloor, visit_id: UUID) -> Response:
    """Call somebody to the fitting station that has the fewest people."""
    settings = call.house.settings
    return await call.record(lambda tx: actions.send_on(tx, settings, visit_id))


@router.post("/visits/{visit_id}/priority", status_code=201)
async def set_priority(call: DeskOrFloor, visit_id: UUID, body: PriorityBody) -> Response:
    """Let somebody go first for a reason, or like everybody else."""
    return await call.record(lambda tx: actions.set_priority(tx, visit_id, body.reason))


@router.post("/visits/{visit_id}/lane", status_code=201)
async def move_to_lane(call: Floor, visit_id: UUID, body: LaneBody) -> Response:
    """Let somebody wait in another lane."""
    site = call.house.settings.site
    return await call.record(lambda tx: actions.move_to_lane(tx, site, visit_id, body.lane))


@router.post("/stations/{code}/lane", status_code=201)
async def put_station_in_lane(call: Lead, code: str, body: StationLaneBody) -> Response:
    """Let a station belong to a lane, or to none."""
    return await call.record(lambda tx: actions.put_station_in_lane(tx, code, body.lane))


@router.post("/lanes/{lane}/batches", status_code=201)
async def admit_batch(call: Floor, lane: str) -> Response:
    """Let the next batch of a lane in."""
    site = call.house.settings.site
    return await call.record(lambda tx: actions.admit_batch(tx, site, lane))
