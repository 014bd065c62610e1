"""The bench's calls."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Discriminator, Field, Tag

from clinic_server.injection import actions, lookup
from clinic_server.injection.rules import SentBackReason
from clinic_server.kit.call import Body, Call, allows
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import BodySite
from clinic_server.stock.scans import unit_code
from clinic_server.visits.steps import call_visit

router = APIRouter(prefix="/api/v1", tags=["injection"])
Bench = Annotated[Call, allows(Role.VACCINATOR)]


class TypedUnitBody(Body):
    """The unit in the vaccinator's hand, by its code as somebody or something typed it."""

    trace_code: str = Field(min_length=1, max_length=200)


class ScannedUnitBody(Body):
    """The unit in the vaccinator's hand, by what the bench's own scanner read."""

    delivery_id: UUID


def _way(body: Any) -> str:
    return "scanned" if isinstance(body, dict) and "delivery_id" in body else "typed"


PermitBody = Annotated[
    Annotated[TypedUnitBody, Tag("typed")] | Annotated[ScannedUnitBody, Tag("scanned")], Discriminator(_way)
]


class DoseBody(Body):
    """The permit presented, and where the needle went in."""

    permit_id: UUID
    body_site: BodySite


class SentBackBody(Body):
    """Why the bench does not vaccinate."""

    reason: SentBackReason


@router.get("/station/scan")
async def scan_at_bench(call: Bench) -> lookup.ScanSeen | None:
    """Return what the actor's own bench's scanner read last, null once it is used or has perished."""
    return lookup.scan_seen(call.house.inbox, call.station())


@router.post("/visits/{visit_id}/call", status_code=201)
async def call_to_bench(call: Bench, visit_id: UUID) -> Response:
    """Call a ticket to the actor's own station."""
    return await call.record(lambda tx: call_visit(tx, visit_id, call.station()))


@router.post("/visits/{visit_id}/permits", status_code=201)
async def ask_for_permit(call: Bench, visit_id: UUID, body: PermitBody) -> Response:
    """Ask whether this unit may be given to this person, here and now."""
    if isinstance(body, TypedUnitBody):
        recognise = call.house.recognise
        return await call.record(lambda tx: actions.grant_permit(tx, visit_id, unit_code(recognise(body.trace_code))))
    inbox, station = call.house.inbox, call.station()
    with inbox.judging(station, body.delivery_id):
        return await call.record(
            lambda tx: actions.grant_permit(tx, visit_id, lookup.unit_scanned(inbox, station, body.delivery_id))
        )


@router.post("/doses", status_code=201)
async def record_dose(call: Bench, body: DoseBody) -> Response:
    """Record the dose a permit allowed."""
    minutes = call.house.settings.site.observation_minutes
    return await call.record(lambda tx: actions.give_dose(tx, body.permit_id, body.body_site, minutes))


@router.post("/visits/{visit_id}/sent-back", status_code=201)
async def send_back(call: Bench, visit_id: UUID, body: SentBackBody) -> Response:
    """Send a person back to the questions."""
    return await call.record(lambda tx: actions.send_back(tx, visit_id, body.reason))
