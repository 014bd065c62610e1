"""The deliveries: beginning one at the door, its lines, the scan field, what differs, the finish; the reports due."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows
from clinic_server.receiving import actions, lookup
from clinic_server.receiving.learning import teach_article as teach
from clinic_server.receiving.rules import (
    DeliveryDifference,
    RefusalReason,
    TransportRecord,
    TransportRecordIncomplete,
    TransportRecordKind,
)
from clinic_server.receiving.scanning import arrived_unit, scan_units
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import products
from clinic_server.stock.places import places
from clinic_server.stock.scans import unit_code
from clinic_server.stock.suspects import suspects_kept
from clinic_server.stock.whereabouts import PlaceKind

router = APIRouter(include_in_schema=False)
Keeper = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]
Celsius = Annotated[Decimal, Field(ge=-120, le=80, max_digits=6, decimal_places=3)]
Degrees = Annotated[Celsius | None, EMPTY_IS_NONE]
Instant = Annotated[datetime | None, EMPTY_IS_NONE]
_BLANKS = "[ \t\r\n]+"  # a GS1 code's separator is a blank to str.split


class DeliveryForm(Form):
    """A delivery at the door; without ``kind`` it came with no temperature record."""

    supplier: str = Field(min_length=1, max_length=80)
    document_number: str = Field(min_length=1, max_length=60)
    carrier: str = Field(min_length=1, max_length=80)
    handed_over_by: str = Field("", max_length=80, repr=False)
    place_code: str = Field(max_length=32)
    kind: Annotated[TransportRecordKind | None, EMPTY_IS_NONE]
    reference: str = Field("", max_length=80)
    departed_at: Instant = None
    arrived_at: Instant = None
    low_c: Degrees = None
    high_c: Degrees = None


class LineForm(Form):
    """One lot as the papers say; each line of ``packing_list`` leads from the outermost code to a unit."""

    product_code: str = Field(max_length=40)
    lot_number: str = Field(min_length=1, max_length=40)
    expires_on: date
    expected_units: int = Field(ge=1, le=5000)
    release_number: str = Field("", max_length=60)
    packing_list: str = Field("", max_length=300_000)


class ScanForm(Form):
    """What was scanned of a line, one code a line."""

    line_id: UUID
    codes: str = Field(min_length=4, max_length=120_000)


class DifferenceForm(Form):
    """How many units of a line are missing, broken or too many."""

    line_id: UUID
    reason: DeliveryDifference
    units: int = Field(ge=0, le=5000)
    note: str = Field("", max_length=200)


class FinishForm(Form):
    """Why the place may hold more than it is meant to, where it would."""

    capacity_reason: str = Field("", max_length=200)


class RefusalForm(Form):
    """Why a delivery does not come in, as somebody saw."""

    reason: RefusalReason
    note: str = Field("", max_length=200)


class ReportForm(Form):
    """Who was told of a refused delivery."""

    told_to: str = Field(min_length=1, max_length=80)


class PapersForm(Form):
    """The batch release number of a line."""

    release_number: str = Field(min_length=1, max_length=60)


class ArticleForm(Form):
    """Which product an article number stands for."""

    article: str = Field(pattern="^([0-9]{7}|[0-9]{14})$")
    product_code: str = Field(max_length=40)


@router.get("/receiving")
async def show_deliveries(call: Keeper) -> Response:
    """Show the deliveries, and the form that begins one."""
    stores = [place for place in await call.read(places) if place.kind is not PlaceKind.BENCH_BOX]
    return call.page(
        "receiving/deliveries.html",
        stores=stores,
        kinds=list(TransportRecordKind),
        deliveries=await call.read(lookup.deliveries),
        articles=await call.read(lookup.articles),
        products=await call.read(products),
    )


@router.get("/receiving/now")
async def show_deliveries_again(call: Keeper) -> Response:
    """Show the deliveries again."""
    return call.page("receiving/_deliveries.html", deliveries=await call.read(lookup.deliveries))


@router.post("/receiving")
async def begin_delivery(call: Keeper) -> Response:
    """Begin to receive a delivery and go to it."""
    form = await call.form(DeliveryForm)
    new = actions.NewDelivery(
        form.supplier,
        form.document_number,
        form.carrier,
        form.place_code,
        _record(call, form),
        handed_over_by=form.handed_over_by or None,
    )
    return await call.record(lambda tx: actions.begin_delivery(tx, new), then=_to_delivery)


@router.post("/receiving/articles")
async def teach_article(call: Lead) -> Response:
    """Put right which product an article number stands for."""
    form = await call.form(ArticleForm)
    return await call.record(lambda tx: teach(tx, form.article, form.product_code), then="/receiving")


@router.get("/receiving/{delivery_id}")
async def show_delivery(call: Keeper, delivery_id: UUID) -> Response:
    """Show one delivery: its record, its lines, and what is still to do."""
    seen, today = await _seen(call, delivery_id), call.local_date(call.house.db.clock.now())
    brought_by = await call.read(
        lambda connection: lookup.handed_over_by(connection, call.house.db.keyring, delivery_id)
    )
    return call.page(
        "receiving/delivery.html",
        handed_over_by=brought_by,
        products=[one for one in await call.read(products) if not one.is_withdrawn(today)],
        differences=list(DeliveryDifference),
        refusals=[reason for reason in RefusalReason if reason.is_told_by_people],
        **seen,
    )


@router.get("/receiving/{delivery_id}/now")
async def show_delivery_again(call: Keeper, delivery_id: UUID) -> Response:
    """Show the lines of a delivery again."""
    return call.page("receiving/_delivery.html", **await _seen(call, delivery_id))


@router.post("/receiving/{delivery_id}/lines")
async def add_line(call: Keeper, delivery_id: UUID) -> Response:
    """Add a lot to a delivery."""
    form = await call.form(LineForm)
    fields = form.model_dump(exclude={"packing_list", "release_number"})
    rows = [codes for row in form.packing_list.split("\n") if (codes := _codes(call, row))]
    new = actions.NewLine(**fields, release_number=form.release_number or None, packing_list=rows)
    return await call.record(lambda tx: actions.add_line(tx, delivery_id, new), then=_to_delivery)


@router.post("/receiving/{delivery_id}/scans")
async def scan(call: Keeper, delivery_id: UUID) -> Response:
    """Record what was scanned of a line."""
    form = await call.form(ScanForm)
    scanned = [arrived_unit(call.house.recognise(code)) for code in re.split(_BLANKS, form.codes) if code]
    async with suspects_kept(call, [one.code for one in scanned], arriving=True):
        return await call.record(lambda tx: scan_units(tx, delivery_id, form.line_id, scanned), then=_to_delivery)


@router.post("/receiving/{delivery_id}/differences")
async def tell_difference(call: Keeper, delivery_id: UUID) -> Response:
    """Say why a line has fewer or more units than its papers."""
    form = await call.form(DifferenceForm)
    new = actions.NewDifference(form.line_id, form.reason, form.units, form.note or None)
    return await call.record(lambda tx: actions.tell_difference(tx, delivery_id, new), then=_to_delivery)


@router.post("/receiving/{delivery_id}/finish")
async def finish_delivery(call: Keeper, delivery_id: UUID) -> Response:
    """Take everything scanned into stock."""
    form = await call.form(FinishForm)
    reason = form.capacity_reason or None
    return await call.record(lambda tx: actions.finish_delivery(tx, delivery_id, reason), then=_to_delivery)


@router.post("/receiving/{delivery_id}/refusal")
async def refuse_delivery(call: Keeper, delivery_id: UUID) -> Response:
    """Refuse a delivery for what somebody saw of it."""
    form = await call.form(RefusalForm)
    note = form.note or None
    return await call.record(lambda tx: actions.refuse_delivery(tx, delivery_id, form.reason, note), then=_to_delivery)


@router.post("/receiving/{delivery_id}/refusal/report")
async def report_refusal(call: Keeper, delivery_id: UUID) -> Response:
    """Record who was told of a refused delivery."""
    form = await call.form(ReportForm)
    return await call.record(lambda tx: actions.report_refusal(tx, delivery_id, form.told_to), then=_to_delivery)


@router.post("/receiving/{delivery_id}/lines/{line_id}/papers")
async def bring_papers(call: Keeper, delivery_id: UUID, line_id: UUID) -> Response:
    """Record the batch release number of a line that came without one."""
    form = await call.form(PapersForm)
    return await call.record(
        lambda tx: actions.bring_papers(tx, delivery_id, line_id, form.release_number), then=_to_delivery
    )


async def _seen(call: Call, delivery_id: UUID) -> dict[str, Any]:
    def read(connection: Connection) -> lookup.DeliveryFacts:
        return lookup.require_delivery(connection, delivery_id)

    return {"delivery": await call.read(read)}


def _to_delivery(ref: Any) -> str:
    return f"/receiving/{ref.delivery_id}"


def _record(call: Call, form: DeliveryForm) -> TransportRecord | None:
    """Return the temperature record a form tells, None where it says there is none; the times are the site's."""
    if form.kind is None:
        return None
    if form.departed_at is None or form.arrived_at is None or form.low_c is None or form.high_c is None:
        raise TransportRecordIncomplete
    if not form.reference:
        raise TransportRecordIncomplete
    zone = call.house.settings.site.zone
    departed_at, arrived_at = (at.replace(tzinfo=zone) for at in (form.departed_at, form.arrived_at))
    low, high = (int(celsius * 1000) for celsius in (form.low_c, form.high_c))
    return TransportRecord(form.kind, form.reference, departed_at, arrived_at, low, high)


def _codes(call: Call, typed: str) -> list[str]:
    return [unit_code(call.house.recognise(code)) for code in re.split(_BLANKS, typed) if code]
