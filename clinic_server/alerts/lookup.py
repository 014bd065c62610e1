"""Alerts as they stand."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, select

from clinic_server.alerts.rules import AlertFacts
from clinic_server.alerts.tables import alert_now


def alerts_where(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[AlertFacts]:
    """Return alerts as they stand, the latest first."""
    columns = (alert_now.c[name] for name in AlertFacts.__dataclass_fields__)
    rows = connection.execute(select(*columns).where(*conditions).order_by(alert_now.c.number.desc()))
    return [AlertFacts(*row) for row in rows]
