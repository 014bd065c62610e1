"""Calling the team, the log of the care, and its end, for programs."""

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.adverse_events.care import actions
from clinic_server.adverse_events.care.lookup import CallFacts, log_of, standing_calls
from clinic_server.adverse_events.care.rules import SAID, CareEntry, CareKind, Ending, Said, Vitals
from clinic_server.adverse_events.lookup import event_by_number
from clinic_server.adverse_events.rules import CareEnd
from clinic_server.kit.call import Body, Call, allows
from clinic_server.kit.errors import Malformed
from clinic_server.staff.rules import STATION_PATTERN, Role

T = TypeVar("T", bound=Said)
router = APIRouter(prefix="/api/v1", tags=["adverse events"])
Caller = Annotated[Call, allows(Role.OBSERVER, Role.VACCINATOR, Role.PHYSICIAN, Role.SITE_LEAD)]
Carer = Annotated[Call, allows(Role.OBSERVER, Role.VACCINATOR, Role.PHYSICIAN)]


class ReactionBody(Body):
    """At which seat it is; without one it is at the station of whoever calls."""

    seat_code: str = Field("", pattern=rf"^$|{STATION_PATTERN}")


class WordsBody(Body):
    """What was the matter, or why."""

    words: str = Field(min_length=1, max_length=200, repr=False)


class LineBody(Body):
    """What happened, as its kind has it; when, if not now; and what of the kit it took."""

    said: dict[str, Any] = Field(repr=False)
    happened_at: datetime | None = None
    kit_item_id: UUID | None = None

    def as_kind(self, kind: CareKind) -> Said:
        """Return what happened as this kind, or raise Malformed naming what does not belong to it."""
        return _as(SAID[kind], self.said, "said")


class EndingBody(Body):
    """How the care ends, and who is named for it."""

    how: CareEnd
    hospital: str = Field("", max_length=80)
    hospital_phone: str = Field("", max_length=40)
    taken_over_by: str = Field("", max_length=80, repr=False)
    declined_by: str = Field("", max_length=80, repr=False)


def as_vitals(told: dict[str, Any]) -> Vitals:
    """Return what was measured, or raise Malformed naming what is no part of it."""
    return _as(Vitals, told, "vitals")


@router.get("/emergency-calls")
async def emergency_calls(call: Caller) -> list[CallFacts]:
    """Return where somebody is being helped now, the latest first."""
    return list(await call.read(standing_calls))


@router.post("/visits/{visit_id}/reaction", status_code=201)
async def call_team(call: Caller, visit_id: UUID, body: ReactionBody) -> Response:
    """Open the file of a reaction and page the emergency team."""
    return await call.record(lambda tx: actions.call_team(tx, visit_id, body.seat_code))


@router.post("/visits/{visit_id}/reaction/end", status_code=201)
async def end_call(call: Caller, visit_id: UUID, body: WordsBody) -> Response:
    """Say what a call without a dose was about, and that the team has gone."""
    return await call.record(lambda tx: actions.end_call(tx, visit_id, body.words))


@router.get("/adverse-events/{number}/care")
async def log(call: Carer, number: int) -> list[CareEntry]:
    """Return the log of an event's care."""
    keyring = call.house.db.keyring
    return list(await call.read(lambda at: log_of(at, keyring, event_by_number(at, number).event_id)))


@router.post("/adverse-events/{number}/care/end", status_code=201)
async def end(call: Carer, number: int, body: EndingBody) -> Response:
    """End the care on site."""
    return await call.record(lambda tx: actions.end(tx, number, Ending(**body.model_dump())))


@router.post("/adverse-events/{number}/care/{kind}", status_code=201)
async def write_line(call: Carer, number: int, kind: CareKind, body: LineBody) -> Response:
    """Write a line into the log."""
    new = actions.NewEntry(body.as_kind(kind), body.happened_at, body.kit_item_id)
    return await call.record(lambda tx: actions.write_line(tx, number, new))


@router.post("/adverse-events/{number}/care/lines/{line_id}/strike", status_code=201)
async def strike_line(call: Carer, number: int, line_id: UUID, body: WordsBody) -> Response:
    """Strike a wrong line out."""
    return await call.record(lambda tx: actions.strike_line(tx, number, line_id, body.words))


def _as(kind: type[T], told: dict[str, Any], field_name: str) -> T:
    known = {one.name for one in fields(kind)}
    if strange := set(told) - known:
        raise Malformed(findings=tuple(sorted(strange)))
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError:
        raise Malformed(findings=(field_name,)) from None
