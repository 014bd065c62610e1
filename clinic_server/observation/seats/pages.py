"""The seats a site lead keeps, and the arrivals a nurse records."""

import re
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows, as_problem
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.tx import Tx
from clinic_server.observation.presenting import newest_at
from clinic_server.observation.seats import actions, lookup
from clinic_server.observation.seats.forms import SeatCode
from clinic_server.observation.seats.rules import FoundBy
from clinic_server.staff.rules import STATION_PATTERN, Role
from clinic_server.visits.line import one_in_line

router = APIRouter(include_in_schema=False)
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]
AREA = "/observation"
SETTINGS = "/observation/seats"
_TICKET: Final = re.compile("[0-9]{1,6}")


class SeatForm(Form):
    """A seat and where it stands."""

    code: str = Field(pattern=STATION_PATTERN)
    zone: str = Field(min_length=1, max_length=40)


class ArrivalForm(Form):
    """Who came, by a code that was scanned or a ticket that was typed, and to which seat they were led."""

    shown: str = Field(min_length=1, max_length=200, repr=False)
    seat_code: SeatCode = None


class PlacementForm(Form):
    """To which seat somebody was led; without one they stand. ``delivery_id`` is the card or slip that named them."""

    seat_code: SeatCode = None
    found_by: FoundBy = FoundBy.HAND
    delivery_id: Annotated[UUID | None, EMPTY_IS_NONE] = None


@router.get(SETTINGS)
async def show_seats(call: Lead) -> Response:
    """Show the seats of the area."""
    return call.page("observation/seats.html", seats=await call.read(lookup.seats))


@router.post(SETTINGS)
async def list_seat(call: Lead) -> Response:
    """Enter a seat, or enter it anew."""
    form = await call.form(SeatForm)
    return await call.record(lambda tx: actions.list_seat(tx, form.code, form.zone), then=SETTINGS)


@router.post(f"{SETTINGS}/{{code}}/retirement")
async def retire_seat(call: Lead, code: str) -> Response:
    """Take a seat out of use."""
    return await call.record(lambda tx: actions.retire_seat(tx, code), then=SETTINGS)


@router.get("/observation/free-seats")
async def free_again(call: Nurse) -> Response:
    """Show again to which seats somebody can be led."""
    return call.page("observation/_seat_choice.html", field_id="seat_code", free=await call.read(lookup.free))


@router.get("/observation/shown")
async def shown(call: Nurse) -> Response:
    """Show whose card or slip came last to the nurse's own station, and ask for their seat."""
    return call.page("observation/_shown.html", **await _shown(call))


@router.post("/observation/arrivals")
async def arrive(call: Nurse) -> Response:
    """Record where somebody was led whose slip or document was scanned, or whose ticket was typed."""
    form = await call.form(ArrivalForm)
    content, keyring = call.house.recognise(form.shown), call.house.db.keyring

    def lead(tx: Tx) -> actions.Led:
        if _TICKET.fullmatch(form.shown):
            visit_id, found_by = lookup.who_has_ticket(tx.connection, int(form.shown)), FoundBy.TICKET
        else:
            visit_id, found_by = lookup.who_came(tx.connection, keyring, content)
        return actions.place_person(tx, visit_id, form.seat_code, found_by)

    return await call.record(lead, then=AREA)


@router.post("/visits/{visit_id}/placements")
async def place_person(call: Nurse, visit_id: UUID) -> Response:
    """Record where somebody was led."""
    form, station = await call.form(PlacementForm), call.actor.station or ""
    with call.house.inbox.judging(station, form.delivery_id):
        return await call.record(
            lambda tx: actions.place_person(tx, visit_id, form.seat_code, form.found_by), then=AREA
        )


async def _shown(call: Call) -> dict[str, Any]:
    """Return who is named by what lies at the station, or why nobody is; nothing where nothing lies there."""
    newest = newest_at(call.house.inbox, call.actor.station) if call.actor.station else None
    if newest is None:
        return {"delivery": None}
    delivery, keyring = newest[0], call.house.db.keyring

    def look(connection: Connection) -> dict[str, Any]:
        try:
            visit_id, found_by = lookup.who_came(connection, keyring, delivery.content)
        except ClinicError as unknown:
            return {"delivery": delivery, "came": None, "problem": as_problem(unknown)}
        came = one_in_line(connection, keyring, visit_id)
        return {"delivery": delivery, "came": came, "found_by": found_by, "free": lookup.free(connection)}

    return await call.read(look)
