"""Beginning a recall, noting calls, destroying units before a witness with two signatures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import exists, select

from clinic_server.kit.tx import Tx
from clinic_server.recall.lookup import given_to, remaining_of, require_destruction, require_recall
from clinic_server.recall.rules import (
    AlreadyRecalled,
    CallOutcome,
    DestructionDone,
    PersonNotInRecall,
    UnitStillGood,
    refuse_same_signature,
    refuse_unrecallable,
)
from clinic_server.recall.tables import Destruction, DestructionConfirmed, DestructionUnit, Recall, RecallCall, recall
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.holds import refuse_undecided
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.rules import StopScope, UnitFacts, stops_on
from clinic_server.stock.stops import NewStop, place_stop, standing_stops
from clinic_server.stock.units import Removal, refuse_gone, remove_units, require_known
from clinic_server.stock.whereabouts import STOCK, HoldEnd, HoldReason, MovementKind, Outside

RECALLS = "recalls"  # the topic of the pages that show them
_LEAVES_BY = {
    HoldEnd.DESTROYED: (MovementKind.DESTROYED, Outside.DESTROYED),
    HoldEnd.SENT_AWAY: (MovementKind.SENT_AWAY, Outside.SENT_AWAY),
}


@dataclass(frozen=True, slots=True)
class NewRecall:
    """What is called back, why, and what everybody who got it is told to do."""

    scope: StopScope
    target: str
    reason: str
    next_step: str


@dataclass(frozen=True, slots=True)
class BegunRecall:
    """A recall as recorded, and how many units it set apart."""

    recall_id: UUID
    stop_id: UUID
    units_held: int


@dataclass(frozen=True, slots=True)
class NewDestruction:
    """Units that leave for good, by their codes: destroyed here, or sent back to the county."""

    trace_codes: Sequence[str]
    end: HoldEnd
    reason: str
    witness: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DestructionRef:
    """Which destruction an action was about."""

    destruction_id: UUID


def begin_recall(tx: Tx, new: NewRecall) -> BegunRecall:
    """Stop what is called back at every bench, set apart what is left of it, and open the list of who got it."""
    refuse_unrecallable(new.scope)
    begun_by = require_signed_in(tx)
    stop_id = _standing_stop(tx, new) or place_stop(tx, NewStop(new.scope, new.target, new.reason)).stop_id
    if tx.execute(select(exists().where(recall.c.stop_id == stop_id))).scalar_one():
        raise AlreadyRecalled
    recall_id = tx.append(Recall, stop_id=stop_id, next_step=new.next_step, begun_by=begun_by, begun_at=tx.now)
    left = remaining_of(tx.connection, require_recall(tx.connection, recall_id))
    held = hold_units(tx, [one.unit_id for one in left], HoldReason.RECALLED, cause_id=recall_id)
    tx.journal("recall_begun", recall_id, STOCK, RECALLS)
    return BegunRecall(recall_id, stop_id, held)


def note_call(tx: Tx, recall_id: UUID, person_id: UUID, outcome: CallOutcome, note: str | None) -> UUID:
    """Note what came of telling somebody, or raise RecallUnknown or PersonNotInRecall."""
    called_by = require_signed_in(tx)
    found = given_to(tx.connection, require_recall(tx.connection, recall_id))
    if person_id not in {one.person_id for one in found}:
        raise PersonNotInRecall
    call_id = tx.new_id()
    tx.append(
        RecallCall,
        id=call_id,
        recall_id=recall_id,
        person_id=person_id,
        outcome=outcome,
        note_sealed=tx.keyring.seal(note, f"recall_call:note:{call_id}") if note else None,
        called_by=called_by,
        called_at=tx.now,
    )
    tx.journal("recall_call_noted", call_id, RECALLS)
    return call_id


def propose_destruction(tx: Tx, new: NewDestruction) -> DestructionRef:
    """Name, as the first of two people, units that leave for good.

    Raises UnitStillGood for one that may be used, NeedsDisposition for one that only waits for a decision.
    """
    proposed_by = require_signed_in(tx)
    units = [require_known(tx.connection, code) for code in dict.fromkeys(new.trace_codes)]
    _refuse_good(tx, units)
    destruction_id = tx.new_id()
    tx.append(
        Destruction,
        id=destruction_id,
        end=new.end,
        reason=new.reason,
        witness_sealed=tx.keyring.seal(new.witness, f"destruction:witness:{destruction_id}"),
        proposed_by=proposed_by,
        proposed_at=tx.now,
    )
    for one in units:
        tx.append(DestructionUnit, destruction_id=destruction_id, unit_id=one.unit_id)
    tx.journal("destruction_proposed", destruction_id, STOCK)
    return DestructionRef(destruction_id)


def confirm_destruction(tx: Tx, destruction_id: UUID) -> DestructionRef:
    """Sign as the second person: the units are gone.

    Raises DestructionDone, DestructionNeedsSecond, or as ``propose_destruction`` for what changed since.
    """
    confirmed_by = require_signed_in(tx)
    meant = require_destruction(tx.connection, destruction_id)
    if meant.confirmed_by is not None:
        raise DestructionDone
    refuse_same_signature(meant.proposed_by, confirmed_by)
    _refuse_good(tx, meant.units)
    tx.append(
        DestructionConfirmed,
        destruction_id=destruction_id,
        proposed_by=meant.proposed_by,
        confirmed_by=confirmed_by,
        confirmed_at=tx.now,
    )
    kind, to = _LEAVES_BY[meant.end]
    remove_units(tx, meant.units, Removal(kind, to, meant.end, destruction_id))
    tx.journal("destruction_confirmed", destruction_id, STOCK)
    return DestructionRef(destruction_id)


def _standing_stop(tx: Tx, new: NewRecall) -> UUID | None:
    same = (
        stop.stop_id for stop in standing_stops(tx.connection) if (stop.scope, stop.target) == (new.scope, new.target)
    )
    return next(same, None)


def _refuse_good(tx: Tx, units: Sequence[UnitFacts]) -> None:
    stops = standing_stops(tx.connection)
    for one in units:
        refuse_gone(one)
        if not (one.is_held or one.expires_on < tx.local_date or stops_on(one, stops)):
            raise UnitStillGood(trace_code=one.trace_code)
    refuse_undecided(tx, [one.unit_id for one in units])
