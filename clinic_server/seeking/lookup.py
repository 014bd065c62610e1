"""Who on record is like what was typed: each on a card of their own, and nobody merged with anybody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.consent.signers import GuardianSigned, guardians_of
from clinic_server.kit.call import Call
from clinic_server.kit.crypto import Keyring
from clinic_server.people.lookup import guardians_told, people, people_named, people_reached
from clinic_server.people.rules import GuardianTold, PersonFacts, refuse_too_many
from clinic_server.seeking.rules import Description
from clinic_server.visits.lookup import last_visit_of


@dataclass(frozen=True, slots=True)
class LastVisit:
    """When somebody was seen here last; an open visit goes on, and is not begun again."""

    visit_id: UUID
    ticket_number: int
    seen_at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody on record who may be the person at the desk."""

    person_id: UUID
    person: PersonFacts = field(repr=False)
    last_visit: LastVisit | None
    guardian: GuardianSigned | None = field(repr=False)
    came_with: GuardianTold | None = field(repr=False)


async def look_on_record(call: Call, sought: Description) -> Sequence[Candidate]:
    """Return the candidates, with who looked and whom the answer shows kept; a search that shows nobody is one too."""
    await call.begin_search()
    found = await call.read(lambda connection: candidates(connection, call.house.db.keyring, sought))
    call.showed([one.person_id for one in found])
    return found


def candidates(connection: Connection, keyring: Keyring, sought: Description) -> Sequence[Candidate]:
    """Return everybody like this, who was here last first, or raise TooManyAlike."""
    alike = _alike(connection, keyring, sought)
    refuse_too_many(alike)
    held = people(connection, keyring, alike)
    guardians, came_with = guardians_of(connection, keyring, alike), guardians_told(connection, keyring, alike)
    found = [
        Candidate(one, facts, _last_visit(connection, one), guardians.get(one), came_with.get(one))
        for one, facts in held.items()
        if sought.born_on in {None, facts.born_on}
    ]
    return sorted(found, key=_latest_first, reverse=True)


def candidate(connection: Connection, keyring: Keyring, person_id: UUID) -> Candidate | None:
    """Return one person on record, None where nobody has this id."""
    facts = people(connection, keyring, [person_id]).get(person_id)
    if facts is None:
        return None
    guardian = guardians_of(connection, keyring, [person_id]).get(person_id)
    came_with = guardians_told(connection, keyring, [person_id]).get(person_id)
    return Candidate(person_id, facts, _last_visit(connection, person_id), guardian, came_with)


def _alike(connection: Connection, keyring: Keyring, sought: Description) -> set[UUID]:
    """Return whom everything fits that was typed."""
    by_name = people_named(connection, keyring, sought.name, sought.born_on) if sought.name else None
    by_phone = people_reached(connection, keyring, sought.phone) if sought.phone else None
    told = [set(found) for found in (by_name, by_phone) if found is not None]
    return set.intersection(*told)


def _last_visit(connection: Connection, person_id: UUID) -> LastVisit | None:
    visit = last_visit_of(connection, person_id)
    return LastVisit(visit.visit_id, visit.ticket_number, visit.since_at, visit.stage.is_open) if visit else None


def _latest_first(one: Candidate) -> tuple[datetime, UUID]:
    return (one.last_visit.seen_at if one.last_visit else datetime.min.replace(tzinfo=UTC)), one.person_id
