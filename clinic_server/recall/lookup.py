"""Who was given what is recalled, what of it is left, and who was reached by what stood in a place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.kit.crypto import Keyring
from clinic_server.people.lookup import people, phones
from clinic_server.recall.rules import CallOutcome, DestructionUnknown, GivenTo, Reached, RecallUnknown, reached
from clinic_server.recall.tables import (
    destruction,
    destruction_confirmed,
    destruction_unit,
    recall,
    recall_call,
)
from clinic_server.stock.rules import StopScope, UnitFacts, lot_code
from clinic_server.stock.stays import stays_in
from clinic_server.stock.tables import lot, product, stop_order, unit, unit_now
from clinic_server.stock.units import units_where
from clinic_server.stock.whereabouts import HoldEnd
from clinic_server.visits.doses import in_error
from clinic_server.visits.tables import dose


@dataclass(frozen=True, slots=True)
class RecallFacts:
    """A recall and the stop order it stands on."""

    recall_id: UUID
    stop_id: UUID
    scope: StopScope
    target: str
    reason: str
    next_step: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class DestructionFacts:
    """A destruction; ``confirmed_by`` is None until the second person has signed."""

    destruction_id: UUID
    end: HoldEnd
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    confirmed_by: UUID | None
    units: tuple[UnitFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who got a unit that had stood in a place between two instants, which such units are still here, and all of them.

    ``units`` are what was given and what is left, by their ids.
    """

    given: Sequence[GivenTo]
    remaining: Sequence[UnitFacts]
    units: Mapping[UUID, UnitFacts]


@dataclass(frozen=True, slots=True)
class ToBeTold:
    """Somebody who was given what is recalled, with how to reach them."""

    person_id: UUID
    name: str = field(repr=False)
    phone: str | None = field(repr=False)
    given_at: datetime
    outcome: CallOutcome | None


def recalls(connection: Connection) -> Sequence[RecallFacts]:
    """Return every recall, the latest first."""
    rows = connection.execute(_recalls().order_by(recall.c.journal_seq.desc()))
    return [RecallFacts(*row) for row in rows]


def require_recall(connection: Connection, recall_id: UUID) -> RecallFacts:
    """Return one recall, or raise RecallUnknown."""
    row = connection.execute(_recalls().where(recall.c.id == recall_id)).first()
    if row is None:
        raise RecallUnknown
    return RecallFacts(*row)


def given_to(connection: Connection, one: RecallFacts) -> Sequence[GivenTo]:
    """Return every dose of what is recalled that stands, the earliest first, with the latest call to its person."""
    doses = _doses(connection, dose.c.lot_id.in_(_lots(connection, one)), *_of_unit(connection, one))
    called = connection.execute(
        select(recall_call.c.person_id, recall_call.c.outcome)
        .where(recall_call.c.recall_id == one.recall_id)
        .order_by(recall_call.c.journal_seq)
    )
    outcomes = {row.person_id: row.outcome for row in called}
    return [_given(row, outcomes.get(row.person_id)) for row in doses]


def to_be_told(connection: Connection, keyring: Keyring, recall_id: UUID) -> Sequence[ToBeTold]:
    """Return who was given what is recalled, each person once by the first such dose, who is not told yet first."""
    first: dict[UUID, GivenTo] = {}
    for one in given_to(connection, require_recall(connection, recall_id)):
        first.setdefault(one.person_id, one)
    known, numbers = people(connection, keyring, first), phones(connection, keyring, first)
    told = [
        ToBeTold(one.person_id, known[one.person_id].name, numbers.get(one.person_id), one.given_at, one.outcome)
        for one in first.values()
    ]
    return sorted(told, key=lambda one: (one.outcome is not None and one.outcome.is_told, one.given_at))


def how_far(connection: Connection, one: RecallFacts) -> Reached:
    """Return how many people of a recall know of it."""
    return reached(given_to(connection, one))


def remaining_of(connection: Connection, one: RecallFacts) -> Sequence[UnitFacts]:
    """Return what is left of what is recalled, wherever it stands."""
    is_meant = unit_now.c.lot_id.in_(_lots(connection, one))
    unit_of = [unit.c.trace_code == one.target] if one.scope is StopScope.UNIT else []
    return units_where(connection, is_meant, unit_now.c.doses_left > 0, *unit_of)


