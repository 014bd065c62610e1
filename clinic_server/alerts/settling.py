"""Alerts about what does not come back by itself: they are over once somebody has said by name what they do."""

from uuid import UUID

from sqlalchemy import Connection, exists, or_, select

from clinic_server.alerts.missing import are_missing_records
from clinic_server.alerts.raising import close
from clinic_server.alerts.rules import ALERTS, AlertKind, CloseReason
from clinic_server.alerts.tables import STANDS, alert_answered, alert_now
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S = 20.0
_ACTOR = system_actor("alerts")
_NOT_BACK = (AlertKind.MANY_SEARCHES, AlertKind.BARRED_VIAL_GIVEN)  # what was seen is seen; nothing comes out of an arm


class AnsweredWatch(Watcher):
    """Ends such alerts once they were answered with a comment."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("answered alerts", every_s)
        self._db = house.db

    async def look(self) -> None:
        """End what was answered."""
        if await self._db.read(_answered):
            await self._db.write(_settle, _ACTOR)


def _answered(connection: Connection) -> list[UUID]:
    now, answers = alert_now.c, alert_answered.c
    stays = or_(are_missing_records(), now.kind.in_(_NOT_BACK))
    is_answered = exists().where(answers.alert_id == now.alert_id, answers.comment.is_not(None))
    asked = select(now.alert_id).where(stays, STANDS, is_answered)
    return list(connection.execute(asked).scalars())


def _settle(tx: Tx) -> None:
    for alert_id in _answered(tx.connection):
        close(tx, alert_id, CloseReason.DECIDED)
        tx.journal("alert_settled", alert_id, ALERTS)
