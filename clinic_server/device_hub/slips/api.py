"""A visit's slips, and asking for one again."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from clinic_server.check_in.lookup import KNOW_NAMES
from clinic_server.device_hub.slips.actions import ask_again
from clinic_server.device_hub.slips.book import SlipShown
from clinic_server.device_hub.slips.lookup import asked_for
from clinic_server.device_hub.slips.office import office_of
from clinic_server.device_hub.slips.rules import SlipKind
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["slips"])
Floor = Annotated[Call, allows(*KNOW_NAMES, Role.ORDER_KEEPER, Role.VOLUNTEER)]


@router.get("/visits/{visit_id}/slips")
async def slips(call: Floor, visit_id: UUID) -> Sequence[SlipShown]:
    """Return the slips a visit has come to and what is known of them; nothing at a site without a printer."""
    return office_of(call).shown(await call.read(lambda connection: asked_for(connection, visit_id)))


@router.post("/visits/{visit_id}/slips/{kind}", status_code=201)
async def print_again(call: Floor, visit_id: UUID, kind: SlipKind) -> Response:
    """Ask for a copy on the printer of the actor's own station."""
    office_of(call).require_printer(call.station(), kind)
    return await call.record(lambda tx: ask_again(tx, visit_id, kind))
