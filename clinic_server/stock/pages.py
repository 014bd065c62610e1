"""The stock page: what is on hand, and products; the stop orders."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, PositiveInt

from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows, signed_in
from clinic_server.staff.rules import Role
from clinic_server.stock import actions, stops, terms, vaccines
from clinic_server.stock.fields import ProductFields, TermsFields
from clinic_server.stock.rules import Platform, Route, StopScope
from clinic_server.stock.stops import LIFTERS, STOPPERS

router = APIRouter(include_in_schema=False)
Keeper = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD)]
Stopper = Annotated[Call, allows(*STOPPERS)]
Lifter = Annotated[Call, allows(*LIFTERS)]


class ProductForm(Form, ProductFields):
    """A product."""


class TermsForm(Form, TermsFields):
    """What this site says of a product from now on; an empty field does not apply."""

    open_vial_minutes: Annotated[PositiveInt | None, EMPTY_IS_NONE] = None
    withdrawn_on: Annotated[date | None, EMPTY_IS_NONE] = None


class StopForm(Form):
    """What is to be stopped, by its code."""

    scope: StopScope
    target: str = Field("", max_length=200)
    reason: str = Field(min_length=1, max_length=200)


class LiftForm(Form):
    """Why a stop order may be lifted."""

    reason: str = Field(min_length=1, max_length=200)


@router.get("/stock")
async def stock(call: Annotated[Call, signed_in()]) -> Response:
    """Show the doses on hand."""
    return call.page(
        "stock/stock.html",
        balances=await call.read(actions.balances),
        today=call.local_date(call.house.db.clock.now()),
        platforms=list(Platform),
        vaccines=list(vaccines.shipped().values()),
        routes=list(Route),
    )


@router.get("/stock/balances")
async def stock_balances(call: Annotated[Call, signed_in()]) -> Response:
    """Show the balances again."""
    today = call.local_date(call.house.db.clock.now())
    return call.page("stock/_balances.html", balances=await call.read(actions.balances), today=today)


@router.post("/stock/products")
async def add_product(call: Keeper) -> Response:
    """Add a product."""
    new = actions.NewProduct(**(await call.form(ProductForm)).model_dump())
    return await call.record(lambda tx: actions.add_product(tx, new), then="/stock")


@router.get("/stock/products")
async def show_products(call: Keeper) -> Response:
    """Show every product with what the catalogue and the site say of it."""
    today = call.local_date(call.house.db.clock.now())
    return call.page(
        "stock/products.html", products=await call.read(actions.products), known=vaccines.shipped(), today=today
    )


@router.post("/stock/products/{code}/terms")
async def set_terms(call: Keeper, code: str) -> Response:
    """Say what this site says of a product."""
    new = terms.NewTerms(**(await call.form(TermsForm)).model_dump())
    return await call.record(lambda tx: terms.set_terms(tx, code, new), then="/stock/products")


@router.get("/stops")
async def show_stops(call: Annotated[Call, signed_in()]) -> Response:
    """Show the stop orders that stand."""
    standing = await call.read(stops.standing_stops)
    may_lift, may_stop = bool(LIFTERS & call.actor.roles), bool(STOPPERS & call.actor.roles)
    return call.page("stock/stops.html", stops=standing, scopes=list(StopScope), may_lift=may_lift, may_stop=may_stop)


@router.get("/stops/now")
async def show_stops_again(call: Annotated[Call, signed_in()]) -> Response:
    """Show the stop orders again."""
    standing = await call.read(stops.standing_stops)
    return call.page("stock/_stops.html", stops=standing, may_lift=bool(LIFTERS & call.actor.roles))


@router.post("/stops")
async def place_stop(call: Stopper) -> Response:
    """Stop something at every bench at once."""
    form = await call.form(StopForm)
    new = stops.NewStop(form.scope, stops.target_of(form.scope, form.target, call.house.recognise), form.reason)
    return await call.record(lambda tx: stops.place_stop(tx, new), then="/stops")


@router.post("/stops/{stop_id}/lift")
async def propose_lift(call: Lifter, stop_id: UUID) -> Response:
    """Propose to lift a stop order."""
    form = await call.form(LiftForm)
    return await call.record(lambda tx: stops.propose_lift(tx, stop_id, form.reason), then="/stops")


@router.post("/stops/{stop_id}/lift/confirmation")
async def confirm_lift(call: Lifter, stop_id: UUID) -> Response:
    """Lift a stop order as the second of two people."""
    return await call.record(lambda tx: stops.confirm_lift(tx, stop_id), then="/stops")
