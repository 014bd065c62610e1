"""The start page, the registration desk, and the page of a visit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from clinic_server.check_in import lookup
from clinic_server.check_in.actions import Arrival, CheckedIn, check_in, close_abandoned
from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.rules import How, TypedReason
from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows, go_to, signed_in
from clinic_server.people.documents import SHOWN_KINDS, Document, DocumentKind, Sex
from clinic_server.people.rules import (
    MOST_NAME_CHARACTERS,
    MOST_PHONE_CHARACTERS,
    PHONE_OR_NONE,
    CardHolder,
    IdentityFacts,
)
from clinic_server.queue.lookup import minutes_to_wait
from clinic_server.queue.rules import SERVED
from clinic_server.staff.rules import Role
from clinic_server.stock.scans import ScanFacts
from clinic_server.visits.chain import waiting_for_more
from clinic_server.visits.flow import STEPS, Outcome, Stage
from clinic_server.visits.lookup import count_by_stage

router = APIRouter(include_in_schema=False)
Desk = Annotated[Call, allows(Role.REGISTRAR)]
Floor = Annotated[Call, allows(*lookup.KNOW_NAMES, Role.ORDER_KEEPER, Role.VOLUNTEER)]
Closer = Annotated[Call, allows(*lookup.MAY_CLOSE)]


@dataclass(frozen=True, slots=True)
class Work:
    """Where the work of a stage is done, and whose it is: the page of its queue, and that of one visit."""

    queue: str
    visit: str
    roles: frozenset[Role]


WORK: Mapping[Stage, Work] = {
    **{stage: Work(one.page, one.visit_page, one.roles) for stage, one in SERVED.items()},
    Stage.CONSENT_DISPUTED: Work("/consent", "/consent", frozenset({Role.PHYSICIAN})),
    Stage.OBSERVED: Work("/observation", "", frozenset({Role.OBSERVER, Role.PHYSICIAN})),
}


class CardForm(Form):
    """The card that lies on the reader is the person at the desk."""

    delivery_id: UUID
    take_stated: bool = False


class ScanForm(Form):
    """A code typed by a scanner that plays keyboard."""

    scanned: str = Field(min_length=1, max_length=200)


class TypedForm(Form):
    """A document typed by hand, and why; ``delivery_id`` is the scan the form was begun with."""

    delivery_id: UUID | None = None
    typed_reason: TypedReason
    document_kind: DocumentKind
    number: str = Field(max_length=40)
    issuing_country: str = Field("", max_length=3)
    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS)
    latin_name: str = Field("", max_length=MOST_NAME_CHARACTERS)
    sex: Sex = Sex.UNKNOWN
    born_on: Annotated[date | None, EMPTY_IS_NONE] = None
    nationality: str = Field("", pattern="^([A-Za-z]{3})?$")
    phone: str = Field("", max_length=MOST_PHONE_CHARACTERS, pattern=PHONE_OR_NONE, repr=False)


class BegunForm(Form):
    """What is known of somebody whom nobody found on record."""

    name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    phone: str = Field("", max_length=MOST_PHONE_CHARACTERS, repr=False)
    born_on: Annotated[date | None, EMPTY_IS_NONE] = None


@router.get("/")
async def start(call: Annotated[Call, signed_in()]) -> HTMLResponse:
    """Show how many stand where, and the way to each one's work."""
    return call.page("check_in/start.html", **await _board(call))


@router.get("/board")
async def board(call: Annotated[Call, signed_in()]) -> HTMLResponse:
    """Show the counts alone."""
    return call.page("check_in/_board.html", **await _board(call))


@router.get("/check-in")
async def desk(call: Desk, issued: UUID | None = None) -> HTMLResponse:
    """Wait for a card; after a check-in, show its ticket until the next card comes."""
    return call.page("check_in/desk.html", station=call.station(), **await _at_desk(call, issued))


@router.get("/check-in/card")
async def card(call: Desk, issued: UUID | None = None) -> HTMLResponse:
    """Show what lies on the desk's own reader, or the ticket just given."""
    return call.page("check_in/_card.html", **await _at_desk(call, issued))


@router.post("/check-in")
async def check_in_by_card(call: Desk) -> Response:
    """Check in the person whose card lies on the reader."""
    form = await call.form(CardForm)
    site, inbox, station = call.house.settings.site, call.house.inbox, call.station()
    admission_on = admission_of(call)
    with inbox.judging(station, form.delivery_id):
        return await call.record(
            lambda tx: check_in(
                tx,
                site,
                lookup.arrival_by_delivery(tx, inbox, station, form.delivery_id, take_stated=form.take_stated),
                admission_on,
            ),
            then=ticket_page,
        )


@router.post("/check-in/scan")
async def scan_typed(call: Desk) -> Response:
    """Take what a scanner typed that plays keyboard as if the desk's own scanner had read it; nothing is recorded."""
    form = await call.form(ScanForm)
    scanned, keyring = call.house.recognise(form.scanned), call.house.db.keyring
    if isinstance(scanned, ScanFacts):  # a bare number can be typed, and shows whose it is; a slip's code cannot
        await call.begin_search()
        call.showed(await call.read(lambda connection: lookup.owners_of(connection, keyring, scanned)))
    call.house.inbox.put(call.station(), How.SCAN.value, scanned)
    return go_to(call.request, "/check-in")


