"""The national case card: its fields, which of them must be filled in, and what changed between two versions.

Fields and their order are those of the case card of the national plan for the surveillance of suspected adverse events.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

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
from clinic_server.adverse_events.rules import MOST_SUSPECTS
from clinic_server.people.documents import Sex
from clinic_server.stock.rules import BodySite, Route

Short = Annotated[str, msgspec.Meta(max_length=100)]
Long = Annotated[str, msgspec.Meta(max_length=4000)]
DoseNumber = Annotated[int, msgspec.Meta(ge=1, le=99)]
Value = str | int | bool | date | StrEnum | None
_VACCINE: Final = "vaccine_"


class CardField(StrEnum):
    """Every field of the card; those of a suspected vaccine stand once for each."""

    NAME = "card_name"
    SEX = "card_sex"
    PREGNANCY = "card_pregnancy"
    BORN_ON = "card_born_on"
    OCCUPATION = "card_occupation"
    ADDRESS = "card_address"
    PHONE = "card_phone"
    GUARDIAN = "card_guardian"
    VACCINE_NAME = "card_vaccine_name"
    VACCINE_SPECIFICATION = "card_vaccine_specification"
    VACCINE_MAKER = "card_vaccine_maker"
    VACCINE_LOT_NUMBER = "card_vaccine_lot_number"
    VACCINE_PROGRAMME = "card_vaccine_programme"
    VACCINE_GIVEN_ON = "card_vaccine_given_on"
    VACCINE_ORGANISED = "card_vaccine_organised"
    VACCINE_DOSE_NUMBER = "card_vaccine_dose_number"
    VACCINE_AMOUNT = "card_vaccine_amount"
    VACCINE_ROUTE = "card_vaccine_route"
    VACCINE_BODY_SITE = "card_vaccine_body_site"
    BEGAN_ON = "card_began_on"
    SEEN_ON = "card_seen_on"
    SEEN_AT = "card_seen_at"
    COURSE = "card_course"
    FEVER = "card_fever"
    REDNESS = "card_redness"
    INDURATION = "card_induration"
    DIAGNOSIS = "card_diagnosis"
    IN_HOSPITAL = "card_in_hospital"
    OUTCOME = "card_outcome"
    FIRST_CLASS = "card_first_class"
    FOUND_BY = "card_found_by"
    REPORTED_ON = "card_reported_on"
    REPORTED_BY = "card_reported_by"
    REPORTER = "card_reporter"
    REPORTER_PHONE = "card_reporter_phone"

    @property
    def is_of_vaccine(self) -> bool:
        """Whether it stands once for each suspected vaccine."""
        return self.key.startswith(_VACCINE)

    @property
    def key(self) -> str:
        """What programs call it."""
        return self.value.removeprefix("card_")

    @property
    def is_required(self) -> bool:
        """Whether the national card asks for it (* on the form)."""
        return self not in _OPTIONAL


# What whoever is asked to bear costs has to judge: who it is, what was given, what came of it. Where people live, whom
# they can be called by and who their guardian is they learn from the claimant; the rest is the surveillance's own.
OF_CLAIMS: Final = frozenset(
    {
        *(CardField.NAME, CardField.SEX, CardField.BORN_ON),
        *(one for one in CardField if one.is_of_vaccine and one is not CardField.VACCINE_ORGANISED),
        *(CardField.BEGAN_ON, CardField.SEEN_ON, CardField.SEEN_AT, CardField.COURSE, CardField.DIAGNOSIS),
        *(CardField.IN_HOSPITAL, CardField.OUTCOME, CardField.REPORTED_ON, CardField.REPORTED_BY),
    }
)
_OPTIONAL: Final = frozenset(
    {
        CardField.PREGNANCY,
        CardField.OCCUPATION,
        CardField.ADDRESS,
        CardField.PHONE,
        CardField.GUARDIAN,
        CardField.SEEN_AT,
        CardField.DIAGNOSIS,
        CardField.FOUND_BY,
        CardField.REPORTER,
        CardField.REPORTER_PHONE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CardVaccine:
    """One suspected vaccine as the card has it; ``specification`` and ``amount`` are words such as "0.5 ml"."""

    name: Short = ""
    specification: Short = ""
    maker: Short = ""
    lot_number: Short = ""
    programme: Programme | None = None
    given_on: date | None = None
    organised: Organised | None = None
    dose_number: DoseNumber | None = None
    amount: Short = ""
    route: Route | None = None
    body_site: BodySite | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Card:
    """A case card, as far as it is filled in; empty words and None are fields left empty."""

    name: Short = ""
    sex: Sex | None = None
    pregnancy: Pregnancy | None = None
    born_on: date | None = None
    occupation: Short = ""
    address: Short = ""
    phone: Short = ""
    guardian: Short = ""
    vaccines: Annotated[tuple[CardVaccine, ...], msgspec.Meta(max_length=MOST_SUSPECTS)] = ()
    began_on: date | None = None
    seen_on: date | None = None
    seen_at: Short = ""
    course: Long = ""
    fever: FeverBand | None = None
    redness: SizeBand | None = None
    induration: SizeBand | None = None
    diagnosis: Short = ""
    in_hospital: bool | None = None
    outcome: CaseOutcome | None = None
    first_class: FirstClass | None = None
    found_by: FoundBy | None = None
    reported_on: date | None = None
    reported_by: Short = ""
    reporter: Short = ""
    reporter_phone: Short = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the card something stands: a field, and of which suspected vaccine, counted from 1."""

    field: CardField
    vaccine: int | None = None

    @property
    def name(self) -> str:
        """What forms and tables call it: ``outcome``, ``vaccine_2_maker``."""
        if self.vaccine is None:
            return self.field.key
        return f"{_VACCINE}{self.vaccine}_{self.attribute}"

    @property
    def attribute(self) -> str:
        """The attribute of the card, or of its vaccine, that holds it."""
        return self.field.key.removeprefix(_VACCINE)


