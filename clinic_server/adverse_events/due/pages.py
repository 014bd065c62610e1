"""The page of the clocks; other pages show its part."""

from typing import Annotated

from fastapi import APIRouter, Response

from clinic_server.adverse_events import deadlines
from clinic_server.adverse_events.due.lookup import clocks_now
from clinic_server.adverse_events.due.rules import READERS
from clinic_server.adverse_events.similar import rules as similar
from clinic_server.adverse_events.similar.lookup import all_gathered
from clinic_server.kit.call import Call, allows

router = APIRouter(include_in_schema=False)
Reader = Annotated[Call, allows(*READERS)]


@router.get("/report-clocks")
async def report_clocks(call: Reader) -> Response:
    """Show what is awaited about each open event and how much time is left; then which events gathered."""
    db = call.house.db
    clocks = await call.read(lambda connection: clocks_now(connection, db.keyring, db.site.zone))
    gathered = await call.read(all_gathered) if call.actor.roles & similar.READERS else ()
    return call.page("adverse_events/clocks.html", clocks=clocks, gathered=gathered, deadlines=deadlines.shipped())
