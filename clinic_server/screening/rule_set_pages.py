"""The page of the rule sets: what they say, who answers for them, and which the site works by."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from clinic_server.kit.call import Call, allows
from clinic_server.screening import adoption
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Reader = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN)]
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]


@router.get("/rule-sets")
async def rule_sets(call: Reader) -> HTMLResponse:
    """Show every version of every set."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())

    def read(connection: Connection) -> dict[str, Any]:
        return {
            "sets": adoption.sets_seen(connection, keyring, today),
            "changed": adoption.changed_sets(connection),
        }

    return call.page("screening/rule_sets.html", **await call.read(read))


@router.post("/rule-sets/{code}/versions/{version}/sign-off")
async def sign_off(call: Physician, code: str, version: int) -> Response:
    """Record that the acting physician answers for a set as it reads now."""
    return await call.record(lambda tx: adoption.sign_off(tx, code, version), then="/rule-sets")


@router.post("/rule-sets/{code}/versions/{version}/adoption")
async def adopt(call: Lead, code: str, version: int) -> Response:
    """Make a set the one its programme works by."""
    return await call.record(lambda tx: adoption.adopt(tx, code, version), then="/rule-sets")
