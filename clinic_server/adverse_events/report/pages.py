"""The pages of an event's record: the list, whom it is of, what is said and done about it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.care.lookup import standing_calls
from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.report import actions, claims, later
from clinic_server.adverse_events.report.card import changes_between
from clinic_server.adverse_events.report.copies import take_copy
from clinic_server.adverse_events.report.copy_files import place_words
from clinic_server.adverse_events.report.desk import (
    Closer,
    Physician,
    Reader,
    Stepper,
    Writer,
    local_now,
    people_shown,
    record_for,
    send_copy,
)
from clinic_server.adverse_events.report.forms import (
    ClaimForm,
    ClassForm,
    ConclusionForm,
    CopyForm,
    LaterForm,
    NewcomerForm,
    NothingForm,
    ReasonForm,
    SettlementForm,
    SevereForm,
    SoughtForm,
    StepForm,
    WordsForm,
)
from clinic_server.adverse_events.report.prefill import kind_words
from clinic_server.adverse_events.report.record import READ_HEALTH, event_lines
from clinic_server.adverse_events.report.rules import LATER_WAYS, LEAST_TRIES, CardVersion
from clinic_server.adverse_events.report.seeking import (
    PersonFound,
    people_by_number,
    people_called,
    person_found,
)
from clinic_server.adverse_events.report.terms import (
    BodyLevel,
    ClaimKind,
    ConcludingBody,
    CopyFor,
    ExportForm,
    FinalClass,
    HarmGrade,
)
from clinic_server.adverse_events.report.wording import words_of
from clinic_server.adverse_events.rules import EventRef, EventStepKind, Seriousness
from clinic_server.kit.call import Call
from clinic_server.people.documents import SHOWN_KINDS, Sex
from clinic_server.people.rules import PersonUnknown

router = APIRouter(include_in_schema=False)
LIST = "/adverse-events"


def _kinds() -> dict[str, Any]:
    """Return what a class is said with."""
    listed = kinds.shipped()
    return {
        "kinds": listed.kind,
        "kind_by_code": listed.by_code,
        "kind_words": kind_words,
        "seriousness": Seriousness,
        "grounds": UrgentGround,
    }


@router.get(LIST)
async def events(call: Reader) -> HTMLResponse:
    """Show where somebody is being helped, then the events, those with an open file first."""
    keyring, now, roles = call.house.db.keyring, local_now(call), call.actor.roles
    return call.page(
        "adverse_events/events.html",
        calls=await call.read(standing_calls),
        events=await call.read(
            lambda connection: event_lines(connection, keyring, call.house.settings.site.zone, roles)
        ),
        reads_health=bool(READ_HEALTH & roles),
        forms=ExportForm,
        copied_for=CopyFor,
        today=now.date(),
        **_kinds(),
    )


@router.get(f"{LIST}/seek")
async def seek(call: Writer) -> HTMLResponse:
    """Ask whose event it is."""
    return _sought(call, None)


@router.post(f"{LIST}/seek")
async def seek_by_name_or_number(call: Writer) -> HTMLResponse:
    """Show who is on record of a name or a number; who looked is kept, and the address tells nothing."""
    form, keyring = await call.form(SoughtForm), call.house.db.keyring
    document = form.document()
    await call.begin_search()
    if document is not None:
        return _sought(call, await call.read(lambda connection: people_by_number(connection, keyring, document)))
    return _sought(
        call, await call.read(lambda connection: people_called(connection, keyring, form.name, form.born_on))
    )


@router.post(f"{LIST}/seek/shown")
async def seek_shown(call: Writer) -> HTMLResponse:
    """Show whom the card or code shows that was last read at the caller's station."""
    await call.form(NothingForm)
    return _sought(call, await people_shown(call))


@router.post(f"{LIST}/newcomers")
async def put_on_record(call: Writer) -> Response:
    """Register somebody whose event is told and who never came, and go on to the event."""
    stated = (await call.form(NewcomerForm)).stated()
    return await call.record(
        lambda tx: later.put_on_record(tx, stated), then=lambda known: f"/people/{known.person_id}/adverse-event"
    )


@router.get("/people/{person_id}/adverse-event")
async def later_form(call: Writer, person_id: UUID) -> HTMLResponse:
    """Ask what happened to somebody after a dose."""
    keyring = call.house.db.keyring
    found = await call.read(lambda connection: person_found(connection, keyring, person_id))
    if found is None:
        raise PersonUnknown
    choices = {"ways": LATER_WAYS, "now_here": local_now(call), **_kinds()}
    return call.page("adverse_events/later.html", found=found, **choices)


@router.post("/people/{person_id}/adverse-event")
async def open_later(call: Writer, person_id: UUID) -> Response:
    """Open the file of an event that was heard of after the visit."""
    new = (await call.form(LaterForm)).later(call.house.settings.site.zone, local_now(call))
    return await call.record(lambda tx: later.open_later(tx, person_id, new), then=_opened)


