"""What the emergency kit holds, over HTTP: put in, taken out, counted."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows, signed_in
from clinic_server.opening.emergency_kit import actions, lookup
from clinic_server.opening.emergency_kit.rules import KitItem, KitThing, NewKitItem
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["opening"])
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
Watchful = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN, Role.OBSERVER)]
Quantity = Annotated[int, Field(ge=1, le=1000)]


class KitItemBody(Body):
    """So many of one lot for the emergency kit."""

    thing: KitThing
    quantity: Quantity
    expires_on: date | None = None
    lot_number: str = Field("", max_length=40)


class KitCheckBody(Body):
    """How many of each lot were counted."""

    counted: dict[UUID, Annotated[int, Field(ge=0, le=1000)]]


@router.get("/kit-items")
async def read_kit(call: Annotated[Call, signed_in()]) -> Sequence[KitItem]:
    """Return what is in the emergency kit, the first to expire first."""
    return await call.read(lookup.standing_kit)


@router.post("/kit-items", status_code=201)
async def add_to_kit(call: Lead, body: KitItemBody) -> Response:
    """Put something into the emergency kit."""
    new = NewKitItem(body.thing, body.quantity, body.expires_on, body.lot_number)
    return await call.record(lambda tx: actions.add_to_kit(tx, new)[0])


@router.post("/kit-items/{item_id}/removal", status_code=201)
async def remove_from_kit(call: Lead, item_id: UUID) -> Response:
    """Take what is left of a lot out of the emergency kit."""
    return await call.record(lambda tx: actions.remove_from_kit(tx, item_id))


@router.post("/kit-checks", status_code=201)
async def check_kit(call: Watchful, body: KitCheckBody) -> Response:
    """Record a count of everything in the kit."""
    return await call.record(lambda tx: actions.check_kit(tx, body.counted))
