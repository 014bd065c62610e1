"""Everything a database holds, read raw: what the invariants are checked against."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    CompoundSelect,
    Connection,
    RowMapping,
    Table,
    bindparam,
    exists,
    literal,
    select,
    union_all,
)

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.journal import journal, record_tables
from clinic_server.visits.tables import visit_now

Row = RowMapping
NOT_LOOKED_AT = {"agent", "agent_ended", "device", "device_retired", "probe"}  # no clinical act of theirs


@cache
def _looked_at() -> Sequence[Table]:
    return [table for table in record_tables() if table.name not in NOT_LOOKED_AT]


@cache
def _grown() -> CompoundSelect[tuple[str]]:
    """Ask every table at once whether it grew: of a hundred and seventy few do in one step."""
    later = bindparam("head", type_=BigInteger)
    return union_all(
        *(select(literal(table.name)).where(exists().where(table.c.journal_seq > later)) for table in _looked_at())
    )


@dataclass(slots=True)
class Rows:
    """All records by table, each table in journal order; ``zone`` is the site's."""

    keyring: Keyring
    zone: ZoneInfo
    head: int = 0
    tables: dict[str, list[Row]] = field(default_factory=dict)
    _by: dict[tuple[str, str], dict[Any, list[Row]]] = field(default_factory=dict)

    def read_on(self, connection: Connection) -> None:
        """Read what was appended since the last time, and the cache of where visits stand anew."""
        grown = set(connection.execute(_grown(), {"head": self.head}).scalars())
        for table in _looked_at():
            if table.name in grown:
                self._read_table(connection, table, table.c.journal_seq)
            else:
                self.tables.setdefault(table.name, [])
        self._read_table(connection, journal, journal.c.seq)
        self.head = self.tables["journal"][-1]["seq"] if self.tables["journal"] else 0
        self.tables["visit_now"] = list(connection.execute(select(visit_now)).mappings())
        self._by.clear()

    def _read_table(self, connection: Connection, table: Table, order: Column[Any]) -> None:
        later = connection.execute(select(table).where(order > self.head).order_by(order)).mappings()
        self.tables.setdefault(table.name, []).extend(later)

    def all(self, table: str) -> list[Row]:
        """Return a table's rows, the earliest first."""
        return self.tables[table]

    def of(self, table: str, column: str, value: Any) -> list[Row]:
        """Return the rows whose column has a value, the earliest first."""
        index = self._by.get((table, column))
        if index is None:
            index = self._by[table, column] = defaultdict(list)
            for row in self.tables[table]:
                index[row[column]].append(row)
        return index.get(value, [])

    def one(self, table: str, value: Any, column: str = "id") -> Row:
        """Return the only row with this value."""
        (row,) = self.of(table, column, value)
        return row

    def opened(self, row: Row, table: str, column: str) -> Any:
        """Return what is sealed in a row as plain JSON."""
        return msgspec.json.decode(self.keyring.open(row[f"{column}_sealed"], f"{table}:{column}:{row['id']}"))

    def day(self, instant: Any) -> date:
        """Return the date of an instant at the site."""
        local: date = instant.astimezone(self.zone).date()
        return local


def age_on(born_on: date, day: date) -> int:
    """Count whole years, birthday by birthday."""
    years = 0
    while _birthday(born_on, years + 1) <= day:
        years += 1
    return years


def _birthday(born_on: date, years: int) -> date:
    try:
        return born_on.replace(year=born_on.year + years)
    except ValueError:  # born on 29 February
        return date(born_on.year + years, 3, 1)
