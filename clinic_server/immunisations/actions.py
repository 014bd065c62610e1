"""Noting what was before: a dose from elsewhere, a severe reaction; and what a recommendation foresaw of its dose."""

from uuid import UUID

import msgspec
from sqlalchemy import exists, select

from clinic_server.immunisations.history import (
    ClearedTooSoon,
    DateImpossible,
    DoseNotNamed,
    NewPastDose,
    NewReaction,
    PastDoseKnown,
    PastDoseUnknown,
    ReactionCleared,
    ReactionNotNamed,
    StruckBefore,
    refuse_impossible,
    refuse_lengthy_place,
    required_note,
)
from clinic_server.immunisations.lookup import Foreseen, antigens_known, past_doses, reaction_of
from clinic_server.immunisations.tables import (
    DoseForeseen,
    PastDose,
    PastDoseStruck,
    ReactionClearance,
    SevereReaction,
    past_dose,
    past_dose_struck,
)
from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import person
from clinic_server.staff.actions import require_qualification
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock import vaccines
from clinic_server.stock.rules import VaccineUnknown

HISTORY = "visits"  # what is noted here may stop a needle: the pages that show visits look again


def note_past_dose(tx: Tx, person_id: UUID, new: NewPastDose) -> UUID:
    """Record a dose that was given elsewhere; whoever notes it says by what they know."""
    held = person(tx.connection, tx.keyring, person_id)
    _refuse_unnamed(new)
    refuse_lengthy_place(new.place)
    refuse_impossible(new.given, held.born_on, tx.local_date)
    _refuse_known(tx, person_id, new)
    row_id = tx.new_id()
    place = new.place.strip()
    tx.append(
        PastDose,
        id=row_id,
        person_id=person_id,
        vaccine_code=new.vaccine_code,
        antigen=new.antigen,
        given_on=new.given.first_on,
        precision=new.given.precision,
        proof=new.proof,
        place_sealed=tx.keyring.seal(place, f"past_dose:place:{row_id}") if place else None,
        noted_by=tx.actor.staff_id,
        noted_at=tx.now,
    )
    tx.journal("past_dose_noted", row_id, HISTORY)
    return row_id


def strike_past_dose(tx: Tx, past_dose_id: UUID, reason: str) -> UUID:
    """Mark a dose from elsewhere as entered in error; it is kept, and counts no more."""
    known = tx.execute(select(past_dose.c.id).where(past_dose.c.id == past_dose_id)).scalar()
    if known is None:
        raise PastDoseUnknown
    if tx.execute(select(exists().where(past_dose_struck.c.past_dose_id == past_dose_id))).scalar():
        raise StruckBefore
    row_id = tx.new_id()
    tx.append(
        PastDoseStruck,
        id=row_id,
        past_dose_id=past_dose_id,
        reason_sealed=tx.keyring.seal(required_note(reason), f"past_dose_struck:reason:{row_id}"),
        struck_by=tx.actor.staff_id,
        struck_at=tx.now,
    )
    tx.journal("past_dose_struck", past_dose_id, HISTORY)
    return row_id


def note_reaction(tx: Tx, person_id: UUID, new: NewReaction) -> UUID:
    """Record a severe reaction; from now on it bars what it speaks against."""
    held = person(tx.connection, tx.keyring, person_id)
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


def keep_outlook(tx: Tx, decision_id: UUID, outlook: Outlook) -> None:
    """Append what a recommendation was made in view of, in its action and under its journal line."""
    row_id = tx.new_id()
    findings = msgspec.json.encode([finding.code for finding in outlook.findings]).decode()
    tx.append(
        DoseForeseen,
        id=row_id,
        decision_id=decision_id,
        schedule_code=outlook.schedule_code,
        schedule_version=outlook.schedule_version,
        dose_number=outlook.dose_number,
        findings_sealed=tx.keyring.seal(findings, f"dose_foreseen:findings:{row_id}"),
        foreseen_at=tx.now,
    )


def _refuse_unnamed(new: NewPastDose) -> None:
    if (new.vaccine_code is None) == (new.antigen is None):
        raise DoseNotNamed
    if new.vaccine_code is not None and new.vaccine_code not in vaccines.shipped():
        raise VaccineUnknown
    if new.antigen is not None and new.antigen not in antigens_known():
        raise VaccineUnknown


def _refuse_known(tx: Tx, person_id: UUID, new: NewPastDose) -> None:
    """Refuse what stands already: the same day, against the same."""
    against = set(antigens_of(new.vaccine_code, new.antigen))
    for line in doses_of(tx.connection, tx.keyring, person_id):
        if line.given == new.given and against & set(line.antigens):
            raise PastDoseKnown
