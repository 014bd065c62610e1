"""Keeping the seats, and leading people to them."""

from dataclasses import dataclass
from uuid import UUID

from clinic_server.kit.tx import Tx
from clinic_server.observation.seats.lookup import place_of, require_seat, ticket_at
from clinic_server.observation.seats.rules import SEATS, FoundBy, Seat, SeatedThere, SeatRetired, SeatTaken
from clinic_server.observation.seats.tables import Placement, SeatListed
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.steps import require_stage


@dataclass(frozen=True, slots=True)
class Led:
    """Where somebody was led; ``has_arrived`` says that nobody had seen them in the area before."""

    visit_id: UUID
    seat_code: str | None
    has_arrived: bool


def list_seat(tx: Tx, code: str, zone: str) -> Seat:
    """Enter a seat, or one that was out of use, or in another zone."""
    return _list(tx, Seat(code, zone.strip(), is_retired=False))


def retire_seat(tx: Tx, code: str) -> Seat:
    """Take a seat out of use; refused while somebody sits on it."""
    known = require_seat(tx.connection, code)
    _refuse_taken(tx, code)
    return _list(tx, Seat(code, known.zone, is_retired=True))


def place_person(tx: Tx, visit_id: UUID, seat_code: str | None, found_by: FoundBy) -> Led:
    """Record that somebody came to a seat, or stands; the first time it is the arrival. The clock is the needle's."""
    require_stage(tx, visit_id, Stage.OBSERVED, Outcome.LEFT)
    before = place_of(tx.connection, visit_id)
    if before is not None and before.seat_code == seat_code:
        raise SeatedThere
    seat_person(tx, visit_id, seat_code, found_by)
    tx.journal("person_moved" if before else "person_arrived", visit_id, SEATS)
    return Led(visit_id, seat_code, before is None)


def seat_person(tx: Tx, visit_id: UUID, seat_code: str | None, found_by: FoundBy) -> None:
    """Append where somebody is from now on who may be there; the caller journals. SeatRetired and SeatTaken."""
    placed_by = require_signed_in(tx)
    if seat_code is not None:
        if require_seat(tx.connection, seat_code).is_retired:
            raise SeatRetired
        _refuse_taken(tx, seat_code)
    tx.append(
        Placement, visit_id=visit_id, seat_code=seat_code, found_by=found_by, placed_by=placed_by, placed_at=tx.now
    )


def _refuse_taken(tx: Tx, code: str) -> None:
    if (ticket := ticket_at(tx.connection, code)) is not None:
        raise SeatTaken(ticket=ticket)


def _list(tx: Tx, new: Seat) -> Seat:
    listed_by = require_signed_in(tx)
    told = {"code": new.code, "zone": new.zone, "is_retired": new.is_retired}
    tx.append(SeatListed, **told, listed_by=listed_by, listed_at=tx.now)
    tx.journal("seat_retired" if new.is_retired else "seat_listed", new.code, SEATS)
    return new
