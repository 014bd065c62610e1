"""What the coming days need, as figures with their parts."""

from typing import Annotated

from fastapi import APIRouter

from clinic_server.demand.lookup import Demand, demand_of
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["stock"])
Planner = Annotated[Call, allows(Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.AUDITOR)]


@router.get("/demand")
async def read_demand(call: Planner) -> Demand:
    """Return each vaccine's coming days and what expires soon."""
    today = call.business_day(call.house.db.clock.now())
    return await call.read(lambda connection: demand_of(connection, call.house.settings.site, today))
