"""People in line: visits at a stage with who they are, for the desks that may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.kit.crypto import Keyring
from clinic_server.people.lookup import people, person
from clinic_server.people.rules import PersonFacts
from clinic_server.visits.lookup import Standing, standing, standings


@dataclass(frozen=True, slots=True)
class InLine:
    """One visit and its person."""

    visit: Standing
    person: PersonFacts


def in_line(connection: Connection, keyring: Keyring, visit_ids: Sequence[UUID]) -> Sequence[InLine]:
    """Return visits with their people, in the order they are asked for."""
    found = standings(connection, visit_ids)
    known = people(connection, keyring, {visit.person_id for visit in found.values()})
    return [InLine(found[one], known[found[one].person_id]) for one in visit_ids]


def one_in_line(connection: Connection, keyring: Keyring, visit_id: UUID) -> InLine:
    """Return one visit and its person, or raise VisitUnknown."""
    visit = standing(connection, visit_id)
    return InLine(visit, person(connection, keyring, visit.person_id))
