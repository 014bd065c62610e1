"""The journal: one hash-chained line for every action, in the action's own transaction.

Each line also carries a digest of the records its action appended, so that a record altered,
removed or slipped in behind the server's back is found by ``verify`` as surely as an altered line.
"""

import hashlib
import heapq
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from itertools import groupby
from operator import attrgetter
from types import NoneType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, RowMapping, Table, insert, select
from sqlmodel import Field, SQLModel

from clinic_server.kit.tables import AppendOnly, Record, instant, table_of, text

GENESIS = bytes(32)
_Rows = Sequence[tuple[str, Mapping[Any, Any]]]
_Named = tuple[int, str, RowMapping]


class JournalLine(AppendOnly, table=True):
    """Who did what, where and when, by identifiers only; the order of all that happened at a site."""

    __tablename__ = "journal"

    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    id: UUID
    site: str = text(32)
    epoch: int
    at: datetime = instant()
    actor: str = text(64)
    station: str | None = text(32, default=None)
    kind: str = text(64)
    ref: str | None = text(64, default=None)
    digest: bytes = Field(sa_type=LargeBinary)
    previous_hash: bytes = Field(sa_type=LargeBinary)
    hash: bytes = Field(sa_type=LargeBinary)


journal = table_of(JournalLine)
_append = insert(journal)
_last = select(journal.c.seq, journal.c.hash, journal.c.epoch).order_by(journal.c.seq.desc()).limit(1)
_HASHED = ("seq", "id", "site", "epoch", "at", "actor", "station", "kind", "ref", "digest")


@dataclass(frozen=True, slots=True)
class Head:
    """The last line: its number and hash, and the epoch, which rises when the site is restored from a backup."""

    seq: int = 0
    hash: bytes = GENESIS
    epoch: int = 1


_UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)  # of what stands where no column can hold it


@dataclass(slots=True)
class Verification:
    """What ``verify`` saw; the chain holds when there are no faults."""

    lines: int = 0
    records: int = 0
    head: Head = field(default_factory=Head)
    faults: list[str] = field(default_factory=list)


def head_of(connection: Connection) -> Head:
    """Read the last line."""
    row = connection.execute(_last).first()
    return Head(*row) if row else Head()


def last_line_at(connection: Connection) -> datetime | None:
    """Return when the last line was written."""
    at: datetime | None = connection.execute(select(journal.c.at).order_by(journal.c.seq.desc()).limit(1)).scalar()
    return at


def is_head_ours(connection: Connection, key: bytes) -> bool:
    """Tell whether the last line was written with this key; an empty journal is anybody's."""
    line = connection.execute(select(journal).order_by(journal.c.seq.desc()).limit(1)).mappings().first()
    return line is None or hmac.compare_digest(line["hash"], _line_hash(key, line["previous_hash"], line))


def append_line(connection: Connection, key: bytes, head: Head, facts: Mapping[str, Any]) -> Head:
    """Append one line after ``head`` and return the new head."""
    line = {**facts, "seq": head.seq + 1, "previous_hash": head.hash}
    line["hash"] = _line_hash(key, head.hash, line)
    connection.execute(_append, line)
    return Head(line["seq"], line["hash"], line["epoch"])


def digest_of(rows: _Rows) -> bytes:
    """Return the SHA-256 of records given as (table name, values), in any order; empty columns do not count."""
    prints = sorted(_print_of(name, values) for name, values in rows)
    return hashlib.sha256(b"\n".join(prints)).digest()


def verify(connection: Connection, key: bytes, *, most_faults: int = 20) -> Verification:
    """Walk the whole chain and every record it vouches for."""
    seen = Verification()
    with ExitStack() as results:
        stream = connection.execution_options(yield_per=500)

        def rows_of(table: Table, order: Column[Any]) -> Iterator[RowMapping]:
            result = stream.execute(select(table).order_by(order))
            results.callback(result.close)
            return iter(result.mappings())

        records = groupby(
            heapq.merge(*(_named(table, rows_of(table, table.c.journal_seq)) for table in record_tables()), key=_seq),
            key=_seq,
        )
        try:
            for line, own in _paired(rows_of(journal, journal.c.seq), records, seen):
                _check_line(line, own, key, seen)
                if len(seen.faults) >= most_faults:
                    break
        except _UNREADABLE as error:  # a torn page holds anything
            seen.faults.append(f"after line {seen.head.seq} something is no record any more ({type(error).__name__})")
    return seen


