"""The bench: who is next, scan, permit in green or refusal in red, given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.injection import actions, lookup
from clinic_server.injection.rules import PermitFacts, SentBackReason
from clinic_server.kit.call import Call, Form, allows, go_to
from clinic_server.opening.lookup import pauses
from clinic_server.people.rules import PersonFacts
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import ProductFacts, require_product, unit_by_id
from clinic_server.stock.rules import BodySite, UnitFacts
from clinic_server.stock.scans import unit_code
from clinic_server.visits.flow import Stage
from clinic_server.visits.line import one_in_line
from clinic_server.visits.lookup import Standing, standing_at
from clinic_server.visits.orders import standing_order
from clinic_server.visits.steps import call_next, call_visit

router = APIRouter(include_in_schema=False)
Bench = Annotated[Call, allows(Role.VACCINATOR)]


class UnitForm(Form):
    """The unit in hand: what the bench's own scanner read, or a code typed by hand or by a scanner that types."""

    delivery_id: UUID | None = None
    trace_code: str = Field("", max_length=200)


class GivenForm(Form):
    """The permit presented, and where the needle went in."""

    permit_id: UUID
    body_site: BodySite


class SentBackForm(Form):
    """Why the bench does not vaccinate."""

    reason: SentBackReason


@dataclass(frozen=True, slots=True)
class Chair:
    """Everything the bench shows of the person in the chair."""

    visit: Standing
    person: PersonFacts
    age: int
    ordered: ProductFacts | None
    unit: UnitFacts | None
    permit_expires_at: datetime | None


@router.get("/bench")
async def bench(call: Bench) -> Response:
    """Show who waits for an injection."""
    return call.page("injection/bench.html", station=call.station(), queue=await _queue(call))


@router.get("/bench/queue")
async def bench_queue(call: Bench) -> Response:
    """Show the queue again."""
    return call.page("injection/_queue.html", station=call.station(), queue=await _queue(call))


@router.post("/bench/next")
async def call_next_ticket(call: Bench) -> Response:
    """Call the next ticket to this bench and go to it."""
    station = call.station()
    return await call.record(lambda tx: call_next(tx, Stage.WAITING_FOR_INJECTION, station), then=_chair_of)


@router.post("/visits/{visit_id}/call")
async def call_ticket(call: Bench, visit_id: UUID) -> Response:
    """Call one ticket, again or out of turn, and go to it."""
    station = call.station()
    return await call.record(lambda tx: call_visit(tx, visit_id, station), then=_chair_of(visit_id))


@router.get("/visits/{visit_id}/injection")
async def chair(call: Bench, visit_id: UUID, permit: UUID | None = None) -> Response:
    """Show the person in the chair and what the server permits: green only while a dose would be taken."""
    lookup.put_aside(call.house.inbox, call.station())  # what was scanned before is not this person's
    seated = await call.read(lambda connection: _chair(connection, call, visit_id, permit))
    return call.page("injection/chair.html", chair=seated, permit_id=permit, station=call.station())


@router.get("/visits/{visit_id}/injection/permit")
async def permit_again(call: Bench, visit_id: UUID, permit: UUID) -> Response:
    """Change nothing while the permit stands; once it does not, take the green off the screen."""
    held = await call.read(lambda connection: _shown(connection, call, visit_id, permit))
    if held is not None:
        return Response(status_code=204)
    known = await call.read(lambda connection: actions.permit_by_id(connection, permit))
    if known.is_used:  # whoever used it is on the way to the visit's page by the form's own answer
        return Response(status_code=204)
    return go_to(call.request, f"{_chair_of(visit_id)}?permit={permit}")


@router.get("/visits/{visit_id}/injection/scan")
async def chair_scan(call: Bench, visit_id: UUID, permit: UUID | None = None) -> Response:
    """Show what this bench's scanner just read, and ask about it at once, unless a permit is on the screen."""
    inbox, station = call.house.inbox, call.station()
    if permit is not None:
        is_unused = lookup.put_aside(inbox, station)
        return call.page("injection/_scan.html", visit_id=visit_id, scan=None, is_unused=is_unused)
    scan = lookup.scan_seen(inbox, station)
    return call.page("injection/_scan.html", visit_id=visit_id, scan=scan, is_unused=False)


@router.post("/visits/{visit_id}/permits")
async def ask_for_permit(call: Bench, visit_id: UUID) -> Response:
    """Ask for the needle's permit with the unit in hand."""
    form = await call.form(UnitForm)
    inbox, station = call.house.inbox, call.station()

    def unit() -> str:
        if form.delivery_id is None:
            return unit_code(call.house.recognise(form.trace_code))
        return lookup.unit_scanned(inbox, station, form.delivery_id)

    with inbox.judging(station, form.delivery_id):
        return await call.record(lambda tx: actions.grant_permit(tx, visit_id, unit()), then=_shows(visit_id))


@router.post("/visits/{visit_id}/doses")
async def record_dose(call: Bench, visit_id: UUID) -> Response:
    """Record the dose and go back to the queue."""
    form = await call.form(GivenForm)
    minutes = call.house.settings.site.observation_minutes
    return await call.record(
        lambda tx: actions.give_dose(tx, form.permit_id, form.body_site, minutes),
        then=f"/visits/{visit_id}",
    )


@router.post("/visits/{visit_id}/sent-back")
async def send_back(call: Bench, visit_id: UUID) -> Response:
    """Send the person back to the questions."""
    form = await call.form(SentBackForm)
    return await call.record(lambda tx: actions.send_back(tx, visit_id, form.reason), then="/bench")


async def _queue(call: Call) -> list[Standing]:
    return list(await call.read(lambda connection: standing_at(connection, Stage.WAITING_FOR_INJECTION)))


def _chair_of(visit_id: UUID) -> str:
    return f"/visits/{visit_id}/injection"


def _shows(visit_id: UUID) -> Callable[[actions.Granted], str]:
    return lambda granted: f"{_chair_of(visit_id)}?permit={granted.permit_id}"


def _chair(connection: Connection, call: Call, visit_id: UUID, permit_id: UUID | None) -> Chair:
    seated = one_in_line(connection, call.house.db.keyring, visit_id)
    order = standing_order(connection, visit_id)
    held = _shown(connection, call, visit_id, permit_id) if permit_id else None
    return Chair(
        visit=seated.visit,
        person=seated.person,
        age=seated.person.age_on(call.local_date(call.house.db.clock.now())),
        ordered=require_product(connection, order.product_code) if order else None,
        unit=unit_by_id(connection, held.unit_id) if held else None,
        permit_expires_at=held.expires_at if held else None,
    )


def _shown(connection: Connection, call: Call, visit_id: UUID, permit_id: UUID) -> PermitFacts | None:
    now = call.house.db.clock.now()
    if pauses(connection, now, call.house.settings.site.zone):
        return None
    return actions.shown_permit(connection, permit_id, visit_id, call.actor, (now, call.local_date(now)))
