"""The ledger to be read: what each place held at a past instant, and the movements of a clinic day."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from clinic_server.kit.call import Call, allows
from clinic_server.kit.clock import business_date_ends, business_date_starts
from clinic_server.kit.labels import label, labels
from clinic_server.staff.rules import Role
from clinic_server.stock.ledger_view import MovementsAsked, MovementSeen, movements, stood_at
from clinic_server.stock.places import places
from clinic_server.stock.whereabouts import MovementKind, Outside

router = APIRouter(include_in_schema=False)
Auditor = Annotated[Call, allows(Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.AUDITOR)]
SHOWN_MOVEMENTS = 500
_REASONS = {  # the group of labels that has the words for the reasons of a kind
    MovementKind.WASTED: "waste",
    MovementKind.GAINED: "gain",
    MovementKind.MISSING: "difference_reason",
    MovementKind.MOVED: "difference_reason",
    MovementKind.DESTROYED: "hold_end",
    MovementKind.SENT_AWAY: "hold_end",
}


@router.get("/stock/at")
async def show_stock_at(call: Auditor, at: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Show what each place held at an instant of the site's clock; now, where none is told."""
    zone = call.house.settings.site.zone
    told = _told(at, datetime.fromisoformat)
    instant = told.replace(tzinfo=zone) if told else call.house.db.clock.now().astimezone(zone)
    standing = await call.read(lambda connection: stood_at(connection, instant))
    here = [one for one in standing if not one.account.startswith("=")]
    outside = [one for one in standing if one.account.startswith("=")]
    asked = instant.replace(tzinfo=None, microsecond=0).isoformat(timespec="minutes")
    return call.page("stock/at.html", asked=asked, here=here, outside=outside)


@router.get("/ledger")
async def show_ledger(
    call: Auditor,
    on: Annotated[str, Query(max_length=10)] = "",
    account: Annotated[str, Query(max_length=34)] = "",
    lot: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show the movements of a clinic day, of one place or lot where it is told."""
    site = call.house.settings.site
    day = _told(on, date.fromisoformat) or call.business_day(call.house.db.clock.now())
    asked = MovementsAsked(
        business_date_starts(day, site.zone, site.day_starts_at),
        business_date_ends(day, site.zone, site.day_starts_at),
        account or None,
        lot or None,
    )

    def read(connection: Connection) -> dict[str, Any]:
        found = movements(connection, asked, SHOWN_MOVEMENTS + 1)
        return {
            "movements": found[:SHOWN_MOVEMENTS],
            "is_cut": len(found) > SHOWN_MOVEMENTS,
            "accounts": [place.code for place in places(connection)],
        }

    told = {"day": day, "account": account, "lot": lot}
    return call.page(
        "stock/ledger.html", asked=told, outside=list(Outside), reason_of=_reason_of, **await call.read(read)
    )


def _reason_of(one: MovementSeen) -> str:
    """Return the words of a movement's reason; what somebody wrote themselves stands as it is."""
    group = _REASONS.get(one.kind)
    if one.reason is None or group is None or one.reason not in labels()[group]:
        return one.reason or ""
    return label(group, one.reason).text


def _told(text: str, read: Any) -> Any:
    """Read what a browser's field says, None where it says nothing."""
    try:
        return read(text)
    except ValueError:
        return None
