"""Counting by scan, one count's sheet, what is still open, and the codes that were refused as doubtful."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.counting import actions, lookup
from clinic_server.counting.rules import COUNTERS, REASONS, SETTLERS, DifferenceReason
from clinic_server.kit.call import Call, Form, allows
from clinic_server.staff.rules import Role
from clinic_server.stock.places import places
from clinic_server.stock.scans import unit_code
from clinic_server.stock.suspects import assess_suspect, open_suspects

router = APIRouter(include_in_schema=False)
Counter = Annotated[Call, allows(*COUNTERS)]
Settler = Annotated[Call, allows(*SETTLERS)]
Reader = Annotated[Call, allows(*COUNTERS, Role.AUDITOR)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]


class CountForm(Form):
    """A place, and the code of every unit that lies in it, one a line."""

    place_code: str = Field(max_length=32)
    trace_codes: str = Field("", max_length=120_000)


class ExplanationForm(Form):
    """Why a unit differs from the records."""

    reason: DifferenceReason
    note: str = Field("", max_length=200)


class HoldDifferenceForm(Form):
    """What is to be found out before the unit may be used."""

    note: str = Field("", max_length=200)


class AssessmentForm(Form):
    """What was found out about a doubtful code."""

    comment: str = Field(min_length=1, max_length=200)


@router.get("/counts")
async def show_counts(call: Reader) -> Response:
    """Show what is open, the last counts, and the form that counts a place."""
    may_count = bool(COUNTERS & call.actor.roles)
    return call.page("counting/counts.html", may_count=may_count, places=await _countable(call), **await _open(call))


@router.get("/counts/now")
async def show_counts_again(call: Reader) -> Response:
    """Show what is open again."""
    return call.page("counting/_counts.html", **await _open(call))


@router.post("/counts")
async def count_place(call: Counter) -> Response:
    """Record what lies in a place and go to the count's sheet."""
    form = await call.form(CountForm)
    codes = [unit_code(call.house.recognise(code)) for code in re.split("[ \t\r\n]+", form.trace_codes) if code]
    return await call.record(
        lambda tx: actions.count_place(tx, actions.NewCount(form.place_code, codes)),
        then=lambda counted: f"/counts/{counted.count_id}",
    )


@router.get("/counts/{count_id}")
async def show_count(call: Reader, count_id: UUID) -> Response:
    """Show what one count found, and what was said of it."""
    return call.page("counting/count.html", **await _sheet(call, count_id))


@router.get("/counts/{count_id}/now")
async def show_count_again(call: Reader, count_id: UUID) -> Response:
    """Show it again."""
    return call.page("counting/_count.html", **await _sheet(call, count_id))


@router.post("/counts/{count_id}/differences/{difference_id}/explanation")
async def explain_difference(call: Settler, count_id: UUID, difference_id: UUID) -> Response:
    """Say as the first of two people why a unit differs."""
    form = await call.form(ExplanationForm)
    return await call.record(
        lambda tx: actions.explain_difference(tx, difference_id, form.reason, form.note or None),
        then=f"/counts/{count_id}",
    )


@router.post("/counts/{count_id}/differences/{difference_id}/hold")
async def hold_difference(call: Settler, count_id: UUID, difference_id: UUID) -> Response:
    """Set a unit apart that differs."""
    form = await call.form(HoldDifferenceForm)
    return await call.record(
        lambda tx: actions.hold_difference(tx, difference_id, form.note or None), then=f"/counts/{count_id}"
    )


@router.post("/counts/{count_id}/confirmation")
async def confirm_count(call: Settler, count_id: UUID) -> Response:
    """Settle as the second person what others explained."""
    return await call.record(lambda tx: actions.confirm_count(tx, count_id), then=f"/counts/{count_id}")


@router.post("/suspects/{suspect_id}/assessment")
async def assess(call: Lead, suspect_id: UUID) -> Response:
    """Record what was found out about a doubtful code."""
    form = await call.form(AssessmentForm)
    return await call.record(lambda tx: assess_suspect(tx, suspect_id, form.comment), then="/counts")


async def _open(call: Call) -> dict[str, Any]:
    keyring = call.house.db.keyring

    def read(connection: Connection) -> dict[str, Any]:
        return {
            "differences": lookup.open_differences(connection),
            "counts": lookup.latest_counts(connection),
            "suspects": open_suspects(connection, keyring),
        }

    return {"may_assess": Role.SITE_LEAD in call.actor.roles, **await call.read(read)}


async def _sheet(call: Call, count_id: UUID) -> dict[str, Any]:
    def read(connection: Connection) -> dict[str, Any]:
        return {
            "count": lookup.require_count(connection, count_id),
            "differences": lookup.differences_of(connection, count_id),
        }

    sheet = await call.read(read)
    waiting = [one.explanation for one in sheet["differences"] if one.explanation and not one.is_settled]
    may_settle = bool(SETTLERS & call.actor.roles)
    may_confirm = bool(may_settle and waiting and all(one.explained_by != call.actor.staff_id for one in waiting))
    return {
        **sheet,
        "reasons": REASONS,
        "may_settle": may_settle,
        "may_confirm": may_confirm,
        "waits_for_another": bool(waiting) and not may_confirm,
    }


async def _countable(call: Call) -> list[Any]:
    every = await call.read(places)
    if SETTLERS & call.actor.roles:
        return list(every)
    return [one for one in every if one.station is not None and one.station == call.actor.station]
