"""Whose visit a card or a slip shows, for the exit and for the nurses of the area."""

from typing import Final

from sqlalchemy import Connection

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.inbox import Delivery, Inbox
from clinic_server.people.documents import Document
from clinic_server.people.lookup import find_by_document
from clinic_server.people.rules import CardFacts
from clinic_server.stock.scans import ScanFacts, VisitScan
from clinic_server.visits.chain import visit_that_counts
from clinic_server.visits.lookup import Standing, last_visit_of, open_visit_of, standing
from clinic_server.visits.slip_code import visit_of_slip

_KINDS: Final = ("card", "scan")


def newest_at(inbox: Inbox, station: str) -> tuple[Delivery, str] | None:
    """Return the card or scan that came last to a station and which it is, None once answered or perished."""
    lying = [(delivery, kind) for kind in _KINDS if (delivery := inbox.latest(station, kind)) is not None]
    return max(lying, key=lambda one: one[0].id, default=None)


def visit_shown(connection: Connection, keyring: Keyring, content: object) -> Standing | None:
    """Return the visit of a slip, or the open or last one of a document's holder; raise what makes it no document.

    Of several visits of one stay it is the one whose watch counts, whichever slip was shown.
    """
    match content:
        case VisitScan(code):
            found: Standing | None = visit_of_slip(connection, keyring, code)
        case CardFacts(document=document):
            found = _visit_of_holder(connection, keyring, document)
        case ScanFacts(text):
            found = _visit_of_holder(connection, keyring, Document.parse(text))
        case _:
            found = None
    return None if found is None else standing(connection, visit_that_counts(connection, found.visit_id))


def _visit_of_holder(connection: Connection, keyring: Keyring, document: Document) -> Standing | None:
    person_id = find_by_document(connection, keyring, document)
    if person_id is None:
        return None
    return open_visit_of(connection, person_id) or last_visit_of(connection, person_id)
