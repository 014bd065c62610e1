"""Alerts as they stand, answering them, work on places, and who is called when."""

from datetime import date, time
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.alerts import answering, contacts, duties, shelving, shown
from clinic_server.alerts.roster import OtherDay, Shift, Weekly
from clinic_server.alerts.rules import AnswerWay
from clinic_server.kit.call import Body, Call, allows, signed_in
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["alerts"])
Anybody = Annotated[Call, signed_in()]
RosterKeeper = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]
FridgeWorker = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.VACCINATOR)]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class AcknowledgementBody(Body):
    """What somebody is doing about an alert."""

    comment: str = Field(max_length=400)


class ShelvingBody(Body):
    """Which place somebody works on, for how long, and why."""

    place_code: str = Field(min_length=1, max_length=32)
    minutes: int
    reason: Words


class AddressBody(Body):
    """Where a contact is reached."""

    channel: str = Field(min_length=1, max_length=40)
    address: str = Field(min_length=1, max_length=200, repr=False)


class ContactBody(Body):
    """Somebody to be paged; the first address is tried first."""

    name: str = Field(min_length=1, max_length=80, repr=False)
    addresses: Annotated[tuple[AddressBody, ...], Field(max_length=8)]
    language: Literal["zh-CN", "zh-TW", "en"] = "zh-CN"
    staff_id: UUID | None = None


class ShiftBody(Body):
    """A contact on a step from one local time to another, the next day's where it is not later."""

    contact_id: UUID
    step: int
    starts: time
    ends: time


class DutyBody(ShiftBody):
    """A shift of every week; Monday is 0."""

    weekdays: Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], Field(min_length=1)]


class OtherDayBody(ShiftBody):
    """A day on which somebody stands in, or is away."""

    on_date: date
    is_on: bool


@router.get("/alerts")
async def alerts(call: Anybody) -> shown.AlertsNow:
    """Return open alerts, the severest first, places being worked on, and what was over of late."""
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    return await call.read(lambda connection: shown.alerts_now(connection, now, zone))


@router.get("/alerts/{number}")
async def alert(call: Anybody, number: int) -> shown.Story:
    """Return all that happened to an alert."""
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    return await call.read(lambda connection: shown.story_of(connection, number, now, zone))


@router.post("/alerts/{number}/acknowledgements", status_code=201)
async def acknowledge(call: Anybody, number: int, body: AcknowledgementBody) -> Response:
    """Acknowledge an alert and say what is done about it."""
    return await call.record(lambda tx: answering.acknowledge(tx, number, body.comment, AnswerWay.DESK))


@router.post("/alert-shelvings", status_code=201)
async def shelve(call: FridgeWorker, body: ShelvingBody) -> Response:
    """Silence a place that somebody works on."""
    new = shelving.NewShelving(**body.model_dump())
    return await call.record(lambda tx: shelving.shelve_place(tx, new))


@router.post("/alert-shelvings/{place_code}/end", status_code=201)
async def end_shelving(call: FridgeWorker, place_code: str) -> Response:
    """Say that the work on a place is done."""
    return await call.record(lambda tx: shelving.end_shelving(tx, place_code))


@router.post("/alert-contacts", status_code=201)
async def add_contact(call: RosterKeeper, body: ContactBody) -> Response:
    """Add somebody who can be paged."""
    return await call.record(lambda tx: contacts.add_contact(tx, _contact(body)))


@router.post("/alert-contacts/{contact_id}/restatement", status_code=201)
async def restate_contact(call: RosterKeeper, contact_id: UUID, body: ContactBody) -> Response:
    """Put a contact's name, addresses or language right."""
    return await call.record(lambda tx: contacts.restate_contact(tx, contact_id, _contact(body)))


@router.post("/alert-contacts/{contact_id}/end", status_code=201)
async def end_contact(call: RosterKeeper, contact_id: UUID) -> Response:
    """Page somebody no more."""
    return await call.record(lambda tx: contacts.end_contact(tx, contact_id))


@router.post("/alert-duties", status_code=201)
async def add_duty(call: RosterKeeper, body: DutyBody) -> Response:
    """Put a contact on a step on days of every week."""
    return await call.record(lambda tx: duties.add_duty(tx, Weekly(frozenset(body.weekdays), _shift(body))))


@router.post("/alert-duties/{duty_id}/end", status_code=201)
async def end_duty(call: RosterKeeper, duty_id: UUID) -> Response:
    """Take a weekly duty away."""
    return await call.record(lambda tx: duties.end_duty(tx, duty_id))


@router.post("/alert-duty-exceptions", status_code=201)
async def except_day(call: RosterKeeper, body: OtherDayBody) -> Response:
    """Say that a day differs."""
    day = OtherDay(body.on_date, body.is_on, _shift(body))
    return await call.record(lambda tx: duties.except_day(tx, day))


def _contact(body: ContactBody) -> contacts.NewContact:
    addresses = tuple(contacts.Address(one.channel, one.address) for one in body.addresses)
    return contacts.NewContact(body.name, addresses, body.language, body.staff_id)


def _shift(body: ShiftBody) -> Shift:
    return Shift(body.contact_id, body.step, body.starts, body.ends)
