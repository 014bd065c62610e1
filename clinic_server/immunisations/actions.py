"""Noting what was before: a dose from elsewhere, a severe reaction; and what a recommendation foresaw of its dose."""

from dataclasses import replace
from uuid import UUID

import msgspec
from sqlalchemy import exists, select

from clinic_server.immunisations.history import (
    ClearedTooSoon,
    DateImpossible,
    DoseElsewhereKnown,
    DoseElsewhereUnknown,
    DoseNotNamed,
    NewDoseElsewhere,
    NewReaction,
    ReactionCleared,
    ReactionNotNamed,
    StruckBefore,
    refuse_impossible,
    refuse_lengthy_place,
    required_note,
)
from clinic_server.immunisations.lookup import antigens_known, doses_known, reaction_of
from clinic_server.immunisations.outlooks import Foreseen
from clinic_server.immunisations.tables import (
    DoseElsewhere,
    DoseElsewhereStruck,
    DoseForeseen,
    ReactionClearance,
    SevereReaction,
    dose_elsewhere,
    dose_elsewhere_struck,
)
from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import birth_facts
from clinic_server.staff.actions import require_qualification
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock import vaccines
from clinic_server.stock.rules import VaccineUnknown

HISTORY = "visits"  # what is noted here may stop a needle: the pages that show visits look again


def note_dose_elsewhere(tx: Tx, person_id: UUID, new: NewDoseElsewhere) -> UUID:
    """Record a dose that was given elsewhere; whoever notes it says by what they know."""
    held = birth_facts(tx.connection, person_id)
    _refuse_unnamed(new)
    refuse_lengthy_place(new.place)
    refuse_impossible(new.given, held.born_on, tx.local_date)
    _refuse_known(tx, person_id, new)
    row_id = tx.new_id()
    place = new.place.strip()
    tx.append(
        DoseElsewhere,
        id=row_id,
        person_id=person_id,
        vaccine_code=new.vaccine_code,
        antigen=new.antigen,
        given_on=new.given.first_on,
        precision=new.given.precision,
        proof=new.proof,
        place_sealed=tx.keyring.seal(place, f"dose_elsewhere:place:{row_id}") if place else None,
        noted_by=tx.actor.staff_id,
        noted_at=tx.now,
    )
    tx.journal("dose_elsewhere_noted", row_id, HISTORY)
    return row_id


def strike_dose_elsewhere(tx: Tx, dose_elsewhere_id: UUID, reason: str) -> UUID:
    """Mark a dose from elsewhere as entered in error; it is kept, and counts no more."""
    known = tx.execute(select(dose_elsewhere.c.id).where(dose_elsewhere.c.id == dose_elsewhere_id)).scalar()
    if known is None:
        raise DoseElsewhereUnknown
    if tx.execute(select(exists().where(dose_elsewhere_struck.c.dose_elsewhere_id == dose_elsewhere_id))).scalar():
        raise StruckBefore
    row_id = tx.new_id()
    tx.append(
        DoseElsewhereStruck,
        id=row_id,
        dose_elsewhere_id=dose_elsewhere_id,
        reason_sealed=tx.keyring.seal(required_note(reason), f"dose_elsewhere_struck:reason:{row_id}"),
        struck_by=tx.actor.staff_id,
        struck_at=tx.now,
    )
    tx.journal("dose_elsewhere_struck", dose_elsewhere_id, HISTORY)
    return row_id


def note_reaction(tx: Tx, person_id: UUID, new: NewReaction) -> UUID:
    """Record a severe reaction; from now on it bars what it speaks against."""
    held = birth_facts(tx.connection, person_id)
    if (new.vaccine_code is None) == (new.platform is None):
        raise ReactionNotNamed
    if new.vaccine_code is not None and new.vaccine_code not in vaccines.shipped():
        raise VaccineUnknown
    if not held.born_on <= new.occurred_on <= tx.local_date:
        raise DateImpossible
    told = replace(new, note=required_note(new.note))
    row_id = tx.new_id()
    content = msgspec.json.encode(told).decode()
    tx.append(
        SevereReaction,
        id=row_id,
        person_id=person_id,
        content_sealed=tx.keyring.seal(content, f"severe_reaction:content:{row_id}"),
        noted_by=tx.actor.staff_id,
        noted_at=tx.now,
    )
    tx.journal("severe_reaction_noted", row_id, HISTORY)
    return row_id


def clear_reaction(tx: Tx, reaction_id: UUID, note: str) -> UUID:
    """Record a physician's note that a reaction bars no more; it is of a later day than the reaction."""
    physician_id = require_qualification(tx, QualificationKind.PHYSICIAN)
    reaction = reaction_of(tx.connection, tx.keyring, reaction_id)
    if reaction.is_cleared:
        raise ReactionCleared
    if tx.local_date <= reaction.told.occurred_on:
        raise ClearedTooSoon
    row_id = tx.new_id()
    tx.append(
        ReactionClearance,
        id=row_id,
        reaction_id=reaction_id,
        note_sealed=tx.keyring.seal(required_note(note), f"reaction_clearance:note:{row_id}"),
        physician_id=physician_id,
        cleared_at=tx.now,
    )
    tx.journal("severe_reaction_cleared", reaction_id, HISTORY)
    return row_id


def keep_foreseen(tx: Tx, decision_id: UUID, foreseen: Foreseen) -> None:
    """Append what a recommendation was made in view of, in its action and under its journal line."""
    row_id = tx.new_id()
    content = msgspec.json.encode(foreseen).decode()
    tx.append(
        DoseForeseen,
        id=row_id,
        decision_id=decision_id,
        content_sealed=tx.keyring.seal(content, f"dose_foreseen:content:{row_id}"),
        foreseen_at=tx.now,
    )


def _refuse_unnamed(new: NewDoseElsewhere) -> None:
    if (new.vaccine_code is None) == (new.antigen is None):
        raise DoseNotNamed
    if new.vaccine_code is not None and new.vaccine_code not in vaccines.shipped():
        raise VaccineUnknown
    if new.antigen is not None and new.antigen not in antigens_known():
        raise VaccineUnknown


def _refuse_known(tx: Tx, person_id: UUID, new: NewDoseElsewhere) -> None:
    """Refuse what stands already: the same day, against the same."""
    against = {new.antigen} if new.vaccine_code is None else {*vaccines.shipped()[new.vaccine_code].antigens}
    standing = doses_known(tx.connection, tx.keyring, person_id, tx.site.zone)
    if any(one.given == new.given and against & {*one.antigens} for one in standing):
        raise DoseElsewhereKnown
