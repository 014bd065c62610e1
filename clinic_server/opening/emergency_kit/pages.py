"""The emergency kit's page: what is in it, what is short or runs out, and its daily count."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, field_validator, model_validator
from sqlalchemy import Connection

from clinic_server.kit.call import Call, Form, allows
from clinic_server.opening.emergency_kit import actions
from clinic_server.opening.emergency_kit.lookup import last_check, standing_kit
from clinic_server.opening.emergency_kit.rules import KitThing, NewKitItem, shortages
from clinic_server.opening.lookup import kit_least, standing_opening
from clinic_server.opening.rules import Variant
from clinic_server.staff.lookup import name_of
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
Watchful = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN, Role.OBSERVER)]
_COUNTED = "counted-"


class KitItemForm(Form):
    """So many of one lot for the emergency kit; equipment may bear no date."""

    thing: KitThing
    quantity: int = Field(ge=1, le=1000)
    expires_on: date | None = None
    lot_number: str = Field("", max_length=40)

    @field_validator("expires_on", mode="before")
    @classmethod
    def _undated(cls, given: str) -> str | None:
        return given or None


class KitCheckForm(Form):
    """One field ``counted-<item>`` for each lot in the kit."""

    counted: dict[UUID, Annotated[int, Field(ge=0, le=1000)]]

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Mapping[str, str]) -> dict[str, Any]:
        counted = {name.removeprefix(_COUNTED): said for name, said in given.items() if name.startswith(_COUNTED)}
        others = {name: said for name, said in given.items() if not name.startswith(_COUNTED)}
        return others | {"counted": counted}


@router.get("/opening/kit")
async def show_kit(call: Watchful, variant: Variant = Variant.ADULT) -> Response:
    """Show the emergency kit against the list of whom the site is open for, or would be."""
    now, today, keyring = call.house.db.clock.now(), call.local_date(call.house.db.clock.now()), call.house.db.keyring

    def question(connection: Connection) -> dict[str, Any]:
        opened, checked = standing_opening(connection, now), last_check(connection)
        kit, asked_for = standing_kit(connection), opened.variant if opened else variant
        return {
            "kit": kit,
            "variant": asked_for,
            "short": shortages(kit, kit_least(asked_for), today),
            "checked": checked,
            "checker": name_of(connection, keyring, checked.checked_by) if checked else "",
            "checked_today": checked is not None and call.local_date(checked.checked_at) == today,
        }

    leads = bool({Role.OWNER, Role.SITE_LEAD} & call.actor.roles)
    seen = await call.read(question)
    return call.page("opening/kit.html", **seen, today=today, things=list(KitThing), leads=leads)


@router.post("/opening/kit/items")
async def add_to_kit(call: Lead) -> Response:
    """Put something into the emergency kit."""
    form = await call.form(KitItemForm)
    new = NewKitItem(form.thing, form.quantity, form.expires_on, form.lot_number)
    return await call.record(lambda tx: actions.add_to_kit(tx, new), then="/opening/kit")


@router.post("/opening/kit/items/{item_id}/removal")
async def remove_from_kit(call: Lead, item_id: UUID) -> Response:
    """Take what is left of a lot out of the emergency kit."""
    return await call.record(lambda tx: actions.remove_from_kit(tx, item_id), then="/opening/kit")


@router.post("/opening/kit/checks")
async def check_kit(call: Watchful) -> Response:
    """Record a count of everything in the kit."""
    form = await call.form(KitCheckForm)
    return await call.record(lambda tx: actions.check_kit(tx, form.counted), then="/opening/kit")
