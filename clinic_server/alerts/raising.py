"""Raising, saying again, and ending alerts: inside whatever transaction found out."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, update

from clinic_server.alerts.duties import people_called_first
from clinic_server.alerts.ladder import is_shelvable
from clinic_server.alerts.lookup import alerts_where
from clinic_server.alerts.outbox import About, add_due, drop_pages, people_paged
from clinic_server.alerts.rules import (
    ALERTS,
    HARMS,
    SEVEREST_FIRST,
    Alarm,
    AlertFacts,
    AlertKind,
    AlertState,
    CloseReason,
    DueKind,
    Severity,
)
from clinic_server.alerts.shelving import standing_shelves
from clinic_server.alerts.tables import (
    STANDS,
    Alert,
    AlertClosed,
    AlertNow,
    AlertSaid,
    AlertTold,
    alert,
    alert_now,
    alert_said,
)
from clinic_server.alerts.telling import kept
from clinic_server.kit.tx import Tx

_CALLS_ANEW: dict[str, Any] = {"state": AlertState.OPEN, "cycle_at": None, "hushed_at": None, "hushed_until": None}


def raise_alarm(tx: Tx, alarm: Alarm) -> UUID:
    """Open an alert, or let the open one of its place and kind continue; the caller journals.

    Nothing is appended where nothing new is said, so that a reading a minute does not make a row a minute.
    One that grows worse, or has another cause, calls anew: what was answered was less.
    """
    standing = _open_one(tx.connection, alarm.kind, alarm.place_code)
    if standing is None:
        return _open(tx, alarm)
    calls_anew = _is_more(alarm, standing)
    if calls_anew or (standing.severity, standing.summary) != (alarm.severity, alarm.summary):
        _say(tx, standing.alert_id, alarm)
        cause_id = alarm.cause_id or standing.cause_id
        values = {"severity": alarm.severity, "summary": alarm.summary, "cause_id": cause_id}
        tx.execute(
            update(alert_now)
            .where(alert_now.c.alert_id == standing.alert_id)
            .values(values | (_CALLS_ANEW if calls_anew else {}))
        )
    return UUID(int=standing.alert_id.int)


def recover(tx: Tx, kind: AlertKind, place_code: str = "") -> UUID | None:
    """End the open alert of a place and kind because what was wrong no longer is; the caller journals."""
    standing = _open_one(tx.connection, kind, place_code)
    if standing is None:
        return None
    close(tx, standing.alert_id, CloseReason.RECOVERED)
    return UUID(int=standing.alert_id.int)


def close(tx: Tx, alert_id: UUID, reason: CloseReason) -> None:
    """End an alert, and tell everybody who was paged; the caller has made sure that it is open, and journals."""
    tx.append(AlertClosed, alert_id=alert_id, reason=reason, closed_by=tx.actor.staff_id, closed_at=tx.now)
    recovered_at = tx.now if reason is CloseReason.RECOVERED else None
    ended = tx.execute(
        update(alert_now)
        .where(alert_now.c.alert_id == alert_id)
        .values(state=AlertState.CLOSED, recovered_at=recovered_at)
        .returning(alert_now)
    ).one()
    drop_pages(tx, alert_id)
    whom = people_paged(tx.connection, alert_id) or _people_to_tell(tx, ended)
    add_due(tx, About(alert_id, DueKind.RECOVERY, ended.round), whom, tx.now)
    tx.signal(ALERTS)


def open_alerts(connection: Connection) -> Sequence[AlertFacts]:
    """Return every alert that is not over, the latest first."""
    return alerts_where(connection, STANDS)


def _people_to_tell(tx: Tx, ended: Row[Any]) -> Collection[UUID]:
    """Return who hears of harm that was over before anybody was paged, as where its readings came late."""
    if ended.kind not in HARMS or ended.hushed_at is not None or not _was_an_alarm(tx.connection, ended.alert_id):
        return ()
    shelved = {one.shelf.place_code for one in standing_shelves(tx.connection, tx.now)}
    is_known_of = ended.place_code in shelved and is_shelvable(ended.kind, ended.severity)
    return () if is_known_of else people_called_first(tx)


def _was_an_alarm(connection: Connection, alert_id: UUID) -> bool:
    said = alert_said.c
    more = select(said.id).where(said.alert_id == alert_id, said.severity != Severity.WARNING)
    return connection.execute(more.limit(1)).first() is not None


def _open_one(connection: Connection, kind: AlertKind, place_code: str) -> Row[Any] | None:
    now = alert_now.c
    is_it = (STANDS, now.kind == kind, now.place_code == place_code)
    return connection.execute(select(alert_now).where(*is_it)).first()


def _is_more(alarm: Alarm, standing: Row[Any]) -> bool:
    is_worse = SEVEREST_FIRST.index(alarm.severity) < SEVEREST_FIRST.index(standing.severity)
    return is_worse or alarm.cause_id not in {None, standing.cause_id}


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
        cause_id=alarm.cause_id,
        round=0,
        step=0,
    )
    return alert_id


def _say(tx: Tx, alert_id: UUID, alarm: Alarm) -> None:
    said = {"severity": alarm.severity, "summary": alarm.summary, "cause_id": alarm.cause_id}
    said_id = tx.append(AlertSaid, alert_id=alert_id, **said, said_at=tx.now)
    tx.append(AlertTold, said_id=said_id, phrase=alarm.told.phrase, figures_json=kept(alarm.told))
    tx.signal(ALERTS)
