"""People in line: visits at a stage with who they are, for the desks that may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.kit.crypto import Keyring
from clinic_server.people.lookup import people, person
from clinic_server.people.rules import PersonFacts
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import Standing, standing, standing_at


@dataclass(frozen=True, slots=True)
class InLine:
    """One visit and its person."""

    visit: Standing
    person: PersonFacts


def in_line(connection: Connection, keyring: Keyring, *stages: Stage) -> Sequence[InLine]:
    """Return everyone at these stages, in ticket order."""
    visits = standing_at(connection, *stages)
    known = people(connection, keyring, {visit.person_id for visit in visits})
    return [InLine(visit, known[visit.person_id]) for visit in visits]


def one_in_line(connection: Connection, keyring: Keyring, visit_id: UUID) -> InLine:
    """Return one visit and its person, or raise VisitUnknown."""
    visit = standing(connection, visit_id)
    return InLine(visit, person(connection, keyring, visit.person_id))
