"""The forms of an event's record as its pages send them: days and minutes of the site's clock, one field a tick."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.report.card import Card, card_from, places
from clinic_server.adverse_events.report.copies import NewCopy
from clinic_server.adverse_events.report.desk import convert
from clinic_server.adverse_events.report.rules import Conclusion, LaterEvent
from clinic_server.adverse_events.report.terms import (
    BodyLevel,
    ClaimKind,
    ConcludingBody,
    CopyFor,
    ExportForm,
    FinalClass,
    HarmGrade,
)
from clinic_server.adverse_events.rules import (
    MOST_SUSPECTS,
    Classed,
    EventStepKind,
    FoundHow,
    Seriousness,
    SuspectElsewhere,
)
from clinic_server.kit.call import EMPTY_IS_NONE, Form
from clinic_server.kit.errors import Malformed
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import MOST_NAME_CHARACTERS, IdentityFacts

OptionalDate = Annotated[date | None, EMPTY_IS_NONE]
OptionalTime = Annotated[time | None, EMPTY_IS_NONE]
_Words = Annotated[str, Field(max_length=2000, repr=False)]
_SERIOUSNESS, _GROUND = "seriousness-", "ground-"
_LAST_OF_MINUTE = timedelta(seconds=59)


def minute_typed(on: date, at: time, zone: tzinfo, now: datetime) -> datetime:
    """Return the last instant a typed minute can mean, so that what happened within the minute of a dose follows it."""
    begins_at = datetime.combine(on, at, zone)
    return min(begins_at + _LAST_OF_MINUTE, max(begins_at, now))


def minute_if_typed(
    on: date | None, at: time | None, names: tuple[str, str], zone: tzinfo, now: datetime
) -> datetime | None:
    """Return what a date and a time mean together, None where neither was typed, or raise Malformed of half of it."""
    if on is None and at is None:
        return None
    if on is None or at is None:
        raise Malformed(findings=names)
    return minute_typed(on, at, zone, now)


class SoughtForm(Form):
    """Whom an event is of: a name, with a birth date where it is known, or a document's number."""

    name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    born_on: OptionalDate = Field(None, repr=False)
    document_kind: Annotated[DocumentKind | None, EMPTY_IS_NONE] = None
    number: str = Field("", max_length=40, repr=False)
    issuing_country: str = Field("", max_length=3)

    def document(self) -> Document | None:
        """Return the document whose number was typed, None where none was."""
        if not self.number:
            return None
        if self.document_kind is None:
            return Document.parse(self.number)
        return Document.of(self.document_kind, self.number, self.issuing_country)


class NewcomerForm(Form):
    """Somebody who is not on record: one document, and what it does not tell itself."""

    document_kind: DocumentKind
    number: str = Field(min_length=1, max_length=40, repr=False)
    issuing_country: str = Field("", max_length=3)
    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS, repr=False)
    sex: Sex = Field(Sex.UNKNOWN, repr=False)
    born_on: OptionalDate = Field(None, repr=False)

    def stated(self) -> IdentityFacts:
        """Return who this is, or raise a Refused."""
        document = Document.of(self.document_kind, self.number, self.issuing_country)
        return IdentityFacts.stated(document, name=self.name, sex=self.sex, born_on=self.born_on)


class ClassForm(Form):
    """What an event is said to be: a kind, ``seriousness-…`` and ``ground-…`` for each that was ticked."""

    kind: str = Field(min_length=1, max_length=40, repr=False)
    seriousness: tuple[Seriousness, ...] = Field((), repr=False)
    grounds: tuple[UrgentGround, ...] = Field((), repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Mapping[str, str]) -> dict[str, Any]:
        rest = {name: said for name, said in given.items() if not name.startswith((_SERIOUSNESS, _GROUND))}
        return rest | {"seriousness": _ticked(given, _SERIOUSNESS), "grounds": _ticked(given, _GROUND)}

    def classed(self) -> Classed:
        """Return it as the rules know it."""
        return Classed(self.kind, self.seriousness, self.grounds)


