"""A person's immunisations over the API: what stands, what is due, and what is noted of the past."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.immunisations import actions
from clinic_server.immunisations.history import NewDoseElsewhere, NewReaction, PartialDate, Proof
from clinic_server.immunisations.seen import Immunisations, immunisations_of
from clinic_server.kit.call import Body, Call, allows
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import Platform

router = APIRouter(prefix="/api/v1", tags=["immunisations"])
Reader = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]


class DoseElsewhereBody(Body):
    """A dose from elsewhere: its vaccine, or what it was against; its day as year, year-month or year-month-day."""

    given: str = Field(max_length=10)
    proof: Proof
    vaccine_code: str | None = Field(None, max_length=40)
    antigen: str | None = Field(None, max_length=40)
    place: str = Field("", max_length=1000, repr=False)


class StruckBody(Body):
    """Why a dose from elsewhere was entered in error."""

    reason: str = Field(max_length=2000, repr=False)


class ReactionBody(Body):
    """A severe reaction: to a vaccine, or to a platform."""

    occurred_on: date = Field(repr=False)
    note: str = Field(max_length=2000, repr=False)
    vaccine_code: str | None = Field(None, max_length=40, repr=False)
    platform: Platform | None = Field(None, repr=False)


class ClearanceBody(Body):
    """Why a severe reaction no longer bars a dose."""

    note: str = Field(max_length=2000, repr=False)


@dataclass(frozen=True, slots=True)
class Noted:
    """What was recorded."""

    record_id: UUID


@router.get("/people/{person_id}/immunisations")
async def read_immunisations(call: Reader, person_id: UUID) -> Immunisations:
    """Return every dose that stands with what it is worth, and what is due."""
    keyring, roles = call.house.db.keyring, call.actor.roles
    local_now = call.house.db.clock.now().astimezone(call.house.settings.site.zone)
    return await call.read(lambda connection: immunisations_of(connection, keyring, person_id, local_now, roles))


@router.post("/people/{person_id}/doses-elsewhere", status_code=201)
async def note_dose_elsewhere(call: Reader, person_id: UUID, body: DoseElsewhereBody) -> Response:
    """Record a dose that was given elsewhere."""
    new = NewDoseElsewhere(PartialDate.parse(body.given), body.proof, body.vaccine_code, body.antigen, body.place)
    return await call.record(lambda tx: Noted(actions.note_dose_elsewhere(tx, person_id, new)))


@router.post("/doses-elsewhere/{dose_id}/struck", status_code=201)
async def strike_dose_elsewhere(call: Reader, dose_id: UUID, body: StruckBody) -> Response:
    """Mark a dose from elsewhere as entered in error."""
    return await call.record(lambda tx: Noted(actions.strike_dose_elsewhere(tx, dose_id, body.reason)))


@router.post("/people/{person_id}/reactions", status_code=201)
async def note_reaction(call: Physician, person_id: UUID, body: ReactionBody) -> Response:
    """Record a severe reaction known of a person."""
    new = NewReaction(body.occurred_on, body.note, body.vaccine_code, body.platform)
    return await call.record(lambda tx: Noted(actions.note_reaction(tx, person_id, new)))


@router.post("/reactions/{reaction_id}/clearance", status_code=201)
async def clear_reaction(call: Physician, reaction_id: UUID, body: ClearanceBody) -> Response:
    """Record that a severe reaction no longer bars a dose."""
    return await call.record(lambda tx: Noted(actions.clear_reaction(tx, reaction_id, body.note)))
