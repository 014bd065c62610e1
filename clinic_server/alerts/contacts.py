"""Who can be paged: names and addresses, sealed, and restated as a whole when they change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, exists, func, select

from clinic_server.alerts.rules import ALERTS, ContactUnknown
from clinic_server.alerts.tables import (
    AlertContact,
    AlertContactEnded,
    AlertContactSaid,
    alert_contact,
    alert_contact_ended,
    alert_contact_said,
)
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.tx import Tx


@dataclass(frozen=True, slots=True)
class Address:
    """Where a contact is reached: the code of a channel of the paging office, and the number or name there."""

    channel: str
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewContact:
    """Somebody to be paged; the first address is tried first."""

    name: str = field(repr=False)
    addresses: Sequence[Address] = ()
    language: str = "zh-CN"
    staff_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """A contact as it stands."""

    contact_id: UUID
    staff_id: UUID | None
    name: str = field(repr=False)
    addresses: tuple[Address, ...]
    language: str


@dataclass(frozen=True, slots=True)
class ContactRef:
    """Which contact an action was about."""

    contact_id: UUID


def add_contact(tx: Tx, new: NewContact) -> ContactRef:
    """Add somebody who can be paged."""
    contact_id = tx.append(AlertContact, staff_id=new.staff_id, added_at=tx.now)
    _say(tx, contact_id, new)
    tx.journal("contact_added", contact_id, ALERTS)
    return ContactRef(contact_id)


def restate_contact(tx: Tx, contact_id: UUID, new: NewContact) -> ContactRef:
    """Put a contact's name, addresses or language right; raise ContactUnknown."""
    require_contact(tx.connection, contact_id)
    _say(tx, contact_id, new)
    tx.journal("contact_restated", contact_id, ALERTS)
    return ContactRef(contact_id)


def end_contact(tx: Tx, contact_id: UUID) -> ContactRef:
    """Page somebody no more; raise ContactUnknown."""
    require_contact(tx.connection, contact_id)
    tx.append(AlertContactEnded, contact_id=contact_id, ended_at=tx.now)
    tx.journal("contact_ended", contact_id, ALERTS)
    return ContactRef(contact_id)


def require_contact(connection: Connection, contact_id: UUID) -> None:
    """Raise ContactUnknown unless this contact can be paged."""
    if contact_id not in standing_ids(connection):
        raise ContactUnknown


def standing_ids(connection: Connection) -> frozenset[UUID]:
    """Return everybody who can be paged."""
    return frozenset(connection.execute(select(alert_contact.c.id).where(_stands())).scalars())


def contacts_of(connection: Connection, staff_id: UUID) -> frozenset[UUID]:
    """Return as which contacts one of the staff can be paged."""
    is_them = alert_contact.c.staff_id == staff_id
    return frozenset(connection.execute(select(alert_contact.c.id).where(is_them, _stands())).scalars())


def contacts(connection: Connection, keyring: Keyring) -> Sequence[ContactFacts]:
    """Return everybody who can be paged, in the order they were added."""
    return _contacts(connection, keyring, _stands())


def contact_names(connection: Connection, keyring: Keyring) -> Mapping[UUID, str]:
    """Return the names of all who can or could be paged."""
    return {one.contact_id: one.name for one in _contacts(connection, keyring)}


def _contacts(connection: Connection, keyring: Keyring, *conditions: ColumnElement[bool]) -> Sequence[ContactFacts]:
    latest = (
        select(alert_contact_said.c.contact_id, func.max(alert_contact_said.c.journal_seq).label("seq"))
        .group_by(alert_contact_said.c.contact_id)
        .subquery()
    )
    rows = connection.execute(
        select(alert_contact.c.staff_id, alert_contact_said)
        .join_from(alert_contact, latest, latest.c.contact_id == alert_contact.c.id)
        .join(
            alert_contact_said,
            (alert_contact_said.c.contact_id == alert_contact.c.id)
            & (alert_contact_said.c.journal_seq == latest.c.seq),
        )
        .where(*conditions)
        .order_by(alert_contact.c.journal_seq, alert_contact.c.id)
    )
    return [_facts(keyring, row) for row in rows]


def _stands() -> ColumnElement[bool]:
    return ~exists().where(alert_contact_ended.c.contact_id == alert_contact.c.id)


def _say(tx: Tx, contact_id: UUID, new: NewContact) -> None:
    said_id = tx.new_id()
    addresses = msgspec.json.encode(new.addresses).decode()
    tx.append(
        AlertContactSaid,
        id=said_id,
        contact_id=contact_id,
        name_sealed=tx.keyring.seal(new.name, _context(said_id, "name")),
        addresses_sealed=tx.keyring.seal(addresses, _context(said_id, "addresses")),
        language=new.language,
        said_at=tx.now,
    )


def _facts(keyring: Keyring, row: Row[Any]) -> ContactFacts:
    addresses = keyring.open(row.addresses_sealed, _context(row.id, "addresses"))
    return ContactFacts(
        row.contact_id,
        row.staff_id,
        keyring.open(row.name_sealed, _context(row.id, "name")),
        msgspec.json.decode(addresses, type=tuple[Address, ...]),
        row.language,
    )


def _context(said_id: UUID, column: str) -> str:
    return f"alert_contact_said:{column}:{said_id}"
