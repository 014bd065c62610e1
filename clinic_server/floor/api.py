"""The figures of the site lead's view for other systems."""

from typing import Annotated

from fastapi import APIRouter

from clinic_server.floor.lookup import Floor, look
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["floor"])


@router.get("/floor")
async def read_floor(call: Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]) -> Floor:
    """Return how the clinic day flows at this instant."""
    return await look(call)
