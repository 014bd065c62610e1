"""A delivery is begun, refused, told apart from its papers and finished: only then do its units stand in stock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import select

from clinic_server.cold_chain.rules import Limits, limits_of
from clinic_server.kit.tx import Tx
from clinic_server.receiving.learning import learn_articles
from clinic_server.receiving.lookup import (
    DeliveryFacts,
    LineFacts,
    arrivals,
    line_of,
    require_delivery,
    require_open,
    units_standing_in,
)
from clinic_server.receiving.rules import (
    DeliveryDifference,
    DeliveryState,
    DifferenceUnexplained,
    LineTwice,
    LotExpiryDiffers,
    NothingArrived,
    NothingToReport,
    PackingListContradicts,
    PapersNotMissing,
    PlaceTooFull,
    RefusalNotJudged,
    RefusalReason,
    TransportRecord,
    listed_packages,
    refusal_for,
    refuse_impossible,
)
from clinic_server.receiving.tables import (
    Delivery,
    DeliveryFinished,
    DeliveryLine,
    DeliveryRefused,
    LineDifference,
    Package,
    PapersBrought,
    RefusalReported,
    delivery_line,
    package,
)
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock import vaccines
from clinic_server.stock.actions import NewLot, receive_units, require_product
from clinic_server.stock.holds import release_from
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.places import require_place
from clinic_server.stock.rules import LotReceivedExpired, ProductWithdrawn, normalised_code
from clinic_server.stock.tables import lot, unit
from clinic_server.stock.whereabouts import STOCK, HoldReason


@dataclass(frozen=True, slots=True)
class NewLine:
    """One lot of a delivery as its papers say; each row of ``packing_list`` leads from the outermost code to a unit."""

    product_code: str
    lot_number: str
    expires_on: date
    expected_units: int
    release_number: str | None = None
    packing_list: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery at the door; no ``record``, no temperature record."""

    supplier: str
    document_number: str
    carrier: str
    place_code: str
    record: TransportRecord | None
    lines: Sequence[NewLine] = ()
    handed_over_by: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewDifference:
    """Units of a line that are missing, broken or too many."""

    line_id: UUID
    reason: DeliveryDifference
    units: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRef:
    """Which delivery an action was about, why it does not come in, if it does not, and its lines as they were told."""

    delivery_id: UUID
    refusal: RefusalReason | None = None
    line_ids: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class FinishedDelivery:
    """What a finished delivery brought into stock; the held units wait for their papers."""

    delivery_id: UUID
    units: int
    held: int


def begin_delivery(tx: Tx, new: NewDelivery) -> DeliveryRef:
    """Begin to receive; without a temperature record in range it is recorded as refused, and nothing comes in."""
    received_by = require_signed_in(tx)
    into = require_place(tx.connection, new.place_code)
    delivery_id = tx.new_id()
    tx.append(
        Delivery,
        id=delivery_id,
        supplier=new.supplier,
        document_number=new.document_number,
        carrier=new.carrier,
        handed_over_by_sealed=_sealed_name(tx, new.handed_over_by, delivery_id),
        place_id=into.place_id,
        received_by=received_by,
        begun_at=tx.now,
        **_recorded(tx, new.record),
    )
    for line in new.lines:
        _append_line(tx, delivery_id, line)
    return _judged(tx, delivery_id, "delivery_begun")


def add_line(tx: Tx, delivery_id: UUID, new: NewLine) -> DeliveryRef:
    """Add a lot to a delivery; one whose limits the way did not keep refuses the whole delivery."""
    require_signed_in(tx)
    require_open(tx.connection, delivery_id)
    _append_line(tx, delivery_id, new)
    return _judged(tx, delivery_id, "delivery_line_added")


def refuse_delivery(tx: Tx, delivery_id: UUID, reason: RefusalReason, note: str | None) -> DeliveryRef:
    """Refuse a delivery for what somebody saw of it, or raise RefusalNotJudged for what the server judges."""
    require_signed_in(tx)
    if not reason.is_told_by_people:
        raise RefusalNotJudged
    require_open(tx.connection, delivery_id)
    _append_refusal(tx, delivery_id, reason, note)
    tx.journal("delivery_refused", delivery_id, STOCK)
    return DeliveryRef(delivery_id, reason)


