"""The box of a bench: what stands in it, what to take next, fetching and giving back, waste and extra doses."""

import re
from datetime import datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows
from clinic_server.kit.clock import business_date, business_date_starts
from clinic_server.staff.rules import Role
from clinic_server.stock.box import NewWaste, box_seen, emptied, gain, waste
from clinic_server.stock.distribution import NewTransfer, transfer
from clinic_server.stock.places import box_of, places
from clinic_server.stock.rules import AtBench
from clinic_server.stock.scans import unit_code
from clinic_server.stock.suspects import suspects_kept
from clinic_server.stock.vials import outlooks
from clinic_server.stock.whereabouts import PlaceKind, SaidGain, WasteReason
from clinic_server.visits.orders import waiting_by_product

router = APIRouter(include_in_schema=False)
Bench = Annotated[Call, allows(Role.VACCINATOR)]
_BOX = "/bench/box"


class UnitsForm(Form):
    """Units by their codes, one a line; ``reason`` when others that expire earlier stay behind."""

    trace_codes: str = Field(min_length=4, max_length=20_000)
    reason: str = Field("", max_length=40)


class ReturnForm(UnitsForm):
    """Units that go back into a store."""

    to_place: str = Field(max_length=32)


class WasteForm(Form):
    """Doses that will never be given; all that is left where ``doses`` is empty."""

    reason: WasteReason
    doses: Annotated[int | None, EMPTY_IS_NONE] = Field(None, ge=1, le=50)
    note: str = Field("", max_length=200)


class GainForm(Form):
    """Why an emptied vial holds one dose more."""

    reason: SaidGain


@router.get("/bench/box")
async def box(call: Bench) -> Response:
    """Show what stands in this bench's box."""
    stores = [place for place in await call.read(places) if place.kind is not PlaceKind.BENCH_BOX]
    seen = await _seen(call)
    return call.page("injection/box.html", stores=stores, wastes=list(WasteReason), gains=get_args(SaidGain), **seen)


@router.get("/bench/box/now")
async def box_now(call: Bench) -> Response:
    """Show the box again."""
    return call.page("injection/_box.html", wastes=list(WasteReason), gains=get_args(SaidGain), **await _seen(call))


@router.post("/bench/box/units")
async def fetch_units(call: Bench) -> Response:
    """Bring units into this bench's box, from the store or from another bench."""
    form, station = await call.form(UnitsForm), call.station()
    codes, reason = _codes(call, form), form.reason or None
    async with suspects_kept(call, codes):
        return await call.record(
            lambda tx: transfer(tx, NewTransfer(box_of(tx.connection, station).code, codes, reason)), then=_BOX
        )


@router.post("/bench/box/returns")
async def return_units(call: Bench) -> Response:
    """Take units back into a store."""
    form = await call.form(ReturnForm)
    codes = _codes(call, form)
    new = NewTransfer(form.to_place, codes, form.reason or None)
    async with suspects_kept(call, codes):
        return await call.record(lambda tx: transfer(tx, new), then=_BOX)


@router.post("/bench/box/units/{unit_id}/waste")
async def waste_unit(call: Bench, unit_id: UUID) -> Response:
    """Record doses of a unit that will never be given."""
    form = await call.form(WasteForm)
    new = NewWaste(unit_id, form.reason, form.doses, form.note or None)
    return await call.record(lambda tx: waste(tx, new), then=_BOX)


@router.post("/bench/box/units/{unit_id}/gain")
async def gain_from_unit(call: Bench, unit_id: UUID) -> Response:
    """Record one dose more than an emptied vial says."""
    form = await call.form(GainForm)
    return await call.record(lambda tx: gain(tx, unit_id, form.reason), then=_BOX)


async def _seen(call: Call) -> dict[str, Any]:
    station, now = call.station(), call.house.db.clock.now()
    at = AtBench(station, now, call.local_date(now))
    began_at = _day_began(call, now)

    def read(connection: Connection) -> dict[str, Any]:
        own = box_of(connection, station)
        inside = box_seen(connection, own, at, began_at)
        waiting = waiting_by_product(connection)
        emptied_ones = emptied(connection, own, now)
        return {
            "inside": inside,
            "emptied": emptied_ones,
            "outlooks": outlooks([one.unit for one in inside], waiting, at),
        }

    return {"station": station, **await call.read(read)}


def _day_began(call: Call, now: datetime) -> datetime:
    site = call.house.settings.site
    return business_date_starts(business_date(now, site.zone, site.day_starts_at), site.zone, site.day_starts_at)


def _codes(call: Call, form: UnitsForm) -> list[str]:
    return [unit_code(call.house.recognise(code)) for code in re.split("[ \t\r\n]+", form.trace_codes) if code]
