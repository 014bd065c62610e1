"""The record of adverse events for programs."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.report import actions, claims, later
from clinic_server.adverse_events.report.actions import Amendment
from clinic_server.adverse_events.report.card import Card
from clinic_server.adverse_events.report.copies import NewCopy, take_copy
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
from clinic_server.adverse_events.report.rules import Conclusion, LaterEvent
from clinic_server.adverse_events.report.seeking import PersonFound, people_by_number, people_called
from clinic_server.adverse_events.report.seen import RecordSeen, seen
from clinic_server.adverse_events.report.terms import (
    BodyLevel,
    ClaimKind,
    ConcludingBody,
    ExportForm,
    FinalClass,
    HarmGrade,
)
from clinic_server.adverse_events.rules import Classed, EventStepKind, FoundHow, Seriousness, SuspectElsewhere
from clinic_server.kit.call import Body
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import MOST_NAME_CHARACTERS, IdentityFacts

router = APIRouter(prefix="/api/v1", tags=["adverse events"])
LaterWay = Literal[FoundHow.TELEPHONE, FoundHow.RETURNED, FoundHow.REPORTED]
_Words = Annotated[str, Field(max_length=2000, repr=False)]


class SoughtBody(Body):
    """Whom an event is of: a name, with a birth date where it is known, or a document's number."""

    name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    born_on: date | None = Field(None, repr=False)
    document_kind: DocumentKind | None = None
    number: str = Field("", max_length=40, repr=False)
    issuing_country: str = Field("", max_length=3)


class NewcomerBody(Body):
    """Somebody who is not on record: one document, and what it does not tell itself."""

    document_kind: DocumentKind
    number: str = Field(max_length=40, repr=False)
    issuing_country: str = Field("", max_length=3)
    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS, repr=False)
    sex: Sex = Field(Sex.UNKNOWN, repr=False)
    born_on: date | None = Field(None, repr=False)

    def stated(self) -> IdentityFacts:
        """Return who this is, or raise a Refused."""
        document = Document.of(self.document_kind, self.number, self.issuing_country)
        return IdentityFacts.stated(document, name=self.name, sex=self.sex, born_on=self.born_on)


class ClassBody(Body):
    """What an event is said to be."""

    kind: str = Field(max_length=40, repr=False)
    seriousness: tuple[Seriousness, ...] = Field((), repr=False)
    grounds: tuple[UrgentGround, ...] = Field((), repr=False)

    def classed(self) -> Classed:
        """Return it as the rules know it."""
        return Classed(self.kind, self.seriousness, self.grounds)


class ElsewhereBody(Body):
    """A suspected dose that was given elsewhere."""

    product: str = Field(min_length=1, max_length=100)
    given_on: date
    maker: str = Field("", max_length=100)
    lot_number: str = Field("", max_length=40)
    place: str = Field("", max_length=100)


class LaterBody(Body):
    """An event that was heard of after the visit."""

    found_how: LaterWay
    onset_at: AwareDatetime = Field(repr=False)
    discovered_at: AwareDatetime | None = None
    dose_ids: tuple[UUID, ...] = ()
    elsewhere: tuple[ElsewhereBody, ...] = Field((), repr=False)
    classed: ClassBody | None = Field(None, repr=False)

    def later(self) -> LaterEvent:
        """Return it as the rules know it."""
        return LaterEvent(
            found_how=self.found_how,
            onset_at=self.onset_at,
            discovered_at=self.discovered_at,
            dose_ids=self.dose_ids,
            elsewhere=[
                SuspectElsewhere(one.product, one.given_on.isoformat(), one.maker, one.lot_number, one.place)
                for one in self.elsewhere
            ],
            classed=self.classed.classed() if self.classed else None,
        )


class CardBody(Body):
    """A card to be filed; ``reported_at`` where it was told before, by telephone."""

    card: dict[str, Any] = Field(repr=False)
    reported_at: AwareDatetime | None = None


class AmendmentBody(Body):
    """A card as it should read, the version that rests on, and why."""

    card: dict[str, Any] = Field(repr=False)
    base_version: int
    reason: _Words


class StepBody(Body):
    """When a step was taken, if not now."""

    taken_at: AwareDatetime | None = None


class ConclusionBody(Body):
    """What an event was concluded to have been."""

    final_class: FinalClass = Field(repr=False)
    diagnosis: str = Field("", max_length=200, repr=False)
    concluded_on: date
    body: ConcludingBody | None = None
    level: BodyLevel | None = None
    harm: HarmGrade | None = Field(None, repr=False)


class SevereBody(Body):
    """After which dose the reaction was severe, and what the physician says of it."""

    dose_id: UUID
    note: _Words


class ClaimBody(Body):
    """Who is asked to bear which costs."""

    kind: ClaimKind
    claimed_on: date
    words: _Words = ""


class SettlementBody(Body):
    """What came of a claim."""

    settled_on: date
    words: _Words = ""


class ReasonBody(Body):
    """Why."""

    reason: _Words


class CopyBody(ReasonBody):
    """Of which cards a copy is taken, how, and why: of one event, or of a period."""

    form: ExportForm
    number: int | None = None
    since: date | None = None
    until: date | None = None

    def copy_wanted(self) -> NewCopy:
        """Return it as the rules know it, or raise Malformed of a period with one end."""
        return NewCopy(self.form, self.reason, self.number, self.since, self.until)


@router.get("/adverse-events")
async def list_events(call: Reader) -> Sequence[EventLine]:
    """Return the events, those with an open file first."""
    keyring, zone, roles = call.house.db.keyring, call.house.settings.site.zone, call.actor.roles
    return await call.read(lambda connection: event_lines(connection, keyring, zone, roles))


@router.post("/adverse-events/people")
async def seek_people(call: Writer, body: SoughtBody) -> Sequence[PersonFound]:
    """Return who is on record of a name or a document's number; nothing is recorded."""
    keyring = call.house.db.keyring
    if body.number:
        kind, number = body.document_kind, body.number
        document = Document.parse(number) if kind is None else Document.of(kind, number, body.issuing_country)
        return await call.read(lambda connection: people_by_number(connection, keyring, document))
    return await call.read(lambda connection: people_called(connection, keyring, body.name, body.born_on))


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
    return await call.record(lambda tx: actions.conclude(tx, number, Conclusion(**body.model_dump())))


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