def report_refusal(tx: Tx, delivery_id: UUID, told_to: str) -> DeliveryRef:
    """Record who was told of a refused delivery, or raise NothingToReport."""
    reported_by = require_signed_in(tx)
    found = require_delivery(tx.connection, delivery_id)
    if not found.is_to_be_reported:
        raise NothingToReport
    tx.append(RefusalReported, delivery_id=delivery_id, told_to=told_to, reported_by=reported_by, reported_at=tx.now)
    tx.journal("refusal_reported", delivery_id, STOCK)
    return DeliveryRef(delivery_id, found.refusal)


def tell_difference(tx: Tx, delivery_id: UUID, new: NewDifference) -> DeliveryRef:
    """Say how many units of a line are missing, broken or too many; the latest word on each reason counts."""
    told_by = require_signed_in(tx)
    line_of(require_open(tx.connection, delivery_id), new.line_id)
    told = {"reason": new.reason, "units": new.units, "note": new.note}
    tx.append(LineDifference, line_id=new.line_id, **told, told_by=told_by, told_at=tx.now)
    tx.journal("delivery_difference_told", delivery_id, STOCK)
    return DeliveryRef(delivery_id)


def finish_delivery(tx: Tx, delivery_id: UUID, capacity_reason: str | None = None) -> FinishedDelivery:
    """Take everything scanned into stock, all of it or nothing; units without papers are held."""
    finished_by = require_signed_in(tx)
    found = require_open(tx.connection, delivery_id)
    _refuse_unexplained(found)
    _refuse_overfull(tx, found, capacity_reason)
    tx.append(
        DeliveryFinished,
        delivery_id=delivery_id,
        capacity_reason=capacity_reason,
        finished_by=finished_by,
        finished_at=tx.now,
    )
    arrived = arrivals(tx.connection, delivery_id)
    held = sum(_take_in(tx, found, line, [code for code, _ in arrived[line.line_id]]) for line in found.lines)
    learn_articles(tx, found, arrived)
    tx.journal("delivery_finished", delivery_id, STOCK)
    return FinishedDelivery(delivery_id, sum(map(len, arrived.values())), held)


def bring_papers(tx: Tx, delivery_id: UUID, line_id: UUID, release_number: str) -> DeliveryRef:
    """Record the batch release number of a line that came without one; its units are released from that hold."""
    brought_by = require_signed_in(tx)
    found = require_delivery(tx.connection, delivery_id)
    if found.state is DeliveryState.REFUSED or line_of(found, line_id).release_number is not None:
        raise PapersNotMissing
    tx.append(PapersBrought, line_id=line_id, release_number=release_number, brought_by=brought_by, brought_at=tx.now)
    release_from(tx, line_id, release_number)
    tx.journal("papers_brought", line_id, STOCK)
    return DeliveryRef(delivery_id)


def _recorded(tx: Tx, record: TransportRecord | None) -> dict[str, object]:
    if record is None:
        return {}
    refuse_impossible(record, tx.now)
    return {
        "transport_kind": record.kind,
        "transport_reference": record.reference,
        "departed_at": record.departed_at,
        "arrived_at": record.arrived_at,
        "low_milli_celsius": record.low_milli_celsius,
        "high_milli_celsius": record.high_milli_celsius,
    }


def _sealed_name(tx: Tx, name: str | None, delivery_id: UUID) -> bytes | None:
    return tx.keyring.seal(name, f"delivery:handed_over_by:{delivery_id}") if name else None


def _append_line(tx: Tx, delivery_id: UUID, new: NewLine) -> None:
    found = require_product(tx.connection, new.product_code)
    if found.is_withdrawn(tx.local_date):
        raise ProductWithdrawn
    if new.expires_on < tx.local_date:
        raise LotReceivedExpired
    _refuse_known_line(tx, delivery_id, found.product_id, new)
    line_id = tx.append(
        DeliveryLine,
        delivery_id=delivery_id,
        product_id=found.product_id,
        lot_number=new.lot_number,
        expires_on=new.expires_on,
        release_number=new.release_number,
        expected_units=new.expected_units,
    )
    _append_packages(tx, delivery_id, line_id, new.packing_list)


