"""Telling that injections pause, or may go on again: one record a change, and the alert that calls people."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.tx import Tx
from clinic_server.opening.lookup import injections_paused
from clinic_server.opening.rules import NOT_OPEN, Lapse
from clinic_server.opening.tables import PausesTold, opening, pauses_told

OPENING = "opening"  # the topic of whatever changes whether injections may go on


@dataclass(frozen=True, slots=True)
class Change:
    """What lapsed at an open site and what was told of it last; a site that is not open has no lapses."""

    standing: tuple[Lapse, ...]
    told: tuple[Lapse, ...]

    @property
    def is_worse(self) -> bool:
        """Tell whether something lapsed that nobody was told of."""
        return not set(self.standing) <= set(self.told)


def change_untold(connection: Connection, now: datetime, zone: tzinfo) -> Change | None:
    """Return what changed since it was told last, None when nothing did."""
    found = [one.lapse for one in injections_paused(connection, now, zone)]
    standing = () if NOT_OPEN & set(found) else tuple(found)
    told = lapses_told(connection)
    return None if standing == told else Change(standing, told)


def tell_pauses(tx: Tx) -> None:
    """Tell what changed: every act that may pause injections does so in its own transaction, and journals."""
    change = change_untold(tx.connection, tx.now, tx.site.zone)
    if change is None:
        return
    told_id = tx.append(
        PausesTold, opening_id=_latest_opening(tx.connection), lapses=" ".join(change.standing), told_at=tx.now
    )
    if change.standing:
        raise_alarm(tx, _alarm(change, told_id))
    else:
        recover(tx, AlertKind.READINESS_LAPSED)


def lapses_told(connection: Connection) -> tuple[Lapse, ...]:
    """Return what was last said to pause injections."""
    latest = select(pauses_told.c.lapses).order_by(pauses_told.c.journal_seq.desc()).limit(1)
    return tuple(Lapse(one) for one in (connection.execute(latest).scalar() or "").split())


def _alarm(change: Change, told_id: UUID) -> Alarm:
    """Return the alarm: another cause, which calls anew, where something lapsed besides."""
    told = tell(Phrase.INJECTIONS_PAUSE, lapses=" ".join(change.standing))
    cause_id = told_id if change.is_worse else None
    return Alarm(AlertKind.READINESS_LAPSED, Severity.ALARM, told, cause_id=cause_id)


def _latest_opening(connection: Connection) -> UUID:
    latest = select(opening.c.id).order_by(opening.c.journal_seq.desc()).limit(1)
    return UUID(int=connection.execute(latest).scalar_one().int)
