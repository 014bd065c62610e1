"""The screening desk's calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.call import Body, Call, allows
from clinic_server.screening import actions
from clinic_server.screening.adoption import programmes, rule_set_in_use, sign_offs_of
from clinic_server.screening.decisions import Channel
from clinic_server.screening.lookup import EarlierSeen, decision_sheet
from clinic_server.screening.measured import Taken, lying_at, measure_again, record_round, taken_at
from clinic_server.screening.own_answers import issue_link, require_link
from clinic_server.screening.rule_sets import Weight
from clinic_server.screening.rules import Advice, Answer, DecisionOutcome, Finding, Measurements, Proposal
from clinic_server.screening.shown import QuestionsSeen, questions_seen
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["screening"])
Asker = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]
Programme = Annotated[str | None, Query(max_length=40)]


class MeasuredBody(Body):
    """What was measured; ``delivery_id`` is what a device told this station, if it did."""

    milli_celsius: int | None = None
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None
    delivery_id: UUID | None = None

    def measurements(self) -> Measurements:
        """Return what was measured."""
        return Measurements(self.milli_celsius, self.systolic_mmhg, self.diastolic_mmhg)


class ScreeningBody(MeasuredBody):
    """An answer to every question asked of this person, to follow-ups where there are any, and what was measured.

    ``details`` are keyed ``question.follow_up``: yes, no or dont_know; an ISO date; a choice; ingredients with blanks.
    """

    answers: dict[str, Answer] = Field(max_length=100)
    details: dict[str, Annotated[str, Field(max_length=400)]] = Field(default_factory=dict, max_length=100, repr=False)
    programme: str | None = Field(None, max_length=40)


class MeasuredAgainBody(MeasuredBody):
    """What was measured after the questions were answered; their latest round keeps its answers."""

    screening_id: UUID


class DecisionBody(Body):
    """A decision over the answers the physician saw."""

    screening_id: UUID
    outcome: DecisionOutcome
    product_code: str | None = Field(None, max_length=40)
    reason: str | None = Field(None, max_length=2000, repr=False)
    deferred_until: date | None = None
    unsuitable_product_code: str | None = Field(None, max_length=40)


@dataclass(frozen=True, slots=True)
class FindingSeen:
    """What speaks against a dose, and where that is written."""

    code: str
    weight: Weight
    source: str
    defer_days: int | None
    observe_minutes: int | None


@dataclass(frozen=True, slots=True)
class EarlierDecisionSeen:
    """What an earlier visit decided: deferred until a day, or unsuitable for a vaccine or a whole programme."""

    decided_on: date
    not_before: date | None
    programme: str
    vaccine_code: str | None
    stands: bool


@dataclass(frozen=True, slots=True)
class ScreeningSeen:
    """One round of questions as the physician sees it."""

    screening_id: UUID
    rule_set_code: str
    rule_set_version: int
    answered_at: datetime
    answers: Mapping[str, Answer]
    details: Mapping[str, str]
    measurements: Mapping[str, int]
    findings: list[FindingSeen]
    advice: Advice
    sign_off: str
    channel: Channel
    measured_by: Mapping[str, str]
    earlier: list[EarlierDecisionSeen]


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """A link for the person to answer by: its address on this server, and the code for a kiosk."""

    link_id: UUID
    visit_id: UUID
    valid_until: datetime
    path: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MeasurementSeen:
    """What a device at this station measured in the last moments."""

    delivery_id: UUID
    device: str
    measurements: Mapping[str, int] = field(repr=False)


@router.get("/questions")
async def read_questions(call: Asker, programme: Programme = None) -> QuestionsSeen:
    """Return the rule set in use today for a programme, with every question it has."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())

    def read(connection: Connection) -> QuestionsSeen:
        rule_set = rule_set_in_use(connection, programme, today)
        signed = sign_offs_of(connection, keyring, rule_set)
        return questions_seen(rule_set, rule_set.question, signed, programmes(connection))

    return await call.read(read)