@dataclass(frozen=True, slots=True, repr=False)
class Change:
    """What one place of the card says in a version and said in an earlier one."""

    place: Place
    was: Value
    became: Value


def places(vaccines: int) -> Iterator[Place]:
    """Yield every place of a card with so many suspected vaccines, in the order of the form."""
    of_vaccine = [one for one in CardField if one.is_of_vaccine]
    for one in CardField:
        if not one.is_of_vaccine:
            yield Place(one)
        elif one is of_vaccine[0]:
            yield from (Place(each, number) for number in range(1, vaccines + 1) for each in of_vaccine)


def value_at(card: Card, place: Place) -> Value:
    """Return what stands in a place; None where the card has no such vaccine."""
    if place.vaccine is None:
        value: Value = getattr(card, place.attribute)
        return value
    if place.vaccine > len(card.vaccines):
        return None
    of_vaccine: Value = getattr(card.vaccines[place.vaccine - 1], place.attribute)
    return of_vaccine


def missing_from(card: Card) -> tuple[Place, ...]:
    """Return the required places that are empty; a card names one suspected vaccine at least."""
    asked = places(max(1, len(card.vaccines)))
    return tuple(one for one in asked if one.field.is_required and _is_empty(value_at(card, one)))


def changes_between(older: Card, newer: Card) -> tuple[Change, ...]:
    """Return every place in which two versions differ, in the order of the form."""
    vaccines = max(len(older.vaccines), len(newer.vaccines))
    pairs = ((one, value_at(older, one), value_at(newer, one)) for one in places(vaccines))
    return tuple(Change(one, was, became) for one, was, became in pairs if was != became)


def card_from(told: Mapping[str, Any]) -> Card:
    """Return the card that a form filled in, by the names of its places; raises msgspec.ValidationError.

    Vaccines left wholly empty are left out, so that the second may be struck and the third stays.
    """
    filled = {name: value for name, value in told.items() if value != ""}
    by_vaccine: list[dict[str, Any]] = [{} for _ in range(MOST_SUSPECTS)]
    content: dict[str, Any] = {"vaccines": by_vaccine}
    for place in places(MOST_SUSPECTS):
        if place.name in filled:
            target = content if place.vaccine is None else by_vaccine[place.vaccine - 1]
            target[place.attribute] = filled[place.name]
    content["vaccines"] = [one for one in by_vaccine if one]
    return msgspec.convert(content, Card, strict=False)


def keys_unknown(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what programs said of a card that it has no place for: nothing may be lost in silence."""
    strange = set(told) - {one.name for one in fields(Card)}
    known = {one.name for one in fields(CardVaccine)}
    for one in told.get("vaccines", ()):
        strange |= {f"vaccines.{key}" for key in set(one) - known} if isinstance(one, Mapping) else {"vaccines"}
    return tuple(sorted(strange))


def _is_empty(value: Value) -> bool:
    return value is None or value is Sex.UNKNOWN or (isinstance(value, str) and not value.strip())
