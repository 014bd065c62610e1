"""What the physician sees before deciding, and what the person sees who answers alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import Refused
from clinic_server.people.lookup import birth_facts, person
from clinic_server.screening.actions import (
    Asked,
    ScreeningSeen,
    earlier_decisions,
    findings_about,
    latest_screening,
    questions_of_visit,
    rule_set_of,
)
from clinic_server.screening.adoption import SignOff, sign_offs_of
from clinic_server.screening.decisions import advice_over, findings_from_earlier, refuse_unfit
from clinic_server.screening.follow_ups import NOT_KNOWN, Details
from clinic_server.screening.measured import Origins, origins_of
from clinic_server.screening.own_answers import Link
from clinic_server.screening.rule_sets import RuleSet
from clinic_server.screening.rules import Advice, Finding
from clinic_server.stock import vaccines
from clinic_server.stock.actions import ProductFacts, products
from clinic_server.stock.rules import ProductWithdrawn
from clinic_server.visits.lookup import standing
from clinic_server.visits.rules import WithheldDose

_WORDS = {"yes_no": "answer", "choice": "choice", "ingredients": "ingredient", "date": None}


@dataclass(frozen=True, slots=True)
class Choice:
    """A product of the site; ``refused_for`` is the code of what keeps it from this person today.

    ``findings`` are those the product adds to what speaks against a dose of any: it holds what is not tolerated.
    """

    product: ProductFacts
    refused_for: str | None
    findings: tuple[Finding, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class EarlierSeen:
    """What an earlier visit decided; ``stands`` says whether it still speaks against a dose today."""

    withheld: WithheldDose
    vaccine_name: str | None
    stands: bool


@dataclass(frozen=True, slots=True)
class DetailSeen:
    """What was said to a follow-up; ``words`` is the group of labels it is shown with, None for a day."""

    question: str
    follow_up: str
    words: str | None
    said: tuple[str, ...] = field(repr=False)


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
    details: tuple[DetailSeen, ...] = field(repr=False)
    sign_offs: tuple[SignOff, ...]


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
    rule_set = rule_set_of(seen)
    visit = standing(connection, visit_id)
    earlier, born_on = earlier_decisions(connection, visit), birth_facts(connection, visit.person_id).born_on
    findings = seen.findings + findings_from_earlier(earlier, None, today)
    return DecisionSheet(
        seen,
        rule_set,
        origins_of(connection, keyring, seen.screening_id),
        findings,
        advice_over(findings, earlier, today),
        tuple(EarlierSeen(one, _vaccine_name(one.vaccine_code), one.stands_on(today)) for one in earlier),
        tuple(_choice(product, seen, born_on, today) for product in products(connection)),
        tuple(_details_seen(rule_set, seen.given.details)),
        sign_offs_of(connection, keyring, rule_set),
    )


def own_questions(connection: Connection, keyring: Keyring, link: Link, today: date) -> OwnQuestions:
    """Return the questions behind a link that stands."""
    visit = standing(connection, link.visit_id)
    masked_name = person(connection, keyring, visit.person_id).masked_name
    return OwnQuestions(
        link,
        visit.ticket_number,
        masked_name,
        questions_of_visit(connection, keyring, link.visit_id, today, link.programme),
    )


def _choice(product: ProductFacts, seen: ScreeningSeen, born_on: date, today: date) -> Choice:
    vaccine = vaccines.shipped().get(product.vaccine_code)
    if vaccine is None:
        return Choice(product, "vaccine_unknown")
    if product.is_withdrawn(today):
        return Choice(product, ProductWithdrawn.code)
    try:
        refuse_unfit(vaccine, rule_set_of(seen).antigens, born_on, today)
    except Refused as refused:
        return Choice(product, refused.code)
    added = (finding for finding in findings_about(seen, vaccine) if finding not in seen.findings)
    return Choice(product, None, tuple(added))


def _details_seen(rule_set: RuleSet, details: Details) -> Iterator[DetailSeen]:
    for question in rule_set.question:
        for follow_up in question.follow_up:
            said = details.get(f"{question.code}.{follow_up.code}")
            if said is not None:
                group = "answer" if said == NOT_KNOWN else _WORDS[follow_up.kind]
                yield DetailSeen(question.code, follow_up.code, group, tuple(said.split()))


def _vaccine_name(code: str | None) -> str | None:
    vaccine = vaccines.shipped().get(code) if code else None
    return vaccine.name if vaccine else code
