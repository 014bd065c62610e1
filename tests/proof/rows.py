"""Everything a database holds, read raw: what the invariants are checked against."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Column, Connection, RowMapping, Table, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.journal import journal, record_tables
from clinic_server.visits.tables import visit_now

Row = RowMapping
NOT_LOOKED_AT = {"agent", "agent_ended", "device", "device_retired", "probe"}  # no clinical act of theirs


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
        for table in record_tables():
            if table.name not in NOT_LOOKED_AT:
                self._read_table(connection, table, table.c.journal_seq)
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
