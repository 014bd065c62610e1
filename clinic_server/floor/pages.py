"""The site lead's view, which brings itself up to date."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from clinic_server.floor.drawing import drawn
from clinic_server.floor.lookup import Floor, look
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]


@router.get("/floor")
async def floor(call: Lead) -> HTMLResponse:
    """Show how the day flows."""
    return call.page("floor/floor.html", **await _seen(call))


@router.get("/floor/now")
async def floor_now(call: Lead) -> HTMLResponse:
    """Show the figures and the day's course again."""
    return call.page("floor/_now.html", **await _seen(call))


async def _seen(call: Call) -> dict[str, Any]:
    seen = await look(call)
    return {"seen": seen, "drawing": drawn(seen.quarters), "minutes_since": _minutes_since(seen), "when": _when}


def _minutes_since(seen: Floor) -> Any:
    return lambda at: max(0, int((seen.at - at).total_seconds() // 60))


def _when(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
