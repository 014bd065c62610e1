"""The checklist of a new site, and how much of it is missing, for the page everyone begins on."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from clinic_server.kit.call import Call, allows
from clinic_server.navigation import is_open_to
from clinic_server.setting_up.lookup import steps_taken
from clinic_server.setting_up.rules import Item, checklist, missing
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]


@router.get("/setting-up")
async def setting_up(call: Lead) -> HTMLResponse:
    """Show what the site has, what it lacks, and where to get it."""
    items = await _checklist(call)
    open_here = {one.where for one in items if one.where and is_open_to(one.where, call.actor.roles)}
    return call.page("setting_up/checklist.html", items=items, missing=missing(items), open_here=open_here)


@router.get("/setting-up/standing")
async def standing(call: Lead) -> HTMLResponse:
    """Show how much is missing, or nothing where nothing is."""
    return call.page("setting_up/_standing.html", missing=missing(await _checklist(call)))


async def _checklist(call: Call) -> Sequence[Item]:
    house, now = call.house, call.house.db.clock.now()
    keyring, today = house.db.keyring, call.local_date(now)
    return checklist(await call.read(lambda connection: steps_taken(connection, keyring, house.settings, today, now)))
