"""Judging readings as they are stored; carrying vaccine to safety, deciding about it, and filling in the form."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from clinic_server.cold_chain.excursions.exposure import exposures_of
from clinic_server.cold_chain.excursions.following import follow, keep_watches
from clinic_server.cold_chain.excursions.gaps import note_gaps
from clinic_server.cold_chain.excursions.judgement import judge
from clinic_server.cold_chain.excursions.lookup import require_excursion
from clinic_server.cold_chain.excursions.rules import (
    DispositionKind,
    NewDisposition,
    NewForm,
    NothingToCarry,
    NothingToDecide,
    PlaceNotInOrder,
    StillExposed,
    file_kind_of,
    refuse_unfounded,
)
from clinic_server.cold_chain.excursions.tables import (
    Disposition,
    DispositionUnit,
    EvaluationFile,
    ExcursionForm,
)
from clinic_server.cold_chain.judging import BreachKind
from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.cold_chain.tables import ReadingRow
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock import vaccines
from clinic_server.stock.holds import dispose, held_for
from clinic_server.stock.place_holds import is_place_held
from clinic_server.stock.places import require_place
from clinic_server.stock.tables import unit
from clinic_server.stock.units import carry_units, units_in, units_where
from clinic_server.stock.whereabouts import STOCK, HoldReason, MovementKind


@dataclass(frozen=True, slots=True)
class Carried:
    """How many units were carried to safety."""

    units: int


@dataclass(frozen=True, slots=True)
class Disposed:
    """A decision as recorded, and how many units it is about."""

    disposition_id: UUID
    units: int


@dataclass(frozen=True, slots=True)
class FormRef:
    """Which entry of a form was written."""

    form_id: UUID


def judge_readings(tx: Tx, rows: Iterable[ReadingRow]) -> None:
    """Judge readings that were stored a moment ago, in the same transaction."""
    followed = follow(tx, rows)
    open_gaps = [note_gaps(tx, one) for one in followed]
    for one in followed:
        if not one.is_quiet:
            judge(tx, one)
    keep_watches(tx, list(zip(followed, open_gaps, strict=True)))
    if tx.owes_a_line:
        tx.journal("temperatures_judged", None, COLD_CHAIN, STOCK)


def carry_to_safety(tx: Tx, excursion_id: UUID, place_code: str) -> Carried:
    """Move everything that stands where an excursion is into a place that is in order; held, it stays held.

    Raises PlaceNotInOrder or NothingToCarry.
    """
    require_signed_in(tx)
    place_id = require_excursion(tx.connection, excursion_id).place_id
    to = require_place(tx.connection, place_code)
    if to.place_id == place_id or is_place_held(tx.connection, to.place_id):
        raise PlaceNotInOrder
    units = units_in(tx.connection, place_id)
    if not units:
        raise NothingToCarry
    carry_units(tx, MovementKind.MOVED, units, to)
    tx.journal("vaccine_carried_to_safety", excursion_id, STOCK, COLD_CHAIN)
    return Carried(len(units))


def decide(tx: Tx, new: NewDisposition) -> Disposed:
    """Record a named person's decision about units held for their temperature, and end those holds if it says so.

    Raises NothingToDecide, EvaluationNeeded, EvaluationUnusable, QaCodeNeeded or StillExposed.
    """
    decided_by = require_signed_in(tx)
    was_withdrawn = new.excursion_id is not None and require_excursion(tx.connection, new.excursion_id).is_withdrawn
    waiting = held_for(tx.connection, HoldReason.TEMPERATURE, new.excursion_id)
    unit_ids = [unit_id for unit_id in dict.fromkeys(new.unit_ids) if unit_id in waiting]
    if not unit_ids or len(unit_ids) < len(set(new.unit_ids)):
        raise NothingToDecide
    refuse_unfounded(new, was_withdrawn=was_withdrawn, froze=_froze(tx, unit_ids))
    if new.kind is DispositionKind.RELEASED:
        _refuse_still_exposed(tx, unit_ids)
    disposition_id = tx.append(
        Disposition,
        excursion_id=new.excursion_id,
        kind=new.kind,
        note=new.note,
        evaluation_number=new.evaluation.reference if new.evaluation else None,
        qa_code=new.qa_code,
        decided_by=decided_by,
        decided_at=tx.now,
    )
    for unit_id in unit_ids:
        tx.append(DispositionUnit, disposition_id=disposition_id, unit_id=unit_id)
    if new.evaluation is not None:
        _attach(tx, disposition_id, new.evaluation.content)
    if new.kind.hold_end is not None:
        dispose(tx, unit_ids, new.excursion_id, new.kind.hold_end, new.note)
    tx.journal("disposition_recorded", disposition_id, STOCK, COLD_CHAIN)
    return Disposed(disposition_id, len(unit_ids))


def write_form(tx: Tx, excursion_id: UUID, new: NewForm) -> FormRef:
    """Record what people add to the record of an excursion; an earlier entry stays."""
    written_by = require_signed_in(tx)
    require_excursion(tx.connection, excursion_id)
    form_id = tx.new_id()
    tx.append(
        ExcursionForm,
        id=form_id,
        excursion_id=excursion_id,
        discovered_at=new.discovered_at,
        discovered_by_sealed=tx.keyring.seal(new.discovered_by, f"excursion_form:discovered_by:{form_id}"),
        room_milli_celsius=new.room_milli_celsius,
        what_happened=new.what_happened,
        measures=new.measures,
        moved_to=new.moved_to,
        also_inside=new.also_inside,
        earlier_trouble=new.earlier_trouble,
        told=new.told,
        prevention=new.prevention,
        written_by=written_by,
        written_at=tx.now,
    )
    tx.journal("excursion_form_written", form_id, COLD_CHAIN)
    return FormRef(form_id)


def _refuse_still_exposed(tx: Tx, unit_ids: Sequence[UUID]) -> None:
    where = {one.place_id for one in units_where(tx.connection, unit.c.id.in_(unit_ids)) if one.place_id}
    if any(is_place_held(tx.connection, place_id) for place_id in where):
        raise StillExposed


def _attach(tx: Tx, disposition_id: UUID, content: bytes) -> None:
    file_id = tx.new_id()
    text = base64.b64encode(content).decode()
    tx.append(
        EvaluationFile,
        id=file_id,
        disposition_id=disposition_id,
        kind=file_kind_of(content),
        content_sealed=tx.keyring.seal(text, f"evaluation_file:content:{file_id}"),
    )


def _froze(tx: Tx, unit_ids: Sequence[UUID]) -> bool:
    """Tell whether a unit that must not freeze ever did, by anything that is not withdrawn."""
    frozen = {one.unit_id for one in exposures_of(tx.connection, unit_ids, tx.now) if one.kind is BreachKind.FROZEN}
    codes = {one.vaccine_code for one in units_where(tx.connection, unit.c.id.in_(frozen))} if frozen else set()
    return any(_is_freeze_sensitive(code, tx) for code in codes)


def _is_freeze_sensitive(vaccine_code: str, tx: Tx) -> bool:
    """What the catalogue does not know is taken to be."""
    vaccine = vaccines.shipped().get(vaccine_code)
    handling = vaccine.handling_on(tx.local_date) if vaccine else None
    return handling is None or handling.is_freeze_sensitive
