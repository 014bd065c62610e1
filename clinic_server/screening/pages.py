"""The screening desk: who is next, the questions, and the physician's decision."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.immunisations.seen import outlooks_of_visit
from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows
from clinic_server.kit.tx import Tx
from clinic_server.queue.actions import call_next
from clinic_server.queue.lookup import listed_with_names
from clinic_server.screening import actions
from clinic_server.screening.actions import Answered, Further
from clinic_server.screening.answers_form import AnswersForm
from clinic_server.screening.decisions import Channel
from clinic_server.screening.lookup import decision_sheet
from clinic_server.screening.measured import Taken, lying_at, measure_again, record_round, taken_at
from clinic_server.screening.own_answers import (
    issue_link,
    require_link,
)
from clinic_server.screening.rules import Answer, DecisionOutcome, Measurements, Proposal, days_deferred
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.line import one_in_line

router = APIRouter(include_in_schema=False)
Asker = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]
_Degrees = Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
_DEFERRED_DAYS = 7  # what the date field starts with where no source says how long; the physician sets it


class MeasuredForm(Form):
    """What was measured; ``delivery_id`` is what a device told, if it did."""

    delivery_id: Annotated[UUID | None, EMPTY_IS_NONE] = None
    celsius: Annotated[_Degrees | None, EMPTY_IS_NONE] = None
    systolic_mmhg: Annotated[int | None, EMPTY_IS_NONE] = None
    diastolic_mmhg: Annotated[int | None, EMPTY_IS_NONE] = None

    def measurements(self) -> Measurements:
        """Return what was measured, in the rules' units."""
        milli_celsius = None if self.celsius is None else int(self.celsius * 1000)
        return Measurements(milli_celsius, self.systolic_mmhg, self.diastolic_mmhg)


class ScreeningForm(MeasuredForm, AnswersForm):
    """The answers, what was measured, and what the person came for."""

    programme: Annotated[str | None, EMPTY_IS_NONE] = Field(None, max_length=40)


class HandOverForm(Form):
    """What the person who answers alone came for."""

    programme: Annotated[str | None, EMPTY_IS_NONE] = Field(None, max_length=40)


class MeasuredAgainForm(MeasuredForm):
    """What was measured after the questions were answered."""

    screening_id: UUID


class DecisionForm(Form):
    """The physician's choice; product and date count only for the choice they belong to."""

    screening_id: UUID
    outcome: DecisionOutcome
    product_code: str = Field("", max_length=40)
    deferred_until: Annotated[date | None, EMPTY_IS_NONE] = None
    reason: str = Field("", max_length=2000, repr=False)

    def proposal(self) -> Proposal:
        """Return the decision as the rules know it."""
        product_code = self.product_code or None
        return Proposal(
            self.outcome,
            product_code if self.outcome is DecisionOutcome.RECOMMENDED else None,
            self.reason or None,
            self.deferred_until if self.outcome is DecisionOutcome.DEFERRED else None,
            product_code if self.outcome is DecisionOutcome.UNSUITABLE else None,
        )


@router.get("/screening")
async def queue(call: Asker, *, whole: bool = False) -> HTMLResponse:
    """Show who waits for the questions and who for the physician."""
    return call.page("screening/waiting.html", **await _waiting(call, whole=whole))


@router.get("/screening/queue")
async def queue_again(call: Asker, *, whole: bool = False) -> HTMLResponse:
    """Show the queue alone."""
    return call.page("screening/_queue.html", **await _waiting(call, whole=whole))


@router.post("/screening/next")
async def next_to_ask(call: Asker) -> Response:
    """Call the next ticket to the questions and go to them."""
    station, settings = call.station(), call.house.settings
    return await call.record(
        lambda tx: call_next(tx, settings, Stage.WAITING_FOR_SCREENING, station),
        then=lambda visit_id: _page(visit_id, "screening"),
    )


@router.post("/decision/next")
async def next_to_decide(call: Physician) -> Response:
    """Call the next answered ticket to the physician and go to the decision."""
    station, settings = call.station(), call.house.settings
    return await call.record(
        lambda tx: call_next(tx, settings, Stage.WAITING_FOR_DECISION, station),
        then=lambda visit_id: _page(visit_id, "decision"),
    )


