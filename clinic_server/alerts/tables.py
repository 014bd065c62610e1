"""Alerts: opened once, said again when they grow worse, acknowledged by name, closed for a reason."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, literal_column
from sqlalchemy import text as sql
from sqlmodel import Field

from clinic_server.alerts.rules import AlertKind, AlertState, AnswerWay, CloseReason, DueKind, DueState, Severity
from clinic_server.alerts.telling import Phrase
from clinic_server.kit.tables import Record, State, instant, one_of, sealed, table_of, text


class Alert(Record, table=True):
    """Something went wrong in one place (``place_code`` empty: at the site); it continues until it is closed."""

    __tablename__ = "alert"

    number: int = Field(unique=True)
    kind: AlertKind = one_of(AlertKind)
    place_code: str = text(32)
    cause_id: UUID | None = None
    opened_at: datetime = instant()


class AlertSaid(Record, table=True):
    """What was known of an alert from then on: how bad, and the words for a pager."""

    __tablename__ = "alert_said"
    __table_args__ = (Index(None, "alert_id"),)

    alert_id: UUID = Field(foreign_key="alert.id")
    severity: Severity = one_of(Severity)
    summary: str = text(80)
    cause_id: UUID | None = None
    said_at: datetime = instant()


class AlertTold(Record, table=True):
    """The figures behind what was said, for words in any language; of what an earlier version said there are none."""

    __tablename__ = "alert_told"

    said_id: UUID = Field(foreign_key="alert_said.id", unique=True)
    phrase: Phrase = one_of(Phrase)
    figures_json: str = text(800)


class AlertClosed(Record, table=True):
    """An alert is over; ``closed_by`` is None where the readings said so."""

    __tablename__ = "alert_closed"

    alert_id: UUID = Field(foreign_key="alert.id", unique=True)
    reason: CloseReason = one_of(CloseReason)
    closed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    closed_at: datetime = instant()


class AlertCalled(Record, table=True):
    """The ladder called the people of a step, for the ``round``-th time, by the version of it that held then."""

    __tablename__ = "alert_called"
    __table_args__ = (UniqueConstraint("alert_id", "round", "step"),)

    alert_id: UUID = Field(foreign_key="alert.id")
    round: int
    step: int
    ladder: str = text(50)
    people: int
    called_at: datetime = instant()


class AlertAnswered(Record, table=True):
    """Somebody answered an alert: with a comment it is acknowledged, without one (a pager's reply) only heard."""

    __tablename__ = "alert_answered"
    __table_args__ = (
        Index(None, "alert_id"),
        CheckConstraint("staff_id IS NOT NULL OR contact_id IS NOT NULL", name="is_named"),
    )

    alert_id: UUID = Field(foreign_key="alert.id")
    staff_id: UUID | None = Field(default=None, foreign_key="staff.id")
    contact_id: UUID | None = Field(default=None, foreign_key="alert_contact.id")
    way: AnswerWay = one_of(AnswerWay)
    comment: str | None = text(400, default=None)
    answered_at: datetime = instant()


class PlaceShelved(Record, table=True):
    """Somebody works on a place: until then it calls nobody, save for what cannot wait. Readings go on."""

    __tablename__ = "place_shelved"
    __table_args__ = (Index(None, "place_code"),)

    place_code: str = text(32)
    reason: str = text(200)
    shelved_by: UUID = Field(foreign_key="staff.id")
    shelved_at: datetime = instant()
    until_at: datetime = instant()


class ShelvingEnded(Record, table=True):
    """The work was done before its time was over."""

    __tablename__ = "shelving_ended"

    shelved_id: UUID = Field(foreign_key="place_shelved.id", unique=True)
    ended_by: UUID = Field(foreign_key="staff.id")
    ended_at: datetime = instant()


class AlertContact(Record, table=True):
    """Somebody who can be paged: of the staff, or outside it."""

    __tablename__ = "alert_contact"

    staff_id: UUID | None = Field(default=None, foreign_key="staff.id")
    added_at: datetime = instant()


class AlertContactSaid(Record, table=True):
    """A contact's name, language and addresses in their order, from then on; the latest counts."""

    __tablename__ = "alert_contact_said"
    __table_args__ = (Index(None, "contact_id"),)

    contact_id: UUID = Field(foreign_key="alert_contact.id")
    name_sealed: bytes = sealed()
    addresses_sealed: bytes = sealed()
    language: str = text(10)
    said_at: datetime = instant()


class AlertContactEnded(Record, table=True):
    """A contact is paged no more."""

    __tablename__ = "alert_contact_ended"

    contact_id: UUID = Field(foreign_key="alert_contact.id", unique=True)
    ended_at: datetime = instant()


class Duty(Record, table=True):
    """A contact is on a step of the ladder on days of every week, as digits (Monday is 0), between two local times."""

    __tablename__ = "duty"

    contact_id: UUID = Field(foreign_key="alert_contact.id")
    step: int
    weekdays: str = text(7)
    starts: time
    ends: time
    added_at: datetime = instant()


class DutyEnded(Record, table=True):
    """A weekly duty is no more."""

    __tablename__ = "duty_ended"

    duty_id: UUID = Field(foreign_key="duty.id", unique=True)
    ended_at: datetime = instant()


class DutyExcepted(Record, table=True):
    """One day is different: a contact stands in, or is away; the latest for contact, step and day counts."""

    __tablename__ = "duty_excepted"

    contact_id: UUID = Field(foreign_key="alert_contact.id")
    step: int
    on_date: date
    is_on: bool
    starts: time
    ends: time
    said_at: datetime = instant()


class PageDue(State, table=True):
    """One page to one contact, until it is sent; ``asked_at`` is when ``due_at`` was set.

    ``lead_id`` is the row it was last sent with: what is due to one contact at once is one page.
    """

    __tablename__ = "page_due"
    __table_args__ = (
        UniqueConstraint("alert_id", "kind", "round", "step", "contact_id"),
        Index(None, "state", "due_at"),
        Index(None, "lead_id"),
    )

    id: UUID = Field(primary_key=True)
    alert_id: UUID | None = Field(default=None, foreign_key="alert.id")
    contact_id: UUID = Field(foreign_key="alert_contact.id", index=True)
    kind: DueKind = one_of(DueKind)
    round: int
    step: int
    state: DueState = one_of(DueState)
    due_at: datetime = instant()
    asked_at: datetime = instant()
    lease_until: datetime | None = instant(default=None)
    lead_id: UUID | None = None
    tries: int = 0
    is_reached: bool | None = None


class AlertNow(State, table=True):
    """Each alert as it stands: the fold of its records. No place has two open ones of a kind.

    ``round``, ``step`` and ``called_at`` are the ladder's latest call, ``cycle_at`` the first call of this climb;
    between ``hushed_at`` and ``hushed_until`` an answer keeps it silent.
    """

    __tablename__ = "alert_now"
    __table_args__ = (
        UniqueConstraint("number"),
        Index(
            "uq_alert_now_open",
            "place_code",
            "kind",
            unique=True,
            sqlite_where=sql("state <> 'closed'"),
            postgresql_where=sql("state <> 'closed'"),
        ),
    )

    alert_id: UUID = Field(primary_key=True, foreign_key="alert.id")
    number: int
    kind: AlertKind = one_of(AlertKind)
    place_code: str = text(32)
    severity: Severity = one_of(Severity)
    state: AlertState = one_of(AlertState)
    summary: str = text(80)
    cause_id: UUID | None = None
    opened_at: datetime = instant()
    recovered_at: datetime | None = instant(default=None)
    acknowledged_at: datetime | None = instant(default=None)
    round: int = 0
    step: int = 0
    cycle_at: datetime | None = instant(default=None)
    called_at: datetime | None = instant(default=None)
    hushed_at: datetime | None = instant(default=None)
    hushed_until: datetime | None = instant(default=None)


alert = table_of(Alert)
alert_said = table_of(AlertSaid)
alert_told = table_of(AlertTold)
alert_closed = table_of(AlertClosed)
alert_called = table_of(AlertCalled)
alert_answered = table_of(AlertAnswered)
place_shelved = table_of(PlaceShelved)
shelving_ended = table_of(ShelvingEnded)
alert_contact = table_of(AlertContact)
alert_contact_said = table_of(AlertContactSaid)
alert_contact_ended = table_of(AlertContactEnded)
duty = table_of(Duty)
duty_ended = table_of(DutyEnded)
duty_excepted = table_of(DutyExcepted)
page_due = table_of(PageDue)
alert_now = table_of(AlertNow)
STANDS = alert_now.c.state != literal_column("'closed'")  # in the words of the partial index, as visits.tables.IS_OPEN
