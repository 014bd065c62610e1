"""The screening desk: who is next, the questions, and the physician's decision."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator, Field, model_validator
from sqlalchemy import Connection

from clinic_server.immunisations.seen import outlooks_of_visit
from clinic_server.kit.call import Call, Form, allows
from clinic_server.screening import actions
from clinic_server.screening.rules import Advice, Answer, DecisionOutcome, Measurements, Proposal
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import products
from clinic_server.visits.flow import Stage
from clinic_server.visits.line import InLine, in_line, one_in_line
from clinic_server.visits.steps import call_next

router = APIRouter(include_in_schema=False)
Asker = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]
_ANSWER = "answer-"
_EMPTY_IS_NONE = BeforeValidator(lambda given: given or None)
_Degrees = Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
_DEFERRED_DAYS = 7  # what the date field starts with; the physician sets it


class ScreeningForm(Form):
    """One field ``answer-<question>`` for each question, and what was measured."""

    answers: dict[str, Answer]
    celsius: Annotated[_Degrees | None, _EMPTY_IS_NONE] = None
    systolic_mmhg: Annotated[int | None, _EMPTY_IS_NONE] = None
    diastolic_mmhg: Annotated[int | None, _EMPTY_IS_NONE] = None

    @model_validator(mode="before")
    @classmethod
    def _gather_answers(cls, given: Mapping[str, str]) -> dict[str, Any]:
        answers = {name.removeprefix(_ANSWER): said for name, said in given.items() if name.startswith(_ANSWER)}
        return {name: said for name, said in given.items() if not name.startswith(_ANSWER)} | {"answers": answers}

    def measurements(self) -> Measurements:
        """Return what was measured, in the rules' units."""
        milli_celsius = None if self.celsius is None else int(self.celsius * 1000)
        return Measurements(milli_celsius, self.systolic_mmhg, self.diastolic_mmhg)


class DecisionForm(Form):
    """The physician's choice; product and date count only for the choice they belong to."""

    screening_id: UUID
    outcome: DecisionOutcome
    product_code: str = Field("", max_length=40)
    deferred_until: Annotated[date | None, _EMPTY_IS_NONE] = None
    reason: str = Field("", max_length=2000, repr=False)

    def proposal(self) -> Proposal:
        """Return the decision as the rules know it."""
        recommends, defers = self.outcome is DecisionOutcome.RECOMMENDED, self.outcome is DecisionOutcome.DEFERRED
        return Proposal(
            self.outcome,
            (self.product_code or None) if recommends else None,
            self.reason or None,
            self.deferred_until if defers else None,
        )


@router.get("/screening")
async def queue(call: Asker) -> HTMLResponse:
    """Show who waits for the questions and who for the physician."""
    return call.page("screening/waiting.html", waiting=await _waiting(call), station=call.actor.station)


@router.get("/screening/queue")
async def queue_again(call: Asker) -> HTMLResponse:
    """Show the queue alone."""
    return call.page("screening/_queue.html", waiting=await _waiting(call), station=call.actor.station)


@router.post("/screening/next")
async def next_to_ask(call: Asker) -> Response:
    """Call the next ticket to the questions and go to them."""
    station = call.station()
    return await call.record(
        lambda tx: call_next(tx, Stage.WAITING_FOR_SCREENING, station),
        then=lambda visit_id: _page(visit_id, "screening"),
    )


@router.post("/decision/next")
async def next_to_decide(call: Physician) -> Response:
    """Call the next answered ticket to the physician and go to the decision."""
    station = call.station()
    return await call.record(
        lambda tx: call_next(tx, Stage.WAITING_FOR_DECISION, station), then=lambda visit_id: _page(visit_id, "decision")
    )


@router.get("/visits/{visit_id}/screening")
async def questions(call: Asker, visit_id: UUID) -> HTMLResponse:
    """Show the questions asked of this person."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    asked = await call.read(lambda connection: actions.questions_of_visit(connection, keyring, visit_id, today))
    return call.page("screening/questions.html", asked=asked, answers=Answer, **await _visitor(call, visit_id))


@router.post("/visits/{visit_id}/screening")
async def record_answers(call: Asker, visit_id: UUID) -> Response:
    """Record the answers; a physician goes on to the decision, a registrar back to the queue."""
    form = await call.form(ScreeningForm)
    then = _page(visit_id, "decision") if Role.PHYSICIAN in call.actor.roles else "/screening"
    return await call.record(
        lambda tx: actions.record_screening(tx, visit_id, form.answers, form.measurements()), then=then
    )


@router.get("/visits/{visit_id}/decision")
async def decision(call: Physician, visit_id: UUID) -> HTMLResponse:
    """Show the answers, what was found in them and where it is written, and the three choices."""
    keyring = call.house.db.keyring
    seen = await call.read(lambda connection: actions.latest_screening(connection, keyring, visit_id))
    local_now = call.house.db.clock.now().astimezone(call.house.settings.site.zone)
    outlooks = await call.read(lambda connection: outlooks_of_visit(connection, keyring, visit_id, local_now))
    tomorrow = local_now.date() + timedelta(days=1)
    return call.page(
        "screening/decision.html",
        outlooks=outlooks,
        seen=seen,
        is_clear=seen.advice is Advice.CLEAR and not any(one.outlook.findings for one in outlooks.values()),
        outcomes=DecisionOutcome,
        products=await call.read(products),
        tomorrow=tomorrow,
        deferred_until=tomorrow + timedelta(days=_DEFERRED_DAYS - 1),
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


async def _waiting(call: Call) -> Sequence[InLine]:
    keyring = call.house.db.keyring
    stages = (Stage.WAITING_FOR_SCREENING, Stage.WAITING_FOR_DECISION)
    return await call.read(lambda connection: in_line(connection, keyring, *stages))


async def _visitor(call: Call, visit_id: UUID) -> dict[str, Any]:
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())

    def read(connection: Connection) -> dict[str, Any]:
        seen = one_in_line(connection, keyring, visit_id)
        return {"visit": seen.visit, "person": seen.person, "age": seen.person.age_on(today)}

    return await call.read(read)


def _page(visit_id: UUID, name: str) -> str:
    return f"/visits/{visit_id}/{name}"