def _refuse_known_line(tx: Tx, delivery_id: UUID, product_id: UUID, new: NewLine) -> None:
    same = (delivery_line.c.delivery_id == delivery_id, delivery_line.c.product_id == product_id)
    if tx.execute(select(delivery_line.c.id).where(*same, delivery_line.c.lot_number == new.lot_number)).first():
        raise LineTwice
    known = select(lot.c.expires_on).where(lot.c.product_id == product_id, lot.c.number == new.lot_number)
    expires_on = tx.execute(known).scalar()
    if expires_on not in {None, new.expires_on}:
        raise LotExpiryDiffers(known=str(expires_on))


def _append_packages(tx: Tx, delivery_id: UUID, line_id: UUID, rows: Iterable[Sequence[str]]) -> None:
    listed = listed_packages([[normalised_code(code) for code in row] for row in rows])
    known = set(tx.execute(select(package.c.code).where(package.c.delivery_id == delivery_id)).scalars())
    for one in listed:
        if one.code in known:
            raise PackingListContradicts(trace_code=one.code)
        about = {"code": one.code, "level": one.level, "parent": one.parent}
        tx.append(Package, delivery_id=delivery_id, line_id=line_id, **about)


def _judged(tx: Tx, delivery_id: UUID, kind: str) -> DeliveryRef:
    """Hold the way against the limits of everything in the delivery, and close the action."""
    found = require_delivery(tx.connection, delivery_id)
    reason = refusal_for(found.record, [_limits(tx, found, line) for line in found.lines])
    if reason is not None:
        _append_refusal(tx, delivery_id, reason, None)
        kind = "delivery_refused"
    tx.journal(kind, delivery_id, STOCK)
    return DeliveryRef(delivery_id, reason, [line.line_id for line in found.lines])


def _limits(tx: Tx, found: DeliveryFacts, line: LineFacts) -> Limits:
    """Return what a line's vaccine has to be kept within; where nobody said it, what its place has to keep."""
    vaccine = vaccines.shipped().get(line.vaccine_code)
    handling = vaccine.handling_on(tx.local_date) if vaccine else None
    return limits_of(handling.profile if handling else found.place_profile)


def _append_refusal(tx: Tx, delivery_id: UUID, reason: RefusalReason, note: str | None) -> None:
    who = {"refused_by": tx.actor.staff_id, "refused_at": tx.now}
    tx.append(DeliveryRefused, delivery_id=delivery_id, reason=reason, note=note, **who)


def _refuse_unexplained(found: DeliveryFacts) -> None:
    for line in found.lines:
        if line.unexplained:
            raise DifferenceUnexplained(lot=line.lot_number, units=line.unexplained)
    if not any(line.arrived_units for line in found.lines):
        raise NothingArrived


def _refuse_overfull(tx: Tx, found: DeliveryFacts, reason: str | None) -> None:
    capacity = require_place(tx.connection, found.place_code).capacity_units
    if capacity is None or reason:
        return
    would_stand = units_standing_in(tx.connection, found.place_code) + sum(line.arrived_units for line in found.lines)
    if would_stand > capacity:
        raise PlaceTooFull(capacity=capacity, units=would_stand)


def _take_in(tx: Tx, found: DeliveryFacts, line: LineFacts, codes: Sequence[str]) -> int:
    """Take a line's units into stock; return how many of them are held for missing papers."""
    if not codes:
        return 0
    delivery = NewLot(line.product_code, line.lot_number, line.expires_on, codes, found.place_code)
    receive_units(tx, delivery, found.delivery_id)
    if line.release_number is not None:
        return 0
    units = tx.execute(select(unit.c.id).where(unit.c.trace_code.in_(codes))).scalars().all()
    return hold_units(tx, units, HoldReason.PAPERS_MISSING, cause_id=line.line_id)
