"""The observation area's page: everyone who is watched, with the minutes left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from clinic_server.adverse_events.care.lookup import CallFacts, calls_by_visit
from clinic_server.kit.call import Call, Form, allows
from clinic_server.kit.moments import Turn
from clinic_server.kit.turns import moment_of, turns_since
from clinic_server.observation import actions
from clinic_server.observation.rules import EarlyReason, ExtensionMinutes, ExtensionReason
from clinic_server.people.lookup import people
from clinic_server.people.rules import PersonFacts
from clinic_server.staff.rules import Role
from clinic_server.visits.watch import Watched, watched

TURNS_SHOWN: Final = timedelta(hours=1)
router = APIRouter(include_in_schema=False)
Observer = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]


class EarlyLeaveForm(Form):
    """Why somebody leaves before the time is over."""

    reason: EarlyReason


class ExtensionForm(Form):
    """For how long somebody is watched in addition, and why."""

    minutes: ExtensionMinutes
    reason: ExtensionReason


@dataclass(frozen=True, slots=True)
class Seats:
    """Who is watched, their names, and to whom the team was called; what happened to the clock lately."""

    watched: Sequence[Watched]
    people: Mapping[UUID, PersonFacts]
    calls: Mapping[UUID, CallFacts]
    turns: Sequence[Turn]


@router.get("/observation")
async def observation(call: Observer) -> Response:
    """Show everyone under observation."""
    return call.page("observation/area.html", **await _shown(call))


@router.get("/observation/seats")
async def seats(call: Observer) -> Response:
    """Show the list again."""
    return call.page("observation/_seats.html", **await _shown(call))


@router.post("/visits/{visit_id}/leave")
async def let_go(call: Observer, visit_id: UUID) -> Response:
    """Let a person go whose observation is over."""
    return await call.record(lambda tx: actions.leave(tx, visit_id), then="/observation")


@router.post("/visits/{visit_id}/early-leave")
async def let_go_early(call: Observer, visit_id: UUID) -> Response:
    """Record that a person left early."""
    form = await call.form(EarlyLeaveForm)
    return await call.record(lambda tx: actions.leave_early(tx, visit_id, form.reason), then="/observation")


@router.post("/visits/{visit_id}/observation-extensions")
async def extend(call: Observer, visit_id: UUID) -> Response:
    """Let a person be watched for longer."""
    form = await call.form(ExtensionForm)
    return await call.record(lambda tx: actions.extend(tx, visit_id, form.minutes, form.reason), then="/observation")


async def _shown(call: Call) -> dict[str, Any]:
    keyring = call.house.db.keyring

    def look(connection: Connection) -> Seats:
        present = watched(connection)
        names = people(connection, keyring, [one.person_id for one in present])
        turns = turns_since(connection, moment_of(connection).at - TURNS_SHOWN)
        return Seats(present, names, calls_by_visit(connection), turns)

    return {"seats": await call.read(look), "reasons": list(EarlyReason), "extensions": list(ExtensionReason)}
