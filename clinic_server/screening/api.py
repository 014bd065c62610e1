"""The screening desk's calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.screening import actions, rule_sets
from clinic_server.screening.rule_sets import Question, RuleSet, Weight
from clinic_server.screening.rules import Advice, Answer, DecisionOutcome, Measurements, Proposal
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["screening"])
Asker = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]


class ScreeningBody(Body):
    """An answer to every question asked of this person, and what was measured."""

    answers: dict[str, Answer] = Field(max_length=100)
    milli_celsius: int | None = None
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None


class DecisionBody(Body):
    """A decision over the answers the physician saw."""

    screening_id: UUID
    outcome: DecisionOutcome
    product_code: str | None = Field(None, max_length=40)
    reason: str | None = Field(None, max_length=2000, repr=False)
    deferred_until: date | None = None


@dataclass(frozen=True, slots=True)
class QuestionSeen:
    """One question of a set, and whom it is asked of."""

    code: str
    weight: str
    source: str
    only_sex: str | None
    from_age: int
    below_age: int


@dataclass(frozen=True, slots=True)
class QuestionsSeen:
    """Questions, and the set they are of."""

    rule_set_code: str
    rule_set_version: int
    jurisdiction: str
    source: str
    valid_from: date
    sign_off: str
    questions: list[QuestionSeen]


@dataclass(frozen=True, slots=True)
class FindingSeen:
    """What speaks against a dose, and where that is written."""

    code: str
    weight: Weight
    source: str


@dataclass(frozen=True, slots=True)
class ScreeningSeen:
    """One round of questions as the physician sees it."""

    screening_id: UUID
    rule_set_code: str
    rule_set_version: int
    answered_at: datetime
    answers: Mapping[str, Answer]
    measurements: Mapping[str, int]
    findings: list[FindingSeen]
    advice: Advice


@router.get("/questions")
async def read_questions(call: Asker) -> QuestionsSeen:
    """Return the rule set valid today, with every question it has."""
    rule_set = rule_sets.active(rule_sets.shipped(), call.local_date(call.house.db.clock.now()))
    return _questions_seen(rule_set, rule_set.question)


@router.get("/visits/{visit_id}/questions")
async def read_questions_of_visit(call: Asker, visit_id: UUID) -> QuestionsSeen:
    """Return the questions asked of this visit's person today."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    asked = await call.read(lambda connection: actions.questions_of_visit(connection, keyring, visit_id, today))
    return _questions_seen(asked.rule_set, asked.questions)


@router.post("/visits/{visit_id}/screening", status_code=201)
async def record_screening(call: Asker, visit_id: UUID, body: ScreeningBody) -> Response:
    """Record the answers; given again, they void the decision and the consent that stood on the earlier ones."""
    measured = Measurements(body.milli_celsius, body.systolic_mmhg, body.diastolic_mmhg)
    return await call.record(lambda tx: actions.record_screening(tx, visit_id, body.answers, measured))


@router.get("/visits/{visit_id}/screening")
async def read_screening(call: Physician, visit_id: UUID) -> ScreeningSeen:
    """Return the latest answers of a visit and what was found in them."""
    keyring = call.house.db.keyring
    seen = await call.read(lambda connection: actions.latest_screening(connection, keyring, visit_id))
    return ScreeningSeen(
        seen.screening_id,
        seen.rule_set_code,
        seen.rule_set_version,
        seen.answered_at,
        seen.given.answers,
        {quantity.value: value for quantity, value in seen.given.measurements.taken().items()},
        [FindingSeen(finding.code, finding.weight, finding.source) for finding in seen.findings],
        seen.advice,
    )


@router.post("/visits/{visit_id}/decision", status_code=201)
async def decide(call: Physician, visit_id: UUID, body: DecisionBody) -> Response:
    """Record the physician's decision over the latest answers."""
    proposal = Proposal(body.outcome, body.product_code, body.reason, body.deferred_until)
    site = call.house.settings.site
    return await call.record(lambda tx: actions.decide(tx, site, visit_id, body.screening_id, proposal))


def _questions_seen(rule_set: RuleSet, questions: tuple[Question, ...]) -> QuestionsSeen:
    return QuestionsSeen(
        rule_set.code,
        rule_set.version,
        rule_set.jurisdiction,
        rule_set.source,
        rule_set.valid_from,
        rule_set.sign_off,
        [
            QuestionSeen(asked.code, asked.weight, asked.source, asked.only_sex, asked.from_age, asked.below_age)
            for asked in questions
        ],
    )
