"""The pages of the audit: what was done, who looked, and whether the journal holds."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from clinic_server.audit import lookup
from clinic_server.audit.actions import keep_check
from clinic_server.audit.lookup import LINES_ON_A_PAGE, Wanted
from clinic_server.kit.call import Call, allows
from clinic_server.kit.clock import business_date_starts
from clinic_server.kit.journal import Verification, verify
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Auditor = Annotated[Call, allows(Role.OWNER, Role.AUDITOR)]


class Asked(BaseModel):
    """What the filters of a page say, in the site's own time."""

    since: str = Field("", alias="from", max_length=16)
    until: str = Field("", max_length=16)
    who: str = Field("", max_length=64)
    kind: str = Field("", max_length=64)
    ref: str = Field("", max_length=64)
    before: int | None = Field(None, ge=1)

    def wanted(self, call: Call) -> Wanted:
        """Return what is asked for: today, unless a span is given."""
        site, now = call.house.settings.site, call.house.db.clock.now()
        today = business_date_starts(call.business_day(now), site.zone, site.day_starts_at)
        return Wanted(
            _instant(self.since, call) or today,
            _instant(self.until, call) or now + timedelta(minutes=1),
            self.who,
            self.kind.strip(),
            self.ref.strip().lower(),
            self.before,
        )


@router.get("/audit")
async def audit(call: Auditor, asked: Annotated[Asked, Query()]) -> HTMLResponse:
    """Show the lines of the journal, and what the last walk over it found."""
    wanted = asked.wanted(call)
    return call.page("audit/lines.html", **await _page(call, asked, lambda one: lookup.lines(one, wanted)))


@router.get("/audit/looks")
async def audit_looks(call: Auditor, asked: Annotated[Asked, Query()]) -> HTMLResponse:
    """Show who looked at whose data."""
    wanted = asked.wanted(call)
    return call.page("audit/looks.html", **await _page(call, asked, lambda one: lookup.looks(one, wanted)))


@router.post("/audit/check")
async def check_journal(call: Auditor) -> Response:
    """Walk over the whole journal beside the desks' work, and keep what was found."""
    seen = await walk(call)
    return await call.record(lambda tx: keep_check(tx, seen), then="/audit")


async def walk(call: Call) -> Verification:
    """Walk over the whole journal."""
    key = call.house.db.keyring.journal_key
    return await call.read(lambda connection: verify(connection, key))


async def _page(call: Call, asked: Asked, question: Any) -> dict[str, Any]:
    keyring = call.house.db.keyring

    def look(connection: Connection) -> dict[str, Any]:
        return {
            "lines": question(connection),
            "people": lookup.people_at_work(connection, keyring),
            "checked": lookup.last_check(connection),
        }

    seen = await call.read(look)
    is_full = len(seen["lines"]) == LINES_ON_A_PAGE
    said = asked.model_dump(by_alias=True, exclude={"before"})
    return {**seen, "said": said, "older": {**said, "before": seen["lines"][-1].seq} if is_full else None}


def _instant(word: str, call: Call) -> datetime | None:
    try:
        return datetime.fromisoformat(word).replace(tzinfo=call.house.settings.site.zone) if word else None
    except ValueError:
        return None
