"""Counts and their differences, and the codes that were refused as doubtful."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.counting import actions, lookup
from clinic_server.counting.rules import COUNTERS, SETTLERS, DifferenceReason
from clinic_server.kit.call import Body, Call, allows
from clinic_server.staff.rules import Role
from clinic_server.stock import suspects
from clinic_server.stock.scans import unit_code

router = APIRouter(prefix="/api/v1", tags=["counts"])
Counter = Annotated[Call, allows(*COUNTERS)]
Settler = Annotated[Call, allows(*SETTLERS)]
Reader = Annotated[Call, allows(*COUNTERS, Role.AUDITOR)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]


class CountBody(Body):
    """A place, and the code of every unit that lies in it."""

    place_code: str = Field(max_length=32)
    trace_codes: list[str] = Field(max_length=2000)


class ExplanationBody(Body):
    """Why a unit differs from the records."""

    reason: DifferenceReason
    note: str | None = Field(None, min_length=1, max_length=200)


class HoldDifferenceBody(Body):
    """What is to be found out before the unit may be used."""

    note: str | None = Field(None, min_length=1, max_length=200)


class AssessmentBody(Body):
    """What was found out about a doubtful code."""

    comment: str = Field(min_length=1, max_length=200)


@router.get("/counts")
async def list_counts(call: Reader) -> list[lookup.CountFacts]:
    """Return the last counts, the latest first."""
    return list(await call.read(lookup.latest_counts))


@router.post("/counts", status_code=201)
async def count_place(call: Counter, body: CountBody) -> Response:
    """Record what lies in a place; a vaccinator counts the box of their own bench."""
    codes = [unit_code(call.house.recognise(code)) for code in body.trace_codes]
    return await call.record(lambda tx: actions.count_place(tx, actions.NewCount(body.place_code, codes)))


@router.post("/counts/{count_id}/confirmation", status_code=201)
async def confirm_count(call: Settler, count_id: UUID) -> Response:
    """Settle as the second person what others explained of a count."""
    return await call.record(lambda tx: actions.confirm_count(tx, count_id))


@router.get("/differences")
async def list_differences(call: Reader) -> list[lookup.DifferenceFacts]:
    """Return every difference that two people have not settled, the earliest count first."""
    return list(await call.read(lookup.open_differences))


@router.post("/differences/{difference_id}/explanation", status_code=201)
async def explain_difference(call: Settler, difference_id: UUID, body: ExplanationBody) -> Response:
    """Say as the first of two people why a unit differs."""
    return await call.record(lambda tx: actions.explain_difference(tx, difference_id, body.reason, body.note))


@router.post("/differences/{difference_id}/hold", status_code=201)
async def hold_difference(call: Settler, difference_id: UUID, body: HoldDifferenceBody) -> Response:
    """Set a unit apart that differs."""
    return await call.record(lambda tx: actions.hold_difference(tx, difference_id, body.note))


@router.get("/suspects")
async def list_suspects(call: Reader) -> list[suspects.Suspect]:
    """Return every doubtful code that nobody has assessed, the latest first."""
    return list(await call.read(lambda connection: suspects.open_suspects(connection, call.house.db.keyring)))


@router.post("/suspects/{suspect_id}/assessment", status_code=201)
async def assess_suspect(call: Lead, suspect_id: UUID, body: AssessmentBody) -> Response:
    """Record what was found out about a doubtful code."""
    return await call.record(lambda tx: suspects.assess_suspect(tx, suspect_id, body.comment))
