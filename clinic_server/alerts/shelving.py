"""Restock mode: somebody works on a place, which calls nobody meanwhile. It ends by itself; readings go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, exists, select

from clinic_server.alerts.ladder import CLOCK_IS_BACK, SHELVABLE, Shelf, is_shelvable
from clinic_server.alerts.ladders import shipped
from clinic_server.alerts.lookup import alerts_where
from clinic_server.alerts.rules import (
    ALERTS,
    AlertKind,
    CannotBeShelved,
    PlaceIsShelved,
    PlaceNotShelved,
    ShelvedTooLong,
)
from clinic_server.alerts.tables import STANDS, PlaceShelved, ShelvingEnded, alert_now, place_shelved, shelving_ended
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in


@dataclass(frozen=True, slots=True)
class NewShelving:
    """Which place somebody works on, for how long, and why."""

    place_code: str
    minutes: int
    reason: str


@dataclass(frozen=True, slots=True)
class ShelvedPlace:
    """A place being worked on, and who said so."""

    shelved_id: UUID
    shelf: Shelf
    reason: str
    shelved_by: UUID


@dataclass(frozen=True, slots=True)
class ShelfRef:
    """Until when a place is silenced."""

    place_code: str
    until_at: datetime


def shelve_place(tx: Tx, new: NewShelving) -> ShelfRef:
    """Silence a place for a while, or raise ShelvedTooLong, CannotBeShelved or PlaceIsShelved."""
    shelved_by = require_signed_in(tx)
    longest = shipped().longest_shelving_min
    if not 1 <= new.minutes <= longest:
        raise ShelvedTooLong(longest=longest)
    if _on(tx, new.place_code):
        raise PlaceIsShelved
    about = (alert_now.c.place_code == new.place_code, STANDS)
    temperatures = alert_now.c.kind.in_((*SHELVABLE, AlertKind.FROZEN))
    if not all(is_shelvable(one.kind, one.severity) for one in alerts_where(tx.connection, *about, temperatures)):
        raise CannotBeShelved
    until_at = tx.now + timedelta(minutes=new.minutes)
    shelved_id = tx.append(
        PlaceShelved,
        place_code=new.place_code,
        reason=new.reason,
        shelved_by=shelved_by,
        shelved_at=tx.now,
        until_at=until_at,
    )
    tx.journal("place_shelved", shelved_id, ALERTS)
    return ShelfRef(new.place_code, until_at)


def end_shelving(tx: Tx, place_code: str) -> ShelfRef:
    """Say that the work is done; raise PlaceNotShelved."""
    ended_by = require_signed_in(tx)
    standing = _on(tx, place_code)
    if not standing:
        raise PlaceNotShelved
    for one in standing:
        tx.append(ShelvingEnded, shelved_id=one.shelved_id, ended_by=ended_by, ended_at=tx.now)
    tx.journal("shelving_ended", standing[0].shelved_id, ALERTS)
    return ShelfRef(place_code, tx.now)


def standing_shelves(connection: Connection, now: datetime) -> Sequence[ShelvedPlace]:
    """Return the places being worked on; what began in the future began before the clock was set back."""
    columns = place_shelved.c
    rows = connection.execute(
        select(place_shelved)
        .where(columns.until_at > now, columns.shelved_at <= now + CLOCK_IS_BACK)
        .where(~exists().where(shelving_ended.c.shelved_id == columns.id))
        .order_by(columns.place_code, columns.journal_seq)
    )
    return [
        ShelvedPlace(row.id, Shelf(row.place_code, row.shelved_at, row.until_at), row.reason, row.shelved_by)
        for row in rows
    ]


def _on(tx: Tx, place_code: str) -> Sequence[ShelvedPlace]:
    return [one for one in standing_shelves(tx.connection, tx.now) if one.shelf.place_code == place_code]
