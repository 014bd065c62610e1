"""Whose card or slip was shown at a bench, and whether it is the one who is called there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.injection.lookup import SCAN, is_slip_seen
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import NotFound
from clinic_server.kit.inbox import Delivery, Inbox
from clinic_server.people.lookup import find_by_document
from clinic_server.people.rules import CardFacts, CardFault, CardHolder
from clinic_server.stock.scans import VisitScan
from clinic_server.visits.lookup import Standing, open_visit_of, standing
from clinic_server.visits.slip_code import SlipUnknown, visit_of_slip

_CARD: Final = "card"


class CardOfNobodyHere(NotFound):
    """Nobody who is here has this card, or it cannot be read."""

    code = "card_of_nobody_here"


class WhoCame(StrEnum):
    """What a card or a slip says of whoever sits down."""

    CALLED = "called"
    ANOTHER = "another"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Came:
    """Who came, where another stands who has an open visit, and why a card cannot be read: a label of card_fault."""

    who: WhoCame
    elsewhere: Standing | None = None
    fault: str | None = None


def shown_at(inbox: Inbox, station: str) -> Delivery | None:
    """Return the card or slip that was shown last at a bench, None once it is answered or has perished."""
    card = inbox.latest(station, _CARD)
    slip = inbox.latest(station, SCAN) if is_slip_seen(inbox, station) else None
    return max((one for one in (card, slip) if one), key=lambda one: one.id, default=None)


def visit_that_came(connection: Connection, keyring: Keyring, content: object) -> Standing | None:
    """Return the open visit of a card's holder, or the visit of a slip; None where there is none."""
    if isinstance(content, VisitScan):
        try:
            return visit_of_slip(connection, keyring, content.code)
        except SlipUnknown:
            return None
    person_id = find_by_document(connection, keyring, content.document) if isinstance(content, CardFacts) else None
    return open_visit_of(connection, person_id) if person_id else None


def who_came(connection: Connection, keyring: Keyring, content: object, visit_id: UUID) -> Came:
    """Compare a card or slip with whom a visit is of. A card that names no document of ours is nobody's word."""
    if isinstance(content, CardFault):
        return Came(WhoCame.UNREADABLE, fault=content.code)
    if isinstance(content, CardHolder):
        return Came(WhoCame.UNREADABLE)
    found = visit_that_came(connection, keyring, content)
    if found and found.person_id == standing(connection, visit_id).person_id:
        return Came(WhoCame.CALLED)
    return Came(WhoCame.ANOTHER, found if found and found.stage.is_open else None)
