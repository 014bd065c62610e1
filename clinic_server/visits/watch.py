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
from clinic_server.visits.chain import stay_of
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import Watch, visit_now, watch

_other = watch.alias()
_last = select(func.max(_other.c.journal_seq)).where(_other.c.visit_id == watch.c.visit_id).scalar_subquery()
_begun = (
    select(func.min(_other.c.journal_seq))
    .where(_other.c.visit_id == watch.c.visit_id, _other.c.given_at == watch.c.given_at)
    .scalar_subquery()
)
_watches = select(watch.c.visit_id, watch.c.journal_seq, watch.c.given_at, watch.c.due_at, _begun.label("begun_seq"))
_standing = _watches.where(watch.c.journal_seq == _last)
_on_seats = (
    _standing.add_columns(visit_now.c.person_id, visit_now.c.ticket_number)
    .join(visit_now, visit_now.c.visit_id == watch.c.visit_id)
    .where(visit_now.c.stage == Stage.OBSERVED)
)
_of_visit = _watches.where(watch.c.visit_id == bindparam("visit_id")).order_by(watch.c.journal_seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A visit's observation at one moment; ``given_at`` is the last dose's time as it was recorded.

    ``minutes_in`` are the full minutes since then, whatever happened to the clock, of ``minutes_planned``.
    """

    given_at: datetime
    due: Due
    minutes_in: int
    minutes_planned: int


@dataclass(frozen=True, slots=True)
class Seen:
    """When somebody under observation was seen, as the journal line ``seq`` tells it."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """One person under observation; ``is_unproved`` while only the wall clock says the time is over.

    ``given_at`` is the last dose's time as it was recorded, ``minutes_in`` the full minutes since it, of
    ``minutes_planned``.
    """

    visit_id: UUID
    person_id: UUID
    ticket_number: int
    due_at: datetime
    minutes_left: int
    is_unproved: bool
    given_at: datetime
    minutes_in: int
    minutes_planned: int


def minutes_left(now: datetime, due_at: datetime) -> int:
    """Return the begun minutes from now until an instant, none once it has come."""
    return max(0, -((now - due_at) // timedelta(minutes=1)))


def start_watch(tx: Tx, visit_id: UUID, given_at: datetime, minutes: int) -> datetime:
    """Begin the observation of a visit, or begin it again; return when it is over.

    Neither its own earlier time nor that of a visit it follows is made shorter by it.
    """
    earlier = [standing_watch(tx.connection, one) for one in stay_of(tx.connection, visit_id)]
    proved = [watch.due.proved_at for watch in earlier if watch is not None]
    return _append(tx, visit_id, given_at, max([given_at + timedelta(minutes=minutes), *proved]))


def extend_watch(tx: Tx, visit_id: UUID, minutes: int) -> datetime:
    """Let an observation last longer, counted from now where its time is over; return when it is over then."""
    standing = standing_watch(tx.connection, visit_id)
    assert standing is not None  # noqa: S101  # nobody is observed without a watch: the dose begins it
    over_at = max(standing.due.at, tx.now) + timedelta(minutes=minutes)
    return _append(tx, visit_id, standing.given_at, max(over_at, standing.due.proved_at))


def resume_watch(tx: Tx, visit_id: UUID, seen: Seen) -> datetime:
    """Go on with an observation where somebody was seen last, for what was left of it then; return when it is over."""
    watched_last = tx.execute(_of_visit, {"visit_id": visit_id}).one()
    turns = turns_after(tx.connection, min(seen.seq, watched_last.journal_seq))
    due = Due(watched_last.due_at, watched_last.due_at).carried(watched_last.journal_seq, seen.seq, turns)
    return _append(tx, visit_id, watched_last.given_at, tx.now + max(due.proved_at - seen.at, timedelta(0)))


def standing_watch(connection: Connection, visit_id: UUID) -> Standing | None:
    """Return how a visit's observation stands, or None before the needle."""
    found = _carried(connection, _of_visit, visit_id=visit_id)
    return next((standing for _, standing in found), None)


def due_at(connection: Connection, visit_id: UUID) -> datetime | None:
    """Return when a visit's observation is over, counted from its last dose."""
    standing = standing_watch(connection, visit_id)
    return None if standing is None else standing.due.at


def watched(connection: Connection) -> Sequence[Watched]:
    """Return everyone under observation, the first to be due first."""
    now = moment_of(connection).at
    present = [
        Watched(
            visit_id=row.visit_id,
            person_id=row.person_id,
            ticket_number=row.ticket_number,
            due_at=standing.due.at,
            minutes_left=minutes_left(now, standing.due.at),
            is_unproved=standing.due.is_unproved(now),
            given_at=standing.given_at,
            minutes_in=standing.minutes_in,
            minutes_planned=standing.minutes_planned,
        )
        for row, standing in _carried(connection, _on_seats)
    ]
    return sorted(present, key=attrgetter("due_at", "ticket_number"))


def _append(tx: Tx, visit_id: UUID, given_at: datetime, due_at: datetime) -> datetime:
    tx.append(Watch, visit_id=visit_id, given_at=given_at, due_at=due_at)
    return due_at


def _carried(connection: Connection, asked: Select[Any], **values: UUID) -> Iterator[tuple[Row[Any], Standing]]:
    """Yield each watch asked for, with its times carried to the connection's moment.

    A watch that was made longer has the dose's time as the line of the dose tells it, which may lie before a turn.
    """
    rows = connection.execute(asked, values).all()
    if not rows:
        return
    moment = moment_of(connection)
    turns = turns_after(connection, min(moment.seq, *(row.begun_seq for row in rows)))
    for row in rows:
        given = Due(row.given_at, row.given_at).carried(row.begun_seq, moment.seq, turns)
        due = Due(row.due_at, row.due_at).carried(row.journal_seq, moment.seq, turns)
        minutes_in = max(0, (moment.at - given.at) // timedelta(minutes=1))
        yield row, Standing(row.given_at, due, minutes_in, minutes_left(given.at, due.at))
