"""Synthetic visitors: who they are, what they show, how their day will go. None of the numbers can be a person's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from firmware_stubs.id_card_reader.cards import (
    FAMILY_NAMES,
    GIVEN_NAMES,
    NEVER_ISSUED_COUNTY,
    SyntheticCard,
    with_check_digit,
)

ADULT_AGE = 18
YOUNGEST, OLDEST = 3, 90
_DAYS_IN_A_YEAR = 365.25
_HONG_KONG = "810000"


class Plan(StrEnum):
    """How a visitor's day goes."""

    ORDINARY = "ordinary"
    FEVER = "fever"
    HIGH_PRESSURE = "high_pressure"
    UNSUITABLE = "unsuitable"
    UNSURE = "unsure"
    REFUSES = "refuses"
    WITHDRAWS = "withdraws"
    GONE_BEFORE_SCREENING = "gone_before_screening"
    GONE_BEFORE_DECISION = "gone_before_decision"
    GONE_BEFORE_CONSENT = "gone_before_consent"
    GONE_BEFORE_INJECTION = "gone_before_injection"
    SENT_BACK = "sent_back"
    UNKNOWN_VIAL = "unknown_vial"
    USED_VIAL = "used_vial"
    LEAVES_EARLY = "leaves_early"
    REACTS = "reacts"


_ORDINARY_OUT_OF = 30  # this many are ordinary for one of each other plan

_PLACES = {Plan.REACTS: -1, Plan.USED_VIAL: 1}  # who looks at a demo sees the one; the other needs a vial used before

# The stage at which somebody goes away.
GONE_AT = {
    Plan.GONE_BEFORE_SCREENING: "waiting_for_screening",
    Plan.GONE_BEFORE_DECISION: "waiting_for_decision",
    Plan.GONE_BEFORE_CONSENT: "waiting_for_consent",
    Plan.GONE_BEFORE_INJECTION: "waiting_for_injection",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """One synthetic person; ``card`` is laid on the reader, or ``typed`` is what the registrar types."""

    number: int
    plan: Plan
    name: str = field(repr=False)
    age: int = field(repr=False)
    card: SyntheticCard | None = field(repr=False)
    typed: Mapping[str, str] = field(repr=False)

    @property
    def is_minor(self) -> bool:
        """Whether somebody else signs."""
        return self.age < ADULT_AGE


def visitors(seed: int, today: date, *, cards: float = 0.8) -> Iterator[Visitor]:
    """Yield visitors for ever; the same seed gives the same people. ``cards`` is the share who lay a card down.

    The first of them live every plan once, so that a small day sees everything.
    """
    chance = Random(seed)  # noqa: S311 - the point is that it can be repeated
    plans = _plans(chance)
    taken: set[str] = set()
    number = 0
    while True:
        person = _person(chance, today, taken)
        is_carded = chance.random() < cards
        typed = _typed(chance, person)
        yield Visitor(
            number,
            next(plans),
            person.name,
            _age_on(today, person.born),
            person if is_carded else None,
            typed,
        )
        number += 1


def adopted(born_on: str, on: str) -> Visitor:
    """Return somebody of whom only the age matters any more; dates in ISO 8601."""
    today = date.fromisoformat(on[:10])
    return Visitor(-1, Plan.ORDINARY, "", _age_on(today, born_on.replace("-", "")), None, {})


def _plans(chance: Random) -> Iterator[Plan]:
    each_once = list(Plan)
    chance.shuffle(each_once)
    each_once.sort(key=lambda plan: _PLACES.get(plan, 0))
    yield from each_once
    weights = [_ORDINARY_OUT_OF if plan is Plan.ORDINARY else 1 for plan in Plan]
    while True:
        yield from chance.choices(list(Plan), weights)


def _person(chance: Random, today: date, taken: set[str]) -> SyntheticCard:
    """Return a resident's card, or now and then that of somebody from Hong Kong."""
    while True:
        days = int(_DAYS_IN_A_YEAR * (YOUNGEST + chance.random() * (OLDEST - YOUNGEST))) + 2
        born = today - timedelta(days=days)
        sequence = chance.randrange(100, 1000)
        is_permit = chance.random() < 1 / 25
        area = _HONG_KONG if is_permit else NEVER_ISSUED_COUNTY
        number = with_check_digit(f"{area}{born:%Y%m%d}{sequence:03d}")
        if number not in taken:
            taken.add(number)
            break
    return SyntheticCard(
        kind="J" if is_permit else " ",
        name=chance.choice(FAMILY_NAMES) + chance.choice(GIVEN_NAMES),
        sex="1" if sequence % 2 else "2",
        born=f"{born:%Y%m%d}",
        address=f"演示省演示市演示路{sequence}号",
        number=number,
        issuer="演示市公安局",
        valid_until="20400101",
        travel_permit_number=f"H{sequence:08d}" if is_permit else "",
    )


def _typed(chance: Random, card: SyntheticCard) -> Mapping[str, str]:
    """Return what a registrar types of this person: the card's number, or a passport's."""
    sex = "male" if card.sex == "1" else "female"
    born_on = f"{card.born[:4]}-{card.born[4:6]}-{card.born[6:]}"
    if chance.random() < 1 / 8:
        return {
            "typed_reason": "foreign_document",
            "document_kind": "passport",
            "number": f"X{card.number[6:17]}",
            "issuing_country": "UTO",
            "name": card.name,
            "latin_name": "SAMPLE PERSON",
            "sex": sex,
            "born_on": born_on,
            "nationality": "UTO",
        }
    kind = "residence_permit_hk" if card.kind == "J" else "resident_id"
    return {
        "typed_reason": chance.choice(["no_card", "card_unreadable"]),
        "document_kind": kind,
        "number": card.number,
        "name": card.name,
        "sex": sex,
        "born_on": born_on,
    }


def _age_on(today: date, born: str) -> int:
    year, month, day = int(born[:4]), int(born[4:6]), int(born[6:])
    return today.year - year - ((today.month, today.day) < (month, day))
