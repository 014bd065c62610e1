"""Excursions, open first; one with its course, its units and the decisions about them; and the form to be printed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection
from starlette.datastructures import UploadFile

from clinic_server.cold_chain.excursions import actions, lookup
from clinic_server.cold_chain.excursions.exposure import exposures_of
from clinic_server.cold_chain.excursions.rules import (
    DISPOSERS,
    MOST_FILE_BYTES,
    VIEWERS,
    DispositionKind,
    Evaluation,
    NewDisposition,
    NewForm,
    added_up,
)
from clinic_server.kit.call import Call, Form, allows
from clinic_server.kit.errors import Malformed
from clinic_server.staff.actions import members
from clinic_server.stock.places import places
from clinic_server.stock.rules import UnitFacts

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Call, allows(*VIEWERS)]
Disposer = Annotated[Call, allows(*DISPOSERS)]
BY_HAND = "by-hand"


class CarryForm(Form):
    """Where everything is carried."""

    place_code: str = Field(min_length=1, max_length=32)


class DispositionForm(Form):
    """What is decided of the units of a lot, or of all; ``evaluation`` comes as a file beside it."""

    lot: str = Field("", max_length=90)
    kind: DispositionKind
    note: str = Field(min_length=1, max_length=200)
    reference: str = Field("", max_length=60)
    qa_code: str = Field("", max_length=40)


class RecordForm(Form):
    """What people add to the record of an excursion; the room's temperature in degrees."""

    discovered_at: datetime
    discovered_by: str = Field(min_length=1, max_length=80, repr=False)
    room_celsius: float = Field(ge=-60, le=70)
    what_happened: str = Field(min_length=1, max_length=300)
    measures: str = Field(min_length=1, max_length=300)
    moved_to: str = Field(min_length=1, max_length=80)
    also_inside: str = Field("", max_length=200)
    earlier_trouble: str = Field("", max_length=200)
    told: str = Field("", max_length=200)
    prevention: str = Field("", max_length=300)


@router.get("/cold-chain/excursions")
async def show_excursions(call: Viewer) -> Response:
    """Show the excursions, open first."""
    return call.page("cold_chain/excursions.html", **await _listed(call))


@router.get("/cold-chain/excursions/now")
async def show_excursions_again(call: Viewer) -> Response:
    """Show them again."""
    return call.page("cold_chain/_excursions.html", **await _listed(call))


@router.get("/cold-chain/excursions/by-hand")
async def show_held_by_hand(call: Viewer) -> Response:
    """Show what somebody set apart for its temperature, to be decided about like an excursion's units."""
    return call.page("cold_chain/held_by_hand.html", **await call.read(lambda c: _held(call, c, None)))


@router.get("/cold-chain/excursions/{excursion_id}")
async def show_excursion(call: Viewer, excursion_id: UUID) -> Response:
    """Show one excursion."""
    return call.page("cold_chain/excursion.html", **await _seen(call, excursion_id))


@router.get("/cold-chain/excursions/{excursion_id}/now")
async def show_excursion_again(call: Viewer, excursion_id: UUID) -> Response:
    """Show it again."""
    return call.page("cold_chain/_excursion.html", **await _seen(call, excursion_id))


@router.post("/cold-chain/excursions/{excursion_id}/carrying")
async def carry_to_safety(call: Disposer, excursion_id: UUID) -> Response:
    """Carry everything that stands there to a place that is in order."""
    form = await call.form(CarryForm)
    return await call.record(
        lambda tx: actions.carry_to_safety(tx, excursion_id, form.place_code),
        then=f"/cold-chain/excursions/{excursion_id}",
    )


@router.post("/cold-chain/excursions/by-hand/dispositions")
async def decide_by_hand(call: Disposer) -> Response:
    """Decide about units that somebody set apart for their temperature."""
    return await _decide(call, None)


@router.post("/cold-chain/excursions/{excursion_id}/dispositions")
async def decide(call: Disposer, excursion_id: UUID) -> Response:
    """Decide about an excursion's units."""
    return await _decide(call, excursion_id)


@router.get("/cold-chain/dispositions/{disposition_id}/evaluation")
async def show_evaluation(call: Viewer, disposition_id: UUID) -> Response:
    """Hand out the manufacturer's answer as it was attached."""
    keyring = call.house.db.keyring
    found = await call.read(lambda connection: lookup.evaluation_of(connection, keyring, disposition_id))
    name = f'attachment; filename="evaluation.{found.kind}"'
    return Response(found.content, media_type=found.kind.media_type, headers={"content-disposition": name})


