"""What is kept of the clock: every turn of it, and the last moment known for certain."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import BigInteger, Connection, bindparam, delete, select
from sqlmodel import Field

from clinic_server.kit.clock import Clock
from clinic_server.kit.journal import last_line_at
from clinic_server.kit.moments import Moment, Turn, Turning, TurnKind
from clinic_server.kit.tables import Record, State, instant, one_of, table_of, text
from clinic_server.kit.tx import Tx

CLOCK = "clock"  # the topic of pages that tell of a turn


class ClockTurn(Record, table=True):
    """The wall clock was set, or the machine was off; what was recorded before belongs to another stretch of it."""

    __tablename__ = "clock_turn"

    kind: TurnKind = one_of(TurnKind)
    from_at: datetime = instant()
    to_at: datetime = instant()


class ClockMark(State, table=True):
    """The one moment a restart goes on from; ``turn_seq`` is the line of the turn before it."""

    __tablename__ = "clock_mark"

    start: str = text(64, primary_key=True)
    turn_seq: int = Field(sa_type=BigInteger)
    at: datetime = instant()
    steady_s: float


clock_turn = table_of(ClockTurn)
clock_mark = table_of(ClockMark)
_turns = select(clock_turn.c.journal_seq, clock_turn.c.kind, clock_turn.c.from_at, clock_turn.c.to_at)
_turns_after = _turns.where(clock_turn.c.journal_seq > bindparam("seq")).order_by(clock_turn.c.journal_seq)


def record_turn(tx: Tx, turning: Turning) -> Moment:
    """Record that the clock was turned, and return the moment to reckon from now on."""
    begun = replace(turning.seen, seq=tx.seq)
    tx.append(ClockTurn, kind=turning.kind, from_at=turning.from_at, to_at=begun.at)
    keep_mark(tx, begun)
    tx.journal("clock_turned", None, CLOCK)
    return begun


def keep_mark(tx: Tx, moment: Moment) -> Moment:
    """Keep the moment a restart goes on from, and return it."""
    tx.execute(delete(clock_mark))
    tx.insert(ClockMark, start=moment.start, turn_seq=moment.seq, at=moment.at, steady_s=moment.steady_s)
    return moment


def last_moment(connection: Connection) -> Moment | None:
    """Return the last moment known for certain, or None of a database that never kept one."""
    row = connection.execute(select(clock_mark)).one_or_none()
    return None if row is None else Moment(row.turn_seq, row.at, row.steady_s, row.start)


def resumed(connection: Connection, clock: Clock) -> Moment:
    """Return the moment to reckon from: the last one known, which after a restart of the machine is the last line."""
    kept = last_moment(connection)
    if kept is None:
        return Moment.read(clock)
    if kept.is_provable(clock):
        return kept
    return replace(kept, at=max(kept.at, last_line_at(connection) or kept.at))


def at_moment(connection: Connection, moment: Moment) -> Connection:
    """Let everything asked on this connection be asked at one moment."""
    return connection.execution_options(moment=moment)


def moment_of(connection: Connection) -> Moment:
    """Return the moment at which this connection is asked."""
    moment: Moment = connection.get_execution_options()["moment"]
    return moment


def turns_after(connection: Connection, seq: int) -> Sequence[Turn]:
    """Return the turns after a journal line, the earliest first."""
    return [Turn(*row) for row in connection.execute(_turns_after, {"seq": seq})]


def turns_since(connection: Connection, at: datetime) -> Sequence[Turn]:
    """Return the turns after which the clock showed an instant or later, the earliest first."""
    return [Turn(*row) for row in connection.execute(_turns.where(clock_turn.c.to_at >= at).order_by("journal_seq"))]