@router.get("/visits/{visit_id}/questions")
async def read_questions_of_visit(call: Asker, visit_id: UUID, programme: Programme = None) -> QuestionsSeen:
    """Return the questions asked of this visit's person today, of a programme or of what the site asks for first."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    asked = await call.read(
        lambda connection: actions.questions_of_visit(connection, keyring, visit_id, today, programme)
    )
    return questions_seen(asked.rule_set, asked.questions, asked.sign_offs, asked.programmes)


@router.post("/visits/{visit_id}/screening", status_code=201)
async def record_screening(call: Asker, visit_id: UUID, body: ScreeningBody) -> Response:
    """Record the answers; given again, they void the decision and the consent that stood on the earlier ones."""
    taken = _taken(call, body)
    further = actions.Further(body.details, body.programme)
    return await call.record(lambda tx: record_round(tx, visit_id, body.answers, taken, further))


@router.post("/visits/{visit_id}/measurements", status_code=201)
async def measure(call: Asker, visit_id: UUID, body: MeasuredAgainBody) -> Response:
    """Record what was measured after the questions; it voids what stood on the round before, whose answers stay."""
    taken = _taken(call, body)
    return await call.record(lambda tx: measure_again(tx, visit_id, body.screening_id, taken))


@router.get("/station/measurement")
async def read_measurement(call: Asker) -> MeasurementSeen | None:
    """Return what a device at this station measured in the last moments."""
    delivery = lying_at(call.house.inbox, call.station())
    if delivery is None:
        return None
    told = {quantity.value: value for quantity, value in delivery.content.taken().items()}
    return MeasurementSeen(delivery.id, delivery.origin, told)


@router.post("/visits/{visit_id}/answer-links", status_code=201)
async def issue_answer_link(call: Asker, visit_id: UUID, programme: Programme = None) -> Response:
    """Let the person answer alone, once, within a quarter of an hour; the links made before end."""
    return await call.record(lambda tx: issue_link(tx, visit_id, programme))


@router.get("/answer-links/{link_id}")
async def read_answer_link(call: Asker, link_id: UUID) -> LinkSeen:
    """Return the address and the code of a link that stands."""
    keyring, now = call.house.db.keyring, call.house.db.clock.now()
    link = await call.read(lambda connection: require_link(connection, keyring, link_id, now))
    return LinkSeen(link.link_id, link.visit_id, link.valid_until, link.path(Channel.TABLET), link.code)


@router.get("/visits/{visit_id}/screening")
async def read_screening(call: Physician, visit_id: UUID) -> ScreeningSeen:
    """Return the latest answers of a visit and what was found in them."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    sheet = await call.read(lambda connection: decision_sheet(connection, keyring, visit_id, today))
    seen = sheet.seen
    return ScreeningSeen(
        seen.screening_id,
        seen.rule_set_code,
        seen.rule_set_version,
        seen.answered_at,
        seen.given.answers,
        seen.given.details,
        {quantity.value: value for quantity, value in seen.given.measurements.taken().items()},
        [_finding_seen(finding) for finding in sheet.findings],
        sheet.advice,
        sheet.rule_set.sign_off,
        sheet.origins.channel,
        {quantity.value: device for quantity, device in sheet.origins.devices.items()},
        [_earlier_seen(one) for one in sheet.earlier],
    )


@router.post("/visits/{visit_id}/decision", status_code=201)
async def decide(call: Physician, visit_id: UUID, body: DecisionBody) -> Response:
    """Record the physician's decision over the latest answers."""
    proposal = Proposal(body.outcome, body.product_code, body.reason, body.deferred_until, body.unsuitable_product_code)
    site = call.house.settings.site
    return await call.record(lambda tx: actions.decide(tx, site, visit_id, body.screening_id, proposal))


def _taken(call: Call, body: MeasuredBody) -> Taken:
    return taken_at(call.house.inbox, call.actor.station, body.delivery_id, body.measurements())


def _earlier_seen(one: EarlierSeen) -> EarlierDecisionSeen:
    told = one.withheld
    return EarlierDecisionSeen(told.decided_on, told.not_before, told.programme, told.vaccine_code, one.stands)


def _finding_seen(finding: Finding) -> FindingSeen:
    return FindingSeen(finding.code, finding.weight, finding.source, finding.defer_days, finding.observe_minutes)
