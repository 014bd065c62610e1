"""Alerts as they stand."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select

from clinic_server.alerts.rules import AlertFacts
from clinic_server.alerts.tables import alert_now, alert_said, alert_told
from clinic_server.alerts.telling import Told, as_written, found

_STORED = tuple(name for name in AlertFacts.__dataclass_fields__ if name != "told")


def alerts_where(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[AlertFacts]:
    """Return alerts as they stand, the latest first."""
    columns = (alert_now.c[name] for name in _STORED)
    asked = select(*columns).where(*conditions).order_by(alert_now.c.number.desc())
    rows = connection.execute(asked).mappings().all()
    told = _told_last(connection, conditions) if rows else {}
    return [AlertFacts(**row, told=told[row["alert_id"]]) for row in rows]


def told_by(row: Any) -> Told:
    """Return what a row of ``alert_said`` beside its ``alert_told`` says."""
    return found(row.phrase, row.figures_json) if row.phrase else as_written(row.summary)


def _told_last(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> Mapping[UUID, Told]:
    said, any_said = alert_said.c, alert_said.alias()
    # Of an alert that lasts for hours there are hundreds, and this is asked at every look.
    last = select(func.max(any_said.c.journal_seq)).where(any_said.c.alert_id == alert_now.c.alert_id)
    rows = connection.execute(
        select(said.alert_id, said.summary, alert_told.c.phrase, alert_told.c.figures_json)
        .join(alert_now, alert_now.c.alert_id == said.alert_id)
        .outerjoin(alert_told, alert_told.c.said_id == said.id)
        .where(*conditions, said.journal_seq == last.scalar_subquery())
    )
    return {row.alert_id: told_by(row) for row in rows}
