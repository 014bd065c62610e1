"""What the answers to follow-ups make of a finding: they may lighten it; what is not known lightens nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from clinic_server.screening.rule_sets import FollowUp, Question, Weight
from clinic_server.stock.vaccines import Vaccine

Details = Mapping[str, str]  # ``question.follow_up``: what was said
NOT_KNOWN = "dont_know"
HEAVINESS: Mapping[Weight | None, int] = {
    None: 0,
    Weight.UNCLEAR: 1,
    Weight.PRECAUTION: 2,
    Weight.DEFERRAL: 3,
    Weight.CONTRAINDICATION: 4,
}


@dataclass(frozen=True, slots=True)
class Consequence:
    """What is left of a finding: its weight, None for nothing; and for how many days a deferral lasts."""

    weight: Weight | None
    defer_days: int | None = None


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """What else a follow-up's answer is judged by."""

    on: date
    vaccine: Vaccine | None


def consequence_of(question: Question, details: Details, on: date, vaccine: Vaccine | None = None) -> Consequence:
    """Return what "yes" with its details comes to on a day: of several follow-ups the heaviest."""
    around = _Circumstances(on, vaccine)
    made = [_consequence(question, one, details, around) for one in question.follow_up]
    return max(made or [_own(question)], key=lambda one: (HEAVINESS[one.weight], one.defer_days or 0))


def wrong_details(questions: Iterable[Question], details: Details, on: date) -> list[str]:
    """Return the keys of what was said and cannot be meant: no such choice, no date, a day to come."""
    follow_ups = ((f"{question.code}.{one.code}", one) for question in questions for one in question.follow_up)
    return sorted(key for key, one in follow_ups if key in details and not _is_sound(one, details[key], on))


def details_that_count(answered_yes: Iterable[str], details: Details) -> dict[str, str]:
    """Return the details of questions answered with "yes": what else stood open on the form says nothing."""
    asked = set(answered_yes)
    return {key: said for key, said in details.items() if key.partition(".")[0] in asked}


def _own(question: Question) -> Consequence:
    return Consequence(Weight(question.weight), question.defer_days)


def _consequence(question: Question, asked: FollowUp, details: Details, around: _Circumstances) -> Consequence:
    said = details.get(f"{question.code}.{asked.code}", NOT_KNOWN)
    if said == NOT_KNOWN:
        return _own(question)
    return _OF_KIND[asked.kind](question, asked, said, around)


def _of_yes_no(question: Question, asked: FollowUp, said: str, _around: _Circumstances) -> Consequence:
    return _of_effect(question, asked.yes if said == "yes" else asked.no)


def _of_choice(question: Question, asked: FollowUp, said: str, _around: _Circumstances) -> Consequence:
    return _of_effect(question, asked.choices[said])


def _of_date(question: Question, asked: FollowUp, said: str, around: _Circumstances) -> Consequence:
    """Judge how long ago something was; a deferral ends on the day it is ``within_days`` ago."""
    elapsed_days = (around.on - date.fromisoformat(said)).days
    left = (asked.within_days or 0) - elapsed_days
    if left <= 0:
        return _of_effect(question, asked.beyond)
    made = _of_effect(question, asked.within)
    return Consequence(made.weight, left) if made.weight is Weight.DEFERRAL else made


def _of_ingredients(question: Question, asked: FollowUp, said: str, around: _Circumstances) -> Consequence:
    """Judge what somebody does not tolerate by what is in the vaccine; before one is chosen, by nothing yet."""
    contained = set(around.vaccine.ingredients) if around.vaccine else set()
    return _own(question) if contained & set(said.split()) else _of_effect(question, asked.beyond)


_Judge = Callable[[Question, FollowUp, str, _Circumstances], Consequence]
_OF_KIND: Mapping[str, _Judge] = {
    "yes_no": _of_yes_no,
    "choice": _of_choice,
    "date": _of_date,
    "ingredients": _of_ingredients,
}


def _of_effect(question: Question, effect: str | None) -> Consequence:
    if effect is None or effect == question.weight:
        return _own(question)
    return Consequence(None if effect == "nothing" else Weight(effect))


def _is_sound(asked: FollowUp, said: str, on: date) -> bool:
    if said == NOT_KNOWN:
        return True
    if asked.kind == "yes_no":
        return said in {"yes", "no"}
    if asked.kind == "choice":
        return said in asked.choices
    if asked.kind == "ingredients":
        return bool(said.split()) and set(said.split()) <= set(asked.ingredients)
    return _is_past_day(said, on)


def _is_past_day(said: str, on: date) -> bool:
    try:
        return date.fromisoformat(said) <= on
    except ValueError:
        return False