def _named(table: Table, rows: Iterator[RowMapping]) -> Iterator[_Named]:
    return ((row["journal_seq"], table.name, row) for row in rows)


def _seq(record: _Named) -> int:
    return record[0]


def _paired(
    lines: Iterator[RowMapping],
    records: Iterator[tuple[int, Iterator[tuple[int, str, RowMapping]]]],
    seen: Verification,
) -> Iterator[tuple[RowMapping, _Rows]]:
    """Yield each line with the records that name it; records that name no line are faults."""
    end = (None, iter(()))
    seq, rows = next(records, end)
    for line in lines:
        while seq is not None and seq < line["seq"]:
            seen.faults.append(f"records name line {seq}, which does not exist")
            seq, rows = next(records, end)
        own: list[tuple[str, Mapping[Any, Any]]] = []
        if seq == line["seq"]:
            own = [(name, values) for _, name, values in rows]
            seq, rows = next(records, end)
        yield line, own
    while seq is not None:
        seen.faults.append(f"records name line {seq}, which does not exist")
        seq, rows = next(records, end)


def _check_line(line: RowMapping, own: _Rows, key: bytes, seen: Verification) -> None:
    number = line["seq"]
    if number != seen.head.seq + 1:
        seen.faults.append(f"line {number} follows line {seen.head.seq}")
    if line["previous_hash"] != seen.head.hash:
        seen.faults.append(f"line {number} does not continue the line before it")
    if not hmac.compare_digest(line["hash"], _line_hash(key, line["previous_hash"], line)):
        seen.faults.append(f"line {number} was altered")
    if line["epoch"] < seen.head.epoch:
        seen.faults.append(f"line {number} is of an earlier epoch than the line before it")
    if line["digest"] != digest_of(own):
        seen.faults.append(f"the records of line {number} were altered, removed or added to")
    seen.lines += 1
    seen.records += len(own)
    seen.head = Head(number, line["hash"], line["epoch"])


def record_tables() -> list[Table]:
    """Return the tables whose rows the journal vouches for."""
    by_name = SQLModel.metadata.tables
    names = {table_of(model).name for model in _subclasses(Record) if hasattr(model, "__table__")}
    return [by_name[name] for name in sorted(names)]


def _subclasses(model: type[SQLModel]) -> Iterator[type[SQLModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _subclasses(child)


def _line_hash(key: bytes, previous: bytes, line: Mapping[Any, Any]) -> bytes:
    content = "\x1f".join(_plain(line[name]) for name in _HASHED)
    return hmac.digest(key, previous + content.encode(), "sha256")


def _print_of(table_name: str, values: Mapping[Any, Any]) -> bytes:
    filled = (f"{name}={_plain(value)}" for name, value in sorted(values.items()) if value is not None)
    return "\x1f".join((table_name, *filled)).encode()


def _plain(value: Any) -> str:
    return _WAYS[type(value)](value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\x1f", "\\u").replace("\n", "\\n")


class _Ways(dict[type, Callable[[Any], str]]):
    """How a value is written, by its type; a type that has no line follows the first it is a kind of."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        way = next((way for known, way in self.items() if issubclass(kind, known)), lambda value: _escaped(str(value)))
        self[kind] = way
        return way


_WAYS: Final = _Ways(
    {
        NoneType: lambda _: "",
        UUID: attrgetter("hex"),
        bytes: bytes.hex,
        datetime: lambda at: at.astimezone(UTC).isoformat(timespec="microseconds"),  # before date, of which it is one
        date: date.isoformat,
        Enum: lambda member: str(member.value),  # before str
        bool: lambda value: str(int(value)),  # before int
        int: str,
        str: _escaped,
    }
)
