"""Who is under observation and until when: begun by the needle, counted from the last dose of the visit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.kit.tx import Tx
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import Watch, visit_now, watch

_other = watch.alias()


@dataclass(frozen=True, slots=True)
class Watched:
    """One person under observation."""

    visit_id: UUID
    person_id: UUID
    ticket_number: int
    due_at: datetime

    def minutes_left(self, now: datetime) -> int:
        """Return the whole minutes still to wait, none once due."""
        return minutes_left(now, self.due_at)


def minutes_left(now: datetime, due_at: datetime) -> int:
    """Return the begun minutes from now until an instant, none once it has come."""
    return max(0, -((now - due_at) // timedelta(minutes=1)))


def start_watch(tx: Tx, visit_id: UUID, given_at: datetime, minutes: int) -> datetime:
    """Begin, or begin again, the observation of a visit; return when it is over."""
    due_at = given_at + timedelta(minutes=minutes)
    tx.append(Watch, visit_id=visit_id, given_at=given_at, due_at=due_at)
    return due_at


def due_at(connection: Connection, visit_id: UUID) -> datetime | None:
    """Return when a visit's observation is over, counted from its last dose."""
    found: datetime | None = connection.execute(
        select(watch.c.due_at).where(watch.c.visit_id == visit_id).order_by(watch.c.journal_seq.desc()).limit(1)
    ).scalar()
    return found


def watched(connection: Connection) -> Sequence[Watched]:
    """Return everyone under observation, the first to be due first."""
    last = select(func.max(_other.c.journal_seq)).where(_other.c.visit_id == visit_now.c.visit_id).scalar_subquery()
    rows = connection.execute(
        select(visit_now.c.visit_id, visit_now.c.person_id, visit_now.c.ticket_number, watch.c.due_at)
        .join(watch, watch.c.visit_id == visit_now.c.visit_id)
        .where(visit_now.c.stage == Stage.OBSERVED, watch.c.journal_seq == last)
        .order_by(watch.c.due_at, visit_now.c.ticket_number)
    )
    return [Watched(*row) for row in rows]
