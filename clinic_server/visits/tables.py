"""A visit, its steps, the doses given on it, and the cache of where it stands."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from clinic_server.kit.tables import Record, State, instant, one_of, sealed, table_of, text
from clinic_server.stock.rules import BodySite, Route
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.rules import CallEnd


def _one_of_a_person(name: str, where: str) -> Index:
    return Index(name, "person_id", unique=True, sqlite_where=sql(where), postgresql_where=sql(where))


class Visit(Record, table=True):
    """One person's way through the site on one clinic day."""

    __tablename__ = "visit"
    __table_args__ = (UniqueConstraint("business_on", "ticket_number"),)

    person_id: UUID = Field(foreign_key="person.id")
    business_on: date
    ticket_number: int
    opened_at: datetime = instant()


class VisitFollows(Record, table=True):
    """A further vaccine was asked for while somebody was watched: one visit follows another (``chain.py``)."""

    __tablename__ = "visit_follows"

    visit_id: UUID = Field(foreign_key="visit.id", unique=True)
    follows_visit_id: UUID = Field(foreign_key="visit.id", index=True)
    asked_by: UUID = Field(foreign_key="staff.id")
    asked_at: datetime = instant()


class VisitStep(Record, table=True):
    """One step taken; ``record_id`` names what was recorded at it, in the table of its stage."""

    __tablename__ = "visit_step"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    outcome: Outcome = one_of(Outcome)
    stage: Stage = one_of(Stage)
    record_id: UUID | None = None
    taken_at: datetime = instant()


class VisitNow(State, table=True):
    """Where each visit stands: the fold of its steps, kept by the transaction that takes a step."""

    __tablename__ = "visit_now"
    __table_args__ = (
        Index("ix_visit_now_open", "person_id", sqlite_where=sql("is_open"), postgresql_where=sql("is_open")),
        _one_of_a_person("uq_visit_now_one_before_needle", "is_open AND stage <> 'observed'"),
        _one_of_a_person("uq_visit_now_one_watched", "stage = 'observed'"),
        Index("ix_visit_now_day", "business_on", "stage"),
    )

    visit_id: UUID = Field(primary_key=True, foreign_key="visit.id")
    person_id: UUID = Field(foreign_key="person.id")
    business_on: date
    ticket_number: int
    stage: Stage = one_of(Stage)
    is_open: bool
    since_at: datetime = instant()
    since_seq: int = Field(sa_type=BigInteger)


class Call(Record, table=True):
    """A ticket called to a station; it stands until the visit's next step, the next call, or its end."""

    __tablename__ = "visit_call"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    station: str = text(32)
    called_at: datetime = instant()


class CallEnded(Record, table=True):
    """A visit's standing call came to nothing; whoever is passed over counts as waiting since ``stands_from_at``."""

    __tablename__ = "visit_call_ended"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    how: CallEnd = one_of(CallEnd)
    stands_from_at: datetime | None = instant(default=None)
    ended_at: datetime = instant()


class Watch(Record, table=True):
    """An observation begun by a dose; the latest of a visit counts."""

    __tablename__ = "watch"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    given_at: datetime = instant()
    due_at: datetime = instant()


class VisitBaseline(Record, table=True):
    """What was measured of the person before the needle, sealed JSON; the latest of a visit counts."""

    __tablename__ = "visit_baseline"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    measured_sealed: bytes = sealed()
    measured_at: datetime = instant()


class VisitOrder(Record, table=True):
    """What a physician's recommendation lets a bench give; any step not about its consent ends it (``orders.py``)."""

    __tablename__ = "visit_order"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    decision_id: UUID = Field(unique=True)
    product_code: str = text(40)
    physician_id: UUID = Field(foreign_key="staff.id")
    placed_at: datetime = instant()
    valid_until: datetime = instant()
    is_against_advice: bool
    observation_minutes: int


class VisitOrderConsent(Record, table=True):
    """A consent signed for an order; another only after it fell (``orders.py``)."""

    __tablename__ = "visit_order_consent"

    order_id: UUID = Field(foreign_key="visit_order.id", index=True)
    consent_id: UUID = Field(unique=True)
    attached_at: datetime = instant()


