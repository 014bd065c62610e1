"""Places, the probes in them, and what the probes said: readings as narrow integers, one row a minute for years."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Connection,
    Index,
    LargeBinary,
    and_,
    bindparam,
    delete,
    exists,
    func,
    not_,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field

from clinic_server.cold_chain.rules import Fault, ProbeEnd
from clinic_server.kit.tables import AppendOnly, Record, State, instant, one_of, table_of, text

MOST_LETTER_BYTES = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Probe(Record, table=True):
    """A probe set into a place, or taken out of any; a probe's latest row tells where it is."""

    __tablename__ = "probe"
    __table_args__ = (Index(None, "probe_id", "journal_seq"),)

    probe_id: str = text(128)
    place_code: str | None = text(32, default=None, foreign_key="place.code")
    assigned_at: datetime = instant()


class ProbeReason(Record, table=True):
    """Why a probe was set, taken out, lost or retired, and who said so."""

    __tablename__ = "probe_reason"

    assignment_id: UUID = Field(foreign_key="probe.id", unique=True)
    ended_as: ProbeEnd | None = one_of(ProbeEnd, default=None)
    reason: str = text(200)
    told_by: UUID | None = Field(default=None, foreign_key="staff.id")


class HeardProbe(AppendOnly, table=True):
    """A probe that ever spoke, assigned or not; ``number`` stands for it in this site's readings and nowhere else."""

    __tablename__ = "heard_probe"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    probe_id: str = text(128, unique=True)
    first_heard_at: datetime = instant()


class Reading(AppendOnly, table=True):
    """One sample, raw. ``at`` is its event time: as measured, or as received from a probe without a clock.

    ``fault`` is None on a good one; ``is_late`` when it came after its minutes had passed as silence. ``turn_seq`` is
    the line of the clock's last turn before it came; None from before that was kept, or where there was none.
    """

    __tablename__ = "reading"
    __table_args__ = (
        Index(None, "probe", "at_unix_ms"),
        Index(None, "received_unix_ms"),
        {"sqlite_with_rowid": False},
    )

    probe: int = Field(primary_key=True, foreign_key="heard_probe.number")
    boot: int = Field(primary_key=True, sa_type=BigInteger)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    at_unix_ms: int = Field(sa_type=BigInteger)
    measured_unix_ms: int | None = Field(default=None, sa_type=BigInteger)
    received_unix_ms: int = Field(sa_type=BigInteger)
    uptime_s: int | None = Field(default=None, sa_type=BigInteger)
    milli_celsius: int | None = None
    fault: Fault | None = one_of(Fault, default=None)
    is_late: bool
    turn_seq: int | None = Field(default=None, sa_type=BigInteger)


class ReadingsSettled(State, table=True):
    """Up to which turn of the clock it is settled what is set aside, and which turn the first readings follow."""

    __tablename__ = "readings_settled"

    first_seq: int = Field(primary_key=True, sa_type=BigInteger)
    turn_seq: int = Field(sa_type=BigInteger)


class AsideSpan(State, table=True):
    """What came after one turn of the clock and is dated in a span counts for nothing, as the clock is set now."""

    __tablename__ = "aside_span"

    turn_seq: int = Field(primary_key=True, sa_type=BigInteger)
    from_unix_ms: int = Field(primary_key=True, sa_type=BigInteger)
    until_unix_ms: int = Field(sa_type=BigInteger)


class LatestReading(State, table=True):
    """Of each probe the latest sample that may be judged, and the latest that may not, by event time.

    ``is_last_known`` marks a retained value of a probe that has not spoken yet; it is no reading.
    """

    __tablename__ = "latest_reading"

    probe: int = Field(primary_key=True, foreign_key="heard_probe.number")
    is_judged: bool = Field(primary_key=True)
    boot: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    at_unix_ms: int = Field(sa_type=BigInteger)
    milli_celsius: int | None = None
    fault: Fault | None = one_of(Fault, default=None)
    is_last_known: bool


class DeadLetter(AppendOnly, table=True):
    """A payload nobody could use, kept as it came; ``origin`` is its topic."""

    __tablename__ = "dead_letter"
    __table_args__ = (
        Index(None, "received_at"),
        CheckConstraint(f"length(payload) <= {MOST_LETTER_BYTES}", name="payload_length"),
    )

    id: UUID = Field(primary_key=True)
    device_id: str = text(40)
    origin: str = text(200)
    reason: str = text(64)
    payload: bytes = Field(sa_type=LargeBinary)
    received_at: datetime = instant()


class LettersNotKept(State, table=True):
    """How many payloads of one device, unusable for one reason, were only counted in an hour that had enough."""

    __tablename__ = "letters_not_kept"

    device_id: str = text(40, primary_key=True)
    reason: str = text(64, primary_key=True)
    hour_at: datetime = instant(primary_key=True)
    number: int


