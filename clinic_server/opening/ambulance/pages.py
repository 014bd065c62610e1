"""The ambulance's page: where it is, one key for each way it goes, and its log."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field, field_validator
from sqlalchemy import Connection

from clinic_server.kit.call import Call, Form, allows
from clinic_server.opening.ambulance import actions
from clinic_server.opening.ambulance.lookup import ambulance_log
from clinic_server.opening.ambulance.rules import Move, Presence
from clinic_server.opening.lookup import standing_opening
from clinic_server.opening.rules import Named
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Watchful = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN, Role.OBSERVER)]
Said = Annotated[str, Field(max_length=120)]
PAGE = "/opening/ambulance"


class MoveForm(Form):
    """Where the ambulance is now; a name left empty stays as it was."""

    presence: Presence
    reason: str = Field("", max_length=400, repr=False)
    minutes_away: int | None = Field(None, ge=1, le=240)
    vehicle_plate: Said = Field("", repr=False)
    person: Said = Field("", repr=False)
    phone: Said = Field("", repr=False)

    @field_validator("minutes_away", mode="before")
    @classmethod
    def _unsaid(cls, given: str) -> str | None:
        return given or None

    @property
    def move(self) -> Move:
        """The move it tells of."""
        named = {Named.VEHICLE_PLATE: self.vehicle_plate, Named.PERSON: self.person, Named.PHONE: self.phone}
        return Move(self.presence, self.reason, self.minutes_away, named)


@router.get(PAGE)
async def show_ambulance(call: Watchful) -> Response:
    """Show where the ambulance is, and its log since the site was opened."""
    return call.page("opening/ambulance.html", **await _log(call))


@router.get(f"{PAGE}/now")
async def show_ambulance_again(call: Watchful) -> Response:
    """Show the log again."""
    return call.page("opening/_ambulance.html", **await _log(call))


@router.post(PAGE)
async def move_ambulance(call: Watchful) -> Response:
    """Record that the ambulance came, stands on call, or left."""
    form, within = await call.form(MoveForm), call.house.settings.site.ambulance_within_minutes
    return await call.record(lambda tx: actions.move_ambulance(tx, within, form.move), then=PAGE)


async def _log(call: Call) -> dict[str, Any]:
    now, keyring = call.house.db.clock.now(), call.house.db.keyring

    def question(connection: Connection) -> dict[str, Any]:
        is_open = standing_opening(connection, now) is not None
        return {"is_open": is_open, "log": ambulance_log(connection, keyring) if is_open else ()}

    return await call.read(question) | {"within": call.house.settings.site.ambulance_within_minutes}
