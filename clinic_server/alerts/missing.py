"""Records that the journal lost: a new epoch begins, everybody is called, and somebody says what they do about it."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from clinic_server.alerts.raising import close, raise_alarm
from clinic_server.alerts.rules import ALERTS, Alarm, AlertKind, CloseReason, Severity
from clinic_server.alerts.tables import STANDS, alert_answered, alert_now
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.journal import Head
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher
from clinic_server.kit.witness import MissingRecords, missing_from

LOOKS_EVERY_S = 20.0
PLACE = "records"  # where the alert stands; no place of the site has this name
_ACTOR = system_actor("witness")


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
    return select(func.min(alert_now.c.opened_at)).where(*_stands())


class MissingRecordsWatch(Watcher):
    """Ends the alert once somebody has said by name what they do: what is gone does not come back by itself."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("missing records", every_s)
        self._db = house.db

    async def look(self) -> None:
        """End the alert if it was answered with a comment."""
        alert_id = await self._db.read(_answered_alert)
        if alert_id is not None:
            await self._db.write(lambda tx: _settle(tx, alert_id), _ACTOR)


def _stands() -> tuple[ColumnElement[bool], ...]:
    now = alert_now.c
    return now.kind == AlertKind.SERVER_FAULT, now.place_code == PLACE, STANDS


def _answered_alert(connection: Connection) -> UUID | None:
    now, answers = alert_now.c, alert_answered.c
    is_answered = exists().where(answers.alert_id == now.alert_id, answers.comment.is_not(None))
    found: UUID | None = connection.execute(select(now.alert_id).where(*_stands(), is_answered)).scalar()
    return found


def _settle(tx: Tx, alert_id: UUID) -> None:
    close(tx, alert_id, CloseReason.DECIDED)
    tx.journal("missing_records_settled", alert_id, ALERTS)
