"""What programs send about an event's record."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.report.copies import NewCopy
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
from clinic_server.adverse_events.rules import Classed, FoundHow, Seriousness, SuspectElsewhere
from clinic_server.kit.call import Body
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import MOST_NAME_CHARACTERS, IdentityFacts

LaterWay = Literal[FoundHow.TELEPHONE, FoundHow.RETURNED, FoundHow.REPORTED]
_Words = Annotated[str, Field(max_length=2000, repr=False)]


class SoughtBody(Body):
    """Whom an event is of: a name, with a birth date where it is known, or a document's number."""

    name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    born_on: date | None = Field(None, repr=False)
    document_kind: DocumentKind | None = None
    number: str = Field("", max_length=40, repr=False)
    issuing_country: str = Field("", max_length=3)


class NewcomerBody(Body):
    """Somebody who is not on record: one document, and what it does not tell itself."""

    document_kind: DocumentKind
    number: str = Field(max_length=40, repr=False)
    issuing_country: str = Field("", max_length=3)
    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS, repr=False)
    sex: Sex = Field(Sex.UNKNOWN, repr=False)
    born_on: date | None = Field(None, repr=False)

    def stated(self) -> IdentityFacts:
        """Return who this is, or raise a Refused."""
        document = Document.of(self.document_kind, self.number, self.issuing_country)
        return IdentityFacts.stated(document, name=self.name, sex=self.sex, born_on=self.born_on)


class ClassBody(Body):
    """What an event is said to be."""

    kind: str = Field(max_length=40, repr=False)
    seriousness: tuple[Seriousness, ...] = Field((), repr=False)
    grounds: tuple[UrgentGround, ...] = Field((), repr=False)

    def classed(self) -> Classed:
        """Return it as the rules know it."""
        return Classed(self.kind, self.seriousness, self.grounds)


class ElsewhereBody(Body):
    """A suspected dose that was given elsewhere."""

    product: str = Field(min_length=1, max_length=100)
    given_on: date
    maker: str = Field("", max_length=100)
    lot_number: str = Field("", max_length=40)
    place: str = Field("", max_length=100)


class LaterBody(Body):
    """An event that was heard of after the visit."""

    found_how: LaterWay
    onset_at: AwareDatetime = Field(repr=False)
    discovered_at: AwareDatetime | None = None
    dose_ids: tuple[UUID, ...] = ()
    elsewhere: tuple[ElsewhereBody, ...] = Field((), repr=False)
    classed: ClassBody | None = Field(None, repr=False)

    def later(self) -> LaterEvent:
        """Return it as the rules know it."""
        return LaterEvent(
            found_how=self.found_how,
            onset_at=self.onset_at,
            discovered_at=self.discovered_at,
            dose_ids=self.dose_ids,
            elsewhere=[
                SuspectElsewhere(one.product, one.given_on.isoformat(), one.maker, one.lot_number, one.place)
                for one in self.elsewhere
            ],
            classed=self.classed.classed() if self.classed else None,
        )


class CardBody(Body):
    """A card to be filed; ``reported_at`` where it was told before, by telephone."""

    card: dict[str, Any] = Field(repr=False)
    reported_at: AwareDatetime | None = None


class AmendmentBody(Body):
    """A card as it should read, the version that rests on, and why."""

    card: dict[str, Any] = Field(repr=False)
    base_version: int
    reason: _Words


class StepBody(Body):
    """When a step was taken, if not now."""

    taken_at: AwareDatetime | None = None


class ConclusionBody(Body):
    """What an event was concluded to have been."""

    final_class: FinalClass = Field(repr=False)
    diagnosis: str = Field("", max_length=200, repr=False)
    concluded_on: date
    body: ConcludingBody | None = None
    level: BodyLevel | None = None
    harm: HarmGrade | None = Field(None, repr=False)

    def conclusion(self) -> Conclusion:
        """Return it as the rules know it."""
        return Conclusion(**self.model_dump())


class SevereBody(Body):
    """After which dose the reaction was severe, and what the physician says of it."""

    dose_id: UUID
    note: _Words


class ClaimBody(Body):
    """Who is asked to bear which costs."""

    kind: ClaimKind
    claimed_on: date
    words: _Words = ""


class SettlementBody(Body):
    """What came of a claim."""

    settled_on: date
    words: _Words = ""


class WordsBody(Body):
    """What was done, in words."""

    words: _Words


class ReasonBody(Body):
    """Why."""

    reason: _Words


class CopyBody(ReasonBody):
    """Of which cards a copy is taken, how, and why: of one event, or of a period."""

    form: ExportForm
    copied_for: CopyFor
    number: int | None = None
    since: date | None = None
    until: date | None = None

    def copy_wanted(self) -> NewCopy:
        """Return it as the rules know it, or raise Malformed of a period with one end."""
        return NewCopy(self.form, self.copied_for, self.reason, self.number, self.since, self.until)