class LaterForm(ClassForm):
    """An event heard of after the visit, of a kind if it is known; suspected doses in the order of suspicion."""

    kind: str = Field("", max_length=40, repr=False)
    found_how: Literal[FoundHow.TELEPHONE, FoundHow.RETURNED, FoundHow.REPORTED]
    began_on: date = Field(repr=False)
    began_at: time = Field(repr=False)
    known_on: OptionalDate = None
    known_at: OptionalTime = None
    dose_1: Annotated[UUID | None, EMPTY_IS_NONE] = None
    dose_2: Annotated[UUID | None, EMPTY_IS_NONE] = None
    dose_3: Annotated[UUID | None, EMPTY_IS_NONE] = None
    elsewhere_product: str = Field("", max_length=100, repr=False)
    elsewhere_given_on: OptionalDate = Field(None, repr=False)
    elsewhere_maker: str = Field("", max_length=100, repr=False)
    elsewhere_lot_number: str = Field("", max_length=40, repr=False)
    elsewhere_place: str = Field("", max_length=100, repr=False)

    def later(self, zone: tzinfo, now: datetime) -> LaterEvent:
        """Return it as the rules know it, or raise Malformed of half a date or half a dose."""
        doses = dict.fromkeys(one for one in (self.dose_1, self.dose_2, self.dose_3) if one is not None)
        return LaterEvent(
            found_how=self.found_how,
            onset_at=minute_typed(self.began_on, self.began_at, zone, now),
            discovered_at=minute_if_typed(self.known_on, self.known_at, ("known_on", "known_at"), zone, now),
            dose_ids=tuple(doses),
            elsewhere=self._elsewhere(),
            classed=self.classed() if self.kind else None,
        )

    def _elsewhere(self) -> tuple[SuspectElsewhere, ...]:
        if not self.elsewhere_product and self.elsewhere_given_on is None:
            return ()
        if not self.elsewhere_product or self.elsewhere_given_on is None:
            raise Malformed(findings=("elsewhere_product", "elsewhere_given_on"))
        given_on, maker = self.elsewhere_given_on.isoformat(), self.elsewhere_maker
        return (
            SuspectElsewhere(self.elsewhere_product, given_on, maker, self.elsewhere_lot_number, self.elsewhere_place),
        )


class CardForm(Form):
    """A card by the names of its places, and of an amendment the version it rests on and why."""

    told: dict[str, str] = Field(repr=False)
    base_version: int = 0
    reason: _Words = ""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Mapping[str, str]) -> dict[str, Any]:
        names = {one.name for one in places(MOST_SUSPECTS)}
        rest = {name: said for name, said in given.items() if name not in names}
        return rest | {"told": {name: said.strip() for name, said in given.items() if name in names}}

    def card(self) -> Card:
        """Return the card, or raise Malformed naming the field that cannot be meant."""
        return convert(lambda: card_from(self.told))


class StepForm(Form):
    """Which step was taken, and when, if not now."""

    step: EventStepKind
    taken_on: OptionalDate = None
    taken_at: OptionalTime = None

    def instant(self, zone: tzinfo, now: datetime) -> datetime | None:
        """Return when it was taken, None for now; or raise Malformed of half a date."""
        return minute_if_typed(self.taken_on, self.taken_at, ("taken_on", "taken_at"), zone, now)


class ConclusionForm(Form):
    """What an event was concluded to have been."""

    final_class: FinalClass = Field(repr=False)
    diagnosis: str = Field("", max_length=200, repr=False)
    concluded_on: date
    body: Annotated[ConcludingBody | None, EMPTY_IS_NONE] = None
    level: Annotated[BodyLevel | None, EMPTY_IS_NONE] = None
    harm: Annotated[HarmGrade | None, EMPTY_IS_NONE] = Field(None, repr=False)

    def conclusion(self) -> Conclusion:
        """Return it as the rules know it."""
        return Conclusion(**self.model_dump())


class SevereForm(Form):
    """After which dose the reaction was severe, and what the physician says of it."""

    dose_id: UUID
    note: _Words


class ClaimForm(Form):
    """Who is asked to bear which costs."""

    kind: ClaimKind
    claimed_on: date
    words: _Words = ""


class SettlementForm(Form):
    """What came of a claim."""

    settled_on: date
    words: _Words = ""


class ReasonForm(Form):
    """Why."""

    reason: _Words = ""


class WordsForm(Form):
    """What was done, in words."""

    words: _Words = ""


class CopyForm(ReasonForm):
    """Of which cards a copy is taken, how, and why: of one event, or of a period."""

    form: ExportForm
    copied_for: CopyFor
    number: Annotated[int | None, EMPTY_IS_NONE] = None
    since: OptionalDate = None
    until: OptionalDate = None

    def copy_wanted(self) -> NewCopy:
        """Return it as the rules know it, or raise Malformed of a period with one end."""
        return NewCopy(self.form, self.copied_for, self.reason, self.number, self.since, self.until)


class NothingForm(Form):
    """Nothing beside the address."""


def _ticked(given: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    return tuple(sorted(name.removeprefix(prefix) for name in given if name.startswith(prefix)))
