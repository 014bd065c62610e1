"""How the site stands, opening and closing it, and its safeguards."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows, signed_in
from clinic_server.opening import actions, lookup
from clinic_server.opening.officer.actions import name_officer
from clinic_server.opening.rules import Named, Safeguard, Variant
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["opening"])
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]
Watchful = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.PHYSICIAN, Role.OBSERVER)]
Said = Annotated[str, Field(max_length=120)]


class OpeningBody(Body):
    """For whom the site opens, and the names its checklist asks for behind each safeguard."""

    variant: Variant
    named: dict[Safeguard, dict[Named, Said]] = Field(repr=False)
    unclosed_reason: str = Field("", max_length=200)


class OfficerBody(Body):
    """Who reports adverse events, by staff number."""

    number: str = Field(min_length=1, max_length=20)


class WithdrawalBody(Body):
    """Why a safeguard is gone."""

    reason: str = Field(min_length=1, max_length=400, repr=False)


class RestorationBody(Body):
    """The names behind a safeguard that is there again."""

    named: dict[Named, Said] = Field(repr=False)


@router.get("/opening")
async def read_opening(call: Annotated[Call, signed_in()], variant: Variant = Variant.ADULT) -> lookup.OpeningNow:
    """Return whether injections may go on, what pauses them since when, and what an opening would lack."""
    now, terms = call.house.db.clock.now(), actions.terms_of(call.house.settings, variant)
    return await call.read(lambda connection: lookup.opening_now(connection, now, terms))


@router.post("/openings", status_code=201)
async def open_site(call: Lead, body: OpeningBody) -> Response:
    """Open the site for the running clinic day."""
    new = actions.NewOpening(body.variant, body.named, body.unclosed_reason)
    return await call.record(lambda tx: actions.open_site(tx, call.house.settings, new))


@router.post("/opening/closing", status_code=201)
async def close_site(call: Lead) -> Response:
    """Close the site before its day is over."""
    return await call.record(actions.close_site)


@router.post("/opening/safeguards/{safeguard}/withdrawal", status_code=201)
async def withdraw(call: Watchful, safeguard: Safeguard, body: WithdrawalBody) -> Response:
    """Record that a safeguard is gone."""
    return await call.record(lambda tx: actions.withdraw_safeguard(tx, safeguard, body.reason))


@router.post("/opening/safeguards/{safeguard}/restoration", status_code=201)
async def restore(call: Lead, safeguard: Safeguard, body: RestorationBody) -> Response:
    """Record that a safeguard is there again."""
    return await call.record(lambda tx: actions.restore_safeguard(tx, safeguard, body.named))


@router.post("/opening/officer", status_code=201)
async def name_who_reports(call: Lead, body: OfficerBody) -> Response:
    """Name who reports adverse events from now on."""
    return await call.record(lambda tx: name_officer(tx, body.number))
