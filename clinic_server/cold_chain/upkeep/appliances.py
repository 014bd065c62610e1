"""The register of fridges and boxes: what stands as a place, what was done to it, how long its readings are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.cold_chain.upkeep.rules import (
    ApplianceUnknown,
    PlaceHoldsVaccine,
    ServiceKind,
    kept_until,
    was_in_service,
)
from clinic_server.cold_chain.upkeep.tables import Appliance, ApplianceServiced, appliance, appliance_serviced
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.places import places, require_place
from clinic_server.stock.tables import ledger_entry, lot
from clinic_server.stock.units import units_in
from clinic_server.stock.whereabouts import PlaceFacts


@dataclass(frozen=True, slots=True)
class NewAppliance:
    """What stands as a place from a day on, as its plate says."""

    place_code: str
    maker: str
    type_name: str
    serial_number: str
    capacity_litres: int
    in_use_since_on: date


@dataclass(frozen=True, slots=True)
class NewService:
    """What was done to the appliance of a place."""

    place_code: str
    kind: ServiceKind
    done_on: date
    done_by: str
    note: str | None = None
    next_due_on: date | None = None


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One entry of an appliance's service book."""

    kind: ServiceKind
    done_on: date
    done_by: str
    note: str | None
    next_due_on: date | None
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class ApplianceFacts:
    """The appliance that stands as a place."""

    appliance_id: UUID
    maker: str
    type_name: str
    serial_number: str
    capacity_litres: int
    in_use_since_on: date


@dataclass(frozen=True, slots=True)
class PlaceKept:
    """A place as the register shows it; ``appliance`` is None where nobody entered one.

    ``kept_until`` is until when its readings are kept at least, None where no vaccine ever stood.
    """

    place: PlaceFacts
    appliance: ApplianceFacts | None
    book: Sequence[ServiceLine]
    is_in_service: bool
    kept_until: date | None

    @property
    def next_due_on(self) -> date | None:
        """When the appliance is to be serviced again, as the latest entry that says so has it."""
        return next((one.next_due_on for one in self.book if one.next_due_on), None)


def enter_appliance(tx: Tx, new: NewAppliance) -> UUID:
    """Enter what stands as a place from now on, or raise PlaceUnknown."""
    entered_by = require_signed_in(tx)
    where = require_place(tx.connection, new.place_code)
    appliance_id = tx.append(
        Appliance,
        place_id=where.place_id,
        maker=new.maker,
        type_name=new.type_name,
        serial_number=new.serial_number,
        capacity_litres=new.capacity_litres,
        in_use_since_on=new.in_use_since_on,
        entered_by=entered_by,
        entered_at=tx.now,
    )
    tx.journal("appliance_entered", appliance_id, COLD_CHAIN)
    return appliance_id


def enter_service(tx: Tx, new: NewService) -> UUID:
    """Enter what was done to a place's appliance; raise ApplianceUnknown or PlaceHoldsVaccine."""
    entered_by = require_signed_in(tx)
    where = require_place(tx.connection, new.place_code)
    standing = _appliance_of(tx.connection, where.place_id)
    if standing is None:
        raise ApplianceUnknown
    if new.kind is ServiceKind.OUT_OF_SERVICE and units_in(tx.connection, where.place_id):
        raise PlaceHoldsVaccine
    service_id = tx.append(
        ApplianceServiced,
        appliance_id=standing.appliance_id,
        kind=new.kind,
        done_on=new.done_on,
        done_by=new.done_by,
        note=new.note,
        next_due_on=new.next_due_on,
        entered_by=entered_by,
        entered_at=tx.now,
    )
    tx.journal("appliance_serviced", service_id, COLD_CHAIN)
    return service_id


def register(connection: Connection) -> Sequence[PlaceKept]:
    """Return every place with what stands there, by its code."""
    kept = readings_kept_until(connection)
    return [_kept(connection, one, kept.get(one.code)) for one in places(connection)]


def in_service(connection: Connection, place_id: UUID) -> bool:
    """Tell whether a place is in use now: no entry says otherwise, or vaccine stands there all the same."""
    turns = service_turns(connection, place_id)
    return not turns or was_in_service(turns, turns[-1][0]) or bool(units_in(connection, place_id))


def service_turns(connection: Connection, place_id: UUID) -> Sequence[tuple[datetime, ServiceKind]]:
    """Return when something was entered about the appliance that stands as a place now, oldest first."""
    standing = _appliance_of(connection, place_id)
    return [(one.entered_at, one.kind) for one in reversed(_book(connection, standing))]


def readings_kept_until(connection: Connection) -> Mapping[str, date | None]:
    """Return until when the readings of each place are kept at least, by every lot the ledger ever had there."""
    rows = connection.execute(
        select(ledger_entry.c.account, func.max(lot.c.expires_on))
        .join(lot, lot.c.id == ledger_entry.c.lot_id)
        .where(~ledger_entry.c.account.startswith("="))
        .group_by(ledger_entry.c.account)
    )
    return {code: kept_until(latest) for code, latest in rows}


def _kept(connection: Connection, where: PlaceFacts, until: date | None) -> PlaceKept:
    standing = _appliance_of(connection, where.place_id)
    book = _book(connection, standing)
    return PlaceKept(where, standing, book, in_service(connection, where.place_id), until)


def _appliance_of(connection: Connection, place_id: UUID) -> ApplianceFacts | None:
    columns = (appliance.c[name] for name in ApplianceFacts.__dataclass_fields__ if name != "appliance_id")
    latest = select(appliance.c.id, *columns).where(appliance.c.place_id == place_id)
    row = connection.execute(latest.order_by(appliance.c.journal_seq.desc()).limit(1)).first()
    return None if row is None else ApplianceFacts(*row)


def _book(connection: Connection, standing: ApplianceFacts | None) -> Sequence[ServiceLine]:
    """Return an appliance's service book, the latest entry first."""
    if standing is None:
        return ()
    told = appliance_serviced.c
    columns = (told[name] for name in ServiceLine.__dataclass_fields__)
    entries = select(*columns).where(told.appliance_id == standing.appliance_id)
    return [ServiceLine(*row) for row in connection.execute(entries.order_by(told.journal_seq.desc()))]
