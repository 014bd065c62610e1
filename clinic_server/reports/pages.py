"""The report of a clinic day, as the site lead and the physicians read it."""

from collections import Counter
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from clinic_server.kit.call import Call, allows
from clinic_server.reports import against, overrides
from clinic_server.reports.figures import day_figures
from clinic_server.screening.decisions import OverrideKind
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Clinician = Annotated[Call, allows(Role.SITE_LEAD, Role.PHYSICIAN)]


@router.get("/reports/day")
async def day_report(call: Clinician, on: date | None = None) -> HTMLResponse:
    """Show the figures of a clinic day, today's unless another is asked for, and what in it went against the rules."""
    business_on = on or call.business_day(call.house.db.clock.now())
    lines = await call.read(overrides.as_seen_by(call, business_on))
    return call.page(
        "reports/day.html",
        figures=await call.read(lambda connection: day_figures(connection, business_on)),
        overrides=lines,
        tells_health=overrides.tells_health(call),
        against_rule=await call.read(against.as_seen_by(call, business_on)),
        kinds=OverrideKind,
        counts=Counter(line.kind for line in lines),
    )