@router.get(f"{LIST}/copies/{{export_id}}")
async def fetch_copy(call: Physician, export_id: UUID) -> Response:
    """Send a copy to whoever took it."""
    return await send_copy(call, export_id)


@router.post(f"{LIST}/copies")
async def copy_cards(call: Physician) -> Response:
    """Record that cards leave the site, and why, and go to the copy."""
    new = (await call.form(CopyForm)).copy_wanted()
    return await call.record(lambda tx: take_copy(tx, new), then=lambda taken: f"{LIST}/copies/{taken.export_id}")


@router.get(f"{LIST}/{{number}}")
async def record(call: Reader, number: int) -> HTMLResponse:
    """Show the record of an event as the caller may see it."""
    found = await record_for(call, number)
    versions = found.health.versions if found.health else ()
    choices: dict[str, Any] = {
        "steps": EventStepKind,
        "final_classes": FinalClass,
        "bodies": ConcludingBody,
        "levels": BodyLevel,
        "harms": HarmGrade,
        "claim_kinds": ClaimKind,
        "forms": ExportForm,
        "copied_for": CopyFor,
        "least_tries": LEAST_TRIES,
    }
    return call.page(
        "adverse_events/record.html",
        record=found,
        changes=_changes(versions),
        words_of=words_of,
        place_words=place_words,
        today=local_now(call).date(),
        **choices,
        **_kinds(),
    )


@router.post(f"{LIST}/{{number}}/class")
async def say_class(call: Writer, number: int) -> Response:
    """Say what an event is."""
    form = await call.form(ClassForm)
    told = form.classed()
    return await call.record(lambda tx: actions.say_class(tx, number, told), then=_page(number))


@router.post(f"{LIST}/{{number}}/steps")
async def note_step(call: Stepper, number: int) -> Response:
    """Note that a step after the report was taken."""
    form = await call.form(StepForm)
    taken_at = form.instant(call.house.settings.site.zone, local_now(call))
    return await call.record(lambda tx: actions.note_step(tx, number, form.step, taken_at), then=_page(number))


@router.post(f"{LIST}/{{number}}/conclusion")
async def conclude(call: Physician, number: int) -> Response:
    """Note what an event was concluded to have been."""
    told = (await call.form(ConclusionForm)).conclusion()
    return await call.record(lambda tx: actions.conclude(tx, number, told), then=_page(number))


@router.post(f"{LIST}/{{number}}/severe-reaction")
async def confirm_severe(call: Physician, number: int) -> Response:
    """Bar later doses of the vaccine a severe reaction followed."""
    form = await call.form(SevereForm)
    return await call.record(lambda tx: actions.confirm_severe(tx, number, form.dose_id, form.note), then=_page(number))


@router.post(f"{LIST}/{{number}}/claims")
async def note_claim(call: Stepper, number: int) -> Response:
    """Note that somebody was asked to bear costs."""
    form = await call.form(ClaimForm)
    return await call.record(
        lambda tx: claims.note_claim(tx, number, form.kind, form.claimed_on, form.words), then=_page(number)
    )


@router.post(f"{LIST}/{{number}}/claims/{{claim_id}}/settlement")
async def settle_claim(call: Stepper, number: int, claim_id: UUID) -> Response:
    """Note what came of a claim."""
    form = await call.form(SettlementForm)
    return await call.record(
        lambda tx: claims.settle_claim(tx, number, claim_id, form.settled_on, form.words), then=_page(number)
    )


@router.post(f"{LIST}/{{number}}/outcome-tries")
async def note_outcome_try(call: Writer, number: int) -> Response:
    """Note a try to learn what became of the person that came to nothing."""
    form = await call.form(WordsForm)
    return await call.record(lambda tx: actions.note_outcome_try(tx, number, form.words), then=_page(number))


@router.post(f"{LIST}/{{number}}/closing")
async def close(call: Closer, number: int) -> Response:
    """Close the file of an event."""
    await call.form(NothingForm)
    return await call.record(lambda tx: actions.close(tx, number), then=_page(number))


@router.post(f"{LIST}/{{number}}/reopening")
async def reopen(call: Closer, number: int) -> Response:
    """Open a closed file again."""
    form = await call.form(ReasonForm)
    return await call.record(lambda tx: actions.reopen(tx, number, form.reason), then=_page(number))


def _sought(call: Call, found: Sequence[PersonFound] | None) -> HTMLResponse:
    if found is not None:
        call.showed([one.person_id for one in found])
    return call.page("adverse_events/seek.html", found=found, kinds=SHOWN_KINDS, sexes=Sex)


def _changes(versions: Sequence[CardVersion]) -> dict[int, Any]:
    """Return for each version after the first what it changed in the one before."""
    pairs = pairwise(versions)
    return {newer.version: changes_between(older.card, newer.card) for older, newer in pairs}


def _page(number: int) -> str:
    return f"{LIST}/{number}"


def _opened(event: EventRef) -> str:
    return _page(event.number)
