"""Counting a place; explaining, holding and, by a second person, settling what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from clinic_server.counting.lookup import (
    DifferenceFacts,
    Explanation,
    differences_of,
    require_count,
    require_difference,
)
from clinic_server.counting.rules import (
    REASONS,
    SETTLERS,
    CountNeedsSecond,
    DifferenceReason,
    DifferenceSettledBefore,
    NothingToConfirm,
    ReasonDoesNotFit,
    differences,
)
from clinic_server.counting.tables import CountDifference, DifferenceExplained, DifferenceSettled, StockCount
from clinic_server.kit.errors import NotPermitted
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.places import require_place
from clinic_server.stock.rules import UnitFacts
from clinic_server.stock.units import (
    Removal,
    find_unit,
    move_units,
    remove_units,
    require_unit,
    units_by_code,
    units_in,
)
from clinic_server.stock.whereabouts import STOCK, HoldReason, MovementKind, NothingToHold, Outside, PlaceFacts


@dataclass(frozen=True, slots=True)
class NewCount:
    """A place, and the code of every unit that lies in it."""

    place_code: str
    trace_codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Counted:
    """A count as recorded, and how many units differ from the records."""

    count_id: UUID
    differences: int


@dataclass(frozen=True, slots=True)
class Settled:
    """How many differences of a count the second person settled."""

    count_id: UUID
    settled: int


def count_place(tx: Tx, new: NewCount) -> Counted:
    """Record what lies in a place; a vaccinator counts the box of their own bench only."""
    counted_by = require_signed_in(tx)
    at = require_place(tx.connection, new.place_code)
    if not SETTLERS & tx.actor.roles and (at.station is None or at.station != tx.actor.station):
        raise NotPermitted
    recorded = units_in(tx.connection, at.place_id)
    scanned = units_by_code(tx.connection, new.trace_codes)
    count_id = tx.append(
        StockCount,
        place_id=at.place_id,
        units_recorded=len(recorded),
        units_scanned=len(scanned),
        counted_by=counted_by,
        counted_at=tx.now,
    )
    found = differences(recorded, scanned, at.code)
    for one in found:
        tx.append(
            CountDifference,
            count_id=count_id,
            kind=one.kind,
            trace_code=one.trace_code,
            unit_id=one.unit_id,
            recorded_place=one.recorded_place,
        )
    tx.journal("place_counted", count_id, STOCK)
    return Counted(count_id, len(found))


def explain_difference(tx: Tx, difference_id: UUID, reason: DifferenceReason, note: str | None) -> UUID:
    """Say as the first of two people why a unit differs; raise DifferenceSettledBefore or ReasonDoesNotFit."""
    explained_by = require_signed_in(tx)
    found = _require_open(tx, difference_id)
    if reason not in REASONS[found.kind]:
        raise ReasonDoesNotFit
    explanation_id = tx.append(
        DifferenceExplained,
        difference_id=difference_id,
        reason=reason,
        note=note,
        explained_by=explained_by,
        explained_at=tx.now,
    )
    tx.journal("difference_explained", explanation_id, STOCK)
    return explanation_id


def hold_difference(tx: Tx, difference_id: UUID, note: str | None) -> UUID:
    """Set a unit apart that differs, until somebody has decided about it; raise NothingToHold where none is left."""
    require_signed_in(tx)
    found = _require_open(tx, difference_id)
    if found.unit_id is None or require_unit(tx.connection, found.unit_id).doses_left == 0:
        raise NothingToHold
    hold_units(tx, [found.unit_id], HoldReason.COUNT_DIFFERS, note, difference_id)
    tx.journal("units_held", difference_id, STOCK)
    return difference_id


def confirm_count(tx: Tx, count_id: UUID) -> Settled:
    """Settle as the second person what others explained; raise NothingToConfirm or CountNeedsSecond."""
    confirmed_by = require_signed_in(tx)
    at = require_place(tx.connection, require_count(tx.connection, count_id).place_code)
    ready = [
        (one, one.explanation)
        for one in differences_of(tx.connection, count_id)
        if one.explanation is not None and not one.is_settled
    ]
    if not ready:
        raise NothingToConfirm
    if any(explanation.explained_by == confirmed_by for _, explanation in ready):
        raise CountNeedsSecond
    for one, explanation in ready:
        tx.append(
            DifferenceSettled,
            difference_id=one.difference_id,
            explanation_id=explanation.explanation_id,
            explained_by=explanation.explained_by,
            confirmed_by=confirmed_by,
            settled_at=tx.now,
        )
        _set_right(tx, one, explanation, at)
    tx.journal("count_confirmed", count_id, STOCK)
    return Settled(count_id, len(ready))


def _set_right(tx: Tx, one: DifferenceFacts, explanation: Explanation, at: PlaceFacts) -> None:
    """Let the ledger follow, unless the unit has gone its way since the count."""
    if one.unit_id is None:
        return
    unit = require_unit(tx.connection, one.unit_id)
    match explanation.reason:
        case DifferenceReason.LOST | DifferenceReason.BROKEN_UNRECORDED if _is_left_in(unit, at.code):
            reason = explanation.reason.value
            remove_units(tx, [unit], Removal(MovementKind.MISSING, Outside.DIFFERENCE, reason, one.difference_id))
        case DifferenceReason.MOVED_UNRECORDED if _is_left_in(unit, one.recorded_place):
            move_units(tx, MovementKind.MOVED, [unit], at, explanation.reason.value)
        case DifferenceReason.FOUND_AGAIN if unit.place_code is None:
            find_unit(tx, unit, at, one.difference_id)


def _is_left_in(unit: UnitFacts, place_code: str | None) -> bool:
    return unit.doses_left > 0 and unit.place_code == place_code


def _require_open(tx: Tx, difference_id: UUID) -> DifferenceFacts:
    found = require_difference(tx.connection, difference_id)
    if found.is_settled:
        raise DifferenceSettledBefore
    return found
