"""What became of a visit's slips, shown on the ticket and on the visit, and the button that asks for a copy."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from clinic_server.check_in.lookup import KNOW_NAMES
from clinic_server.device_hub.slips.actions import ask_again
from clinic_server.device_hub.slips.lookup import asked_for
from clinic_server.device_hub.slips.office import office_of
from clinic_server.device_hub.slips.rules import SlipKind
from clinic_server.kit.call import Call, Form, allows
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Floor = Annotated[Call, allows(*KNOW_NAMES, Role.ORDER_KEEPER, Role.VOLUNTEER)]


class AgainForm(Form):
    """Where the button was pressed, so that its page comes back."""

    at_desk: bool = False


@router.get("/visits/{visit_id}/slips")
async def slips(call: Floor, visit_id: UUID, at_desk: bool = False) -> Response:
    """Show a visit's slips; nothing at a site without a printer."""
    asked = await call.read(lambda connection: asked_for(connection, visit_id))
    slips_shown = office_of(call).shown(asked)
    return call.page(
        "device_hub/_slips.html", visit_id=visit_id, number=asked.number, slips=slips_shown, at_desk=at_desk
    )


@router.post("/visits/{visit_id}/slips/{kind}")
async def print_again(call: Floor, visit_id: UUID, kind: SlipKind) -> Response:
    """Ask for a copy on the printer of the actor's own station."""
    form = await call.form(AgainForm)
    office_of(call).require_printer(call.station(), kind)
    back = f"/check-in?issued={visit_id}" if form.at_desk else f"/visits/{visit_id}"
    return await call.record(lambda tx: ask_again(tx, visit_id, kind), then=back)
