"""Recalls and who must be told, units set apart, exposure in a place, destruction before a witness."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import Call, Form, allows
from clinic_server.people.actions import note_phone
from clinic_server.people.rules import MOST_PHONE_CHARACTERS, PHONE
from clinic_server.recall import actions, lookup
from clinic_server.recall.rules import BEGINNERS, CALLERS, RECALLABLE, CallOutcome
from clinic_server.stock import holds
from clinic_server.stock.places import places, require_place
from clinic_server.stock.rules import StopScope
from clinic_server.stock.scans import unit_code
from clinic_server.stock.stops import target_of
from clinic_server.stock.whereabouts import HoldEnd, HoldReason

router = APIRouter(include_in_schema=False)
Caller = Annotated[Call, allows(*CALLERS)]
Beginner = Annotated[Call, allows(*BEGINNERS)]
Holder = Annotated[Call, allows(*holds.HOLDERS)]
Decider = Annotated[Call, allows(*holds.DECIDERS)]
_ENDS_FOR_GOOD = (HoldEnd.DESTROYED, HoldEnd.SENT_AWAY)


class RecallForm(Form):
    """What is called back, why, and what everybody is told to do."""

    scope: StopScope
    target: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=200)
    next_step: str = Field(min_length=1, max_length=300)


class CallForm(Form):
    """What came of telling one person."""

    outcome: CallOutcome
    note: str = Field("", max_length=500, repr=False)


class PhoneForm(Form):
    """A telephone number."""

    phone: str = Field(min_length=3, max_length=MOST_PHONE_CHARACTERS, pattern=PHONE, repr=False)


class HoldForm(Form):
    """Units by their codes, or everything in a place, of one lot where it is told."""

    reason: HoldReason
    trace_codes: str = Field("", max_length=20_000)
    place_code: str = Field("", max_length=32)
    lot_number: str = Field("", max_length=40)
    note: str = Field("", max_length=200)


class DecisionForm(Form):
    """What becomes of a held unit, and on what that rests."""

    end: HoldEnd
    note: str = Field(min_length=1, max_length=200)


class DestructionForm(Form):
    """Units that leave for good, why, and before whom."""

    trace_codes: str = Field(min_length=4, max_length=20_000)
    end: HoldEnd
    reason: str = Field(min_length=1, max_length=200)
    witness: str = Field(min_length=1, max_length=80, repr=False)


@router.get("/recalls")
async def show_recalls(call: Holder) -> Response:
    """Show every recall, and the form that begins one."""
    may_begin = bool(BEGINNERS & call.actor.roles)
    return call.page(
        "recall/recalls.html", scopes=RECALLABLE, may_begin=may_begin, recalls=await call.read(_with_progress)
    )


@router.post("/recalls")
async def begin_recall(call: Beginner) -> Response:
    """Begin a recall and go to its lists."""
    form = await call.form(RecallForm)
    target = target_of(form.scope, form.target, call.house.recognise)
    new = actions.NewRecall(form.scope, target, form.reason, form.next_step)
    return await call.record(lambda tx: actions.begin_recall(tx, new), then=lambda begun: f"/recalls/{begun.recall_id}")


@router.get("/recalls/{recall_id}")
async def show_recall(call: Holder, recall_id: UUID) -> Response:
    """Show what is left of what is recalled, and to those who call, whom to tell."""
    return call.page("recall/recall.html", **await _recall(call, recall_id))


@router.get("/recalls/{recall_id}/now")
async def show_recall_again(call: Holder, recall_id: UUID) -> Response:
    """Show the lists again."""
    return call.page("recall/_recall.html", **await _recall(call, recall_id))


@router.post("/recalls/{recall_id}/people/{person_id}/calls")
async def note_call(call: Caller, recall_id: UUID, person_id: UUID) -> Response:
    """Note what came of telling one person."""
    form = await call.form(CallForm)
    return await call.record(
        lambda tx: actions.note_call(tx, recall_id, person_id, form.outcome, form.note or None),
        then=f"/recalls/{recall_id}",
    )


@router.post("/recalls/{recall_id}/people/{person_id}/phone")
async def phone_of(call: Caller, recall_id: UUID, person_id: UUID) -> Response:
    """Record by which number somebody can be reached."""
    form = await call.form(PhoneForm)
    return await call.record(lambda tx: note_phone(tx, person_id, form.phone), then=f"/recalls/{recall_id}")


@router.get("/exposures")
async def show_exposures(
    call: Holder,
    place: Annotated[str, Query(max_length=32)] = "",
    since: Annotated[str, Query(max_length=20)] = "",
    until: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show what stood in a place between two instants of the site's clock, and how many people got of it."""
    span = (_instant(call, since), _instant(call, until))

    def read(connection: Connection) -> lookup.Exposure | None:
        if not place or span[0] is None or span[1] is None:
            return None
        return lookup.exposed(connection, require_place(connection, place).place_id, span[0], span[1])

    asked = {"place": place, "since": since, "until": until}
    return call.page(
        "recall/exposures.html", asked=asked, places=await call.read(places), exposure=await call.read(read)
    )


