"""Who is under observation and until when: begun by the needle, counted from the last dose of the visit.

The times are of the connection's moment: what was due before the clock was turned is carried over the turn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from clinic_server.kit.moments import Due
from clinic_server.kit.turns import moment_of, turns_after
from clinic_server.kit.tx import Tx
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import Watch, visit_now, watch

_other = watch.alias()
_last = select(func.max(_other.c.journal_seq)).where(_other.c.visit_id == watch.c.visit_id).scalar_subquery()
_standing = select(watch.c.visit_id, watch.c.journal_seq, watch.c.given_at, watch.c.due_at).where(
    watch.c.journal_seq == _last
)
_on_seats = (
    _standing.add_columns(visit_now.c.person_id, visit_now.c.ticket_number)
    .join(visit_now, visit_now.c.visit_id == watch.c.visit_id)
    .where(visit_now.c.stage == Stage.OBSERVED)
)
_of_visit = (
    select(watch.c.visit_id, watch.c.journal_seq, watch.c.given_at, watch.c.due_at)
    .where(watch.c.visit_id == bindparam("visit_id"))
    .order_by(watch.c.journal_seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A visit's observation at one moment; ``given_at`` is the last dose's time as it was recorded."""

    given_at: datetime
    due: Due


@dataclass(frozen=True, slots=True)
class Watched:
    """One person under observation; ``is_unproved`` while only the wall clock says the time is over."""

    visit_id: UUID
    person_id: UUID
    ticket_number: int
    due_at: datetime
    minutes_left: int
    is_unproved: bool


def minutes_left(now: datetime, due_at: datetime) -> int:
    """Return the begun minutes from now until an instant, none once it has come."""
    return max(0, -((now - due_at) // timedelta(minutes=1)))


def start_watch(tx: Tx, visit_id: UUID, given_at: datetime, minutes: int) -> datetime:
    """Begin the observation of a visit, or begin it again without shortening it; return when it is over."""
    earlier = standing_watch(tx.connection, visit_id)
    over_at = given_at + timedelta(minutes=minutes)
    return _append(tx, visit_id, given_at, over_at if earlier is None else max(over_at, earlier.due.proved_at))


def extend_watch(tx: Tx, visit_id: UUID, minutes: int) -> datetime:
    """Let an observation last longer, counted from now where its time is over; return when it is over then."""
    standing = standing_watch(tx.connection, visit_id)
    assert standing is not None  # noqa: S101  # nobody is observed without a watch: the dose begins it
    over_at = max(standing.due.at, tx.now) + timedelta(minutes=minutes)
    return _append(tx, visit_id, standing.given_at, max(over_at, standing.due.proved_at))


def standing_watch(connection: Connection, visit_id: UUID) -> Standing | None:
    """Return how a visit's observation stands, or None before the needle."""
    found = _carried(connection, _of_visit, visit_id=visit_id)
    return next((Standing(row.given_at, due) for row, due in found), None)


def due_at(connection: Connection, visit_id: UUID) -> datetime | None:
    """Return when a visit's observation is over, counted from its last dose."""
    standing = standing_watch(connection, visit_id)
    return None if standing is None else standing.due.at


def watched(connection: Connection) -> Sequence[Watched]:
    """Return everyone under observation, the first to be due first."""
    now = moment_of(connection).at
    present = [
        Watched(row.visit_id, row.person_id, row.ticket_number, due.at, minutes_left(now, due.at), due.is_unproved(now))
        for row, due in _carried(connection, _on_seats)
    ]
    return sorted(present, key=attrgetter("due_at", "ticket_number"))


def _append(tx: Tx, visit_id: UUID, given_at: datetime, due_at: datetime) -> datetime:
    tx.append(Watch, visit_id=visit_id, given_at=given_at, due_at=due_at)
    return due_at


def _carried(connection: Connection, asked: Select[Any], **values: UUID) -> Iterator[tuple[Row[Any], Due]]:
    """Yield each watch asked for, with its due time carried to the connection's moment."""
    rows = connection.execute(asked, values).all()
    if not rows:
        return
    now_seq = moment_of(connection).seq
    turns = turns_after(connection, min(now_seq, *(row.journal_seq for row in rows)))
    for row in rows:
        yield row, Due(row.due_at, row.due_at).carried(row.journal_seq, now_seq, turns)
