"""The line for whoever leads the floor, one person's place in it, and the bar of who is in hand at a desk."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows, go_to
from clinic_server.queue import actions
from clinic_server.queue.lookup import counters, groups_of_open, hall, in_hand, lanes, place_of
from clinic_server.queue.rules import AT_DESKS, LANE_PATTERN, MOST_LISTED, ON_FLOOR, SERVED, PriorityReason
from clinic_server.staff.actions import stations
from clinic_server.staff.rules import Role
from clinic_server.visits.lookup import standing

router = APIRouter(include_in_schema=False)
Desk = Annotated[Call, allows(*AT_DESKS)]
Floor = Annotated[Call, allows(*ON_FLOOR)]
DeskOrFloor = Annotated[Call, allows(*AT_DESKS, *ON_FLOOR)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]
PAGE = "/queue"


class StationForm(Form):
    """Where somebody shall go instead."""

    station: str = Field(max_length=32)


class PriorityForm(Form):
    """Why somebody goes first; empty: not any more."""

    reason: Annotated[PriorityReason | None, EMPTY_IS_NONE] = None


class LaneForm(Form):
    """A lane."""

    lane: str = Field(pattern=LANE_PATTERN)


class StationLaneForm(Form):
    """Which lane a station belongs to; empty: none."""

    station: str = Field(max_length=32)
    lane: Annotated[str | None, EMPTY_IS_NONE] = Field(None, pattern=LANE_PATTERN)


@router.get(PAGE)
async def show_line(call: Floor, *, whole: bool = False) -> HTMLResponse:
    """Show who waits where and for how long, and the lanes."""
    return call.page("queue/line.html", **await _line(call, whole=whole), **await _site(call))


@router.get(f"{PAGE}/line")
async def line_again(call: Floor, *, whole: bool = False) -> HTMLResponse:
    """Show the line alone."""
    return call.page("queue/_line.html", **await _line(call, whole=whole))


@router.get(f"{PAGE}/hand")
async def hand(call: Desk) -> HTMLResponse:
    """Show who is called to the actor's station and has not gone on."""
    station = call.actor.station
    called = await call.read(lambda connection: in_hand(connection, station)) if station else ()
    groups = await call.read(groups_of_open) if called else {}
    return call.page("queue/_hand.html", hand=called, groups=groups, served=SERVED)


@router.post("/visits/{visit_id}/recall")
async def recall(call: Desk, visit_id: UUID) -> Response:
    """Call the person in hand once more; the page stays as it is, with whatever is typed on it."""
    station = call.station()
    await call.record(lambda tx: actions.recall(tx, visit_id, station))
    return _stay(call, f"/visits/{visit_id}")


@router.post("/visits/{visit_id}/pass")
async def pass_over(call: Desk, visit_id: UUID) -> Response:
    """Let the person in hand, who did not come, stand behind the next few, and go back to the line."""
    station, site = call.station(), call.house.settings.site
    return await call.record(
        lambda tx: actions.pass_over(tx, site, visit_id, station), then=lambda stage: SERVED[stage].page
    )


@router.post("/visits/{visit_id}/return")
async def return_to_line(call: Desk, visit_id: UUID) -> Response:
    """Let the person in hand wait on in their place."""
    station = call.station()
    return await call.record(
        lambda tx: actions.return_to_line(tx, visit_id, station), then=lambda stage: SERVED[stage].page
    )


@router.get(f"{PAGE}/visits/{{visit_id}}")
async def show_place(call: DeskOrFloor, visit_id: UUID) -> HTMLResponse:
    """Show one person's place in line, and what may be done about it."""
    settings = call.house.settings

    def question(connection: Connection) -> dict[str, Any]:
        place = place_of(connection, settings.site, visit_id)
        is_open = counters(connection, settings, place.stage) if place else ()
        return {"place": place, "visit": standing(connection, visit_id), "counters": is_open}

    return call.page("queue/place.html", reasons=PriorityReason, **await call.read(question), **await _site(call))


@router.post(f"{PAGE}/visits/{{visit_id}}/return")
async def end_call(call: Floor, visit_id: UUID) -> Response:
    """End a call to any station; the person waits on in their place."""
    station = None if {Role.SITE_LEAD, Role.ORDER_KEEPER} & call.actor.roles else call.station()
    return await call.record(lambda tx: actions.return_to_line(tx, visit_id, station), then=PAGE)


@router.post(f"{PAGE}/visits/{{visit_id}}/transfer")
async def transfer(call: DeskOrFloor, visit_id: UUID) -> Response:
    """Call somebody to another station."""
    form = await call.form(StationForm)
    return await call.record(lambda tx: actions.transfer(tx, visit_id, form.station), then=_back(call))


@router.post(f"{PAGE}/visits/{{visit_id}}/send-on")
async def send_on(call: DeskOrFloor, visit_id: UUID) -> Response:
    """Call somebody to the fitting station that has the fewest people."""
    settings = call.house.settings
    return await call.record(lambda tx: actions.send_on(tx, settings, visit_id), then=_back(call))


@router.post(f"{PAGE}/visits/{{visit_id}}/priority")
async def set_priority(call: DeskOrFloor, visit_id: UUID) -> Response:
    """Let somebody go first for a reason, or like everybody else."""
    form = await call.form(PriorityForm)
    return await call.record(lambda tx: actions.set_priority(tx, visit_id, form.reason), then=_back(call))


@router.post(f"{PAGE}/visits/{{visit_id}}/lane")
async def move_to_lane(call: Floor, visit_id: UUID) -> Response:
    """Let somebody wait in another lane."""
    form, site = await call.form(LaneForm), call.house.settings.site
    return await call.record(lambda tx: actions.move_to_lane(tx, site, visit_id, form.lane), then=PAGE)


@router.post(f"{PAGE}/lanes")
async def put_station_in_lane(call: Lead) -> Response:
    """Let a station belong to a lane, or to none."""
    form = await call.form(StationLaneForm)
    return await call.record(lambda tx: actions.put_station_in_lane(tx, form.station, form.lane), then=PAGE)


@router.post(f"{PAGE}/batches")
async def admit_batch(call: Floor) -> Response:
    """Let the next batch of a lane in."""
    form, site = await call.form(LaneForm), call.house.settings.site
    return await call.record(lambda tx: actions.admit_batch(tx, site, form.lane), then=PAGE)


async def _line(call: Call, *, whole: bool) -> dict[str, Any]:
    site = call.house.settings.site
    return {"hall": await call.read(lambda connection: hall(connection, site)), "whole": whole, "most": MOST_LISTED}


async def _site(call: Call) -> dict[str, Any]:
    """Return the stations and their lanes."""

    def question(connection: Connection) -> dict[str, Any]:
        of_stations = lanes(connection)
        known = [one for one in stations(connection) if any(one.kind in service.kinds for service in SERVED.values())]
        return {"stations": known, "lane_of": of_stations, "lanes": sorted(set(of_stations.values()))}

    return await call.read(question) | {"batch_size": call.house.settings.site.batch_size}


def _back(call: Call) -> str:
    """Return where the actor came from: the floor's line, or their own desk's."""
    if set(ON_FLOOR) & call.actor.roles:
        return PAGE
    return next(one.page for one in SERVED.values() if one.roles & call.actor.roles)


def _stay(call: Call, page: str) -> Response:
    return Response(status_code=204) if "hx-request" in call.request.headers else go_to(call.request, page)