class Dose(Record, table=True):
    """A dose given. One permit, one order, one draw: one dose; its number is what the schedule named made of it."""

    __tablename__ = "dose"

    permit_id: UUID = Field(foreign_key="permit.id", unique=True)
    order_id: UUID = Field(foreign_key="visit_order.id", unique=True)
    draw_id: UUID = Field(foreign_key="draw.id", unique=True)
    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    unit_id: UUID = Field(foreign_key="unit.id")
    lot_id: UUID = Field(foreign_key="lot.id", index=True)
    product_code: str = text(40)
    dose_number: int | None = None
    schedule_code: str | None = text(40, default=None)
    schedule_version: int | None = None
    volume_ul: int
    route: Route = one_of(Route)
    body_site: BodySite = one_of(BodySite)
    vaccinator_id: UUID = Field(foreign_key="staff.id")
    given_at: datetime = instant()


class DoseEnteredInError(Record, table=True):
    """The record of a dose that no needle gave; ``corrected_by`` says so and why."""

    __tablename__ = "dose_entered_in_error"

    dose_id: UUID = Field(foreign_key="dose.id", unique=True)
    reason_sealed: bytes = sealed()
    corrected_by: UUID = Field(foreign_key="staff.id")
    corrected_at: datetime = instant()


class BodySiteCorrected(Record, table=True):
    """Where a dose was really given; the latest of a dose counts."""

    __tablename__ = "body_site_corrected"

    dose_id: UUID = Field(foreign_key="dose.id", index=True)
    body_site: BodySite = one_of(BodySite)
    reason_sealed: bytes = sealed()
    corrected_by: UUID = Field(foreign_key="staff.id")
    corrected_at: datetime = instant()


class DoseAgainstRule(Record, table=True):
    """What speaks against a dose as it was given or corrected: ``findings`` by their codes (``against.py``)."""

    __tablename__ = "dose_against_rule"

    dose_id: UUID = Field(foreign_key="dose.id", index=True)
    findings: str = text(200)
    reason_sealed: bytes = sealed()
    said_by: UUID = Field(foreign_key="staff.id")
    said_at: datetime = instant()


class DoseDespiteRefusal(Record, table=True):
    """What forbade a dose whose needle was in before anybody could be told: ``findings`` by codes (``against.py``)."""

    __tablename__ = "dose_despite_refusal"

    dose_id: UUID = Field(foreign_key="dose.id", unique=True)
    findings: str = text(2000)
    reason_sealed: bytes = sealed()
    said_by: UUID = Field(foreign_key="staff.id")
    said_at: datetime = instant()


class DoseWithheld(Record, table=True):
    """A physician's decision not to give a dose now, kept for later visits (``withheld.py``)."""

    __tablename__ = "dose_withheld"

    visit_id: UUID = Field(foreign_key="visit.id")
    person_id: UUID = Field(foreign_key="person.id", index=True)
    decision_id: UUID = Field(unique=True)
    programme: str = text(40)
    not_before: date | None = None
    vaccine_code: str | None = text(40, default=None)
    decided_on: date


visit = table_of(Visit)
visit_follows = table_of(VisitFollows)
visit_step = table_of(VisitStep)
visit_now = table_of(VisitNow)
IS_OPEN = sql("visit_now.is_open")  # in the words of the partial index: SQLite uses it for no others
IS_BEFORE_NEEDLE = sql("visit_now.is_open AND visit_now.stage <> 'observed'")  # as above
visit_call = table_of(Call)
visit_call_ended = table_of(CallEnded)
watch = table_of(Watch)
visit_baseline = table_of(VisitBaseline)
visit_order = table_of(VisitOrder)
visit_order_consent = table_of(VisitOrderConsent)
dose = table_of(Dose)
dose_entered_in_error = table_of(DoseEnteredInError)
body_site_corrected = table_of(BodySiteCorrected)
dose_against_rule = table_of(DoseAgainstRule)
dose_despite_refusal = table_of(DoseDespiteRefusal)
dose_withheld = table_of(DoseWithheld)
