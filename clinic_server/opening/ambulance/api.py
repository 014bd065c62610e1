"""The ambulance's duty over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.opening.ambulance import actions
from clinic_server.opening.ambulance.rules import Move, Presence
from clinic_server.opening.rules import Named
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["opening"])
Watchful = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN, Role.OBSERVER)]


class MoveBody(Body):
    """Where the ambulance is now; names left out stay as they were."""

    presence: Presence
    reason: str = Field("", max_length=400, repr=False)
    minutes_away: int | None = Field(None, ge=1, le=240)
    named: dict[Named, Annotated[str, Field(max_length=120)]] = Field(default_factory=dict, repr=False)


@router.post("/opening/ambulance-moves", status_code=201)
async def move_ambulance(call: Watchful, body: MoveBody) -> Response:
    """Record that the ambulance came, stands on call, or left."""
    within = call.house.settings.site.ambulance_within_minutes
    move = Move(body.presence, body.reason, body.minutes_away, body.named)
    return await call.record(lambda tx: actions.move_ambulance(tx, within, move))