@router.get("/visits/{visit_id}/screening")
async def questions(
    call: Asker, visit_id: UUID, programme: Annotated[str | None, Query(max_length=40)] = None
) -> HTMLResponse:
    """Show the questions asked of this person: of a programme, or of what the site asks for unless said."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    asked = await call.read(
        lambda connection: actions.questions_of_visit(connection, keyring, visit_id, today, programme)
    )
    return call.page(
        "screening/questions.html", asked=asked, answers=Answer, **_measured(call), **await _visitor(call, visit_id)
    )


@router.get("/screening/measured")
async def measured(call: Asker) -> HTMLResponse:
    """Show the fields for what is measured, filled in by what a device at this station just told."""
    return call.page("screening/_measured.html", **_measured(call))


@router.post("/visits/{visit_id}/screening")
async def record_answers(call: Asker, visit_id: UUID) -> Response:
    """Record the answers; a physician goes on to the decision, a registrar back to the queue."""
    form = await call.form(ScreeningForm)
    further = Further(form.details, form.programme)
    return await _record_measured(
        call, visit_id, form, lambda tx, taken: record_round(tx, visit_id, form.answers, taken, further)
    )


@router.get("/visits/{visit_id}/measurements")
async def measurements(call: Asker, visit_id: UUID) -> HTMLResponse:
    """Show the fields for what is measured after the questions were answered."""
    screening_id = await call.read(lambda connection: actions.latest_screening_id(connection, visit_id))
    return call.page(
        "screening/measurements.html",
        screening_id=screening_id,
        **_measured(call),
        **await _visitor(call, visit_id),
    )


@router.post("/visits/{visit_id}/measurements")
async def record_measurements(call: Asker, visit_id: UUID) -> Response:
    """Record what was measured; the answers stay."""
    form = await call.form(MeasuredAgainForm)
    return await _record_measured(
        call, visit_id, form, lambda tx, taken: measure_again(tx, visit_id, form.screening_id, taken)
    )


@router.post("/visits/{visit_id}/answer-links")
async def hand_over(call: Asker, visit_id: UUID) -> Response:
    """Make a link for the person to answer by, and show it."""
    form = await call.form(HandOverForm)
    return await call.record(
        lambda tx: issue_link(tx, visit_id, form.programme),
        then=lambda issued: f"/visits/{visit_id}/answer-links/{issued.link_id}",
    )


@router.get("/visits/{visit_id}/answer-links/{link_id}")
async def handed_over(call: Asker, visit_id: UUID, link_id: UUID) -> HTMLResponse:
    """Show a link as a QR code and by its short code, until it is used."""
    keyring, now = call.house.db.keyring, call.house.db.clock.now()
    link = await call.read(lambda connection: require_link(connection, keyring, link_id, now))
    site_url = str(call.request.base_url).rstrip("/")
    return call.page(
        "screening/hand_over.html",
        link=link,
        path=link.path(Channel.TABLET),
        kiosk=f"{site_url}/kiosk",
        qr_code=segno.make(site_url + link.path(Channel.TABLET), micro=False).svg_data_uri(scale=5, border=4),
        **await _visitor(call, visit_id),
    )


@router.get("/visits/{visit_id}/decision")
async def decision(call: Physician, visit_id: UUID) -> HTMLResponse:
    """Show the answers, what was found in them and where it is written, and the three choices."""
    keyring = call.house.db.keyring
    local_now = call.house.db.clock.now().astimezone(call.house.settings.site.zone)
    today = local_now.date()
    sheet = await call.read(lambda connection: decision_sheet(connection, keyring, visit_id, today))
    outlooks = await call.read(lambda connection: outlooks_of_visit(connection, keyring, visit_id, local_now))
    tomorrow, days = today + timedelta(days=1), days_deferred(sheet.findings)
    return call.page(
        "screening/decision.html",
        sheet=sheet,
        outlooks=outlooks,
        past_speaks=any(one.outlook.findings for one in outlooks.values()),
        outcomes=DecisionOutcome,
        tomorrow=tomorrow,
        deferred_until=sheet.seen.given.on + timedelta(days=days) if days else today + timedelta(days=_DEFERRED_DAYS),
        **await _visitor(call, visit_id),
    )


@router.post("/visits/{visit_id}/decision")
async def record_decision(call: Physician, visit_id: UUID) -> Response:
    """Record the physician's decision."""
    form = await call.form(DecisionForm)
    site = call.house.settings.site
    return await call.record(
        lambda tx: actions.decide(tx, site, visit_id, form.screening_id, form.proposal()), then="/screening"
    )


async def _waiting(call: Call, *, whole: bool) -> dict[str, Any]:
    keyring, site = call.house.db.keyring, call.house.settings.site
    seen = await call.read(
        lambda connection: listed_with_names(
            connection, keyring, site, Stage.WAITING_FOR_SCREENING, Stage.WAITING_FOR_DECISION, is_whole=whole
        )
    )
    return {"waiting": seen.people, "more": seen.more, "whole": whole, "station": call.actor.station}


async def _visitor(call: Call, visit_id: UUID) -> dict[str, Any]:
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())

    def read(connection: Connection) -> dict[str, Any]:
        seen = one_in_line(connection, keyring, visit_id)
        return {"visit": seen.visit, "person": seen.person, "age": seen.person.age_on(today)}

    return await call.read(read)


async def _record_measured(
    call: Call, visit_id: UUID, form: MeasuredForm, act: Callable[[Tx, Taken], Answered]
) -> Response:
    """Record a round and go on: a physician to the decision, a registrar back to the queue."""
    then = _page(visit_id, "decision") if Role.PHYSICIAN in call.actor.roles else "/screening"
    inbox, station = call.house.inbox, call.actor.station
    taken = taken_at(inbox, station, form.delivery_id, form.measurements())
    with inbox.judging(station or "", form.delivery_id):
        return await call.record(lambda tx: act(tx, taken), then=then)


def _measured(call: Call) -> dict[str, Any]:
    delivery = lying_at(call.house.inbox, call.actor.station) if call.actor.station else None
    return {"delivery": delivery, "station": call.actor.station}


def _page(visit_id: UUID, name: str) -> str:
    return f"/visits/{visit_id}/{name}"
