"""Who looked at whose data, for other systems; the lines of the journal are among the reports."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from clinic_server.audit.lookup import LookSeen, Wanted, looks
from clinic_server.kit.call import Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["audit"])


@router.get("/looks")
async def read_looks(
    call: Annotated[Call, allows(Role.OWNER, Role.AUDITOR)],
    since: AwareDatetime,
    until: AwareDatetime,
    ref: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Sequence[LookSeen]:
    """Return the latest 100 looks of a span of time, all or those at one person, visit, dose or file."""
    wanted = Wanted(since, until, ref=ref, before=before)
    return await call.read(lambda connection: looks(connection, wanted))
