"""The care's pages: the key, the log beside a patient, the sheet that goes along, and what is looked up."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.adverse_events.care import actions, drug_tables, references, symptoms
from clinic_server.adverse_events.care.actions import TeamCalled
from clinic_server.adverse_events.care.forms import FORMS
from clinic_server.adverse_events.care.lookup import call_of_visit
from clinic_server.adverse_events.care.rules import (
    AmbulanceStep,
    BodyPosition,
    CareKind,
    Consciousness,
    DrugRoute,
    DrugSite,
    Ending,
)
from clinic_server.adverse_events.care.shown import care_sheet
from clinic_server.adverse_events.care.symptoms import BodySystem
from clinic_server.adverse_events.rules import CareEnd
from clinic_server.kit.call import Call, Form, allows
from clinic_server.staff.rules import STATION_PATTERN, Role
from clinic_server.visits.lookup import standing

router = APIRouter(include_in_schema=False)
Caller = Annotated[Call, allows(Role.OBSERVER, Role.VACCINATOR, Role.PHYSICIAN, Role.SITE_LEAD)]
CARERS = (Role.OBSERVER, Role.VACCINATOR, Role.PHYSICIAN)
Carer = Annotated[Call, allows(*CARERS)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]
OXYGEN_LITRES = (2, 5, 10, 0)
_CHOICES: Mapping[str, Any] = {
    "ambulance_steps": list(AmbulanceStep),
    "positions": list(BodyPosition),
    "consciousness": list(Consciousness),
    "routes": list(DrugRoute),
    "sites": list(DrugSite),
    "systems": list(BodySystem),
    "endings": list(CareEnd),
    "litres": OXYGEN_LITRES,
}


class ReactionForm(Form):
    """At which seat it is."""

    seat_code: str = Field("", pattern=rf"^$|{STATION_PATTERN}")


class WordsForm(Form):
    """What was the matter, or why."""

    words: str = Field(max_length=200, repr=False)


class ProtocolForm(Form):
    """What the site does for a reaction."""

    words: str = Field(max_length=4000)


class EndingForm(Form):
    """How the care ends."""

    how: CareEnd
    hospital: str = Field("", max_length=80)
    hospital_phone: str = Field("", max_length=40)
    taken_over_by: str = Field("", max_length=80, repr=False)
    declined_by: str = Field("", max_length=80, repr=False)


@router.post("/visits/{visit_id}/reaction")
async def call_team(call: Caller, visit_id: UUID) -> Response:
    """Open the file of a reaction, page the emergency team, and go to the log; who reads none sees the alerts."""
    form = await call.form(ReactionForm)
    then = _where if call.actor.roles & set(CARERS) else "/alerts"
    return await call.record(lambda tx: actions.call_team(tx, visit_id, form.seat_code), then=then)


@router.get("/visits/{visit_id}/reaction")
async def call_without_dose(call: Caller, visit_id: UUID) -> Response:
    """Show that the team was called to somebody who had no dose, and ask what it was."""

    def question(connection: Connection) -> dict[str, Any]:
        return {"visit": standing(connection, visit_id), "called": call_of_visit(connection, visit_id)}

    return call.page("adverse_events/without_dose.html", **await call.read(question))


@router.post("/visits/{visit_id}/reaction/end")
async def end_call(call: Caller, visit_id: UUID) -> Response:
    """Say what a call without a dose was about."""
    form = await call.form(WordsForm)
    return await call.record(lambda tx: actions.end_call(tx, visit_id, form.words), then="/")


@router.get("/adverse-events/references")
async def show_references(call: Carer) -> Response:
    """Show the protocol's words and the table of reference doses, with who answers for them."""
    keyring = call.house.db.keyring

    def question(connection: Connection) -> dict[str, Any]:
        return {
            "stated": references.stated_protocol(connection, keyring),
            "signatures": references.table_signatures(connection, keyring),
        }

    return call.page("adverse_events/references.html", table=drug_tables.shipped(), **await call.read(question))


@router.post("/adverse-events/references/protocol")
async def state_protocol(call: Physician) -> Response:
    """Have the site do this for a reaction."""
    form = await call.form(ProtocolForm)
    return await call.record(lambda tx: references.state_protocol(tx, form.words), then="/adverse-events/references")


@router.post("/adverse-events/references/drug-table")
async def sign_off_table(call: Physician) -> Response:
    """Answer for the table of reference doses."""
    return await call.record(references.sign_off_table, then="/adverse-events/references")


@router.get("/adverse-events/{number}/care")
async def care(call: Carer, number: int) -> Response:
    """Show the log of a care, with its buttons."""
    return await _sheet(call, number, "adverse_events/care.html")


@router.get("/adverse-events/{number}/care/log")
async def log(call: Carer, number: int) -> Response:
    """Show the log again."""
    return await _sheet(call, number, "adverse_events/_log.html")


@router.get("/adverse-events/{number}/handover")
async def handover(call: Carer, number: int) -> Response:
    """Show the sheet that goes along to the hospital."""
    return await _sheet(call, number, "adverse_events/handover.html")


@router.post("/adverse-events/{number}/care/end")
async def end(call: Carer, number: int) -> Response:
    """End the care on site."""
    ending = Ending(**(await call.form(EndingForm)).model_dump())
    after = "handover" if ending.how is CareEnd.TRANSFERRED else "care"
    return await call.record(lambda tx: actions.end(tx, number, ending), then=f"/adverse-events/{number}/{after}")


@router.post("/adverse-events/{number}/care/{kind}")
async def write_line(call: Carer, number: int, kind: CareKind) -> Response:
    """Write a line into the log."""
    new = (await call.form(FORMS[kind])).line(call.house.db.clock.now())
    return await call.record(lambda tx: actions.write_line(tx, number, new), then=_log(number))


@router.post("/adverse-events/{number}/care/lines/{line_id}/strike")
async def strike_line(call: Carer, number: int, line_id: UUID) -> Response:
    """Strike a wrong line out."""
    form = await call.form(WordsForm)
    return await call.record(lambda tx: actions.strike_line(tx, number, line_id, form.words), then=_log(number))


def _where(called: TeamCalled) -> str:
    """Return where whoever called the team goes on."""
    return f"/visits/{called.visit_id}/reaction" if called.number is None else _log(called.number)


def _log(number: int) -> str:
    return f"/adverse-events/{number}/care"


async def _sheet(call: Call, number: int, template: str) -> Response:
    keyring, zone = call.house.db.keyring, call.house.settings.site.zone
    sheet = await call.read(lambda connection: care_sheet(connection, keyring, number, zone))
    return call.page(template, sheet=sheet, symptoms=symptoms.shipped(), **_CHOICES)
