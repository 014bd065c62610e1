"""Products and deliveries."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows, signed_in
from clinic_server.staff.rules import Role
from clinic_server.stock import actions
from clinic_server.stock.rules import Platform, Route
from clinic_server.stock.scans import unit_code

router = APIRouter(prefix="/api/v1", tags=["stock"])
Keeper = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD)]


class ProductBody(Body):
    """A product; ``volume_ul`` is one dose in microlitres."""

    code: str = Field(min_length=2, max_length=40, pattern=r"^[a-z0-9-]+$")
    name: str = Field(min_length=1, max_length=80)
    manufacturer: str = Field(min_length=1, max_length=80)
    vaccine_code: str = Field(max_length=40)
    platform: Platform
    route: Route
    volume_ul: int = Field(gt=0, le=10_000)
    doses_per_unit: int = Field(ge=1, le=50)


class LotBody(Body):
    """A delivery of one lot: the trace code of every unit."""

    product_code: str = Field(max_length=40)
    number: str = Field(min_length=1, max_length=40)
    expires_on: date
    trace_codes: list[str] = Field(min_length=1, max_length=2000)


@router.get("/products")
async def list_products(call: Annotated[Call, signed_in()]) -> list[actions.ProductFacts]:
    """Return the products this site uses."""
    return await call.read(actions.products)


@router.post("/products", status_code=201)
async def add_product(call: Keeper, body: ProductBody) -> Response:
    """Add a product."""
    new = actions.NewProduct(**body.model_dump())
    return await call.record(lambda tx: actions.add_product(tx, new))


@router.get("/stock")
async def list_balances(call: Annotated[Call, signed_in()]) -> list[actions.Balance]:
    """Return the doses on hand, lot by lot."""
    return await call.read(actions.balances)


@router.post("/lots", status_code=201)
async def receive_lot(call: Keeper, body: LotBody) -> Response:
    """Take a delivery into stock, all of it or nothing."""
    codes = [unit_code(call.house.recognise(code)) for code in body.trace_codes]
    delivery = actions.NewLot(body.product_code, body.number, body.expires_on, codes)
    return await call.record(lambda tx: actions.receive_lot(tx, delivery))