probe = table_of(Probe)
probe_reason = table_of(ProbeReason)
heard_probe = table_of(HeardProbe)
reading = table_of(Reading)
readings_settled = table_of(ReadingsSettled)
aside_span = table_of(AsideSpan)
latest_reading = table_of(LatestReading)
dead_letter = table_of(DeadLetter)
letters_not_kept = table_of(LettersNotKept)
IDENTITY = (reading.c.probe, reading.c.boot, reading.c.seq)


def is_set_aside(turn_seq: ColumnElement[Any], at_unix_ms: ColumnElement[Any], table: Any) -> ColumnElement[bool]:
    """Select what came after a turn of the clock and is dated so that it counts for nothing as the clock is set now.

    That no turn has such a span is asked once; of others each row is asked about.
    """
    span, came_after = aside_span.c, func.coalesce(turn_seq, 0)
    lies_in = (span.turn_seq == came_after, at_unix_ms >= span.from_unix_ms, at_unix_ms < span.until_unix_ms)
    return and_(came_after.in_(select(span.turn_seq)), exists().where(*lies_in).correlate(table))


IS_SET_ASIDE = is_set_aside(reading.c.turn_seq, reading.c.at_unix_ms, reading)
COUNTS = not_(IS_SET_ASIDE)
identity_of = itemgetter("probe", "boot", "seq")
_event_order_of = itemgetter("at_unix_ms", "boot", "seq")
ReadingRow = dict[str, Any]
Identity = tuple[int, int, int]


def insert_new(connection: Connection, rows: Mapping[Identity, ReadingRow]) -> Mapping[Identity, ReadingRow]:
    """Insert the readings that are not stored yet, and return them."""
    if not rows:
        return {}
    inserted = connection.execute(_INSERT_NEW[connection.dialect.name], list(rows.values()))
    return {identity: rows[identity] for identity in map(tuple, inserted)}


def counting(connection: Connection, rows: Iterable[ReadingRow]) -> Sequence[ReadingRow]:
    """Return those of the newest readings that are not set aside as they come."""
    new = list(rows)
    turn_seqs = {row["turn_seq"] for row in new} - {None}
    asides = [span for turn_seq in turn_seqs for span in connection.execute(_SPANS_OF, {"turn_seq": turn_seq})]
    return [row for row in new if not any(first <= row["at_unix_ms"] < until for first, until in asides)]


def keep_latest(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Bring the cache of latest readings up to what was stored a moment ago; what was only remembered makes room."""
    latest = {(row["probe"], row["is_judged"]): row for row in sorted(rows, key=_event_order_of)}
    if not latest:
        return
    numbers = {number for number, _ in latest}
    connection.execute(
        delete(latest_reading).where(latest_reading.c.probe.in_(numbers), latest_reading.c.is_last_known)
    )
    connection.execute(_KEEP_LATEST[connection.dialect.name], list(latest.values()))


def _keeping_latest(insert: Any) -> Any:
    held, new = latest_reading.c, insert.excluded
    return insert.on_conflict_do_update(
        index_elements=[held.probe, held.is_judged],
        set_={name: new[name] for name in ("boot", "seq", "at_unix_ms", "milli_celsius", "fault", "is_last_known")},
        where=tuple_(new.at_unix_ms, new.boot, new.seq) > tuple_(held.at_unix_ms, held.boot, held.seq),
    )


def _counting_on(insert: Any) -> Any:
    counted = letters_not_kept.c
    return insert.on_conflict_do_update(
        index_elements=[counted.device_id, counted.reason, counted.hour_at], set_={"number": counted.number + 1}
    )


_SPANS_OF = select(aside_span.c.from_unix_ms, aside_span.c.until_unix_ms).where(
    aside_span.c.turn_seq == bindparam("turn_seq")
)
_ENGINES: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_INSERT_NEW = {name: insert(reading).on_conflict_do_nothing().returning(*IDENTITY) for name, insert in _ENGINES.items()}
_COUNT_LETTER = {name: _counting_on(insert(letters_not_kept)) for name, insert in _ENGINES.items()}
_KEEP_LATEST = {name: _keeping_latest(insert(latest_reading)) for name, insert in _ENGINES.items()}


def count_letter(connection: Connection, device_id: str, reason: str, hour_at: datetime) -> None:
    """Count a letter that is not kept."""
    values = {"device_id": device_id, "reason": reason, "hour_at": hour_at, "number": 1}
    connection.execute(_COUNT_LETTER[connection.dialect.name], values)


def places_of_probes(connection: Connection) -> Mapping[str, str | None]:
    """Return where each probe stands: its latest record's place, or None."""
    rows = connection.execute(select(probe.c.probe_id, probe.c.place_code).order_by(probe.c.journal_seq))
    return {row.probe_id: row.place_code for row in rows}


def to_unix_ms(at: datetime) -> int:
    """Return an instant as readings keep it: whole milliseconds, rounded down."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_unix_ms(unix_ms: int) -> datetime:
    """Return the aware UTC instant of a reading's column."""
    return _EPOCH + timedelta(milliseconds=unix_ms)
