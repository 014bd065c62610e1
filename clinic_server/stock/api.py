"""Products, stock and places, transfers, waste, stop orders."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from clinic_server.kit.call import Body, Call, allows, signed_in
from clinic_server.staff.rules import Role
from clinic_server.stock import actions, box, distribution, stops, terms
from clinic_server.stock.distribution import NewTransfer
from clinic_server.stock.fields import ProductFields, TermsFields
from clinic_server.stock.ledger_view import MovementsAsked, MovementSeen, StoodThen, movements, stood_at
from clinic_server.stock.places import places
from clinic_server.stock.rules import Stop, StopScope
from clinic_server.stock.scans import unit_code
from clinic_server.stock.stops import LIFTERS, STOPPERS
from clinic_server.stock.suspects import suspects_kept
from clinic_server.stock.whereabouts import PlaceFacts, SaidGain, WasteReason

router = APIRouter(prefix="/api/v1", tags=["stock"])
Keeper = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD)]
Auditor = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.AUDITOR)]
Mover = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.VACCINATOR)]
Stopper = Annotated[Call, allows(*STOPPERS)]
Lifter = Annotated[Call, allows(*LIFTERS)]
MOST_MOVEMENTS = 10_000


class ProductBody(Body, ProductFields):
    """A product."""


class TermsBody(Body, TermsFields):
    """What this site says of a product from now on; what it said before no longer counts."""


class TransferBody(Body):
    """Units by their trace codes, and where they go; ``reason`` when others that expire earlier stay behind."""

    to_place: str = Field(max_length=32)
    trace_codes: list[str] = Field(min_length=1, max_length=500)
    reason: str | None = Field(None, min_length=1, max_length=40)


class WasteBody(Body):
    """Doses that will never be given; all that is left where ``doses`` is null."""

    reason: WasteReason
    doses: int | None = Field(None, ge=1, le=50)
    note: str | None = Field(None, min_length=1, max_length=200)


class GainBody(Body):
    """Why an emptied vial holds one dose more."""

    reason: SaidGain


class StopBody(Body):
    """What is to be stopped: a trace code, ``product/lot``, a product's code, or nothing for the whole site."""

    scope: StopScope
    target: str = Field("", max_length=200)
    reason: str = Field(min_length=1, max_length=200)


class LiftBody(Body):
    """Why a stop order may be lifted."""

    reason: str = Field(min_length=1, max_length=200)


@router.get("/products")
async def list_products(call: Annotated[Call, signed_in()]) -> list[actions.ProductFacts]:
    """Return the products this site uses."""
    return await call.read(actions.products)


@router.post("/products", status_code=201)
async def add_product(call: Keeper, body: ProductBody) -> Response:
    """Add a product."""
    new = actions.NewProduct(**body.model_dump())
    return await call.record(lambda tx: actions.add_product(tx, new))


@router.post("/products/{code}/terms", status_code=201)
async def set_terms(call: Keeper, code: str, body: TermsBody) -> Response:
    """Say how long an opened vial of a product is good here, and from when on the product is no longer used."""
    new = terms.NewTerms(**body.model_dump())
    return await call.record(lambda tx: terms.set_terms(tx, code, new))


@router.get("/stock")
async def list_balances(call: Annotated[Call, signed_in()]) -> list[actions.Balance]:
    """Return the doses on hand, lot by lot."""
    return await call.read(actions.balances)


@router.post("/units/{unit_id}/waste", status_code=201)
async def waste_unit(call: Mover, unit_id: UUID, body: WasteBody) -> Response:
    """Record doses of a unit that will never be given; a vaccinator speaks for the box of their own bench."""
    new = box.NewWaste(unit_id, body.reason, body.doses, body.note)
    return await call.record(lambda tx: box.waste(tx, new))


@router.post("/units/{unit_id}/gain", status_code=201)
async def gain_from_unit(call: Mover, unit_id: UUID, body: GainBody) -> Response:
    """Record one dose more than an emptied vial says."""
    return await call.record(lambda tx: box.gain(tx, unit_id, body.reason))


@router.get("/places")
async def list_places(call: Annotated[Call, signed_in()]) -> list[PlaceFacts]:
    """Return the places of the site, by their code."""
    return list(await call.read(places))


@router.post("/transfers", status_code=201)
async def transfer(call: Mover, body: TransferBody) -> Response:
    """Bring units into a place: out to a bench, back, or from one store to another."""
    codes = [unit_code(call.house.recognise(code)) for code in body.trace_codes]
    new = NewTransfer(body.to_place, codes, body.reason)
    async with suspects_kept(call, codes):
        return await call.record(lambda tx: distribution.transfer(tx, new))


@router.get("/stops")
async def list_stops(call: Annotated[Call, signed_in()]) -> list[Stop]:
    """Return the stop orders that stand, the latest first."""
    return list(await call.read(stops.standing_stops))


@router.post("/stops", status_code=201)
async def place_stop(call: Stopper, body: StopBody) -> Response:
    """Stop a unit, a lot, a product or everything, at every bench at once."""
    new = stops.NewStop(body.scope, stops.target_of(body.scope, body.target, call.house.recognise), body.reason)
    return await call.record(lambda tx: stops.place_stop(tx, new))


@router.post("/stops/{stop_id}/lift", status_code=201)
async def propose_lift(call: Lifter, stop_id: UUID, body: LiftBody) -> Response:
    """Say as the first of two people that a stop order may be lifted."""
    return await call.record(lambda tx: stops.propose_lift(tx, stop_id, body.reason))


@router.post("/stops/{stop_id}/lift/confirmation", status_code=201)
async def confirm_lift(call: Lifter, stop_id: UUID) -> Response:
    """Lift a stop order as the second of two people."""
    return await call.record(lambda tx: stops.confirm_lift(tx, stop_id))


@router.get("/stock/at")
async def stock_at(call: Auditor, at: AwareDatetime) -> list[StoodThen]:
    """Return what each place held of each lot at an instant, in doses."""
    return list(await call.read(lambda connection: stood_at(connection, at)))


@router.get("/movements")
async def list_movements(
    call: Auditor,
    since: AwareDatetime,
    until: AwareDatetime,
    account: Annotated[str | None, Query(max_length=34)] = None,
    lot: Annotated[str | None, Query(max_length=40)] = None,
) -> list[MovementSeen]:
    """Return the ledger's movements of a span, the latest first, no more than 10,000."""
    asked = MovementsAsked(since, until, account, lot)
    return list(await call.read(lambda connection: movements(connection, asked, MOST_MOVEMENTS)))
