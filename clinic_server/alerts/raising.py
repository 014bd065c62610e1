"""Raising, saying again, and ending alerts: inside whatever transaction found out."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from clinic_server.alerts.lookup import alerts_where
from clinic_server.alerts.rules import (
    ALERTS,
    Alarm,
    AlertFacts,
    AlertKind,
    AlertState,
    CloseReason,
)
from clinic_server.alerts.tables import (
    Alert,
    AlertClosed,
    AlertNow,
    AlertSaid,
    alert,
    alert_now,
)
from clinic_server.kit.tx import Tx


def raise_alarm(tx: Tx, alarm: Alarm) -> UUID:
    """Open an alert, or let the open one of its place and kind continue; the caller journals.

    Nothing is appended where nothing new is said, so that a reading a minute does not make a row a minute.
    """
    standing = _open_one(tx.connection, alarm.kind, alarm.place_code)
    if standing is None:
        return _open(tx, alarm)
    if (standing.severity, standing.summary) != (alarm.severity, alarm.summary) or standing.recovered_at:
        _say(tx, standing.alert_id, alarm)
        values = {"severity": alarm.severity, "summary": alarm.summary, "recovered_at": None}
        tx.execute(update(alert_now).where(alert_now.c.alert_id == standing.alert_id).values(**values))
    return standing.alert_id


def recover(tx: Tx, kind: AlertKind, place_code: str = "") -> UUID | None:
    """End the open alert of a place and kind because what was wrong no longer is; the caller journals."""
    standing = _open_one(tx.connection, kind, place_code)
    if standing is None:
        return None
    close(tx, standing.alert_id, CloseReason.RECOVERED)
    return standing.alert_id


def close(tx: Tx, alert_id: UUID, reason: CloseReason) -> None:
    """End an alert; the caller has made sure that it is open, and journals."""
    tx.append(AlertClosed, alert_id=alert_id, reason=reason, closed_by=tx.actor.staff_id, closed_at=tx.now)
    recovered_at = tx.now if reason is CloseReason.RECOVERED else None
    tx.execute(
        update(alert_now)
        .where(alert_now.c.alert_id == alert_id)
        .values(state=AlertState.CLOSED, recovered_at=recovered_at)
    )
    tx.signal(ALERTS)


def open_alerts(connection: Connection) -> Sequence[AlertFacts]:
    """Return every alert that is not over, the latest first."""
    return alerts_where(connection, alert_now.c.state != AlertState.CLOSED)


def _open_one(connection: Connection, kind: AlertKind, place_code: str) -> AlertFacts | None:
    now = alert_now.c
    is_it = (now.state != AlertState.CLOSED, now.kind == kind, now.place_code == place_code)
    return next(iter(alerts_where(connection, *is_it)), None)


def _open(tx: Tx, alarm: Alarm) -> UUID:
    number = 1 + tx.execute(select(func.coalesce(func.max(alert.c.number), 0))).scalar_one()
    told = {"number": number, "kind": alarm.kind, "place_code": alarm.place_code, "opened_at": tx.now}
    alert_id = tx.append(Alert, **told, cause_id=alarm.cause_id)
    _say(tx, alert_id, alarm)
    tx.insert(
        AlertNow,
        alert_id=alert_id,
        **told,
        severity=alarm.severity,
        state=AlertState.OPEN,
        summary=alarm.summary,
    )
    return alert_id


def _say(tx: Tx, alert_id: UUID, alarm: Alarm) -> None:
    tx.append(AlertSaid, alert_id=alert_id, severity=alarm.severity, summary=alarm.summary, said_at=tx.now)
    tx.signal(ALERTS)
