"""The bench's calls."""

from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.injection import actions
from clinic_server.injection.rules import BodySite, SentBackReason
from clinic_server.kit.call import Body, Call, allows
from clinic_server.staff.rules import Role
from clinic_server.visits.steps import call_visit

router = APIRouter(prefix="/api/v1", tags=["injection"])
Bench = Annotated[Call, allows(Role.VACCINATOR)]


class PermitBody(Body):
    """The unit in the vaccinator's hand, by its scanned trace code."""

    trace_code: str = Field(min_length=1, max_length=200)


class DoseBody(Body):
    """The permit presented, and where the needle went in."""

    permit_id: UUID
    body_site: BodySite


class SentBackBody(Body):
    """Why the bench does not vaccinate."""

    reason: SentBackReason


@dataclass(frozen=True, slots=True)
class ScanSeen:
    """What this bench's scanner read last."""

    delivery_id: UUID
    text: str = field(repr=False)


@router.get("/station/scan")
async def scan_at_bench(call: Bench) -> ScanSeen | None:
    """Return what the actor's own bench's scanner read last, null once it has perished."""
    delivery = call.house.inbox.latest(call.station(), "scan")
    return ScanSeen(delivery.id, delivery.content.text) if delivery else None


@router.post("/visits/{visit_id}/call", status_code=201)
async def call_to_bench(call: Bench, visit_id: UUID) -> Response:
    """Call a ticket to the actor's own station."""
    return await call.record(lambda tx: call_visit(tx, visit_id, call.station()))


@router.post("/visits/{visit_id}/permits", status_code=201)
async def ask_for_permit(call: Bench, visit_id: UUID, body: PermitBody) -> Response:
    """Ask whether this unit may be given to this person, here and now."""
    return await call.record(lambda tx: actions.grant_permit(tx, visit_id, body.trace_code))


@router.post("/doses", status_code=201)
async def record_dose(call: Bench, body: DoseBody) -> Response:
    """Record the dose a permit allowed."""
    minutes = call.house.settings.site.observation_minutes
    return await call.record(lambda tx: actions.give_dose(tx, body.permit_id, body.body_site, minutes))


@router.post("/visits/{visit_id}/sent-back", status_code=201)
async def send_back(call: Bench, visit_id: UUID, body: SentBackBody) -> Response:
    """Send a person back to the questions."""
    return await call.record(lambda tx: actions.send_back(tx, visit_id, body.reason))
