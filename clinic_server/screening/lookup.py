"""What the physician sees before deciding, and what the person sees who answers alone."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import Refused
from clinic_server.people.lookup import person
from clinic_server.screening.actions import (
    Asked,
    ScreeningSeen,
    earlier_decisions,
    latest_screening,
    questions_of_visit,
    rule_set_of,
)
from clinic_server.screening.decisions import advice_over, findings_from_earlier, refuse_unfit
from clinic_server.screening.measured import Origins, origins_of
from clinic_server.screening.own_answers import Link
from clinic_server.screening.rule_sets import RuleSet
from clinic_server.screening.rules import Advice, Finding
from clinic_server.stock import vaccines
from clinic_server.stock.actions import ProductFacts, products
from clinic_server.visits.lookup import standing
from clinic_server.visits.rules import WithheldDose


@dataclass(frozen=True, slots=True)
class Choice:
    """A product of the site; ``refused_for`` is the code of what keeps it from this person today."""

    product: ProductFacts
    refused_for: str | None


@dataclass(frozen=True, slots=True)
class EarlierSeen:
    """What an earlier visit decided; ``stands`` says whether it still speaks against a dose today."""

    withheld: WithheldDose
    vaccine_name: str | None
    stands: bool


@dataclass(frozen=True, slots=True)
class DecisionSheet:
    """Everything a physician decides over."""

    seen: ScreeningSeen
    rule_set: RuleSet
    origins: Origins
    findings: tuple[Finding, ...] = field(repr=False)
    advice: Advice = field(repr=False)
    earlier: tuple[EarlierSeen, ...] = field(repr=False)
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class OwnQuestions:
    """The questions of somebody who answers alone, with no more of them than a public screen shows."""

    link: Link
    ticket_number: int
    masked_name: str
    asked: Asked


def decision_sheet(connection: Connection, keyring: Keyring, visit_id: UUID, today: date) -> DecisionSheet:
    """Return what a physician decides over, or raise ScreeningUnknown."""
    seen = latest_screening(connection, keyring, visit_id)
    earlier = earlier_decisions(connection, visit_id)
    born_on = person(connection, keyring, standing(connection, visit_id).person_id).born_on
    findings = seen.findings + findings_from_earlier(earlier, None, today)
    return DecisionSheet(
        seen,
        rule_set_of(seen),
        origins_of(connection, keyring, seen.screening_id),
        findings,
        advice_over(findings, earlier, today),
        tuple(EarlierSeen(one, _vaccine_name(one.vaccine_code), one.stands_on(today)) for one in earlier),
        tuple(_choice(product, rule_set_of(seen).programme, born_on, today) for product in products(connection)),
    )


def own_questions(connection: Connection, keyring: Keyring, link: Link, today: date) -> OwnQuestions:
    """Return the questions behind a link that stands."""
    visit = standing(connection, link.visit_id)
    masked_name = person(connection, keyring, visit.person_id).masked_name
    return OwnQuestions(
        link, visit.ticket_number, masked_name, questions_of_visit(connection, keyring, link.visit_id, today)
    )


def _choice(product: ProductFacts, programme: str, born_on: date, today: date) -> Choice:
    vaccine = vaccines.shipped().get(product.vaccine_code)
    if vaccine is None:
        return Choice(product, "vaccine_unknown")
    try:
        refuse_unfit(vaccine, programme, born_on, today)
    except Refused as refused:
        return Choice(product, refused.code)
    return Choice(product, None)


def _vaccine_name(code: str | None) -> str | None:
    vaccine = vaccines.shipped().get(code) if code else None
    return vaccine.name if vaccine else code
