"""The exit's calls for nurses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import Body, Call, allows
from clinic_server.observation.exit import lookup
from clinic_server.observation.exit.actions import open_reader
from clinic_server.staff.rules import STATION_PATTERN, Role

router = APIRouter(prefix="/api/v1", tags=["observation"])
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN, Role.SITE_LEAD)]


class ReaderBody(Body):
    """Where an exit reader is opened."""

    station: str = Field(pattern=STATION_PATTERN)


@dataclass(frozen=True, slots=True)
class Exits:
    """What was answered at the exits lately, and how many left in each hour of the clinic day."""

    scans: Sequence[lookup.ScanSeen]
    hours: Sequence[lookup.HourOut]


@router.get("/observation/exits")
async def exits(call: Nurse) -> Exits:
    """Return the last answers at the exits, and the hours of this clinic day."""
    zone, today = call.house.settings.site.zone, call.business_day(call.house.db.clock.now())

    def look(connection: Connection) -> Exits:
        return Exits(lookup.last_scans(connection), lookup.exits_by_hour(connection, today, zone))

    return await call.read(look)


@router.post("/exit-readers", status_code=201)
async def open_exit(call: Nurse, body: ReaderBody) -> Response:
    """Open a screen at an exit; its code and address are on the nurses' page."""
    return await call.record(lambda tx: open_reader(tx, body.station))
