"""The seats of the area, and who is where."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from clinic_server.kit.crypto import Keyring
from clinic_server.observation.presenting import visit_shown
from clinic_server.observation.seats.rules import (
    FoundBy,
    NotInArea,
    Place,
    Placed,
    Seat,
    SeatUnknown,
    as_counted,
    free_seats,
)
from clinic_server.observation.seats.tables import placement, seat
from clinic_server.stock.scans import VisitScan
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import visit_now


def seats(connection: Connection) -> Sequence[Seat]:
    """Return every seat as it was listed last, the retired ones included, by zone."""
    latest = select(func.max(seat.c.journal_seq)).group_by(seat.c.code)
    rows = connection.execute(select(seat.c.code, seat.c.zone, seat.c.is_retired).where(seat.c.journal_seq.in_(latest)))
    return sorted((Seat(*row) for row in rows), key=as_counted)


def require_seat(connection: Connection, code: str) -> Seat:
    """Return a seat, or raise SeatUnknown."""
    found = next((one for one in seats(connection) if one.code == code), None)
    if found is None:
        raise SeatUnknown
    return found


def places(connection: Connection) -> Mapping[UUID, Place]:
    """Return where each person under observation is who has arrived; nobody else holds a seat."""
    return _as_places(connection, _latest().where(visit_now.c.stage == Stage.OBSERVED))


def free(connection: Connection) -> Sequence[Seat]:
    """Return the seats somebody can be led to."""
    return free_seats(seats(connection), places(connection).values())


def place_of(connection: Connection, visit_id: UUID) -> Place | None:
    """Return where a visit's person is or was last, None before they arrive."""
    return _as_places(connection, _latest().where(placement.c.visit_id == visit_id)).get(visit_id)


def placements_of(connection: Connection, visit_id: UUID) -> Sequence[Placed]:
    """Return where somebody was, the arrival first."""
    columns = (placement.c.seat_code, placement.c.found_by, placement.c.placed_by, placement.c.placed_at)
    rows = connection.execute(
        select(*columns).where(placement.c.visit_id == visit_id).order_by(placement.c.journal_seq)
    )
    return [Placed(*row) for row in rows]


def ticket_at(connection: Connection, seat_code: str) -> int | None:
    """Return the ticket of whoever sits on a seat."""
    taken = _latest().where(placement.c.seat_code == seat_code, visit_now.c.stage == Stage.OBSERVED)
    ticket: int | None = connection.execute(taken.with_only_columns(visit_now.c.ticket_number)).scalar()
    return ticket


def who_came(connection: Connection, keyring: Keyring, content: object) -> tuple[UUID, FoundBy]:
    """Return who under observation a slip or a document names, and which it was, or raise NotInArea."""
    found = visit_shown(connection, keyring, content)
    if found is None or found.stage is not Stage.OBSERVED:
        raise NotInArea
    return found.visit_id, FoundBy.SLIP if isinstance(content, VisitScan) else FoundBy.CARD


def who_has_ticket(connection: Connection, ticket_number: int) -> UUID:
    """Return who is under observation with a ticket, or raise NotInArea; of two days' people nobody is guessed."""
    wanted = (visit_now.c.ticket_number == ticket_number, visit_now.c.stage == Stage.OBSERVED)
    found: Sequence[UUID] = connection.execute(select(visit_now.c.visit_id).where(*wanted)).scalars().all()
    if len(found) != 1:
        raise NotInArea
    return found[0]


def _latest() -> Select[tuple[UUID, str | None]]:
    other = placement.alias()
    newest = select(func.max(other.c.journal_seq)).where(other.c.visit_id == placement.c.visit_id).scalar_subquery()
    return (
        select(placement.c.visit_id, placement.c.seat_code)
        .join(visit_now, visit_now.c.visit_id == placement.c.visit_id)
        .where(placement.c.journal_seq == newest)
    )


def _as_places(connection: Connection, asked: Select[tuple[UUID, str | None]]) -> Mapping[UUID, Place]:
    zones = {one.code: one.zone for one in seats(connection)}
    return {
        row.visit_id: Place(row.visit_id, row.seat_code, zones.get(row.seat_code or "", ""))
        for row in connection.execute(asked)
    }
