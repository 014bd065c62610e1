"""A card as its form shows it: each place with its words, what it holds, and how it is filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from clinic_server.adverse_events.report.card import Card, CardField, Place, places, value_at
from clinic_server.adverse_events.report.copy_files import place_words
from clinic_server.adverse_events.report.terms import (
    CaseOutcome,
    FeverBand,
    FirstClass,
    FoundBy,
    Organised,
    Pregnancy,
    Programme,
    SizeBand,
)
from clinic_server.adverse_events.report.wording import words_of
from clinic_server.adverse_events.rules import MOST_SUSPECTS
from clinic_server.people.documents import Sex
from clinic_server.stock.rules import BodySite, Route

_LISTS: Final[Mapping[CardField, type[StrEnum]]] = {
    CardField.SEX: Sex,
    CardField.PREGNANCY: Pregnancy,
    CardField.VACCINE_PROGRAMME: Programme,
    CardField.VACCINE_ORGANISED: Organised,
    CardField.VACCINE_ROUTE: Route,
    CardField.VACCINE_BODY_SITE: BodySite,
    CardField.FEVER: FeverBand,
    CardField.REDNESS: SizeBand,
    CardField.INDURATION: SizeBand,
    CardField.OUTCOME: CaseOutcome,
    CardField.FIRST_CLASS: FirstClass,
    CardField.FOUND_BY: FoundBy,
}
_DATES: Final = frozenset(
    {
        CardField.BORN_ON,
        CardField.VACCINE_GIVEN_ON,
        CardField.BEGAN_ON,
        CardField.SEEN_ON,
        CardField.REPORTED_ON,
    }
)


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One field of the form; ``kind`` is an input's type, ``long`` or ``choice``."""

    place: Place
    words: str
    kind: str
    value: str = field(repr=False)
    options: Sequence[tuple[str, str]]
    is_required: bool


@dataclass(frozen=True, slots=True)
class CardFields:
    """The form in its parts: the person, each vaccine there is room for, the reaction and the report."""

    person: Sequence[FieldShown]
    vaccines: Sequence[Sequence[FieldShown]]
    reaction: Sequence[FieldShown]


def fields_of(card: Card) -> CardFields:
    """Return a card as its form shows it; vaccines beyond those it has may be left empty."""
    shown = [_shown(card, one) for one in places(MOST_SUSPECTS)]
    of_vaccine = [[one for one in shown if one.place.vaccine == number] for number in range(1, MOST_SUSPECTS + 1)]
    begins = next(place for place, one in enumerate(shown) if one.place.vaccine is not None)
    ends = begins + sum(map(len, of_vaccine))
    return CardFields(shown[:begins], of_vaccine, shown[ends:])


def _shown(card: Card, place: Place) -> FieldShown:
    value = value_at(card, place)
    is_beyond = place.vaccine is not None and place.vaccine > max(1, len(card.vaccines))
    return FieldShown(
        place=place,
        words=place_words(place),
        kind=_kind(place.field),
        value=str(value).lower() if isinstance(value, bool) else "" if value is None else str(value),
        options=_options(place.field),
        is_required=place.field.is_required and not is_beyond,
    )


def _kind(asked: CardField) -> str:
    if asked in _LISTS or asked is CardField.IN_HOSPITAL:
        return "choice"
    if asked in _DATES:
        return "date"
    return {CardField.COURSE: "long", CardField.VACCINE_DOSE_NUMBER: "number"}.get(asked, "text")


def _options(asked: CardField) -> Sequence[tuple[str, str]]:
    if asked is CardField.IN_HOSPITAL:
        return [("true", words_of(value=True)), ("false", words_of(value=False))]
    return [(one.value, words_of(one)) for one in _LISTS[asked] if one is not Sex.UNKNOWN] if asked in _LISTS else []
