"""The clocks of adverse events over HTTP."""

from typing import Annotated

from fastapi import APIRouter

from clinic_server.adverse_events.due.lookup import clocks_now
from clinic_server.adverse_events.due.rules import READERS, Awaited
from clinic_server.kit.call import Call, allows

router = APIRouter(prefix="/api/v1", tags=["adverse events"])
Reader = Annotated[Call, allows(*READERS)]


@router.get("/report-clocks")
async def report_clocks(call: Reader) -> list[Awaited]:
    """Return every step that is awaited about an open event, the first due first; ``left`` is an ISO duration."""
    db = call.house.db
    return list(await call.read(lambda connection: clocks_now(connection, db.keyring, db.site.zone)))
