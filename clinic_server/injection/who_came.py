"""Whose card or slip was shown at a bench, and whether it is the one who is called there."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.injection.identity import Shown, note_shown
from clinic_server.injection.lookup import SCAN, is_slip_seen
from clinic_server.injection.rules import IdentityCheck
from clinic_server.kit.call import Call
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import NotFound
from clinic_server.kit.inbox import Delivery, Inbox
from clinic_server.kit.tx import Tx
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
    """Who came, which open visit the card or slip names, and why a card cannot be read: a label of card_fault."""

    who: WhoCame
    visit_id: UUID | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """Who came, as it is recorded now, and whether another's card or slip barred the needle until now."""

    came: Came
    was_barred: bool


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
        return Came(WhoCame.CALLED, found.visit_id)
    return Came(WhoCame.ANOTHER, found.visit_id if found and found.stage.is_open else None)


async def settle(call: Call, delivery: Delivery, visit_id: UUID) -> Settled:
    """Record whether what was shown at the actor's bench is of a visit's person, once, and take it away."""
    settled = await call.house.db.write(lambda tx: _settle(tx, delivery, visit_id), call.actor)
    call.house.inbox.dismiss(call.station(), delivery.id, accepted=settled.came.who is WhoCame.CALLED)
    return settled


async def settle_what_is_shown(call: Call, visit_id: UUID) -> None:
    """Record whom a card or slip belongs to that was shown at the actor's bench before its page could ask."""
    station = call.actor.station
    delivery = shown_at(call.house.inbox, station) if station else None
    if delivery is not None:
        await settle(call, delivery, visit_id)


def _settle(tx: Tx, delivery: Delivery, visit_id: UUID) -> Settled:
    came = who_came(tx.connection, tx.keyring, delivery.content, visit_id)
    if came.who is WhoCame.UNREADABLE:
        return Settled(came, was_barred=False)
    how = IdentityCheck.SLIP if isinstance(delivery.content, VisitScan) else IdentityCheck.CARD
    shown = Shown(delivery.id, how, came.who is WhoCame.CALLED, came.visit_id)
    return Settled(came, note_shown(tx, visit_id, shown))
