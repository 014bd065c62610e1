"""The sets of rules, over the API: read, signed off, adopted."""

from typing import Annotated

from fastapi import APIRouter, Response

from clinic_server.kit.call import Call, allows
from clinic_server.screening import adoption
from clinic_server.screening.shown import WholeSetSeen, whole_set_seen
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["screening"])
Reader = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN)]
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]


@router.get("/rule-sets")
async def read_rule_sets(call: Reader) -> list[WholeSetSeen]:
    """Return every version of every set, who answers for it, and which the site works by."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    seen = await call.read(lambda connection: adoption.sets_seen(connection, keyring, today))
    return [whole_set_seen(one) for one in seen]


@router.post("/rule-sets/{code}/versions/{version}/sign-off", status_code=201)
async def sign_off(call: Physician, code: str, version: int) -> Response:
    """Record that the acting physician answers for a set as it reads now."""
    return await call.record(lambda tx: adoption.sign_off(tx, code, version))


@router.post("/rule-sets/{code}/versions/{version}/adoption", status_code=201)
async def adopt(call: Lead, code: str, version: int) -> Response:
    """Make a set the one its programme works by."""
    return await call.record(lambda tx: adoption.adopt(tx, code, version))
