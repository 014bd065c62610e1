"""Alerts: opened once, said again when they grow worse, acknowledged by name, closed for a reason."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from clinic_server.alerts.rules import AlertKind, AlertState, CloseReason, Severity
from clinic_server.kit.tables import Record, State, instant, one_of, table_of, text


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
    said_at: datetime = instant()


class AlertClosed(Record, table=True):
    """An alert is over; ``closed_by`` is None where the readings said so."""

    __tablename__ = "alert_closed"

    alert_id: UUID = Field(foreign_key="alert.id", unique=True)
    reason: CloseReason = one_of(CloseReason)
    closed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    closed_at: datetime = instant()


class AlertNow(State, table=True):
    """Each alert as it stands: the fold of its records. No place has two open ones of a kind."""

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
    opened_at: datetime = instant()
    recovered_at: datetime | None = instant(default=None)
    acknowledged_at: datetime | None = instant(default=None)


alert = table_of(Alert)
alert_said = table_of(AlertSaid)
alert_closed = table_of(AlertClosed)
alert_now = table_of(AlertNow)
