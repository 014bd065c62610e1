"""Deliveries: beginning, scanning, what differs, finishing, refusing; papers that come later; learnt codes."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection

from clinic_server.kit.call import Body, Call, allows
from clinic_server.receiving import actions, learning, lookup
from clinic_server.receiving.rules import DeliveryDifference, RefusalReason, TransportRecord, TransportRecordKind
from clinic_server.receiving.scanning import arrived_unit, scan_units
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import unit_code
from clinic_server.stock.suspects import suspects_kept

router = APIRouter(prefix="/api/v1", tags=["receiving"])
Keeper = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]
PackedIn = Annotated[list[str], Field(min_length=1, max_length=3)]


class RecordBody(Body):
    """The temperature on the way, in thousandths of a degree; ``reference`` is where the record itself is kept."""

    kind: TransportRecordKind
    reference: str = Field(min_length=1, max_length=80)
    departed_at: AwareDatetime
    arrived_at: AwareDatetime
    low_milli_celsius: int = Field(ge=-120_000, le=80_000)
    high_milli_celsius: int = Field(ge=-120_000, le=80_000)


class LineBody(Body):
    """One lot as the papers say; each row of ``packing_list`` leads from the outermost code to a unit."""

    product_code: str = Field(max_length=40)
    lot_number: str = Field(min_length=1, max_length=40)
    expires_on: date
    expected_units: int = Field(ge=1, le=5000)
    release_number: str | None = Field(None, min_length=1, max_length=60)
    packing_list: list[PackedIn] = Field(default_factory=list, max_length=5000)


class DeliveryBody(Body):
    """A delivery at the door; no ``record``, no temperature record."""

    supplier: str = Field(min_length=1, max_length=80)
    document_number: str = Field(min_length=1, max_length=60)
    carrier: str = Field(min_length=1, max_length=80)
    place_code: str = Field(max_length=32)
    record: RecordBody | None = None
    handed_over_by: str | None = Field(None, min_length=1, max_length=80, repr=False)
    lines: list[LineBody] = Field(default_factory=list, max_length=100)


class ScanBody(Body):
    """What was scanned of a line: units, or cartons its packing list knows."""

    line_id: UUID
    codes: list[str] = Field(min_length=1, max_length=2000)


class DifferenceBody(Body):
    """How many units of a line are missing, broken or too many."""

    line_id: UUID
    reason: DeliveryDifference
    units: int = Field(ge=0, le=5000)
    note: str | None = Field(None, min_length=1, max_length=200)


class FinishBody(Body):
    """Why the place may hold more than it is meant to, where it would."""

    capacity_reason: str | None = Field(None, min_length=1, max_length=200)


class RefusalBody(Body):
    """Why a delivery does not come in, as somebody saw."""

    reason: RefusalReason
    note: str | None = Field(None, min_length=1, max_length=200)


class ReportBody(Body):
    """Who was told of a refused delivery: an office, no person."""

    told_to: str = Field(min_length=1, max_length=80)


class PapersBody(Body):
    """The batch release number of a line."""

    release_number: str = Field(min_length=1, max_length=60)


class ArticleBody(Body):
    """Which product an article number stands for."""

    product_code: str = Field(max_length=40)


def new_line(call: Call, told: LineBody) -> actions.NewLine:
    """Return a line with every code of its packing list as stock spells it."""
    fields = told.model_dump(exclude={"packing_list"})
    rows = [[unit_code(call.house.recognise(code)) for code in row] for row in told.packing_list]
    return actions.NewLine(**fields, packing_list=rows)


@router.get("/deliveries")
async def list_deliveries(call: Keeper) -> list[lookup.DeliveryFacts]:
    """Return the deliveries somebody still has to act on, then the latest others."""
    return list(await call.read(lookup.deliveries))


@router.get("/deliveries/{delivery_id}")
async def show_delivery(call: Keeper, delivery_id: UUID) -> lookup.DeliveryFacts:
    """Return one delivery as it stands."""

    def read(connection: Connection) -> lookup.DeliveryFacts:
        return lookup.require_delivery(connection, delivery_id)

    return await call.read(read)


@router.post("/deliveries", status_code=201)
async def begin_delivery(call: Keeper, body: DeliveryBody) -> Response:
    """Begin to receive a delivery; without a temperature record in range it is recorded as refused."""
    record = TransportRecord(**body.record.model_dump()) if body.record else None
    told = body.model_dump(exclude={"record", "lines"})
    new = actions.NewDelivery(**told, record=record, lines=[new_line(call, line) for line in body.lines])
    return await call.record(lambda tx: actions.begin_delivery(tx, new))


@router.post("/deliveries/{delivery_id}/lines", status_code=201)
async def add_line(call: Keeper, delivery_id: UUID, body: LineBody) -> Response:
    """Add a lot to a delivery."""
    new = new_line(call, body)
    return await call.record(lambda tx: actions.add_line(tx, delivery_id, new))


@router.post("/deliveries/{delivery_id}/scans", status_code=201)
async def scan(call: Keeper, delivery_id: UUID, body: ScanBody) -> Response:
    """Record what was scanned of a line, all of it or nothing."""
    scanned = [arrived_unit(call.house.recognise(code)) for code in body.codes]
    async with suspects_kept(call, [one.code for one in scanned], arriving=True):
        return await call.record(lambda tx: scan_units(tx, delivery_id, body.line_id, scanned))


@router.post("/deliveries/{delivery_id}/differences", status_code=201)
async def tell_difference(call: Keeper, delivery_id: UUID, body: DifferenceBody) -> Response:
    """Say why a line has fewer or more units than its papers."""
    new = actions.NewDifference(**body.model_dump())
    return await call.record(lambda tx: actions.tell_difference(tx, delivery_id, new))


@router.post("/deliveries/{delivery_id}/finish", status_code=201)
async def finish_delivery(call: Keeper, delivery_id: UUID, body: FinishBody) -> Response:
    """Take everything scanned into stock."""
    return await call.record(lambda tx: actions.finish_delivery(tx, delivery_id, body.capacity_reason))


@router.post("/deliveries/{delivery_id}/refusal", status_code=201)
async def refuse_delivery(call: Keeper, delivery_id: UUID, body: RefusalBody) -> Response:
    """Refuse a delivery for what somebody saw of it."""
    return await call.record(lambda tx: actions.refuse_delivery(tx, delivery_id, body.reason, body.note))


@router.post("/deliveries/{delivery_id}/refusal/report", status_code=201)
async def report_refusal(call: Keeper, delivery_id: UUID, body: ReportBody) -> Response:
    """Record who was told of a refused delivery."""
    return await call.record(lambda tx: actions.report_refusal(tx, delivery_id, body.told_to))


@router.post("/deliveries/{delivery_id}/lines/{line_id}/papers", status_code=201)
async def bring_papers(call: Keeper, delivery_id: UUID, line_id: UUID, body: PapersBody) -> Response:
    """Record the batch release number of a line that came without one."""
    return await call.record(lambda tx: actions.bring_papers(tx, delivery_id, line_id, body.release_number))


@router.get("/articles")
async def list_articles(call: Keeper) -> list[lookup.Article]:
    """Return which product each article number was learnt to stand for."""
    return list(await call.read(lookup.articles))


@router.post("/articles/{article}/product", status_code=201)
async def teach_article(
    call: Lead, article: Annotated[str, Path(pattern="^([0-9]{7}|[0-9]{14})$")], body: ArticleBody
) -> Response:
    """Put right which product an article number stands for."""
    return await call.record(lambda tx: learning.teach_article(tx, article, body.product_code))
