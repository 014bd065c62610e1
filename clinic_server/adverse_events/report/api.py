"""The record of adverse events for programs."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Response

from clinic_server.adverse_events.report import actions, claims, later
from clinic_server.adverse_events.report.actions import Amendment
from clinic_server.adverse_events.report.bodies import (
    AmendmentBody,
    CardBody,
    ClaimBody,
    ClassBody,
    ConclusionBody,
    CopyBody,
    LaterBody,
    NewcomerBody,
    ReasonBody,
    SettlementBody,
    SevereBody,
    SoughtBody,
    StepBody,
    WordsBody,
)
from clinic_server.adverse_events.report.card import Card
from clinic_server.adverse_events.report.copies import take_copy
from clinic_server.adverse_events.report.desk import (
    Closer,
    Physician,
    Reader,
    Stepper,
    Writer,
    begun,
    card_of,
    record_for,
    send_copy,
)
from clinic_server.adverse_events.report.record import EventLine, event_lines
from clinic_server.adverse_events.report.seeking import PersonFound, people_by_number, people_called
from clinic_server.adverse_events.report.seen import RecordSeen, seen
from clinic_server.adverse_events.rules import EventStepKind
from clinic_server.people.documents import Document

router = APIRouter(prefix="/api/v1", tags=["adverse events"])


@router.get("/adverse-events")
async def list_events(call: Reader) -> Sequence[EventLine]:
    """Return the events, those with an open file first."""
    keyring, zone, roles = call.house.db.keyring, call.house.settings.site.zone, call.actor.roles
    return await call.read(lambda connection: event_lines(connection, keyring, zone, roles))


@router.post("/adverse-events/people")
async def seek_people(call: Writer, body: SoughtBody) -> Sequence[PersonFound]:
    """Return who is on record of a name or a document's number; who looked is kept, and nothing else."""
    keyring = call.house.db.keyring
    await call.begin_search()
    if body.number:
        kind, number = body.document_kind, body.number
        document = Document.parse(number) if kind is None else Document.of(kind, number, body.issuing_country)
        found = await call.read(lambda connection: people_by_number(connection, keyring, document))
    else:
        found = await call.read(lambda connection: people_called(connection, keyring, body.name, body.born_on))
    call.showed([one.person_id for one in found])
    return found


@router.post("/adverse-events/newcomers", status_code=201)
async def put_on_record(call: Writer, body: NewcomerBody) -> Response:
    """Register somebody whose event is told and who never came."""
    return await call.record(lambda tx: later.put_on_record(tx, body.stated()))


@router.post("/people/{person_id}/adverse-events", status_code=201)
async def open_later(call: Writer, person_id: UUID, body: LaterBody) -> Response:
    """Open the file of an event that was heard of after the visit."""
    new = body.later()
    return await call.record(lambda tx: later.open_later(tx, person_id, new))


@router.get("/adverse-events/{number}")
async def read_record(call: Reader, number: int) -> RecordSeen:
    """Return the record of an event as the caller may see it."""
    return seen(await record_for(call, number))


@router.post("/adverse-events/{number}/class", status_code=201)
async def say_class(call: Writer, number: int, body: ClassBody) -> Response:
    """Say what an event is."""
    return await call.record(lambda tx: actions.say_class(tx, number, body.classed()))


@router.get("/adverse-events/{number}/card")
async def read_card(call: Writer, number: int) -> Card:
    """Return the card that stands, or one begun with what the site knows."""
    return begun(call, await record_for(call, number))


@router.post("/adverse-events/{number}/card", status_code=201)
async def file_card(call: Writer, number: int, body: CardBody) -> Response:
    """Report an event by its card."""
    card, settings = card_of(body.card), call.house.settings.reporting
    return await call.record(lambda tx: actions.file_card(tx, number, card, settings, body.reported_at))


@router.post("/adverse-events/{number}/card/amendments", status_code=201)
async def amend_card(call: Writer, number: int, body: AmendmentBody) -> Response:
    """Append a version to an event's card."""
    new, settings = Amendment(card_of(body.card), body.base_version, body.reason), call.house.settings.reporting
    return await call.record(lambda tx: actions.amend_card(tx, number, new, settings))


@router.post("/adverse-events/{number}/steps/{step}", status_code=201)
async def note_step(call: Stepper, number: int, step: EventStepKind, body: StepBody) -> Response:
    """Note that a step after the report was taken."""
    return await call.record(lambda tx: actions.note_step(tx, number, step, body.taken_at))


@router.post("/adverse-events/{number}/conclusion", status_code=201)
async def conclude(call: Physician, number: int, body: ConclusionBody) -> Response:
    """Note what an event was concluded to have been."""
    return await call.record(lambda tx: actions.conclude(tx, number, body.conclusion()))


@router.post("/adverse-events/{number}/severe-reaction", status_code=201)
async def confirm_severe(call: Physician, number: int, body: SevereBody) -> Response:
    """Bar later doses of the vaccine a severe reaction followed."""
    return await call.record(lambda tx: actions.confirm_severe(tx, number, body.dose_id, body.note))


@router.post("/adverse-events/{number}/claims", status_code=201)
async def note_claim(call: Stepper, number: int, body: ClaimBody) -> Response:
    """Note that somebody was asked to bear costs."""
    return await call.record(lambda tx: claims.note_claim(tx, number, body.kind, body.claimed_on, body.words))


@router.post("/adverse-events/{number}/claims/{claim_id}/settlement", status_code=201)
async def settle_claim(call: Stepper, number: int, claim_id: UUID, body: SettlementBody) -> Response:
    """Note what came of a claim."""
    return await call.record(lambda tx: claims.settle_claim(tx, number, claim_id, body.settled_on, body.words))


@router.post("/adverse-events/{number}/outcome-tries", status_code=201)
async def note_outcome_try(call: Writer, number: int, body: WordsBody) -> Response:
    """Note a try to learn what became of the person that came to nothing."""
    return await call.record(lambda tx: actions.note_outcome_try(tx, number, body.words))


@router.post("/adverse-events/{number}/closing", status_code=201)
async def close(call: Closer, number: int) -> Response:
    """Close the file of an event."""
    return await call.record(lambda tx: actions.close(tx, number))


@router.post("/adverse-events/{number}/reopening", status_code=201)
async def reopen(call: Closer, number: int, body: ReasonBody) -> Response:
    """Open a closed file again."""
    return await call.record(lambda tx: actions.reopen(tx, number, body.reason))


@router.post("/report-card-copies", status_code=201)
async def copy_cards(call: Physician, body: CopyBody) -> Response:
    """Record that cards leave the site, and why; the answer names the copy to be fetched."""
    new = body.copy_wanted()
    return await call.record(lambda tx: take_copy(tx, new))


@router.get("/report-card-copies/{export_id}")
async def fetch_copy(call: Physician, export_id: UUID) -> Response:
    """Return a copy to whoever took it, on that day."""
    return await send_copy(call, export_id)
