"""What auditors and the site lead read."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from clinic_server.kit.call import Call, allows
from clinic_server.kit.journal import verify
from clinic_server.reports import against, figures, overrides
from clinic_server.staff.rules import Role
from clinic_server.visits.against import GivenAgainstRule

router = APIRouter(prefix="/api/v1", tags=["reports"])
Overseer = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.AUDITOR)]
Clinician = Annotated[Call, allows(Role.SITE_LEAD, Role.PHYSICIAN)]
_MOST_LINES = 1000


@router.get("/days/{business_on}")
async def read_day(call: Overseer, business_on: date) -> figures.DayFigures:
    """Return the figures of a clinic day."""
    return await call.read(lambda connection: figures.day_figures(connection, business_on))


@router.get("/days/{business_on}/doses")
async def read_doses(call: Overseer, business_on: date) -> list[figures.DoseLine]:
    """Return the doses of a clinic day, by identifiers."""
    return list(await call.read(lambda connection: figures.doses_of_day(connection, business_on)))


@router.get("/days/{business_on}/overrides")
async def read_overrides(call: Clinician, business_on: date) -> list[overrides.OverrideLine]:
    """Return the decisions of a clinic day that override a rule; only physicians read why."""
    return list(await call.read(overrides.as_seen_by(call, business_on)))


@router.get("/days/{business_on}/doses-against-rule")
async def read_doses_against_rule(call: Clinician, business_on: date) -> list[GivenAgainstRule]:
    """Return the doses of a clinic day that stand against a rule; only physicians read why."""
    return list(await call.read(against.as_seen_by(call, business_on)))


@router.get("/journal")
async def read_journal(
    call: Overseer,
    after: Annotated[int, Query(ge=0)] = 0,
    most: Annotated[int, Query(ge=1, le=_MOST_LINES)] = _MOST_LINES,
) -> list[figures.JournalEntry]:
    """Return journal lines in order, from ``after`` on."""
    return list(await call.read(lambda connection: figures.journal_after(connection, after, most)))


@router.get("/journal/verification")
async def verify_journal(call: Overseer) -> dict[str, int | str | list[str]]:
    """Check the whole chain and every record it vouches for."""
    key = call.house.db.keyring.journal_key
    seen = await call.read(lambda connection: verify(connection, key))
    return {
        "lines": seen.lines,
        "records": seen.records,
        "head_seq": seen.head.seq,
        "head_hash": seen.head.hash.hex(),
        "faults": seen.faults,
    }
