"""The draft of a certificate on a page that prints."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from clinic_server.certificates.draft import draft_of
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Reader = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR, Role.OBSERVER)]


@router.get("/visits/{visit_id}/certificate")
async def certificate(call: Reader, visit_id: UUID) -> HTMLResponse:
    """Show the draft of the certificate of a visit's person."""
    local_now = call.house.db.clock.now().astimezone(call.house.settings.site.zone)
    keyring = call.house.db.keyring
    drawn = await call.read(lambda connection: draft_of(connection, keyring, visit_id, local_now))
    return call.page("certificates/draft.html", draft=drawn)