@router.get("/check-in/typed")
async def typed_form(call: Desk, delivery_id: UUID | None = None) -> HTMLResponse:
    """Show the form for a person without a readable card, begun with what the card that lies there or a scan tells."""
    inbox, station = call.house.inbox, call.station()
    holder = lookup.holder_at(inbox, station)
    begun = lookup.begun_with(inbox, station, delivery_id) if delivery_id else None
    reason = TypedReason.FOREIGN_DOCUMENT if holder else None
    return _typed_page(call, holder=holder, begun=begun, delivery_id=delivery_id, reason=reason)


@router.post("/check-in/typed/begun")
async def begin_typed(call: Desk) -> HTMLResponse:
    """Show the form begun with what was typed to find somebody on record; nothing is recorded."""
    form = await call.form(BegunForm)
    holder = CardHolder(DocumentKind.RESIDENT_ID, form.name, born_on=form.born_on)
    return _typed_page(call, holder=holder, phone=form.phone)


@router.post("/check-in/typed")
async def check_in_typed(call: Desk) -> Response:
    """Check in a person whose document was typed."""
    form = await call.form(TypedForm)
    site, inbox, station = call.house.settings.site, call.house.inbox, call.station()
    admission_on = admission_of(call)
    with inbox.judging(station, form.delivery_id):
        answer = await call.record(lambda tx: check_in(tx, site, _typed(form), admission_on), then=ticket_page)
    inbox.clear(station)  # a card read meanwhile is this person's, not the next one's
    return answer


@router.get("/visits/{visit_id}")
async def visit(call: Floor, visit_id: UUID) -> HTMLResponse:
    """Show where a visit stands, every step it took, and what comes next."""
    return call.page("check_in/visit.html", **await _visit(call, visit_id))


@router.get("/visits/{visit_id}/standing")
async def visit_standing(call: Floor, visit_id: UUID) -> HTMLResponse:
    """Show the visit alone."""
    return call.page("check_in/_visit.html", **await _visit(call, visit_id))


@router.post("/visits/{visit_id}/abandonment")
async def abandon_visit(call: Closer, visit_id: UUID) -> Response:
    """Close the visit of somebody who went away."""
    return await call.record(lambda tx: close_abandoned(tx, visit_id), then=f"/visits/{visit_id}")


async def _at_desk(call: Call, issued: UUID | None) -> dict[str, Any]:
    ticket = await call.read(lambda connection: lookup.issued(connection, issued)) if issued else None
    lying = await call.read(lookup.lying_for(call))
    lookup.sound_fault(call.house.inbox, call.station(), lying)
    return {"issued": ticket, "lying": lying}


def ticket_page(recorded: CheckedIn) -> str:
    """Return the desk's page that shows a ticket just given."""
    return f"/check-in?issued={recorded.visit_id}"


def _typed_page(call: Call, **known: Any) -> HTMLResponse:
    unknown: dict[str, Any] = dict.fromkeys(("holder", "begun", "delivery_id", "reason", "phone"))
    reasons = [reason for reason in TypedReason if reason is not TypedReason.NEWBORN]  # who has a page of their own
    choices: dict[str, Any] = {"reasons": reasons, "kinds": SHOWN_KINDS, "sexes": Sex}
    return call.page("check_in/typed.html", **(unknown | choices | known))


def _typed(form: TypedForm) -> Arrival:
    stated = IdentityFacts.stated(
        Document.of(form.document_kind, form.number, form.issuing_country),
        name=form.name,
        sex=form.sex,
        born_on=form.born_on,
        latin_name=form.latin_name,
        nationality=form.nationality.upper(),
    )
    return Arrival(stated, How.TYPED, form.typed_reason, phone=form.phone)


async def _board(call: Call) -> dict[str, Any]:
    today = call.business_day(call.house.db.clock.now())
    counts = await call.read(lambda connection: count_by_stage(connection, today))
    links = {stage: work.queue for stage, work in WORK.items() if work.roles & call.actor.roles}
    ended = [stage for stage in Stage if not stage.is_open]
    return {"counts": counts, "waiting": list(STEPS), "ended": ended, "links": links}


async def _visit(call: Call, visit_id: UUID) -> dict[str, Any]:
    keyring, roles = call.house.db.keyring, call.actor.roles
    site = call.house.settings.site
    seen = await call.read(lambda connection: lookup.visit_seen(connection, keyring, visit_id, roles))
    wait = await call.read(lambda connection: minutes_to_wait(connection, site, visit_id))
    work = WORK.get(seen.visit.stage)
    may_close = Outcome.ABANDONED in STEPS.get(seen.visit.stage, {}) and bool(lookup.MAY_CLOSE & roles)
    return {
        "seen": seen,
        "wait": wait,
        "next_page": _next_page(work, visit_id, roles),
        "may_close": may_close,
        "further_ticket": (await call.read(waiting_for_more)).get(visit_id),
    }


def _next_page(work: Work | None, visit_id: UUID, roles: frozenset[str]) -> str | None:
    """Return the page on which this actor goes on with a visit."""
    if work is None or not work.roles & roles:
        return None
    return f"/visits/{visit_id}{work.visit}" if work.visit else work.queue
