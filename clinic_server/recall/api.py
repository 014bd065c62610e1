"""Recalls and their lists, exposure in a place, units set apart, destruction."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection

from clinic_server.kit.call import Body, Call, allows
from clinic_server.people.actions import note_phone
from clinic_server.people.rules import MOST_PHONE_CHARACTERS, PHONE
from clinic_server.recall import actions, lookup
from clinic_server.recall.rules import BEGINNERS, CALLERS, CallOutcome
from clinic_server.stock import holds
from clinic_server.stock.places import require_place
from clinic_server.stock.rules import StopScope, UnitFacts
from clinic_server.stock.scans import unit_code
from clinic_server.stock.whereabouts import HoldEnd, HoldReason

router = APIRouter(prefix="/api/v1", tags=["recall"])
Caller = Annotated[Call, allows(*CALLERS)]
Beginner = Annotated[Call, allows(*BEGINNERS)]
Holder = Annotated[Call, allows(*holds.HOLDERS)]
Decider = Annotated[Call, allows(*holds.DECIDERS)]


class RecallBody(Body):
    """What is called back (a trace code, ``product/lot``, a product's code), why, and what everybody is told to do."""

    scope: StopScope
    target: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=200)
    next_step: str = Field(min_length=1, max_length=300)


class CallBody(Body):
    """What came of telling one person."""

    outcome: CallOutcome
    note: str | None = Field(None, min_length=1, max_length=500, repr=False)


class PhoneBody(Body):
    """A telephone number."""

    phone: str = Field(min_length=3, max_length=MOST_PHONE_CHARACTERS, pattern=PHONE, repr=False)


class HoldBody(Body):
    """What is set apart: units by their codes, or everything in a place, of one lot where it is told."""

    reason: HoldReason
    trace_codes: list[str] = Field(default_factory=list, max_length=500)
    place_code: str | None = Field(None, max_length=32)
    lot_number: str | None = Field(None, max_length=40)
    note: str | None = Field(None, min_length=1, max_length=200)


class DecisionBody(Body):
    """What becomes of a held unit, and on what that rests."""

    end: HoldEnd
    note: str = Field(min_length=1, max_length=200)


class DestructionBody(Body):
    """Units that leave for good, why, and before whom."""

    trace_codes: list[str] = Field(min_length=1, max_length=500)
    end: HoldEnd
    reason: str = Field(min_length=1, max_length=200)
    witness: str = Field(min_length=1, max_length=80, repr=False)


@router.get("/recalls")
async def list_recalls(call: Holder) -> list[lookup.RecallFacts]:
    """Return every recall, the latest first."""
    return list(await call.read(lookup.recalls))


@router.post("/recalls", status_code=201)
async def begin_recall(call: Beginner, body: RecallBody) -> Response:
    """Stop what is called back, set apart what is left of it, and open the list of who got it."""
    new = actions.NewRecall(body.scope, body.target, body.reason, body.next_step)
    return await call.record(lambda tx: actions.begin_recall(tx, new))


@router.get("/recalls/{recall_id}/people")
async def recalled_people(call: Caller, recall_id: UUID) -> list[lookup.ToBeTold]:
    """Return everybody who was given what is recalled."""
    return list(await call.read(lambda connection: lookup.to_be_told(connection, call.house.db.keyring, recall_id)))


@router.get("/recalls/{recall_id}/units")
async def recalled_units(call: Holder, recall_id: UUID) -> list[UnitFacts]:
    """Return what is left of what is recalled, wherever it stands."""

    def read(connection: Connection) -> Sequence[UnitFacts]:
        return lookup.remaining_of(connection, lookup.require_recall(connection, recall_id))

    return list(await call.read(read))


@router.post("/recalls/{recall_id}/people/{person_id}/calls", status_code=201)
async def note_call(call: Caller, recall_id: UUID, person_id: UUID, body: CallBody) -> Response:
    """Note what came of telling one person."""
    return await call.record(lambda tx: actions.note_call(tx, recall_id, person_id, body.outcome, body.note))


@router.post("/people/{person_id}/phone", status_code=201)
async def phone_of(call: Caller, person_id: UUID, body: PhoneBody) -> Response:
    """Record by which number somebody can be reached."""
    return await call.record(lambda tx: note_phone(tx, person_id, body.phone))


@router.get("/exposures")
async def exposures(
    call: Holder, place: Annotated[str, Query(max_length=32)], since: AwareDatetime, until: AwareDatetime
) -> lookup.Exposure:
    """Return who got a unit that stood in a place between two instants, by identifiers, and which are still here."""

    def read(connection: Connection) -> lookup.Exposure:
        return lookup.exposed(connection, require_place(connection, place).place_id, since, until)

    return await call.read(read)


@router.get("/holds")
async def list_holds(call: Holder) -> list[holds.HeldUnit]:
    """Return every unit that is set apart, the longest held first."""
    return list(await call.read(holds.held_units))


@router.post("/holds", status_code=201)
async def hold(call: Holder, body: HoldBody) -> Response:
    """Set units apart until somebody has decided about them."""
    codes = [unit_code(call.house.recognise(code)) for code in body.trace_codes]
    new = holds.NewHold(body.reason, codes, body.place_code, body.lot_number, body.note)
    return await call.record(lambda tx: holds.hold(tx, new))


@router.post("/units/{unit_id}/hold/decision", status_code=201)
async def decide(call: Decider, unit_id: UUID, body: DecisionBody) -> Response:
    """Decide what becomes of a held unit."""
    return await call.record(lambda tx: holds.decide(tx, unit_id, body.end, body.note))


@router.get("/destructions")
async def list_destructions(call: Holder) -> list[lookup.DestructionFacts]:
    """Return every destruction, the latest first."""
    return list(await call.read(lookup.destructions))


@router.post("/destructions", status_code=201)
async def propose_destruction(call: Decider, body: DestructionBody) -> Response:
    """Name, as the first of two people, units that leave for good."""
    codes = [unit_code(call.house.recognise(code)) for code in body.trace_codes]
    new = actions.NewDestruction(codes, body.end, body.reason, body.witness)
    return await call.record(lambda tx: actions.propose_destruction(tx, new))


@router.post("/destructions/{destruction_id}/confirmation", status_code=201)
async def confirm_destruction(call: Decider, destruction_id: UUID) -> Response:
    """Sign a destruction as the second person."""
    return await call.record(lambda tx: actions.confirm_destruction(tx, destruction_id))
