"""The closing page: what was brought, drawn, given and wasted, what is in the way, and the close."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from clinic_server.closing import actions, lookup
from clinic_server.closing.rules import DayFinding, Signed
from clinic_server.kit.call import Call, Form, allows
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import products

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Call, allows(Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.AUDITOR)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]
_SIGNED = "signed "


class CloseForm(Form):
    """One field ``signed <finding> <count> <subject>`` with the reason for each difference signed for."""

    business_on: date
    reasons: Mapping[str, str] = Field(default_factory=dict, max_length=200)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Mapping[str, str]) -> dict[str, Any]:
        reasons = {name.removeprefix(_SIGNED): said for name, said in given.items() if name.startswith(_SIGNED)}
        kept = {name: said for name, said in given.items() if not name.startswith(_SIGNED)}
        return kept | {"reasons": reasons}

    @property
    def signed(self) -> list[Signed]:
        """What was signed for; a field left empty signs nothing."""
        return [_signed(name, said) for name, said in self.reasons.items() if said]


@router.get("/closing")
async def closing(call: Viewer, on: date | None = None) -> Response:
    """Show how a clinic day stands, today's unless another is asked for."""
    return call.page("closing/day.html", **await _day(call, on))


@router.get("/closing/now")
async def closing_now(call: Viewer, on: date | None = None) -> Response:
    """Show the figures again."""
    return call.page("closing/_figures.html", **await _day(call, on))


@router.post("/closing")
async def close_day(call: Lead) -> Response:
    """Close the day."""
    form, site = await call.form(CloseForm), call.house.settings.site
    return await call.record(
        lambda tx: actions.close_day(tx, site, form.business_on, form.signed), then=f"/closing?on={form.business_on}"
    )


async def _day(call: Call, on: date | None) -> dict[str, Any]:
    site = call.house.settings.site
    business_on = on or call.business_day(call.house.db.clock.now())
    day = await call.read(lambda connection: lookup.day_standing(connection, site, business_on))
    names = {one.code: one.name for one in await call.read(products)}
    return {"day": day, "names": names, "may_close": call.may("/closing", "POST"), "links": _LINKS}


def _signed(name: str, reason: str) -> Signed:
    finding, count, subject = (*name.split(" ", 2), "")[:3]
    return Signed(DayFinding(finding), subject, int(count), reason)


_LINKS = {
    DayFinding.PEOPLE_OBSERVED: "/observation",
    DayFinding.PEOPLE_UNDER_CARE: "/adverse-events",
    DayFinding.PEOPLE_LEFT_UNSEEN: "/observation/handover",
    DayFinding.PEOPLE_ON_THEIR_WAY: "/",
    DayFinding.VIALS_OPEN: "/bench/box",
    DayFinding.UNITS_AT_BENCH: "/bench/box",
    DayFinding.DRAWN_NOT_GIVEN: "/corrections",
    DayFinding.SUMS_DIFFER: "/corrections",
    DayFinding.INCIDENTS_OPEN: "/corrections",
    DayFinding.COUNT_DIFFERS: "/counts",
}
