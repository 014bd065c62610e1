"""Alerts of what does not come right by itself: they are over once somebody has said by name what they do about it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, and_, exists, or_, select

from clinic_server.alerts.missing import PLACE
from clinic_server.alerts.raising import close
from clinic_server.alerts.rules import ALERTS, AlertKind, AlertState, CloseReason
from clinic_server.alerts.tables import alert_answered, alert_now
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S = 20.0
_ACTOR = system_actor("alerts")
_now, _answers = alert_now.c, alert_answered.c
_OVER_ONCE_ANSWERED = or_(
    and_(_now.kind == AlertKind.SERVER_FAULT, _now.place_code == PLACE),  # what is gone does not come back
    _now.kind == AlertKind.BARRED_VIAL_GIVEN,  # nor out of an arm
)


class AnsweredAlerts(Watcher):
    """Ends those alerts that were answered with a comment and that nothing else would end."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("answered alerts", every_s)
        self._db = house.db

    async def look(self) -> None:
        """End what was answered."""
        for alert_id in await self._db.read(_answered):
            await self._db.write(partial(_settle, alert_id), _ACTOR)


def _answered(connection: Connection) -> Sequence[UUID]:
    is_answered = exists().where(_answers.alert_id == _now.alert_id, _answers.comment.is_not(None))
    is_open = _now.state != AlertState.CLOSED
    return connection.execute(select(_now.alert_id).where(is_open, _OVER_ONCE_ANSWERED, is_answered)).scalars().all()


def _settle(alert_id: UUID, tx: Tx) -> None:
    close(tx, alert_id, CloseReason.DECIDED)
    tx.journal("alert_settled", alert_id, ALERTS)