def exposed(connection: Connection, place_id: UUID, since: datetime, until: datetime) -> Exposure:
    """Return who was given, and what is left, of the units that stood in a place between two instants.

    A dose drawn from a unit before it stood there in that time is not among them.
    """
    exposed_at: dict[UUID, datetime] = {}
    for stay in stays_in(connection, place_id, since, until):
        began_at = max(stay.from_at, since)
        exposed_at[stay.unit_id] = min(began_at, exposed_at.get(stay.unit_id, began_at))
    doses = _doses(connection, dose.c.unit_id.in_(exposed_at)) if exposed_at else []
    given = [_given(row) for row in doses if row.given_at >= exposed_at[row.unit_id]]
    units = units_where(connection, unit.c.id.in_(exposed_at)) if exposed_at else []
    remaining = [one for one in units if one.doses_left > 0]
    return Exposure(given, remaining, {one.unit_id: one for one in units})


def destructions(connection: Connection) -> Sequence[DestructionFacts]:
    """Return every destruction, the latest first, without its units."""
    rows = connection.execute(_destructions().order_by(destruction.c.journal_seq.desc()))
    return [DestructionFacts(*row) for row in rows]


def require_destruction(connection: Connection, destruction_id: UUID) -> DestructionFacts:
    """Return one destruction with its units, or raise DestructionUnknown."""
    row = connection.execute(_destructions().where(destruction.c.id == destruction_id)).first()
    if row is None:
        raise DestructionUnknown
    meant = select(destruction_unit.c.unit_id).where(destruction_unit.c.destruction_id == destruction_id)
    return replace(DestructionFacts(*row), units=tuple(units_where(connection, unit.c.id.in_(meant))))


def _recalls() -> Any:
    return select(
        recall.c.id,
        recall.c.stop_id,
        stop_order.c.scope,
        stop_order.c.target,
        stop_order.c.reason,
        recall.c.next_step,
        recall.c.begun_at,
    ).join(stop_order, stop_order.c.id == recall.c.stop_id)


def _destructions() -> Any:
    return select(
        destruction.c.id,
        destruction.c.end,
        destruction.c.reason,
        destruction.c.proposed_by,
        destruction.c.proposed_at,
        destruction_confirmed.c.confirmed_by,
    ).outerjoin(destruction_confirmed, destruction_confirmed.c.destruction_id == destruction.c.id)


def _doses(connection: Connection, *conditions: Any) -> Sequence[Any]:
    columns = (dose.c.person_id, dose.c.id.label("dose_id"), dose.c.unit_id, dose.c.given_at)
    return connection.execute(select(*columns).where(*conditions, ~in_error()).order_by(dose.c.journal_seq)).all()


def _given(row: Any, outcome: CallOutcome | None = None) -> GivenTo:
    return GivenTo(row.person_id, row.dose_id, row.unit_id, row.given_at, outcome)


def _lots(connection: Connection, one: RecallFacts) -> Sequence[UUID]:
    """Return the lots a recall is about: one, or all of a product."""
    wanted = select(lot.c.id, product.c.code, lot.c.number).join(product, product.c.id == lot.c.product_id)
    if one.scope is StopScope.PRODUCT:
        wanted = wanted.where(product.c.code == one.target)
    elif one.scope is StopScope.UNIT:
        wanted = wanted.join(unit, unit.c.lot_id == lot.c.id).where(unit.c.trace_code == one.target)
    else:
        wanted = wanted.where(lot.c.number == one.target.partition("/")[2])
    rows = connection.execute(wanted)
    return [row.id for row in rows if one.scope is not StopScope.LOT or lot_code(row.code, row.number) == one.target]


def _of_unit(connection: Connection, one: RecallFacts) -> list[Any]:
    if one.scope is not StopScope.UNIT:
        return []
    unit_id = connection.execute(select(unit.c.id).where(unit.c.trace_code == one.target)).scalar()
    return [dose.c.unit_id == unit_id]


def witness_of(connection: Connection, keyring: Keyring, destruction_id: UUID) -> str:
    """Return before whom a destruction was to take place."""
    wanted = select(destruction.c.witness_sealed).where(destruction.c.id == destruction_id)
    sealed: bytes = connection.execute(wanted).scalar_one()
    return keyring.open(sealed, f"destruction:witness:{destruction_id}")
