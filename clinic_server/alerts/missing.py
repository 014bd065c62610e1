"""Records that the journal lost: a new epoch begins, everybody is called, and somebody says what they do about it."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from clinic_server.alerts.raising import raise_alarm
from clinic_server.alerts.rules import ALERTS, Alarm, AlertKind, Severity
from clinic_server.alerts.tables import STANDS, alert_now
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.journal import Head
from clinic_server.kit.tx import Tx
from clinic_server.kit.witness import MissingRecords, missing_from

PLACE = "records"  # where the alert stands; no place of the site has this name


def hear_witness(tx: Tx, known: Head) -> None:
    """Tell what a witness remembers and is not here, unless another witness told it a moment ago."""
    missing = missing_from(tx.connection, known)
    if missing is not None:
        tell_missing(tx, missing)


def tell_missing(tx: Tx, missing: MissingRecords) -> None:
    """Begin a new epoch, so that no later line passes for one that is gone, and call everybody."""
    tx.begin_epoch()
    is_short = missing.lines > 0
    lost = tell(Phrase.RECORDS_LOST, count=missing.lines, line=missing.there)
    told = lost if is_short else tell(Phrase.OTHER_RECORDS, line=missing.known.seq)
    alert_id = raise_alarm(tx, Alarm(AlertKind.SERVER_FAULT, Severity.CRITICAL, told, PLACE))
    tx.journal("records_missing", alert_id, ALERTS)


def missing_since() -> Select[Any]:
    """Ask since when records are missing and nobody has said what they do about it."""
    return select(func.min(alert_now.c.opened_at)).where(are_missing_records(), STANDS)


def are_missing_records() -> ColumnElement[bool]:
    """Tell of an alert that it stands for records that are missing."""
    return and_(alert_now.c.kind == AlertKind.SERVER_FAULT, alert_now.c.place_code == PLACE)
