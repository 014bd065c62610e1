"""The area's seats and arrivals, for programs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.observation.seats import actions, lookup
from clinic_server.observation.seats.rules import FoundBy, Place, Seat
from clinic_server.staff.rules import STATION_PATTERN, Role

router = APIRouter(prefix="/api/v1", tags=["observation"])
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]
Viewer = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN, Role.SITE_LEAD)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]


class SeatBody(Body):
    """In which part of the area a seat stands."""

    zone: str = Field(min_length=1, max_length=40)


class PlacementBody(Body):
    """To which seat somebody was led; without one they stand."""

    seat_code: str | None = Field(None, pattern=STATION_PATTERN)
    found_by: FoundBy = FoundBy.HAND


@router.get("/seats")
async def seats(call: Viewer) -> list[Seat]:
    """Return the seats of the area."""
    return list(await call.read(lookup.seats))


@router.get("/seats/taken")
async def taken(call: Nurse) -> list[Place]:
    """Return where everybody under observation is who has arrived."""
    return list((await call.read(lookup.places)).values())


@router.post("/seats/{code}", status_code=201)
async def list_seat(call: Lead, code: str, body: SeatBody) -> Response:
    """Enter a seat, or enter it anew."""
    return await call.record(lambda tx: actions.list_seat(tx, code, body.zone))


@router.post("/seats/{code}/retirement", status_code=201)
async def retire_seat(call: Lead, code: str) -> Response:
    """Take a seat out of use."""
    return await call.record(lambda tx: actions.retire_seat(tx, code))


@router.post("/visits/{visit_id}/placements", status_code=201)
async def place_person(call: Nurse, visit_id: UUID, body: PlacementBody) -> Response:
    """Record where somebody was led."""
    return await call.record(lambda tx: actions.place_person(tx, visit_id, body.seat_code, body.found_by))
