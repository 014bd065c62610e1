"""The health of the site on a page, and the age of its backups for other pages."""

import asyncio
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from clinic_server.doctor import machine
from clinic_server.doctor.health import health
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]


@router.get("/health")
async def show_health(call: Lead) -> HTMLResponse:
    """Show how the site does, part by part."""
    return call.page("doctor/health.html", findings=await health(call))


@router.get("/health/now")
async def health_now(call: Lead) -> HTMLResponse:
    """Show it again."""
    return call.page("doctor/_health.html", findings=await health(call))


@router.get("/health/backups")
async def backups_now(call: Lead) -> HTMLResponse:
    """Show how old the last backup is."""
    answer = await asyncio.to_thread(machine.backups, call.house.settings, call.house.db.clock.now())
    return call.page("doctor/_answer.html", answer=answer)
