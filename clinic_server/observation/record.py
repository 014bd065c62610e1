"""The record of one person's observation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events.care.lookup import CallFacts, call_of_visit
from clinic_server.kit.crypto import Keyring
from clinic_server.observation.area import products_given
from clinic_server.observation.rules import DepartureKind, EarlyReason, ExtensionReason
from clinic_server.observation.seats.lookup import placements_of, places, seats
from clinic_server.observation.seats.rules import Place, Placed, Seat, free_seats
from clinic_server.observation.tables import departure, extension
from clinic_server.people.lookup import person
from clinic_server.people.rules import PersonFacts
from clinic_server.staff.actions import members
from clinic_server.visits.lookup import Standing, standing
from clinic_server.visits.watch import Watched, watched


@dataclass(frozen=True, slots=True)
class Extended:
    """By how many minutes an observation was made longer, and why."""

    minutes: int
    reason: ExtensionReason


@dataclass(frozen=True, slots=True)
class Departed:
    """How somebody left."""

    kind: DepartureKind
    reason: EarlyReason | None
    minutes_short: int
    left_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """Everything of one visit's observation; ``watched`` is None once it has ended."""

    visit: Standing
    person: PersonFacts
    watched: Watched | None
    products: Sequence[str]
    place: Place | None
    placements: Sequence[Placed]
    free: Sequence[Seat]
    called: CallFacts | None
    extensions: Sequence[Extended]
    departure: Departed | None
    names: Mapping[UUID, str]


def record_of(connection: Connection, keyring: Keyring, visit_id: UUID) -> Record:
    """Return the record of a visit's observation, or raise VisitUnknown."""
    visit = standing(connection, visit_id)
    seated = places(connection)
    return Record(
        visit=visit,
        person=person(connection, keyring, visit.person_id),
        watched=next((one for one in watched(connection) if one.visit_id == visit_id), None),
        products=products_given(connection, [visit_id]).get(visit_id, ()),
        place=seated.get(visit_id),
        placements=placements_of(connection, visit_id),
        free=free_seats(seats(connection), seated.values()),
        called=call_of_visit(connection, visit_id),
        extensions=_extensions(connection, visit_id),
        departure=_departure(connection, visit_id),
        names={one.staff_id: one.name for one in members(connection, keyring)},
    )


def _extensions(connection: Connection, visit_id: UUID) -> Sequence[Extended]:
    told = select(extension.c.minutes, extension.c.reason).where(extension.c.visit_id == visit_id)
    return [Extended(*row) for row in connection.execute(told.order_by(extension.c.journal_seq))]


def _departure(connection: Connection, visit_id: UUID) -> Departed | None:
    columns = (departure.c.kind, departure.c.reason, departure.c.minutes_short, departure.c.left_at)
    row = connection.execute(select(*columns).where(departure.c.visit_id == visit_id)).first()
    return None if row is None else Departed(*row)
