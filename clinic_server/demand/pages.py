"""What the coming days need, as those read it who order and move vaccine."""

from typing import Annotated

from fastapi import APIRouter, Response

from clinic_server.demand.lookup import demand_of
from clinic_server.demand.rules import DAYS_BACK
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Planner = Annotated[Call, allows(Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.AUDITOR)]


@router.get("/demand")
async def demand(call: Planner) -> Response:
    """Show each vaccine's coming days and what expires soon."""
    site = call.house.settings.site
    today = call.business_day(call.house.db.clock.now())
    found = await call.read(lambda connection: demand_of(connection, site, today))
    spans = {"days_back": DAYS_BACK, "near_expiry_days": site.near_expiry_days}
    return call.page("demand/demand.html", demand=found, **spans)
