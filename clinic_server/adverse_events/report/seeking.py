"""Whose event it is: somebody on record, by card, slip or number, or by name; and which doses it may have followed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events.lookup import events_where
from clinic_server.adverse_events.tables import adverse_event
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.inbox import Inbox
from clinic_server.people.documents import Document
from clinic_server.people.lookup import find_by_document, people, people_named
from clinic_server.people.rules import CardFacts, PersonFacts, refuse_too_many
from clinic_server.stock.scans import ScanFacts, VisitScan
from clinic_server.stock.tables import lot, product
from clinic_server.visits.doses import in_error
from clinic_server.visits.slip_code import visit_of_slip
from clinic_server.visits.tables import dose

_DELIVERED = ("card", "scan")


@dataclass(frozen=True, slots=True)
class PersonFound:
    """Somebody on record, the doses of theirs that stand, and the numbers of their open files."""

    person_id: UUID
    person: PersonFacts = field(repr=False)
    doses: Sequence["DoseToSuspect"]
    open_files: Sequence[int]


@dataclass(frozen=True, slots=True)
class DoseToSuspect:
    """A dose given here that an event may have followed."""

    dose_id: UUID
    product_name: str
    lot_number: str
    given_at: datetime


def people_called(connection: Connection, keyring: Keyring, name: str, born_on: date | None) -> Sequence[PersonFound]:
    """Return everybody on record of a name, and of a birth date where it is told; two of one name are two.

    Raises TooManyAlike.
    """
    alike = people_named(connection, keyring, name, born_on)
    refuse_too_many(alike)
    return _found(connection, keyring, alike)


def people_by_number(connection: Connection, keyring: Keyring, document: Document) -> Sequence[PersonFound]:
    """Return whose document this is, nobody where it is unknown."""
    person_id = find_by_document(connection, keyring, document)
    return _found(connection, keyring, [person_id] if person_id else [])


def person_found(connection: Connection, keyring: Keyring, person_id: UUID) -> PersonFound | None:
    """Return somebody on record by their id."""
    return next(iter(_found(connection, keyring, [person_id])), None)


def shown_at(inbox: Inbox, station: str) -> object | None:
    """Return what was last read or scanned at a station, if it has not perished."""
    lying = [one for kind in _DELIVERED if (one := inbox.latest(station, kind))]
    return max(lying, key=lambda one: one.id).content if lying else None


def people_by_shown(connection: Connection, keyring: Keyring, content: object) -> Sequence[PersonFound]:
    """Return whom a card, a slip of this site or a scanned number shows; raises a Refused of no number."""
    match content:
        case CardFacts(document=document):
            return people_by_number(connection, keyring, document)
        case ScanFacts(text):
            return people_by_number(connection, keyring, Document.parse(text))
        case VisitScan(code):
            visit = visit_of_slip(connection, keyring, code)
            return _found(connection, keyring, [visit.person_id] if visit else [])
    return []


def _found(connection: Connection, keyring: Keyring, person_ids: Sequence[UUID]) -> Sequence[PersonFound]:
    held = people(connection, keyring, person_ids)
    return [
        PersonFound(one, held[one], _doses(connection, one), _open_files(connection, one))
        for one in person_ids
        if one in held
    ]


def _doses(connection: Connection, person_id: UUID) -> Sequence[DoseToSuspect]:
    """Return the doses that stand, the latest first: it is suspected first."""
    rows = connection.execute(
        select(dose.c.id, product.c.name, lot.c.number, dose.c.given_at)
        .join_from(dose, lot, lot.c.id == dose.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .where(dose.c.person_id == person_id, ~in_error())
        .order_by(dose.c.given_at.desc(), dose.c.journal_seq.desc())
    )
    return [DoseToSuspect(*row) for row in rows]


def _open_files(connection: Connection, person_id: UUID) -> Sequence[int]:
    events = events_where(connection, adverse_event.c.person_id == person_id)
    return [one.number for one in events if one.closed_at is None]