@router.get("/holds")
async def show_holds(call: Holder) -> Response:
    """Show every unit that is set apart, and the form that sets more apart."""
    return call.page("recall/holds.html", places=await call.read(places), reasons=list(HoldReason), **await _held(call))


@router.get("/holds/now")
async def show_holds_again(call: Holder) -> Response:
    """Show them again."""
    return call.page("recall/_holds.html", **await _held(call))


@router.post("/holds")
async def hold(call: Holder) -> Response:
    """Set units apart until somebody has decided about them."""
    form = await call.form(HoldForm)
    codes = _codes(call, form.trace_codes)
    new = holds.NewHold(form.reason, codes, form.place_code or None, form.lot_number or None, form.note or None)
    return await call.record(lambda tx: holds.hold(tx, new), then="/holds")


@router.post("/units/{unit_id}/hold/decision")
async def decide(call: Decider, unit_id: UUID) -> Response:
    """Decide what becomes of a held unit."""
    form = await call.form(DecisionForm)
    return await call.record(lambda tx: holds.decide(tx, unit_id, form.end, form.note), then="/holds")


@router.get("/destructions")
async def show_destructions(call: Holder) -> Response:
    """Show every destruction, and the form that proposes one."""
    may_propose = bool(holds.DECIDERS & call.actor.roles)
    listed = await call.read(lookup.destructions)
    return call.page("recall/destructions.html", destructions=listed, ends=_ENDS_FOR_GOOD, may_propose=may_propose)


@router.post("/destructions")
async def propose_destruction(call: Decider) -> Response:
    """Name units that leave for good and go to the sheet."""
    form = await call.form(DestructionForm)
    new = actions.NewDestruction(_codes(call, form.trace_codes), form.end, form.reason, form.witness)
    return await call.record(
        lambda tx: actions.propose_destruction(tx, new), then=lambda made: f"/destructions/{made.destruction_id}"
    )


@router.get("/destructions/{destruction_id}")
async def show_destruction(call: Holder, destruction_id: UUID) -> Response:
    """Show the sheet of a destruction, to be signed or printed."""
    keyring = call.house.db.keyring

    def read(connection: Connection) -> dict[str, Any]:
        return {
            "sheet": lookup.require_destruction(connection, destruction_id),
            "witness": lookup.witness_of(connection, keyring, destruction_id),
        }

    return call.page(
        "recall/destruction.html", may_sign=bool(holds.DECIDERS & call.actor.roles), **await call.read(read)
    )


@router.post("/destructions/{destruction_id}/confirmation")
async def confirm_destruction(call: Decider, destruction_id: UUID) -> Response:
    """Sign a destruction as the second person."""
    return await call.record(
        lambda tx: actions.confirm_destruction(tx, destruction_id), then=f"/destructions/{destruction_id}"
    )


async def _recall(call: Call, recall_id: UUID) -> dict[str, Any]:
    keyring, may_call = call.house.db.keyring, bool(CALLERS & call.actor.roles)

    def read(connection: Connection) -> dict[str, Any]:
        one = lookup.require_recall(connection, recall_id)
        return {
            "recall": one,
            "reached": lookup.how_far(connection, one),
            "units": lookup.remaining_of(connection, one),
            "people": lookup.to_be_told(connection, keyring, recall_id) if may_call else [],
        }

    return {"may_call": may_call, "outcomes": list(CallOutcome), **await call.read(read)}


async def _held(call: Call) -> dict[str, Any]:
    may_decide = bool(holds.DECIDERS & call.actor.roles)
    return {"held": await call.read(holds.held_units), "ends": list(HoldEnd), "may_decide": may_decide}


def _with_progress(connection: Connection) -> list[tuple[lookup.RecallFacts, Any]]:
    return [(one, lookup.how_far(connection, one)) for one in lookup.recalls(connection)]


def _instant(call: Call, told: str) -> datetime | None:
    """Read what a browser's field of date and time says, by the site's clock; None where it says nothing."""
    try:
        return datetime.fromisoformat(told).replace(tzinfo=call.house.settings.site.zone)
    except ValueError:
        return None


def _codes(call: Call, typed: str) -> list[str]:
    return [unit_code(call.house.recognise(code)) for code in re.split("[ \t\r\n]+", typed) if code]
