"""A person's immunisations on one page: doses, what is due, severe reactions, and the forms to note more."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.immunisations import actions
from clinic_server.immunisations.history import NewDoseElsewhere, NewReaction, PartialDate, Proof
from clinic_server.immunisations.lookup import antigens_known
from clinic_server.immunisations.seen import immunisations_of
from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows, go_to
from clinic_server.people.lookup import person
from clinic_server.staff.rules import Role
from clinic_server.stock import vaccines
from clinic_server.stock.rules import Platform
from clinic_server.visits.lookup import open_visit_of, standing

router = APIRouter(include_in_schema=False)
Reader = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]
_Code = Annotated[Annotated[str, Field(max_length=40)] | None, EMPTY_IS_NONE]
_ANTIGEN = "antigen:"


class DoseElsewhereForm(Form):
    """A dose from elsewhere; ``what`` is a vaccine's code, or ``antigen:`` and what it was against."""

    what: str = Field(min_length=1, max_length=60)
    given: str = Field(max_length=10)
    proof: Proof
    place: str = Field("", max_length=1000, repr=False)

    def dose(self) -> NewDoseElsewhere:
        """Return the dose as the rules know it, or raise DateUnreadable."""
        given = PartialDate.parse(self.given)
        if self.what.startswith(_ANTIGEN):
            return NewDoseElsewhere(given, self.proof, antigen=self.what.removeprefix(_ANTIGEN), place=self.place)
        return NewDoseElsewhere(given, self.proof, vaccine_code=self.what, place=self.place)


class StruckForm(Form):
    """Why a dose from elsewhere was entered in error."""

    reason: str = Field("", max_length=2000, repr=False)


class ReactionForm(Form):
    """A severe reaction: to a vaccine, or to a platform."""

    occurred_on: date = Field(repr=False)
    vaccine_code: _Code = Field(None, repr=False)
    platform: Annotated[Platform | None, EMPTY_IS_NONE] = Field(None, repr=False)
    note: str = Field("", max_length=2000, repr=False)


class ClearanceForm(Form):
    """Why a severe reaction no longer bars a dose."""

    note: str = Field("", max_length=2000, repr=False)


@router.get("/visits/{visit_id}/immunisations")
async def immunisations_of_visit(call: Reader, visit_id: UUID) -> Response:
    """Go to the immunisations of a visit's person."""
    found = await call.read(lambda connection: standing(connection, visit_id))
    return go_to(call.request, _page(found.person_id))


@router.get("/people/{person_id}/immunisations")
async def immunisations(call: Reader, person_id: UUID) -> HTMLResponse:
    """Show a person's doses, what is due, and the forms to note what is known from elsewhere."""
    return call.page(
        "immunisations/person.html",
        vaccines=sorted(vaccines.shipped().values(), key=lambda vaccine: vaccine.name),
        antigens=antigens_known(),
        proofs=Proof,
        platforms=Platform,
        **await _known(call, person_id),
    )


@router.get("/people/{person_id}/immunisations/standing")
async def immunisations_again(call: Reader, person_id: UUID) -> HTMLResponse:
    """Show the doses and what is due again."""
    return call.page("immunisations/_standing.html", **await _known(call, person_id))


@router.post("/people/{person_id}/doses-elsewhere")
async def note_dose_elsewhere(call: Reader, person_id: UUID) -> Response:
    """Record a dose that was given elsewhere."""
    form = await call.form(DoseElsewhereForm)
    return await call.record(lambda tx: actions.note_dose_elsewhere(tx, person_id, form.dose()), then=_page(person_id))


@router.post("/people/{person_id}/doses-elsewhere/{dose_id}/struck")
async def strike_dose_elsewhere(call: Reader, person_id: UUID, dose_id: UUID) -> Response:
    """Mark a dose from elsewhere as entered in error."""
    form = await call.form(StruckForm)
    return await call.record(lambda tx: actions.strike_dose_elsewhere(tx, dose_id, form.reason), then=_page(person_id))


@router.post("/people/{person_id}/reactions")
async def note_reaction(call: Physician, person_id: UUID) -> Response:
    """Record a severe reaction known of a person."""
    form = await call.form(ReactionForm)
    new = NewReaction(form.occurred_on, form.note, form.vaccine_code, form.platform)
    return await call.record(lambda tx: actions.note_reaction(tx, person_id, new), then=_page(person_id))


@router.post("/people/{person_id}/reactions/{reaction_id}/clearance")
async def clear_reaction(call: Physician, person_id: UUID, reaction_id: UUID) -> Response:
    """Record that a severe reaction no longer bars a dose."""
    form = await call.form(ClearanceForm)
    return await call.record(lambda tx: actions.clear_reaction(tx, reaction_id, form.note), then=_page(person_id))


async def _known(call: Call, person_id: UUID) -> dict[str, Any]:
    keyring, roles = call.house.db.keyring, call.actor.roles
    local_now = call.house.db.clock.now().astimezone(call.house.settings.site.zone)

    def read(connection: Connection) -> dict[str, Any]:
        held = person(connection, keyring, person_id)
        visit = open_visit_of(connection, person_id)
        return {
            "person_id": person_id,
            "person": held,
            "age": held.age_on(local_now.date()),
            "visit": visit,
            "today": local_now.date(),
            "past": immunisations_of(connection, keyring, person_id, local_now, roles),
        }

    return await call.read(read)


def _page(person_id: UUID) -> str:
    return f"/people/{person_id}/immunisations"