@router.get("/cold-chain/excursions/{excursion_id}/form")
async def show_form(call: Viewer, excursion_id: UUID) -> Response:
    """Show the form, filled in as far as the server knows it, to be completed and printed."""
    return call.page("cold_chain/excursion_form.html", **await _seen(call, excursion_id))


@router.post("/cold-chain/excursions/{excursion_id}/form")
async def write_form(call: Disposer, excursion_id: UUID) -> Response:
    """Record what people add, and show the form again."""
    form = await call.form(RecordForm)
    told = form.model_dump(exclude={"room_celsius", "discovered_at"})
    at = form.discovered_at.replace(tzinfo=call.house.settings.site.zone)
    new = NewForm(discovered_at=at, room_milli_celsius=round(form.room_celsius * 1000), **told)
    return await call.record(
        lambda tx: actions.write_form(tx, excursion_id, new), then=f"/cold-chain/excursions/{excursion_id}/form"
    )


async def _listed(call: Call) -> dict[str, Any]:
    def read(connection: Connection) -> dict[str, Any]:
        by_hand = lookup.units_of(connection, None)
        return {"excursions": lookup.excursions(connection), "by_hand": len(by_hand)}

    return await call.read(read)


async def _seen(call: Call, excursion_id: UUID) -> dict[str, Any]:
    keyring = call.house.db.keyring

    def read(connection: Connection) -> dict[str, Any]:
        one = lookup.require_excursion(connection, excursion_id)
        return {
            "one": one,
            "limits": lookup.limits_of(connection, excursion_id),
            "verdicts": lookup.verdicts_of(connection, excursion_id),
            "places": [place for place in places(connection) if place.place_id != one.place_id],
            "form": lookup.form_of(connection, keyring, excursion_id),
            **_held(call, connection, excursion_id),
        }

    return await call.read(read)


def _held(call: Call, connection: Connection, excursion_id: UUID | None) -> dict[str, Any]:
    units = lookup.units_of(connection, excursion_id)
    exposures = exposures_of(connection, [one.unit.unit_id for one in units], call.house.db.clock.now())
    names = {one.staff_id: one.name for one in members(connection, call.house.db.keyring)}
    return {
        "lots": _by_lot(units),
        "exposed": {one.unit.unit_id: added_up(e for e in exposures if e.unit_id == one.unit.unit_id) for one in units},
        "dispositions": lookup.dispositions_of(connection, excursion_id),
        "names": names,
        "kinds": list(DispositionKind),
        "may_decide": bool(DISPOSERS & call.actor.roles),
        "disposing": f"/cold-chain/excursions/{excursion_id or BY_HAND}/dispositions",
        "most_kilobytes": MOST_FILE_BYTES // 1000,
    }


def _by_lot(units: Sequence[lookup.ExposedUnit]) -> Mapping[str, Sequence[lookup.ExposedUnit]]:
    lots: dict[str, list[lookup.ExposedUnit]] = defaultdict(list)
    for one in units:
        lots[_lot_of(one.unit)].append(one)
    return lots


def _lot_of(unit: UnitFacts) -> str:
    return f"{unit.product_code}/{unit.lot_number}"


async def _decide(call: Call, excursion_id: UUID | None) -> Response:
    await call.request.body()  # kept by the request, as ``call.form`` keeps it
    async with call.request.form() as fields:  # closes the file, whatever comes of it
        form = await call.form(DispositionForm)
        file = fields.get("evaluation")
        content = await file.read() if isinstance(file, UploadFile) else b""
    if bool(content) != bool(form.reference):
        raise Malformed(findings=("reference" if content else "evaluation",))
    evaluation = Evaluation(form.reference, content) if content else None
    waiting = await call.read(lambda connection: lookup.units_of(connection, excursion_id))
    meant = [one.unit.unit_id for one in waiting if one.waits and form.lot in {"", _lot_of(one.unit)}]
    new = NewDisposition(excursion_id, meant, form.kind, form.note, evaluation, form.qa_code or None)
    then = f"/cold-chain/excursions/{excursion_id or BY_HAND}"
    return await call.record(lambda tx: actions.decide(tx, new), then=then)
